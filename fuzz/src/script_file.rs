//! Any bytes as a script file; if they are one, a short call to it.

use std::sync::Arc;

use telephonist::engine::{EndReason, Input};
use telephonist::script::{self, Problem, Script};

use crate::conversation::Conversation;

/// Strings of the file that the caller says.
const SAID_MAX: usize = 12;

/// Loads the file and holds what is promised of every file (E10).
pub(crate) fn load(bytes: &[u8]) {
    let (script, problems) = script::load("fuzz", "fuzz.json", bytes);
    let is_refused = problems.iter().any(Problem::is_error);
    assert_eq!(script.is_none(), is_refused, "a script is there if no problem is an error");
    let again = script::load("fuzz", "fuzz.json", bytes).1;
    assert_eq!(problems, again, "the same bytes have the same problems");
    let text = String::from_utf8_lossy(bytes);
    for problem in &problems {
        assert_inside(problem, &text);
    }
    if let Some(script) = script {
        talk(&script, &text);
    }
}

/// Line and column are of the file: at most one past the line's last character.
fn assert_inside(problem: &Problem, text: &str) {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let line = text.split('\n').nth(problem.line.wrapping_sub(1));
    let columns = line.map_or(0, |line| line.chars().count() + 1);
    assert!((1..=columns).contains(&problem.column), "outside of the file: {problem}");
}

/// A call to the script by somebody who says what stands in it, and does a little of all else.
/// The conversation holds the laws of the engine.
fn talk(script: &Arc<Script>, text: &str) {
    let mut call = Conversation::with(script);
    let words = text.split('"').skip(1).step_by(2).take(SAID_MAX);
    for (word, end) in words.zip(["DONE()", "TIMEOUT()", "ERROR()", "BREAK()"].iter().cycle()) {
        call.say_for(&format!("S{word}"), 100);
        call.say_for(&format!("F{word}"), 1_000);
        call.handle(Input::Dtmf { appid: None, digits: word.into(), play_time_ms: 0 });
        call.complete(&format!("DONE(F:{word}S:{word})"));
        call.complete(end);
    }
    call.end(EndReason::RecvBye);
    assert!(call.robot.has_ended(), "a call whose line is gone has ended");
}
