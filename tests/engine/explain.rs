//! Why a row answers as it does.

use telephonist::engine::{Call, Command, EndReason, Heard, Input, Now, RequestId, Robot};

use crate::conversation::{Conversation, load};
use crate::play::{call_to, incoming};

fn asked_why(script: &str) -> Conversation {
    Conversation::of(Call { explain: true, ..incoming() }, &load("test", script))
}

/// Explaining a row names what was tried, in the order of E50, and changes nothing else.
#[test]
fn a_row_can_be_explained() {
    let mut call = asked_why(
        r#"{ "flow": {
        "F1": { "kb": "k", "subflow": { "F2": { "condition": { "text": ["有"] } } } },
        "F2": { "action": "return", "argument": "F1", "repetition": 1 } },
        "kb": { "k": { "prompts": ["P1"] } }, "prompt": { "P1": { "keyworks": ["有"] } } }"#,
    );
    call.say("F有").say("F有");
    let Command::Explain(lines) = &call.commands[0] else { panic!("{:?}", call.commands) };
    assert_eq!(
        lines,
        &[
            "keywords of own edges and global nodes",
            "  F2 by \"有\" at 0, but it is used up",
            "knowledge base",
            "  P1 by \"有\" at 0",
        ]
    );
}

/// Every row has one explanation before it; one for which nothing was tried has an empty one.
#[test]
fn every_row_is_explained_once() {
    let script = load(
        "test",
        r#"{ "flow": { "Start": { "subflow": { "F1": {} } },
        "F1": { "playbacks": ["?"], "subflow": {
            "R": { "condition": { "text": ["yes"] } }, "F2": { "condition": { "dtmf": ["1"] } } } },
        "R": { "action": "return", "argument": "F1" }, "F2": { "action": "hangup" } } }"#,
    );
    let now = Now::default();
    let mut robot = Robot::new(Call { explain: true, ..incoming() }, script, now);
    let mut told: Vec<Vec<String>> = Vec::new();
    let mut why = None;
    let mut take = |robot: &mut Robot| {
        while let Some(command) = robot.next_command() {
            match command {
                Command::Explain(lines) => assert_eq!(why.replace(lines), None, "one for a row"),
                Command::Row(_) => told.push(why.take().expect("a row is explained")),
                _ => {}
            }
        }
    };
    take(&mut robot);
    let text = Heard {
        appid: None,
        text: "Fyes".into(),
        start: now.wall,
        duration_ms: 0,
        play_time_ms: 0,
        record: "".into(),
    };
    let dtmf = Input::Dtmf { appid: None, digits: "1".into(), play_time_ms: 0 };
    for input in [Input::Text(text), dtmf, Input::Ended(EndReason::SendBye)] {
        robot.handle(input, now);
        take(&mut robot);
    }
    let steps: Vec<usize> = told.iter().map(Vec::len).collect();
    assert_eq!(steps, [0, 2, 0, 2, 0], "CREATE, a sentence, its FLOWID, a key, DESTORY");
}

/// E43: of a pattern that backtracks without end the log is told, once in a call.
#[test]
fn a_costly_pattern_is_told_once_e43() {
    let mut call = call_to(
        r#"{ "flow": { "F1": { "subflow": { "F2": { "condition": { "text": ["(a+a+)+\\1b"] } } } },
        "F2": {} } }"#,
    );
    let warnings = |call: &Conversation| {
        call.commands.iter().filter(|command| matches!(command, Command::Warn(_))).count()
    };
    assert_eq!(warnings(call.say("Fno")), 0);
    let costly = format!("F{}", "a".repeat(60));
    assert_eq!(warnings(call.say(&costly)), 1);
    assert_eq!(warnings(call.say(&costly)), 0);
}

/// E50.3: what was tried before the NLP service was asked is told with what was tried after.
#[test]
fn a_question_does_not_interrupt_the_explanation_e50() {
    let mut call = asked_why(
        r#"{ "global": { "nlpurl": "http://nlp/" }, "noiserule": [{ "text": ["嗯"] }],
        "flow": { "F1": { "nlpid": "1", "subflow": { "F2": { "condition": { "text": ["any"] } } } },
        "F2": {} } }"#,
    );
    // Without the twin of the other tests: a restored robot does not explain.
    call.robot.handle(
        Input::Text(Heard {
            appid: None,
            text: "F你好".into(),
            start: Now::default().wall,
            duration_ms: 0,
            play_time_ms: 0,
            record: "".into(),
        }),
        Now::default(),
    );
    while call.robot.next_command().is_some() {}
    let outcome = Err("refused".into());
    call.robot.handle(Input::Answer { id: RequestId(1), outcome }, Now::default());
    let told = std::iter::from_fn(|| call.robot.next_command());
    let mut lines = told.filter_map(|command| match command {
        Command::Explain(lines) => Some(lines),
        _ => None,
    });
    assert_eq!(
        lines.next().unwrap(),
        [
            "noise rules",
            "NLP service: no answer, refused",
            "keywords of own edges and global nodes",
            "knowledge base",
            "any",
            "  F2",
        ]
    );
}
