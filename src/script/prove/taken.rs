//! Keys and ends of an action that an earlier edge always takes (E75, E77, R11).

use super::ways::{Way, is_any, ways};
use super::{Case, Finding};
use crate::script::complete::{CompleteCondition, CompleteKind};
use crate::script::digits::{DtmfCondition, DtmfKind};
use crate::script::model::{Edge, NodeAction};

/// What is taken, of which kind, by which edge, and where it stands.
struct Taken<'s> {
    rule: &'static str,
    what: String,
    by: Way<'s>,
    offset: usize,
    example: String,
}

pub(super) fn find(case: &mut Case<'_>) {
    let script = case.script;
    // A node that understands its source nodes tries their edges without their global nodes.
    let lends = script.nodes.iter().any(|node| node.source_depth > 0);
    for (at, node) in (0u32..).zip(&script.nodes) {
        if !case.is_reached(at) || node.action == NodeAction::Start {
            continue;
        }
        let all = ways(script, node);
        let all: Vec<_> = all.into_iter().filter(|way| !lends || way.tier == 0).collect();
        for (edge, place) in node.edges.iter().zip(0usize..) {
            let before = all.iter().take_while(|way| !std::ptr::eq(way.edge, edge));
            let before: Vec<_> = before.filter(|way| way.is_lasting).copied().collect();
            if before.is_empty() {
                continue;
            }
            tell(case, (at, place), edge, &before);
        }
    }
}

fn tell(case: &mut Case<'_>, (at, place): (u32, usize), edge: &Edge, before: &[Way<'_>]) {
    let script = case.script;
    let Some(written) = case.source.nodes.get(at as usize).and_then(|node| node.edges.get(place))
    else {
        return;
    };
    let mut all = Vec::new();
    for (condition, offset) in edge.dtmf.iter().zip(&written.dtmf) {
        all.extend(before.iter().find(|way| takes_keys(way.edge, condition)).map(|by| Taken {
            rule: "swallowed-key",
            what: format!("the keys {}", condition.shown),
            by: *by,
            offset: *offset,
            example: format!("presses {}", condition.shown),
        }));
    }
    for (condition, offset) in edge.complete.iter().zip(&written.complete) {
        all.extend(before.iter().find(|way| takes_end(way.edge, condition)).map(|by| Taken {
            rule: "swallowed-complete",
            what: format!("the end \"{}\"", condition.shown),
            by: *by,
            offset: *offset,
            example: format!("the action ends: {}", condition.shown),
        }));
    }
    let count = edge.dtmf.len() + edge.complete.len();
    let by_any = before.iter().find(|way| edge.any_text && way.edge.any_text);
    let is_whole = all.len() == count && !edge.has_text && edge.any_text == by_any.is_some();
    let node = case.name(at).to_owned();
    let target = script.node(edge.target).id.clone();
    let name =
        if edge.label.is_empty() { target.to_string() } else { format!("{}:{target}", edge.label) };
    let first = all.first().map(|taken| (taken.by, taken.example.clone()));
    let first = first.or_else(|| by_any.map(|by| (*by, "says anything else".into())));
    let Some((by, example)) = first else { return };
    let to = |by: Way<'_>| script.node(by.edge.target).id.clone();
    let hint = "take one of the two out, or give this edge a smaller priority".to_owned();
    if is_whole && edge.when.is_empty() {
        case.say(Finding {
            rule: "swallowed-edge",
            offset: written.offset,
            message: format!(
                "the edge {name} of {node} is never taken: an earlier way to {} takes all that it waits for",
                to(by)
            ),
            example: format!("{example} → {}", to(by)),
            hint,
        });
        return;
    }
    for Taken { rule, what, by, offset, example } in all {
        case.say(Finding {
            rule,
            offset,
            message: format!(
                "{what} never leads to {target}: an earlier way to {} takes it",
                to(by)
            ),
            example: format!("{example} → {}", to(by)),
            hint: hint.clone(),
        });
    }
}

fn takes_keys(edge: &Edge, condition: &DtmfCondition) -> bool {
    edge.dtmf.iter().any(|other| match (&other.kind, &condition.kind) {
        (DtmfKind::Any, kind) => matches!(kind, DtmfKind::Any),
        (_, DtmfKind::Literal) => other.matches(&condition.shown),
        _ => other.shown == condition.shown,
    })
}

fn takes_end(edge: &Edge, condition: &CompleteCondition) -> bool {
    edge.complete.iter().any(|other| match (&other.kind, &condition.kind) {
        (CompleteKind::Any, _) => is_any(condition),
        (CompleteKind::Word, CompleteKind::Word) => {
            other.shown.eq_ignore_ascii_case(&condition.shown)
        }
        (CompleteKind::Word, _) => false,
        _ => other.shown == condition.shown,
    })
}
