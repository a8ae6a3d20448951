//! How the sinks are, for readiness and for the log.

use std::sync::{Arc, Mutex, PoisonError};

/// How each sink is; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health {
    sinks: Arc<[Arc<Gauge>]>,
}

/// How one sink is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkHealth {
    /// `mysql`, `sqlite`, `redis`, `notify_url` or `log`.
    pub sink: &'static str,
    /// Why it can't be used now; `None` = it can, or was not needed yet.
    pub away: Option<String>,
    /// Rows it confirmed since the start.
    pub confirmed: u64,
    /// Rows it refused, now in the dead-letter file.
    pub dead_lettered: u64,
    /// Rows dropped because its queue was full.
    pub dropped: u64,
}

impl Health {
    pub(super) fn new(sinks: impl IntoIterator<Item = Arc<Gauge>>) -> Self {
        Self { sinks: sinks.into_iter().collect() }
    }

    /// Every sink, in a fixed order.
    #[must_use]
    pub fn sinks(&self) -> Vec<SinkHealth> {
        self.sinks.iter().map(|gauge| gauge.read()).collect()
    }

    /// Whether every sink can be used, as far as is known.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.sinks.iter().all(|gauge| gauge.read().away.is_none())
    }
}

/// Where one sink's state is kept.
#[derive(Debug)]
pub(super) struct Gauge {
    sink: &'static str,
    state: Mutex<SinkHealth>,
}

impl Gauge {
    pub(super) fn new(sink: &'static str) -> Arc<Self> {
        Arc::new(Self { sink, state: Mutex::new(SinkHealth { sink, ..SinkHealth::default() }) })
    }

    pub(super) fn sink(&self) -> &'static str {
        self.sink
    }

    pub(super) fn read(&self) -> SinkHealth {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut SinkHealth)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
