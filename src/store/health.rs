//! How the sinks are, for readiness and for the log.

use tokio::sync::watch;

/// How each sink is; cheap to clone.
#[derive(Clone, Debug)]
pub struct Health {
    sinks: watch::Receiver<Vec<SinkHealth>>,
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
    /// Every sink, in a fixed order.
    #[must_use]
    pub fn sinks(&self) -> Vec<SinkHealth> {
        self.sinks.borrow().clone()
    }

    /// Whether every sink can be used, as far as is known.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.sinks.borrow().iter().all(|sink| sink.away.is_none())
    }

    /// Waits until something about a sink is different; `false` if the store is gone.
    pub async fn changed(&mut self) -> bool {
        self.sinks.changed().await.is_ok()
    }

    /// Waits until the sinks are so, or the store is gone.
    pub async fn wait_for(&mut self, condition: impl Fn(&[SinkHealth]) -> bool) {
        // An error means that nothing will change any more.
        drop(self.sinks.wait_for(|sinks| condition(sinks)).await);
    }
}

/// Where the sinks' state is written.
#[derive(Debug, Default)]
pub(super) struct Gauges(watch::Sender<Vec<SinkHealth>>);

/// Where one sink's state is written.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    sink: &'static str,
    index: usize,
    sinks: watch::Sender<Vec<SinkHealth>>,
}

impl Gauges {
    /// A place for one more sink.
    pub(super) fn add(&self, sink: &'static str) -> Gauge {
        let index = self.0.borrow().len();
        self.0.send_modify(|sinks| sinks.push(SinkHealth { sink, ..SinkHealth::default() }));
        Gauge { sink, index, sinks: self.0.clone() }
    }

    pub(super) fn health(&self) -> Health {
        Health { sinks: self.0.subscribe() }
    }
}

impl Gauge {
    pub(super) fn sink(&self) -> &'static str {
        self.sink
    }

    pub(super) fn away(&self) -> Option<String> {
        self.sinks.borrow()[self.index].away.clone()
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut SinkHealth)) {
        self.sinks.send_modify(|sinks| change(&mut sinks[self.index]));
    }
}
