//! What the daemon itself counts.

/// A metric of the daemon; the edges have their own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meter {
    /// Tasks that ended by a panic, each a bug; label `task`.
    Panics,
    /// Calls that run.
    Calls,
    /// Calls that were refused; label `why`.
    CallsRefused,
    /// 1 while a part works, 0 while it does not; label `part`.
    PartUp,
}

impl Meter {
    /// The name at `/metrics`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Panics => "telephonist_panics_total",
            Self::Calls => "telephonist_calls",
            Self::CallsRefused => "telephonist_calls_refused_total",
            Self::PartUp => "telephonist_part_up",
        }
    }
}
