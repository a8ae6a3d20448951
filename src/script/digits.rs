//! Conditions on pressed keys (E77, R11, R28).

use regex::Regex;
use smol_str::SmolStr;

use super::pattern::Compiler;

/// A pattern of digits waits for no more than this many (R11).
pub const DIGITS_MAX: usize = 32;

/// One entry of `condition.dtmf`.
#[derive(Clone, Debug)]
pub struct DtmfCondition {
    /// As written.
    pub shown: SmolStr,
    /// What it means.
    pub kind: DtmfKind,
}

/// What a condition on pressed keys means.
#[derive(Clone, Debug)]
pub enum DtmfKind {
    /// `any`.
    Any,
    /// Exactly these keys.
    Literal,
    /// A pattern that all keys together must match.
    Pattern(Regex),
}

impl DtmfCondition {
    /// Reads a condition; a pattern that does not compile is taken literally, and the error says
    /// why.
    pub(super) fn new(written: &str, compiler: &mut Compiler) -> (Self, Option<String>) {
        let shown = SmolStr::new(written);
        if written == "any" {
            return (Self { shown, kind: DtmfKind::Any }, None);
        }
        if written.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#')) {
            return (Self { shown, kind: DtmfKind::Literal }, None);
        }
        match compiler.plain(&format!("^(?:{written})$")) {
            Ok(pattern) => (Self { shown, kind: DtmfKind::Pattern(pattern) }, None),
            Err(error) => (Self { shown, kind: DtmfKind::Literal }, Some(error)),
        }
    }

    /// True if these keys fulfil the condition; `any` is asked for separately.
    #[must_use]
    pub fn matches(&self, digits: &str) -> bool {
        match &self.kind {
            DtmfKind::Any => false,
            DtmfKind::Literal => self.shown.eq_ignore_ascii_case(digits),
            DtmfKind::Pattern(pattern) => pattern.is_match(digits),
        }
    }

    /// The most keys that could fulfil the condition (R11).
    #[must_use]
    pub fn longest(&self) -> usize {
        match &self.kind {
            DtmfKind::Any => 1,
            DtmfKind::Literal => self.shown.chars().count().min(DIGITS_MAX),
            // Keys are ASCII: counted in bytes, a `\d` is one key and not four.
            DtmfKind::Pattern(pattern) => regex_syntax::ParserBuilder::new()
                .unicode(false)
                .utf8(false)
                .build()
                .parse(pattern.as_str())
                .ok()
                .and_then(|hir| hir.properties().maximum_len())
                .map_or(DIGITS_MAX, |longest| longest.min(DIGITS_MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R11, R28: literals of keys, patterns over all keys, and how many keys each can need.
    #[test]
    fn keys_are_matched_as_a_whole() {
        for (written, digits, matches, longest) in [
            ("1", "1", true, 1),
            ("*9#", "*9#", true, 3),
            ("[1-3]", "2", true, 1),
            ("[1-3]", "22", false, 1),
            (r"\d{4,6}", "12345", true, 6),
            (r"\d+", "7", true, DIGITS_MAX),
            ("any", "5", false, 1),
        ] {
            let (condition, error) = DtmfCondition::new(written, &mut Compiler::default());
            assert_eq!(error, None);
            assert_eq!(condition.matches(digits), matches, "{written} on {digits}");
            assert_eq!(condition.longest(), longest, "{written}");
        }
    }
}
