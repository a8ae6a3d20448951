//! What the mouth and the recorder count and measure.

use std::time::Duration;

use crate::engine::Tick;

/// A metric of the mouth or the recorder.
#[derive(Clone, Copy, Debug)]
enum Meter {
    /// From a request to its first audio, s; labels `voice`, `outcome`.
    TtsSeconds,
    /// Synthesised audio that was there already; label `from`.
    TtsHits,
    /// Synthesised audio that had to be made.
    TtsMisses,
    /// Synthesised audio that the disk did not take.
    TtsUnsaved,
    /// Recordings that were not made, or not to their end.
    Unrecorded,
}

impl Meter {
    /// The name at `/metrics`.
    const fn name(self) -> &'static str {
        match self {
            Self::TtsSeconds => "telephonist_tts_seconds",
            Self::TtsHits => "telephonist_tts_cache_hits_total",
            Self::TtsMisses => "telephonist_tts_cache_misses_total",
            Self::TtsUnsaved => "telephonist_tts_cache_unsaved_total",
            Self::Unrecorded => "telephonist_recordings_lost_total",
        }
    }
}

/// A voice, a configured one or `ttsurl`, was asked, and this came of it.
pub(super) fn spoke(voice: &str, outcome: &'static str, (began, ended): (Tick, Tick)) {
    let seconds = Duration::from_millis(ended.ms_since(began)).as_secs_f64();
    let voice = voice.to_owned();
    metrics::histogram!(Meter::TtsSeconds.name(), "voice" => voice, "outcome" => outcome)
        .record(seconds);
}

/// Audio of a voice was there: in `memory`, on `disk`, or being made for another call (`shared`).
pub(super) fn hit(from: &'static str) {
    metrics::counter!(Meter::TtsHits.name(), "from" => from).increment(1);
}

/// Audio of a voice had to be made.
pub(super) fn missed() {
    metrics::counter!(Meter::TtsMisses.name()).increment(1);
}

/// Audio of a voice could not be kept.
pub(super) fn unsaved() {
    metrics::counter!(Meter::TtsUnsaved.name()).increment(1);
}

/// A recording is not made, or ends early.
pub(super) fn unrecorded() {
    metrics::counter!(Meter::Unrecorded.name()).increment(1);
}
