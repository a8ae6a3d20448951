//! Ways without an end: loops, callers who are silent for ever, ways that are used up.

use std::collections::HashSet;

use super::ways::{Graph, after, backwards, components, is_any, path, reach, ways};
use super::{Case, Finding};
use crate::script::complete::CompleteCondition;
use crate::script::matcher::Scope;
use crate::script::model::{Node, NodeAction, NodeId, ReturnTarget};
use crate::script::problem::brief;

pub(super) fn find(case: &mut Case<'_>) {
    let next = case.ways.next.clone();
    let endless = endless(&next, &case.ways.ends, &case.ways.reached);
    for component in &endless {
        without_exit(case, component);
    }
    let told: HashSet<u32> = endless.iter().flatten().copied().collect();
    let silent = case.ways.silent.clone();
    for component in self::endless(&silent, &case.ways.silent_ends, &case.ways.reached) {
        let is_told = |node: &u32| told.contains(node);
        if !component.iter().all(is_told) {
            silent_for_ever(case, &component);
        }
    }
    used_up(case, &next);
    used_up_by_returns(case);
}

/// Sets of nodes that lead to one another and nowhere else, and of which none is an end.
fn endless(next: &Graph, ends: &[bool], reached: &[bool]) -> Vec<Vec<u32>> {
    let is_end = |node: &u32| ends.get(*node as usize).copied().unwrap_or(false);
    let nodes = 0..u32::try_from(next.len()).unwrap_or(u32::MAX);
    let can_end = reach(&backwards(next), nodes.filter(is_end));
    let is_endless: Vec<_> =
        can_end.iter().zip(reached).map(|(can_end, reached)| *reached && !can_end).collect();
    let mut found = components(next, &is_endless);
    found.retain(|component| {
        let leads_on = |node: &u32| after(next, *node).iter().any(|to| !is_in(component, to));
        let is_loop = component.iter().any(|node| after(next, *node).contains(node));
        (component.len() > 1 || is_loop) && !component.iter().any(leads_on)
    });
    found.reverse();
    found
}

/// Components are sorted.
fn is_in(component: &[u32], node: &u32) -> bool {
    component.binary_search(node).is_ok()
}

/// The way into a loop, and once round it.
fn round(case: &Case<'_>, next: &Graph, component: &[u32]) -> (u32, String) {
    let entry = case.script.entry.0;
    let way_in = path(&case.ways.next, entry, |node| is_in(component, &node));
    let mut way = way_in.unwrap_or_else(|| component.iter().copied().take(1).collect());
    let first = way.last().copied().unwrap_or(entry);
    let rounds = after(next, first).iter().filter(|to| is_in(component, to));
    let back = rounds.filter_map(|to| path(next, *to, |node| node == first));
    way.extend(back.min_by_key(Vec::len).unwrap_or_default());
    (first, case.shown(&way))
}

fn without_exit(case: &mut Case<'_>, component: &[u32]) {
    let next = case.ways.next.clone();
    let (first, way) = round(case, &next, component);
    let waits = |node: &u32| {
        let action = &case.script.node(NodeId(*node)).action;
        !matches!(action, NodeAction::Set | NodeAction::Branch | NodeAction::Return(_))
    };
    let falls_out =
        component.iter().any(|node| case.ways.silent_ends.get(*node as usize) == Some(&true));
    let until = if !component.iter().any(waits) {
        "until more than fifty actions in a row have waited for nobody"
    } else if falls_out {
        "until nothing fits and the robot hangs up in the middle"
    } else {
        "until the caller hangs up"
    };
    let others = match component.len() {
        1 => String::new(),
        2 => " and one more node".into(),
        count => format!(" and {} more nodes", count - 1),
    };
    case.say(Finding {
        rule: "loop-without-exit",
        offset: case.offset_of(first),
        message: format!(
            "from {}{others} no edge leads to a hangup, transfer or manual: the call goes on {until}",
            case.name(first)
        ),
        example: way,
        hint: "lead one of its edges to a node that ends the call".into(),
    });
}

fn silent_for_ever(case: &mut Case<'_>, component: &[u32]) {
    let silent = case.ways.silent.clone();
    let (first, way) = round(case, &silent, component);
    case.say(Finding {
        rule: "silent-loop",
        offset: case.offset_of(first),
        message: format!(
            "a caller who says nothing never leaves {}: silence leads back to it, and every entry \
             counts time-outs anew",
            case.name(first)
        ),
        example: format!("says nothing: {way}"),
        hint:
            "lead the complete edge to a node that ends the call, or give its target a repetition"
                .into(),
    });
}

/// Nodes from which every way on at the end of the action can be used up (E51), so that the robot
/// then hangs up for want of a way.
fn used_up(case: &mut Case<'_>, next: &Graph) {
    for (node, at) in case.script.nodes.iter().zip(0u32..) {
        if !case.is_reached(at) {
            continue;
        }
        let Some(target) = last_way(case, node, at) else { continue };
        // It is used up only if the call comes back from it.
        let Some(way) = path(next, target.0, |id| id == at) else { continue };
        let (name, times) = (&case.script.node(target).id, case.script.node(target).repetition);
        let message = format!(
            "once {name} was entered {times} times nothing leads on from {}, and the robot hangs up",
            node.id
        );
        let way = [&[at][..], &way].concat();
        case.say(Finding {
            rule: "used-up-way",
            offset: case.offset_of(at),
            message,
            example: format!("{}, {times} times over", case.shown(&way)),
            hint: "add an edge \"complete\": [\"any\"] to a node without repetition".into(),
        });
    }
}

/// The node that all ways lead to which the ordinary end of the action can take, if it is one that
/// can be used up.
fn last_way(case: &Case<'_>, node: &Node, at: u32) -> Option<NodeId> {
    let word = match node.action {
        NodeAction::PlayAndDetect | NodeAction::Collect(_) => "TIMEOUT()",
        NodeAction::Playback | NodeAction::Set => "DONE()",
        NodeAction::Return(ReturnTarget::Node(target)) => {
            let is_limited = case.script.node(target).repetition > 0;
            return (is_limited && !goes_on_after_error(case, node)).then_some(target);
        }
        _ => return None,
    };
    if case.ways.silent_ends.get(at as usize) != Some(&true) {
        return None;
    }
    let fits = |one: &CompleteCondition| is_any(one) || one.matches(word).is_some();
    let all = ways(case.script, node);
    let mut on = all.iter().filter(|way| way.edge.complete.iter().any(fits));
    let only = on.next()?;
    let is_limited = case.script.node(only.edge.target).repetition > 0;
    (is_limited && on.all(|way| way.edge.target == only.edge.target)).then_some(only.edge.target)
}

/// Nodes that a linked global node returns to, which counts as an entry: once they are used up, the
/// return fails (E72), and the robot hangs up.
fn used_up_by_returns(case: &mut Case<'_>) {
    let script = case.script;
    for (node, at) in script.nodes.iter().zip(0u32..) {
        if node.repetition == 0 || !case.is_reached(at) {
            continue;
        }
        let back = node.globals.iter().copied().find(|id| {
            let global = script.node(*id);
            let returns = global.action == NodeAction::Return(ReturnTarget::Source);
            let lasts = global.repetition == 0 || global.repetition >= node.repetition;
            returns && lasts && global.global.is_some() && !goes_on_after_error(case, global)
        });
        let Some(back) = back else { continue };
        let word = case.source.words.entry(Scope::Global(back), 1);
        let example = match word {
            Some(word) => format!("says \"{}\"", brief(&word.written)),
            None => format!("comes back by {}", script.node(back).id),
        };
        let (times, back) = (node.repetition, &script.node(back).id);
        case.say(Finding {
            rule: "used-up-way",
            offset: case.offset_of(at),
            message: format!(
                "every return by {back} counts as an entry into {}: once there were {times} it fails, \
                 and the robot hangs up",
                node.id
            ),
            example: format!("{example}, {times} times over"),
            hint: format!("give {back} an edge \"complete\": [\"error\"]"),
        });
    }
}

/// True if a return that fails leads on.
fn goes_on_after_error(case: &Case<'_>, node: &Node) -> bool {
    let fits = |one: &CompleteCondition| is_any(one) || one.matches("ERROR()").is_some();
    ways(case.script, node).iter().any(|way| way.edge.complete.iter().any(fits))
}
