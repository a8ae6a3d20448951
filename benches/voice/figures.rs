//! What was measured, and how it is shown.

use std::time::Duration;

/// What callers met, in the time that is measured.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// From the first frame of speech over a prompt to the prompt's last frame.
    pub(crate) barge_ins: Vec<Duration>,
    /// What a turn took beyond its endpointing, answered by a file.
    pub(crate) turns_of_files: Vec<Duration>,
    /// The same, answered by the voice, without the voice's own time.
    pub(crate) turns_of_voice: Vec<Duration>,
    /// Sentences with the answer that they ask for, with another, and with none.
    pub(crate) understood: usize,
    pub(crate) otherwise: usize,
    pub(crate) unanswered: usize,
    /// Frames of prompts.
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    /// Silence within a prompt that nobody interrupted.
    pub(crate) holes: usize,
    /// Frames that are neither silence nor of a prompt.
    pub(crate) strange: usize,
    /// Frames of callers that the daemon did not take.
    pub(crate) unsent: usize,
    /// How late we were ourselves with the frames of callers.
    pub(crate) own_late: Vec<Duration>,
}

impl Figures {
    /// True once each kind of time was measured.
    pub(crate) fn has_each_kind(&self) -> bool {
        let Self { barge_ins, turns_of_files, turns_of_voice, .. } = self;
        [barge_ins, turns_of_files, turns_of_voice].iter().all(|times| !times.is_empty())
    }
}

/// The order statistics of a set of times.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread {
    pub(crate) count: usize,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) longest: Duration,
}

impl Spread {
    /// All zero if there are none.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: usize| {
            let rank = (times.len() * share).div_ceil(100).saturating_sub(1);
            times.get(rank).copied().unwrap_or_default()
        };
        Self { count: times.len(), p50: at(50), p99: at(99), longest: at(100) }
    }

    /// Median, 99th percentile and longest, ms, as cells of a table.
    pub(crate) fn cells(&self) -> String {
        let [p50, p99, longest] = [self.p50, self.p99, self.longest].map(ms);
        format!("{p50:.1} | {p99:.1} | {longest:.1}")
    }
}

/// In milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
