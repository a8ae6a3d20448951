//! Why this answer: what was tried, in order, and what went wrong in it. Off, it costs nothing.

use smol_str::SmolStr;

/// A list of what was tried, if somebody wants it.
#[derive(Debug, Default)]
pub(super) struct Explain {
    lines: Option<Vec<String>>,
    /// A pattern, as written, that came to its backtracking limit.
    pub(super) overran: Option<SmolStr>,
}

impl Explain {
    pub(super) fn new(wanted: bool) -> Self {
        Self { lines: wanted.then(Vec::new), overran: None }
    }

    /// Goes on with what was tried before a question to a service.
    pub(super) fn resumed(lines: Option<Vec<String>>) -> Self {
        Self { lines, overran: None }
    }

    /// A step of the search begins.
    pub(super) fn step(&mut self, name: &str) {
        if let Some(lines) = &mut self.lines {
            lines.push(name.to_owned());
        }
    }

    /// A node or prompt whose condition holds; `left` is false if it is used up.
    pub(super) fn candidate(&mut self, id: &SmolStr, keyword: &str, left: bool) {
        if let Some(lines) = &mut self.lines {
            let by = if keyword.is_empty() { String::new() } else { format!(" by \"{keyword}\"") };
            let used_up = if left { "" } else { ", but it is used up" };
            lines.push(format!("  {id}{by}{used_up}"));
        }
    }

    /// What was tried, if somebody wants it.
    pub(super) fn into_lines(self) -> Option<Vec<String>> {
        self.lines
    }
}
