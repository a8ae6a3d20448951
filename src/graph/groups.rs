//! Which nodes belong together: the main flow, each global flow, and the rest.

use super::model::Graph;
use crate::script::{NodeAction, ReturnTarget, Script};

/// Nodes that are drawn together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: String,
    /// In the order in which a walk from its beginning meets them.
    pub(super) members: Vec<usize>,
}

/// Gives each node to the first flow that reaches it.
pub(super) fn group(script: &Script, graph: &Graph) -> Vec<Group> {
    let mut taken = vec![false; graph.nodes.len()];
    let mut groups = Vec::new();
    let start = graph.nodes.iter().position(|node| node.look == super::model::Look::Start);
    let entry = script.entry.0 as usize;
    let mut walk = |title: String, from: Vec<usize>| {
        let members = walk(script, graph, &from, &mut taken);
        if !members.is_empty() {
            groups.push(Group { title, members });
        }
    };
    walk("main flow".into(), vec![start.unwrap_or(entry)]);
    walk("main flow".into(), vec![entry]);
    for (at, node) in graph.nodes.iter().enumerate() {
        if node.is_global {
            walk(format!("global flow {}", node.title), vec![at]);
        }
    }
    let jumps = graph.prompts.iter().filter_map(|prompt| prompt.jump);
    walk("after the knowledge base".into(), jumps.collect());
    walk("reached by no call".into(), (0..graph.nodes.len()).collect());
    groups
}

/// Every node that can be come to, the nearest first. Global nodes are apart, also where an edge
/// leads to one.
fn walk(script: &Script, graph: &Graph, from: &[usize], taken: &mut [bool]) -> Vec<usize> {
    let mut take = |node: usize| {
        let is_free = taken.get_mut(node).is_some_and(|taken| !std::mem::replace(taken, true));
        is_free.then_some(node)
    };
    let mut members: Vec<_> = from.iter().filter_map(|node| take(*node)).collect();
    let mut at = 0;
    while let Some(node) = members.get(at).copied() {
        at += 1;
        let edges = graph.edges.get(graph.edges_of(node)).unwrap_or_default();
        let mut next: Vec<_> = edges.iter().map(|edge| edge.to).collect();
        let action = script.nodes.get(node).map(|node| &node.action);
        if let Some(NodeAction::Return(ReturnTarget::Node(target))) = action {
            next.push(target.0 as usize);
        }
        let is_global = |node: &usize| graph.nodes.get(*node).is_some_and(|node| node.is_global);
        members.extend(next.into_iter().filter(|node| !is_global(node)).filter_map(&mut take));
    }
    members
}
