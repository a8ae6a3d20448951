//! What the caller says: from the raw text to its answer (E40 to E44, E50).

use super::call::Robot;
use super::explain::Explain;
use super::input::Heard;
use super::matching::Choice;
use super::nlp::Meant;
use super::row::ResponseType;
use super::said::{Said, Utterance};
use super::state::Phase;
use super::time::Now;
use super::waiting::Question;
use super::written::{Cause, Response};
use crate::script::normalize;

impl Robot {
    /// E40 to E44, E50.
    pub(super) fn text(&mut self, heard: &Heard, now: Now) {
        let said = Said::parse(&heard.text).unwrap_or(Said::whole(&heard.text));
        if said.is_filtered(&self.node().filter.text) {
            return;
        }
        let cause = Cause::text(self, heard);
        if self.is_spent(said.kind) {
            if said.kind == Utterance::Final {
                self.no_answer(cause, ResponseType::None, now);
            }
            return;
        }
        self.state.counters.timeouts = 0;
        let is_current = heard.appid.as_ref().is_none_or(|appid| *appid == self.state.appid);
        // What is said to a web request answers nothing.
        let answers = self.state.running && self.state.request.is_none();
        if self.state.phase != Phase::Talking || !answers || !is_current {
            let is_over = self.state.phase != Phase::Talking;
            if said.kind == Utterance::Final || (said.kind == Utterance::Failed && !is_over) {
                self.no_answer(cause, ResponseType::None, now);
            }
            return;
        }
        let mut explain = Explain::new(self.explain);
        let text = normalize(said.text);
        if let Some(why) = self.position(now).noise(&text, heard.duration_ms, &mut explain) {
            // R8: a partial leaves no row.
            if said.kind != Utterance::Partial {
                self.tell(explain);
                self.row(cause, why, Response::none(ResponseType::NoiseRule), now);
            }
            return;
        }
        if !self.is_disabled(heard) {
            if self.is_sent_to_nlp(said.kind) {
                let question = Question::Text(heard.clone());
                return self.ask_nlp(&heard.text, question, explain, now);
            }
            return self.match_text(&said, heard, (Meant::default(), explain), now);
        }
        let choice = self.position(now).despite_disablebreak(&text, &mut explain);
        if choice.is_none() && said.kind == Utterance::Partial {
            return;
        }
        self.tell(explain);
        match choice {
            Some(choice) => self.answer_text(&said, cause, choice, now),
            None => self.no_answer(cause, ResponseType::DisableBreak, now),
        }
    }

    /// E50 steps 3 to 10, with the NLP service's answer if it was asked.
    pub(super) fn match_text(
        &mut self,
        said: &Said<'_>,
        heard: &Heard,
        (meant, mut explain): (Meant, Explain),
        now: Now,
    ) {
        let cause = Cause::text(self, heard).meaning(meant.answer);
        if said.kind == Utterance::Final {
            self.state.counters.sentences = self.state.counters.sentences.saturating_add(1);
            self.set_own("last_text", said.text);
        }
        let position = self.position(now);
        let text = normalize(said.text);
        let mut choice = position.meant_or_said(&meant.keyword, &text, &mut explain);
        if choice.is_none() && said.kind == Utterance::Final {
            choice = position.any_text(&mut explain);
        }
        if choice.is_none() && said.kind == Utterance::Partial {
            return;
        }
        self.tell(explain);
        match choice {
            Some(choice) => self.answer_text(said, cause, choice, now),
            None => {
                if said.kind == Utterance::Final {
                    self.state.intent.responded();
                }
                self.mismatch(cause, now);
            }
        }
    }

    /// E42, R2: true for the rest of a sentence of which a partial has matched; its `F` ends it.
    pub(super) fn is_spent(&mut self, kind: Utterance) -> bool {
        let is_spent = self.state.spent && kind != Utterance::Failed;
        if is_spent && kind == Utterance::Final {
            self.state.spent = false;
        }
        is_spent
    }

    fn answer_text(&mut self, said: &Said<'_>, cause: Cause, choice: Choice, now: Now) {
        match said.kind {
            Utterance::Final => self.state.intent.responded(),
            Utterance::Partial => self.state.spent = true,
            Utterance::Failed => {}
        }
        self.answer(cause, choice, now);
    }

    /// R12, R18: speech that began within the forbidden part of audio that still plays.
    fn is_disabled(&self, heard: &Heard) -> bool {
        let began_ms = heard.play_time_ms.saturating_sub(heard.duration_ms);
        heard.play_time_ms > 0 && self.forbids_break(began_ms)
    }

    /// E3: true if the caller can't interrupt at this moment of the audio, which may be before it.
    pub(super) fn forbids_break(&self, play_time_ms: i64) -> bool {
        let forbidden = i64::try_from(self.node().disablebreak_ms).unwrap_or(i64::MAX);
        forbidden > 0 && play_time_ms < forbidden
    }
}
