//! The bounded queue before each sink.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::health::Gauge;
use super::meter::Meter;
use super::record::{Record, Written};

/// Rows that may wait for one sink: two minutes of 2000 calls that each write a row every five
/// seconds, about 100 MB.
const QUEUE_RECORDS_MAX: usize = 50_000;

/// Rows in one batch (I7).
pub(super) const BATCH_RECORDS_MAX: usize = 500;

/// Bytes of text in one batch: a quarter of the smallest `max_allowed_packet` that MySQL and
/// MariaDB have shipped with since 5.7 (4 MiB), as a text may double on the way.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// How long a batch waits for more rows (I7).
const BATCH_WAIT: Duration = Duration::from_millis(100);

/// Which rows a sink wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wants {
    /// All rows of `conversation`.
    pub(super) conversation: bool,
    /// The rows of `classify`.
    pub(super) classify: bool,
    /// The rows that end a call, if not all.
    pub(super) destroy: bool,
}

impl Wants {
    pub(super) fn anything(self) -> bool {
        self != Self::default()
    }

    fn takes(self, record: &Record) -> bool {
        match record.written {
            Written::Conversation(_) => self.conversation || (self.destroy && record.ends_call()),
            Written::Classify(_) => self.classify,
        }
    }
}

enum Message {
    Record(Record),
    /// Answered when all before it is settled.
    Mark(oneshot::Sender<()>),
}

/// The calls' end.
#[derive(Debug)]
pub(super) struct Queue {
    wants: Wants,
    sender: mpsc::Sender<Message>,
    overflowing: AtomicBool,
    gauge: Gauge,
}

/// The sink's end.
pub(super) struct Inbox {
    receiver: mpsc::Receiver<Message>,
    closing: watch::Receiver<bool>,
    /// What did not fit into the batch before.
    held_back: Option<Record>,
}

/// What is sent in one go, and who waits for it.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    pub(super) marks: Vec<oneshot::Sender<()>>,
}

/// A queue; `closing` turns true when no more rows are to be taken.
pub(super) fn queue(wants: Wants, gauge: Gauge, closing: watch::Receiver<bool>) -> (Queue, Inbox) {
    let (sender, receiver) = mpsc::channel(QUEUE_RECORDS_MAX);
    let queue = Queue { wants, sender, overflowing: AtomicBool::new(false), gauge };
    (queue, Inbox { receiver, closing, held_back: None })
}

impl Queue {
    /// Takes a row if the sink wants it; never waits. A row that finds the queue full is dropped
    /// and counted, and the log says so once until there is room again.
    pub(super) fn offer(&self, record: &Record) {
        if !self.wants.takes(record) {
            return;
        }
        let accepted = self.sender.try_send(Message::Record(record.clone())).is_ok();
        let was_overflowing = self.overflowing.swap(!accepted, Ordering::Relaxed);
        if !accepted {
            self.count_drop();
        }
        let sink = self.gauge.sink();
        match (was_overflowing, accepted) {
            (false, false) => tracing::error!(sink, "rows are dropped: the sink's queue is full"),
            (true, true) => tracing::warn!(sink, "rows are taken again"),
            (false, true) | (true, false) => {}
        }
    }

    /// Waits until everything taken so far is confirmed, or refused and in the dead-letter file.
    pub(super) async fn flush(&self) {
        let (settled, wait) = oneshot::channel();
        if self.sender.send(Message::Mark(settled)).await.is_ok() {
            // An error means that the sink's end is gone: there is nothing left to wait for.
            wait.await.unwrap_or_default();
        }
    }

    fn count_drop(&self) {
        Meter::Dropped.add(self.gauge.sink(), 1);
        self.gauge.update(|health| health.dropped += 1);
    }
}

impl Inbox {
    /// The next batch of at most `records_max`: what has come within [`BATCH_WAIT`] of its first
    /// row. `None` when the queue is closed and empty.
    pub(super) async fn next_batch(&mut self, records_max: usize) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        let mut message = match self.held_back.take() {
            Some(record) => Message::Record(record),
            None => self.receive().await?,
        };
        let deadline = Instant::now() + BATCH_WAIT;
        loop {
            match message {
                Message::Mark(settled) => {
                    batch.marks.push(settled);
                    return Some(batch);
                }
                Message::Record(record) => {
                    bytes += record.bytes();
                    if bytes > BATCH_BYTES_MAX && !batch.records.is_empty() {
                        self.held_back = Some(record);
                        return Some(batch);
                    }
                    batch.records.push(record);
                }
            }
            if batch.records.len() >= records_max {
                return Some(batch);
            }
            message = match timeout_at(deadline, self.receive()).await {
                Ok(Some(message)) => message,
                Ok(None) | Err(_) => return Some(batch),
            };
        }
    }

    async fn receive(&mut self) -> Option<Message> {
        tokio::select! {
            biased;
            message = self.receiver.recv() => message,
            () = closed(&mut self.closing) => {
                self.receiver.close();
                self.receiver.recv().await
            }
        }
    }
}

/// Waits until no more rows are to be taken; a worker that is gone means the same.
async fn closed(closing: &mut watch::Receiver<bool>) {
    drop(closing.wait_for(|closing| *closing).await);
}
