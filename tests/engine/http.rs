//! `http`: a web request whose answer sets variables (E20, R29).

use serde_json::json;
use telephonist::engine::{AskKind, Call, Command, RequestId, Timer, WebAnswer};

use crate::conversation::{Conversation, load};
use crate::play::{call, incoming};

const HTTP: &str = r#""F1": { "action": "http", "http": {
        "url": "https://crm.example/${callid}?q=${word}", "headers": { "X-Node": "${flowid}" },
        "body": { "who": "${word}", "n": 2, "list": [true, "${nobody}"] }, "timeout_ms": 2000 },
        "subflow": { "F2": { "condition": { "complete": ["done"] } },
                     "F3": { "condition": { "complete": ["error"] } } } },
    "F2": { "playbacks": ["${http.status} ${http.name} ${http.loan.sum} ${http.items.0} ${http.items.1}"] },
    "F3": { "playbacks": ["查不到 ${http.error}"] }"#;

fn asking() -> Conversation {
    let variables = vec![("word".into(), "a&b=\"c\" д".into())];
    let script = format!(
        r#"{{ "version": 3, "flow": {{ "Start": {{ "subflow": {{ "F1": {{}} }} }}, {HTTP} }} }}"#
    );
    Conversation::of(Call { variables, ..incoming() }, &load("test", &script))
}

/// R29, E22: variables in the address are parts of it and stay so; in the body they stay texts.
#[test]
fn values_stay_values_r29() {
    let call = asking();
    let ask = call.asked();
    assert_eq!((ask.id, ask.kind), (RequestId(1), AskKind::Http));
    let url = format!("https://crm.example/{}?q=a%26b%3D%22c%22%20%D0%B4", crate::play::CALLID);
    assert_eq!(ask.request.url, url);
    assert_eq!(ask.request.method, "POST", "it has a body");
    assert_eq!(ask.request.headers, [("X-Node".into(), "F1".to_owned())]);
    let body = json!({ "who": "a&b=\"c\" д", "n": 2, "list": [true, ""] });
    assert_eq!(ask.request.body, Some(body));
    assert_eq!(ask.request.timeout_ms, 2_000);
}

/// R29: a variable at the very start may hold the beginning of the address.
#[test]
fn an_address_may_begin_with_a_variable_r29() {
    let script = r#"{ "flow": { "F1": { "action": "http",
        "http": { "url": "${base}/x/${base}" }, "subflow": { "F1": { "condition": {} } } } } }"#;
    let variables = vec![("base".into(), "http://10.0.0.1/api".into())];
    let call = Conversation::of(Call { variables, ..incoming() }, &load("test", script));
    let request = &call.asked().request;
    assert_eq!(request.url, "http://10.0.0.1/api/x/http%3A%2F%2F10.0.0.1%2Fapi");
    assert_eq!((request.method.as_str(), &request.body), ("GET", &None));
}

/// N10: a body written as text: values are escaped as what it is, JSON or a form.
#[test]
fn values_in_a_text_body_are_escaped_n10() {
    let body = |http: &str| {
        let script = format!(
            r#"{{ "flow": {{ "F1": {{ "action": "http", "http": {{ "url": "http://h/", {http} }},
                "subflow": {{ "F1": {{ "condition": {{}} }} }} }} }} }}"#
        );
        let variables = vec![("said".into(), "\"},\"a\":\"b&c\n".into())];
        let call = Conversation::of(Call { variables, ..incoming() }, &load("test", &script));
        call.asked().request.body.clone().unwrap()
    };
    assert_eq!(body(r#""body": "{\"t\":\"${said}\"}""#), r#"{"t":"\"},\"a\":\"b&c\n"}"#);
    let form = r#""body": "t=${said}", "headers": { "Content-Type": "application/x-www-form-urlencoded" }"#;
    assert_eq!(body(form), "t=%22%7D%2C%22a%22%3A%22b%26c%0A");
    let other = form.replace("Content-Type", "X-Note");
    assert_eq!(body(&other), "t=\"},\"a\":\"b&c\n");
    let text = form.replace("application/x-www-form-urlencoded", "text/plain");
    assert_eq!(body(&text), "t=\"},\"a\":\"b&c\n");
    assert_eq!(body(r#""body": "said: ${said}""#), "said: \"},\"a\":\"b&c\n");
}

/// R29: the answer's fields, status and body are variables; the COMPLETE is `DONE()`.
#[test]
fn the_answer_sets_variables_r29() {
    let mut call = asking();
    assert_eq!(call.timer(), Some(Timer::WebRequest));
    call.answer(1, r#"{"name":"Анна","loan":{"sum":5000},"items":["x",null],"status":"own"}"#);
    assert_eq!(call.line(), "1 F1 Complete DONE() | Full done | Flow F2 x1");
    assert_eq!(call.plays(), ["200 Анна 5000 x null"], "the status is that of the answer");
}

/// R29: a failure, a status that is no success, or no answer in time: `ERROR()`.
#[test]
fn failures_end_with_error_r29() {
    let failed = "1 F1 Complete ERROR() | Full error | Flow F3 x1";
    let mut call = asking();
    assert_eq!(call.fail(1, "refused").line(), failed);
    assert_eq!(call.plays(), ["查不到 refused"]);
    for status in [199, 302, 404, 500] {
        let refused = WebAnswer { status, body: "{}".into() };
        assert_eq!(asking().outcome(1, Ok(refused)).line(), failed, "{status}");
    }
    let mut call = asking();
    assert!(call.advance(1_999).rows.is_empty());
    assert_eq!(call.advance(1).line(), failed);
    assert_eq!(call.plays(), ["查不到 timeout"]);
    call.answer(1, "{}");
    assert!(call.rows.is_empty() && call.commands.is_empty(), "too late");
}

/// R29: an answer that is no JSON is there as `http.body`; a new request forgets the old answer.
#[test]
fn a_new_request_forgets_the_old_answer_r29() {
    let mut call = call(
        r#""F1": { "action": "http", "http": { "url": "http://h/" }, "subflow": {
            "F2": { "condition": { "complete": ["any"] } } } },
        "F2": { "playbacks": ["[${http.body}][${http.a}]"], "subflow": {
            "F1": { "condition": { "text": ["again"] } } } }"#,
    );
    assert_eq!(call.answer(1, r#"{"a":1}"#).plays(), [r#"[{"a":1}][1]"#]);
    assert_eq!(call.say("Fagain").asked().id, RequestId(2));
    assert_eq!(call.answer(2, "plain").plays(), ["[plain][]"]);
}

/// E20: its audio plays while the answer is awaited; it ends when both are there.
#[test]
fn audio_plays_while_the_answer_is_awaited_e20() {
    let script =
        HTTP.replace("\"action\": \"http\",", "\"action\": \"http\", \"playbacks\": [\"请稍等\"],");
    let mut call = call(&script);
    assert_eq!(call.plays(), ["请稍等"]);
    assert!(call.answer(1, "{}").rows.is_empty(), "the audio is not cut");
    assert_eq!(call.complete("DONE()").row().response_id, "F2");
    let mut call = self::call(&script);
    assert!(call.complete("DONE()").rows.is_empty());
    assert_eq!(call.fail(1, "refused").row().response_id, "F3");
}

/// What is said or pressed meanwhile is written down and answers nothing.
#[test]
fn nothing_else_answers_meanwhile_e20() {
    let mut call = asking();
    assert_eq!(call.say("Fдалло").line(), "1 F1 Text Fдалло | Mismatch | None");
    assert_eq!(call.press("1").line(), "1 F1 Dtmf 1 | Mismatch | None");
    assert_eq!(call.answer(1, "{}").row().response_id, "F2");
}

/// E76: after the hang-up a request is sent, and nobody waits for its answer.
#[test]
fn a_request_is_sent_on_a_dead_line_e76() {
    let mut call = call(
        r#""F1": { "playbacks": ["问"], "subflow": { "F2": { "condition": { "text": ["投诉"] } } } },
        "F2": { "action": "http", "http": { "url": "http://h/${last_text}" },
            "subflow": { "F1": { "condition": { "complete": ["any"] } } } }"#,
    );
    call.say("F嗯").complete("HANGUP(F投诉)");
    assert_eq!(call.row().response_id, "F2");
    assert!(call.told().is_some_and(|request| request.url.starts_with("http://h/")));
    assert!(!call.commands.iter().any(|command| matches!(command, Command::Ask(_))));
}

/// E73: a loop of requests that nobody hears ends, whatever the service answers.
#[test]
fn a_loop_of_requests_ends_e73() {
    let mut call = call(
        r#""F1": { "action": "http", "http": { "url": "http://h/" },
            "subflow": { "F1": { "condition": { "complete": ["any"] } } } }"#,
    );
    for id in 1..=50 {
        assert_eq!(call.answer(id, "{}").asked().id, RequestId(id + 1));
    }
    call.answer(51, "{}");
    assert!(call.row().response_description.contains("50 actions"));
    assert!(matches!(call.commands.last(), Some(Command::Hangup { .. })));
}
