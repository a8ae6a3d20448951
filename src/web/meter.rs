//! What the web edge counts and measures.

use crate::engine::Tick;

/// A metric of the web edge.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meter {
    /// How long questions took, s; labels `kind`, `outcome`.
    Seconds,
    /// Requests that `egress` forbids; label `kind`.
    Refused,
    /// Messages that nobody took; label `why`.
    TellsLost,
}

impl Meter {
    /// The name at `/metrics`.
    const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "telephonist_web_seconds",
            Self::Refused => "telephonist_web_refused_total",
            Self::TellsLost => "telephonist_web_tells_lost_total",
        }
    }
}

/// A question had this outcome.
pub(super) fn asked(kind: &'static str, outcome: &'static str, (began, ended): (Tick, Tick)) {
    let seconds = std::time::Duration::from_millis(ended.ms_since(began)).as_secs_f64();
    let histogram =
        metrics::histogram!(Meter::Seconds.name(), "kind" => kind, "outcome" => outcome);
    histogram.record(seconds);
}

/// A request may not go where it is to go.
pub(super) fn refused(kind: &'static str) {
    metrics::counter!(Meter::Refused.name(), "kind" => kind).increment(1);
}

/// A message is lost.
pub(super) fn lost(why: &'static str) {
    metrics::counter!(Meter::TellsLost.name(), "why" => why).increment(1);
}
