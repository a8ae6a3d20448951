//! Notices: somebody is told some time after a node was entered (E85).

use serde_json::json;
use telephonist::engine::{Call, Command, EndReason, Timer};

use crate::conversation::{Conversation, load};
use crate::play::{CALLID, call, incoming};

const NOTICE: &str = r#""F1": { "playbacks": ["要吗"], "notify": { "trigger_type": "calculate",
        "trigger_time": 5, "url": "http://crm.example/notify", "linegroup": "8000",
        "stop_robot": false, "beep_time": 3, "rest_time": "x" },
        "subflow": { "F2": { "condition": { "text": ["要"] } } } },
    "F2": { "playbacks": ["好"] }"#;

/// E85: the row, and the JSON with call id and variables, so many seconds after the entry; the
/// robot talks on.
#[test]
fn somebody_is_told_e85() {
    let script = format!("{{ \"version\": 3, \"flow\": {{ {NOTICE} }} }}");
    let variables = vec![("name".into(), "Анна".into())];
    let mut call = Conversation::of(Call { variables, ..incoming() }, &load("test", &script));
    call.say("F要");
    assert_eq!(call.timer(), Some(Timer::Notice), "leaving the node changes nothing");
    assert!(call.advance(3_999).rows.is_empty());
    call.advance(1);
    let notice = json!({ "trigger_type": "calculate", "trigger_time": 5,
        "url": "http://crm.example/notify", "linegroup": "8000", "stop_robot": false,
        "beep_time": 3, "rest_time": "x" });
    assert_eq!(call.line(), format!("2 F2 Notify {notice} | Mismatch | None"));
    let told = call.told().expect("the service is told");
    assert_eq!((told.method.as_str(), told.url.as_str()), ("POST", "http://crm.example/notify"));
    let mut body = notice;
    body["callid"] = CALLID.into();
    body["variables"] = json!({ "last_text": "要", "name": "Анна" });
    assert_eq!(told.body, Some(body));
    assert_eq!(call.timer(), None);
    assert_eq!(call.complete("DONE()").row().response_id, "", "the robot talks on");
}

/// E85: `stop_robot` hands the call to the line group, reason `manual`.
#[test]
fn stop_robot_hands_the_call_over_e85() {
    let mut call = call(&NOTICE.replace("\"stop_robot\": false", "\"stop_robot\": true"));
    call.advance(5_000);
    let Some(Command::Transfer(to)) = call.commands.last() else { panic!("{:?}", call.commands) };
    assert_eq!(to.extension, "8000");
    assert!(call.told().is_some());
    call.end(EndReason::Transfer);
    assert_eq!(call.row().input_args, "manual");
}

/// E85: without a line group nobody takes the call, and the robot talks on; without an address only
/// the row is written.
#[test]
fn without_a_line_group_the_robot_talks_on_e85() {
    let mut call = call(
        &NOTICE
            .replace("\"stop_robot\": false", "\"stop_robot\": true")
            .replace("\"linegroup\": \"8000\",", "")
            .replace("\"url\": \"http://crm.example/notify\",", ""),
    );
    call.advance(5_000);
    assert_eq!((call.rows.len(), call.commands.len()), (1, 0));
    assert_eq!(call.say("F要").row().response_id, "F2");
}

/// E85: a call that ends before is told of nothing.
#[test]
fn a_call_that_ended_tells_nothing_e85() {
    let mut call = call(NOTICE);
    call.end(EndReason::RecvBye);
    assert!(call.advance(10_000).rows.is_empty());
}

/// E85: each entry counts its own time; a loop can't fill the memory.
#[test]
fn notices_are_bounded_e85() {
    let mut call = call(
        r#""F1": { "playbacks": ["x"], "notify": { "trigger_time": 60 },
            "subflow": { "F1": { "condition": { "text": ["again"] } } } }"#,
    );
    for _ in 0..16 {
        call.say("Fagain");
    }
    assert!(call.commands.iter().any(|command| matches!(command, Command::Warn(_))));
    let mut notices = 0;
    while call.timer() == Some(Timer::Notice) {
        call.advance(1_000);
        notices += call.rows.len();
    }
    assert_eq!(notices, 16);
}
