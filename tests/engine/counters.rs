//! Mismatches, silence, and how often a node is entered (E60 to E62, R9, R10, R21, R27).

use crate::play::{call, call_to};

const PATIENT: &str = r#"
    "F1": { "description": "问", "potential": "A", "playbacks": ["问"],
        "mismatchplaybacks": ["什么"], "mismatchrepetition": 2,
        "timeoutplaybacks": ["喂"], "timeoutrepetition": 2,
        "subflow": {
            "F1": { "condition": { "text": ["再"] } },
            "F2": { "condition": { "text": ["有"] } },
            "F9": { "condition": { "complete": ["any"] } } } },
    "F2": { "playbacks": ["好"], "subflow": { "F1": { "condition": { "text": ["再"] } } } },
    "F9": { "action": "hangup" }"#;

/// E60, R9, R10, R23: mismatches in a row are answered up to the limit and counted beyond it.
#[test]
fn mismatches_are_counted() {
    let mut call = call(PATIENT);
    assert_eq!(call.say("F嗯").line(), "1 F1 Text F嗯 | Mismatch | Mismatch F1 x1");
    let row = call.row();
    assert_eq!((row.response_description.as_str(), row.response_text.as_str()), ("问", "什么"));
    assert_eq!(row.potential, "");
    assert_eq!(call.plays(), ["什么"]);
    assert!(call.started().listen.is_some(), "the robot listens again");
    assert_eq!(call.say("F嗯").line(), "2 F1 Text F嗯 | Mismatch | Mismatch F1 x2");
    assert_eq!(call.say("F嗯").line(), "3 F1 Text F嗯 | Mismatch | None x3");
    assert!(call.commands.is_empty(), "the robot keeps listening");
    assert_eq!(call.say("F嗯").line(), "3 F1 Text F嗯 | Mismatch | None x4");
}

/// E60: a match resets them, and so does entering the node again.
#[test]
fn a_match_resets_mismatches() {
    let mut call = call(PATIENT);
    call.say("F嗯").say("F嗯");
    assert_eq!(call.say("F再").line(), "3 F1 Text F再 | Full 再 | Flow F1 x2");
    assert_eq!(call.say("F嗯").line(), "4 F1 Text F嗯 | Mismatch | Mismatch F1 x1");
    call.say("F有").say("F再");
    assert_eq!(call.say("F嗯").row().repetition, 1);
}

/// E3, E60, R27: without a number one mismatch is answered, with 0 none, without audio none.
#[test]
fn how_many_mismatches_are_answered() {
    for (keys, answers) in [
        (r#""mismatchplaybacks": ["什么"]"#, 1),
        (r#""mismatchplaybacks": ["什么"], "mismatchrepetition": """#, 1),
        (r#""mismatchplaybacks": ["什么"], "mismatchrepetition": "3""#, 3),
        (r#""mismatchplaybacks": ["什么"], "mismatchrepetition": 0"#, 0),
        (r#""mismatchplaybacks": [], "mismatchrepetition": 3"#, 0),
    ] {
        let mut call = call(&format!(r#""F1": {{ {keys} }}"#));
        let answered = (0..5).filter(|_| call.say("F嗯").line().contains("| Mismatch F1")).count();
        assert_eq!(answered, answers, "{keys}");
    }
}

/// E61, R10: silence is answered up to the limit; then the `complete` rules go on.
#[test]
fn silence_is_counted() {
    let mut call = call(PATIENT);
    assert_eq!(
        call.complete("TIMEOUT()").line(),
        "1 F1 Complete TIMEOUT() | Mismatch | Timeout F1 x1"
    );
    assert_eq!((call.plays(), call.row().potential.as_str()), (vec!["喂"], ""));
    assert_eq!(
        call.complete("TIMEOUT()").line(),
        "2 F1 Complete TIMEOUT() | Mismatch | Timeout F1 x2"
    );
    assert_eq!(call.complete("TIMEOUT()").line(), "3 F1 Complete TIMEOUT() | Any | Flow F9 x1");
}

/// E61, R10: time-outs are counted per stay: entering the node again, though nothing was said, begins
/// at 1.
#[test]
fn silence_is_counted_per_stay_r10() {
    let mut call = call(
        r#""F1": { "timeoutplaybacks": ["喂"], "timeoutrepetition": 2, "subflow": {
            "F1": { "condition": { "dtmf": ["1"] } } } }"#,
    );
    call.complete("TIMEOUT()").complete("TIMEOUT()").press("1");
    assert!(call.complete("TIMEOUT()").line().ends_with("| Mismatch | Timeout F1 x1"));
}

/// E61, R27: without a number one time-out is answered, with 0 none, without audio none.
#[test]
fn how_many_time_outs_are_answered_r27() {
    for (keys, answers) in [
        (r#""timeoutplaybacks": ["喂"]"#, 1),
        (r#""timeoutplaybacks": ["喂"], "timeoutrepetition": "3""#, 3),
        (r#""timeoutplaybacks": ["喂"], "timeoutrepetition": 0"#, 0),
        (r#""timeoutplaybacks": [], "timeoutrepetition": 3"#, 0),
    ] {
        let mut call = call(&format!(
            r#""F1": {{ {keys}, "subflow": {{ "F2": {{ "condition": {{ "complete": ["any"] }} }} }} }},
               "F2": {{}}"#
        ));
        let mut answered = 0;
        while answered < 9 && call.complete("TIMEOUT()").line().contains("| Timeout F1") {
            answered += 1;
        }
        assert_eq!(answered, answers, "{keys}");
    }
}

/// E61, R21: any speech resets the time-outs, unanswered speech too; digits are none.
#[test]
fn speech_resets_silence() {
    for said in ["F嗯", "S嗯", "Enoise"] {
        let mut call = call(PATIENT);
        call.complete("TIMEOUT()").complete("TIMEOUT()").say(said);
        let line = call.complete("TIMEOUT()").line();
        assert!(line.ends_with("| Mismatch | Timeout F1 x1"), "{said}: {line}");
    }
    let mut call = call(PATIENT);
    call.complete("TIMEOUT()").complete("TIMEOUT()").press("7");
    assert!(call.complete("TIMEOUT()").line().ends_with("| Any | Flow F9 x1"));
}

/// E61, R13: an edge that names TIMEOUT comes first; so does what was said inside.
#[test]
fn silence_is_no_input_only_if_nothing_says_otherwise() {
    let nodes = r#"
        "F1": { "timeoutplaybacks": ["喂"], "subflow": {
            "F2": { "condition": { "complete": ["Timeout"] } } } },
        "F2": {}"#;
    assert_eq!(
        call(nodes).complete("TIMEOUT()").line(),
        "1 F1 Complete TIMEOUT() | Full Timeout | Flow F2 x1"
    );
    let mut call = call(PATIENT);
    let args = "TIMEOUT(F:嗯嗯)";
    assert_eq!(call.complete(args).line(), format!("1 F1 Complete {args} | Any | Flow F9 x1"));
}

/// E62: the row of a node says how often it was executed, that of a prompt how often it was
/// played.
#[test]
fn executions_are_counted() {
    let mut call = call_to(
        r#"{ "flow": {
        "F1": { "kb": "k", "subflow": { "F1": { "condition": { "text": ["再"] } } } } },
        "kb": { "k": { "prompts": ["P1"] } }, "prompt": { "P1": { "keyworks": ["公司"] } } }"#,
    );
    assert_eq!(call.row().repetition, 0);
    for times in 2..5 {
        assert_eq!(call.say("F再").row().repetition, times);
        assert_eq!(call.say("F公司").row().repetition, times - 1);
    }
}

/// E3, R5: what is said the first, second, third and later times; what is absent or empty falls
/// back.
#[test]
fn audio_by_entry() {
    let again = r#""subflow": { "F1": { "condition": { "text": ["再"] } } }"#;
    let all = r#""playbacks": ["1"], "replaybacks": ["2"], "thirdplaybacks": ["3"], "fourplaybacks": ["4"]"#;
    for (audio, said) in [
        (all, ["1", "2", "3", "4", "4"]),
        (r#""playbacks": ["1"]"#, ["1"; 5]),
        (r#""playbacks": ["1"], "replaybacks": []"#, ["1"; 5]),
        (r#""playbacks": ["1"], "replaybacks": ["2"]"#, ["1", "2", "2", "2", "2"]),
        (r#""playbacks": ["1"], "fourplaybacks": ["4"]"#, ["1", "1", "1", "4", "4"]),
        (r#""playbacks": ["1"], "thirdplaybacks": ["3"]"#, ["1", "1", "3", "1", "1"]),
    ] {
        let mut call = call(&format!(r#""F1": {{ {audio}, {again} }}"#));
        let mut heard = vec![call.row().response_text.to_string()];
        heard.extend((0..4).map(|_| call.say("F再").row().response_text.to_string()));
        assert_eq!(heard, said, "{audio}");
    }
}

/// E3, R5: the entries of a list are joined by a blank; `_text` stands for them in rows.
#[test]
fn the_text_of_audio() {
    let call = call(
        r#""F1": { "playbacks": ["a.wav", "silence_stream://300", "b.wav"],
                   "playbacks_text": ["你好", "", "请问"] }"#,
    );
    assert_eq!(call.row().response_text, "你好 请问");
    let said: Vec<_> = call.started().playbacks.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(said, ["你好", "", "请问"]);
    assert_eq!(call.plays(), ["a.wav", "(silence)", "b.wav"]);
}

/// E60, E90: what is said on a mismatch is played as the node plays, and the row says how.
#[test]
fn a_mismatch_is_played_as_the_node_plays_e60() {
    let mut call = call(r#""F1": { "argument": "'1' '2'", "mismatchplaybacks": ["什么"] }"#);
    call.say("F嗯");
    let row = call.row();
    assert_eq!(
        (&*row.response_action, &*row.response_args),
        ("cti_play_and_detect_speech", "'1' '2'")
    );
    assert!(call.started().listen.is_some());
}
