//! All keywords of a script, each with where it stands, and what is sure of each.

use std::collections::{BTreeMap, HashMap};

use smol_str::SmolStr;

use super::cover::Shape;
use crate::script::keyword::{Keyword, Synonyms};
use crate::script::matcher::{Found, Matcher, Scope};
use crate::script::normal;
use crate::script::raw::Spanned;

/// Every keyword by its scope.
#[derive(Default)]
pub(super) struct Words {
    pub(super) scopes: BTreeMap<Scope, Listed>,
    pub(super) needles: Vec<Needle>,
    /// Literals and patterns that are there already.
    literals: HashMap<String, u32>,
    patterns: HashMap<String, u32>,
}

/// The keywords of one scope.
#[derive(Default)]
pub(super) struct Listed {
    /// As written.
    pub(super) entries: Vec<Entry>,
    /// Synonyms expanded: the keyword of order 1 first.
    pub(super) units: Vec<Unit>,
}

/// A keyword as it is written.
pub(super) struct Entry {
    pub(super) offset: usize,
    pub(super) written: SmolStr,
    /// The edge, the prompt or the noise rule it belongs to.
    pub(super) owner: u32,
    /// Its place among the keywords of its owner.
    pub(super) nth: u32,
    /// Its part of the units.
    pub(super) units: std::ops::Range<usize>,
}

/// A keyword as it is looked for.
pub(super) struct Unit {
    pub(super) entry: u32,
    pub(super) needle: u32,
    pub(super) shown: SmolStr,
}

/// What is looked for; the same for all that look for the same.
#[derive(Default)]
pub(super) struct Needle {
    pub(super) is_pattern: bool,
    /// What it finds in a text it also finds in any longer one.
    pub(super) is_sure: bool,
    pub(super) fits_nothing: bool,
    pub(super) fits_only_nothing: bool,
    /// A text that it is meant for.
    pub(super) sample: String,
    /// Lists of texts of which every match has one, with what else is in them. None if nothing can
    /// swallow it.
    pub(super) covers: Vec<Vec<Cover>>,
    /// Everywhere it stands: scope and order.
    pub(super) places: Vec<(Scope, u32)>,
}

/// A text, and the keywords in it.
pub(super) struct Cover {
    pub(super) text: String,
    pub(super) found: Found,
}

impl Words {
    /// Adds the keywords of one owner, as loading does.
    pub(super) fn add(
        &mut self,
        synonyms: &Synonyms,
        scope: Scope,
        owner: u32,
        words: &[Spanned<'_>],
    ) {
        for (word, nth) in words.iter().zip(0..) {
            let units = match synonyms.read(word.text) {
                Ok(Keyword::Literals(literals)) => {
                    literals.into_iter().map(|literal| (self.literal(&literal), literal)).collect()
                }
                Ok(Keyword::Pattern { source, shown }) => {
                    vec![(self.pattern(source, &shown), shown)]
                }
                Ok(Keyword::Any | Keyword::Empty) | Err(_) => Vec::new(),
            };
            let listed = self.scopes.entry(scope).or_default();
            let entry = u32::try_from(listed.entries.len()).unwrap_or(u32::MAX);
            let first = listed.units.len();
            for (needle, shown) in units {
                listed.units.push(Unit { entry, needle, shown });
                let order = u32::try_from(listed.units.len()).unwrap_or(u32::MAX);
                if let Some(needle) = self.needles.get_mut(needle as usize) {
                    needle.places.push((scope, order));
                }
            }
            listed.entries.push(Entry {
                offset: word.span.start,
                written: word.text.into(),
                owner,
                nth,
                units: first..listed.units.len(),
            });
        }
    }

    fn literal(&mut self, word: &str) -> u32 {
        let folded = normal::fold(word);
        let text = folded.trim();
        if let Some(id) = self.literals.get(text) {
            return *id;
        }
        let covers = if text.is_empty() { Vec::new() } else { vec![vec![text.to_owned()]] };
        let shape = Shape { covers, is_sure: true, ..Shape::default() };
        let id = self.needle(shape, false);
        self.literals.insert(text.to_owned(), id);
        id
    }

    fn pattern(&mut self, source: String, shown: &str) -> u32 {
        if let Some(id) = self.patterns.get(&source) {
            return *id;
        }
        let shape = Shape::of(&source);
        let id = if shape.is_broken { self.literal(shown) } else { self.needle(shape, true) };
        self.patterns.insert(source, id);
        id
    }

    fn needle(&mut self, shape: Shape, is_pattern: bool) -> u32 {
        let cover = |text| Cover { text, found: Found::default() };
        let covers = shape.covers.into_iter().map(|texts| texts.into_iter().map(cover).collect());
        self.needles.push(Needle {
            is_pattern,
            is_sure: shape.is_sure,
            fits_nothing: shape.fits_nothing,
            fits_only_nothing: shape.fits_only_nothing,
            sample: shape.sample,
            covers: covers.collect(),
            places: Vec::new(),
        });
        u32::try_from(self.needles.len() - 1).unwrap_or(u32::MAX)
    }

    /// Looks for all keywords in one another.
    pub(super) fn look(&mut self, matcher: &Matcher) {
        for needle in &mut self.needles {
            let own = usize::from(!needle.is_pattern);
            for texts in &mut needle.covers {
                for cover in texts.iter_mut() {
                    cover.found = matcher.contained(&cover.text);
                }
            }
            let is_used_once = needle.places.len() == 1;
            let is_alone = |cover: &Cover| is_used_once && cover.found.len() <= own;
            needle.covers.retain(|texts| !texts.iter().any(is_alone));
        }
    }

    pub(super) fn unit(&self, scope: Scope, order: u32) -> Option<&Unit> {
        self.scopes.get(&scope)?.units.get(order.checked_sub(1)? as usize)
    }

    pub(super) fn entry(&self, scope: Scope, order: u32) -> Option<&Entry> {
        let entry = self.unit(scope, order)?.entry;
        self.scopes.get(&scope)?.entries.get(entry as usize)
    }

    /// What a keyword as shown in rows is looked for as.
    pub(super) fn needle_of(&self, shown: &str) -> Option<&Needle> {
        let folded = normal::fold(shown);
        let known = self.literals.get(folded.trim()).or_else(|| self.patterns.get(shown));
        self.needles.get(*known? as usize)
    }

    pub(super) fn needle_at(&self, scope: Scope, order: u32) -> Option<&Needle> {
        self.needles.get(self.unit(scope, order)?.needle as usize)
    }
}
