//! How a call begins and ends (E12, E15 to E17, E21, E22).

use std::sync::Arc;

use telephonist::engine::{
    Call, Command, EndReason, Heard, Input, InputType, Method, Now, ResponseType, Robot, Tick,
    Timer, Wall, WrongRevision,
};

use crate::conversation::{Conversation, load};
use crate::play::{CALLID, call, call_to, incoming};

const TALK: &str = r#"
    "F1": { "description": "问候", "potential": "A", "playbacks": ["你好"], "subflow": {
        "F2": { "condition": { "text": ["有"] } },
        "F9": { "condition": { "complete": ["any"] } } } },
    "F2": { "playbacks": ["多少"], "subflow": { "F9": { "condition": { "complete": ["any"] } } } },
    "F9": { "action": "hangup" }"#;

/// E15: the CREATE row, and the entry node's action behind it.
#[test]
fn create_carries_the_entry_node() {
    let call = call(TALK);
    assert_eq!(call.line(), "0 Start Create test | Boot | Flow F1");
    let row = call.row();
    assert_eq!((row.current_appid.as_str(), row.repetition), ("", 0));
    assert_eq!((row.response_description.as_str(), row.potential.as_str()), ("问候", "A"));
    assert_eq!(
        (row.response_action.as_str(), row.response_text.as_str()),
        ("cti_play_and_detect_speech", "你好")
    );
    assert_eq!(call.plays(), ["你好"]);
}

/// E1, E15: a version label of the author's stands behind the name, a format number doesn't.
#[test]
fn create_records_the_version_label() {
    for (version, args) in [("\"1.4-beta\"", "test:1.4-beta"), ("\"2\"", "test"), ("3", "test")] {
        let script = format!("{{ \"version\": {version}, \"flow\": {{ {TALK} }} }}");
        assert_eq!(call_to(&script).row().input_args, args);
    }
}

/// E16: the reasons of DESTORY; its fields are empty but for the call's label.
#[test]
fn destory_names_who_ended_the_call() {
    for (reason, word) in [
        (EndReason::RecvBye, "recv_bye"),
        (EndReason::Hangup, "hangup"),
        (EndReason::Limit, "limit"),
        (EndReason::Manual, "manual"),
    ] {
        let mut call = call(TALK);
        assert_eq!(call.end(reason).line(), format!("1 F1 Destroy {word} | Mismatch | None"));
        let row = call.row();
        assert_eq!((row.response_description.as_str(), row.response_action.as_str()), ("", ""));
        assert_eq!((row.response_text.as_str(), row.potential.as_str()), ("", "A"));
    }
}

/// E16: the robot's own hang-up is `send_bye`, whoever the switch says cleared the line.
#[test]
fn the_robots_hang_up_is_its_own() {
    let mut call = call(TALK);
    call.complete("DONE()");
    assert_eq!(call.line(), "1 F1 Complete DONE() | Any | Flow F9 x1");
    assert!(
        matches!(&call.commands[..], [Command::Hangup { cause, .. }] if cause == "NORMAL_CLEARING")
    );
    assert_eq!(call.end(EndReason::Hangup).line(), "2 F9 Destroy send_bye | Mismatch | None");
}

/// E16: a switch that never confirms the hang-up does not make the call immortal.
#[test]
fn a_lost_confirmation_ends_the_call() {
    let mut call = call(TALK);
    call.complete("DONE()");
    assert_eq!(call.timer(), Some(Timer::Confirmation));
    assert!(call.advance(9_999).rows.is_empty());
    assert_eq!(call.advance(1).line(), "2 F9 Destroy send_bye | Mismatch | None");
}

/// E16: a call is over once; whatever comes afterwards is nothing.
#[test]
fn nothing_follows_the_end() {
    let mut call = call(TALK);
    call.end(EndReason::RecvBye);
    for input in [
        Input::Ended(EndReason::Hangup),
        Input::Complete { appid: None, args: "DONE()".into() },
        Input::Dtmf { appid: None, digits: "1".into(), play_time_ms: 0 },
    ] {
        assert!(call.handle(input).rows.is_empty());
    }
    assert!(call.say("F有").advance(60_000).rows.is_empty());
}

/// R20: after the robot has hung up, finished sentences are recorded and answer nothing.
#[test]
fn words_after_the_goodbye_are_recorded() {
    let mut call = call(TALK);
    call.complete("DONE()");
    assert_eq!(call.say("F有的").line(), "2 F9 Text F有的 | Mismatch | None");
    assert!(call.say("S有").rows.is_empty());
    assert!(call.say("Eno network").rows.is_empty());
    assert!(call.press("1").rows.is_empty());
    assert!(call.complete("DONE()").rows.is_empty());
}

/// E17: the sequence counts started actions; an answer of type 0 starts none.
#[test]
fn the_sequence_counts_actions() {
    let mut call = call(TALK);
    assert_eq!(call.say("F嗯").line(), "1 F1 Text F嗯 | Mismatch | None x1");
    assert_eq!(call.say("F有").line(), "1 F1 Text F有 | Full 有 | Flow F2 x1");
    assert_eq!(call.complete("DONE()").line(), "2 F2 Complete DONE() | Any | Flow F9 x1");
    assert_eq!(call.end(EndReason::Hangup).row().sequence, 3);
}

/// E21: each action has an id of its own, made from the call's id and the action's number.
#[test]
fn the_same_call_makes_the_same_ids() {
    let ids = || {
        let mut call = call(TALK);
        let first = call.started().appid.clone();
        let second = call.say("F有").started().appid.clone();
        (first, second, call.row().current_appid.clone())
    };
    let (first, second, of_the_row) = ids();
    assert_ne!(first, second);
    assert_eq!(of_the_row, first, "an input belongs to the action it was said to");
    assert_eq!(ids(), (first.clone(), second, first.clone()));
    let other = Call { callid: format!("{CALLID}-2").into(), ..incoming() };
    let other = Conversation::of(other, &load("test", &format!("{{ \"flow\": {{ {TALK} }} }}")));
    assert_ne!(other.started().appid, first);
}

/// E21: an input for a replaced action is recorded with its id and answers nothing; a COMPLETE of
/// one is dropped.
#[test]
fn inputs_of_replaced_actions_answer_nothing() {
    let mut call = call(TALK);
    let replaced = call.started().appid.clone();
    call.say("F有");
    let late = Heard {
        appid: Some(replaced.clone()),
        text: "F有".into(),
        start: call.now.wall,
        duration_ms: 500,
        play_time_ms: 0,
        record: "".into(),
    };
    assert_eq!(call.hear(late).line(), "2 F2 Text F有 | Mismatch | None");
    assert_eq!(call.row().current_appid, replaced);
    let digits = Input::Dtmf { appid: Some(replaced.clone()), digits: "1".into(), play_time_ms: 0 };
    assert_eq!(call.handle(digits).line(), "2 F2 Dtmf 1 | Mismatch | None");
    let complete = Input::Complete { appid: Some(replaced), args: "DONE()".into() };
    assert!(call.handle(complete).rows.is_empty());
    assert!(call.commands.is_empty());
}

/// E12: a call goes on only on the revision it began with.
#[test]
fn a_snapshot_stays_with_its_revision() {
    let call = call(TALK);
    let other = load("test", r#"{ "flow": { "F1": { "action": "hangup" } } }"#);
    let wanted = call.robot.script().revision.clone();
    let error = Robot::restore(call.robot.snapshot(), Arc::clone(&other)).expect_err("another one");
    assert_eq!(error, WrongRevision { wanted, found: other.revision.clone() });
}

/// E90: a sentence's row says when, how long and over what it was spoken, and where it is kept.
#[test]
fn a_row_says_how_it_was_spoken() {
    let mut call = call(TALK);
    let start = call.now.plus_ms(200).wall;
    call.hear(Heard {
        appid: None,
        text: "PF有".into(),
        start,
        duration_ms: 800,
        play_time_ms: 1_000,
        record: "a.wav".into(),
    });
    let row = call.row();
    assert_eq!(
        (row.input_start_time, row.input_duration, row.input_play_time),
        (start, 800, 1_000)
    );
    assert_eq!((row.record.as_str(), row.input_args.as_str()), ("a.wav", "PF有"));
    assert_eq!(row.event_id(), format!("{CALLID}-1"));
}

/// E90, I3: a row as JSON has all published columns, always, in their order.
#[test]
fn a_row_has_the_published_columns() {
    let columns = "createtime callid current_appid sequence current_flowid input_type input_args \
                   input_nlp_args input_start_time input_duration input_play_time \
                   matching_method matching_condition condition_id condition_weight \
                   matching_keyword response_type response_description response_id \
                   response_action response_args response_text repetition potential record";
    let row = call(TALK).row().to_json();
    assert!(row.keys().map(String::as_str).eq(columns.split(' ')), "{row:?}");
    assert_eq!(row["createtime"], "2024-01-01 00:00:00");
}

/// E90: every kind of input, way of matching and kind of answer has the published number.
#[test]
fn kinds_have_their_published_numbers_e90() {
    use InputType::{Complete, Create, Destroy, Dtmf, Error, Flowid, Notify, Text};
    let inputs = [Text, Dtmf, Complete, Create, Destroy, Flowid, Error, Notify];
    assert_eq!(inputs.map(InputType::number), [0, 1, 2, 10, 11, 20, 30, 40]);
    let methods = [
        Method::Mismatch,
        Method::Boot,
        Method::Regex,
        Method::Full,
        Method::Any,
        Method::Flowid,
        Method::LargeModel,
    ];
    assert_eq!(methods.map(Method::number), [0, 1, 2, 3, 4, 5, 6]);
    let responses = [
        ResponseType::None,
        ResponseType::Flow,
        ResponseType::Kb,
        ResponseType::Mismatch,
        ResponseType::SwitchFlow,
        ResponseType::Timeout,
        ResponseType::GlobalFlow,
        ResponseType::BrotherFlow,
        ResponseType::NoiseRule,
        ResponseType::DisableBreak,
        ResponseType::Hangup,
        ResponseType::LargeModel,
    ];
    assert_eq!(responses.map(ResponseType::number), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
}

/// E92: times are told in the zone of the call, to the second.
#[test]
fn times_are_local_e92() {
    let script = load("test", &format!("{{ \"flow\": {{ {TALK} }} }}"));
    let wall = Wall { unix_ms: 1_704_067_199_999, offset_s: 8 * 3600 };
    let mut robot = Robot::new(incoming(), script, Now { tick: Tick(0), wall });
    let Some(Command::Row(create)) = robot.next_command() else { panic!("CREATE comes first") };
    let row = create.to_json();
    assert_eq!(row["createtime"], "2024-01-01 07:59:59");
    assert_eq!(row["input_start_time"], "2024-01-01 07:59:59");
}

/// E3: a text for several entries belongs to the first; a text for each to each.
#[test]
fn texts_belong_to_their_entries_e3() {
    let texts = |keys: &str| {
        let call = call(&format!(r#""F1": {{ "playbacks": ["a.wav", "b.wav"], {keys} }}"#));
        let playbacks = call.started().playbacks.iter();
        playbacks.map(|playback| playback.text.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(texts(r#""playbacks_text": ["all of it"]"#), ["all of it", ""]);
    assert_eq!(texts(r#""playbacks_text": ["one", "two"]"#), ["one", "two"]);
}

/// R20, E21: a recogniser's error is written down if it belongs to a replaced action, and dropped once
/// the robot has ended the call.
#[test]
fn late_errors_are_dropped_after_the_goodbye_r20() {
    let mut call = call(TALK);
    let late = |call: &mut Conversation| {
        let start = call.now.wall;
        let (appid, text, record) = (Some("nobody".into()), "Enetwork".into(), "".into());
        call.hear(Heard { appid, text, start, duration_ms: 0, play_time_ms: 0, record });
        call.lines()
    };
    assert_eq!(late(&mut call), ["1 F1 Text Enetwork | Mismatch | None"]);
    let mut call = self::call(r#""F1": { "action": "hangup", "playbacks": ["再见"] }"#);
    assert_eq!(late(&mut call), [""; 0]);
}
