//! Why this answer: what was tried, in order, and what went wrong in it. Off, it costs nothing.

use smol_str::SmolStr;

use crate::script::fold;

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

    /// A node or prompt whose condition holds: over which edge, by which keyword, where in the text;
    /// `left` is false if it is used up.
    pub(super) fn candidate(
        &mut self,
        id: &SmolStr,
        edge: &str,
        (keyword, text): (&str, &str),
        left: bool,
    ) {
        let Some(lines) = &mut self.lines else { return };
        let mut line = format!("  {id}");
        if !edge.is_empty() {
            line.push_str(&format!(" over the edge {edge}"));
        }
        if !keyword.is_empty() {
            line.push_str(&format!(" by \"{keyword}\""));
        }
        if let Some((before, _)) = text.split_once(&*fold(keyword)).filter(|_| !keyword.is_empty())
        {
            line.push_str(&format!(" at {}", before.chars().count()));
        }
        if !left {
            line.push_str(", but it is used up");
        }
        lines.push(line);
    }

    /// What was tried, if somebody wants it.
    pub(super) fn into_lines(self) -> Option<Vec<String>> {
        self.lines
    }
}

/// What was tried, in one line, for a column: steps between semicolons, what each found behind a
/// colon.
#[must_use]
pub fn in_one_line(tried: &[String]) -> SmolStr {
    let mut line = String::new();
    let mut finds = false;
    for entry in tried {
        let found = entry.strip_prefix("  ");
        let separator = match (found, finds) {
            _ if line.is_empty() => "",
            (None, _) => "; ",
            (Some(_), false) => ": ",
            (Some(_), true) => ", ",
        };
        finds = found.is_some();
        line.push_str(separator);
        line.push_str(found.unwrap_or(entry));
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row keeps why it answers so, in one line.
    #[test]
    fn what_was_tried_fits_a_column() {
        let mut explain = Explain::new(true);
        explain.step("noise rules");
        explain.step("own edges");
        explain.candidate(&"F2".into(), "c1", ("YES", "oh yes"), false);
        explain.candidate(&"F3".into(), "", ("", ""), true);
        explain.step("any");
        let line = in_one_line(&explain.into_lines().unwrap_or_default());
        let found = "F2 over the edge c1 by \"YES\" at 3, but it is used up, F3";
        assert_eq!(line, format!("noise rules; own edges: {found}; any"));
        assert_eq!(in_one_line(&[]), "");
    }
}
