//! The caller hangs up (E75, E76, R16, R20).

use telephonist::engine::{Call, Command, EndReason, Timer};

use crate::conversation::{Conversation, load};
use crate::play::{call, incoming};

const NODES: &str = r#"
    "F1": { "playbacks": ["问"], "mismatchplaybacks": ["什么"], "subflow": {
        "F2": { "id": "yes", "weight": 2, "condition": { "text": ["有"] } },
        "F3": { "condition": { "complete": ["hangup"] } } } },
    "F2": { "description": "多少", "potential": "A", "playbacks": ["多少"] },
    "F3": {}"#;

/// E76, R16, R20: what was being said is matched; nothing is started or recorded as played; the
/// call moves on.
#[test]
fn the_last_words_are_matched() {
    let mut call = call(&NODES.replace("hangup", "done"));
    call.complete("HANGUP(F有的)");
    assert_eq!(call.line(), "1 F1 Complete HANGUP(F有的) | Full 有 | Flow F2 x1");
    let row = call.row();
    assert_eq!((row.response_description.as_str(), row.potential.as_str()), ("多少", "A"));
    assert_eq!((row.response_action.as_str(), row.response_text.as_str()), ("", ""));
    assert!(call.commands.is_empty(), "nothing is started on a dead line");
    assert_eq!(call.end(EndReason::RecvBye).line(), "1 F2 Destroy recv_bye | Mismatch | None");
    let classify = call.classify();
    assert_eq!((classify.positive_respond_count, classify.respond_count), (2, 1));
    assert_eq!(classify.label_result, "A");
}

/// E75: an edge may name HANGUP.
#[test]
fn an_edge_may_take_the_hang_up() {
    let mut call = call(NODES);
    let line = call.complete("HANGUP()").line();
    assert_eq!(line, "1 F1 Complete HANGUP() | Full hangup | Flow F3 x1");
}

/// R16: last words that match nothing are type 0, never a mismatch prompt, and no hang-up of ours.
#[test]
fn last_words_that_match_nothing() {
    let mut call = call(&NODES.replace("hangup", "done"));
    call.complete("HANGUP(F嗯)");
    assert_eq!(call.line(), "1 F1 Complete HANGUP(F嗯) | Mismatch | None");
    assert!(call.commands.is_empty());
    call.end(EndReason::RecvBye);
    assert_eq!(call.classify().proactively_hangup, 0);
}

/// E76: switched off, nothing is matched after the hang-up.
#[test]
fn events_after_the_hang_up_can_be_off() {
    let off = Call { event_after_hangup: false, ..incoming() };
    let script = load("test", &format!("{{ \"version\": 3, \"flow\": {{ {NODES} }} }}"));
    let mut call = Conversation::of(off, &script);
    call.complete("HANGUP(F有的)");
    assert_eq!(call.line(), "1 F1 Complete HANGUP(F有的) | Mismatch | None");
    assert_eq!(call.end(EndReason::RecvBye).row().current_flowid, "F1");
}

/// E16: a switch that tells of the hang-up and then nothing more leaves no immortal call, neither
/// in the conversation nor in the goodbye.
#[test]
fn a_lost_end_ends_the_call() {
    let goodbye = r#""F1": { "action": "hangup", "playbacks": ["再见"] }"#;
    for nodes in [NODES, goodbye] {
        let mut call = call(nodes);
        call.complete("HANGUP()");
        assert_eq!(call.timer(), Some(Timer::Confirmation));
        assert!(call.advance(9_999).rows.is_empty());
        assert_eq!(call.advance(1).row().input_args, "hangup");
        assert!(matches!(call.commands[..], [Command::Classify(_)]));
    }
}

/// R20: what is heard after the hang-up is recorded if it is a sentence, and answers nothing.
#[test]
fn a_sentence_after_the_hang_up() {
    let mut call = call(NODES);
    call.complete("HANGUP()");
    assert_eq!(call.say("F有").line(), "1 F3 Text F有 | Mismatch | None");
    assert!(call.press("1").complete("DONE()").rows.is_empty());
}

/// E76, R16: an answer of the knowledge base is written down and not played on a dead line.
#[test]
fn the_knowledge_base_is_silent_on_a_dead_line_r16() {
    let script = r#"{ "flow": { "F1": { "playbacks": ["问"], "kb": "k" } },
        "kb": { "k": { "prompts": ["P1"] } },
        "prompt": { "P1": { "name": "公司", "keyworks": ["公司"], "playbacks": ["介绍"], "potential": "A" } } }"#;
    let mut call = Conversation::of(incoming(), &load("test", script));
    call.complete("HANGUP(F公司)");
    assert_eq!(call.line(), "1 F1 Complete HANGUP(F公司) | Full 公司 | Kb P1 x1");
    let row = call.row();
    assert_eq!((row.response_description.as_str(), row.potential.as_str()), ("公司", "A"));
    assert_eq!((row.response_action.as_str(), row.response_text.as_str()), ("", ""));
    assert!(call.commands.is_empty());
}
