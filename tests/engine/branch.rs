//! `branch`: the way on by variables (E20, R29).

use telephonist::engine::Call;

use crate::conversation::{Conversation, load};
use crate::play::incoming;

const BRANCH: &str = r#"{ "version": 3, "flow": {
    "Start": { "subflow": { "B": {} } },
    "B": { "action": "branch", "subflow": {
        "few:F1": { "id": "c1", "weight": 2, "condition": { "when": [
            { "var": "devices", "op": ">=", "value": 1 }, { "var": "devices", "op": "<=", "value": "2" } ] } },
        "F2": { "condition": { "when": [ { "var": "devices", "op": ">", "value": 2 } ] } },
        "F3": { "condition": { "complete": ["done"] } } } },
    "F1": {}, "F2": { "repetition": 1, "subflow": { "B": { "condition": { "text": ["again"] } } } }, "F3": {} } }"#;

fn with_devices(devices: &str) -> Conversation {
    let variables = vec![("devices".into(), devices.into())];
    Conversation::of(Call { variables, ..incoming() }, &load("test", BRANCH))
}

fn took(devices: &str) -> String {
    let robot = with_devices(devices).robot;
    robot.node().id.to_string()
}

/// E20: the first edge of which every comparison holds; numbers are compared as numbers, and what
/// is no number is neither less nor more than one.
#[test]
fn the_first_edge_that_holds_is_taken_e20() {
    for (devices, node) in [
        ("1", "F1"),
        ("2", "F1"),
        ("1.5", "F1"),
        ("2.5", "F2"),
        ("10", "F2"),
        ("0", "F3"),
        ("-1", "F3"),
        ("", "F3"),
        ("many", "F3"),
        ("NaN", "F3"),
    ] {
        assert_eq!(took(devices), node, "devices = {devices:?}");
    }
}

/// R29: the row is a COMPLETE `DONE()`, method 3, with the edge's id and weight; the branch counts
/// as an action (E17).
#[test]
fn the_row_of_a_branch_r29() {
    let call = with_devices("1");
    let row = call.row();
    assert_eq!(call.line(), "1 B Complete DONE() | Full | Flow F1 x1");
    assert_eq!((row.condition_id.as_str(), row.condition_weight), ("c1", 2));
    assert_eq!(with_devices("0").line(), "1 B Complete DONE() | Full done | Flow F3 x1");
}

/// E51: an edge whose node is used up is not taken.
#[test]
fn a_used_up_node_is_not_taken_e51() {
    let mut call = with_devices("10");
    call.say("Fagain");
    assert_eq!(call.line(), "3 B Complete DONE() | Full done | Flow F3 x1");
}

/// E20: without an edge that holds, its COMPLETE is `DONE()` as of any node, and may have no way on.
#[test]
fn nothing_holds_and_no_way_on_e20() {
    let script = BRANCH.replace("\"complete\": [\"done\"]", "\"complete\": [\"error\"]");
    let variables = vec![("devices".into(), "0".into())];
    let call = Conversation::of(Call { variables, ..incoming() }, &load("test", &script));
    assert_eq!(call.line(), "1 B Complete DONE() | Mismatch | Hangup");
}
