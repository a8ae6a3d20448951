//! How an answer to a sentence is found (E40, E41, E43, E44, E50, E51, E55).

use telephonist::engine::{Method, ResponseType};

use crate::play::{call, call_to};

/// E40, E41: prefix letters, white space and trailing punctuation are no part of the text; the
/// raw text is recorded.
#[test]
fn the_text_is_normalised() {
    let mut call =
        call(r#" "F1": { "subflow": { "F1": { "condition": { "text": ["^yes sir$"] } } } }"#);
    for (said, shown) in [("F Yes Sir。", "F Yes Sir。"), ("PFＹＥＳ sir!?", "PFＹＥＳ sir!?")]
    {
        let row = call.say(said).row();
        assert_eq!(row.input_args, shown);
        assert_eq!(
            (row.matching_method, row.matching_keyword.as_str()),
            (Method::Regex, "yes sir")
        );
        assert_eq!(row.matching_condition, "^yes sir$");
    }
}

/// E43: a literal is contained in the text; its row has the word as the script has it.
#[test]
fn a_literal_is_contained() {
    let mut call = call(
        r#" "F1": { "subflow": { "yes:F1": { "id": "c1", "weight": 5, "condition": { "text": ["Да"] } } } }"#,
    );
    let row = call.say("FНУ ДА").row();
    assert_eq!((row.matching_method, row.matching_keyword.as_str()), (Method::Full, "Да"));
    assert_eq!((row.matching_condition.as_str(), row.condition_id.as_str()), ("", "c1"));
    assert_eq!(row.condition_weight, 5);
}

/// E44: `any` takes every finished sentence, after every concrete keyword.
#[test]
fn any_comes_last() {
    let mut call = call_to(
        r#"{ "flow": {
        "F1": { "kb": "k", "subflow": {
            "F2": { "priority": -5, "condition": { "text": ["any"] } },
            "F3": { "condition": { "text": ["有"] } } } },
        "F2": { "action": "return", "argument": "F1" }, "F3": { "action": "return", "argument": "F1" } },
        "kb": { "k": { "prompts": ["P1"] } }, "prompt": { "P1": { "keyworks": ["公司"] } } }"#,
    );
    assert_eq!(call.say("F有").lines()[0], "1 F1 Text F有 | Full 有 | Flow F3 x1");
    assert_eq!(call.say("F公司").line(), "3 F1 Text F公司 | Full 公司 | Kb P1 x1");
    assert_eq!(call.say("F嗯").lines()[0], "4 F1 Text F嗯 | Any | Flow F2 x1");
    // R23: a sentence of nothing but punctuation is a sentence like any other.
    assert_eq!(call.say("F。").lines()[0], "6 F1 Text F。 | Any | Flow F2 x2");
}

/// E50.4: one list of own edges and linked globals: by priority, own before global, file order.
#[test]
fn priorities_then_own_then_file_order() {
    let nodes = |own: i64, second: i64, global: i64| {
        format!(
            r#"
        "F1": {{ "globalflow": "G1", "subflow": {{
            "F2": {{ "priority": {own}, "condition": {{ "text": ["有"] }} }},
            "F3": {{ "priority": {second}, "condition": {{ "text": ["有"] }} }} }} }},
        "F2": {{}}, "F3": {{}},
        "G1": {{ "global": true, "priority": {global}, "condition": {{ "text": ["有"] }} }}"#
        )
    };
    for (priorities, answer) in [
        ((0, 0, 0), "Flow F2"),
        ((1, 0, 0), "Flow F3"),
        ((1, 1, 0), "GlobalFlow G1"),
        ((0, 0, -1), "GlobalFlow G1"),
        ((0, -2, -1), "Flow F3"),
    ] {
        let (own, second, global) = priorities;
        let mut call = call(&nodes(own, second, global));
        let expected = format!("1 F1 Text F有 | Full 有 | {answer} x1");
        assert_eq!(call.say("F有").line(), expected, "{priorities:?}");
    }
}

/// E50: the whole order, on one sentence that everything knows: whatever comes first is taken out,
/// and the next one answers.
#[test]
fn each_step_answers_before_the_next_e50() {
    let mut known = [
        r#""O": { "condition": { "text": ["有"] } },"#,
        r#"["有"]"#,
        r#""B": { "condition": { "text": ["有"] } },"#,
        r#"["有"]"#,
        r#""Y": { "priority": -9, "condition": { "text": ["any"] } }"#,
    ];
    let absent = ["", "[]", "", "[]", ""];
    let answers = [
        "Full 有 | Flow O x1",
        "Full 有 | GlobalFlow G x1",
        "Full 有 | BrotherFlow B x1",
        "Full 有 | Kb P x1",
        "Any | Flow Y x1",
        "Mismatch | Mismatch S x1",
    ];
    for (step, answer) in answers.into_iter().enumerate() {
        let [own, global, source, kb, any] = known;
        let mut call = call_to(&format!(
            r#"{{ "version": 3, "flow": {{ "Start": {{ "subflow": {{ "F1": {{}} }} }},
                "F1": {{ "subflow": {{ {source} "S": {{ "condition": {{ "text": ["旁"] }} }} }} }},
                "S": {{ "global": true, "condition": {{}}, "sourceflowdepth": 1, "globalflow": "G",
                    "kb": "k", "mismatchplaybacks": ["什么"], "subflow": {{ {own} {any} }} }},
                "G": {{ "global": true, "condition": {{ "text": {global} }} }},
                "O": {{}}, "B": {{}}, "Y": {{}} }},
              "kb": {{ "k": {{ "prompts": ["P"] }} }}, "prompt": {{ "P": {{ "keyworks": {kb} }} }} }}"#
        ));
        call.say("F旁");
        assert_eq!(call.say("F有").line(), format!("2 S Text F有 | {answer}"));
        if let (Some(first), Some(none)) = (known.get_mut(step), absent.get(step)) {
            *first = none;
        }
    }
}

/// R4: of several `any` the smallest priority, then the node's own, then the first in the file.
#[test]
fn any_goes_by_priority_then_own_then_file_order_r4() {
    for (own, second, global, answer) in [
        (0, 0, 0, "Flow F2"),
        (1, 0, 0, "Flow F3"),
        (1, 1, 0, "GlobalFlow G"),
        (0, 0, 1, "Flow F2"),
    ] {
        let mut call = call(&format!(
            r#""F1": {{ "globalflow": "G", "subflow": {{
                "F2": {{ "priority": {own}, "condition": {{ "text": ["any"] }} }},
                "F3": {{ "priority": {second}, "condition": {{ "text": ["any"] }} }} }} }},
            "F2": {{}}, "F3": {{}},
            "G": {{ "global": true, "priority": {global}, "condition": {{ "text": ["any"] }} }}"#
        ));
        assert_eq!(call.say("F嗯").line(), format!("1 F1 Text F嗯 | Any | {answer} x1"));
    }
}

/// E51: it holds for every kind of way: source nodes, `any`, keys and ends of actions.
#[test]
fn used_up_targets_are_passed_over_everywhere_e51() {
    let nodes = r#"
        "F1": { "globalflow": "G", "subflow": {
            "X": { "condition": { "text": ["一", "any"], "dtmf": ["1", "any"], "complete": ["done", "any"] } } } },
        "G": { "global": true, "condition": { "text": ["旁"] }, "sourceflowdepth": 1, "subflow": {
            "F9": { "priority": 9, "condition": { "complete": ["any"] } } } },
        "X": { "action": "return", "argument": "F1", "repetition": 1 },
        "F9": { "action": "hangup" }"#;
    let used_up = || {
        let mut call = call(nodes);
        call.say("F一");
        call
    };
    assert_eq!(used_up().say("F嗯").line(), "3 F1 Text F嗯 | Mismatch | None x1");
    assert_eq!(used_up().press("1").line(), "3 F1 Dtmf 1 | Mismatch | None x1");
    assert_eq!(used_up().complete("DONE()").line(), "3 F1 Complete DONE() | Mismatch | Hangup");
    let beside = || {
        let mut call = used_up();
        call.say("F旁");
        call
    };
    assert_eq!(beside().say("F一").line(), "4 G Text F一 | Mismatch | None x1");
    assert_eq!(beside().press("1").line(), "4 G Dtmf 1 | Mismatch | None x1");
    assert_eq!(beside().complete("DONE()").line(), "4 G Complete DONE() | Any | Flow F9 x1");
}

/// E50.4: in one list the file's order of keywords decides, not their place in the text.
#[test]
fn file_order_decides_between_keywords() {
    let mut call = call(
        r#"
        "F1": { "subflow": {
            "F2": { "condition": { "text": ["没有", "不"] } },
            "F3": { "condition": { "text": ["有", ".*"] } } } },
        "F2": {}, "F3": {}"#,
    );
    assert_eq!(call.say("F有不有").line(), "1 F1 Text F有不有 | Full 不 | Flow F2 x1");
}

/// R3, R4: a global node's condition has its own id, priority and weight; `any` is ordered alike.
#[test]
fn a_global_nodes_condition_is_an_edge() {
    let mut call = call(
        r#"
        "F1": { "globalflow": ["G2", "G1"], "subflow": {
            "F2": { "priority": 1, "condition": { "text": ["any"] } } } },
        "F2": {},
        "G1": { "global": true, "weight": -3, "condition": { "text": ["any"], "matching_id": "g1" } },
        "G2": { "global": true, "priority": 1, "condition": { "text": ["人工", "any"] } }"#,
    );
    assert_eq!(call.say("F嗯").line(), "1 F1 Text F嗯 | Any | GlobalFlow G1 x1");
    assert_eq!((call.row().condition_id.as_str(), call.row().condition_weight), ("g1", -3));
}

/// E3, R27: a global node within its time and its count of sentences only.
#[test]
fn a_global_node_has_limits() {
    let nodes = r#"
        "F1": { "globalflow": "G1,G2" },
        "G1": { "action": "return", "global": true, "timelimit": 2000, "condition": { "text": ["喂"] } },
        "G2": { "action": "return", "global": true, "countlimit": 3, "condition": { "text": ["啊"] } }"#;
    let mut call = call(nodes);
    assert_eq!(call.say("F喂").lines()[0], "1 F1 Text F喂 | Full 喂 | GlobalFlow G1 x1");
    assert_eq!(call.say("F喂").lines()[0], "3 F1 Text F喂 | Full 喂 | GlobalFlow G1 x2");
    assert_eq!(call.say("F喂").line(), "5 F1 Text F喂 | Mismatch | None x1", "2 s are over");
    let mut call = self::call(nodes);
    call.say("F嗯").say("F嗯");
    assert_eq!(call.say("F啊").lines()[0], "1 F1 Text F啊 | Full 啊 | GlobalFlow G2 x1");
    assert_eq!(call.say("F啊").line(), "3 F1 Text F啊 | Mismatch | None x1", "the fourth sentence");
}

/// E51: a target that is used up counts as not matching, and the search goes on.
#[test]
fn used_up_targets_do_not_match() {
    let mut call = call_to(
        r#"{ "flow": {
        "F1": { "kb": "k", "subflow": {
            "F2": { "condition": { "text": ["有"] } },
            "F3": { "condition": { "text": ["有"] } } } },
        "F2": { "action": "return", "argument": "F1", "repetition": 1 },
        "F3": { "action": "return", "argument": "F1", "repetition": "1" } },
        "kb": { "k": { "prompts": ["P1", "P2"] } },
        "prompt": { "P1": { "keyworks": ["有"], "repetition": 1 }, "P2": { "keyworks": ["有"], "repetition": 1 } } }"#,
    );
    for answer in ["Flow F2", "Flow F3", "Kb P1", "Kb P2"] {
        let lines = call.say("F有").lines();
        assert!(lines[0].ends_with(&format!("| Full 有 | {answer} x1")), "{lines:?}");
    }
    assert!(call.say("F有").line().ends_with("| Mismatch | None x1"));
}

/// E50.2, R12, R18: speech that began in the forbidden part of audio that still plays.
#[test]
fn disablebreak_forbids_speech() {
    let nodes = |disablebreak: &str| {
        format!(
            r#""F1": {{ "disablebreak": {disablebreak}, "mismatchplaybacks": ["什么"], "subflow": {{
                "F2": {{ "condition": {{ "text": ["有"] }} }} }} }}, "F2": {{}}"#
        )
    };
    for (disablebreak, play_time_ms, duration_ms, answer) in [
        ("true", 60_000, 1_000, "Mismatch | DisableBreak"),
        ("true", 0, 1_000, "Full 有 | Flow F2 x1"),
        ("true", -500, 300, "Full 有 | Flow F2 x1"),
        ("3000", 3_500, 1_000, "Mismatch | DisableBreak"),
        ("3000", 4_000, 1_000, "Full 有 | Flow F2 x1"),
        ("\"3000\"", 500, 1_000, "Mismatch | DisableBreak"),
        ("false", 500, 200, "Full 有 | Flow F2 x1"),
        // It began before the audio did; nothing forbids it where nothing is forbidden.
        ("0", 500, 1_000, "Full 有 | Flow F2 x1"),
    ] {
        let mut call = call(&nodes(disablebreak));
        call.say_over("F有", play_time_ms, duration_ms);
        let expected = format!("1 F1 Text F有 | {answer}");
        assert_eq!(call.line(), expected, "{disablebreak} {play_time_ms} {duration_ms}");
    }
}

/// E50.2: global nodes that ignore disablebreak are tried all the same; partials that don't match
/// leave no row (R8).
#[test]
fn some_globals_ignore_disablebreak() {
    let mut call = call(
        r#"
        "F1": { "disablebreak": true, "globalflow": "G1,G2" },
        "G1": { "global": true, "condition": { "text": ["人工"] } },
        "G2": { "global": true, "ignoredisablebreak": true, "condition": { "text": ["投诉"] } }"#,
    );
    assert!(call.say_over("S人工", 2_000, 500).rows.is_empty());
    assert_eq!(
        call.say_over("F人工", 2_000, 500).line(),
        "1 F1 Text F人工 | Mismatch | DisableBreak"
    );
    assert_eq!(call.row().response_id, "");
    assert_eq!(
        call.say_over("F投诉", 2_000, 500).line(),
        "1 F1 Text F投诉 | Full 投诉 | GlobalFlow G2 x1"
    );
}

/// E55, E50.5, R14: edges of source nodes, nearest first, as deep as the node looks; taking one
/// cuts the stack below that node.
#[test]
fn source_nodes_are_matched_too() {
    let nodes = |depth: u32| {
        format!(
            r#"
        "F1": {{ "globalflow": "G1", "subflow": {{
            "A1": {{ "condition": {{ "text": ["有"] }} }}, "A2": {{ "condition": {{ "text": ["远"] }} }} }} }},
        "G1": {{ "global": true, "condition": {{ "text": ["一"] }}, "globalflow": "G2", "subflow": {{
            "A3": {{ "condition": {{ "text": ["有"] }} }} }} }},
        "G2": {{ "global": true, "condition": {{ "text": ["二"] }}, "sourceflowdepth": {depth}, "subflow": {{
            "A4": {{ "condition": {{ "text": ["自"] }} }} }} }},
        "A1": {{}}, "A2": {{ "globalflow": "R" }}, "A3": {{ "globalflow": "R" }}, "A4": {{}},
        "R": {{ "action": "return", "global": true, "condition": {{ "text": ["回"] }} }}"#
        )
    };
    let at_depth = |depth| {
        let mut call = call(&nodes(depth));
        call.say("F一").say("F二");
        call
    };
    assert_eq!(at_depth(0).say("F有").line(), "3 G2 Text F有 | Mismatch | None x1");
    assert_eq!(at_depth(2).say("F自").line(), "3 G2 Text F自 | Full 自 | Flow A4 x1");
    assert_eq!(at_depth(1).say("F远").line(), "3 G2 Text F远 | Mismatch | None x1");
    assert_eq!(at_depth(2).say("F远").line(), "3 G2 Text F远 | Full 远 | BrotherFlow A2 x1");

    let mut near = at_depth(2);
    assert_eq!(near.say("F有").line(), "3 G2 Text F有 | Full 有 | BrotherFlow A3 x1");
    // G1 is off the stack; below it is F1, where A3's own return would lead.
    assert_eq!(near.say("F回").line(), "5 R Flowid | Flowid | SwitchFlow A3 x2");
    assert_eq!(near.robot.node().id, "A3");
}

/// R7: an error of the recogniser is tried on concrete keywords, never on `any`, and else is a
/// mismatch; it counts as no answer of the caller's.
#[test]
fn recognition_errors() {
    let mut call = call(
        r#"
        "F1": { "mismatchplaybacks": ["什么"], "subflow": {
            "F2": { "condition": { "text": ["network", "any"] } } } },
        "F2": {}"#,
    );
    assert_eq!(call.say("Eaudio").line(), "1 F1 Text Eaudio | Mismatch | Mismatch F1 x1");
    assert_eq!(
        call.say("Enetwork down").line(),
        "2 F1 Text Enetwork down | Full network | Flow F2 x1"
    );
    call.end(telephonist::engine::EndReason::RecvBye);
    assert_eq!(call.classify().respond_count, 0);
}

/// R6: a pattern that matches nothing but emptiness does not match.
#[test]
fn empty_matches_do_not_match() {
    let mut call =
        call(r#" "F1": { "subflow": { "F2": { "condition": { "text": ["x*"] } } } }, "F2": {}"#);
    assert_eq!(call.say("Fyyy").row().response_type, ResponseType::None);
    assert_eq!(call.say("Fyxy").row().matching_keyword, "x");
}

/// R14: after an edge of a source node, a return leads below that node.
#[test]
fn an_edge_of_a_source_node_cuts_the_stack_r14() {
    let mut call = call(
        r#""F1": { "globalflow": "G1" },
        "G1": { "global": true, "condition": { "text": ["一"] }, "globalflow": "G2", "subflow": {
            "A": { "condition": { "text": ["有"] } } } },
        "G2": { "global": true, "condition": { "text": ["二"] }, "sourceflowdepth": 1 },
        "A": { "subflow": { "R": { "condition": { "text": ["退"] } } } },
        "R": { "action": "return" }"#,
    );
    call.say("F一").say("F二").say("F有");
    assert_eq!(call.say("F退").line(), "5 R Flowid | Flowid | SwitchFlow F1 x2");
}
