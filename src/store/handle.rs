//! What calls hold: the way in for rows.

use std::sync::Arc;

use super::health::Health;
use super::queue::Queue;
use super::record::{Notify, Record, Written};
use crate::engine::{Classify, Row};

/// Takes rows and never waits (N2); cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) queues: Arc<[Queue]>,
    pub(super) health: Health,
}

impl Store {
    /// Takes a row of `conversation`. A sink whose queue is full misses it; the drop is counted
    /// and logged. `notify` are the call's `notify_fields` variables (I3).
    pub fn conversation(&self, row: impl Into<Arc<Row>>, notify: &Notify) {
        self.offer(Written::Conversation(row.into()), notify);
    }

    /// Takes a call's row of `classify`, as [`Store::conversation`] does.
    pub fn classify(&self, row: impl Into<Arc<Classify>>, notify: &Notify) {
        self.offer(Written::Classify(row.into()), notify);
    }

    /// Waits until every sink has confirmed, or refused for good, all rows taken before. It waits
    /// as long as a sink is away, and for ever if nobody runs the worker.
    pub async fn flush(&self) {
        for queue in self.queues.iter() {
            queue.flush().await;
        }
    }

    /// How the sinks are.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    fn offer(&self, written: Written, notify: &Notify) {
        let record = Record { written, notify: Arc::clone(notify) };
        for queue in self.queues.iter() {
            queue.offer(&record);
        }
    }
}
