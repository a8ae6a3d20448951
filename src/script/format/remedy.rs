//! The few mistakes that a program can mend without asking: nothing that a call could notice.

use std::collections::HashSet;

use jsonc_parser::ast::{Array, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, parse_to_ast};

use super::super::problem::{SourceText, Span, brief};
use super::super::raw::FORMAT;
use super::kind::Kind;

/// A text that was mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedied {
    /// The text, otherwise as it was.
    pub text: String,
    /// What was done, in the order of the file: the line, from 1, and the deed.
    pub done: Vec<(usize, String)>,
}

/// Takes out keywords that stand twice in one list and keywords that are empty, and the blanks
/// around numbers in quotes. `None` if the text is no JSON or there is nothing of this to mend.
/// What a comment stands at is left alone.
#[must_use]
pub fn remedy(text: &str) -> Option<Remedied> {
    let (mark, body) = text.split_at(if text.starts_with('\u{FEFF}') { 3 } else { 0 });
    let parsed = parse_to_ast(body, &CollectOptions::default(), &FORMAT).ok()?;
    let mut finder = Finder { text: body, edits: Vec::new(), done: Vec::new() };
    finder.walk(&parsed.value?, Kind::Root);
    if finder.edits.is_empty() {
        return None;
    }
    let source = SourceText::new("", body);
    let mut mended = mark.to_owned();
    let mut from = 0;
    for (at, new) in finder.edits {
        mended.push_str(body.get(from..at.start)?);
        mended.push_str(&new);
        from = at.end;
    }
    mended.push_str(body.get(from..)?);
    let done = finder.done.into_iter().map(|(offset, deed)| (source.position(offset).0, deed));
    Some(Remedied { text: mended, done: done.collect() })
}

struct Finder<'a> {
    text: &'a str,
    /// Parts of the text and what they become, in order.
    edits: Vec<(Span, String)>,
    /// What is done where.
    done: Vec<(usize, String)>,
}

impl<'a> Finder<'a> {
    fn walk(&mut self, value: &Value<'a>, kind: Kind) {
        match value {
            Value::Object(object) => {
                for property in &object.properties {
                    let key = property.name.as_str();
                    match &property.value {
                        Value::Array(list) if kind.holds_keywords(key) => self.keywords(list),
                        number if kind.holds_count(key) => self.number(key, number),
                        other => self.walk(other, kind.of_value(key)),
                    }
                }
            }
            Value::Array(array) => {
                for element in &array.elements {
                    self.walk(element, kind.of_value(""));
                }
            }
            Value::StringLit(_)
            | Value::NumberLit(_)
            | Value::BooleanLit(_)
            | Value::NullKeyword(_) => {}
        }
    }

    fn number(&mut self, key: &str, value: &Value<'a>) {
        let Value::StringLit(written) = value else { return };
        let number = written.value.trim();
        if number.len() < written.value.len() && number.parse::<i64>().is_ok() {
            let at = written.range.start..written.range.end;
            let deed = format!("{key} is \"{number}\" without blanks");
            self.done.push((at.start, deed));
            self.edits.push((at, format!("\"{number}\"")));
        }
    }

    fn keywords(&mut self, list: &Array<'a>) {
        let mut seen = HashSet::new();
        let deeds: Vec<_> = list.elements.iter().map(|word| deed(word, &mut seen)).collect();
        let mut at = 0;
        for run in deeds.chunk_by(|one, next| one.is_some() == next.is_some()) {
            let (start, end) = (at, at + run.len());
            at = end;
            if run.iter().all(Option::is_some) {
                self.take_out(list, start..end, run.iter().flatten());
            }
        }
    }

    /// Takes neighbours out with the commas that are then too many, unless a comment is at them.
    fn take_out<'d>(
        &mut self,
        list: &Array<'a>,
        run: Span,
        deeds: impl Iterator<Item = &'d String>,
    ) {
        let Some(words) = list.elements.get(run.clone()) else { return };
        let before = run.start.checked_sub(1).and_then(|at| list.elements.get(at));
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let gone = match (before, list.elements.get(run.end)) {
            (_, Some(next)) => first.range().start..next.range().start,
            (Some(before), None) => before.range().end..last.range().end,
            (None, None) => first.range().start..list.range.end - 1,
        };
        let mut from = gone.start;
        for word in words {
            if !self.is_bare(from..word.range().start) {
                return;
            }
            from = word.range().end;
        }
        if self.is_bare(from..gone.end) {
            let places = words.iter().map(|word| word.range().start);
            self.done.extend(places.zip(deeds.cloned()));
            self.edits.push((gone, String::new()));
        }
    }

    /// True if there is no comment between two words.
    fn is_bare(&self, part: Span) -> bool {
        let part = self.text.get(part).unwrap_or_default();
        part.chars().all(|c| c == ',' || c.is_whitespace())
    }
}

/// Why a word can go.
fn deed<'w>(word: &'w Value<'_>, seen: &mut HashSet<&'w str>) -> Option<String> {
    match word {
        Value::StringLit(word) if word.value.trim().is_empty() => {
            Some("an empty keyword is taken out".to_owned())
        }
        Value::StringLit(word) if !seen.insert(&word.value) => {
            Some(format!("\"{}\" stood in this list before; once is enough", brief(&word.value)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::remedy;

    #[track_caller]
    fn becomes(written: &str, wanted: &str, deeds: usize) {
        let written = format!("\u{FEFF}{{\"prompt\": {{\"P\": {written}}}}}");
        let remedied = remedy(&written).unwrap();
        assert_eq!(remedied.text, format!("\u{FEFF}{{\"prompt\": {{\"P\": {wanted}}}}}"));
        assert_eq!(remedied.done.len(), deeds, "{:?}", remedied.done);
        assert_eq!(remedy(&remedied.text), None);
    }

    #[test]
    fn words_that_never_match_are_taken_out() {
        becomes(
            r#"{"keyworks": ["a", "b", "a", "", "c", "c"]}"#,
            r#"{"keyworks": ["a", "b", "c"]}"#,
            3,
        );
        becomes(r#"{"keywords": ["", "a", " ",]}"#, r#"{"keywords": ["a",]}"#, 2);
        becomes(r#"{"keyworks": [ "", "", ]}"#, r#"{"keyworks": [ ]}"#, 2);
    }

    #[test]
    fn numbers_lose_their_blanks_and_stay_in_quotes() {
        becomes(
            r#"{"repetition": "2 ", "potential": "1 "}"#,
            r#"{"repetition": "2", "potential": "1 "}"#,
            1,
        );
    }

    #[test]
    fn what_is_not_sure_is_left_alone() {
        for list in [
            r#""keyworks": ["a", "a " ]"#,
            r#""keyworks": ["a", /* both */ "a"]"#,
            r#""playbacks": ["a", "a", ""]"#,
            r#""repetition": "two ""#,
        ] {
            assert_eq!(remedy(&format!(r#"{{"prompt": {{"P": {{ {list} }}}}}}"#)), None, "{list}");
        }
        // A group with an empty word is a word that may be left out (E6).
        assert_eq!(remedy(r#"{"synonym": {"want": ["", "want"]}}"#), None);
        assert_eq!(remedy("{"), None);
    }
}
