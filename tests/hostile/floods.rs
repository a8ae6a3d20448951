//! Floods of inputs: nothing grows with them, through the engine and through the turn (N21).

use telephonist::engine::{Call, EndReason, INPUT_BYTES_MAX, Input, Now, Robot};
use telephonist::turn::{self, Effect, MediaEvent};

use crate::conversation::{Conversation, load};

/// What a call's state may have in a snapshot (N3).
const SNAPSHOT_BYTES_MAX: usize = 64 << 10;

/// Listens, answers "да" once and `12` with a goodbye, and has nothing to say to all else.
const SCRIPT: &str = r#"{
  "version": 3,
  "flow": {
    "F1": {
      "action": "cti_play_and_detect_speech", "playbacks": ["a.wav"], "argument": "'1' 'INTERRUPT'",
      "subflow": {
        "yes:F2": { "condition": { "text": ["да"] } },
        "keys:F3": { "condition": { "dtmf": ["12"], "complete": ["timeout"] } }
      }
    },
    "F2": {
      "action": "cti_play_and_detect_speech", "playbacks": ["b.wav"],
      "subflow": { "F3": { "condition": { "complete": ["any"] } } }
    },
    "F3": { "action": "hangup" }
  }
}"#;

fn begin() -> Conversation {
    Conversation::with(&load("flood", &SCRIPT.replace("INTERRUPT", "2")))
}

fn snapshot(robot: &Robot) -> String {
    serde_json::to_string(&robot.snapshot()).unwrap()
}

/// E22, E92: of a text of a megabyte the beginning is matched, kept and written down.
#[test]
fn a_text_of_a_megabyte_is_cut() {
    let mut call = begin();
    let text = format!("F{}да", "нет ".repeat(1 << 17));
    call.say_for(&text, 1_000);
    assert_eq!(call.row().response_id, "", "what stands behind the first 8 KiB is not looked at");
    assert!(call.row().input_args.len() <= INPUT_BYTES_MAX);
    call.say_for(&format!("Fда {text}"), 1_000);
    assert_eq!(call.row().response_id, "F2");
    assert!(snapshot(&call.robot).len() < SNAPSHOT_BYTES_MAX);
}

/// E75: of a COMPLETE of a megabyte too.
#[test]
fn a_complete_of_a_megabyte_is_cut() {
    let mut call = begin();
    call.complete(&format!("DONE(F:{})", "F:нет".repeat(1 << 17)));
    assert!(call.row().input_args.len() <= INPUT_BYTES_MAX);
}

/// E42: partials leave nothing behind.
#[test]
fn a_thousand_partials_leave_nothing() {
    let mut call = begin();
    let before = snapshot(&call.robot);
    for number in 0..1_000 {
        call.say_for(&format!("Sнет {number}"), 1);
        assert_eq!(call.rows, []);
    }
    assert_eq!(snapshot(&call.robot), before);
}

/// R11: keys are decided as soon as no condition can need more; of one input no more are taken
/// than a condition can need.
#[test]
fn digits_in_floods_are_decided() {
    let mut call = begin();
    call.handle(Input::Dtmf { appid: None, digits: "9".repeat(1 << 20).into(), play_time_ms: 0 });
    assert_eq!(call.rows.len(), 16, "32 keys, two by two");
    for _ in 0..1_000 {
        call.handle(Input::Dtmf { appid: None, digits: "9".into(), play_time_ms: 0 });
    }
    assert!(snapshot(&call.robot).len() < SNAPSHOT_BYTES_MAX);
}

/// E21: COMPLETE of an action that was replaced is dropped, however often it comes.
#[test]
fn completes_of_actions_long_gone_are_dropped() {
    let mut call = begin();
    let gone = call.row().current_appid.clone();
    let first = call.rows.len();
    call.say_for("Fда", 1_000);
    let before = snapshot(&call.robot);
    for args in ["DONE()", "TIMEOUT(F:да)", "ERROR()", "HANGUP(Fда)"].repeat(100) {
        call.handle(Input::Complete { appid: Some(gone.clone()), args: args.into() });
        assert_eq!(call.rows, []);
    }
    assert_eq!(first, 1);
    assert_eq!(snapshot(&call.robot), before);
}

/// House law 3: nothing follows the end.
#[test]
fn nothing_follows_the_end() {
    let mut call = begin();
    call.end(EndReason::RecvBye);
    let before = snapshot(&call.robot);
    for _ in 0..100 {
        call.say_for("Fда", 1_000).complete("TIMEOUT()").end(EndReason::Hangup);
        call.handle(Input::Dtmf { appid: None, digits: "12".into(), play_time_ms: 0 });
        assert!(call.rows.is_empty() && call.commands.is_empty());
    }
    assert_eq!(snapshot(&call.robot), before);
}

/// The same through the turn, whatever the way to interrupt: a thousand of each, and what is kept
/// of it is told in one COMPLETE.
#[test]
fn a_turn_keeps_no_flood() {
    for interrupt in ["0", "1", "2", "32", "64", "128", "256"] {
        let (mut call, mut rows) = (Line::begin(interrupt), 0);
        for number in 0..1_000 {
            rows += call.on(MediaEvent::SpeechStarted { ago_ms: 0 });
            rows += call.on(MediaEvent::Partial(format!("нет {number}").into()));
            rows += call.on(MediaEvent::Final("нет ".repeat(1_000).into()));
            rows += call.on(MediaEvent::Digit('9'));
        }
        assert!(rows <= 2_000, "a row a sentence and a row a key: {rows}");
        assert!(
            serde_json::to_string(&call.conversation.decider().snapshot()).unwrap().len()
                < SNAPSHOT_BYTES_MAX
        );
        call.on(MediaEvent::HungUp(EndReason::RecvBye));
        call.on(MediaEvent::HungUp(EndReason::RecvBye));
        assert!(call.conversation.has_ended());
        assert_eq!(call.on(MediaEvent::Final("да".into())), 0);
        assert!(call.largest_row < 2 * INPUT_BYTES_MAX, "{}", call.largest_row);
    }
}

/// A call as a switch sees it.
struct Line {
    conversation: turn::Conversation,
    now: Now,
    largest_row: usize,
}

impl Line {
    fn begin(interrupt: &str) -> Self {
        let script = load("flood", &SCRIPT.replace("INTERRUPT", interrupt));
        let call = Call {
            callid: "dfd3585d-1209-4c69-bb5f-777a48a66321".into(),
            variables: Vec::new(),
            event_after_hangup: true,
            explain: false,
        };
        let now = Now::default();
        let conversation = turn::Conversation::new(Robot::new(call, script, now), now);
        let mut line = Self { conversation, now, largest_row: 0 };
        line.take();
        line
    }

    /// How many rows an event made.
    fn on(&mut self, event: MediaEvent) -> usize {
        self.now = self.now.plus_ms(1);
        self.conversation.handle(event, self.now);
        self.take()
    }

    fn take(&mut self) -> usize {
        let mut rows = 0;
        while let Some(effect) = self.conversation.next_effect() {
            if let Effect::Row(row) = effect {
                rows += 1;
                self.largest_row = self.largest_row.max(row.input_args.len());
            }
        }
        rows
    }
}
