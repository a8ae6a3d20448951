//! Pressed keys (E77, R11, R19, R28).

use telephonist::engine::{Command, EndReason, Input, Timer};

use crate::conversation::Conversation;
use crate::play::call;

fn stops_audio(call: &Conversation) -> bool {
    call.commands.iter().any(|command| matches!(command, Command::StopAudio { .. }))
}

const MENU: &str = r#"
    "F1": { "mismatchplaybacks": ["什么"], "subflow": {
        "F2": { "condition": { "dtmf": ["1"] } },
        "F3": { "id": "code", "condition": { "dtmf": ["\\d{4}"] } } } },
    "F2": {}, "F3": {}"#;

/// E77: digits are collected while an edge could still need more; the longest decides at once.
#[test]
fn digits_wait_for_the_longest_condition() {
    let mut call = call(MENU);
    assert!(call.press("12").rows.is_empty());
    assert_eq!(call.timer(), Some(Timer::InterDigit));
    assert_eq!(call.press("34").line(), "1 F1 Dtmf 1234 | Regex 1234 | Flow F3 x1");
    assert_eq!(call.row().matching_condition, r"\d{4}");
    assert_eq!(call.row().condition_id, "code");
}

/// E77: three seconds without another digit, or `#`, end them; `#` is dropped (R11).
#[test]
fn digits_end_by_time_or_by_hash() {
    let mut call = call(MENU);
    assert!(call.press("1").advance(2_999).rows.is_empty());
    assert_eq!(call.advance(1).line(), "1 F1 Dtmf 1 | Full 1 | Flow F2 x1");
    let mut call = self::call(MENU);
    assert_eq!(call.press("1#").line(), "1 F1 Dtmf 1 | Full 1 | Flow F2 x1");
    let mut call = self::call(
        r##""F1": { "subflow": { "F2": { "condition": { "dtmf": ["#"] } } } }, "F2": {}"##,
    );
    assert_eq!(call.press("#").line(), "1 F1 Dtmf # | Full # | Flow F2 x1");
}

/// E77: each digit begins the wait anew.
#[test]
fn each_digit_waits_again() {
    let mut call = call(MENU);
    call.press("1").advance(2_000).press("2").advance(2_000);
    assert_eq!(call.timer(), Some(Timer::InterDigit));
    assert_eq!(call.advance(1_000).line(), "1 F1 Dtmf 12 | Mismatch | Mismatch F1 x1");
}

/// E77, R11: what no condition wants is decided at once, and is a mismatch.
#[test]
fn unwanted_digits_are_mismatches() {
    let mut call = call(r#""F1": { "mismatchplaybacks": ["什么"] }"#);
    assert_eq!(call.press("7").line(), "1 F1 Dtmf 7 | Mismatch | Mismatch F1 x1");
    call.end(EndReason::RecvBye);
    assert_eq!(call.classify().respond_count, 1, "they reached matching");
}

/// R11: own edges and linked globals by priority, then source nodes, then `any`, then mismatch.
#[test]
fn the_order_of_digits() {
    let nodes = |own: &str, global: &str| {
        format!(
            r#"
        "F1": {{ "subflow": {{ "G1": {{ "condition": {{ "text": ["全"] }} }},
            "F5": {{ "condition": {{ "dtmf": ["1"] }} }} }} }},
        "G1": {{ "global": true, "condition": {{}}, "sourceflowdepth": 1, "globalflow": "G2", "subflow": {{
            "F2": {{ "priority": -9, "condition": {{ "dtmf": ["any"] }} }} {own} }} }},
        "G2": {{ "global": true, "condition": {{ {global} }} }},
        "F2": {{}}, "F4": {{}}, "F5": {{}}"#
        )
    };
    let named = r#", "F4": { "priority": 1, "condition": { "dtmf": ["1"] } }"#;
    for (own, global, answer) in [
        (named, r#""dtmf": ["1"]"#, "Full 1 | GlobalFlow G2 x1"),
        (named, "", "Full 1 | Flow F4 x1"),
        ("", "", "Full 1 | BrotherFlow F5 x1"),
    ] {
        let mut call = call(&nodes(own, global));
        assert_eq!(call.say("F全").press("1").line(), format!("2 G1 Dtmf 1 | {answer}"));
    }
    let mut call = call(&nodes("", ""));
    assert_eq!(call.say("F全").press("2").line(), "2 G1 Dtmf 2 | Any | Flow F2 x1");
}

/// R19: a longer condition of a source node is waited for.
#[test]
fn source_nodes_lengthen_the_wait() {
    let mut call = call(
        r#"
        "F1": { "subflow": { "G1": { "condition": { "text": ["全"] } },
            "F5": { "condition": { "dtmf": ["12"] } } } },
        "G1": { "global": true, "condition": {}, "sourceflowdepth": 1, "subflow": {
            "F2": { "condition": { "dtmf": ["1"] } } } },
        "F2": {}, "F5": {}"#,
    );
    call.say("F全");
    assert!(call.press("1").rows.is_empty());
    assert_eq!(call.press("2").line(), "2 G1 Dtmf 12 | Full 12 | BrotherFlow F5 x1");
}

/// R11: digits that wait are decided before any other input.
#[test]
fn waiting_digits_come_first() {
    let mut call = call(MENU);
    call.press("1");
    assert_eq!(
        call.say("F喂").lines(),
        ["1 F1 Dtmf 1 | Full 1 | Flow F2 x1", "2 F2 Text F喂 | Mismatch | None x1"]
    );
    let mut call = self::call(MENU);
    call.press("1");
    assert_eq!(
        call.complete("TIMEOUT()").lines(),
        ["1 F1 Dtmf 1 | Full 1 | Flow F2 x1", "2 F2 Complete TIMEOUT() | Mismatch | Hangup"]
    );
}

/// R11, E76: before a hang-up they are decided as on a dead line: recorded, nothing started.
#[test]
fn waiting_digits_of_a_caller_who_hangs_up() {
    let mut call = call(MENU);
    call.press("1").end(EndReason::RecvBye);
    assert_eq!(
        call.lines(),
        ["1 F1 Dtmf 1 | Full 1 | Flow F2 x1", "1 F2 Destroy recv_bye | Mismatch | None"]
    );
    assert!(call.rows[0].response_action.is_empty());
    let mut call = self::call(MENU);
    call.press("1").complete("HANGUP()");
    assert_eq!(
        call.lines(),
        ["1 F1 Dtmf 1 | Full 1 | Flow F2 x1", "1 F2 Complete HANGUP() | Mismatch | None"]
    );
}

/// E77: the first digit stops the audio, the next ones find it stopped.
#[test]
fn the_first_digit_stops_the_audio() {
    let mut call = call(MENU);
    assert!(stops_audio(call.press_over("1", 500)));
    assert!(!stops_audio(call.press_over("2", 500)));
}

/// E3, E77: unless `disablebreak` forbids it at that moment.
#[test]
fn disablebreak_keeps_the_audio() {
    for (disablebreak, play_time_ms, stops) in
        [("true", 60_000, false), ("3000", 2_999, false), ("3000", 3_000, true), ("0", 1, true)]
    {
        let mut call = call(&format!(
            r#""F1": {{ "disablebreak": {disablebreak}, "subflow": {{
                "F2": {{ "condition": {{ "dtmf": ["12"] }} }} }} }}, "F2": {{}}"#
        ));
        call.press_over("1", play_time_ms);
        assert_eq!(stops_audio(&call), stops, "{disablebreak} at {play_time_ms}");
    }
}

/// E42: digits that `filter.dtmf` names are dropped.
#[test]
fn filtered_digits_are_dropped() {
    let mut call = call(
        r##""F1": { "filter": { "dtmf": "*#" }, "subflow": {
            "F2": { "condition": { "dtmf": ["12"] } } } }, "F2": {}"##,
    );
    assert_eq!(call.press("*1#2").line(), "1 F1 Dtmf 12 | Full 12 | Flow F2 x1");
}

/// E22: what was pressed is a variable.
#[test]
fn the_last_digits_are_a_variable() {
    let mut call = call(
        r#""F1": { "subflow": { "F2": { "condition": { "dtmf": ["12"] } } } },
           "F2": { "playbacks": ["你按了 ${last_digits}"] }"#,
    );
    assert_eq!(call.press("12").row().response_text, "你按了 12");
}

/// R20: keys that are pressed while the robot leaves answer nothing.
#[test]
fn keys_after_the_goodbye_answer_nothing_r20() {
    let mut call = call(r#""F1": { "action": "hangup" }"#);
    call.press("1");
    assert!(call.rows.is_empty() && call.commands.is_empty());
    let mut call = self::call(
        r#""F1": { "action": "hangup", "playbacks": ["再见"], "subflow": {
            "F1": { "condition": { "dtmf": ["1"] } } } }"#,
    );
    call.press("1");
    assert!(call.rows.is_empty() && call.commands.is_empty());
    let appid = Some("nobody".into());
    call.handle(Input::Dtmf { appid, digits: "1".into(), play_time_ms: 0 });
    assert!(call.rows.is_empty(), "not even as a key of another action");
}
