//! What was measured, and how it is shown.

use std::time::Duration;

/// How long the daemon took, each time since the event was about to be written.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// From the beginning of speech over a prompt to `uuid_break`.
    pub(crate) breaks: Vec<Duration>,
    /// From a sentence to the first command for its channel.
    pub(crate) commands: Vec<Duration>,
    /// From a sentence to the command that plays the answer.
    pub(crate) answers: Vec<Duration>,
}

/// The order statistics of a set of times.
#[derive(Clone, Copy, Debug)]
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

    /// A row of a table.
    pub(crate) fn print(&self, what: &str) {
        let Self { count, p50, p99, longest } = self;
        let [p50, p99, longest] = [p50, p99, longest].map(Duration::as_micros);
        println!("| {what} | {count} | {p50} | {p99} | {longest} |");
    }
}
