//! Keywords and synonyms: what an author writes → literals or one pattern (E6, E43, R6, R28).

use std::collections::HashMap;

use smol_str::SmolStr;

use super::normal;

/// Signs that make a keyword a pattern (E43).
const SPECIAL: &str = r"\^$.|?*+()[]{}";

/// Expansions of one keyword; past it the keyword is an error. Fifteen groups of two words give
/// more, and no author means that.
const EXPANSIONS_MAX: usize = 10_000;

/// Bytes of all expansions of one keyword, or of the pattern it becomes: a hundred for each.
const EXPANSION_BYTES_MAX: usize = 1 << 20;

/// Bytes of all words of all groups, expanded: as many as a script file may have.
const GROUP_BYTES_MAX: usize = 8 << 20;

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
    groups: HashMap<SmolStr, Group>,
    /// Of all groups.
    bytes: usize,
}

/// What a group stands for.
#[derive(Debug)]
struct Group {
    words: Vec<SmolStr>,
    /// Of all words.
    bytes: usize,
    /// One of the words makes a pattern of every keyword with the group in it (R6).
    is_special: bool,
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
        let mut group = Group { words: Vec::new(), bytes: 0, is_special: false };
        let too_many = || SynonymError::TooMany(name.clone());
        for word in raw.get(name.as_str()).copied().unwrap_or_default() {
            for named in groups_in(word, |named| raw.contains_key(named)) {
                self.resolve(&named, raw, path)?;
            }
            let pieces = self.split(word);
            let (_, bytes) = size(&pieces);
            group.words.extend(expansions(&pieces).map_err(|_| too_many())?);
            group.bytes += bytes;
            group.is_special |= pieces.iter().any(Split::is_special);
            // An empty word has no bytes and takes room all the same.
            self.bytes += bytes.max(size_of::<SmolStr>());
            if group.words.len() > EXPANSIONS_MAX || self.bytes > GROUP_BYTES_MAX {
                return Err(too_many());
            }
        }
        path.pop();
        self.groups.insert(name.clone(), group);
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
        let pieces = self.split(written);
        if !pieces.iter().any(Split::is_special) {
            return Ok(Keyword::Literals(expansions(&pieces)?));
        }
        let bytes = pieces.iter().map(Split::pattern_bytes).fold(0, usize::saturating_add);
        if bytes > EXPANSION_BYTES_MAX {
            return Err(TooManyExpansions);
        }
        let source = pieces.iter().map(Split::as_pattern).collect();
        Ok(Keyword::Pattern { source, shown: written.into() })
    }

    fn split<'a>(&'a self, written: &'a str) -> Vec<Split<'a>> {
        let mut pieces = Vec::new();
        let mut rest = written;
        let mut from = 0;
        while let Some((open, close)) = braces(rest, from) {
            let name = rest.get(open + 1..close).unwrap_or_default();
            let before = rest.get(..open).unwrap_or_default();
            let piece = match self.groups.get(name) {
                Some(group) => Split::Group(group),
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
    Group(&'a Group),
}

impl Split<'_> {
    /// True if it makes a pattern of the keyword (E43, R6).
    fn is_special(&self) -> bool {
        match self {
            Self::Literal(text) => is_special(text),
            Self::NoGroup(_) => false,
            Self::Group(group) => group.is_special,
        }
    }

    /// About how long it is in a pattern.
    fn pattern_bytes(&self) -> usize {
        match self {
            Self::Literal(text) | Self::NoGroup(text) => text.len(),
            Self::Group(group) => group.bytes + group.words.len(),
        }
    }

    fn as_pattern(&self) -> String {
        match self {
            Self::Literal(text) => composed_pattern(text),
            Self::NoGroup(text) => regex_syntax::escape(&normal::compose(text)),
            Self::Group(group) => {
                let words: Vec<_> = group.words.iter().map(|word| composed_pattern(word)).collect();
                format!("(?:{})", words.join("|"))
            }
        }
    }
}

/// How many texts the pieces stand for, and how many bytes all of them have.
fn size(pieces: &[Split<'_>]) -> (usize, usize) {
    pieces.iter().fold((1, 0), |(texts, bytes): (usize, usize), piece| match piece {
        Split::Literal(literal) | Split::NoGroup(literal) => {
            (texts, bytes.saturating_add(texts.saturating_mul(literal.len())))
        }
        Split::Group(group) => {
            let words = group.words.len();
            let own = texts.saturating_mul(group.bytes);
            (texts.saturating_mul(words), bytes.saturating_mul(words).saturating_add(own))
        }
    })
}

/// All texts that the pieces stand for, leftmost group slowest (R28).
fn expansions(pieces: &[Split<'_>]) -> Result<Vec<SmolStr>, TooManyExpansions> {
    let (count, bytes) = size(pieces);
    if count > EXPANSIONS_MAX || bytes > EXPANSION_BYTES_MAX {
        return Err(TooManyExpansions);
    }
    let mut texts = vec![String::new()];
    for piece in pieces {
        match piece {
            Split::Literal(literal) | Split::NoGroup(literal) => {
                texts.iter_mut().for_each(|text| text.push_str(literal));
            }
            Split::Group(group) => {
                let words = &group.words;
                texts = texts
                    .iter()
                    .flat_map(|text| words.iter().map(move |word| format!("{text}{word}")))
                    .collect();
            }
        }
    }
    Ok(texts.into_iter().map(SmolStr::from).collect())
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
