//! The bounded queue before each sink.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

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
            (false, false) => tracing::error!(sink, "rows dropped: the queue is full or closed"),
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
        let mut waited = pin!(sleep(BATCH_WAIT));
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
            message = tokio::select! {
                message = self.receive() => match message {
                    Some(message) => message,
                    None => return Some(batch),
                },
                () = &mut waited => return Some(batch),
            };
        }
    }

    /// Done when no more rows are to be taken.
    pub(super) fn closed(&self) -> impl Future<Output = ()> + use<> {
        closed(self.closing.clone())
    }

    async fn receive(&mut self) -> Option<Message> {
        tokio::select! {
            biased;
            message = self.receiver.recv() => message,
            () = closed(self.closing.clone()) => {
                self.receiver.close();
                self.receiver.recv().await
            }
        }
    }
}

/// Waits until no more rows are to be taken; a worker that is gone means the same.
async fn closed(mut closing: watch::Receiver<bool>) {
    drop(closing.wait_for(|closing| *closing).await);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Classify;
    use crate::store::health::Gauges;

    #[tokio::test(start_paused = true)]
    async fn a_batch_ends_when_it_is_full_large_or_old() {
        let (queue, mut inbox, closing, _) = open();
        for _ in 0..BATCH_RECORDS_MAX + 3 {
            queue.offer(&record(0));
        }
        assert_eq!(next_len(&mut inbox).await, Some(BATCH_RECORDS_MAX));
        assert_eq!(next_len(&mut inbox).await, Some(3), "after a tenth of a second");
        for bytes in [BATCH_BYTES_MAX / 2, BATCH_BYTES_MAX * 2, BATCH_BYTES_MAX / 2] {
            queue.offer(&record(bytes));
        }
        assert_eq!(next_len(&mut inbox).await, Some(1));
        assert_eq!(next_len(&mut inbox).await, Some(1), "a row that is too large goes alone");
        assert_eq!(next_len(&mut inbox).await, Some(1));
        queue.offer(&record(0));
        closing.send_replace(true);
        assert_eq!(next_len(&mut inbox).await, Some(1), "closed, but not empty");
        assert_eq!(next_len(&mut inbox).await, None);
    }

    #[tokio::test]
    async fn a_full_queue_drops_and_counts() {
        let (queue, mut inbox, _closing, gauges) = open();
        for _ in 0..QUEUE_RECORDS_MAX + 7 {
            queue.offer(&record(0));
        }
        assert_eq!(gauges.health().sinks()[0].dropped, 7);
        assert_eq!(next_len(&mut inbox).await, Some(BATCH_RECORDS_MAX));
        queue.offer(&record(0));
        assert_eq!(gauges.health().sinks()[0].dropped, 7, "there is room again");
    }

    fn open() -> (Queue, Inbox, watch::Sender<bool>, Gauges) {
        let gauges = Gauges::default();
        let (closing, closed) = watch::channel(false);
        let wants = Wants { classify: true, ..Wants::default() };
        let (queue, inbox) = queue(wants, gauges.add("test"), closed);
        (queue, inbox, closing, gauges)
    }

    fn record(comment_bytes: usize) -> Record {
        let classify =
            Classify { comment: "x".repeat(comment_bytes).into(), ..Classify::default() };
        Record { written: Written::Classify(Arc::new(classify)), notify: Arc::default() }
    }

    async fn next_len(inbox: &mut Inbox) -> Option<usize> {
        Some(inbox.next_batch(BATCH_RECORDS_MAX).await?.records.len())
    }
}
