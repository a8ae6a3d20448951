//! What recognisers that listen along say, whatever their protocol, and what of it was said before.

use crate::engine::INPUT_BYTES_MAX;

/// One message of a recogniser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Somebody speaks.
    Began,
    /// What was understood so far; replaces what was before.
    Partial(String),
    /// What was understood up to an end; may be empty.
    Text(String),
    /// The sentence can't be understood, and why.
    Failure(String),
    /// Nothing that matters.
    Nothing,
}

/// Keeps of a text from outside what an input of a call may have.
pub(super) fn cut(text: &str) -> String {
    let text = text.trim();
    let end = text.floor_char_boundary(INPUT_BYTES_MAX);
    text.get(..end).unwrap_or_default().to_owned()
}

/// `text` and then `more`, as one text of a bounded length.
pub(super) fn joined(text: &str, more: &str) -> String {
    match (text.is_empty(), more.is_empty()) {
        (true, _) => cut(more),
        (_, true) => cut(text),
        _ => cut(&format!("{text} {more}")),
    }
}

/// Tells a text that comes twice from the same words said twice. One for each connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeats {
    last: Option<String>,
    /// The recogniser spoke of a sentence since its last text.
    open: bool,
    /// It has announced a sentence before.
    announces: bool,
}

impl Repeats {
    /// Notes a message, and says whether it is a text that belongs to no sentence: one that came
    /// before, or that was not announced by a recogniser that announces. `wanted` is true if a
    /// sentence is over and waits for its text: then words may be the same as the last, and a
    /// recogniser may have forgotten to announce others.
    pub(super) fn note(&mut self, heard: &Heard, wanted: bool) -> bool {
        match heard {
            Heard::Began => (self.open, self.announces) = (true, true),
            Heard::Partial(text) => self.open |= !text.is_empty(),
            Heard::Text(text) => {
                let same = self.last.as_ref() == Some(text);
                let astray = if self.announces { same || !wanted } else { same && !wanted };
                if astray && !self.open && !text.is_empty() {
                    return true;
                }
                (self.last, self.open) = (Some(text.clone()), false);
            }
            Heard::Failure(_) | Heard::Nothing => {}
        }
        false
    }

    /// True if the recogniser has begun to speak of a sentence whose text it has not given.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Heard {
        Heard::Text(text.into())
    }

    #[test]
    fn a_text_that_comes_twice_is_known_by_nothing_between() {
        let mut repeats = Repeats::default();
        assert!(!repeats.note(&text("да"), true));
        assert!(repeats.note(&text("да"), false));
        assert!(!repeats.note(&text("нет"), false));
        repeats.note(&Heard::Partial("не".into()), false);
        assert!(!repeats.note(&text("нет"), false), "said again");
        assert!(repeats.note(&text("нет"), false));
    }

    #[test]
    fn a_sentence_that_waits_gets_its_text_unless_the_recogniser_announces_each() {
        let mut silent = Repeats::default();
        silent.note(&text("да"), true);
        assert!(!silent.note(&text("да"), true));
        let mut announcing = Repeats::default();
        announcing.note(&Heard::Began, false);
        assert!(announcing.is_open());
        announcing.note(&text("да"), true);
        assert!(!announcing.is_open());
        assert!(announcing.note(&text("да"), true));
        assert!(announcing.note(&text("нет"), false), "not announced");
        assert!(!announcing.note(&text("нет"), true), "not announced, and waited for");
        assert!(!announcing.note(&text(""), true), "no words are no repetition");
    }

    /// N21.
    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("  да "), "да");
        assert_eq!(cut(&"я".repeat(INPUT_BYTES_MAX)).len(), INPUT_BYTES_MAX);
        assert_eq!(joined("a", "b"), "a b");
        assert_eq!((joined("", "b"), joined("a", "")), ("b".into(), "a".into()));
        assert!(joined(&"я".repeat(INPUT_BYTES_MAX), "b").len() <= INPUT_BYTES_MAX);
    }
}
