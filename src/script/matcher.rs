//! Which keywords are in a text, and whose they are (E43, E52).
//!
//! All literals of a script are one automaton and all its patterns one set, so the cost of a
//! decision is that of one walk over the text, whatever the number of keywords. Every literal and
//! pattern keeps the sorted list of the scopes it serves; a decision looks up only the scopes of
//! the node it is made at.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use daachorse::CharwiseDoubleArrayAhoCorasick;
use regex::{RegexSet, RegexSetBuilder};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::model::{CategoryId, NodeId};
use super::normal;
use super::pattern::{Compiler, Pattern};

/// Bytes that all patterns of a script together may take when compiled.
const PATTERN_SET_BYTES_MAX: usize = 256 << 20;

/// Bytes that a decision may use to remember where in all patterns it is.
const PATTERN_CACHE_BYTES: usize = 4 << 20;

/// Whose keywords: the edges of a node, the condition of a global node, or a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The text edges of a node.
    Edges(NodeId),
    /// The condition of a global node.
    Global(NodeId),
    /// The prompts of a category.
    Category(CategoryId),
    /// The noise rules.
    Noise,
}

/// A keyword that is in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The keyword's place among all keywords of its scope, in file order.
    pub order: u32,
    /// The edge of the node, or the prompt of the script, that it belongs to.
    pub owner: u32,
    needle: Needle,
    shown: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Needle {
    Literal,
    Pattern(u32),
}

/// How a keyword stands in a row (E43).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The pattern as written, if it is one.
    pub condition: Option<SmolStr>,
    /// The word as the script has it, or the part of the text that the pattern matched.
    pub keyword: SmolStr,
}

/// The literals and patterns found in one text.
#[derive(Debug, Default)]
pub struct Found {
    literals: SmallVec<[u32; 16]>,
    patterns: SmallVec<[u32; 8]>,
    /// A pattern that came to its backtracking limit on this text.
    overran: Option<u32>,
}

/// All keywords of one script.
pub struct Matcher {
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    set: Option<RegexSet>,
    /// The patterns the set has, by their place in it.
    set_members: Vec<u32>,
    /// The patterns with look-around, which the set can't have.
    look_around: Vec<u32>,
    patterns: Vec<Pattern>,
    literal_uses: Vec<Vec<Use>>,
    pattern_uses: Vec<Vec<Use>>,
    shown: Vec<SmolStr>,
    /// Every keyword of every scope, sorted; empty unless somebody asks for them.
    listed: Vec<(Use, Needle)>,
}

/// A keyword of a scope, as an NLP service is told of it (I10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The edge of the node, or the prompt of the script, that it belongs to.
    pub owner: u32,
    /// Its place among all keywords of its scope, in file order.
    pub order: u32,
    /// As rows show it.
    pub keyword: &'a SmolStr,
    /// It is a pattern.
    pub is_pattern: bool,
}

impl Found {
    /// How many literals and patterns it has.
    pub(super) fn len(&self) -> usize {
        self.literals.len() + self.patterns.len()
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher").field("keywords", &self.shown.len()).finish_non_exhaustive()
    }
}

/// A pattern came to its backtracking limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct BacktracksTooMuch;

/// One place where a literal or pattern stands; sorted by scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    scope: Scope,
    order: u32,
    owner: u32,
    shown: u32,
}

impl Matcher {
    /// Finds every literal and pattern in a normalised text: one walk.
    #[must_use]
    pub fn look(&self, text: &str) -> Found {
        let mut found = self.contained(text);
        if text.is_empty() {
            return found;
        }
        for pattern in self.look_around.iter().copied() {
            match self.try_part(pattern, text) {
                Ok(Some(_)) => found.patterns.push(pattern),
                Ok(None) => {}
                Err(BacktracksTooMuch) => found.overran = Some(pattern),
            }
        }
        found
    }

    /// The same without the patterns with look-around.
    pub(super) fn contained(&self, text: &str) -> Found {
        let mut found = Found::default();
        if text.is_empty() {
            return found;
        }
        if let Some(automaton) = &self.automaton {
            let places = automaton.find_overlapping_iter(text);
            found.literals.extend(places.map(|place| place.value()));
            found.literals.sort_unstable();
            found.literals.dedup();
        }
        if let Some(set) = &self.set {
            let members = set.matches(text);
            found
                .patterns
                .extend(members.iter().filter_map(|at| self.set_members.get(at).copied()));
        }
        found
    }

    /// The pattern, as written, that came to its backtracking limit and so counts as not matching
    /// (E43).
    #[must_use]
    pub fn overran(&self, found: &Found) -> Option<&SmolStr> {
        let uses = self.pattern_uses.get(found.overran? as usize)?;
        self.shown.get(uses.first()?.shown as usize)
    }

    /// Adds the hits of one scope to `hits`, in no order.
    pub fn hits(&self, found: &Found, scope: Scope, mut hits: impl FnMut(Hit)) {
        for literal in &found.literals {
            for one in uses_of(&self.literal_uses, *literal, scope) {
                hits(Hit {
                    order: one.order,
                    owner: one.owner,
                    needle: Needle::Literal,
                    shown: one.shown,
                });
            }
        }
        for pattern in &found.patterns {
            for one in uses_of(&self.pattern_uses, *pattern, scope) {
                let needle = Needle::Pattern(*pattern);
                hits(Hit { order: one.order, owner: one.owner, needle, shown: one.shown });
            }
        }
    }

    /// How a hit stands in a row; `None` if the pattern matched nothing but emptiness (R6).
    #[must_use]
    pub fn shown(&self, hit: Hit, text: &str) -> Option<Shown> {
        let shown = self.shown.get(hit.shown as usize).cloned().unwrap_or_default();
        match hit.needle {
            Needle::Literal => Some(Shown { condition: None, keyword: shown }),
            Needle::Pattern(pattern) => {
                Some(Shown { condition: Some(shown), keyword: self.part(pattern, text)? })
            }
        }
    }

    /// The keywords of a scope in file order, synonyms expanded; none unless the script has an NLP
    /// service.
    pub fn keywords(&self, scope: Scope) -> impl Iterator<Item = Listed<'_>> {
        let start = self.listed.partition_point(|(one, _)| one.scope < scope);
        let rest = self.listed.get(start..).unwrap_or_default();
        rest.iter().take_while(move |(one, _)| one.scope == scope).filter_map(|(one, needle)| {
            let keyword = self.shown.get(one.shown as usize)?;
            let is_pattern = *needle != Needle::Literal;
            Some(Listed { owner: one.owner, order: one.order, keyword, is_pattern })
        })
    }

    /// The first part of a text that a pattern matches and that is not empty.
    fn part(&self, pattern: u32, text: &str) -> Option<SmolStr> {
        self.try_part(pattern, text).unwrap_or_default()
    }

    fn try_part(&self, pattern: u32, text: &str) -> Result<Option<SmolStr>, BacktracksTooMuch> {
        match self.patterns.get(pattern as usize) {
            None => Ok(None),
            Some(Pattern::Plain(regex)) => {
                let part = regex.find_iter(text).find(|found| !found.is_empty());
                Ok(part.map(|found| found.as_str().into()))
            }
            Some(Pattern::LookAround(regex)) => {
                for found in regex.find_iter(text) {
                    let found = found.map_err(|_| BacktracksTooMuch)?;
                    if found.start() < found.end() {
                        return Ok(Some(found.as_str().into()));
                    }
                }
                Ok(None)
            }
        }
    }

    /// The first literal of a scope that is contained in `text`, if it stands before place `order`.
    /// Every literal that is looked at takes one of the `steps`.
    pub(super) fn earlier_literal(
        &self,
        scope: Scope,
        order: u32,
        text: &str,
        steps: &mut usize,
    ) -> Option<Hit> {
        let places = self.automaton.as_ref()?.find_overlapping_iter(text);
        let places = places.take_while(|_| {
            *steps = steps.saturating_sub(1);
            *steps > 0
        });
        // Uses are sorted: the first of a scope is the earliest in it.
        let uses = places
            .filter_map(|place| uses_of(&self.literal_uses, place.value(), scope).first())
            .filter(|one| one.order < order);
        let first = uses.min_by_key(|one| one.order)?;
        Some(Hit {
            order: first.order,
            owner: first.owner,
            needle: Needle::Literal,
            shown: first.shown,
        })
    }
}

fn uses_of(uses: &[Vec<Use>], needle: u32, scope: Scope) -> &[Use] {
    let all = uses.get(needle as usize).map_or(&[][..], Vec::as_slice);
    let start = all.partition_point(|one| one.scope < scope);
    let rest = all.get(start..).unwrap_or_default();
    let length = rest.partition_point(|one| one.scope == scope);
    rest.get(..length).unwrap_or_default()
}

/// Collects the keywords of a script, then makes the matcher.
#[derive(Debug, Default)]
pub(super) struct Builder {
    literals: HashMap<String, u32>,
    literal_texts: Vec<String>,
    literal_uses: Vec<Vec<Use>>,
    pattern_ids: HashMap<String, u32>,
    patterns: Vec<Pattern>,
    pattern_uses: Vec<Vec<Use>>,
    shown_ids: HashMap<SmolStr, u32>,
    shown: Vec<SmolStr>,
}

/// Where a keyword is added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) scope: Scope,
    pub(super) order: u32,
    pub(super) owner: u32,
}

impl Builder {
    pub(super) fn add_literal(&mut self, place: Place, word: &SmolStr) {
        let text = normal::fold(word);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let id = match self.literals.get(text) {
            Some(id) => *id,
            None => {
                let id = index(self.literal_texts.len());
                self.literals.insert(text.to_owned(), id);
                self.literal_texts.push(text.to_owned());
                self.literal_uses.push(Vec::new());
                id
            }
        };
        let shown = self.shown(word);
        self.literal_uses[id as usize].push(place.shown_as(shown));
    }

    /// Adds a pattern; the error says why it can't be one.
    pub(super) fn add_pattern(
        &mut self,
        compiler: &mut Compiler,
        place: Place,
        (source, written): (&str, &SmolStr),
    ) -> Result<(), String> {
        let id = match self.pattern_ids.entry(source.to_owned()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let pattern = compiler.compile(source)?;
                let id = index(self.patterns.len());
                self.patterns.push(pattern);
                self.pattern_uses.push(Vec::new());
                *new.insert(id)
            }
        };
        let shown = self.shown(written);
        self.pattern_uses[id as usize].push(place.shown_as(shown));
        Ok(())
    }

    fn shown(&mut self, text: &SmolStr) -> u32 {
        if let Some(id) = self.shown_ids.get(text) {
            return *id;
        }
        let id = index(self.shown.len());
        self.shown_ids.insert(text.clone(), id);
        self.shown.push(text.clone());
        id
    }

    /// Every use of every keyword, sorted by scope and place.
    fn listed(&self) -> Vec<(Use, Needle)> {
        let literals = self.literal_uses.iter().flatten().map(|one| (*one, Needle::Literal));
        let patterns = (0..).zip(&self.pattern_uses);
        let patterns =
            patterns.flat_map(|(id, uses)| uses.iter().map(move |one| (*one, Needle::Pattern(id))));
        let mut listed: Vec<_> = literals.chain(patterns).collect();
        listed.sort_unstable();
        listed
    }

    /// The matcher, with lists of its keywords if somebody will ask for them. The error says why no
    /// matcher can be made of so much.
    pub(super) fn finish(mut self, with_lists: bool) -> Result<Matcher, String> {
        let listed = if with_lists { self.listed() } else { Vec::new() };
        let automaton = if self.literal_texts.is_empty() {
            None
        } else {
            let built = CharwiseDoubleArrayAhoCorasick::new(&self.literal_texts);
            Some(built.map_err(|error| error.to_string())?)
        };
        for uses in self.literal_uses.iter_mut().chain(&mut self.pattern_uses) {
            uses.sort_unstable();
        }
        let ids = 0..index(self.patterns.len());
        let (set_members, look_around): (Vec<u32>, Vec<u32>) =
            ids.partition(|id| matches!(self.patterns[*id as usize], Pattern::Plain(_)));
        let set = if set_members.is_empty() {
            None
        } else {
            let sources = set_members.iter().filter_map(|id| match &self.patterns[*id as usize] {
                Pattern::Plain(regex) => Some(regex.as_str()),
                Pattern::LookAround(_) => None,
            });
            let built = RegexSetBuilder::new(sources)
                .case_insensitive(true)
                .size_limit(PATTERN_SET_BYTES_MAX)
                .dfa_size_limit(PATTERN_CACHE_BYTES)
                .build();
            Some(built.map_err(|error| error.to_string())?)
        };
        Ok(Matcher {
            automaton,
            set,
            set_members,
            look_around,
            patterns: self.patterns,
            literal_uses: self.literal_uses,
            pattern_uses: self.pattern_uses,
            shown: self.shown,
            listed,
        })
    }
}

impl Place {
    fn shown_as(self, shown: u32) -> Use {
        Use { scope: self.scope, order: self.order, owner: self.owner, shown }
    }
}

fn index(length: usize) -> u32 {
    u32::try_from(length).expect("the keyword limit of a script is far below 2^32")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: Scope = Scope::Edges(NodeId(0));

    fn matcher(literals: &[&str], patterns: &[&str]) -> Matcher {
        let mut builder = Builder::default();
        let mut compiler = Compiler::default();
        for (order, word) in literals.iter().enumerate() {
            let place = Place { scope: EDGES, order: index(order), owner: 0 };
            builder.add_literal(place, &(*word).into());
        }
        for (order, source) in patterns.iter().enumerate() {
            let place = Place { scope: EDGES, order: index(literals.len() + order), owner: 1 };
            builder
                .add_pattern(&mut compiler, place, (source, &(*source).into()))
                .expect("a pattern");
        }
        builder.finish(false).expect("a matcher")
    }

    fn shown(matcher: &Matcher, text: &str) -> Vec<String> {
        let mut hits = Vec::new();
        matcher.hits(&matcher.look(text), EDGES, |hit| hits.push(hit));
        hits.sort_unstable();
        hits.into_iter()
            .filter_map(|hit| matcher.shown(hit, text))
            .map(|s| s.keyword.into())
            .collect()
    }

    /// E43: literals are contained, patterns show the part they matched, look-around included.
    #[test]
    fn keywords_are_found_in_three_languages() {
        let matcher = matcher(
            &["有", "没有", "Да", "Loan"],
            &["多少.?钱", r"\bнет\b", "(?<!no )thanks", r"\d*"],
        );
        assert_eq!(shown(&matcher, "没有"), ["有", "没有"]);
        assert_eq!(shown(&matcher, "要多少的钱"), ["多少的钱"]);
        assert_eq!(shown(&matcher, "ну да, нет"), ["Да", "нет"]);
        assert_eq!(shown(&matcher, "a loan, thanks"), ["Loan", "thanks"]);
        assert_eq!(shown(&matcher, "no thanks"), Vec::<String>::new());
        assert_eq!(shown(&matcher, "room 12"), ["12"]);
    }

    /// E43: a pattern that backtracks without end is cut and counts as not matching.
    #[test]
    fn catastrophic_backtracking_is_cut() {
        let pattern = r"(a+a+)+\1b";
        let matcher = matcher(&[], &[pattern]);
        let text = "a".repeat(60);
        assert_eq!(shown(&matcher, &text), Vec::<String>::new());
        assert_eq!(matcher.overran(&matcher.look(&text)), Some(&pattern.into()));
        assert_eq!(matcher.overran(&matcher.look("aaaab")), None);
    }
}
