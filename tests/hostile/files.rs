//! Hostile script files: each ends in a report, and what is loaded holds a call (E10, N13, N21).
//!
//! What they cost at 8 MiB is measured by `benches/hostile.rs`.

use telephonist::engine::{EndReason, InputType};
use telephonist::script::{self, Problem};

use crate::conversation::Conversation;
use crate::hostile::{FILES, SMALL};

/// Problems of one report: 500, the first error, and how many more there are.
const REPORT_MAX: usize = 502;
/// Bytes of a message: 400 characters.
const MESSAGE_BYTES_MAX: usize = 1_601;

#[test]
fn hostile_files_end_in_a_report() {
    for hostile in FILES {
        let bytes = (hostile.file)(SMALL);
        let (script, problems) = script::load("hostile", "hostile.json", &bytes);
        let name = hostile.name;
        assert_eq!(script.is_none(), problems.iter().any(Problem::is_error), "{name}");
        assert!(problems.len() <= REPORT_MAX, "{name}: {} problems", problems.len());
        for problem in &problems {
            assert!(problem.message.len() <= MESSAGE_BYTES_MAX, "{name}: {}", problem.message);
        }
        assert!(hostile.is_told(SMALL, &problems), "{name}: {problems:#?}");
        if let Some(script) = script {
            let mut call = Conversation::with(&script);
            call.say_for("Faaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 1_000);
            call.end(EndReason::RecvBye);
            assert_eq!(call.row().input_type, InputType::Destroy, "{name}");
        }
    }
}

/// E43: a pattern that is too large for itself is taken literally; patterns that are too large
/// together are an error.
#[test]
fn patterns_have_limits_alone_and_together() {
    let keyword = |at: usize, pattern: &str| format!("\"{pattern}{at}\"");
    let script = |pattern: &str, count: usize| {
        let keywords: Vec<_> = (0..count).map(|at| keyword(at, pattern)).collect();
        format!(
            r#"{{ "flow": {{ "F1": {{ "action": "playback", "subflow": {{ "F1": {{
                "condition": {{ "text": [{}], "complete": ["any"] }} }} }} }} }} }}"#,
            keywords.join(",")
        )
    };
    for (pattern, fits, too_many) in
        [("a{1,9999}", 20, 60), (r"\\w{10}", 10, 30), ("(?<!no )c", 40, 51)]
    {
        let (loaded, _) = load(&script(pattern, fits));
        assert!(loaded, "{fits} of {pattern}");
        let (loaded, messages) = load(&script(pattern, too_many));
        assert!(!loaded, "{too_many} of {pattern}");
        let wanted = "the patterns of the script are too many or too large";
        assert!(messages.iter().any(|message| message == wanted), "{messages:#?}");
    }
    let (_, messages) = load(&script("(a{1,99}){1,999}", 1));
    let wanted = "\"(a{1,99}){1,999}0\" is no regular expression: it is too large";
    assert_eq!(messages, [wanted]);
}

/// E6: synonyms may not make more of a script than it may be.
#[test]
fn synonyms_have_a_limit_together() {
    let word = "слово".repeat(10);
    let words: Vec<_> = (0..5_000).map(|at| format!("\"{word}{at}\"")).collect();
    let words = words.join(",");
    let groups: Vec<_> = (0..40).map(|at| format!("\"g{at}\":[\"{{g}}\"]")).collect();
    let script = format!(
        r#"{{ "synonym": {{ "g": [{words}], {} }}, "flow": {{ "F1": {{ "action": "hangup" }} }} }}"#,
        groups.join(",")
    );
    let (loaded, messages) = load(&script);
    assert!(!loaded);
    assert!(messages[0].contains("stands for too many words"), "{messages:#?}");
}

fn load(script: &str) -> (bool, Vec<String>) {
    let (script, problems) = script::load("test", "test.json", script.as_bytes());
    (script.is_some(), problems.into_iter().map(|problem| problem.message).collect())
}
