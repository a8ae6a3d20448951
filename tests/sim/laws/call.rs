//! A whole call: engine, turn, switch, services and caller, and the laws after every step.

use std::sync::Arc;

use telephonist::engine::{AskKind, EndReason, External, FlowService, InputType, Now, Robot, Row};
use telephonist::turn::{Conversation, Decider, Effect, MediaEvent};

use super::case::Case;
use super::dice::Dice;
use super::line::Line;
use super::scripts;
use super::services::Services;

/// More timers than this don't go off in a minute.
const WAKES_MAX: u32 = 200;

/// House laws 1 to 5: the call ends once, waits for something until then, and the same happens
/// when it is played again. What it wrote, and the kinds of questions it asked; told as it happens
/// if `tells`.
pub(crate) fn whole_call(case: &Case, tells: bool) -> (Vec<Row>, Vec<AskKind>) {
    let script = scripts::load(&case.script);
    let robot = || Robot::new(scripts::incoming(), Arc::clone(&script), Now::default());
    twice(robot, case, tells)
}

/// The same laws for a call that a service decides (I15).
pub(crate) fn flow_call(case: &Case, tells: bool) -> (Vec<Row>, Vec<AskKind>) {
    let service = Arc::new(FlowService {
        url: "http://flow/".into(),
        retries: 2,
        response_ms: 10_000,
        apology: "sorry.wav".into(),
        ..FlowService::default()
    });
    let external = || External::new(scripts::incoming(), Arc::clone(&service), Now::default());
    twice(external, case, tells)
}

fn twice<D: Into<Decider>>(
    begin: impl Fn() -> D,
    case: &Case,
    tells: bool,
) -> (Vec<Row>, Vec<AskKind>) {
    let first = Sim::new(begin(), tells).play(&case.steps);
    let second = Sim::new(begin(), false).play(&case.steps);
    assert_eq!(first, second, "same inputs, same rows");
    first
}

/// A call and what came out of it.
struct Sim {
    conversation: Conversation,
    line: Line,
    services: Services,
    now: Now,
    rows: Vec<Row>,
    classified: usize,
    ended: bool,
    tells: bool,
}

impl Sim {
    fn new(decider: impl Into<Decider>, tells: bool) -> Self {
        let now = Now::default();
        let mut sim = Self {
            conversation: Conversation::new(decider, now),
            line: Line::default(),
            services: Services::default(),
            now,
            rows: Vec::new(),
            classified: 0,
            ended: false,
            tells,
        };
        sim.settle();
        sim
    }

    fn play(mut self, steps: &[Dice]) -> (Vec<Row>, Vec<AskKind>) {
        for dice in steps {
            if self.ended {
                break;
            }
            self.step(&mut dice.clone());
        }
        self.on(MediaEvent::HungUp(EndReason::RecvBye));
        self.on(MediaEvent::HungUp(EndReason::RecvBye));
        self.wait(60_000);
        assert!(self.ended, "a call whose line is gone has ended");
        // Nothing follows the end, whatever still happens.
        let written = self.rows.len();
        for dice in steps.iter().take(5) {
            self.step(&mut dice.clone());
        }
        assert_eq!(self.rows.len(), written, "nothing is written after the end");
        (self.rows, self.services.kinds())
    }

    /// Something happens: on the line, by the caller, at a service, or time passes.
    fn step(&mut self, dice: &mut Dice) {
        match dice.roll(5) {
            0 => self.wait(dice.roll(9_000) as u64),
            1 | 2 => {
                if let Some(event) = self.line.next(dice) {
                    self.on(event);
                }
            }
            3 => {
                if let Some((id, outcome)) = self.services.next(dice) {
                    self.say(format_args!("answer {} {outcome:?}", id.0));
                    self.conversation.answer(id, outcome, self.now);
                    self.settle();
                }
            }
            _ => self.on(scripts::caller(dice)),
        }
    }

    fn on(&mut self, event: MediaEvent) {
        self.say(format_args!("{event:?}"));
        self.conversation.handle(event, self.now);
        self.settle();
    }

    fn wait(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        let mut woken = 0;
        while let Some((due, why)) =
            self.conversation.next_wake().filter(|(due, _)| *due <= end.tick)
        {
            self.now = self.now.plus_ms(due.ms_since(self.now.tick));
            self.say(format_args!("{why:?}"));
            woken += 1;
            assert!(woken <= WAKES_MAX, "a timer that is due is not due again for ever");
            self.conversation.wake(self.now);
            self.settle();
        }
        self.now = end;
    }

    /// Takes everything that came out and looks at the laws.
    fn settle(&mut self) {
        while let Some(effect) = self.conversation.next_effect() {
            self.say(format_args!("    {effect:?}"));
            assert!(!self.ended || matches!(effect, Effect::Order(_) | Effect::Warn(_)));
            match effect {
                Effect::Row(row) => self.wrote(*row),
                Effect::Classify(_) => {
                    self.classified += 1;
                    self.ended = true;
                }
                Effect::Order(order) => self.line.order(order),
                Effect::Ask(ask) => self.services.ask(*ask),
                Effect::Tell(_) | Effect::Explain(_) | Effect::Note(_) | Effect::Warn(_) => {}
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

    fn say(&self, what: std::fmt::Arguments<'_>) {
        if self.tells {
            println!("{:>8} ms  {what}", self.now.tick.0);
        }
    }
}
