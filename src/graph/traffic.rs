//! What calls did at nodes and edges, from counted rows.

use std::collections::HashMap;

use super::model::{Graph, Look};

/// A column of the published table holds so many characters of an id (E90).
const ID_CHARS_MAX: usize = 50;

/// Rows of one kind: published columns, and how many there are.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// The node in force.
    pub current: &'a str,
    /// `input_type` (E90).
    pub input_type: i64,
    /// `condition_id`.
    pub condition_id: &'a str,
    /// `response_type` (E90).
    pub response_type: i64,
    /// The node or prompt that answered.
    pub response_id: &'a str,
    /// `repetition` is more than 0.
    pub is_repeated: bool,
    /// Of the last row of a call: who ended it (E16).
    pub ending: &'a str,
    /// How many rows.
    pub rows: u64,
}

/// Counts for a graph.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    pub(super) calls: u64,
    pub(super) nodes: Vec<NodeTraffic>,
    pub(super) edges: Vec<u64>,
    pub(super) prompts: Vec<u64>,
}

/// Counts for a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeTraffic {
    /// How often it was entered.
    pub(super) entered: u64,
    /// How many sentences were looked at there.
    pub(super) heard: u64,
    /// How many of those nothing answered.
    pub(super) mismatched: u64,
    /// How often the caller said nothing.
    pub(super) silent: u64,
    /// How many calls ended there.
    pub(super) ended: u64,
    /// How many of those the caller ended.
    pub(super) hung_up: u64,
}

impl NodeTraffic {
    /// In words, what is not 0.
    pub(super) fn told(self) -> String {
        let mut parts = vec![times(self.entered)];
        if self.mismatched > 0 {
            parts.push(format!("{} not understood", percent(self.mismatched, self.heard)));
        }
        if self.silent > 0 {
            parts.push(format!("{} silent", self.silent));
        }
        if self.ended > 0 {
            let hung_up = match self.hung_up {
                0 => String::new(),
                count => format!(" ({count} hung up)"),
            };
            parts.push(format!("{} ended{hung_up}", self.ended));
        }
        parts.join(" | ")
    }
}

/// How often, in words.
pub(super) fn times(count: u64) -> String {
    match count {
        0 => "never".into(),
        1 => "once".into(),
        count => format!("{count} times"),
    }
}

/// A part of a whole, rounded; less than a half percent is not nothing.
fn percent(part: u64, whole: u64) -> String {
    let percent = (part.saturating_mul(100) + whole / 2).checked_div(whole).unwrap_or(0);
    if percent == 0 && part > 0 { "<1%".into() } else { format!("{percent}%") }
}

impl Traffic {
    /// How wide the line of an edge is, from 1 to 7: by the root, so that rare ways are still seen.
    pub(super) fn width(&self, edge: usize) -> f64 {
        let most = self.edges.iter().copied().max().unwrap_or(0).max(1);
        let count = self.edges.get(edge).copied().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "the width of a line")]
        let share = count as f64 / most as f64;
        1.0 + 6.0 * share.sqrt()
    }
}

impl Graph {
    /// Shows what calls did. A way is counted at the edge that has the row's condition id and leads
    /// to what answered; of several such edges, at the first that waits for such an input.
    pub fn count<'a>(&mut self, passages: impl IntoIterator<Item = Passage<'a>>) {
        let finder = Finder::new(self);
        let mut traffic = Traffic {
            calls: 0,
            nodes: vec![NodeTraffic::default(); self.nodes.len()],
            edges: vec![0; self.edges.len()],
            prompts: vec![0; self.prompts.len()],
        };
        for passage in passages {
            finder.add(self, &passage, &mut traffic);
        }
        self.traffic = Some(traffic);
    }
}

/// Nodes, prompts and edges by what rows call them.
struct Finder {
    nodes: HashMap<String, usize>,
    prompts: HashMap<String, usize>,
    /// By condition id and target.
    edges: HashMap<(String, usize), Vec<usize>>,
    start: Option<usize>,
}

fn cut(id: &str) -> String {
    id.chars().take(ID_CHARS_MAX).collect()
}

impl Finder {
    fn new(graph: &Graph) -> Self {
        let mut finder = Self {
            nodes: HashMap::new(),
            prompts: HashMap::new(),
            edges: HashMap::new(),
            start: graph.nodes.iter().position(|node| node.look == Look::Start),
        };
        for (at, node) in graph.nodes.iter().enumerate() {
            finder.nodes.entry(cut(&node.id)).or_insert(at);
        }
        for (at, prompt) in graph.prompts.iter().enumerate() {
            finder.prompts.entry(cut(&prompt.id)).or_insert(at);
        }
        for (at, edge) in graph.edges.iter().enumerate() {
            finder.edges.entry((cut(&edge.id), edge.to)).or_default().push(at);
        }
        finder
    }

    fn add(&self, graph: &Graph, passage: &Passage<'_>, traffic: &mut Traffic) {
        let rows = passage.rows;
        let current = self.nodes.get(passage.current).copied();
        let target = self.nodes.get(passage.response_id).copied();
        if passage.input_type == CREATE {
            traffic.calls += rows;
            if let (Some(start), Some(target)) = (self.start, target) {
                let edge = graph.edges_of(start).find(|at| edge_leads_to(graph, *at, target));
                add_to(edge.and_then(|at| traffic.edges.get_mut(at)), rows);
            }
        }
        let is_mismatch = passage.input_type == TEXT
            && (passage.response_type == MISMATCH
                || (passage.response_type == NONE && passage.is_repeated));
        let is_answer = matches!(passage.response_type, FLOW | KB | GLOBAL | BROTHER | MODEL);
        if let Some(node) = current.and_then(|at| traffic.nodes.get_mut(at)) {
            if passage.input_type == TEXT && (is_answer || is_mismatch) {
                node.heard += rows;
            }
            if is_mismatch {
                node.mismatched += rows;
            }
            if passage.response_type == TIMEOUT {
                node.silent += rows;
            }
            if passage.input_type == DESTROY {
                node.ended += rows;
                if passage.ending == "recv_bye" {
                    node.hung_up += rows;
                }
            }
        }
        if passage.input_type == DESTROY {
            return;
        }
        if matches!(passage.response_type, FLOW | JUMP | GLOBAL | BROTHER) {
            add_to(
                target.and_then(|at| traffic.nodes.get_mut(at)).map(|node| &mut node.entered),
                rows,
            );
        }
        if matches!(passage.response_type, FLOW | BROTHER) && passage.input_type != CREATE {
            let edge = target.and_then(|target| self.edge(graph, passage, current, target));
            add_to(edge.and_then(|at| traffic.edges.get_mut(at)), rows);
        }
        if passage.response_type == KB {
            let prompt = self.prompts.get(passage.response_id);
            add_to(prompt.and_then(|at| traffic.prompts.get_mut(*at)), rows);
        }
    }

    /// The edge that was taken: one of the node in force, or if none of its edges can be meant, the
    /// only one of a source node that can (E55).
    fn edge(
        &self,
        graph: &Graph,
        passage: &Passage<'_>,
        current: Option<usize>,
        target: usize,
    ) -> Option<usize> {
        let named = self.edges.get(&(passage.condition_id.to_owned(), target))?;
        let is_own = |at: &&usize| graph.edges.get(**at).map(|edge| edge.from) == current;
        let kind = usize::try_from(passage.input_type).unwrap_or(usize::MAX);
        let takes = |at: &&usize| {
            let takes = graph.edges.get(**at).and_then(|edge| edge.takes.get(kind));
            takes.copied().unwrap_or(false)
        };
        let mut own = named.iter().filter(is_own);
        // The end of an action may hold what was said (E75): that is an edge with keywords.
        let found = own.clone().find(takes).or_else(|| own.next());
        match (found, named.as_slice()) {
            (Some(found), _) => Some(*found),
            (None, [only]) if passage.response_type == BROTHER => Some(*only),
            _ => None,
        }
    }
}

fn edge_leads_to(graph: &Graph, at: usize, target: usize) -> bool {
    graph.edges.get(at).is_some_and(|edge| edge.to == target)
}

fn add_to(count: Option<&mut u64>, rows: u64) {
    if let Some(count) = count {
        *count += rows;
    }
}

// The published numbers of `input_type` and `response_type` (E90).
const TEXT: i64 = 0;
const CREATE: i64 = 10;
const DESTROY: i64 = 11;
const NONE: i64 = 0;
const FLOW: i64 = 1;
const KB: i64 = 2;
const MISMATCH: i64 = 3;
const JUMP: i64 = 4;
const TIMEOUT: i64 = 5;
const GLOBAL: i64 = 6;
const BROTHER: i64 = 7;
const MODEL: i64 = 11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_mismatch_is_not_nothing() {
        assert_eq!(percent(1, 1000), "<1%");
        assert_eq!(percent(1, 8), "13%");
        assert_eq!(percent(0, 0), "0%");
        let told =
            NodeTraffic { entered: 8, heard: 8, mismatched: 1, silent: 2, ended: 3, hung_up: 1 };
        assert_eq!(told.told(), "8 times | 13% not understood | 2 silent | 3 ended (1 hung up)");
    }
}
