//! While an answer is awaited from outside: what waits with it, and what ends the wait (E50).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::call::Robot;
use super::input::{Heard, Input};
use super::request::{Outcome, RequestId};
use super::row::ResponseType;
use super::said::{Said, Utterance};
use super::state::Phase;
use super::time::{Now, Tick, Wall};
use super::written::Cause;

/// Inputs that wait with an answer; one more, and the answer is given up (E50).
const WAITING_MAX: usize = 32;

/// An answer that is awaited, and what it is wanted for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Awaited {
    pub(super) id: RequestId,
    /// It is given up then.
    pub(super) due: Tick,
    pub(super) question: Question,
    /// What was tried before the question, if somebody wants it.
    pub(super) tried: Option<Vec<String>>,
}

/// What an NLP service was asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Question {
    /// Something the caller said.
    Text(Heard),
    /// The sentence at this place inside a COMPLETE, which came then.
    Complete { args: SmolStr, sentence: usize, start: Wall },
}

impl Robot {
    /// Takes an input, or lets it wait for the answer that is awaited.
    pub(super) fn take_or_hold(&mut self, input: Input, now: Now) {
        let Some(awaited) = &self.state.awaited else { return self.take(input, now) };
        match &input {
            Input::Dtmf { .. } => {
                let was_said = matches!(awaited.question, Question::Text(_));
                if was_said {
                    self.forget_question(now)
                } else {
                    self.give_up("a key", now)
                }
                self.take(input, now);
            }
            input if input.ends_the_line() => {
                self.flush_on_dead_line(now);
                self.take(input.clone(), now);
            }
            _ => self.hold(input, now),
        }
    }

    /// True while the answer to this question would change something.
    #[must_use]
    pub fn awaits(&self, id: RequestId) -> bool {
        let awaited = self.state.awaited.as_ref().is_some_and(|awaited| awaited.id == id);
        awaited || self.state.request.as_ref().is_some_and(|open| open.is_open() && open.id == id)
    }

    fn hold(&mut self, input: Input, now: Now) {
        if !keep(&mut self.state.waiting, input, &self.state.appid) {
            self.give_up("too much happened meanwhile", now);
        }
    }

    /// Takes what waited, until an answer is awaited again.
    pub(super) fn take_waiting(&mut self, now: Now) {
        while self.state.awaited.is_none() {
            let Some(input) = self.state.waiting.pop_front() else { return };
            self.take(input, now);
            self.run_on(now);
        }
    }

    /// The answer has come, or why there is none. One that nobody waits for ends here.
    pub(super) fn answered(&mut self, id: RequestId, outcome: &Outcome, now: Now) {
        if self.state.awaited.as_ref().is_some_and(|awaited| awaited.id == id) {
            self.nlp_answered(outcome, now);
        } else {
            self.http_answered(id, outcome, now);
        }
    }

    /// Goes on as if the service had failed.
    pub(super) fn give_up(&mut self, why: &str, now: Now) {
        self.nlp_answered(&Err(why.into()), now);
        self.run_on(now);
    }

    /// A key was pressed: what was said before it is written down and not answered (E50).
    fn forget_question(&mut self, now: Now) {
        let Some(awaited) = self.state.awaited.take() else { return };
        if let Question::Text(heard) = awaited.question {
            self.write_unanswered(&heard, now);
        }
        self.take_waiting(now);
    }

    fn write_unanswered(&mut self, heard: &Heard, now: Now) {
        if kind_of(&heard.text) != Utterance::Partial {
            let cause = Cause::text(self, heard);
            self.no_answer(cause, ResponseType::None, now);
        }
    }

    /// E76: the line is gone. Digits and sentences that waited are decided as far as they can be
    /// without an action.
    pub(super) fn flush_on_dead_line(&mut self, now: Now) {
        if self.state.phase != Phase::Talking {
            return;
        }
        self.state.phase = Phase::Dead { due: now.tick };
        self.decide_digits(now);
        let is_matched = self.state.event_after_hangup;
        match &self.state.awaited {
            Some(_) if is_matched => self.give_up("the caller hung up", now),
            Some(_) => self.forget_question(now),
            None => {}
        }
        for input in std::mem::take(&mut self.state.waiting) {
            self.take(input, now);
        }
        self.state.phase = Phase::Talking;
    }
}

impl Input {
    /// True if nothing can be played to the caller any more.
    pub(super) fn ends_the_line(&self) -> bool {
        match self {
            Self::Ended(_) => true,
            Self::Complete { args, .. } => super::said::complete_word(args) == "HANGUP",
            _ => false,
        }
    }
}

/// Lets an input wait; false if that is one too many. It belongs to the action in force now, not to
/// the one in force when it is looked at.
pub(super) fn keep(waiting: &mut Waiting, mut input: Input, current: &SmolStr) -> bool {
    if let Input::Text(Heard { appid, .. })
    | Input::Dtmf { appid, .. }
    | Input::Complete { appid, .. } = &mut input
    {
        appid.get_or_insert_with(|| current.clone());
    }
    if is_text(&input) && waiting.back().is_some_and(is_partial) {
        // Of one sentence the newest result waits (I10).
        waiting.pop_back();
    }
    waiting.push_back(input);
    waiting.len() <= WAITING_MAX
}

fn is_text(input: &Input) -> bool {
    matches!(input, Input::Text(_))
}

fn is_partial(input: &Input) -> bool {
    matches!(input, Input::Text(heard) if kind_of(&heard.text) == Utterance::Partial)
}

pub(super) fn kind_of(text: &str) -> Utterance {
    Said::parse(text).map_or(Utterance::Final, |said| said.kind)
}

/// The place in the queue, for a snapshot.
pub(super) type Waiting = VecDeque<Input>;
