//! Rehearsal files: a call written down, the caller's side and what the robot must do.
//!
//! ```text
//! # a caller who wants a loan                      a comment
//! > answered destination_number=4000               what caller and line do
//! < 0.0s play F1 "你好"                             what the robot must do, and when
//! = F4 method 3 keyword 有                          what the newest row of F4 must say
//! +10s                                             time passes
//! ```
//!
//! Times are counted from the `>` or `+` line before. Audio takes no time, unless the line
//! `> audio lasts 3s` says otherwise. A timer that is due at the very end of a `+` goes off if the next
//! line tells of it; before a `>` line the caller is first.

use smol_str::SmolStr;

use super::caller::Act;
use crate::engine::WebAnswer;

/// A rehearsal, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    /// Channel variables of the call.
    pub variables: Vec<(SmolStr, SmolStr)>,
    /// What holds from the first moment: acts before `> answered`.
    pub from_the_start: Vec<Act>,
    /// The rest, each with its line.
    pub steps: Vec<(usize, Step)>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `>` or `+`: the caller or the line does something.
    Act(Act),
    /// `<`: the robot does something.
    Expect {
        /// When, since the act before; `None` = whenever.
        at_ms: Option<u64>,
        /// What, in the words of the file.
        deed: Vec<SmolStr>,
    },
    /// `=`: a row says something.
    Row {
        /// The node or prompt it answers with, `row` for the newest, or `classify`.
        of: SmolStr,
        /// Columns and what they hold.
        holds: Vec<(SmolStr, SmolStr)>,
    },
}

/// A line that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {message}")]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// How long a sentence takes to say if the file does not tell, ms.
const SENTENCE_MS: u64 = 1_000;

impl Rehearsal {
    /// Reads a file.
    ///
    /// # Errors
    /// Every line that can't be read.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let mut rehearsal =
            Self { variables: Vec::new(), from_the_start: Vec::new(), steps: Vec::new() };
        let mut answered = false;
        let mut faults = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match read_line(line) {
                Ok(Read::Answered(variables)) => {
                    answered = true;
                    rehearsal.variables = variables;
                }
                Ok(Read::Step(Step::Act(act))) if !answered => rehearsal.from_the_start.push(act),
                Ok(Read::Step(step)) => rehearsal.steps.push((at + 1, step)),
                Err(message) => faults.push(Fault { line: at + 1, message }),
            }
        }
        if !answered && faults.is_empty() {
            let message = "the call is never answered; begin with \"> answered\"".to_owned();
            faults.push(Fault { line: 1, message });
        }
        if faults.is_empty() { Ok(rehearsal) } else { Err(faults) }
    }

    /// What the caller and the line do, without what is expected of the robot.
    pub fn acts(&self) -> impl Iterator<Item = &Act> {
        self.steps.iter().filter_map(|(_, step)| match step {
            Step::Act(act) => Some(act),
            Step::Expect { .. } | Step::Row { .. } => None,
        })
    }
}

enum Read {
    Answered(Vec<(SmolStr, SmolStr)>),
    Step(Step),
}

fn read_line(line: &str) -> Result<Read, String> {
    if let Some(time) = line.strip_prefix('+') {
        return Ok(Read::Step(Step::Act(Act::Waits(duration_ms(time.trim())?))));
    }
    let mut chars = line.chars();
    let mark = chars.next();
    if let Some(answer) = line.strip_prefix("> answers ") {
        return Ok(Read::Step(Step::Act(read_answer(answer))));
    }
    let words = words(chars.as_str())?;
    match mark {
        Some('>') => read_act(&words),
        Some('<') => Ok(Read::Step(read_expected(&words)?)),
        Some('=') => Ok(Read::Step(read_row(&words)?)),
        _ => Err("a line begins with >, <, =, + or #".into()),
    }
}

fn read_act(words: &[SmolStr]) -> Result<Read, String> {
    let words: Vec<&str> = words.iter().map(SmolStr::as_str).collect();
    let act = match words[..] {
        ["answered", ref variables @ ..] => return read_variables(variables).map(Read::Answered),
        ["says", text] => Act::Says { text: text.into(), for_ms: SENTENCE_MS },
        ["says", text, "for", time] => Act::Says { text: text.into(), for_ms: duration_ms(time)? },
        ["partial", text] => Act::Partial(text.into()),
        ["noise", "for", time] => Act::Noise(duration_ms(time)?),
        ["presses", keys] => Act::Digits(keys.into()),
        ["service", "fails", error] => Act::ServiceFails(error.into()),
        ["hangup"] => Act::HangsUp,
        ["break"] => Act::Broken,
        ["recognition", "fails", error] => Act::RecognitionFails(error.into()),
        ["audio", "lasts", time] => Act::AudioLasts(duration_ms(time)?),
        ["audio", "fails"] => Act::AudioFails,
        ["transfer", "fails"] => Act::TransferFails,
        _ => {
            return Err(
                "unknown act; there are: answered [name=value…] · says \"…\" [for 1.4s] · \
                 partial \"…\" · noise for 0.4s · presses 12 · hangup · break · \
                 answers [status] body · service fails \"…\" · \
                 recognition fails \"…\" · audio lasts 3s · audio fails · transfer fails"
                    .into(),
            );
        }
    };
    Ok(Read::Step(Step::Act(act)))
}

/// What stands behind `answers`: a status, if it begins with one, and the body.
fn read_answer(written: &str) -> Act {
    let (first, rest) = written.trim().split_once(' ').unwrap_or((written.trim(), ""));
    let (status, body) = match first.parse() {
        Ok(status) => (status, rest),
        Err(_) => (200, written.trim()),
    };
    Act::Answers(WebAnswer { status, body: body.to_owned() })
}

fn read_variables(words: &[&str]) -> Result<Vec<(SmolStr, SmolStr)>, String> {
    let pair = |word: &&str| {
        let (name, value) =
            word.split_once('=').ok_or_else(|| format!("{word} is no name=value"))?;
        Ok((name.into(), value.into()))
    };
    words.iter().map(pair).collect()
}

fn read_expected(words: &[SmolStr]) -> Result<Step, String> {
    let (at_ms, deed) = match words.split_first() {
        Some((first, rest)) => match duration_ms(first) {
            Ok(at_ms) => (Some(at_ms), rest),
            Err(_) => (None, words),
        },
        None => (None, words),
    };
    let known = ["play", "resume", "stop", "application", "asks", "tells", "transfer", "hangup"];
    match deed.first() {
        Some(verb) if known.contains(&verb.as_str()) => {
            Ok(Step::Expect { at_ms, deed: deed.into() })
        }
        _ => Err(format!("unknown deed; there are: {}", known.join(" · "))),
    }
}

fn read_row(words: &[SmolStr]) -> Result<Step, String> {
    let Some((of, pairs)) = words.split_first() else {
        return Err("which row? a node or prompt, \"row\" or \"classify\"".into());
    };
    if pairs.len() % 2 != 0 {
        return Err("columns and values come in pairs: method 3 keyword 有".into());
    }
    let holds = pairs.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    Ok(Step::Row { of: of.clone(), holds })
}

/// `1.4s`, `150ms`.
fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text} is no time; write 1.4s or 150ms");
    let (number, unit_ms) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1000.0),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let ms = (number * unit_ms).round();
    if !(0.0..=86_400_000.0).contains(&ms) {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, above")]
    Ok(ms as u64)
}

/// Blank-separated words; double quotes hold one together.
fn words(text: &str) -> Result<Vec<SmolStr>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.into());
        rest = after.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_line_by_line() {
        let text = "# a caller\n> audio lasts 2s\n> answered a=b\n< 0.0s play F1 \"你好 吗\"\n\
                    > says \"有的。\" for 1.4s\n= F4 method 3 label \"\"\n+150ms\n";
        let rehearsal = Rehearsal::parse(text).expect("every line is right");
        assert_eq!(rehearsal.variables, [("a".into(), "b".into())]);
        assert_eq!(rehearsal.from_the_start, [Act::AudioLasts(2_000)]);
        let pair = |name: &str, value: &str| (name.into(), value.into());
        assert_eq!(
            rehearsal.steps,
            [
                (
                    4,
                    Step::Expect {
                        at_ms: Some(0),
                        deed: ["play", "F1", "你好 吗"].map(Into::into).into()
                    }
                ),
                (5, Step::Act(Act::Says { text: "有的。".into(), for_ms: 1_400 })),
                (
                    6,
                    Step::Row {
                        of: "F4".into(),
                        holds: vec![pair("method", "3"), pair("label", "")]
                    }
                ),
                (7, Step::Act(Act::Waits(150))),
            ]
        );
    }

    #[test]
    fn every_wrong_line_is_named() {
        let faults =
            Rehearsal::parse("hello\n> answered x\n< dance\n= F1 method\n+soon\n> says \"a")
                .expect_err("all lines are wrong");
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        let unanswered = Rehearsal::parse("# nothing\n").expect_err("never answered");
        assert!(unanswered[0].message.contains("> answered"));
    }
}
