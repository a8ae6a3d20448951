//! The clock of a core's lines: a thread that wakes each millisecond for those whose frame is due
//! (S30).

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::mpsc;

use super::line::{Line, ToLine, tick};
use super::meter::Meter;
use super::pacer::SLOTS;
use crate::daemon::clock::Clock;
use crate::daemon::meter;

/// A worker that is so far behind goes on from now: the slots between would all be late alike.
const BEHIND_MAX_MS: u64 = 100;

/// What a worker is told: of a line, or a new one.
pub(super) enum ToWorker {
    Add(u64, Box<Line>),
    Line(u64, ToLine),
}

/// Paces its lines for as long as somebody can tell it something.
pub(super) struct Worker {
    inbox: mpsc::Receiver<ToWorker>,
    clock: Clock,
    lines: BTreeMap<u64, Box<Line>>,
    /// Which lines are due in each millisecond of twenty.
    slots: [Vec<u64>; SLOTS],
}

impl Worker {
    pub(super) fn new(inbox: mpsc::Receiver<ToWorker>, clock: Clock) -> Self {
        Self { inbox, clock, lines: BTreeMap::new(), slots: Default::default() }
    }

    /// On a thread of its own.
    pub(super) fn run(mut self) {
        while let Some(first) = self.inbox.blocking_recv() {
            self.told(first);
            self.pace();
        }
    }

    /// Until there is no line any more.
    fn pace(&mut self) {
        let mut next_ms = tick(self.clock.elapsed()).0;
        while !self.lines.is_empty() {
            let now_ms = tick(self.clock.elapsed()).0;
            if now_ms.saturating_sub(next_ms) > BEHIND_MAX_MS {
                next_ms = now_ms;
            }
            while let Ok(told) = self.inbox.try_recv() {
                self.told(told);
            }
            while next_ms <= tick(self.clock.elapsed()).0 {
                self.beat(next_ms);
                next_ms += 1;
            }
            self.clock.sleep_until(Duration::from_millis(next_ms));
        }
    }

    fn beat(&mut self, due_ms: u64) {
        let slot = slot_of(due_ms);
        if self.slots[slot].is_empty() {
            return;
        }
        let due = Duration::from_millis(due_ms);
        let late = self.clock.elapsed().saturating_sub(due);
        metrics::histogram!(Meter::Late.name()).record(late.as_secs_f64());
        for id in std::mem::take(&mut self.slots[slot]) {
            let now = self.clock.elapsed();
            if self.with_line(id, |line| line.beat(due, now)) {
                self.slots[slot].push(id);
            }
        }
    }

    fn told(&mut self, told: ToWorker) {
        match told {
            ToWorker::Add(id, line) => {
                let emptiest = (0..SLOTS).min_by_key(|slot| self.slots[*slot].len());
                self.slots[emptiest.unwrap_or(0)].push(id);
                self.lines.insert(id, line);
                self.count();
            }
            ToWorker::Line(id, told) => {
                let now = tick(self.clock.elapsed());
                let is_last = matches!(told, ToLine::Remove);
                let is_there = self.with_line(id, |line| line.told(told, now));
                if is_last && is_there {
                    self.lines.remove(&id);
                    self.count();
                }
            }
        }
    }

    /// Does something to a line; a panic ends that line only (N7): its leg is closed, and its call
    /// ends with it. False if there is no such line (any more).
    fn with_line(&mut self, id: u64, act: impl FnOnce(&mut Line)) -> bool {
        let Some(line) = self.lines.get_mut(&id) else { return false };
        if catch_unwind(AssertUnwindSafe(|| act(line))).is_ok() {
            return true;
        }
        metrics::counter!(meter::Meter::Panics.name(), "task" => "voice").increment(1);
        self.lines.remove(&id);
        self.count();
        false
    }

    fn count(&self) {
        #[expect(clippy::cast_precision_loss, reason = "far fewer lines than 2^52")]
        metrics::gauge!(Meter::Lines.name()).set(self.lines.len() as f64);
    }
}

fn slot_of(ms: u64) -> usize {
    usize::try_from(ms % SLOTS as u64).unwrap_or(0)
}
