//! What nodes make the switch do (E20, E22, T1).

use telephonist::engine::{ActionKind, Call, Command, EndReason, InputType, VARIABLES_MAX};

use crate::conversation::{Conversation, load};
use crate::play::{CALLID, call, call_to, incoming};

/// E20: `playback` plays and does not listen; a node that plays and detects does.
#[test]
fn playback_does_not_listen() {
    let mut call = call(
        r#"
        "F1": { "playbacks": ["你好"], "subflow": { "F2": { "condition": { "complete": ["any"] } } } },
        "F2": { "action": "playback", "playbacks": ["再见"], "subflow": { "F3": {} } },
        "F3": { "action": "hangup" }"#,
    );
    assert!(call.started().listen.is_some());
    let playback = call.complete("DONE()").started();
    assert_eq!((playback.app.as_str(), playback.kind), ("playback", ActionKind::Play));
    assert_eq!(playback.listen, None);
}

/// E7, T1: an argument that a node leaves empty is the script's.
#[test]
fn empty_arguments_are_the_scripts() {
    let call = call_to(
        r#"{
        "global": { "interrupt": "1", "wait_speech_timeout_ms": 4000, "hot_word": "贷款" },
        "flow": { "F1": { "argument": "'0' '' '' '' '' '' '' '2500'", "playbacks": ["你好"] } } }"#,
    );
    let listen = call.started().listen.as_deref().expect("the node listens");
    assert_eq!((listen.mode, listen.interrupt), (Some(0), Some(1)));
    assert_eq!((listen.wait_speech_timeout_ms, listen.hot_word.as_str()), (Some(2500), "贷款"));
    assert_eq!(call.row().response_args, "'0' '' '' '' '' '' '' '2500'");
}

/// E20, T12: `hangup` plays its last words first; nothing cuts them.
#[test]
fn hangup_says_goodbye_first() {
    let mut call = call(
        r#"
        "F1": { "subflow": { "F2": { "condition": { "text": ["不"] } } } },
        "F2": { "action": "hangup", "playbacks": ["再见"] }"#,
    );
    let goodbye = call.say("F不").started();
    assert_eq!((goodbye.kind, goodbye.disablebreak_ms), (ActionKind::Goodbye, u64::MAX));
    assert_eq!(call.say("F等等").line(), "2 F2 Text F等等 | Mismatch | None");
    assert!(call.complete("DONE()").rows.is_empty());
    assert!(matches!(call.commands[..], [Command::Hangup { .. }]));
    assert_eq!(call.end(EndReason::Hangup).row().input_args, "send_bye");
}

/// E16: a caller who does not wait for the last words has hung up himself.
#[test]
fn hanging_up_during_the_goodbye() {
    let mut call = call(r#" "F1": { "action": "hangup", "playbacks": ["再见"] }"#);
    assert!(call.complete("HANGUP()").rows.is_empty());
    assert_eq!(call.end(EndReason::RecvBye).line(), "1 F1 Destroy recv_bye | Mismatch | None");
}

/// E20: a transfer goes to the extension after its audio, and ends the call with its reason.
#[test]
fn transfers_end_the_robot() {
    for (action, reason, word) in
        [("transfer", EndReason::Transfer, "transfer"), ("manual", EndReason::Manual, "manual")]
    {
        let mut call = call(&format!(
            r#" "F1": {{ "action": "{action}", "argument": "4001 XML ${{where}}", "playbacks": ["请稍等"] }}"#
        ));
        assert_eq!(call.started().kind, ActionKind::Goodbye);
        call.complete("DONE()");
        let [Command::Transfer(to)] = &call.commands[..] else { panic!("{:?}", call.commands) };
        assert_eq!(
            (to.extension.as_str(), to.dialplan.as_str(), to.context.as_str()),
            ("4001", "XML", "")
        );
        assert_eq!(call.end(reason).line(), format!("1 F1 Destroy {word} | Mismatch | None"));
        assert_eq!(call.classify().proactively_hangup, 0);
    }
}

/// E20, E75: a transfer that the switch refuses goes on like any action that failed.
#[test]
fn a_failed_transfer_goes_on() {
    let mut call = call(
        r#"
        "F1": { "action": "transfer", "argument": "4001", "subflow": {
            "F2": { "condition": { "complete": ["error"] } } } },
        "F2": { "playbacks": ["没接通"] }"#,
    );
    assert!(matches!(call.commands[..], [Command::Transfer(_)]));
    assert_eq!(call.complete("ERROR()").line(), "1 F1 Complete ERROR() | Full error | Flow F2 x1");
    assert_eq!(call.plays(), ["没接通"]);
    assert_eq!(call.timer(), None);
}

/// E20: a transfer without an extension is an action that failed.
#[test]
fn a_transfer_to_nowhere_fails() {
    let mut call = call(
        r#"
        "F1": { "action": "transfer", "argument": "${nobody}", "subflow": {
            "F2": { "condition": { "complete": ["error"] } } } },
        "F2": { "playbacks": ["没接通"] }"#,
    );
    assert_eq!(call.lines()[1], "1 F1 Complete ERROR() | Full error | Flow F2 x1");
    assert_eq!(call.end(EndReason::RecvBye).row().sequence, 2);
}

/// E20: any other action is an application of the switch with its argument.
#[test]
fn applications_run_on_the_switch() {
    let mut call = call(
        r#"
        "F1": { "action": "record_session", "argument": "/tmp/${callid}.wav", "playbacks": ["x"],
            "subflow": { "F2": { "condition": { "complete": ["done"] } } } },
        "F2": { "action": "hangup" }"#,
    );
    let action = call.started();
    assert_eq!((action.app.as_str(), action.kind), ("record_session", ActionKind::Application));
    assert!(action.argument.ends_with("8a66321.wav"), "{}", action.argument);
    assert!(action.playbacks.is_empty());
    assert_eq!(call.complete("DONE()").line(), "1 F1 Complete DONE() | Full done | Flow F2 x1");
}

/// E20, R17: `set` is an action that is done at once; its values are data (E22).
#[test]
fn set_sets_variables() {
    let mut call = Conversation::of(
        Call {
            variables: vec![
                ("caller_id_number".into(), "13800001111".into()),
                ("robot_var_name".into(), "${callid}".into()),
            ],
            ..incoming()
        },
        &load(
            "test",
            r#"{ "flow": {
            "F1": { "action": "set", "set": { "who": "${name}/${caller_id_number}" }, "subflow": {
                "F2": { "condition": { "complete": ["done"] } } } },
            "F2": { "playbacks": ["你好 ${who}", "${nobody}"], "subflow": {
                "F2": { "condition": { "text": ["再"] } } },
                "replaybacks": ["${flowid} ${last_text} ${now}"] } } }"#,
        ),
    );
    assert_eq!(
        call.lines(),
        ["0 Start Create test | Boot | Flow F1", "1 F1 Complete DONE() | Full done | Flow F2 x1"]
    );
    assert_eq!(call.row().response_text, "你好 ${callid}/13800001111");
    assert_eq!(call.plays(), ["你好 ${callid}/13800001111", ""]);
    call.say("F再来。");
    assert_eq!(call.row().response_text, "F2 再来。 2024-01-01 00:00:01");
}

/// Limits: a call has so many variables; one more is named and left out.
#[test]
fn one_variable_too_many() {
    let names = (0..=VARIABLES_MAX).map(|n| (format!("v{n}").into(), "x".into()));
    let full = Call { variables: names.collect(), ..incoming() };
    let script = r#"{ "flow": {
        "F1": { "action": "set", "set": { "another": "1" }, "subflow": {
            "F2": { "condition": { "complete": ["done"] } } } },
        "F2": {} } }"#;
    let call = Conversation::of(full, &load("test", script));
    assert!(matches!(&call.commands[0], Command::Warn(text) if text.contains("v256")));
    assert_eq!(call.lines()[1], "1 F1 Error another | Mismatch | None");
    assert_eq!(call.lines()[2], "1 F1 Complete DONE() | Full done | Flow F2 x1");
}

/// Limits: a variable has so many bytes; one that is longer is cut, and an ERROR row names it.
#[test]
fn one_byte_too_many() {
    let set_to = |count: usize| {
        let value = "x".repeat(count);
        call(&format!(
            r#""F1": {{ "action": "set", "set": {{ "long": "{value}" }}, "subflow": {{
                "F2": {{ "condition": {{ "complete": ["done"] }} }} }} }},
            "F2": {{ "playbacks": ["${{long}}"] }}"#
        ))
    };
    let fits = set_to(8192);
    assert_eq!((fits.rows.len(), fits.plays()[0].len()), (2, 8192));
    let cut = set_to(8193);
    assert_eq!(cut.lines()[1], "1 F1 Error long | Mismatch | None");
    assert_eq!(cut.lines()[2], "1 F1 Complete DONE() | Full done | Flow F2 x1");
    assert_eq!(cut.plays()[0].len(), 8192);
}

/// E20: a built-in that is not built yet ends with ERROR().
#[test]
fn later_actions_fail() {
    let call = call(
        r#"
        "F1": { "action": "llm", "subflow": { "F2": { "condition": { "complete": ["error"] } } } },
        "F2": {}"#,
    );
    assert_eq!(call.line(), "1 F1 Complete ERROR() | Full error | Flow F2 x1");
}

/// E73: actions that wait for nothing end after fifty in a row; fifty are allowed.
#[test]
fn a_loop_of_immediate_actions_ends() {
    let chain = |count: usize| {
        let set = |at: usize| {
            format!(
                r#""S{at}": {{ "action": "set", "set": {{ "n": "{at}" }}, "subflow": {{
                    "S{}": {{ "condition": {{ "complete": ["any"] }} }} }} }},"#,
                at + 1
            )
        };
        let sets: String = (0..count).map(set).collect();
        let nodes = format!(r#"{sets} "S{count}": {{ "playbacks": ["到了"] }}"#);
        call_to(&format!("{{ \"flow\": {{ {nodes} }} }}"))
    };
    assert_eq!(chain(50).plays(), ["到了"]);
    let mut call = chain(51);
    assert_eq!(call.line(), "51 S50 Error S50 | Mismatch | None");
    assert!(matches!(call.commands[..], [Command::Hangup { .. }]));
    assert_eq!(call.end(EndReason::Hangup).row().input_args, "send_bye");
}

/// E73: audio that is not there, or can't be played, is nothing to wait for; a caller's word is.
#[test]
fn a_loop_that_fails_or_is_silent_ends() {
    for (audio, args, says, ended) in [
        (r#""playbacks": ["a.wav"]"#, "DONE()", false, false),
        (r#""playbacks": ["a.wav"]"#, "ERROR()", false, true),
        (r#""playbacks": ["a.wav"]"#, "ERROR()", true, false),
        (r#""playbacks": []"#, "DONE()", false, true),
        (r#""action": "log_it""#, "DONE()", false, false),
        (r#""action": "cti_play_and_detect_speech""#, "DONE()", false, false),
        (
            r#""action": "cti_play_and_detect_speech", "argument": "'1' '2' '' '' '' '' '' '0'""#,
            "DONE()",
            false,
            true,
        ),
    ] {
        let around = r#""subflow": { "F1": { "condition": { "complete": ["any"] } } }"#;
        let action = if audio.contains("action") { "" } else { r#""action": "playback","# };
        let mut call = call(&format!(r#""F1": {{ {action} {audio}, {around} }}"#));
        let hangs_up = (0..60).any(|_| {
            if says {
                call.say("F喂");
            }
            call.complete(args).row().input_type == InputType::Error
        });
        assert_eq!(hangs_up, ended, "{audio} {args} {says}");
    }
}

/// E22: `appid` is the id of the action that the argument is for.
#[test]
fn an_argument_may_name_its_action_e22() {
    let call = call(r#""F1": { "action": "log_it", "argument": "${appid} ${flowid} ${callid}" }"#);
    let action = call.started();
    assert_eq!(action.argument, format!("{} F1 {CALLID}", action.appid));
}

/// E20: of the switch's answers to the robot's leaving only a refused transfer is one to go on after.
#[test]
fn only_a_failed_transfer_goes_on() {
    let nodes = |action: &str| {
        format!(
            r#""F1": {{ "action": "{action}", "argument": "4000", "subflow": {{
                "F2": {{ "condition": {{ "complete": ["any"] }} }} }} }}, "F2": {{}}"#
        )
    };
    for (action, args) in [("hangup", "ERROR()"), ("hangup", "DONE()"), ("transfer", "DONE()")] {
        let mut call = call(&nodes(action));
        call.complete(args);
        assert!(call.rows.is_empty() && call.commands.is_empty(), "{action} {args}");
    }
    assert_eq!(call(&nodes("transfer")).complete("ERROR()").row().response_id, "F2");
}
