//! As much of Rust's grammar as it takes to see which paths a file names.

use std::sync::LazyLock;

use regex::Regex;

/// A word, `::`, or a single other character, outside comments and literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

/// A path as written, groups taken apart: `use a::{b, c::d}` is `a::b` and `a::c::d`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// How many modules of the same file it stands in.
    pub(crate) inline_modules: usize,
}

/// The paths named outside test modules.
pub(crate) fn paths(source: &str) -> Vec<NamedPath> {
    let tokens = without_tests(&tokens(source));
    let mut paths = Vec::new();
    let mut braces = 0;
    let mut modules = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token.text {
            "{" => braces += 1,
            "}" => braces -= 1,
            "mod" if text(&tokens, at + 2) == "{" => modules.push(braces),
            _ => {}
        }
        // The brace that closes a module brings the depth back to where the module stood.
        if token.text == "}" && modules.last() == Some(&braces) {
            modules.pop();
        }
        if begins_path(&tokens, at) {
            let first = paths.len();
            at = take_path(&tokens, at, &[], &mut paths);
            paths[first..].iter_mut().for_each(|path| path.inline_modules = modules.len());
        } else {
            at += 1;
        }
    }
    paths
}

fn begins_path(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
    is_word(tokens[at].text)
        && before != "::"
        && (text(tokens, at + 1) == "::" || (before == "use" && tokens[at].text != "crate"))
}

/// Takes the path at `at`, with all branches of its group; gives the place after it.
fn take_path(
    tokens: &[Token<'_>],
    at: usize,
    prefix: &[String],
    paths: &mut Vec<NamedPath>,
) -> usize {
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut segments = prefix.to_vec();
    let mut at = at;
    while is_word(text(tokens, at)) {
        segments.push(text(tokens, at).to_owned());
        at += 1;
        if text(tokens, at) != "::" {
            break;
        }
        at += 1;
    }
    if text(tokens, at) != "{" || at == 0 || text(tokens, at - 1) != "::" {
        paths.push(NamedPath { segments, line, inline_modules: 0 });
        return at;
    }
    loop {
        // Over the `{` or the `,`; a `*` or an `as` name is nobody's path.
        at = take_path(tokens, at + 1, &segments, paths);
        while !matches!(text(tokens, at), "," | "}" | "") {
            at += 1;
        }
        if text(tokens, at) != "," {
            return at + 1;
        }
    }
}

fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Leaves out every item under `#[cfg(test)]`.
fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if (0..MARK.len()).all(|step| text(tokens, at + step) == MARK[step]) {
            at = after_item(tokens, at + MARK.len());
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    kept
}

/// The place after the item at `at`: its `;`, or the brace that closes it.
fn after_item(tokens: &[Token<'_>], at: usize) -> usize {
    let mut braces = 0;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.text {
            "{" => braces += 1,
            "}" => braces -= 1,
            ";" if braces == 0 => return place + 1,
            _ => continue,
        }
        if braces == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// Takes comments, strings and characters out, and the rest apart.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut line = 1;
    let mut seen = 0;
    let mut tokens = Vec::new();
    for piece in PIECE.captures_iter(source) {
        let Some(code) = piece.name("code") else { continue };
        line += source.get(seen..code.start()).map_or(0, |between| between.matches('\n').count());
        seen = code.start();
        tokens.push(Token { text: code.as_str(), line });
    }
    tokens
}

/// A comment, a literal, or code. A lifetime is a quote and a word.
static PIECE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r###"(?xs)
        //[^\n]* | /\*.*?\*/
        | [bc]?r\#\#".*?"\#\# | [bc]?r\#".*?"\# | [bc]?r".*?"
        | [bc]?"(?:\\.|[^"\\])*"
        | b?'(?:\\.[^']*|[^'\\])'
        | (?<code> \w+ | :: | \S )"###,
    )
    .unwrap()
});

#[test]
fn paths_are_seen_in_uses_groups_and_expressions() {
    let source = r#"
use tokio;
use crate::{a::{B, c::*}, d as e};
fn f<'a>(x: &'a str) { super::g::<u8>(std::fs::read("crate::no")) }
mod inner { use super::super::h; }
"#;
    assert_eq!(
        shown(source),
        [
            "2 tokio 0",
            "3 crate::a::B 0",
            "3 crate::a::c 0",
            "3 crate::d 0",
            "4 super::g 0",
            "4 std::fs::read 0",
            "5 super::super::h 1",
        ]
    );
}

#[test]
fn comments_literals_and_tests_name_nothing() {
    let source = r##"
// use crate::a;
/* use crate::b; */
const C: &str = "\" crate::c \\";
const D: &str = r#"crate::d " "#;
const E: [char; 3] = ['"', '\'', '\u{1F600}'];
#[cfg(test)]
mod tests { fn f() { {} } use crate::e; }
#[cfg(test)]
use crate::f;
use crate::last;
"##;
    assert_eq!(shown(source), ["11 crate::last 0"]);
}

fn shown(source: &str) -> Vec<String> {
    let show = |path: NamedPath| {
        format!("{} {} {}", path.line, path.segments.join("::"), path.inline_modules)
    };
    paths(source).into_iter().map(show).collect()
}
