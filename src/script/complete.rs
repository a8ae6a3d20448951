//! Conditions on the end of an action (E75, R13).

use regex::Regex;
use smol_str::SmolStr;

use super::pattern::Compiler;

/// The words a COMPLETE begins with.
const WORDS: [&str; 5] = ["done", "timeout", "error", "break", "hangup"];

/// One entry of `condition.complete`.
#[derive(Clone, Debug)]
pub struct CompleteCondition {
    /// As written.
    pub shown: SmolStr,
    /// What it means.
    pub kind: CompleteKind,
}

/// What a condition on the end of an action means.
#[derive(Clone, Debug)]
pub enum CompleteKind {
    /// `any`.
    Any,
    /// Names the word the COMPLETE begins with.
    Word,
    /// Is searched in the whole argument (R13).
    Pattern(Regex),
    /// The same, of a text that is no pattern.
    Literal,
}

/// How a condition on the end of an action was fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompleteMatch {
    /// It names the word.
    Word,
    /// It was found; this part of the argument.
    Part(SmolStr),
}

impl CompleteCondition {
    /// Reads a condition; a pattern that does not compile is searched for literally, and the
    /// error says why.
    pub(super) fn new(written: &str, compiler: &mut Compiler) -> (Self, Option<String>) {
        let shown = SmolStr::new(written);
        if written == "any" {
            return (Self { shown, kind: CompleteKind::Any }, None);
        }
        if WORDS.iter().any(|word| word.eq_ignore_ascii_case(written)) {
            return (Self { shown, kind: CompleteKind::Word }, None);
        }
        match compiler.plain(written) {
            Ok(pattern) => (Self { shown, kind: CompleteKind::Pattern(pattern) }, None),
            Err(error) => (Self { shown, kind: CompleteKind::Literal }, Some(error)),
        }
    }

    /// How a COMPLETE fulfils the condition; `any` is asked for separately.
    #[must_use]
    pub fn matches(&self, args: &str) -> Option<CompleteMatch> {
        match &self.kind {
            CompleteKind::Any => None,
            CompleteKind::Word => {
                let word = args.split('(').next().unwrap_or_default().trim();
                self.shown.eq_ignore_ascii_case(word).then_some(CompleteMatch::Word)
            }
            CompleteKind::Pattern(pattern) => {
                let found = pattern.find_iter(args).find(|found| !found.is_empty())?;
                Some(CompleteMatch::Part(found.as_str().into()))
            }
            CompleteKind::Literal => {
                let (args, shown) = (args.to_lowercase(), self.shown.to_lowercase());
                args.contains(&shown).then(|| CompleteMatch::Part(self.shown.clone()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(written: &str) -> (CompleteCondition, Option<String>) {
        CompleteCondition::new(written, &mut Compiler::default())
    }

    /// E75, R13: words name the COMPLETE, anything else is searched in all of it.
    #[test]
    fn words_and_patterns() {
        for (written, args, expected) in [
            ("done", "DONE()", Some(CompleteMatch::Word)),
            ("Timeout", "TIMEOUT(F:喂)", Some(CompleteMatch::Word)),
            ("done", "TIMEOUT(F:done)", None),
            ("f:喂", "TIMEOUT(F:喂)", Some(CompleteMatch::Part("F:喂".into()))),
            (r"hangup\(.*再见", "HANGUP(F再见)", Some(CompleteMatch::Part("HANGUP(F再见".into()))),
            ("x*", "DONE()", None),
            ("any", "DONE()", None),
        ] {
            assert_eq!(condition(written).0.matches(args), expected, "{written}");
        }
        let (broken, error) = condition("done(");
        assert_eq!(error.as_deref(), Some("unclosed group"));
        assert_eq!(broken.matches("DONE()"), Some(CompleteMatch::Part("done(".into())));
    }
}
