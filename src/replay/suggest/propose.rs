//! Grouping sentences by what they have in common, and what to do about each group.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::mine::{Unmatched, Way, WayKind};
use super::patch::Place;
use super::words::{candidates, likeness};
use crate::script::{Scope, Script};

/// Groups of one node.
const GROUPS_MAX: usize = 20;
/// Sentences that are shown of a group.
const SHOWN_MAX: usize = 4;
/// A word is like a keyword from this share of common pairs on.
const LIKE: f64 = 0.5;

/// A word that nothing matches, and where it could stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The node it is said at.
    pub node: SmolStr,
    /// The word.
    pub word: SmolStr,
    /// In how many calls it was said there and nothing matched.
    pub calls: u64,
    /// Sentences that have it, the most frequent first, and how often they were said.
    pub said: Vec<(SmolStr, u64)>,
    /// Where it could stand.
    pub place: Place,
    /// Of these calls, how many had that answer when they said it otherwise.
    pub votes: u64,
}

/// What to do about sentences that nothing matched: for each node its groups, the largest first. Groups
/// of fewer calls than `calls_min` are left alone.
#[must_use]
pub fn propose(script: &Script, sentences: &[Unmatched], calls_min: u64) -> Vec<Proposal> {
    let mut by_node: BTreeMap<&SmolStr, Vec<&Unmatched>> = BTreeMap::new();
    for sentence in sentences {
        by_node.entry(&sentence.node).or_default().push(sentence);
    }
    let mut proposals = Vec::new();
    for (node, mut rest) in by_node {
        for _ in 0..GROUPS_MAX {
            let Some(word) = commonest(&rest, calls_min) else { break };
            let (group, others): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|sentence| sentence.text.contains(word.as_str()));
            proposals.push(proposal(script, node, word, &group));
            rest = others;
        }
    }
    proposals.sort_by_key(|proposal| std::cmp::Reverse(proposal.calls));
    proposals
}

/// The word that most calls have; of several, the longest.
fn commonest(sentences: &[&Unmatched], calls_min: u64) -> Option<SmolStr> {
    let mut texts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for sentence in sentences {
        texts.entry(&sentence.text).or_default().insert(&sentence.callid);
    }
    let mut calls: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (text, of) in &texts {
        for word in candidates(text) {
            calls.entry(word).or_default().extend(of);
        }
    }
    let counted = calls.iter().map(|(word, of)| (of.len() as u64, word.chars().count(), *word));
    let (count, _, word) = counted.max()?;
    (count >= calls_min).then(|| word.into())
}

fn proposal(script: &Script, node: &SmolStr, word: SmolStr, group: &[&Unmatched]) -> Proposal {
    let calls: BTreeSet<&SmolStr> = group.iter().map(|sentence| &sentence.callid).collect();
    let mut said: BTreeMap<&SmolStr, u64> = BTreeMap::new();
    group.iter().for_each(|sentence| *said.entry(&sentence.text).or_default() += 1);
    let mut said: Vec<(SmolStr, u64)> =
        said.into_iter().map(|(text, n)| (text.clone(), n)).collect();
    said.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    said.truncate(SHOWN_MAX);
    let mut votes: BTreeMap<(WayKind, &SmolStr), BTreeMap<&SmolStr, u64>> = BTreeMap::new();
    for way in group.iter().filter_map(|sentence| sentence.then.as_ref()) {
        *votes.entry((way.kind, &way.id)).or_default().entry(&way.keyword).or_default() += 1;
    }
    let counted = votes.iter().map(|(way, by)| (by.values().sum::<u64>(), way, by));
    let (votes, way) = match counted.max_by_key(|(count, ..)| *count) {
        Some((count, (kind, id), by)) => {
            let keyword = by.iter().max_by_key(|(_, count)| **count);
            let keyword = keyword.map(|(keyword, _)| (*keyword).clone()).unwrap_or_default();
            (count, Some(Way { kind: *kind, id: (*id).clone(), keyword }))
        }
        None => (0, alike(script, node, &word)),
    };
    let place = way.map_or(Place::NewPrompt, Place::Keyword);
    Proposal { node: node.clone(), word, calls: calls.len() as u64, said, place, votes }
}

/// The answer at the node that has the keyword most like this word.
fn alike(script: &Script, node: &str, word: &str) -> Option<Way> {
    let at = script.node_id(node)?;
    let node = script.node(at);
    let edges = script.matcher.keywords(Scope::Edges(at)).filter_map(|listed| {
        let target = node.edges.get(listed.owner as usize)?.target;
        Some((WayKind::Edge, script.node(target).id.clone(), listed))
    });
    let globals = node.globals.iter().flat_map(|global| {
        let id = script.node(*global).id.clone();
        let keywords = script.matcher.keywords(Scope::Global(*global));
        keywords.map(move |listed| (WayKind::Global, id.clone(), listed))
    });
    let prompts = node.kb.iter().flat_map(|category| {
        script.matcher.keywords(Scope::Category(*category)).filter_map(|listed| {
            let prompt = script.prompts.get(listed.owner as usize)?;
            Some((WayKind::Prompt, prompt.id.clone(), listed))
        })
    });
    let all = edges.chain(globals).chain(prompts).filter(|(.., listed)| !listed.is_pattern);
    let measured = all.map(|(kind, id, listed)| {
        let way = Way { kind, id, keyword: listed.keyword.clone() };
        (likeness(word, listed.keyword), way)
    });
    let near = measured.filter(|(like, _)| *like >= LIKE);
    near.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, way)| way)
}
