//! The end of an action: what it leads to (E61, E66, E75, E76).

use std::sync::Arc;

use smol_str::SmolStr;

use super::call::{CONFIRMATION_MS, Robot};
use super::explain::Explain;
use super::input::EndReason;
use super::jump::Next;
use super::matching::Choice;
use super::row::ResponseType;
use super::said::{Utterance, complete_word, sentences};
use super::state::Phase;
use super::time::Now;
use super::written::Cause;
use crate::script::normalize;

/// What the end of an action leads to.
enum Completion {
    Answer(Choice),
    NoInput,
    NoWayOn,
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
        let cause = Cause::complete(self, args.into(), now.wall);
        if word == "HANGUP" && !self.state.event_after_hangup {
            return self.no_answer(cause, ResponseType::None, now);
        }
        let mut explain = Explain::new(self.explain);
        let choice = self.complete_choice(args, &word, now, &mut explain);
        self.tell(explain);
        match choice {
            Completion::Answer(choice) => self.answer(cause, choice, now),
            Completion::NoInput => self.no_input(cause, now),
            Completion::NoWayOn if word == "HANGUP" => {
                self.no_answer(cause, ResponseType::None, now);
            }
            Completion::NoWayOn => self.hang_up_for_want_of_a_way(cause, now),
        }
    }

    fn complete_choice(
        &mut self,
        args: &str,
        word: &str,
        now: Now,
        explain: &mut Explain,
    ) -> Completion {
        if let Some(choice) = self.position(now).complete(args, explain) {
            return Completion::Answer(choice);
        }
        let said = sentences(args);
        for sentence in &said {
            if sentence.is_filtered(&self.node().filter.text) || self.is_spent(sentence.kind) {
                continue;
            }
            let choice = self.position(now).concrete(&normalize(sentence.text), explain);
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
        let says_nothing = word == "TIMEOUT" && said.is_empty();
        if says_nothing && !position.names_complete(word) && self.may_prompt_again() {
            return Completion::NoInput;
        }
        let any = self.position(now).complete_any(explain);
        any.map_or(Completion::NoWayOn, Completion::Answer)
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
