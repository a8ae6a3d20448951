//! One sink's loop: batch, send, try again, isolate what is refused (I7).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::dead_letter::DeadLetters;
use super::error::SendError;
use super::health::Gauge;
use super::meter::Meter;
use super::queue::Inbox;
use super::record::Record;

/// How long a sink may take for one batch. A half-open connection is found out by it; a healthy
/// database takes some milliseconds.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Where rows go.
pub(super) trait Sink {
    /// Its name in logs, metrics and the dead-letter file.
    fn name(&self) -> &'static str;

    /// Rows it takes at once.
    fn records_max(&self) -> usize;

    /// How often a batch may find the sink away before it counts as refused; `None` = for ever.
    fn attempts_max(&self) -> Option<u32> {
        None
    }

    /// Sends rows, in order, all or none. Connects first if need be; with no rows that is all.
    async fn send(&mut self, records: &[Record]) -> Result<(), SendError>;
}

/// A sink with its queue.
pub(super) struct Delivery<S> {
    pub(super) sink: S,
    pub(super) inbox: Inbox,
    pub(super) gauge: Gauge,
    pub(super) dead_letters: Arc<DeadLetters>,
}

/// The sink does not want these rows; the text says why.
struct Refusal(String);

impl<S: Sink> Delivery<S> {
    /// Delivers until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        self.meet().await;
        while let Some(batch) = self.inbox.next_batch(self.sink.records_max()).await {
            if !batch.records.is_empty() {
                self.deliver(&batch.records).await;
            }
            for settled in batch.marks {
                // Whoever asked may have stopped waiting.
                settled.send(()).unwrap_or_default();
            }
        }
    }

    /// Finds out whether the sink is there before a row needs it, and gives up when nothing is to be
    /// sent any more.
    async fn meet(&mut self) {
        let closed = self.inbox.closed();
        tokio::select! {
            // A refusal of nothing says no more than the refusal of the first row will.
            _ = self.send(&[]) => {}
            () = closed => {}
        }
    }

    /// Sends a batch; what is refused is halved until the row at fault stands alone. The rows
    /// keep their order.
    async fn deliver(&mut self, batch: &[Record]) {
        let mut pieces = vec![batch];
        while let Some(piece) = pieces.pop() {
            match (self.send(piece).await, piece) {
                (Ok(()), _) => self.confirm(piece.len()),
                (Err(refusal), [record]) => self.bury(record, &refusal).await,
                (Err(_), _) => {
                    let (first, second) = piece.split_at(piece.len() / 2);
                    pieces.extend([second, first]);
                }
            }
        }
    }

    /// Sends until the sink takes the rows or refuses them, however long it is away.
    async fn send(&mut self, records: &[Record]) -> Result<(), Refusal> {
        let mut backoff = Backoff::new();
        let mut attempts = 0;
        loop {
            let answer =
                timeout(SEND_TIMEOUT, self.sink.send(records)).await.unwrap_or_else(|_| {
                    Err(SendError::Away(format!("no answer within {} s", SEND_TIMEOUT.as_secs())))
                });
            let reason = match answer {
                Ok(()) => {
                    self.tell_back();
                    return Ok(());
                }
                Err(SendError::Refused(reason)) => return Err(Refusal(reason)),
                Err(SendError::Away(reason)) => reason,
            };
            attempts += 1;
            if attempts == 1 {
                // The other side may have closed an idle connection: that is no absence.
                continue;
            }
            self.tell_away(&reason);
            if self.sink.attempts_max() == Some(attempts) {
                return Err(Refusal(format!("{reason} ({attempts} attempts)")));
            }
            sleep(backoff.delay()).await;
        }
    }

    fn confirm(&self, count: usize) {
        Meter::Confirmed.add(self.sink.name(), count);
        self.gauge.update(|health| health.confirmed += count as u64);
    }

    async fn bury(&self, record: &Record, refusal: &Refusal) {
        let sink = self.sink.name();
        Meter::DeadLettered.add(sink, 1);
        self.gauge.update(|health| health.dead_lettered += 1);
        self.dead_letters.add(sink, record, &refusal.0).await;
    }

    /// Says once that the sink is away, and again only when the reason changes.
    fn tell_away(&self, reason: &str) {
        let known = self.gauge.away();
        if known.as_deref() == Some(reason) {
            return;
        }
        if known.is_none() {
            Meter::Away.add(self.sink.name(), 1);
        }
        tracing::error!(sink = self.sink.name(), reason, "rows wait: the sink is away");
        self.gauge.update(|health| health.away = Some(reason.to_owned()));
    }

    fn tell_back(&self) {
        if self.gauge.away().is_some() {
            tracing::info!(sink = self.sink.name(), "the sink is back, waiting rows are sent");
            self.gauge.update(|health| health.away = None);
        }
    }
}
