//! What recognisers are counted and measured by.

use std::time::Duration;

/// A metric of recognisers; label `recogniser` everywhere: its name, or `script`.
#[derive(Clone, Copy, Debug)]
enum Meter {
    /// Sentences, by what came of them; label `outcome`.
    Sentences,
    /// From the end of a sentence to its text, s.
    Seconds,
    /// Results that nobody waited for.
    Dropped,
}

impl Meter {
    /// The name at `/metrics`.
    const fn name(self) -> &'static str {
        match self {
            Self::Sentences => "telephonist_asr_sentences_total",
            Self::Seconds => "telephonist_asr_seconds",
            Self::Dropped => "telephonist_asr_dropped_total",
        }
    }
}

/// What came of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Words.
    Text,
    /// No words.
    Empty,
    /// The recogniser, or the connection to it, failed.
    Failed,
    /// There was no result in time.
    Timeout,
    /// It could not be reached.
    Away,
    /// Nobody wanted to know any more.
    Cancelled,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Empty => "empty",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Away => "away",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A sentence is done with.
pub(super) fn sentence(recogniser: &str, outcome: Outcome) {
    let labels = [("recogniser", recogniser.to_owned()), ("outcome", outcome.word().to_owned())];
    metrics::counter!(Meter::Sentences.name(), &labels).increment(1);
}

/// So long the caller waited for its text.
pub(super) fn waited(recogniser: &str, ms: u64) {
    let histogram =
        metrics::histogram!(Meter::Seconds.name(), "recogniser" => recogniser.to_owned());
    histogram.record(Duration::from_millis(ms).as_secs_f64());
}

/// A result came twice, or too late.
pub(super) fn dropped(recogniser: &str) {
    metrics::counter!(Meter::Dropped.name(), "recogniser" => recogniser.to_owned()).increment(1);
}
