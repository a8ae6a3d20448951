//! Frames that are voice or not → where speech starts and stops.

use super::FRAME_MS;
use super::vad::{VadEvent, VadSettings};

/// The longest gap inside a word, ms: the stop of a t or k, or a frame the model is in doubt about. What
/// has not become speech yet is forgotten after a longer one.
const GAP_MS: u64 = 100;

/// A sound this long takes back the silence that ends a sentence, ms; a click does not.
const RETURN_MS: u64 = 60;

/// Whether somebody speaks, as far as it can be told from one answer for each frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Segmenter {
    /// Nobody speaks.
    #[default]
    Quiet,
    /// There is a sound that may become speech.
    Sound {
        /// Since its first frame, ms.
        since_ms: u64,
        /// How much of it was voice, ms.
        active_ms: u64,
        /// Since the last frame of voice, ms.
        gap_ms: u64,
    },
    /// The caller speaks.
    Speech {
        /// Since it was last certain that he does, ms.
        silent_ms: u64,
        /// How long a sound has lasted that may take the silence back, ms.
        active_ms: u64,
    },
}

impl Segmenter {
    /// Takes the answer for one more frame of 20 ms. `early_ms` is how long before this frame a sound
    /// that begins with it began in truth.
    pub fn push(
        &mut self,
        settings: &VadSettings,
        is_voice: bool,
        early_ms: u64,
    ) -> Option<VadEvent> {
        match self {
            Self::Quiet if !is_voice => return None,
            Self::Quiet => {
                let since_ms = FRAME_MS + early_ms;
                *self = Self::Sound { since_ms, active_ms: FRAME_MS, gap_ms: 0 };
            }
            Self::Sound { since_ms, active_ms, gap_ms } => {
                *since_ms += FRAME_MS;
                if is_voice {
                    *active_ms += FRAME_MS;
                    *gap_ms = 0;
                } else {
                    *gap_ms += FRAME_MS;
                }
            }
            Self::Speech { silent_ms, active_ms } => {
                *active_ms = if is_voice { *active_ms + FRAME_MS } else { 0 };
                *silent_ms = if *active_ms >= RETURN_MS { 0 } else { *silent_ms + FRAME_MS };
            }
        }
        match *self {
            Self::Sound { gap_ms, .. } if gap_ms > GAP_MS => {
                *self = Self::Quiet;
                None
            }
            Self::Sound { since_ms, active_ms, gap_ms } if active_ms >= settings.min_active_ms => {
                *self = Self::Speech { silent_ms: gap_ms, active_ms };
                Some(VadEvent::Started { ago_ms: since_ms })
            }
            Self::Speech { silent_ms, .. }
                if silent_ms >= settings.end_silence_ms.max(FRAME_MS) =>
            {
                *self = Self::Quiet;
                Some(VadEvent::Stopped { ago_ms: silent_ms })
            }
            _ => None,
        }
    }

    /// True from `Started` to `Stopped`.
    #[must_use]
    pub fn is_speaking(self) -> bool {
        matches!(self, Self::Speech { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames as signs, `#` voice and `.` none; what happens at which frame.
    fn events(frames: &str) -> Vec<(usize, VadEvent)> {
        let settings = VadSettings { min_active_ms: 100, end_silence_ms: 200, filter: 0.0 };
        let mut segmenter = Segmenter::default();
        let frames = frames.chars().enumerate();
        frames
            .filter_map(|(at, frame)| Some((at, segmenter.push(&settings, frame == '#', 0)?)))
            .collect()
    }

    fn started(at: usize, ago_ms: u64) -> (usize, VadEvent) {
        (at, VadEvent::Started { ago_ms })
    }

    fn stopped(at: usize, ago_ms: u64) -> (usize, VadEvent) {
        (at, VadEvent::Stopped { ago_ms })
    }

    #[test]
    fn speech_starts_after_its_least_time_and_began_before() {
        assert_eq!(events("..#####"), [started(6, 100)]);
        assert_eq!(events("..####.........."), []);
    }

    #[test]
    fn a_short_gap_does_not_count_and_does_not_reset() {
        assert_eq!(events("###..#.#"), [started(7, 160)]);
        assert_eq!(events("###......##"), []);
    }

    #[test]
    fn silence_ends_it_once() {
        assert_eq!(events("#####........................"), [started(4, 100), stopped(14, 200)]);
    }

    #[test]
    fn a_click_does_not_take_the_silence_back_and_a_word_does() {
        assert_eq!(events("#####...#......"), [started(4, 100), stopped(14, 200)]);
        assert_eq!(events("#####...###.........."), [started(4, 100), stopped(20, 200)]);
    }

    #[test]
    fn settings_of_nothing_do_not_flap_within_a_frame() {
        let settings = VadSettings { min_active_ms: 0, end_silence_ms: 0, filter: 0.0 };
        let mut segmenter = Segmenter::default();
        assert_eq!(segmenter.push(&settings, false, 0), None);
        let started = segmenter.push(&settings, true, 40);
        assert_eq!(started, Some(VadEvent::Started { ago_ms: 60 }));
        assert_eq!(segmenter.push(&settings, false, 0), Some(VadEvent::Stopped { ago_ms: 20 }));
    }
}
