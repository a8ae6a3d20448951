//! What the store counts.

/// A counter of the store; each has the label `sink`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meter {
    /// Rows that a sink confirmed.
    Confirmed,
    /// Rows dropped because a sink's queue was full.
    Dropped,
    /// Rows that a sink refused and that went to the dead-letter file.
    DeadLettered,
    /// Times a sink was found away.
    Away,
    /// Texts cut to their column (E92).
    Cut,
}

impl Meter {
    /// The name at `/metrics`.
    const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "telephonist_rows_confirmed_total",
            Self::Dropped => "telephonist_rows_dropped_total",
            Self::DeadLettered => "telephonist_rows_dead_lettered_total",
            Self::Away => "telephonist_sink_away_total",
            Self::Cut => "telephonist_texts_cut_total",
        }
    }

    /// Adds `count`.
    pub(super) fn add(self, sink: &'static str, count: usize) {
        metrics::counter!(self.name(), "sink" => sink).increment(count as u64);
    }
}
