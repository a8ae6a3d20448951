//! Simulated callers: random scripts, random callers in three languages, a switch that loses,
//! repeats and delays, and the laws of the engine after every step.
//!
//! `SIM_CALLS=1000000 cargo test --release --test sim` runs more; `SIM_SEED=7` replays one call.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../support/dice.rs"]
mod dice;
mod line;
mod scripts;

use std::sync::Arc;

use dice::Dice;
use line::Line;
use telephonist::engine::{Call, Command, EndReason, Input, InputType, Now, Robot, Row};
use telephonist::script::Script;
use telephonist::turn::{Conversation, Effect, MediaEvent};

/// Calls of a run that says nothing else.
const CALLS: u64 = 2_000;
/// Steps of one call.
const STEPS: usize = 60;

#[test]
fn the_laws_hold_whatever_callers_and_switches_do() {
    let (first, calls) = match number("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("SIM_CALLS").unwrap_or(CALLS)),
    };
    for seed in first..first + calls {
        let outcome = std::panic::catch_unwind(|| hold(seed));
        assert!(outcome.is_ok(), "the call of SIM_SEED={seed} breaks a law, see above");
    }
    println!("{calls} calls held");
}

#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment")]
fn number(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().expect("a number"))
}

/// One call, in full, and the same again: the same rows must come out.
fn hold(seed: u64) {
    let mut dice = Dice::new(seed);
    let script = scripts::script(&mut dice);
    let first = Sim::new(&script, dice.clone()).run();
    let second = Sim::new(&script, dice).run();
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
        let robot = Robot::new(call(), Arc::clone(script), now);
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
                Effect::Ask(_)
                | Effect::Tell(_)
                | Effect::Explain(_)
                | Effect::Note(_)
                | Effect::Warn(_) => {}
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

/// The engine alone, fed with anything at all: odd appids, odd completions, huge texts; a robot
/// that is put away and taken out again at random writes the same rows.
#[test]
fn a_robot_that_is_restored_anywhere_writes_the_same_rows() {
    let (first, calls) = match number("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("SIM_CALLS").unwrap_or(CALLS)),
    };
    for seed in first..first + calls {
        let outcome = std::panic::catch_unwind(|| restore(seed));
        assert!(outcome.is_ok(), "the call of SIM_SEED={seed} breaks a law, see above");
    }
}

fn restore(seed: u64) {
    let mut dice = Dice::new(seed);
    let script = scripts::script(&mut dice);
    let mut now = Now::default();
    let mut robot = Robot::new(call(), Arc::clone(&script), now);
    let mut started = drain(&mut robot);
    let mut twin = Robot::restore(robot.snapshot(), Arc::clone(&script)).unwrap();
    for _ in 0..STEPS {
        now = now.plus_ms(dice.roll(5_000) as u64);
        if dice.roll(3) == 0 {
            let json = serde_json::to_string(&twin.snapshot()).unwrap();
            twin =
                Robot::restore(serde_json::from_str(&json).unwrap(), Arc::clone(&script)).unwrap();
        }
        let commands = if dice.roll(4) == 0 {
            (wake(&mut robot, now), wake(&mut twin, now))
        } else {
            let input = scripts::input(&mut dice, &started);
            (feed(&mut robot, &input, now), feed(&mut twin, &input, now))
        };
        assert_eq!(commands.0, commands.1, "a restored robot does the same");
        started.extend(commands.0.iter().filter_map(appid));
    }
    let end = Input::Ended(EndReason::Hangup);
    let last = feed(&mut robot, &end, now);
    assert!(robot.has_ended());
    assert_eq!(last, feed(&mut twin, &end, now));
}

fn feed(robot: &mut Robot, input: &Input, now: Now) -> Vec<Command> {
    robot.handle(input.clone(), now);
    std::iter::from_fn(|| robot.next_command()).collect()
}

fn wake(robot: &mut Robot, now: Now) -> Vec<Command> {
    robot.wake(now);
    std::iter::from_fn(|| robot.next_command()).collect()
}

fn drain(robot: &mut Robot) -> Vec<String> {
    std::iter::from_fn(|| robot.next_command()).filter_map(|command| appid(&command)).collect()
}

fn appid(command: &Command) -> Option<String> {
    match command {
        Command::Start(action) => Some(action.appid.to_string()),
        _ => None,
    }
}

fn call() -> Call {
    Call {
        callid: "dfd3585d-1209-4c69-bb5f-777a48a66321".into(),
        variables: vec![("name".into(), "Ann".into())],
        event_after_hangup: true,
        explain: false,
    }
}
