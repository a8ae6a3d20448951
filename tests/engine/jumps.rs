//! Returns and jumps (E55, E70 to E72, R15, R25, R26).

use telephonist::engine::{EndReason, STACK_MAX};

use crate::play::call;

const NODES: &str = r#"
    "F1": { "playbacks": ["一"], "replaybacks": ["再一"], "globalflow": "G1,R", "subflow": {
        "F2": { "condition": { "text": ["二"] } }, "G3": { "condition": { "text": ["三"] } } } },
    "F2": { "playbacks": ["二"], "globalflow": "G1,R" },
    "G1": { "global": true, "condition": { "text": ["全"] }, "playbacks": ["全"],
        "globalflow": "G2,R,T,N,V" },
    "G2": { "global": true, "condition": { "text": ["深"] }, "playbacks": ["深"], "globalflow": "R,T,N,V" },
    "G3": { "global": true, "condition": {}, "playbacks": ["三"], "subflow": {
        "B": { "condition": { "text": ["退"] } } } },
    "R": { "action": "return", "global": true, "condition": { "text": ["重说"] }, "playbacks": ["好"] },
    "B": { "action": "return", "argument": "return" },
    "T": { "action": "return", "argument": "top", "global": true, "condition": { "text": ["回顶"] } },
    "N": { "action": "return", "argument": "F1", "global": true, "condition": { "text": ["去一"] } },
    "V": { "action": "return", "argument": "${nobody}x", "global": true, "condition": { "text": ["去哪"] } }"#;

/// E71: the return's own row and FLOWID; the audio of both is one action.
#[test]
fn a_return_writes_two_rows() {
    let mut call = call(NODES);
    assert_eq!(
        call.say("F重说").lines(),
        ["1 F1 Text F重说 | Full 重说 | GlobalFlow R x1", "2 R Flowid | Flowid | SwitchFlow F1 x2",]
    );
    let [returned, flowid] = &call.rows[..] else { panic!("two rows") };
    assert_eq!(
        (returned.response_action.as_str(), returned.response_args.as_str()),
        ("return", "")
    );
    assert_eq!((returned.response_text.as_str(), flowid.response_text.as_str()), ("好", "好 再一"));
    assert_eq!(call.plays(), ["好", "再一"]);
    assert_ne!(flowid.current_appid, returned.current_appid, "the return node is an action too");
    assert_ne!(flowid.current_appid, call.started().appid);
    assert_eq!(call.say("F二").line(), "3 F1 Text F二 | Full 二 | Flow F2 x1");
}

/// E70: source, top, a node on the stack; what lies above it is dropped (R15).
#[test]
fn returns_go_where_they_say() {
    let deep = || {
        let mut call = call(NODES);
        call.say("F二").say("F全").say("F深");
        call
    };
    let mut to_source = deep();
    assert_eq!(to_source.say("F重说").line(), "5 R Flowid | Flowid | SwitchFlow G2 x2");
    let mut to_top = deep();
    to_top.say("F回顶");
    assert_eq!(to_top.line(), "5 T Flowid top | Flowid | SwitchFlow F2 x2");
    to_top.say("F重说");
    assert_eq!(to_top.line(), "7 R Flowid | Flowid | SwitchFlow F2 x3");
    let mut to_node = deep();
    to_node.say("F去一");
    assert_eq!(to_node.line(), "5 N Flowid F1 | Flowid | SwitchFlow F1 x2");
}

/// E72, R25: a return to nothing is an ERROR row, then as after ERROR(): here, no way on.
#[test]
fn a_return_to_nothing() {
    let mut call = call(NODES);
    call.say("F全").say("F去哪");
    assert_eq!(
        call.lines(),
        [
            "2 G1 Text F去哪 | Full 去哪 | GlobalFlow V x1",
            "3 V Error x | Mismatch | None",
            "3 V Complete ERROR() | Mismatch | Hangup",
        ]
    );
    let error = &call.rows[1];
    assert_eq!((error.matching_condition.as_str(), error.response_id.as_str()), ("x", ""));
    assert!(!error.response_description.is_empty(), "the message");
    assert_eq!(call.end(EndReason::Hangup).line(), "4 V Destroy send_bye | Mismatch | None");
}

/// E72: a return to a node that is used up.
#[test]
fn a_return_to_a_node_that_is_used_up() {
    let mut call = call(
        r#"
        "F1": { "repetition": 1, "globalflow": "R", "subflow": {
            "F9": { "condition": { "complete": ["error"] } } } },
        "F9": { "action": "hangup" },
        "R": { "action": "return", "global": true, "condition": { "text": ["重说"] }, "subflow": {
            "F9": { "condition": { "complete": ["error"] } } } }"#,
    );
    assert_eq!(
        call.say("F重说").lines()[1..],
        ["2 R Error F1 | Mismatch | None", "2 R Complete ERROR() | Full error | Flow F9 x1"]
    );
}

/// R25: a return to another return joins the texts of both; empty ones leave no blank.
#[test]
fn a_return_to_a_return() {
    let mut call = call(
        r#"
        "F1": { "playbacks": ["一"], "globalflow": "R" },
        "R": { "action": "return", "argument": "R2", "global": true, "condition": { "text": ["重说"] }, "playbacks": ["甲"] },
        "R2": { "action": "return", "argument": "R3", "playbacks": ["乙"] },
        "R3": { "action": "return", "argument": "F1" }"#,
    );
    call.say("F重说");
    let texts: Vec<_> = call.rows.iter().map(|row| row.response_text.as_str()).collect();
    assert_eq!(texts, ["甲", "甲 乙", "甲 乙", "甲 乙 一"]);
    assert_eq!(call.plays(), ["甲", "乙", "一"]);
}

/// R26: a global node reached by an edge pushes too, and its return comes back.
#[test]
fn an_edge_to_a_global_node_pushes() {
    let mut call = call(NODES);
    assert_eq!(call.say("F三").line(), "1 F1 Text F三 | Full 三 | Flow G3 x1");
    assert_eq!(call.say("F退").line(), "3 B Flowid | Flowid | SwitchFlow F1 x2");
}

/// R26: one reached by `return` does not push: the next return goes to the main flow.
#[test]
fn a_return_to_a_global_node_does_not_push() {
    let mut call = call(
        r#"
        "F1": { "globalflow": "G1,R" },
        "G1": { "global": true, "condition": { "text": ["全"] }, "globalflow": "N,R" },
        "N": { "action": "return", "argument": "G1", "global": true, "condition": { "text": ["再"] } },
        "R": { "action": "return", "global": true, "condition": { "text": ["重说"] } }"#,
    );
    // On the stack: F1, G1. The return to G1 takes it off; R pushes it again and comes back.
    call.say("F全").say("F再").say("F重说");
    assert_eq!(call.line(), "5 R Flowid | Flowid | SwitchFlow G1 x3");
}

/// R15: a return to a node that is not on the stack leaves the stack as it is.
#[test]
fn a_return_elsewhere_keeps_the_stack() {
    let mut call = call(
        r#"
        "F1": { "globalflow": "G1" },
        "G1": { "global": true, "condition": { "text": ["全"] }, "subflow": {
            "N": { "condition": { "text": ["走"] } } } },
        "N": { "action": "return", "argument": "F5" },
        "F5": { "subflow": { "R": { "condition": { "text": ["退"] } } } },
        "R": { "action": "return" }"#,
    );
    call.say("F全").say("F走");
    assert_eq!(call.line(), "3 N Flowid F5 | Flowid | SwitchFlow F5 x1");
    assert_eq!(call.say("F退").line(), "5 R Flowid | Flowid | SwitchFlow F1 x2");
}

/// R26: the 33rd source node is an ERROR row, and the node is not entered.
#[test]
fn the_stack_has_an_end() {
    let mut call = call(
        r#"
        "F1": { "globalflow": "G" },
        "G": { "global": true, "condition": { "text": ["深"] }, "globalflow": "G" }"#,
    );
    for depth in 1..=STACK_MAX {
        assert_eq!(call.say("F深").row().repetition as usize, depth);
    }
    assert_eq!(call.say("F深").line(), "33 G Error G | Mismatch | None");
    assert!(call.commands.is_empty(), "the node in force goes on");
    assert_eq!(call.robot.node().id, "G");
}

/// E71: the return node's own row names its target too, and the source by nothing.
#[test]
fn a_return_row_names_its_target_e71() {
    for (target, args) in [("return", ""), ("", ""), ("top", "top"), ("F1", "F1")] {
        let mut call = call(&format!(
            r#""F1": {{ "globalflow": "R" }},
            "R": {{ "action": "return", "argument": "{target}", "global": true,
                "condition": {{ "text": ["回"] }} }}"#
        ));
        call.say("F回");
        let rows: Vec<_> =
            call.rows.iter().map(|row| (&*row.response_action, &*row.response_args)).collect();
        assert_eq!(rows[0], ("return", args), "{target}");
        assert_eq!(call.rows[1].input_args, args);
    }
}
