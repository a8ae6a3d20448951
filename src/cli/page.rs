//! What `check` shows in a terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::script::Problem;
use crate::script::prove::Turns;

/// A line of a terminal: what is longer is folded between words.
const WIDTH: usize = 100;

/// How far everything below a problem's first line is moved in.
const INDENT: usize = 4;

/// A problem: place, what is wrong, the line of the file, the remedy, and what shows it.
pub(super) fn problem(problem: &Problem) -> String {
    let Problem { file, line, column, severity, message, rule, .. } = problem;
    let rule = if rule.is_empty() { String::new() } else { format!(" [{rule}]") };
    let first = format!("{file}:{line}:{column}: {severity}: {message}{rule}");
    let mut out = folded(&first, 0, INDENT);
    let source = fitted(&problem.source_line);
    writeln!(out, "{}{source}", " ".repeat(INDENT)).expect(MEMORY);
    let caret = problem.caret_indent().len();
    // A remedy far to the right would have no room: it goes to a line of its own.
    let hint = if caret + problem.hint.width() + INDENT + 2 > WIDTH {
        format!("{}^\n{}", " ".repeat(INDENT + caret), folded(&problem.hint, INDENT, INDENT))
    } else {
        format!("{}^ {}\n", " ".repeat(INDENT + caret), problem.hint)
    };
    out.push_str(&hint);
    if !problem.example.is_empty() {
        out.push_str(&folded(&format!("for example: {}", problem.example), INDENT, INDENT + 2));
    }
    out
}

/// How long calls are.
pub(super) fn turns(turns: &Turns) -> String {
    let shortest = match turns.shortest {
        Some(count) => {
            format!("the shortest call enters {count} nodes: {}", way(&turns.shortest_way))
        }
        None => "no call comes to an end by itself".to_owned(),
    };
    let longest = match turns.longest {
        Some(count) => format!("the longest enters {count}"),
        None => format!(
            "the longest is unbounded: {}; without a node twice at most {}",
            way(&turns.round),
            turns.longest_without_repetition
        ),
    };
    folded(&format!("{shortest}; {longest}"), INDENT, INDENT)
}

fn way(names: &[String]) -> String {
    /// More names than this nobody follows.
    const NAMES_MAX: usize = 6;
    match names {
        [first @ .., last] if names.len() > NAMES_MAX => {
            let first = first.get(..NAMES_MAX - 2).unwrap_or(first).join(" → ");
            format!("{first} → … → {last}")
        }
        all => all.join(" → "),
    }
}

/// A line of the file, cut where the terminal ends: Chinese signs are two columns wide.
fn fitted(line: &str) -> String {
    let mut room = WIDTH - INDENT;
    let fits = |sign: &char| {
        let width = unicode_width::UnicodeWidthChar::width(*sign).unwrap_or(0);
        let fits = width <= room;
        room = room.saturating_sub(width);
        fits
    };
    line.chars().take_while(fits).collect()
}

/// A text in lines of a terminal, each ended; Chinese has no blanks, and is cut between signs.
fn folded(text: &str, first: usize, others: usize) -> String {
    let mut out = " ".repeat(first);
    let mut column = first;
    let mut is_empty = true;
    for word in text.split(' ') {
        let width = word.width();
        if !is_empty && column + 1 + width > WIDTH {
            write!(out, "\n{}", " ".repeat(others)).expect(MEMORY);
            (column, is_empty) = (others, true);
        }
        if !is_empty {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
        is_empty = false;
    }
    out.push('\n');
    out
}

const MEMORY: &str = "writing to memory can't fail";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_a_terminal() {
        let text = "слово ".repeat(60);
        let shown = folded(text.trim(), 0, 4);
        assert!(shown.lines().count() > 3);
        assert!(shown.lines().all(|line| line.width() <= WIDTH), "{shown}");
        assert!(shown.lines().skip(1).all(|line| line.starts_with("    слово")), "{shown}");
        assert_eq!(fitted(&"好".repeat(90)).width(), 96);
    }
}
