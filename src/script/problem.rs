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
}

/// A warning at a byte offset of a script's text, found by somebody who knows more than the text:
/// which files there are, for one.
#[must_use]
pub fn warning_at(file: &str, text: &str, offset: usize, message: String, hint: &str) -> Problem {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    SourceText::new(file, text).problem(Severity::Warning, offset, message, hint.into())
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{}:{}:{}: {severity}: {}", self.file, self.line, self.column, self.message)?;
        let before: String = self.source_line.chars().take(self.caret).collect();
        let indent = " ".repeat(unicode_width::UnicodeWidthStr::width(before.as_str()));
        writeln!(f, "    {}", self.source_line)?;
        write!(f, "    {indent}^ {}", self.hint)
    }
}

/// A byte range in the file.
pub(super) type Span = std::ops::Range<usize>;

/// A file's text with an index of its lines, for turning byte offsets into lines and columns.
pub(super) struct SourceText<'a> {
    file: &'a str,
    text: &'a str,
    line_starts: Vec<usize>,
}

/// A shown line is cut to this many characters around the column: one row of a terminal.
const SHOWN_CHARS: usize = 96;

impl<'a> SourceText<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file, text, line_starts }
    }

    /// Line and column, both from 1, of a byte offset.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }

    fn line(&self, line: usize) -> &'a str {
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or("").trim_end()
    }

    pub(super) fn problem(
        &self,
        severity: Severity,
        offset: usize,
        message: String,
        hint: String,
    ) -> Problem {
        let (line, column) = self.position(offset);
        let whole = self.line(line);
        let first = (column - 1).saturating_sub(SHOWN_CHARS / 2);
        let source_line: String = whole
            .chars()
            .skip(first)
            .take(SHOWN_CHARS)
            .map(|c| if c == '\t' { ' ' } else { c })
            .collect();
        Problem {
            severity,
            file: self.file.to_owned(),
            line,
            column,
            message,
            hint,
            source_line,
            caret: column - 1 - first,
        }
    }
}
