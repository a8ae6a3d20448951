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
    /// All rows so far.
    pub(crate) rows: Vec<Row>,
    /// All other commands of the last step.
    pub(crate) commands: Vec<Command>,
    /// Commands of the whole call that write the classify row.
    pub(crate) classifies: usize,
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
            classifies: 0,
        };
        call.drain();
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

    /// The newest row.
    pub(crate) fn row(&self) -> &Row {
        self.rows.last().expect("a call has a row from its first step on")
    }

    pub(crate) fn handle(&mut self, input: Input) -> &mut Self {
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
        let had_ended = self.classifies > 0;
        let commands = self.drain();
        let adopted: Vec<_> = std::iter::from_fn(|| twin.next_command()).collect();
        let explains = |command: &Command| matches!(command, Command::Explain(_));
        let own: Vec<_> = commands.into_iter().filter(|command| !explains(command)).collect();
        assert_eq!(own, adopted, "a restored robot does the same");
        assert_eq!(self.robot.next_wake(), twin.next_wake(), "and waits for the same");
        assert!(!had_ended || own.is_empty(), "nothing follows the end of a call");
        self
    }

    fn drain(&mut self) -> Vec<Command> {
        let all: Vec<_> = std::iter::from_fn(|| self.robot.next_command()).collect();
        self.commands.clear();
        for command in &all {
            match command {
                Command::Row(row) => self.rows.push(Row::clone(row)),
                Command::Classify(_) => {
                    self.classifies += 1;
                    let before = self.row().input_type;
                    assert_eq!(before, InputType::Destroy, "classify comes right after DESTORY");
                    self.commands.push(command.clone());
                }
                other => self.commands.push(other.clone()),
            }
        }
        let destroyed = self.rows.iter().filter(|row| row.input_type == InputType::Destroy);
        assert_eq!(destroyed.count(), self.classifies, "one classify for the one DESTORY");
        assert!(self.classifies <= 1, "a call ends once");
        assert_eq!(self.robot.has_ended(), self.classifies == 1, "an ended call is written down");
        let numbers: Vec<_> = self.rows.iter().map(|row| row.event_no as usize).collect();
        assert_eq!(numbers, (0..self.rows.len()).collect::<Vec<_>>(), "rows are counted");
        all
    }
}
