//! How long to wait before trying again.

use std::time::Duration;

/// The first wait: a restarted service is usually back within it.
const DELAY_MIN: Duration = Duration::from_millis(100);

/// The longest wait: a sink that is back is used again within it, and one that is away for a day
/// is asked no more than 17,280 times.
const DELAY_MAX: Duration = Duration::from_secs(5);

/// Waits that double from [`DELAY_MIN`] to [`DELAY_MAX`].
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    /// Begins with the shortest wait.
    pub(super) const fn new() -> Self {
        Self { next: DELAY_MIN }
    }

    /// The wait after one more failure.
    pub(super) fn delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = (delay * 2).min(DELAY_MAX);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new();
        let delays: Vec<_> = (0..8).map(|_| backoff.delay().as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }
}
