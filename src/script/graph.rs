//! What a checked script leads to: nodes nobody reaches, nodes without a way on, keywords that
//! can't win (E10).

use super::check::AddedLiteral;
use super::matcher::Scope;
use super::model::{Node, NodeAction, NodeId, ReturnTarget, Script, SwitchTarget};
use super::problem::brief;
use super::raw::Reader;

/// Warns of everything that only the whole script shows.
pub(super) fn warn(
    script: &Script,
    reader: &mut Reader<'_>,
    offsets: &[usize],
    literals: &[AddedLiteral],
) {
    let linked = linked_globals(script);
    let reached = reached(script);
    for (at, node) in script.nodes.iter().enumerate() {
        let offset = offsets.get(at).copied().unwrap_or(0);
        let mut say = |rule, message: String, hint: &str| {
            reader.warn_by(rule, offset, message, hint);
        };
        let is_linked = linked.get(at).copied().unwrap_or(false);
        if node.global.is_some() && !is_linked {
            let message = format!("the global node {} is linked to no node", node.id);
            say("unlinked-global", message, "name it in the globalflow of the nodes it belongs to");
        } else if node.global.is_none() && is_linked {
            let message = format!("{} is linked as global node, but is none", node.id);
            say("unlinked-global", message, "give it \"global\": true and a condition");
        } else if !reached.get(at).copied().unwrap_or(false) && node.action != NodeAction::Start {
            let message = format!("no call ever reaches the node {}", node.id);
            say("unreachable-node", message, "lead an edge to it, or take it out");
        }
        if is_dead_end(node) {
            let message = format!("the node {} has no way on", node.id);
            say("dead-end", message, "give it an edge, or make it a hangup, return or transfer");
        }
        if lacks_complete_edge(node) {
            let message = format!("the node {} has no edge for a caller who says nothing", node.id);
            say(
                "no-silence-edge",
                message,
                "give one edge the condition \"complete\": [\"any\"], or it hangs up",
            );
        }
    }
    warn_of_shadowed(script, reader, literals);
}

fn linked_globals(script: &Script) -> Vec<bool> {
    let mut linked = vec![false; script.nodes.len()];
    for global in script.nodes.iter().flat_map(|node| &node.globals) {
        mark(&mut linked, *global);
    }
    linked
}

/// The nodes a call can come to: by edges, global links, returns and prompts.
fn reached(script: &Script) -> Vec<bool> {
    let mut reached = vec![false; script.nodes.len()];
    let mut open = vec![script.entry];
    open.extend(script.prompts.iter().filter_map(|prompt| {
        match prompt.switchflow.as_ref().map(|switch| &switch.target) {
            Some(SwitchTarget::Node(node)) => Some(*node),
            _ => None,
        }
    }));
    while let Some(id) = open.pop() {
        if !mark(&mut reached, id) {
            continue;
        }
        let node = script.node(id);
        open.extend(node.edges.iter().map(|edge| edge.target));
        open.extend(node.globals.iter().filter(|id| script.node(**id).global.is_some()));
        if let NodeAction::Return(ReturnTarget::Node(target)) = node.action {
            open.push(target);
        }
    }
    reached
}

/// Marks a node; false if it was marked before.
fn mark(marks: &mut [bool], id: NodeId) -> bool {
    marks.get_mut(id.0 as usize).is_some_and(|seen| !std::mem::replace(seen, true))
}

fn is_dead_end(node: &Node) -> bool {
    let leads_on = match node.action {
        NodeAction::Hangup
        | NodeAction::Return(_)
        | NodeAction::Transfer
        | NodeAction::Manual
        | NodeAction::Start => true,
        NodeAction::PlayAndDetect
        | NodeAction::Playback
        | NodeAction::Set
        | NodeAction::Branch
        | NodeAction::Collect(_)
        | NodeAction::Http(_)
        | NodeAction::Later
        | NodeAction::Application => !node.edges.is_empty(),
    };
    !leads_on
}

fn lacks_complete_edge(node: &Node) -> bool {
    let plays = matches!(node.action, NodeAction::PlayAndDetect | NodeAction::Playback);
    let has_text = node.edges.iter().any(|edge| edge.has_text || edge.any_text);
    plays && has_text && node.edges.iter().all(|edge| edge.complete.is_empty())
}

/// So many keywords are looked at for those that never match: about a tenth of a second. A script
/// in which they are not enough has more warnings than anybody reads.
const SHADOW_STEPS_MAX: usize = 5_000_000;

/// Warns of literals that contain an earlier literal of the same scope: the earlier one always
/// answers first, unless its target can be used up.
fn warn_of_shadowed(script: &Script, reader: &mut Reader<'_>, literals: &[AddedLiteral]) {
    let mut steps = SHADOW_STEPS_MAX;
    for literal in literals {
        let scope = literal.place.scope;
        let text = super::normal::normalize(&literal.word);
        let order = literal.place.order;
        let Some(earlier) = script.matcher.earlier_literal(scope, order, &text, &mut steps) else {
            continue;
        };
        if runs_out(script, scope, earlier.owner) || outranks(script, scope, literal, earlier.owner)
        {
            continue;
        }
        let Some(shown) = script.matcher.shown(earlier, &text) else { continue };
        let message = format!(
            "\"{}\" never matches: the earlier \"{}\" is part of it and answers first",
            brief(&literal.word),
            brief(&shown.keyword)
        );
        let hint = "put the longer word first, or give its edge a smaller priority";
        reader.warn_by("swallowed-keyword", literal.offset, message, hint);
    }
}

/// True if what the earlier keyword leads to can be used up, so that the search goes on (E51).
fn runs_out(script: &Script, scope: Scope, owner: u32) -> bool {
    match scope {
        Scope::Edges(node) => {
            let edge = script.node(node).edges.get(owner as usize);
            edge.is_some_and(|edge| script.node(edge.target).repetition > 0)
        }
        Scope::Global(node) => script.node(node).repetition > 0,
        Scope::Noise => {
            let rule = script.noise.get(owner as usize);
            rule.is_some_and(|rule| rule.max_duration_ms.is_some())
        }
        Scope::Category(_) => {
            let prompt = script.prompts.get(owner as usize);
            prompt.is_some_and(|prompt| prompt.repetition > 0)
        }
    }
}

/// True if the later keyword's edge has the smaller priority, and so is not later at all.
fn outranks(script: &Script, scope: Scope, literal: &AddedLiteral, earlier: u32) -> bool {
    let Scope::Edges(node) = scope else { return false };
    let edges = &script.node(node).edges;
    let priority = |owner: u32| edges.get(owner as usize).map(|edge| edge.priority);
    priority(literal.place.owner) < priority(earlier)
}
