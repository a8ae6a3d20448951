//! The end of an action: what it leads to (E61, E66, E75, E76).

use std::sync::Arc;

use smol_str::SmolStr;

use super::call::{CONFIRMATION_MS, Robot};
use super::explain::Explain;
use super::input::EndReason;
use super::jump::Next;
use super::matching::Choice;
use super::nlp::Meant;
use super::row::ResponseType;
use super::said::{Utterance, complete_word, sentences};
use super::state::Phase;
use super::time::{Now, Wall};
use super::waiting::Question;
use super::written::Cause;
use crate::script::normalize;

/// What the end of an action leads to.
enum Completion {
    Answer(Choice),
    /// The NLP service is asked about the sentence at this place.
    Ask {
        sentence: usize,
        text: String,
    },
    NoInput,
    NoWayOn,
}

/// The end of an action, as far as it has been looked at.
pub(super) struct Ending {
    pub(super) args: SmolStr,
    /// When it came.
    pub(super) start: Wall,
    /// The sentence in it that is next.
    pub(super) sentence: usize,
    /// What the NLP service made of that sentence, if it was asked.
    pub(super) meant: Option<Meant>,
}

impl Robot {
    /// E75, E76, E61, E66.
    pub(super) fn complete(&mut self, appid: Option<SmolStr>, args: &str, now: Now) {
        let is_current = appid.is_none_or(|appid| appid == self.state.appid);
        if !self.state.running || !is_current {
            return;
        }
        let word = complete_word(args);
        match &self.state.phase {
            Phase::Talking => {}
            Phase::Goodbye(_) if word == "HANGUP" => {
                self.state.phase = Phase::Dead { due: now.tick.plus_ms(CONFIRMATION_MS) };
                return;
            }
            Phase::Goodbye(exit) => return self.leave(exit.clone(), now),
            Phase::Leaving { reason, .. } => {
                let failed_transfer = *reason != EndReason::SendBye && word == "ERROR";
                if !failed_transfer {
                    return;
                }
                self.state.phase = Phase::Talking;
            }
            Phase::Dead { .. } | Phase::Ended => return,
        }
        if word != "HANGUP" && self.audio_alone_ended(now) {
            return;
        }
        self.state.running = false;
        if self.state.waits && word != "ERROR" {
            self.state.immediate = 0;
        } else if self.goes_in_circles(now) {
            return;
        }
        if word == "HANGUP" {
            self.state.phase = Phase::Dead { due: now.tick.plus_ms(CONFIRMATION_MS) };
        } else if let Some(prompt) = self.state.jump_after.take() {
            self.next = Some(Next::Jump(self.jump_of(prompt, now)));
            return;
        }
        if word == "HANGUP" && !self.state.event_after_hangup {
            let cause = Cause::complete(self, args.into(), now.wall);
            return self.no_answer(cause, ResponseType::None, now);
        }
        let ending = Ending { args: args.into(), start: now.wall, sentence: 0, meant: None };
        self.decide_ending(ending, Explain::new(self.explain), now);
    }

    /// E75: what the end of the action leads to; it may be that a service is asked first.
    pub(super) fn decide_ending(&mut self, ending: Ending, mut explain: Explain, now: Now) {
        let completion = self.completion(&ending, now, &mut explain);
        if let Completion::Ask { sentence, text } = completion {
            let Ending { args, start, .. } = ending;
            let question = Question::Complete { args, sentence, start };
            return self.ask_nlp(&text, question, explain, now);
        }
        self.tell(explain);
        let answer = ending.meant.unwrap_or_default().answer;
        let cause = Cause::complete(self, ending.args, ending.start).meaning(answer);
        match completion {
            Completion::Answer(choice) => self.answer(cause, choice, now),
            _ if self.is_dead() => self.no_answer(cause, ResponseType::None, now),
            Completion::NoInput => self.no_input(cause, now),
            Completion::NoWayOn | Completion::Ask { .. } => {
                self.hang_up_for_want_of_a_way(cause, now);
            }
        }
    }

    fn completion(&mut self, ending: &Ending, now: Now, explain: &mut Explain) -> Completion {
        let args = ending.args.as_str();
        let word = complete_word(args);
        if ending.meant.is_none() {
            let position = self.position(now);
            let choice = position.branch(explain).or_else(|| position.complete(args, explain));
            if let Some(choice) = choice {
                return Completion::Answer(choice);
            }
        }
        // What was noise when it was said is noise here, and silence is not broken by it.
        let mut said = sentences(args);
        said.retain(|sentence| !self.position(now).is_noise(&normalize(sentence.text)));
        let mut meant = ending.meant.as_ref();
        for (at, sentence) in said.iter().enumerate().skip(ending.sentence) {
            let asked = meant.take();
            if asked.is_none()
                && (sentence.is_filtered(&self.node().filter.text) || self.is_spent(sentence.kind))
            {
                continue;
            }
            if asked.is_none() && self.is_sent_to_nlp(sentence.kind) {
                return Completion::Ask { sentence: at, text: sentence.to_string() };
            }
            let keyword = asked.map_or("", |meant| meant.keyword.as_str());
            let choice =
                self.position(now).meant_or_said(keyword, &normalize(sentence.text), explain);
            if let Some(choice) = choice {
                if sentence.kind == Utterance::Final {
                    self.state.intent.responded();
                }
                return Completion::Answer(choice);
            }
        }
        let position = self.position(now);
        if let Some(choice) = position.complete_of_sources(args, explain) {
            return Completion::Answer(choice);
        }
        if word == "TIMEOUT" && said.is_empty() && self.may_prompt_again() {
            return Completion::NoInput;
        }
        let any = self.position(now).complete_any(explain);
        any.map_or(Completion::NoWayOn, Completion::Answer)
    }

    /// True if the action waits for more than its audio, which is over: for digits, or for an answer.
    fn audio_alone_ended(&mut self, now: Now) -> bool {
        if self.collect_audio_ended(now) {
            return true;
        }
        match self.http_audio_ended() {
            None => false,
            Some(None) => true,
            Some(Some(ended)) => {
                self.complete(None, &ended, now);
                true
            }
        }
    }

    /// E61: counts the time-out; true if the node has something to say about it.
    fn may_prompt_again(&mut self) -> bool {
        let timeouts = self.state.counters.timeouts.saturating_add(1);
        self.state.counters.timeouts = timeouts;
        let node = self.node();
        timeouts <= node.timeout_repetition.unwrap_or(1) && !node.audio.timeout.is_empty()
    }

    fn no_input(&mut self, cause: Cause, now: Now) {
        let script = Arc::clone(&self.script);
        let audio = &script.node(self.state.node).audio.timeout;
        let timeouts = self.state.counters.timeouts;
        self.prompt_at_node(cause, ResponseType::Timeout, timeouts, audio, now);
    }
}
