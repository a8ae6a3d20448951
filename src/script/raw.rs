//! The JSON as written, with positions: typed reading that reports instead of failing (E2, E10).

use std::cell::Cell;
use std::collections::HashMap;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::problem::{PROBLEMS_MAX, Problem, Severity, SourceText, Span, brief};

/// JSON with comments and trailing commas, and no other liberties (E2).
pub(super) const FORMAT: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// A text with its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Spanned<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
}

/// Reads values out of a parsed file and collects what is wrong with them.
pub(super) struct Reader<'a> {
    source: SourceText<'a>,
    problems: Vec<Problem>,
    has_error: bool,
    unlisted: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            source: SourceText::new(file, text),
            problems: Vec::new(),
            has_error: false,
            unlisted: 0,
        }
    }

    /// The parsed file, unless it is not JSON. Keys that stand twice are reported here.
    pub(super) fn parse(&mut self, text: &'a str) -> Option<Value<'a>> {
        match parse_to_ast(text, &CollectOptions::default(), &FORMAT) {
            Ok(parsed) if parsed.value.is_some() => parsed.value,
            Ok(_) => {
                self.error(0..0, "the file is empty", "write a JSON object: { \"flow\": { … } }");
                None
            }
            Err(error) => {
                let at = error.range();
                self.error(
                    at.start..at.end,
                    format!("not JSON: {}", lower_first(&error.kind().to_string())),
                    "mend the syntax here or just before",
                );
                None
            }
        }
    }

    pub(super) fn error(&mut self, at: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.report(Severity::Error, at, message.into(), hint.into());
    }

    pub(super) fn warn(&mut self, at: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.report(Severity::Warning, at, message.into(), hint.into());
    }

    /// A warning that has a rule, and so can be switched off where scripts are checked.
    pub(super) fn warn_by(&mut self, rule: &'static str, at: usize, message: String, hint: &str) {
        let before = self.problems.len();
        self.warn(at..at, message, hint);
        if let Some(problem) = self.problems.get_mut(before) {
            problem.rule = rule;
        }
    }

    fn report(&mut self, severity: Severity, at: Span, message: String, hint: String) {
        let listed = self.problems.len() < PROBLEMS_MAX;
        // An error is always listed, so that a flood of warnings can't hide why nothing was loaded.
        let first_error = severity == Severity::Error && !self.has_error;
        self.has_error |= severity == Severity::Error;
        if listed || first_error {
            self.problems.push(self.source.problem(severity, at.start, message, hint));
        } else {
            self.unlisted += 1;
        }
    }

    /// Line and column of a byte offset, for naming a second place in a message.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        self.source.position(offset)
    }

    /// Everything reported, in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        if self.unlisted > 0 {
            let last = self.source.problem(
                Severity::Warning,
                0,
                format!("{} more problems are not listed", self.unlisted),
                "mend the ones above first".into(),
            );
            self.problems.push(last);
        }
        self.problems
    }

    /// Reports every key that stands twice in one object, anywhere in the file, with both places.
    pub(super) fn report_duplicate_keys(&mut self, root: &Value<'a>) {
        let mut open = vec![root];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(object) => {
                    self.report_duplicates_of(object);
                    open.extend(object.properties.iter().map(|property| &property.value));
                }
                Value::Array(array) => open.extend(&array.elements),
                Value::StringLit(_)
                | Value::NumberLit(_)
                | Value::BooleanLit(_)
                | Value::NullKeyword(_) => {}
            }
        }
    }

    fn report_duplicates_of(&mut self, object: &Object<'a>) {
        let mut first_places: HashMap<&str, usize> =
            HashMap::with_capacity(object.properties.len());
        for property in &object.properties {
            let at = property.name.range();
            let first = *first_places.entry(property.name.as_str()).or_insert(at.start);
            if first != at.start {
                let (line, column) = self.position(first);
                self.error(
                    at.start..at.end,
                    format!(
                        "the key \"{}\" stands twice in this object, first at line {line} column {column}",
                        brief(property.name.as_str())
                    ),
                    "rename or remove one of the two",
                );
            }
        }
    }

    /// The fields of an object; `None`, reported, if it is something else.
    pub(super) fn object<'b>(
        &mut self,
        value: &'b Value<'a>,
        what: &str,
    ) -> Option<Fields<'a, 'b>> {
        match value {
            Value::Object(object) => Some(Fields::new(object)),
            // Editors that write PHP arrays write an empty object as an empty list.
            Value::Array(array) if array.elements.is_empty() => Some(Fields::empty(value)),
            other => {
                self.wrong_type(other, what, "an object { … }");
                None
            }
        }
    }

    /// A text; a number is read as it is written. Absent, null and wrong (reported) give `None`.
    pub(super) fn text<'b>(
        &mut self,
        value: Option<&'b Value<'a>>,
        what: &str,
    ) -> Option<Spanned<'b>> {
        let value = value?;
        let span = span_of(value);
        match value {
            Value::StringLit(text) => Some(Spanned { text: text.value.as_ref(), span }),
            Value::NumberLit(number) => Some(Spanned { text: number.value, span }),
            Value::NullKeyword(_) => None,
            other => {
                self.wrong_type(other, what, "a text \"…\"");
                None
            }
        }
    }

    /// A whole number, also as a text (E2); an empty text is absent.
    pub(super) fn integer(&mut self, value: Option<&Value<'a>>, what: &str) -> Option<i64> {
        let value = value?;
        let written = match value {
            Value::NumberLit(number) => number.value,
            Value::StringLit(text) => text.value.trim(),
            Value::NullKeyword(_) => return None,
            other => {
                self.wrong_type(other, what, "a number");
                return None;
            }
        };
        if written.is_empty() {
            return None;
        }
        let parsed = written.parse::<i64>().ok();
        if parsed.is_none() {
            self.error(
                span_of(value),
                format!("{what} is not a whole number: {written}"),
                "write a whole number, such as 2",
            );
        }
        parsed
    }

    /// A number that can't be negative.
    pub(super) fn count(&mut self, value: Option<&Value<'a>>, what: &str) -> Option<u64> {
        let number = self.integer(value, what)?;
        let count = u64::try_from(number).ok();
        if let (None, Some(value)) = (count, value) {
            self.error(span_of(value), format!("{what} is negative: {number}"), "write 0 or more");
        }
        count
    }

    /// `true`/`false`, also as text or 1/0.
    pub(super) fn flag(&mut self, value: Option<&Value<'a>>, what: &str) -> Option<bool> {
        let value = value?;
        let word = match value {
            Value::BooleanLit(flag) => return Some(flag.value),
            Value::NullKeyword(_) => return None,
            Value::NumberLit(number) => number.value,
            Value::StringLit(text) => text.value.as_ref(),
            Value::Object(_) | Value::Array(_) => "",
        };
        match word {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            "" if matches!(value, Value::StringLit(_)) => None,
            _ => {
                self.wrong_type(value, what, "true or false");
                None
            }
        }
    }

    /// A list of texts. Absent and null give an empty list.
    pub(super) fn texts<'b>(
        &mut self,
        value: Option<&'b Value<'a>>,
        what: &str,
    ) -> Vec<Spanned<'b>> {
        match value {
            None | Some(Value::NullKeyword(_)) => Vec::new(),
            Some(Value::Array(array)) => {
                let entry = format!("an entry of {what}");
                array
                    .elements
                    .iter()
                    .filter_map(|element| self.text(Some(element), &entry))
                    .collect()
            }
            Some(other) => {
                self.wrong_type(other, what, "a list [ … ]");
                Vec::new()
            }
        }
    }

    /// Several names: a list, or a text with commas between them (E3).
    pub(super) fn names<'b>(
        &mut self,
        value: Option<&'b Value<'a>>,
        what: &str,
    ) -> Vec<Spanned<'b>> {
        match value {
            Some(Value::StringLit(text)) => {
                let span = span_of(value.expect("matched just above"));
                text.value
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(|name| Spanned { text: name, span: span.clone() })
                    .collect()
            }
            other => self.texts(other, what),
        }
    }

    pub(super) fn wrong_type(&mut self, value: &Value<'a>, what: &str, wanted: &str) {
        let found = match value {
            Value::StringLit(_) => "a text",
            Value::NumberLit(_) => "a number",
            Value::BooleanLit(_) => "true or false",
            Value::Object(_) => "an object",
            Value::Array(_) => "a list",
            Value::NullKeyword(_) => "null",
        };
        self.error(span_of(value), format!("{what} is {found}"), format!("write {wanted}"));
    }
}

/// The fields of one object. Asking for a field marks it as known; `unknown` lists the others.
pub(super) struct Fields<'a, 'b> {
    properties: &'b [ObjectProp<'a>],
    known: Vec<Cell<bool>>,
    span: Span,
}

impl<'a, 'b> Fields<'a, 'b> {
    fn new(object: &'b Object<'a>) -> Self {
        Self {
            properties: &object.properties,
            known: vec![Cell::new(false); object.properties.len()],
            span: object.range.start..object.range.end,
        }
    }

    /// No fields at all, in place of a value that is no object.
    pub(super) fn empty(value: &Value<'a>) -> Self {
        Self { properties: &[], known: Vec::new(), span: span_of(value) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'b Value<'a>> {
        let mut first = None;
        let fields = self.properties.iter().zip(&self.known);
        for (property, known) in fields.filter(|(property, _)| property.name.as_str() == name) {
            known.set(true);
            // Of a key that stands twice, which is an error, the first place counts.
            first = first.or(Some(&property.value));
        }
        first
    }

    /// True if the field is written and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        !matches!(self.get(name), None | Some(Value::NullKeyword(_)))
    }

    /// Every field in the order of the file.
    pub(super) fn all(&self) -> impl Iterator<Item = (Spanned<'b>, &'b Value<'a>)> + use<'a, 'b> {
        self.properties.iter().map(|property| {
            let at = property.name.range();
            (Spanned { text: property.name.as_str(), span: at.start..at.end }, &property.value)
        })
    }

    /// The fields nobody asked for.
    pub(super) fn unknown(&self) -> impl Iterator<Item = (Spanned<'b>, &'b Value<'a>)> {
        self.all().zip(&self.known).filter(|(_, known)| !known.get()).map(|(field, _)| field)
    }

    /// Where the value of a field stands, or the object if the field is absent.
    pub(super) fn span(&self, name: &str) -> Span {
        self.get(name).map_or_else(|| self.span.clone(), span_of)
    }
}

pub(super) fn span_of(value: &Value<'_>) -> Span {
    let range = value.range();
    range.start..range.end
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
