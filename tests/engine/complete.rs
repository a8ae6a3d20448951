//! The end of an action (E75, R9, R13, R24).

use telephonist::engine::{Command, EndReason};

use crate::play::{call, call_to};

/// E75: words name the COMPLETE in any case; anything else is searched in all of it (R13).
#[test]
fn conditions_on_the_end_of_an_action() {
    for (condition, args, why) in [
        ("done", "DONE()", "Full done"),
        ("Done", "DONE(F:x)", "Full Done"),
        ("error", "ERROR()", "Full error"),
        ("break", "BREAK()", "Full break"),
        ("timeout", "TIMEOUT()", "Full timeout"),
        ("any", "BREAK()", "Any"),
        (r"DONE\\(F:x", "done(f:xy)", "Regex done(f:x"),
    ] {
        let mut call = call(&format!(
            r#""F1": {{ "subflow": {{ "F2": {{ "id": "c", "weight": 3,
                "condition": {{ "complete": ["{condition}"] }} }} }} }}, "F2": {{}}"#
        ));
        let expected = format!("1 F1 Complete {args} | {why} | Flow F2 x1");
        assert_eq!(call.complete(args).line(), expected);
        assert_eq!((call.row().condition_id.as_str(), call.row().condition_weight), ("c", 3));
    }
}

/// E75: the order: named conditions by priority, what was said, source nodes, no input, `any`.
#[test]
fn the_order_of_a_complete() {
    let nodes = |own: &str, global: &str| {
        format!(
            r#"
        "F1": {{ "subflow": {{ "G1": {{ "condition": {{ "text": ["全"] }} }},
            "F5": {{ "condition": {{ "complete": ["done"] }} }} }} }},
        "G1": {{ "global": true, "condition": {{}}, "sourceflowdepth": 1, "globalflow": "G2",
            "timeoutplaybacks": ["喂"], "subflow": {{
            "F2": {{ "condition": {{ "complete": ["any"] }} }},
            "F3": {{ "condition": {{ "text": ["有"] }} }} {own} }} }},
        "G2": {{ "global": true, "condition": {{ "complete": [{global}] }} }},
        "F2": {{}}, "F3": {{}}, "F4": {{}}, "F5": {{}}"#
        )
    };
    let named = r#", "F4": { "priority": 1, "condition": { "complete": ["done"] } }"#;
    for (own, global, args, answer) in [
        (named, "\"done\"", "DONE(F:有)", "Full done | GlobalFlow G2 x1"),
        (named, "", "DONE(F:有)", "Full done | Flow F4 x1"),
        ("", "", "DONE(F:有)", "Full 有 | Flow F3 x1"),
        ("", "", "DONE(F:嗯)", "Full done | BrotherFlow F5 x1"),
        ("", "", "TIMEOUT()", "Mismatch | Timeout G1 x1"),
        ("", "", "TIMEOUT(F:嗯)", "Any | Flow F2 x1"),
        ("", "", "BREAK()", "Any | Flow F2 x1"),
    ] {
        let mut call = call(&nodes(own, global));
        call.say("F全");
        let expected = format!("2 G1 Complete {args} | {answer}");
        assert_eq!(call.complete(args).line(), expected, "{own} {global}");
    }
}

/// E75, R9, E17: no way on hangs up with type 10, which is an action.
#[test]
fn no_way_on_hangs_up() {
    let mut call = call(r#""F1": { "subflow": { "F1": { "condition": { "text": ["有"] } } } }"#);
    assert_eq!(call.complete("DONE()").line(), "1 F1 Complete DONE() | Mismatch | Hangup");
    let row = call.row();
    assert_eq!((row.response_id.as_str(), row.response_action.as_str()), ("", "hangup"));
    assert!(matches!(call.commands[..], [Command::Hangup { .. }]));
    assert_eq!(call.end(EndReason::Hangup).line(), "2 F1 Destroy send_bye | Mismatch | None");
}

/// E75, R13, R24: the sentences inside are tried one by one, through the knowledge base too; not
/// `any`, and never as a mismatch.
#[test]
fn sentences_inside_a_complete() {
    let script = r#"{ "flow": {
        "F1": { "kb": "k", "mismatchplaybacks": ["什么"], "subflow": {
            "F2": { "condition": { "text": ["有", "any"] } },
            "F9": { "condition": { "complete": ["any"] } } } },
        "F2": {}, "F9": {} },
        "kb": { "k": { "prompts": ["P1"] } },
        "prompt": { "P1": { "keyworks": ["公司"], "playbacks": ["介绍"] } } }"#;
    for (args, answer) in [
        ("DONE(F:嗯F:有的)", "Full 有 | Flow F2 x1"),
        ("TIMEOUT(F:嗯 1S:公司)", "Full 公司 | Kb P1 x1"),
        ("DONE(F:嗯嗯)", "Any | Flow F9 x1"),
    ] {
        let mut call = call_to(script);
        assert_eq!(call.complete(args).line(), format!("1 F1 Complete {args} | {answer}"));
    }
}

/// R23: a sentence inside a COMPLETE counts as an answer if it was one.
#[test]
fn answers_inside_a_complete_count() {
    let nodes = r#"
        "F1": { "subflow": { "F1": { "condition": { "text": ["有"], "complete": ["any"] } } } }"#;
    for (args, answers) in [("DONE(F:有)", 1), ("DONE(F:嗯)", 0), ("TIMEOUT(S:有)", 0)] {
        let mut call = call(nodes);
        call.complete(args).end(EndReason::RecvBye);
        assert_eq!(call.classify().respond_count, answers, "{args}");
    }
}

/// R13, E50.1: what was noise when it was said is not matched inside the COMPLETE, and silence with
/// nothing but noise in it is silence.
#[test]
fn noise_inside_a_complete_is_silence_r13() {
    let script = r#"{ "version": 3, "noiserule": [{ "id": "um", "text": ["嗯"] }], "flow": {
        "F1": { "timeoutplaybacks": ["在吗"], "subflow": {
            "F2": { "condition": { "text": ["嗯", "有"] } } } }, "F2": {} } }"#;
    let mut call = call_to(script);
    call.complete("TIMEOUT(F:嗯。)");
    assert_eq!(call.line(), "1 F1 Complete TIMEOUT(F:嗯。) | Mismatch | Timeout F1 x1");
    call.complete("TIMEOUT(F:嗯F:有)");
    assert_eq!(call.line(), "2 F1 Complete TIMEOUT(F:嗯F:有) | Full 有 | Flow F2 x1");
}

/// E61, E51: an edge that names `timeout` and is used up is no reason to be silent.
#[test]
fn a_used_up_edge_is_no_way_out_of_silence_e61() {
    let mut call = call(
        r#""F1": { "timeoutplaybacks": ["在吗"], "timeoutrepetition": 5, "subflow": {
            "F2": { "condition": { "complete": ["timeout"] } } } },
        "F2": { "repetition": 1, "subflow": { "F1": { "condition": { "complete": ["any"] } } } }"#,
    );
    assert_eq!(call.complete("TIMEOUT()").row().response_id, "F2");
    call.complete("DONE()").complete("TIMEOUT()");
    assert_eq!(call.line(), "3 F1 Complete TIMEOUT() | Mismatch | Timeout F1 x1");
}

/// R13, E90: a pattern stands in the row with the part of the argument that it found.
#[test]
fn a_pattern_is_written_down_with_what_it_found_r13() {
    let mut call = call(
        r#""F1": { "subflow": { "F2": { "condition": { "complete": ["f:.{2}"] } } } }, "F2": {}"#,
    );
    call.complete("DONE(F:可以吧)");
    let row = call.row();
    assert_eq!(
        (row.matching_condition.as_str(), row.matching_keyword.as_str()),
        ("f:.{2}", "F:可以")
    );
}
