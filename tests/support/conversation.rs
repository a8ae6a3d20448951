//! A call played by a test: what the caller and the switch do goes in, rows and commands come out.
//!
//! Every step also holds the laws of the engine: a second robot, restored from a snapshot before
//! the step, does the same; a call that goes on waits for something; nothing follows its end.

use std::sync::Arc;

use telephonist::engine::{
    Call, Command, EndReason, Heard, Input, InputType, Now, Robot, Row, Tick, Wall,
};
use telephonist::script::{self, Script};

/// 2024-01-01 00:00:00 UTC.
const START_UNIX_MS: i64 = 1_704_067_200_000;

/// A script that has to load without an error.
pub(crate) fn load(name: &str, text: &str) -> Arc<Script> {
    let (script, problems) = script::load(name, "test.json", text.as_bytes());
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    script.unwrap_or_else(|| panic!("the script has errors:\n{}", shown.join("\n")))
}

/// One call, from CREATE on.
pub(crate) struct Conversation {
    pub(crate) robot: Robot,
    pub(crate) now: Now,
    /// The rows of the last step.
    pub(crate) rows: Vec<Row>,
    /// Its other commands.
    pub(crate) commands: Vec<Command>,
    /// How many rows the call has.
    written: u32,
    /// An action runs on the switch.
    running: bool,
    has_ended: bool,
}

impl Conversation {
    /// A call to a script.
    pub(crate) fn with(script: &Arc<Script>) -> Self {
        Self::of(
            Call {
                callid: "dfd3585d-1209-4c69-bb5f-777a48a66321".into(),
                variables: Vec::new(),
                event_after_hangup: true,
                explain: false,
            },
            script,
        )
    }

    pub(crate) fn of(call: Call, script: &Arc<Script>) -> Self {
        let wall = Wall { unix_ms: START_UNIX_MS, offset_s: 0 };
        let now = Now { tick: Tick(0), wall };
        let mut call = Self {
            robot: Robot::new(call, Arc::clone(script), now),
            now,
            rows: Vec::new(),
            commands: Vec::new(),
            written: 0,
            running: false,
            has_ended: false,
        };
        call.take_commands();
        call
    }

    /// The caller says something, with its prefix letters, once the audio has ended.
    pub(crate) fn say_for(&mut self, text: &str, duration_ms: u32) -> &mut Self {
        let start = self.now.wall;
        self.now = self.now.plus_ms(duration_ms.into());
        self.hear(Heard {
            appid: None,
            text: text.into(),
            start,
            duration_ms: duration_ms.into(),
            play_time_ms: 0,
            record: "".into(),
        })
    }

    pub(crate) fn hear(&mut self, heard: Heard) -> &mut Self {
        self.handle(Input::Text(heard))
    }

    /// The action in force ends.
    pub(crate) fn complete(&mut self, args: &str) -> &mut Self {
        self.handle(Input::Complete { appid: None, args: args.into() })
    }

    /// The line is gone.
    pub(crate) fn end(&mut self, reason: EndReason) -> &mut Self {
        self.handle(Input::Ended(reason))
    }

    /// The newest row of the last step.
    pub(crate) fn row(&self) -> &Row {
        self.rows.last().expect("the last step writes a row")
    }

    pub(crate) fn handle(&mut self, input: Input) -> &mut Self {
        if let Input::Complete { appid: None, .. } = &input {
            self.running = false;
        }
        let mut twin = self.twin();
        twin.handle(input.clone(), self.now);
        self.robot.handle(input, self.now);
        self.step(twin)
    }

    /// The robot as another daemon would adopt it.
    pub(crate) fn twin(&self) -> Robot {
        let kept = serde_json::to_string(&self.robot.snapshot()).expect("a snapshot is plain data");
        let snapshot = serde_json::from_str(&kept).expect("what was written can be read");
        Robot::restore(snapshot, Arc::clone(self.robot.script())).expect("the same revision")
    }

    /// Takes the commands of a step that both robots have made.
    pub(crate) fn step(&mut self, mut twin: Robot) -> &mut Self {
        let had_ended = self.has_ended;
        let mut commands = self.take_commands();
        commands.retain(|command| !matches!(command, Command::Explain(_)));
        let adopted: Vec<_> = std::iter::from_fn(|| twin.next_command()).collect();
        assert_eq!(commands, adopted, "a restored robot does the same");
        assert_eq!(self.robot.next_wake(), twin.next_wake(), "and waits for the same");
        assert!(!had_ended || commands.is_empty(), "nothing follows the end of a call");
        self
    }

    fn take_commands(&mut self) -> Vec<Command> {
        let all: Vec<_> = std::iter::from_fn(|| self.robot.next_command()).collect();
        self.rows.clear();
        self.commands.clear();
        for command in &all {
            assert!(!self.has_ended, "classify is the last command of a call");
            self.note(command);
        }
        assert_eq!(self.robot.has_ended(), self.has_ended, "an ended call is written down");
        let waits = self.running || self.robot.next_wake().is_some();
        assert!(self.has_ended || waits, "a call that goes on waits for something");
        all
    }

    fn note(&mut self, command: &Command) {
        match command {
            Command::Row(row) => {
                let last = self.rows.last().map(|row| row.input_type);
                assert_ne!(last, Some(InputType::Destroy), "DESTORY is the last row");
                assert_eq!(row.event_no, self.written, "rows are counted");
                self.written += 1;
                self.rows.push(Row::clone(row));
                return;
            }
            Command::Classify(_) => {
                let last = self.row().input_type;
                assert_eq!(last, InputType::Destroy, "classify comes right after DESTORY");
                self.has_ended = true;
            }
            Command::Start(_) => self.running = true,
            Command::Hangup { .. } | Command::Transfer(_) => self.running = false,
            Command::StopAudio { .. }
            | Command::Ask(_)
            | Command::Tell(_)
            | Command::Api(_)
            | Command::Note(_)
            | Command::Explain(_)
            | Command::Warn(_) => {}
        }
        self.commands.push(command.clone());
    }
}
