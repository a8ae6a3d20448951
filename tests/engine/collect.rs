//! `collect`: digits until there are enough (E20, E77, R29).

use telephonist::engine::{ActionKind, Command, EndReason, Input, Timer};

use crate::conversation::Conversation;
use crate::play::call;

const COLLECT: &str = r#""F1": { "action": "collect", "playbacks": ["请输入密码"],
        "collect": { "min": 2, "max": 4, "variable": "pin", "first_digit_ms": 6000, "inter_digit_ms": 2000 },
        "mismatchplaybacks": ["太短"], "timeoutplaybacks": ["请按键"],
        "subflow": { "F2": { "condition": { "complete": ["done"] } },
                     "F3": { "condition": { "complete": ["any"] } } } },
    "F2": { "playbacks": ["密码${pin},${last_digits}"] }, "F3": {}"#;

fn collecting() -> Conversation {
    call(COLLECT)
}

/// E20: it plays without listening; the longest number of digits ends it, and its COMPLETE is
/// `DONE()`; the digits are in its variable.
#[test]
fn enough_digits_end_it_e20() {
    let mut call = collecting();
    assert_eq!(call.started().kind, ActionKind::Play);
    assert!(call.started().listen.is_none());
    assert!(call.complete("DONE()").rows.is_empty(), "the audio alone is not the end of it");
    assert!(call.press("12").rows.is_empty());
    call.press("34");
    assert_eq!(call.line(), "1 F1 Complete DONE() | Full done | Flow F2 x1");
    assert_eq!(call.plays(), ["密码1234,1234"]);
    call.press("5");
    assert_eq!(call.row().input_args, "5", "the next digit is a digit again");
    call.end(EndReason::RecvBye);
    assert_eq!(call.classify().respond_count, 2, "a number and a digit");
}

/// R29: `#` ends it unless another key is named, and is no digit of it.
#[test]
fn a_terminator_ends_it_r29() {
    let mut call = collecting();
    call.complete("DONE()").press("12#");
    assert_eq!(call.plays(), ["密码12,12"]);
    let with = |terminator: &str| {
        let script =
            COLLECT.replace("\"min\": 2", &format!("\"min\": 2, \"terminator\": \"{terminator}\""));
        let mut call = self::call(&script);
        call.press("12*");
        call
    };
    assert_eq!(with("*").plays(), ["密码12,12"]);
    assert_eq!(with("none").press("3").plays(), ["密码12*3,12*3"]);
}

/// R29: the time of the first digit counts from the end of the audio, that of the others from the
/// one before; E61: nothing pressed is no input.
#[test]
fn digits_are_waited_for_r29() {
    let mut call = collecting();
    assert_eq!(call.timer(), None, "the audio plays");
    call.complete("DONE()");
    assert_eq!(call.timer(), Some(Timer::Collect));
    assert!(call.advance(5_999).rows.is_empty());
    assert_eq!(call.advance(1).line(), "1 F1 Complete TIMEOUT() | Mismatch | Timeout F1 x1");
    assert_eq!(call.plays(), ["请按键"]);
    call.complete("DONE()").press("77");
    assert!(call.advance(1_999).rows.is_empty());
    assert_eq!(call.advance(1).line(), "2 F1 Complete DONE() | Full done | Flow F2 x1");
    assert_eq!(call.plays(), ["密码77,77"]);
}

/// E61, E75: time-outs over their number go on by the edges.
#[test]
fn time_outs_go_on_by_the_edges_e61() {
    let mut call = collecting();
    call.complete("DONE()").advance(6_000).complete("DONE()").advance(6_000);
    assert_eq!(call.line(), "2 F1 Complete TIMEOUT() | Any | Flow F3 x1");
}

/// E60: too few digits are a mismatch; collecting begins anew.
#[test]
fn too_few_digits_are_a_mismatch_e60() {
    let mut call = collecting();
    call.complete("DONE()").press("1#");
    assert_eq!(call.line(), "1 F1 Dtmf 1 | Mismatch | Mismatch F1 x1");
    assert_eq!(call.plays(), ["太短"]);
    call.press("2#");
    assert_eq!(
        call.line(),
        "2 F1 Dtmf 2 | Mismatch | None x2",
        "beyond its number it only listens"
    );
    assert_eq!(call.timer(), Some(Timer::Collect));
    assert_eq!(call.press("1234").row().response_id, "F2");
}

/// E77: the first digit stops the audio, unless `disablebreak`.
#[test]
fn the_first_digit_stops_the_audio_e77() {
    let stops = |call: &Conversation| {
        call.commands.iter().any(|command| matches!(command, Command::StopAudio { .. }))
    };
    let mut call = collecting();
    assert!(stops(call.press_over("1", 300)));
    assert!(!stops(call.press_over("2", 400)), "once");
    let mut call =
        self::call(&COLLECT.replace("\"collect\": {", "\"disablebreak\": true, \"collect\": {"));
    assert!(!stops(call.press_over("1", 300)));
}

/// E21: digits of an action that was replaced are written down and collected by nobody.
#[test]
fn digits_of_another_action_are_not_collected_e21() {
    let mut call = collecting();
    let appid = Some("nobody".into());
    call.handle(Input::Dtmf { appid, digits: "12".into(), play_time_ms: 0 });
    assert_eq!(call.line(), "1 F1 Dtmf 12 | Mismatch | None");
}

/// E75: a hang-up in the middle ends it.
#[test]
fn a_hang_up_ends_it_e76() {
    let mut call = collecting();
    call.press("12").hang_up("HANGUP()");
    assert_eq!(call.row().input_args, EndReason::RecvBye.as_str());
}

/// E20: without audio the wait begins at once.
#[test]
fn without_audio_it_waits_at_once_e20() {
    let call = call(&COLLECT.replace("\"playbacks\": [\"请输入密码\"],", ""));
    assert_eq!(call.timer(), Some(Timer::Collect));
}

/// E65: an answer of the knowledge base does not leave the node; digits are awaited after it.
#[test]
fn digits_are_awaited_after_a_prompt_e65() {
    let mut call = crate::play::call_to(
        r#"{ "flow": { "F1": { "action": "collect", "kb": "k", "playbacks": ["号码"],
            "subflow": { "F2": { "condition": { "complete": ["done"] } } } }, "F2": {} },
        "kb": { "k": { "prompts": ["P1"] } },
        "prompt": { "P1": { "keyworks": ["公司"], "playbacks": ["我们"], "ignorereturnplayback": 1 } } }"#,
    );
    call.complete("DONE()").say("F公司");
    assert_eq!(call.timer(), None, "the answer plays");
    call.complete("DONE()");
    assert_eq!(call.timer(), Some(Timer::Collect));
    assert_eq!(call.press("12#").row().response_id, "F2");
}
