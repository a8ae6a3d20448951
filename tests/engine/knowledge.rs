//! The knowledge base (E65, E66, R5, R14).

use telephonist::engine::EndReason;

use crate::conversation::Conversation;
use crate::play::call_to;

fn call() -> Conversation {
    call_to(
        r#"{ "flow": {
        "F1": { "description": "问", "playbacks": ["问"], "replaybacks": ["再问"], "kbplaybacks": ["那么"],
            "kb": ["a", "b"], "mismatchplaybacks": ["什么"], "globalflow": "G1", "subflow": {
            "F2": { "id": "yes", "weight": 2, "condition": { "text": ["有"], "dtmf": ["12"] } },
            "F3": { "condition": { "complete": ["done"] } },
            "F9": { "condition": { "complete": ["any"] } } } },
        "F2": { "playbacks": ["好"], "globalflow": "G1" },
        "F3": { "playbacks": ["完"] },
        "F9": { "action": "hangup" },
        "G1": { "global": true, "condition": { "text": ["全局"] }, "kb": "b", "playbacks": ["全"] },
        "R1": { "action": "return", "global": true, "condition": {} } },
      "kb": { "a": { "prompts": ["P1", "P2"] }, "b": { "prompts": ["P3", "P4", "P5", "P6", "P7", "P8", "P9"] } },
      "prompt": {
        "P1": { "name": "公司介绍", "keyworks": ["公司"], "playbacks": ["介绍"], "potential": "7" },
        "P2": { "keyworks": ["公司的", "利息"], "playbacks": ["利"], "ignorereturnplayback": "1" },
        "P3": { "keyworks": ["利息", "到二"], "playbacks": ["去"], "switchflow": "F2" },
        "P4": { "keyworks": ["回去"], "playbacks": ["回"], "switchflow": "return" },
        "P5": { "keyworks": ["文"], "playbacks": ["x"], "switchflow": "text:我有" },
        "P6": { "keyworks": ["键"], "playbacks": ["x"], "switchflow": "dtmf:12" },
        "P7": { "keyworks": ["完"], "playbacks": ["x"], "switchflow": "Complete:DONE" },
        "P8": { "keyworks": ["无处"], "playbacks": ["x"], "switchflow": "text:无此" , "repetition": 1 },
        "P9": { "keyworks": ["无声"], "switchflow": "F2" } } }"#,
    )
}

/// E65, R5: the prompt and the node's return audio in one action; node and its counter stay.
#[test]
fn a_prompt_answers_without_leaving_the_node() {
    let mut call = call();
    assert_eq!(call.say("F公司的").line(), "1 F1 Text F公司的 | Full 公司 | Kb P1 x1");
    let row = call.row();
    assert_eq!((row.response_description.as_str(), row.potential.as_str()), ("公司介绍", "7"));
    assert_eq!((row.response_text.as_str(), row.condition_weight), ("介绍 那么", 0));
    assert_eq!(row.response_action, "cti_play_and_detect_speech");
    assert_eq!(call.plays(), ["介绍", "那么"]);
    assert!(call.started().listen.is_some(), "recognition stays on as in the node");
    assert_eq!(call.robot.node().id, "F1");
    assert_eq!(call.say("F有").line(), "2 F1 Text F有 | Full 有 | Flow F2 x1");
}

/// E50.6: categories as linked, prompts in order; E65: `ignorereturnplayback`.
#[test]
fn categories_and_prompts_in_order() {
    let mut call = call();
    assert_eq!(call.say("F利息").line(), "1 F1 Text F利息 | Full 利息 | Kb P2 x1");
    assert_eq!((call.row().response_text.as_str(), call.plays()), ("利", vec!["利"]));
}

/// E65: the prompt's end is the end of an action at the node.
#[test]
fn the_end_of_a_prompt_is_the_nodes() {
    let mut call = call();
    call.say("F公司");
    assert_eq!(call.complete("DONE()").line(), "2 F1 Complete DONE() | Full done | Flow F3 x1");
}

/// E60: a prompt is a match, and resets mismatches.
#[test]
fn a_prompt_resets_mismatches() {
    let mut call = call();
    call.say("F嗯").say("F嗯").say("F公司");
    assert_eq!(call.say("F嗯").row().repetition, 1);
}

/// E66, R14: after its audio, without return audio, the call jumps; the FLOWID row is the only
/// one.
#[test]
fn switchflow_to_a_node() {
    let mut call = call();
    assert_eq!(call.say("F到二").line(), "1 F1 Text F到二 | Full 到二 | Kb P3 x1");
    assert_eq!(call.plays(), ["去"]);
    let listen = call.started().listen.as_deref().expect("the caller may speak over it");
    assert_eq!(listen.wait_speech_timeout_ms, Some(0), "the jump waits for no answer");
    assert_eq!(call.complete("TIMEOUT()").lines(), ["2 F1 Flowid F2 | Flowid | SwitchFlow F2 x1"]);
    assert_eq!((call.row().condition_id.as_str(), call.row().condition_weight), ("", 0));
    assert_eq!(call.end(EndReason::RecvBye).row().sequence, 3);
}

/// E66: the edge that such an input would take.
#[test]
fn switchflow_by_an_edge() {
    for (said, jump) in [
        ("F文", "Flowid text:我有 | Flowid | SwitchFlow F2 x1"),
        ("F键", "Flowid dtmf:12 | Flowid | SwitchFlow F2 x1"),
        ("F完", "Flowid Complete:DONE | Flowid | SwitchFlow F3 x1"),
    ] {
        let mut call = call();
        assert_eq!(call.say(said).complete("DONE()").lines(), [format!("2 F1 {jump}")]);
    }
}

/// E66: `return` goes back to the source node; with an empty stack to the main flow's last.
#[test]
fn switchflow_returns() {
    let mut call = call();
    call.say("F全局");
    assert_eq!(call.say("F回去").line(), "2 G1 Text F回去 | Full 回去 | Kb P4 x1");
    assert_eq!(call.complete("DONE()").line(), "3 G1 Flowid | Flowid | SwitchFlow F1 x2");
    call.say("F回去");
    assert_eq!(call.complete("DONE()").line(), "5 F1 Flowid | Flowid | SwitchFlow F1 x3");
}

/// E55, R14: switchflow makes the node it leaves a source node.
#[test]
fn switchflow_pushes() {
    let mut call = call();
    call.say("F到二").complete("DONE()").say("F全局");
    call.say("F回去").complete("DONE()");
    assert_eq!(call.line(), "5 G1 Flowid | Flowid | SwitchFlow F2 x2");
}

/// E66, E72: an edge that nobody has is an ERROR row, then as after ERROR().
#[test]
fn switchflow_to_nowhere() {
    let mut call = call();
    call.say("F无处").complete("DONE()");
    assert_eq!(
        call.lines(),
        ["2 F1 Error text:无此 | Mismatch | None", "2 F1 Complete ERROR() | Any | Flow F9 x1",]
    );
}

/// R14: an action that replaces the prompt drops its jump.
#[test]
fn a_replaced_prompt_does_not_jump() {
    let mut call = call();
    call.say("F到二").say("F公司");
    assert_eq!(call.complete("DONE()").line(), "3 F1 Complete DONE() | Full done | Flow F3 x1");
}

/// E66: a prompt with nothing to play jumps at once.
#[test]
fn a_silent_prompt_jumps_at_once() {
    let mut call = call();
    assert_eq!(
        call.say("F无声").lines(),
        ["1 F1 Text F无声 | Full 无声 | Kb P9 x1", "2 F1 Flowid F2 | Flowid | SwitchFlow F2 x1",]
    );
}

/// R14: a hang-up during the prompt is no end of it.
#[test]
fn a_hang_up_does_not_jump() {
    let mut call = call();
    call.say("F到二").hang_up("HANGUP()");
    assert_eq!(call.line(), "2 F9 Destroy recv_bye | Mismatch | None");
}

/// R28: `any` among a prompt's keywords never matches.
#[test]
fn any_is_no_keyword_of_a_prompt() {
    let mut call = call_to(
        r#"{ "flow": { "F1": { "kb": "k" } }, "kb": { "k": { "prompts": ["P1"] } },
             "prompt": { "P1": { "keyworks": ["any", "公司"] } } }"#,
    );
    assert_eq!(call.say("F嗯").line(), "1 F1 Text F嗯 | Mismatch | None x1");
    assert_eq!(call.say("Fany").line(), "1 F1 Text Fany | Mismatch | None x2");
    assert_eq!(call.say("F公司").line(), "1 F1 Text F公司 | Full 公司 | Kb P1 x1");
}

/// E66, R14: a return after the jump leads to the node that the prompt was answered in.
#[test]
fn a_switchflow_is_returned_from_r14() {
    let mut call = call_to(
        r#"{ "version": 3, "flow": { "Start": { "subflow": { "F1": {} } },
        "F1": { "kb": "k" },
        "F2": { "subflow": { "R": { "condition": { "text": ["退"] } } } },
        "R": { "action": "return" } },
        "kb": { "k": { "prompts": ["P1"] } },
        "prompt": { "P1": { "keyworks": ["到二"], "playbacks": ["去"], "switchflow": "F2" } } }"#,
    );
    call.say("F到二").complete("DONE()");
    assert_eq!(call.say("F退").line(), "4 R Flowid | Flowid | SwitchFlow F1 x2");
}

/// R14: a mismatch prompt that replaces the prompt drops its jump, too.
#[test]
fn a_mismatch_drops_the_jump_r14() {
    let mut call = call();
    call.say("F到二");
    assert_eq!(call.say("F嗯").row().response_type.number(), 3);
    assert_eq!(call.complete("DONE()").line(), "3 F1 Complete DONE() | Full done | Flow F3 x1");
}

/// E51, E62: a prompt is played as often as its `repetition` says.
#[test]
fn a_prompt_is_played_as_often_as_it_may_be_e51() {
    let mut call = call_to(
        r#"{ "flow": { "F1": { "kb": "k" } }, "kb": { "k": { "prompts": ["P1"] } },
        "prompt": { "P1": { "keyworks": ["公司"], "playbacks": ["x"], "repetition": 2 } } }"#,
    );
    let kinds = [(); 3].map(|()| call.say("F公司").line());
    assert_eq!(
        kinds,
        [
            "1 F1 Text F公司 | Full 公司 | Kb P1 x1",
            "2 F1 Text F公司 | Full 公司 | Kb P1 x2",
            "3 F1 Text F公司 | Mismatch | None x1"
        ]
    );
}

/// E65: at a node that plays nothing itself, a prompt is played plainly.
#[test]
fn a_prompt_at_a_silent_node_is_played_plainly_e65() {
    let mut call = call_to(
        r#"{ "flow": { "F1": { "action": "sched_hangup", "kb": "k" } },
        "kb": { "k": { "prompts": ["P1"] } },
        "prompt": { "P1": { "keyworks": ["公司"], "playbacks": ["我们"] } } }"#,
    );
    assert_eq!(call.say("F公司").row().response_action, "playback");
    assert_eq!(call.started().app, "playback");
}
