//! A piece of speech: while it lasts, and when it was.

use smol_str::SmolStr;

use crate::engine::Now;

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
