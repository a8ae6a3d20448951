//! The tree as text: one line where it fits, else a line for each entry.

use unicode_width::UnicodeWidthStr as _;

use super::tree::{Content, Entry, Line, List, Tree};

/// A line has at most so many columns, where breaking it can help.
pub const LINE_COLUMNS_MAX: usize = 100;

/// Entries that are no wider share lines when their list is too long for one.
const FILL_COLUMNS_MAX: usize = 16;

const INDENT: usize = 2;

pub(super) struct Printer {
    out: String,
    line_end: &'static str,
}

impl Printer {
    pub(super) fn new(line_end: &'static str) -> Self {
        Self { out: String::new(), line_end }
    }

    pub(super) fn print(mut self, tree: &Tree<'_>) -> String {
        self.entry(&tree.root, 0, Place { is_first: true, is_last: true });
        self.lines(&tree.below, 0, false);
        self.out
    }

    /// Comments on lines of their own. The first thing in brackets has no empty line before it.
    fn lines(&mut self, lines: &[Line<'_>], indent: usize, mut is_first: bool) {
        for line in lines {
            self.blank(line.blank_before && !is_first);
            is_first = false;
            self.indent(indent);
            self.comment(line.text);
            self.end_line();
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, indent: usize, place: Place) {
        self.lines(&entry.above, indent, place.is_first);
        self.blank(entry.blank_before && !(place.is_first && entry.above.is_empty()));
        self.indent(indent);
        let start = self.out.len();
        push_head(entry, &mut self.out);
        let head = self.out.get(start..).unwrap_or_default().width();
        let behind = entry.after.iter().map(|text| text.width() + 1).sum::<usize>();
        let comma = usize::from(!place.is_last);
        match &entry.content {
            Content::Plain(text) => self.out.push_str(text),
            Content::List(list) => {
                let taken = indent + head + behind + comma;
                self.list(list, indent, LINE_COLUMNS_MAX.saturating_sub(taken));
            }
        }
        for text in &entry.after {
            self.out.push(' ');
            self.out.push_str(text);
        }
        if !place.is_last {
            self.out.push(',');
        }
        for text in &entry.trailing {
            self.out.push(' ');
            self.comment(text);
        }
        self.end_line();
    }

    /// The list in so many columns, or on lines of its own.
    fn list(&mut self, list: &List<'_>, indent: usize, columns: usize) {
        let start = self.out.len();
        if flat_list(list, columns, &mut self.out).is_some() {
            return;
        }
        self.out.truncate(start);
        self.out.push(if list.is_object { '{' } else { '[' });
        for text in &list.opening {
            self.out.push(' ');
            self.comment(text);
        }
        self.end_line();
        let inner = indent + INDENT;
        if is_filled(list) {
            self.filled(list, inner);
        } else {
            let count = list.entries.len();
            for (at, entry) in list.entries.iter().enumerate() {
                self.entry(entry, inner, Place { is_first: at == 0, is_last: at + 1 == count });
            }
        }
        self.lines(&list.closing, inner, list.entries.is_empty());
        self.indent(indent);
        self.out.push(if list.is_object { '}' } else { ']' });
    }

    /// As many short entries on each line as fit.
    fn filled(&mut self, list: &List<'_>, indent: usize) {
        let mut column = 0;
        let count = list.entries.len();
        for (at, entry) in list.entries.iter().enumerate() {
            let Content::Plain(text) = entry.content else { continue };
            let width = text.width() + usize::from(at + 1 < count);
            if column > 0 && column + 1 + width > LINE_COLUMNS_MAX {
                self.end_line();
                column = 0;
            }
            if column == 0 {
                self.indent(indent);
                column = indent;
            } else {
                self.out.push(' ');
                column += 1;
            }
            self.out.push_str(text);
            if at + 1 < count {
                self.out.push(',');
            }
            column += width;
        }
        self.end_line();
    }

    /// A comment; the lines inside it stay as they are, without blanks at their ends.
    fn comment(&mut self, text: &str) {
        for (at, line) in text.lines().enumerate() {
            if at > 0 {
                self.end_line();
            }
            self.out.push_str(line.trim_end());
        }
    }

    fn blank(&mut self, is_wanted: bool) {
        if is_wanted {
            self.end_line();
        }
    }

    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    fn end_line(&mut self) {
        self.out.push_str(self.line_end);
    }
}

/// Where in its list an entry stands.
#[derive(Clone, Copy)]
struct Place {
    is_first: bool,
    is_last: bool,
}

/// What stands on an entry's line before its value.
fn push_head(entry: &Entry<'_>, out: &mut String) {
    for text in &entry.before {
        out.push_str(text);
        out.push(' ');
    }
    if let Some(name) = entry.name {
        out.push_str(name);
        out.push_str(": ");
    }
    for text in &entry.between {
        out.push_str(text);
        out.push(' ');
    }
}

/// Short texts and numbers without a comment.
fn is_filled(list: &List<'_>) -> bool {
    let is_short = |entry: &Entry<'_>| match entry.content {
        Content::Plain(text) => text.width() <= FILL_COLUMNS_MAX && !text.contains('\n'),
        Content::List(_) => false,
    };
    let is_bare = |entry: &Entry<'_>| {
        let no_lines = entry.above.is_empty() && entry.trailing.is_empty();
        no_lines && entry.before.is_empty() && entry.after.is_empty()
    };
    !list.is_object && list.entries.iter().all(|entry| is_short(entry) && is_bare(entry))
}

/// Writes the list on one line and gives the columns that are left; `None` if it does not fit, or a
/// comment in it needs a line, or a reader does.
fn flat_list(list: &List<'_>, columns: usize, out: &mut String) -> Option<usize> {
    let (open, close) = if list.is_object { ('{', '}') } else { ('[', ']') };
    if !list.closing.is_empty() || list.kind.is_broken(list.entries.len()) {
        return None;
    }
    out.push(open);
    let mut left = columns.checked_sub(2)?;
    if list.entries.is_empty() {
        if !list.opening.iter().all(|text| text.starts_with("/*") && !text.contains('\n')) {
            return None;
        }
        let text = list.opening.join(" ");
        left = left.checked_sub(text.width())?;
        out.push_str(&text);
        out.push(close);
        return Some(left);
    }
    if !list.opening.is_empty() {
        return None;
    }
    let pad = if list.is_object { " " } else { "" };
    out.push_str(pad);
    left = left.checked_sub(2 * pad.len())?;
    for (at, entry) in list.entries.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
            left = left.checked_sub(2)?;
        }
        left = flat_entry(entry, left, out)?;
    }
    out.push_str(pad);
    out.push(close);
    Some(left)
}

fn flat_entry(entry: &Entry<'_>, columns: usize, out: &mut String) -> Option<usize> {
    if !entry.above.is_empty() || !entry.trailing.is_empty() {
        return None;
    }
    let start = out.len();
    push_head(entry, out);
    let mut left = columns.checked_sub(out.get(start..).unwrap_or_default().width())?;
    match &entry.content {
        Content::Plain(text) if text.contains('\n') => return None,
        Content::Plain(text) => {
            left = left.checked_sub(text.width())?;
            out.push_str(text);
        }
        Content::List(list) => left = flat_list(list, left, out)?,
    }
    for text in &entry.after {
        left = left.checked_sub(text.width() + 1)?;
        out.push(' ');
        out.push_str(text);
    }
    Some(left)
}
