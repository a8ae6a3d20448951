//! `talk --jsonl`: a machine is the caller (spec: names others rely on).

use serde_json::{Value, json};

use crate::{piped, text, yes_or_no};

/// Every row has what was tried before it, in order; for CREATE and DESTORY nothing was.
#[test]
fn talk_tells_what_was_tried_before_each_row() {
    let told = talk(&["--explain"], b"{\"text\":\"Syes\",\"play_time\":9}\n{\"text\":\"Fyes\"}\n");
    let kinds: Vec<&str> = told.iter().filter_map(kind).filter(|kind| *kind != "do").collect();
    assert_eq!(kinds, ["why", "row", "why", "row", "why", "row", "classify"]);
    assert_eq!(told[0]["why"], serde_json::json!([]));
    assert!(told[3]["why"].to_string().contains("yes"));
}

#[test]
fn talk_goes_on_after_lines_it_cant_read() {
    let mut lines = vec![b'x'; 9 * 1024 * 1024];
    lines.extend(b"\n\xff\n{\"advance\":-1}\n{\"advance\":1e30}\n{\"advance\":99999999999999}\n");
    lines.extend(
        b"{\"text\":\"Fyes\",\"duration\":\"1400\"}\n{\"text\":\"Fyes\",\"duration\":-1}\n",
    );
    lines.extend(b"{\"text\":\"Fyes\",\"duration\":1400}");
    let told = talk(&[], &lines);
    let wrong: Vec<_> = told.iter().filter_map(|line| line["problem"]["line"].as_u64()).collect();
    assert_eq!(wrong, [1, 2, 3, 4, 5, 6, 7]);
    let said: Vec<_> = told.iter().filter(|line| line["row"]["input_args"] == "Fyes").collect();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0]["row"]["input_duration"], 1400);
}

/// A script that asks an NLP service, looks something up, takes digits, and leaves in every way.
const SERVICES: &str = r#"{ "version": 3, "global": { "nlpurl": "http://nlp.example/" }, "flow": {
    "F1": { "nlpid": "1", "playbacks": ["你好"], "subflow": {
        "L": { "id": "c1", "condition": { "text": ["查"] } },
        "P": { "condition": { "dtmf": ["9"] } },
        "T": { "condition": { "text": ["人工"] } },
        "B": { "condition": { "complete": ["any"] } } } },
    "L": { "action": "http", "http": { "url": "http://crm.example/${destination_number}" },
        "subflow": { "A": { "condition": { "complete": ["done"] } },
                     "B": { "condition": { "complete": ["error"] } } } },
    "A": { "playbacks": ["${http.name},${http.debt}"], "subflow": {
        "L": { "condition": { "text": ["再查"] } }, "B": { "condition": { "complete": ["any"] } } } },
    "P": { "action": "collect", "collect": { "max": 2, "variable": "pin" }, "subflow": {
        "B": { "condition": { "complete": ["any"] } } } },
    "T": { "action": "transfer", "argument": "4000" },
    "B": { "action": "hangup", "playbacks": ["再见"] } } }"#;

/// What the program answers to these lines, byte for byte the same twice, as values.
fn services(lines: &[Value]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("services.json");
    std::fs::write(&file, SERVICES).unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let talk = || piped(&["talk", file.to_str().unwrap(), "--jsonl"], lines.as_bytes());
    let told = talk();
    assert_eq!(told.stdout, talk().stdout, "the same bytes twice");
    text(&told).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The kinds of things done, in order: `start`, `ask`, `hangup`, …
fn done(told: &[Value]) -> Vec<&str> {
    told.iter().filter_map(|line| kind(&line["do"])).collect()
}

fn asked(told: &[Value]) -> Vec<&Value> {
    told.iter().map(|line| &line["do"]["ask"]).filter(|ask| !ask.is_null()).collect()
}

/// Questions are asked with their id and kind, and answered with the id; an answer may fail, and
/// time may pass over it.
#[test]
fn services_are_asked_and_answered() {
    let told = services(&[
        json!({ "start": { "variables": { "destination_number": "4000" }, "callid": "c-1" } }),
        json!({ "text": "F我的账单。", "duration": 1400, "play_time": 0 }),
        json!({ "answer": { "id": 1, "body": { "keyword": "查", "description": "查询" } } }),
        json!({ "answer": { "id": 2, "body": { "name": "安娜", "debt": 50 } } }),
        json!({ "text": "F再查" }),
        json!({ "fail": { "id": 3, "error": "timeout" } }),
        json!({ "complete": "DONE()" }),
        json!({ "hangup": "send_bye" }),
    ]);
    let asked = asked(&told);
    let ids: Vec<_> = asked.iter().map(|ask| (ask["id"].as_u64(), ask["kind"].as_str())).collect();
    assert_eq!(ids, [(Some(1), Some("nlp")), (Some(2), Some("http")), (Some(3), Some("http"))]);
    assert_eq!(
        asked[0]["request"]["body"]["text"],
        "F%E6%88%91%E7%9A%84%E8%B4%A6%E5%8D%95%E3%80%82"
    );
    assert_eq!(asked[1]["request"]["url"], "http://crm.example/4000");
    assert_eq!(done(&told), ["start", "ask", "ask", "start", "ask", "start", "hangup"]);
    let rows: Vec<_> = told.iter().map(|line| &line["row"]).filter(|row| !row.is_null()).collect();
    let inputs: Vec<_> = rows.iter().map(|row| row["input_args"].as_str().unwrap()).collect();
    let expected = ["services", "F我的账单。", "DONE()", "F再查", "ERROR()", "send_bye"];
    assert_eq!(inputs, expected);
    assert_eq!(rows[1]["condition_id"], "c1");
    assert_eq!(rows[1]["input_nlp_args"], r#"{"keyword":"查","description":"查询"}"#);
    assert_eq!(rows[2]["response_text"], "安娜,50");
    assert_eq!(told.last().and_then(kind), Some("classify"));
}

/// Time that passes answers for a service that does not.
#[test]
fn a_service_that_is_silent_is_given_up() {
    let told = services(&[json!({ "text": "F查" }), json!({ "advance": 1500 })]);
    assert_eq!(asked(&told).len(), 2, "its own keywords decide, and the look-up is asked");
}

/// Digits, transfers, and the end of the input, which is a hang-up by the caller.
#[test]
fn the_other_ways_to_go_on() {
    let told = services(&[json!({ "dtmf": "9" }), json!({ "dtmf": "1" }), json!({ "dtmf": "2" })]);
    assert_eq!(done(&told), ["start", "stop_audio", "start", "stop_audio", "start"]);
    let last = told.iter().rfind(|line| !line["row"].is_null()).unwrap();
    assert_eq!(
        (last["row"]["input_type"].as_i64(), last["row"]["input_args"].as_str()),
        (Some(11), Some("recv_bye"))
    );
    let told = services(&[
        json!({ "text": "F人工" }),
        json!({ "fail": { "id": 1, "error": "refused" } }),
        json!({ "hangup": "transfer" }),
    ]);
    let transfer = told.iter().find_map(|line| line["do"].get("transfer")).unwrap();
    assert_eq!(transfer["extension"], "4000");
}

/// An answer to a question that is not open, or without an id, is a problem, and no more.
#[test]
fn answers_to_nobody_are_problems() {
    let told = services(&[
        json!({ "answer": { "id": 1, "body": {} } }),
        json!({ "answer": { "body": {} } }),
        json!({ "fail": {} }),
        json!({ "text": "F查" }),
        json!({ "answer": { "id": 1, "status": "ok", "body": {} } }),
        json!({ "answer": { "id": 2, "body": {} } }),
    ]);
    let wrong: Vec<_> = told.iter().filter_map(|line| line["problem"]["line"].as_u64()).collect();
    assert_eq!(wrong, [1, 2, 3, 5, 6]);
}

/// What `talk --jsonl` answers to these lines, one value a line.
fn talk(options: &[&str], lines: &[u8]) -> Vec<Value> {
    let script = yes_or_no();
    let told = piped(&[&["talk", &script, "--jsonl"][..], options].concat(), lines);
    assert_eq!(told.status.code(), Some(0));
    text(&told).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What kind of thing this is: its only key.
fn kind(line: &Value) -> Option<&str> {
    line.as_object()?.keys().next().map(String::as_str)
}
