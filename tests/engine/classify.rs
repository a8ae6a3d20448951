//! Intent and the classify row (E80, E81, R22, R27).

use telephonist::engine::EndReason;

use crate::play::{call, call_to};

const SCRIPT: &str = r#"{ "version": 3, "flow": {
    "F1": { "kb": "k", "globalflow": "G1", "potential": "+1", "subflow": {
        "F1": { "weight": 2, "condition": { "text": ["再"] } },
        "F2": { "weight": -3, "condition": { "text": ["不"], "dtmf": ["2"] } },
        "F3": { "weight": 0, "condition": { "text": ["好"] } } } },
    "F2": { "potential": "-2", "subflow": { "F9": { "condition": { "complete": ["any"] } } } },
    "F3": { "potential": "b", "kb": "k" },
    "F9": { "action": "hangup" },
    "G1": { "action": "return", "global": true, "weight": 1, "condition": { "text": ["喂喂"] } } },
  "kb": { "k": { "prompts": ["P1", "P2"] } },
  "prompt": {
    "P1": { "keyworks": ["公司"], "potential": "=5" },
    "P2": { "keyworks": ["利息"], "potential": "C" } } }"#;

/// E81: sums of weights and marks, counts of answers, and how long it took (R27).
#[test]
fn the_classify_row_sums_up() {
    let mut call = call_to(SCRIPT);
    call.say("F再").say("F再").say("F公司").say("F喂喂").say("F嗯").press("2");
    call.advance(999).complete("DONE()").end(EndReason::Hangup);
    let row = call.classify();
    assert_eq!(row.callid, "dfd3585d-1209-4c69-bb5f-777a48a66321");
    assert_eq!(row.talk_time, 5, "5.999 s");
    assert_eq!(row.respond_count, 6);
    assert_eq!((row.positive_respond_count, row.passive_respond_count), (2 + 2 + 1, 3));
    // F1 four times, P1 once; F2 once.
    assert_eq!((row.intentional_count, row.unintentional_count), (4 + 5, 2));
    assert_eq!((row.trigger_kb, row.trigger_global_flow), (1, 1));
    assert_eq!(row.proactively_hangup, 1);
    assert_eq!((row.label_result.as_str(), row.label_hit_type), ("", 0));
}

/// E80, E81, R22: letters are a label; the last one set is the call's, with what set it.
#[test]
fn the_last_label_is_the_calls() {
    let mut call = call_to(SCRIPT);
    assert_eq!(call.say("F好").row().potential, "b");
    call.end(EndReason::RecvBye);
    assert_eq!(call.row().potential, "b");
    let row = call.classify();
    assert_eq!(
        (row.label_result.as_str(), row.label_hit_id.as_str(), row.label_hit_type),
        ("b", "F3", 1)
    );
    assert_eq!(row.proactively_hangup, 0);

    let mut call = call_to(SCRIPT);
    call.say("F好").say("F利息").end(EndReason::RecvBye);
    let row = call.classify();
    assert_eq!(
        (row.label_result.as_str(), row.label_hit_id.as_str(), row.label_hit_type),
        ("C", "P2", 2)
    );
}

/// E82: a rule labels a call that no node or prompt labelled; the first that holds wins, and
/// DESTORY carries its label (R22).
#[test]
fn rules_label_calls_without_a_label() {
    let script = |potential: &str| {
        call_to(&format!(
            r#"{{ "version": 3, "flow": {{ "F1": {{ "potential": "{potential}",
                    "subflow": {{ "F2": {{ "weight": 2, "condition": {{ "text": ["有"] }} }} }} }},
                    "F2": {{}} }},
                "classify": [
                    {{ "id": "busy", "label": "C", "all": [
                        {{ "field": "respond_count", "op": "==", "value": 0 }} ] }},
                    {{ "id": "keen", "label": "A", "all": [
                        {{ "field": "positive_respond_count", "op": ">=", "value": 2 }},
                        {{ "field": "visited", "op": "contains", "value": "F2" }} ],
                      "any": [ {{ "field": "end_reason", "op": "in",
                                  "value": ["recv_bye", "send_bye"] }} ] }},
                    {{ "id": "rest", "label": "D" }} ] }}"#
        ))
    };
    for (potential, says, label, hit) in [
        ("", "F有", "A", ("keen", 3)),
        ("", "F没", "D", ("rest", 3)),
        ("", "", "C", ("busy", 3)),
        ("B", "F有", "B", ("F1", 1)),
    ] {
        let mut call = script(potential);
        if !says.is_empty() {
            call.say(says);
        }
        call.end(EndReason::RecvBye);
        assert_eq!(call.row().potential, label);
        let classify = call.classify();
        assert_eq!(classify.label_result, label);
        assert_eq!((classify.label_hit_id.as_str(), classify.label_hit_type), hit);
    }
}

/// E81, I3: the row as JSON, all published columns in their order.
#[test]
fn the_classify_row_is_json_e81() {
    let mut call = call(r#""F1": { "potential": "A" }"#);
    call.end(EndReason::RecvBye);
    let row = call.classify().to_json();
    let columns: Vec<_> = row.keys().map(String::as_str).collect();
    let counts = "talk_time respond_count positive_respond_count passive_respond_count \
                  intentional_count unintentional_count trigger_kb trigger_global_flow \
                  proactively_hangup";
    let expected = format!("callid {counts} label_result label_hit_id label_hit_type");
    assert_eq!(columns.join(" "), expected);
    assert_eq!((&row["label_result"], &row["label_hit_type"]), (&"A".into(), &1.into()));
}
