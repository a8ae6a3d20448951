//! The caller's speech: while it lasts, until it has become text, and when it was.

use std::collections::VecDeque;

use smol_str::SmolStr;

use crate::engine::{Now, Tick};

/// Speech that has begun and was not told of as a sentence yet.
#[derive(Debug)]
pub(super) struct Speech {
    pub(super) started: Now,
    /// Audio played when it began, even if it stopped the audio within the same ms.
    pub(super) over_audio: bool,
    pub(super) stopped: Option<Now>,
    /// What was understood so far.
    pub(super) partial: SmolStr,
}

/// Pieces of speech whose text has not come and which the caller has gone on after. A recogniser that
/// is so far behind has lost them.
const AWAITED_MAX: usize = 4;

/// Sentences of one action that are kept until they are told; of more, the newest are (N21).
const SENTENCES_MAX: usize = 32;

/// A recogniser that is lost is no news if a sentence failed so shortly before, for that, ms.
const SAME_FAILURE_MS: u64 = 100;

/// What the caller is saying, and has said while its text is still to come. Texts come in the order
/// of speech.
#[derive(Debug, Default)]
pub(super) struct Speeches {
    current: Option<Speech>,
    awaited: VecDeque<Speech>,
    /// Nobody waits for their texts any more, and they may come all the same (T3).
    overdue: VecDeque<Speech>,
}

impl Speeches {
    /// True if something is being said or awaited.
    pub(super) fn is_any(&self) -> bool {
        self.current.is_some() || !self.awaited.is_empty()
    }

    /// True while the caller speaks.
    pub(super) fn goes_on(&self) -> bool {
        self.current.as_ref().is_some_and(|speech| speech.stopped.is_none())
    }

    /// The caller begins to speak; false if they did so before.
    pub(super) fn begin(&mut self, speech: Speech) -> bool {
        if self.goes_on() {
            return false;
        }
        self.overdue.clear();
        if let Some(before) = self.current.replace(speech) {
            if self.awaited.len() == AWAITED_MAX {
                self.awaited.pop_front();
            }
            self.awaited.push_back(before);
        }
        true
    }

    /// What was begun last, until its text has come.
    pub(super) fn current(&mut self) -> Option<&mut Speech> {
        self.current.as_mut()
    }

    /// What was understood so far of it.
    pub(super) fn partial(&self) -> &str {
        self.current.as_ref().map_or("", |speech| &speech.partial)
    }

    /// The speech whose text has come.
    pub(super) fn take(&mut self) -> Option<Speech> {
        let awaited = self.awaited.pop_front().or_else(|| self.current.take());
        awaited.or_else(|| self.overdue.pop_front())
    }

    /// What has been said is not waited for any more.
    pub(super) fn give_up(&mut self) {
        let said = self.current.take_if(|speech| speech.stopped.is_some());
        self.overdue = self.awaited.drain(..).chain(said).collect();
    }

    /// Nothing is being said or awaited.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// When a piece of speech was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub(super) started: Now,
    pub(super) ended: Now,
    /// Audio played when it began.
    pub(super) over_audio: bool,
}

impl Speech {
    /// When it was, if its end is told of now.
    pub(super) fn interval(&self, now: Now) -> Interval {
        let ended = self.stopped.unwrap_or(now);
        Interval { started: self.started, ended, over_audio: self.over_audio }
    }
}

impl Interval {
    /// Speech of which nobody told that it began.
    pub(super) fn moment(now: Now) -> Self {
        Self { started: now, ended: now, over_audio: false }
    }
}

/// Why a sentence was not understood last, and when that was told.
#[derive(Debug, Default)]
pub(super) struct LastFailure(Option<(SmolStr, Tick)>);

impl LastFailure {
    pub(super) fn note(&mut self, error: &SmolStr, now: Tick) {
        self.0 = Some((error.clone(), now));
    }

    /// True if this was told of a sentence just now.
    pub(super) fn is_same(&self, error: &SmolStr, now: Tick) -> bool {
        let told = self.0.as_ref();
        told.is_some_and(|(told, at)| told == error && now.ms_since(*at) < SAME_FAILURE_MS)
    }
}

/// Keeps one more of what was said, and no more than so many.
pub(super) fn keep<T>(kept: &mut Vec<T>, one: T) {
    if kept.len() >= SENTENCES_MAX {
        kept.remove(0);
    }
    kept.push(one);
}
