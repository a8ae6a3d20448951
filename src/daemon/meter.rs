//! The names of what is counted and measured; nothing else is sent to `/metrics`.

/// One metric of `/metrics`. Recorded by `metrics::counter!(Metric::Panics.name(), …)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Tasks that ended by a panic; label `task`.
    Panics,
    /// 1 while a part works, 0 while it does not; label `part`.
    PartUp,
}

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Panics, Self::PartUp];

    /// Its name at `/metrics`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Panics => "telephonist_panics_total",
            Self::PartUp => "telephonist_part_up",
        }
    }

    /// What it counts, for whoever reads `/metrics`.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Panics => "Tasks that ended by a panic; each is a bug.",
            Self::PartUp => "1 while the part works, 0 while it does not.",
        }
    }

    /// How it behaves.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Panics => Kind::Counter,
            Self::PartUp => Kind::Gauge,
        }
    }
}
