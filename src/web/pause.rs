//! How long to wait before a request is sent again.

use std::time::Duration;

/// The first pause at most, ms: a service that is loaded anew is often back within it, and a caller
/// who waits for the answer does not notice.
const PAUSE_MS_MIN: u64 = 200;

/// The longest pause, ms.
const PAUSE_MS_MAX: u64 = 5_000;

/// Pauses that double, each with jitter, so that the calls of a service that was away do not come
/// back to it all at once.
#[derive(Debug)]
pub(super) struct Pauses {
    ms: u64,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { ms: PAUSE_MS_MIN }
    }
}

impl Pauses {
    /// The pause after one more failure: between half of it and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let random = u64::from(uuid::Uuid::new_v4().as_fields().0);
        let pause = self.ms / 2 + random % (self.ms / 2);
        self.ms = (self.ms * 2).min(PAUSE_MS_MAX);
        Duration::from_millis(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit_and_none_is_shorter_than_half() {
        let mut pauses = Pauses::default();
        for longest in [200, 400, 800, 1600, 3200, 5000, 5000] {
            let ms = pauses.next().as_millis();
            assert!((longest / 2..longest).contains(&ms), "{ms} of {longest}");
        }
    }
}
