//! Where a call can go from each node: by anything that may happen, and by saying nothing.

use super::source::Source;
use crate::script::complete::{CompleteCondition, CompleteKind};
use crate::script::model::{Edge, Node, NodeAction, NodeId, ReturnTarget, Script, SwitchTarget};

/// The nodes that follow each node.
pub(super) type Graph = Vec<Vec<u32>>;

/// Steps for finding out where returns go. A thousand nodes with a hundred returns need a tenth of
/// them; past them a return may go anywhere a return can.
const RETURN_STEPS_MAX: usize = 20_000_000;

/// Where a call can go.
pub(super) struct Ways {
    /// By anything that may happen.
    pub(super) next: Graph,
    /// Nodes that end the call, or may.
    pub(super) ends: Vec<bool>,
    /// Nodes that a call can come to.
    pub(super) reached: Vec<bool>,
    /// By saying nothing.
    pub(super) silent: Graph,
    /// Nodes at which a caller who says nothing may come to an end.
    pub(super) silent_ends: Vec<bool>,
}

/// An edge in force at a node: its own, or that of a linked global node.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) edge: &'a Edge,
    /// 0 = own, else 1 + the place in `globalflow`.
    pub(super) tier: usize,
    /// It is in force during the whole call, and its target is never used up.
    pub(super) is_lasting: bool,
}

/// The ways in force at a node, as they are tried.
pub(super) fn ways<'a>(script: &'a Script, node: &'a Node) -> Vec<Way<'a>> {
    let lasts = |edge: &Edge| script.node(edge.target).repetition == 0;
    let own = node.edges.iter().map(|edge| Way { edge, tier: 0, is_lasting: lasts(edge) });
    let linked = node.globals.iter().zip(1..).filter_map(|(id, tier)| {
        let entry = script.node(*id).global.as_ref()?;
        let always = entry.time_limit_ms.is_none() && entry.count_limit == 0;
        Some(Way { edge: &entry.edge, tier, is_lasting: always && lasts(&entry.edge) })
    });
    let mut all: Vec<_> = own.chain(linked).collect();
    all.sort_by_key(|way| (way.edge.priority, way.tier));
    all
}

/// True if the edge of this node has a condition that can be fulfilled.
fn is_taken(node: &Node, edge: &Edge) -> bool {
    let has_when = node.action == NodeAction::Branch && !edge.when.is_empty();
    let has_words = edge.has_text || edge.any_text;
    has_when || has_words || !edge.dtmf.is_empty() || !edge.complete.is_empty()
}

impl Ways {
    pub(super) fn new(script: &Script, source: &Source<'_, '_>) -> Self {
        let maker = Maker::new(script, source);
        let next = maker.next();
        let ends: Vec<_> = script.nodes.iter().map(may_end).collect();
        let reached = reach(&next, [script.entry.0]);
        let (silent, silent_ends) = maker.silent();
        Self { next, ends, reached, silent, silent_ends }
    }
}

/// True if the call may end at the node: what an application does nobody knows here.
fn may_end(node: &Node) -> bool {
    let is_computed = node.action == NodeAction::Return(ReturnTarget::Computed);
    let is_taken_over = node
        .notify
        .as_ref()
        .is_some_and(|notify| notify.stop_robot && !notify.linegroup.is_empty());
    let ends = matches!(
        node.action,
        NodeAction::Hangup | NodeAction::Transfer | NodeAction::Manual | NodeAction::Application
    );
    ends || is_computed || is_taken_over
}

/// Everything that follows these nodes, themselves included.
pub(super) fn reach(next: &Graph, from: impl IntoIterator<Item = u32>) -> Vec<bool> {
    let mut reached = vec![false; next.len()];
    let mut open: Vec<u32> = from.into_iter().collect();
    while let Some(node) = open.pop() {
        let Some(seen) = reached.get_mut(node as usize) else { continue };
        if !std::mem::replace(seen, true) {
            open.extend(after(next, node));
        }
    }
    reached
}

/// The nodes that follow this one.
pub(super) fn after(next: &Graph, node: u32) -> &[u32] {
    next.get(node as usize).map_or(&[], Vec::as_slice)
}

/// The same ways, backwards.
pub(super) fn backwards(next: &Graph) -> Graph {
    let mut back = vec![Vec::new(); next.len()];
    for (from, targets) in (0..).zip(next) {
        for target in targets {
            if let Some(sources) = back.get_mut(*target as usize) {
                sources.push(from);
            }
        }
    }
    back
}

struct Maker<'s> {
    script: &'s Script,
    /// The prompts that lead on from each node.
    jumps: Vec<Vec<&'s SwitchTarget>>,
    /// Ways that remember no source node, backwards.
    back: Graph,
    /// Ways that remember where they come from: from, to.
    pushes: Vec<(u32, u32)>,
    /// Where the returns of each node go.
    returns: Graph,
}

impl<'s> Maker<'s> {
    fn new(script: &'s Script, source: &Source<'_, '_>) -> Self {
        let prompts_of = |node: &Node| {
            let categories = node.kb.iter();
            let listed = categories.filter_map(|id| source.categories.get(id.0 as usize));
            let mut prompts: Vec<_> = listed.flat_map(|category| &category.prompts).collect();
            prompts.sort_unstable();
            prompts.dedup();
            let jumps = prompts.into_iter().filter_map(|id| {
                script.prompts.get(id.0 as usize)?.switchflow.as_ref().map(|to| &to.target)
            });
            jumps.collect::<Vec<_>>()
        };
        let jumps: Vec<_> = if script.prompts.iter().any(|prompt| prompt.switchflow.is_some()) {
            script.nodes.iter().map(prompts_of).collect()
        } else {
            vec![Vec::new(); script.nodes.len()]
        };
        let mut maker =
            Self { script, jumps, back: Vec::new(), pushes: Vec::new(), returns: Vec::new() };
        maker.back = backwards(&maker.plain());
        maker.pushes = maker.pushes();
        maker.returns = maker.returns();
        maker
    }

    fn ids(&self) -> impl Iterator<Item = (u32, &'s Node)> + use<'s> {
        (0..).zip(&self.script.nodes)
    }

    fn is_global(&self, id: NodeId) -> bool {
        self.script.node(id).global.is_some()
    }

    fn edges(node: &'s Node) -> impl Iterator<Item = &'s Edge> {
        let is_start = node.action == NodeAction::Start;
        node.edges.iter().filter(move |edge| !is_start && is_taken(node, edge))
    }

    fn jumps_of(&self, node: u32) -> &[&'s SwitchTarget] {
        self.jumps.get(node as usize).map_or(&[], Vec::as_slice)
    }

    /// Ways that remember no source node.
    fn plain(&self) -> Graph {
        let of = |(_, node): (u32, &'s Node)| {
            let edges = Self::edges(node).filter(|edge| !self.is_global(edge.target));
            let mut next: Vec<_> = edges.map(|edge| edge.target.0).collect();
            if let NodeAction::Return(ReturnTarget::Node(target)) = node.action {
                next.push(target.0);
            }
            next
        };
        self.ids().map(of).collect()
    }

    /// Ways that remember where they come from (E55, R14, R26).
    fn pushes(&self) -> Vec<(u32, u32)> {
        let mut pushes = Vec::new();
        for (from, node) in self.ids() {
            let globals = node.globals.iter().copied().filter(|id| self.is_global(*id));
            let edges: Vec<_> = Self::edges(node).map(|edge| edge.target).collect();
            let to_global = edges.iter().copied().filter(|id| self.is_global(*id));
            pushes.extend(globals.clone().chain(to_global).map(|to| (from, to.0)));
            for jump in self.jumps_of(from) {
                match jump {
                    SwitchTarget::Node(to) => pushes.push((from, to.0)),
                    SwitchTarget::Return => {}
                    SwitchTarget::Text(_) | SwitchTarget::Dtmf(_) | SwitchTarget::Complete(_) => {
                        let all = edges.iter().copied().chain(globals.clone());
                        pushes.extend(all.map(|to| (from, to.0)));
                    }
                }
            }
        }
        pushes
    }

    /// Where each node's return goes (E70): to a source node, or to the last node before it.
    fn returns(&self) -> Graph {
        let mut steps = RETURN_STEPS_MAX;
        let mut returns = vec![Vec::new(); self.script.nodes.len()];
        for (at, node) in self.ids() {
            let jumps_back = self.jumps_of(at).contains(&&SwitchTarget::Return);
            let targets = match &node.action {
                NodeAction::Return(ReturnTarget::Node(target)) => vec![target.0],
                NodeAction::Return(ReturnTarget::Source) => self.sources(at, false, &mut steps),
                NodeAction::Return(ReturnTarget::Top) => self.sources(at, true, &mut steps),
                _ if jumps_back => {
                    let mut sources = self.sources(at, false, &mut steps);
                    sources.push(at);
                    sources
                }
                _ => Vec::new(),
            };
            if let Some(place) = returns.get_mut(at as usize) {
                *place = targets;
            }
        }
        returns
    }

    /// The nodes that may be remembered when the call is at this one: the nearest, or the top.
    fn sources(&self, at: u32, top: bool, steps: &mut usize) -> Vec<u32> {
        let cost = self.script.nodes.len() + self.pushes.len();
        let is_exhausted = *steps < cost;
        *steps = steps.saturating_sub(cost);
        let before = reach(&self.back, [at]);
        let is_before = |to: &u32| before.get(*to as usize).copied().unwrap_or(false);
        let pushed = self.pushes.iter().filter(|(_, to)| top || is_exhausted || is_before(to));
        let mut sources: Vec<_> = pushed.map(|(from, _)| *from).collect();
        // With nothing remembered: the last node that is no return itself.
        let mut open = vec![at];
        let mut seen = vec![at];
        while let Some(node) = open.pop() {
            for from in after(&self.back, node) {
                let is_return =
                    matches!(self.script.node(NodeId(*from)).action, NodeAction::Return(_));
                if !is_return {
                    sources.push(*from);
                } else if !seen.contains(from) {
                    seen.push(*from);
                    open.push(*from);
                }
            }
        }
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    /// What follows each node by anything that may happen.
    fn next(&self) -> Graph {
        // An edge of a source node can be taken from a node that understands its source nodes.
        let mut lent: Vec<_> = self
            .pushes
            .iter()
            .flat_map(|(from, _)| Self::edges(self.script.node(NodeId(*from))))
            .map(|edge| edge.target.0)
            .collect();
        lent.sort_unstable();
        lent.dedup();
        let of = |(at, node): (u32, &'s Node)| {
            let edges = Self::edges(node).map(|edge| edge.target.0);
            let globals = node.globals.iter().filter(|id| self.is_global(**id)).map(|id| id.0);
            let mut next: Vec<_> = edges.chain(globals).collect();
            for jump in self.jumps_of(at) {
                if let SwitchTarget::Node(to) = jump {
                    next.push(to.0);
                }
            }
            next.extend(self.returns.get(at as usize).into_iter().flatten());
            if node.source_depth > 0 {
                next.extend(&lent);
            }
            next.sort_unstable();
            next.dedup();
            next
        };
        self.ids().map(of).collect()
    }

    /// What follows each node if the caller says nothing, and where that may be an end.
    fn silent(&self) -> (Graph, Vec<bool>) {
        self.ids()
            .map(|(at, node)| {
                let mut next = Vec::new();
                let mut ends = may_end(node);
                match &node.action {
                    NodeAction::PlayAndDetect | NodeAction::Collect(_) => {
                        ends |= self.outcome(node, "TIMEOUT()", &mut next);
                    }
                    NodeAction::Playback | NodeAction::Set => {
                        ends |= self.outcome(node, "DONE()", &mut next);
                    }
                    NodeAction::Branch => {
                        let held = node.edges.iter().filter(|edge| !edge.when.is_empty());
                        next.extend(held.map(|edge| edge.target.0));
                        ends |= self.outcome(node, "DONE()", &mut next);
                    }
                    NodeAction::Http(_) => {
                        ends |= self.outcome(node, "DONE()", &mut next);
                        ends |= self.outcome(node, "ERROR()", &mut next);
                    }
                    NodeAction::Later => ends |= self.outcome(node, "ERROR()", &mut next),
                    NodeAction::Return(_) => {
                        next.extend(self.returns.get(at as usize).into_iter().flatten());
                        // A node that is used up is an ERROR, and what follows from that.
                        let lasts = |id: &u32| self.script.node(NodeId(*id)).repetition == 0;
                        if !next.iter().all(lasts) {
                            ends |= self.outcome(node, "ERROR()", &mut next);
                        }
                    }
                    NodeAction::Hangup
                    | NodeAction::Transfer
                    | NodeAction::Manual
                    | NodeAction::Application
                    | NodeAction::Start => ends = true,
                }
                next.sort_unstable();
                next.dedup();
                (next, ends)
            })
            .unzip()
    }

    /// Adds what the end of an action leads to (E75); true if it may be that nothing does, and the
    /// robot hangs up. No input (E61) stays at the node, and comes to an end.
    fn outcome(&self, node: &Node, args: &str, next: &mut Vec<u32>) -> bool {
        let all = ways(self.script, node);
        let named = |edge: &Edge| edge.complete.iter().any(|one| one.matches(args).is_some());
        for way in all.iter().filter(|way| named(way.edge)) {
            next.push(way.edge.target.0);
            if way.is_lasting {
                return false;
            }
        }
        if node.source_depth > 0 {
            let sources = self.pushes.iter().map(|(from, _)| self.script.node(NodeId(*from)));
            let edges = sources.flat_map(Self::edges).filter(|edge| named(edge));
            next.extend(edges.map(|edge| edge.target.0));
        }
        for way in all.iter().filter(|way| way.edge.complete.iter().any(is_any)) {
            next.push(way.edge.target.0);
            if way.is_lasting {
                return false;
            }
        }
        true
    }
}

/// True for `any`.
pub(super) fn is_any(condition: &CompleteCondition) -> bool {
    matches!(condition.kind, CompleteKind::Any)
}

/// The strongly connected sets of these nodes, each after those it leads to (Tarjan, without
/// recursion: a script may be twenty thousand nodes deep).
pub(super) fn components(next: &Graph, within: &[bool]) -> Vec<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    let is_within = |node: u32| within.get(node as usize).copied().unwrap_or(false);
    let mut number = vec![NEW; next.len()];
    let mut low = vec![NEW; next.len()];
    let mut is_open = vec![false; next.len()];
    let (mut stack, mut found, mut count) = (Vec::new(), Vec::new(), 0);
    for root in (0..).take(next.len()) {
        if !is_within(root) || number[root as usize] != NEW {
            continue;
        }
        let mut path: Vec<(u32, usize)> = vec![(root, 0)];
        while let Some((node, child)) = path.pop() {
            let at = node as usize;
            if child == 0 {
                (number[at], low[at], is_open[at]) = (count, count, true);
                count += 1;
                stack.push(node);
            }
            if let Some(&to) = after(next, node).get(child) {
                path.push((node, child + 1));
                if is_within(to) {
                    if number[to as usize] == NEW {
                        path.push((to, 0));
                    } else if is_open[to as usize] {
                        low[at] = low[at].min(number[to as usize]);
                    }
                }
                continue;
            }
            if let Some((above, _)) = path.last() {
                low[*above as usize] = low[*above as usize].min(low[at]);
            }
            if low[at] == number[at] {
                let mut component = Vec::new();
                while let Some(member) = stack.pop() {
                    is_open[member as usize] = false;
                    component.push(member);
                    if member == node {
                        break;
                    }
                }
                component.sort_unstable();
                found.push(component);
            }
        }
    }
    found
}

/// The shortest way from one node to any that is wanted, both ends included.
pub(super) fn path(next: &Graph, from: u32, wanted: impl Fn(u32) -> bool) -> Option<Vec<u32>> {
    let mut came_from: Vec<Option<u32>> = vec![None; next.len()];
    *came_from.get_mut(from as usize)? = Some(from);
    let mut open = std::collections::VecDeque::from([from]);
    while let Some(node) = open.pop_front() {
        if wanted(node) {
            let back = |at: &u32| came_from.get(*at as usize).copied().flatten();
            let steps = std::iter::successors(Some(node), |at| back(at).filter(|to| to != at));
            let mut path: Vec<_> = steps.collect();
            path.reverse();
            return Some(path);
        }
        for to in after(next, node) {
            if let Some(place @ None) = came_from.get_mut(*to as usize) {
                *place = Some(node);
                open.push_back(*to);
            }
        }
    }
    None
}
