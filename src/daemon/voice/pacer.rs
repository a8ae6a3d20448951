//! When the frames of a line are due (S30). Pure.

use std::time::Duration;

/// The time between two frames of a line.
pub(super) const FRAME: Duration = Duration::from_millis(20);

/// The frame time is cut into so many slots of a millisecond; lines are spread over them.
pub(super) const SLOTS: usize = 20;

/// A line that is late sends this many frames at once at most, and then goes on from now: a backlog
/// that comes in one burst is heard as such.
const AT_ONCE_MAX: u32 = 2;

/// When the next frame of one line is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    due: Duration,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Frames to send.
    pub(super) frames: u32,
    /// How late the first of them is.
    pub(super) late: Duration,
    /// Frames that will never be sent.
    pub(super) lost: u32,
}

impl Pace {
    /// The first frame is due now.
    pub(super) fn new(now: Duration) -> Self {
        Self { due: now }
    }

    /// The frames that are due by now.
    pub(super) fn due(&mut self, now: Duration) -> Due {
        let Some(late) = now.checked_sub(self.due) else {
            return Due { frames: 0, late: Duration::ZERO, lost: 0 };
        };
        let behind = late.as_nanos() / FRAME.as_nanos() + 1;
        let behind = u32::try_from(behind).unwrap_or(u32::MAX);
        let frames = behind.min(AT_ONCE_MAX);
        let lost = behind - frames;
        self.due = if lost > 0 { now + FRAME } else { self.due + FRAME * frames };
        Due { frames, late, lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(pace: &mut Pace, at_ms: u64) -> (u32, u128, u32) {
        let due = pace.due(Duration::from_millis(at_ms));
        (due.frames, due.late.as_millis(), due.lost)
    }

    /// S30: a frame each 20 ms; a late one shifts none after it.
    #[test]
    fn a_late_frame_does_not_shift_the_next_s30() {
        let mut pace = Pace::new(Duration::from_millis(100));
        assert_eq!(due(&mut pace, 99), (0, 0, 0));
        assert_eq!(due(&mut pace, 100), (1, 0, 0));
        assert_eq!(due(&mut pace, 110), (0, 0, 0));
        assert_eq!(due(&mut pace, 137), (1, 17, 0));
        assert_eq!(due(&mut pace, 140), (1, 0, 0));
    }

    /// S30: two frames at once at most, and then a new base.
    #[test]
    fn a_backlog_is_not_sent_in_a_burst_s30() {
        let mut pace = Pace::new(Duration::ZERO);
        assert_eq!(due(&mut pace, 0), (1, 0, 0));
        assert_eq!(due(&mut pace, 45), (2, 25, 0));
        assert_eq!(due(&mut pace, 60), (1, 0, 0));
        assert_eq!(due(&mut pace, 1_085), (2, 1_005, 49));
        assert_eq!(due(&mut pace, 1_104), (0, 0, 0));
        assert_eq!(due(&mut pace, 1_105), (1, 0, 0));
    }
}
