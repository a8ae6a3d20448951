//! What is counted and measured of the audio of calls.

use std::time::Duration;

use crate::voice::TurnLatency;

/// A metric of the audio of calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meter {
    /// Lines with audio.
    Lines,
    /// How late frames were sent, s.
    Late,
    /// Frames that were not sent, because we were late or the other side does not read.
    FramesLost,
    /// From a caller's last word to the answer's first sound, s; label `part`.
    Turn,
    /// Audio that a slow recogniser did not take, frames.
    AsrOverflow,
    /// Seconds of recordings that a slow disk did not take.
    RecordOverflow,
}

impl Meter {
    /// The name at `/metrics`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Lines => "telephonist_voice_lines",
            Self::Late => "telephonist_voice_frame_late_seconds",
            Self::FramesLost => "telephonist_voice_frames_lost_total",
            Self::Turn => "telephonist_voice_turn_seconds",
            Self::AsrOverflow => "telephonist_voice_asr_overflow_total",
            Self::RecordOverflow => "telephonist_voice_record_overflow_total",
        }
    }
}

/// A turn took this.
pub(super) fn turn(turn: &TurnLatency) {
    let tell = |part: &'static str, ms: u64| {
        let seconds = Duration::from_millis(ms).as_secs_f64();
        metrics::histogram!(Meter::Turn.name(), "part" => part).record(seconds);
    };
    for (part, ms) in turn.parts() {
        tell(part, ms);
    }
    tell("total", turn.total_ms());
}
