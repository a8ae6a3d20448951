//! A whole call, robot and turn, with the laws of the engine after every step.

use std::sync::Arc;

use telephonist::engine::{EndReason, InputType, Now, Robot, Row};
use telephonist::script::Script;
use telephonist::turn::{Conversation, Effect, MediaEvent};

use crate::dice::Dice;
use crate::line::Line;
use crate::scripts;

/// Steps of one call.
const STEPS: usize = 60;

/// One call, in full, and the same again: the same rows must come out.
pub(crate) fn hold(script: &Arc<Script>, dice: Dice) {
    let first = Sim::new(script, dice.clone()).run();
    let second = Sim::new(script, dice).run();
    assert_eq!(first, second, "same inputs, same rows");
}

/// A call and what came out of it.
struct Sim {
    dice: Dice,
    conversation: Conversation,
    line: Line,
    now: Now,
    rows: Vec<Row>,
    classified: usize,
    ended: bool,
}

impl Sim {
    fn new(script: &Arc<Script>, dice: Dice) -> Self {
        let now = Now::default();
        let robot = Robot::new(scripts::call(), Arc::clone(script), now);
        let conversation = Conversation::new(robot, now);
        let mut sim = Self {
            dice,
            conversation,
            line: Line::default(),
            now,
            rows: Vec::new(),
            classified: 0,
            ended: false,
        };
        sim.settle();
        sim
    }

    fn run(mut self) -> Vec<Row> {
        for _ in 0..STEPS {
            if self.ended {
                break;
            }
            self.step();
        }
        self.on(MediaEvent::HungUp(EndReason::RecvBye));
        self.on(MediaEvent::HungUp(EndReason::RecvBye));
        self.wait(60_000);
        assert!(self.ended, "a call whose line is gone has ended");
        // Nothing follows the end, whatever still happens.
        let written = self.rows.len();
        for _ in 0..5 {
            self.step();
        }
        assert_eq!(self.rows.len(), written, "nothing is written after the end");
        self.rows
    }

    /// Something happens: on the line, by the caller, or time passes.
    fn step(&mut self) {
        match self.dice.roll(4) {
            0 => {
                let ms = self.dice.roll(9_000) as u64;
                self.wait(ms);
            }
            1 | 2 => {
                if let Some(event) = self.line.next(&mut self.dice) {
                    self.on(event);
                }
            }
            _ => {
                let event = scripts::caller(&mut self.dice);
                self.on(event);
            }
        }
    }

    fn on(&mut self, event: MediaEvent) {
        self.conversation.handle(event, self.now);
        self.settle();
    }

    fn wait(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        while let Some((due, _)) = self.conversation.next_wake().filter(|(due, _)| *due <= end.tick)
        {
            self.now = self.now.plus_ms(due.ms_since(self.now.tick));
            self.conversation.wake(self.now);
            self.settle();
        }
        self.now = end;
    }

    /// Takes everything that came out and looks at the laws.
    fn settle(&mut self) {
        while let Some(effect) = self.conversation.next_effect() {
            assert!(!self.ended || matches!(effect, Effect::Order(_) | Effect::Warn(_)));
            match effect {
                Effect::Row(row) => self.wrote(*row),
                Effect::Classify(_) => {
                    self.classified += 1;
                    self.ended = true;
                }
                Effect::Order(order) => self.line.order(order),
                Effect::Explain(_) | Effect::Warn(_) => {}
            }
        }
        assert_eq!(self.ended, self.conversation.has_ended());
        assert!(self.ended || self.conversation.is_alive(), "a call that waits for nothing");
        assert!(self.classified <= 1, "one classify row");
    }

    fn wrote(&mut self, row: Row) {
        let is_first = self.rows.is_empty();
        assert_eq!(row.event_no as usize, self.rows.len(), "rows are numbered without a gap");
        assert_eq!(is_first, row.input_type == InputType::Create, "CREATE is first, once");
        if let Some(last) = self.rows.last() {
            assert!(last.sequence <= row.sequence, "sequence never falls");
            assert_ne!(last.input_type, InputType::Destroy, "DESTORY is last");
        }
        self.rows.push(row);
    }
}
