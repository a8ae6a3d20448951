//! Keywords and synonyms: what an author writes → literals or one pattern (E6, E43, R6, R28).

use std::collections::HashMap;

use smol_str::SmolStr;

use super::normal;

/// Signs that make a keyword a pattern (E43).
const SPECIAL: &str = r"\^$.|?*+()[]{}";

/// Expansions of one keyword; past it the keyword is an error. Fifteen groups of two words give
/// more, and no author means that.
const EXPANSIONS_MAX: usize = 10_000;

/// A keyword, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    /// `any` (E44).
    Any,
    /// Words to be contained, each as shown in rows.
    Literals(Vec<SmolStr>),
    /// A pattern: its source as given to the regex compiler, and as written.
    Pattern { source: String, shown: SmolStr },
    /// Nothing to match.
    Empty,
}

/// Why a keyword can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyExpansions;

/// The groups of `synonym`, each with its words fully expanded.
#[derive(Debug, Default)]
pub(super) struct Synonyms {
    groups: HashMap<SmolStr, Vec<SmolStr>>,
}

impl Synonyms {
    /// Expands groups that name groups. The error is a cycle: the names along it.
    pub(super) fn new(raw: &[(SmolStr, Vec<SmolStr>)]) -> Result<Self, SynonymError> {
        let by_name: HashMap<&str, &[SmolStr]> =
            raw.iter().map(|(name, words)| (name.as_str(), words.as_slice())).collect();
        let mut done = Self::default();
        for (name, _) in raw {
            let mut path = Vec::new();
            done.resolve(name, &by_name, &mut path)?;
        }
        Ok(done)
    }

    fn resolve(
        &mut self,
        name: &SmolStr,
        raw: &HashMap<&str, &[SmolStr]>,
        path: &mut Vec<SmolStr>,
    ) -> Result<(), SynonymError> {
        if self.groups.contains_key(name) {
            return Ok(());
        }
        if path.contains(name) || path.len() > DEPTH_MAX {
            path.push(name.clone());
            return Err(SynonymError::Cycle(path.clone()));
        }
        path.push(name.clone());
        let mut words = Vec::new();
        for word in raw.get(name.as_str()).copied().unwrap_or_default() {
            for group in groups_in(word, |group| raw.contains_key(group)) {
                self.resolve(&group, raw, path)?;
            }
            let expansions =
                self.expansions(word).map_err(|_| SynonymError::TooMany(name.clone()))?;
            words.extend(expansions);
            if words.len() > EXPANSIONS_MAX {
                return Err(SynonymError::TooMany(name.clone()));
            }
        }
        path.pop();
        self.groups.insert(name.clone(), words);
        Ok(())
    }

    /// Reads a keyword as an author wrote it.
    pub(super) fn read(&self, written: &str) -> Result<Keyword, TooManyExpansions> {
        if written == "any" {
            return Ok(Keyword::Any);
        }
        if written.trim().is_empty() {
            return Ok(Keyword::Empty);
        }
        let groups = self.split(written);
        let special_outside = groups.iter().any(|piece| match piece {
            Split::Literal(text) => is_special(text),
            Split::NoGroup(_) => false,
            Split::Group(words) => words.iter().any(|word| is_special(word)),
        });
        if special_outside {
            let source = groups.iter().map(Split::as_pattern).collect();
            return Ok(Keyword::Pattern { source, shown: written.into() });
        }
        Ok(Keyword::Literals(self.expansions(written)?))
    }

    /// All texts that a text with groups stands for, leftmost group slowest (R28).
    fn expansions(&self, written: &str) -> Result<Vec<SmolStr>, TooManyExpansions> {
        let mut texts = vec![String::new()];
        for piece in self.split(written) {
            match piece {
                Split::Literal(literal) | Split::NoGroup(literal) => {
                    texts.iter_mut().for_each(|text| text.push_str(literal));
                }
                Split::Group(words) => {
                    if texts.len().saturating_mul(words.len()) > EXPANSIONS_MAX {
                        return Err(TooManyExpansions);
                    }
                    texts = texts
                        .iter()
                        .flat_map(|text| words.iter().map(move |word| format!("{text}{word}")))
                        .collect();
                }
            }
        }
        Ok(texts.into_iter().map(SmolStr::from).collect())
    }

    fn split<'a>(&'a self, written: &'a str) -> Vec<Split<'a>> {
        let mut pieces = Vec::new();
        let mut rest = written;
        let mut from = 0;
        while let Some((open, close)) = braces(rest, from) {
            let name = rest.get(open + 1..close).unwrap_or_default();
            let before = rest.get(..open).unwrap_or_default();
            let piece = match self.groups.get(name) {
                Some(words) => Split::Group(words),
                None if is_pattern_syntax(before, name) => {
                    from = open + 1;
                    continue;
                }
                None => Split::NoGroup(rest.get(open..=close).unwrap_or_default()),
            };
            if !before.is_empty() {
                pieces.push(Split::Literal(before));
            }
            pieces.push(piece);
            rest = rest.get(close + 1..).unwrap_or_default();
            from = 0;
        }
        if !rest.is_empty() {
            pieces.push(Split::Literal(rest));
        }
        pieces
    }
}

/// Groups within groups within groups: deeper than this is taken for a cycle.
const DEPTH_MAX: usize = 64;

/// Why `synonym` can't be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SynonymError {
    /// Groups that name each other; the first is also the last.
    Cycle(Vec<SmolStr>),
    /// A group that stands for too many words.
    TooMany(SmolStr),
}

enum Split<'a> {
    Literal(&'a str),
    /// `{name}` without such a group: literal text, braces and all (R28).
    NoGroup(&'a str),
    Group(&'a [SmolStr]),
}

impl Split<'_> {
    fn as_pattern(&self) -> String {
        match self {
            Self::Literal(text) => composed_pattern(text),
            Self::NoGroup(text) => regex_syntax::escape(&normal::compose(text)),
            Self::Group(words) => {
                let words: Vec<_> = words.iter().map(|word| composed_pattern(word)).collect();
                format!("(?:{})", words.join("|"))
            }
        }
    }
}

/// A pattern whose literal parts meet normalised text: what is not ASCII is NFKC-composed, and a
/// sign that this makes special (a full-width `？`) stays a literal.
fn composed_pattern(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(start) = rest.find(|c: char| !c.is_ascii()) {
        let (ascii, tail) = rest.split_at(start);
        out.push_str(ascii);
        let end = tail.find(|c: char| c.is_ascii()).unwrap_or(tail.len());
        let (other, tail) = tail.split_at(end);
        out.push_str(&regex_syntax::escape(&normal::compose(other)));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// True if E43 makes a text a pattern.
pub(super) fn is_special(text: &str) -> bool {
    text.contains(|c| SPECIAL.contains(c))
}

/// True if the braces belong to a pattern: a quantifier (`a{2,3}`), or behind an escape (`\p{Han}`).
fn is_pattern_syntax(before: &str, name: &str) -> bool {
    let is_quantifier = name.starts_with(|c: char| c.is_ascii_digit() || c == ',')
        && name.chars().all(|c| c.is_ascii_digit() || c == ',');
    let before_letter = before.strip_suffix(|c: char| c.is_ascii_alphabetic()).unwrap_or(before);
    is_quantifier || before_letter.ends_with('\\')
}

/// The next `{name}` at or after `from`: the places of its braces.
fn braces(text: &str, from: usize) -> Option<(usize, usize)> {
    let mut open = None;
    for (at, brace) in text.get(from..)?.match_indices(['{', '}']) {
        match (brace, open) {
            ("{", _) => open = Some(from + at),
            (_, Some(open)) => return Some((open, from + at)),
            // A closing brace that nothing opened.
            (_, None) => {}
        }
    }
    None
}

fn groups_in(text: &str, is_group: impl Fn(&str) -> bool) -> Vec<SmolStr> {
    let mut names = Vec::new();
    let mut from = 0;
    while let Some((open, close)) = braces(text, from) {
        let name = text.get(open + 1..close).unwrap_or_default();
        if is_group(name) {
            names.push(name.into());
        }
        from = open + 1;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn synonyms(groups: &[(&str, &[&str])]) -> Result<Synonyms, SynonymError> {
        let raw: Vec<_> = groups
            .iter()
            .map(|(name, words)| ((*name).into(), words.iter().map(|w| (*w).into()).collect()))
            .collect();
        Synonyms::new(&raw)
    }

    /// E6, R28: leftmost slowest, in list order; groups in groups; unknown groups are text.
    #[test]
    fn groups_expand_in_the_order_of_the_file() {
        let synonyms = synonyms(&[
            ("want", &["想", "{need}"]),
            ("need", &["要", "需要"]),
            ("loan", &["贷款", "借钱"]),
        ])
        .expect("no cycle");
        assert_eq!(
            synonyms.read("{want}{loan}"),
            Ok(Keyword::Literals(
                ["想贷款", "想借钱", "要贷款", "要借钱", "需要贷款", "需要借钱"]
                    .map(Into::into)
                    .into()
            ))
        );
        // A group that does not exist is its own text, and makes no pattern.
        assert_eq!(
            synonyms.read("{need}{nobody}"),
            Ok(Keyword::Literals(["要{nobody}", "需要{nobody}"].map(Into::into).into()))
        );
        assert_eq!(synonyms.read("any"), Ok(Keyword::Any));
        assert_eq!(synonyms.read(" "), Ok(Keyword::Empty));
    }

    /// E43, R6: other special signs, also inside a synonym word, make it one pattern.
    #[test]
    fn a_special_sign_makes_a_pattern() {
        let synonyms = synonyms(&[("loan", &["贷款", "借.?钱"]), ("a", &["x"])]).expect("no cycle");
        assert_eq!(
            synonyms.read("想{loan}"),
            Ok(Keyword::Pattern {
                source: "想(?:贷款|借.?钱)".into(), shown: "想{loan}".into()
            })
        );
        assert_eq!(
            synonyms.read("a{2,3}{a}"),
            Ok(Keyword::Pattern { source: "a{2,3}(?:x)".into(), shown: "a{2,3}{a}".into() })
        );
        assert_eq!(
            synonyms.read("x{nobody}.{a}"),
            Ok(Keyword::Pattern {
                source: r"x\{nobody\}.(?:x)".into(),
                shown: "x{nobody}.{a}".into()
            })
        );
        for pattern in [r"\p{Han}", r"\{x}", r"\x{4e00}", "x{2}", "x{,3}"] {
            assert!(matches!(synonyms.read(pattern), Ok(Keyword::Pattern { .. })), "{pattern}");
        }
        assert_eq!(
            synonyms.read(".*多少？"),
            Ok(Keyword::Pattern { source: r".*多少\?".into(), shown: ".*多少？".into() })
        );
    }

    /// E10: a keyword of nothing but braces costs one walk, and no stack.
    #[test]
    fn braces_without_end_are_text() {
        let open = "{".repeat(1 << 20);
        let synonyms = synonyms(&[("a", &["x"])]).expect("no cycle");
        assert!(matches!(synonyms.read(&open), Ok(Keyword::Pattern { .. })));
        assert_eq!(braces("}{{a}", 0), Some((2, 4)));
        assert_eq!(braces("{a}{", 3), None);
    }

    /// E6: a cycle is named, not followed.
    #[test]
    fn a_cycle_of_groups_is_an_error() {
        let error = synonyms(&[("a", &["{b}"]), ("b", &["x", "{a}"])]).expect_err("a cycle");
        assert_eq!(error, SynonymError::Cycle(["a", "b", "a"].map(Into::into).into()));
    }
}
