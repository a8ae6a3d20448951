//! How long calls can be: the fewest and the most nodes from the first to an end.

use super::Case;
use super::ways::{after, components, path};

/// How many nodes a call enters, the last included, if nobody hangs up before.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Turns {
    /// The fewest; `None` if no way leads to an end.
    pub shortest: Option<usize>,
    /// That way: the names of its nodes.
    pub shortest_way: Vec<String>,
    /// The most; `None` = there is no bound.
    pub longest: Option<usize>,
    /// The most without entering a node twice, where there is no bound: no call has more.
    pub longest_without_repetition: usize,
    /// Where there is no bound: nodes that can follow one another again and again.
    pub round: Vec<String>,
}

impl Turns {
    pub(super) fn of(case: &Case<'_>) -> Self {
        let (next, ways) = (&case.ways.next, &case.ways);
        let entry = case.script.entry.0;
        let is_end = |node: u32| ways.ends.get(node as usize).copied().unwrap_or(false);
        let shortest = path(next, entry, is_end);
        let names = |path: &[u32]| path.iter().map(|node| case.name(*node).to_owned()).collect();
        let parts = components(next, &ways.reached);
        let mut part_of = vec![usize::MAX; next.len()];
        let mut longest = vec![0usize; parts.len()];
        let mut round = Vec::new();
        // Each part stands behind those it leads to.
        for (at, part) in parts.iter().enumerate() {
            for node in part {
                if let Some(place) = part_of.get_mut(*node as usize) {
                    *place = at;
                }
            }
            let on = part.iter().flat_map(|node| after(next, *node));
            let on = on.filter_map(|to| part_of.get(*to as usize)).filter(|part| **part < at);
            let on = on.filter_map(|part| longest.get(*part)).max().copied().unwrap_or(0);
            if let Some(place) = longest.get_mut(at) {
                *place = part.len() + on;
            }
            let is_round =
                part.len() > 1 || part.iter().any(|node| after(next, *node).contains(node));
            if round.is_empty() && is_round {
                round = a_round(next, part);
            }
        }
        let most = part_of.get(entry as usize).and_then(|part| longest.get(*part)).copied();
        let most = most.unwrap_or(0);
        Self {
            shortest: shortest.as_ref().map(Vec::len),
            shortest_way: names(&shortest.unwrap_or_default()),
            longest: round.is_empty().then_some(most),
            longest_without_repetition: most,
            round: names(&round),
        }
    }
}

/// Once round a part, from its first node.
fn a_round(next: &super::ways::Graph, part: &[u32]) -> Vec<u32> {
    let Some(first) = part.first().copied() else { return Vec::new() };
    let inside = after(next, first).iter().filter(|to| part.binary_search(to).is_ok());
    let back = inside.filter_map(|to| path(next, *to, |node| node == first));
    let back = back.min_by_key(Vec::len).unwrap_or_default();
    [&[first][..], &back].concat()
}
