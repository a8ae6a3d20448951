//! What is wrong with a script: where, what, and how to mend it (E10).

use std::fmt;

use serde::Serialize;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The script is not loaded; the version before stays in force.
    Error,
    /// The script is loaded; something in it will not do what its author expects.
    Warning,
    /// The script does what it says; part of it is written in vain. Loading tells none of these.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One problem of one script file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file, as the reader knows it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: String,
    /// The rule it breaks, by which it can be switched off; empty if it can't.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub rule: &'static str,
    /// What a caller says, or the way a call takes, that shows it; empty if the place says all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub example: String,
    /// The line itself, cut to what fits a screen.
    pub source_line: String,
    /// Where in `source_line` the column is, in characters from 0.
    #[serde(skip)]
    pub(super) caret: usize,
}

impl Problem {
    /// True if the script can't be loaded because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The blanks that bring a caret below the column in `source_line`.
    #[must_use]
    pub fn caret_indent(&self) -> String {
        let before: String = self.source_line.chars().take(self.caret).collect();
        " ".repeat(unicode_width::UnicodeWidthStr::width(before.as_str()))
    }
}

/// More problems than this are counted, not listed: nobody mends more in one go.
pub(super) const PROBLEMS_MAX: usize = 500;

/// Warnings at byte offsets of a script's text, found by somebody who knows more than the text:
/// which files there are, for one. Past 500 no more are asked for.
#[must_use]
pub fn warnings(
    file: &str,
    text: &str,
    found: impl IntoIterator<Item = (usize, String)>,
    hint: &str,
    rule: &'static str,
) -> Vec<Problem> {
    let source = SourceText::new(file, text.strip_prefix('\u{FEFF}').unwrap_or(text));
    let warning = |(at, message)| Problem {
        rule,
        ..source.problem(Severity::Warning, at, message, hint.into())
    };
    found.into_iter().take(PROBLEMS_MAX).map(warning).collect()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, severity, message, .. } = self;
        writeln!(f, "{file}:{line}:{column}: {severity}: {message}")?;
        writeln!(f, "    {}", self.source_line)?;
        write!(f, "    {}^ {}", self.caret_indent(), self.hint)
    }
}

/// A byte range in the file.
pub(super) type Span = std::ops::Range<usize>;

/// A file's text with an index of its lines, for turning byte offsets into lines and columns.
pub(super) struct SourceText<'a> {
    file: &'a str,
    text: &'a str,
    line_starts: Vec<usize>,
    /// How many characters stand before each multiple of `COUNTED_BYTES`.
    chars_before: Vec<usize>,
}

/// A file may be one line: its characters are counted in steps, so that a column costs no more than
/// one of them.
const COUNTED_BYTES: usize = 4 << 10;

/// A shown line is cut to this many characters around the column: one row of a terminal.
const SHOWN_CHARS: usize = 96;

/// A message names what it is about, which may be megabytes long: it is cut to a few rows.
const MESSAGE_CHARS_MAX: usize = 400;

impl<'a> SourceText<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut chars = 0;
        let counted = text.as_bytes().chunks(COUNTED_BYTES).map(|bytes| {
            chars += count_chars(bytes);
            chars
        });
        let chars_before = std::iter::once(0).chain(counted).collect();
        Self { file, text, line_starts, chars_before }
    }

    /// Line and column, both from 1, of a byte offset.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        (line, self.chars_before(offset).saturating_sub(self.chars_before(start)) + 1)
    }

    fn chars_before(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        let step = offset / COUNTED_BYTES;
        let rest = self.text.as_bytes().get(step * COUNTED_BYTES..offset);
        self.chars_before.get(step).copied().unwrap_or(0) + rest.map_or(0, count_chars)
    }

    pub(super) fn problem(
        &self,
        severity: Severity,
        offset: usize,
        message: String,
        hint: String,
    ) -> Problem {
        let (line, column) = self.position(offset);
        let caret = (column - 1).min(SHOWN_CHARS / 2);
        let (before, after) = self.text.split_at_checked(offset).unwrap_or((self.text, ""));
        let first = before.char_indices().rev().take(caret).last().map_or(offset, |(at, _)| at);
        let shown = before.get(first..).unwrap_or_default().chars().chain(after.chars());
        let source_line: String =
            shown.take(SHOWN_CHARS).take_while(|c| *c != '\n').map(printable).collect();
        Problem {
            severity,
            file: self.file.to_owned(),
            line,
            column,
            message: cut(message),
            hint: cut(hint),
            rule: "",
            example: String::new(),
            source_line: source_line.trim_end().to_owned(),
            caret,
        }
    }
}

fn count_chars(bytes: &[u8]) -> usize {
    let is_first = |byte: &&u8| **byte & 0b1100_0000 != 0b1000_0000;
    bytes.iter().filter(is_first).count()
}

/// What a file has between its lines' ends is shown and does nothing to the terminal.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// A text to be quoted, cut to what a reader needs to recognise it.
pub(super) fn brief(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SHOWN_CHARS)).unwrap_or_default()
}

fn cut(message: String) -> String {
    let is_short = message.len() <= MESSAGE_CHARS_MAX;
    if is_short && !message.contains(char::is_control) {
        return message;
    }
    let mut kept: String = message.chars().take(MESSAGE_CHARS_MAX).map(printable).collect();
    if kept.len() < message.len() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E10: columns are characters, wherever in a long line they are, and the line is shown around
    /// them.
    #[test]
    fn a_place_in_a_long_line_is_found() {
        let text = format!("first\n{}!{}\nlast", "я".repeat(10_000), "ю".repeat(10_000));
        let at = text.find('!').unwrap();
        let source = SourceText::new("a.json", &text);
        let problem = source.problem(Severity::Error, at, "m".into(), "h".into());
        assert_eq!((problem.line, problem.column), (2, 10_001));
        assert_eq!(problem.source_line, format!("{}!{}", "я".repeat(48), "ю".repeat(47)));
        assert_eq!(problem.caret, 48);
        assert_eq!(source.position(text.len()), (3, 5));
    }

    /// N10: what a file holds does nothing to the terminal or log that it is shown in, and a name
    /// of megabytes is not shown whole.
    #[test]
    fn a_message_is_bounded_and_printable() {
        let source = SourceText::new("a.json", "\u{1b}[2J");
        let message = format!("\u{1b}\n{}", "я".repeat(1_000));
        let problem = source.problem(Severity::Error, 0, message, "h".into());
        assert_eq!(problem.message, format!("  {}…", "я".repeat(398)));
        assert_eq!(problem.source_line, " [2J");
    }
}
