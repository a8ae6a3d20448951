//! Noise rules (E50 step 1, R8, R18).

use telephonist::engine::{Method, ResponseType};

use crate::conversation::Conversation;
use crate::play::call_to;

fn noisy() -> Conversation {
    call_to(
        r#"{ "version": 3,
        "noiserule": [
            { "id": "filler", "text": ["嗯", "^э+$"], "max_duration_ms": 800 },
            { "id": "music", "text": ["background music"] } ],
        "flow": { "F1": { "playbacks": ["要吗"], "mismatchplaybacks": ["没听懂"], "disablebreak": true,
            "subflow": { "F2": { "condition": { "text": ["嗯", "yes"], "complete": ["any"] } } } },
            "F2": { "action": "hangup" } } }"#,
    )
}

/// E50.1, R18: noise is written down with the rule that knew it, and changes nothing, not even
/// where the node has an answer; the sentence does not count as one.
#[test]
fn noise_is_no_answer() {
    for (says, id, method) in [
        ("F嗯。", "filler", Method::Full),
        ("FЭээ", "filler", Method::Regex),
        ("Fbackground music", "music", Method::Full),
    ] {
        let mut call = noisy();
        call.say_for(says, 600);
        let row = call.row().clone();
        assert_eq!(row.response_type, ResponseType::NoiseRule, "{says}");
        assert_eq!((row.condition_id.as_str(), row.matching_method), (id, method), "{says}");
        assert_eq!((row.response_id.as_str(), row.sequence), ("", 1), "{says}");
        call.say_for("Fyes", 600);
        assert_eq!(call.row().response_id, "F2");
    }
}

/// E50.1: what takes longer than the rule allows is no noise.
#[test]
fn long_sentences_are_no_noise() {
    let mut call = noisy();
    call.say_for("F嗯", 900);
    assert_eq!(call.row().response_id, "F2");
}

/// E50: noise comes before the ban on interruption; R8: of a partial nothing is written.
#[test]
fn noise_comes_first() {
    let mut call = noisy();
    call.say_over("F嗯", 700, 400);
    assert_eq!(call.row().response_type, ResponseType::NoiseRule);
    assert!(call.say_over("S嗯", 900, 400).rows.is_empty());
}
