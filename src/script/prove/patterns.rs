//! Patterns that fit the empty text, which never counts as a match (R6).

use super::{Case, Finding};
use crate::script::complete::CompleteKind;
use crate::script::model::Edge;
use crate::script::problem::brief;

pub(super) fn find(case: &mut Case<'_>) {
    let source = case.source;
    let mut seen = std::collections::HashSet::new();
    let mut found = Vec::new();
    for listed in source.words.scopes.values() {
        for entry in &listed.entries {
            for unit in listed.units.get(entry.units.clone()).unwrap_or_default() {
                let needle = source.words.needles.get(unit.needle as usize);
                let Some(needle) = needle.filter(|needle| needle.fits_nothing) else { continue };
                if seen.insert(entry.offset) {
                    found.push((entry.offset, entry.written.clone(), needle.fits_only_nothing));
                }
            }
        }
    }
    let places = case.script.nodes.iter().zip(&source.nodes);
    let edges = places.flat_map(|(node, place)| node.edges.iter().zip(&place.edges));
    for (edge, place) in edges {
        found.extend(of_complete(edge, &place.complete));
    }
    for (offset, written, never) in found {
        let written = brief(&written);
        let message = if never {
            format!("the pattern \"{written}\" fits the empty text and no other: it never matches")
        } else {
            format!("the pattern \"{written}\" fits the empty text, and so more than it shows")
        };
        let example =
            if never { "" } else { "says anything: the pattern is tried at every place of it" };
        case.say(Finding {
            rule: "empty-pattern",
            offset,
            message,
            example: example.into(),
            hint: "write + for *, take the empty alternative out, or write any".into(),
        });
    }
}

fn of_complete(edge: &Edge, places: &[usize]) -> Vec<(usize, smol_str::SmolStr, bool)> {
    let conditions = edge.complete.iter().zip(places);
    let patterns = conditions.filter_map(|(condition, offset)| {
        let CompleteKind::Pattern(pattern) = &condition.kind else { return None };
        let hir = regex_syntax::parse(pattern.as_str()).ok()?;
        let properties = hir.properties();
        let never = properties.maximum_len() == Some(0);
        (properties.minimum_len() == Some(0)).then(|| (*offset, condition.shown.clone(), never))
    });
    patterns.collect()
}
