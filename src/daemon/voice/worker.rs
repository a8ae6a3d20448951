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

/// A line is heard so long before it says something, ms: a stop that what was heard brings, and mostly
/// an answer too, is in time for that frame, and is not said 20 ms later.
const HEARD_BEFORE_MS: u64 = 5;

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
            next_ms = self.slot(next_ms);
            self.clock.sleep_until(Duration::from_millis(next_ms));
        }
    }

    /// What was told, and then one slot, if it is time; gives the next one. Also a worker that never
    /// catches up is told what happens to its lines: that they end is what would help it.
    fn slot(&mut self, next_ms: u64) -> u64 {
        // No more than waits now: who tells faster than it is heard does not hold up the frames.
        for _ in 0..self.inbox.len() {
            let Ok(told) = self.inbox.try_recv() else { break };
            self.told(told);
        }
        let now_ms = tick(self.clock.elapsed()).0;
        let Some(behind_ms) = now_ms.checked_sub(next_ms) else { return next_ms };
        let due_ms = if behind_ms > BEHIND_MAX_MS { now_ms } else { next_ms };
        self.beat(due_ms);
        due_ms + 1
    }

    fn beat(&mut self, due_ms: u64) {
        let slot = slot_of(due_ms);
        if !self.slots[slot].is_empty() {
            let due = Duration::from_millis(due_ms);
            let late = self.clock.elapsed().saturating_sub(due);
            metrics::histogram!(Meter::Late.name()).record(late.as_secs_f64());
            self.each(slot, |line, now| line.say(due, now));
        }
        // Frames that are due go first: what is heard can wait for them.
        self.each(slot_of(due_ms + HEARD_BEFORE_MS), Line::hear);
    }

    /// Does something to each line of a slot.
    fn each(&mut self, slot: usize, act: impl Fn(&mut Line, Duration)) {
        let mut lines = std::mem::take(&mut self.slots[slot]);
        lines.retain(|id| {
            let now = self.clock.elapsed();
            self.with_line(*id, |line| act(line, now))
        });
        self.slots[slot] = lines;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// N21: a clock that is behind with its slots, and stays so, takes in what it is told all the same,
    /// and goes on from now when it is too far behind.
    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_behind_is_told_what_happens_n21() {
        let (told, inbox) = mpsc::channel(8);
        let clock = Clock::starting_at(0, jiff::tz::TimeZone::UTC);
        let mut worker = Worker::new(inbox, clock);
        tokio::time::advance(Duration::from_millis(50)).await;
        let mut next_ms = 0;
        for slot in 0..10 {
            assert!(told.try_send(ToWorker::Line(7, ToLine::Remove)).is_ok());
            next_ms = worker.slot(next_ms);
            assert_eq!(worker.inbox.len(), 0, "in slot {slot}");
            assert_eq!(next_ms, slot + 1, "slot by slot");
        }
        assert_eq!(worker.slot(51), 51, "too early");
        tokio::time::advance(Duration::from_millis(1_000)).await;
        assert_eq!(worker.slot(next_ms), 1_051);
    }
}
