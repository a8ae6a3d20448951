//! Where nodes go that no editor has placed: in columns by their distance from the entry.

use super::model::Graph;
use super::shape::{Face, PORT_HEIGHT};

/// Between columns: room for lines to cross.
const COLUMN_GAP: f64 = 90.0;
/// Between the nodes of a column.
const ROW_GAP: f64 = 26.0;
/// Between a line that passes a column and what is below it.
const LINE_GAP: f64 = 12.0;
/// A line that passes more columns runs straight: it would push everything else aside.
const PASSED_MAX: usize = 12;
/// A column is shown in several if it has more nodes: a wall of a hundred is not read.
const COLUMN_NODES_MAX: usize = 12;
/// Times that nodes are moved towards what they are joined to; more change little.
const SWEEPS: usize = 4;

/// A group, laid out from its origin on.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// The top left of each node.
    pub(super) nodes: Vec<(usize, f64, f64)>,
    /// Where the line of an edge passes the columns between its nodes.
    pub(super) ways: Vec<(usize, Pass)>,
}

/// A part of a line that runs straight through a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pass {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) y: f64,
}

/// Lays the members of a group out.
pub(super) fn place(graph: &Graph, faces: &[Face], members: &[usize]) -> Placed {
    let mut columns = columns(graph, members);
    let mut column_of = vec![None; graph.nodes.len()];
    for (at, column) in columns.iter().enumerate() {
        for node in column {
            if let Some(place) = column_of.get_mut(*node) {
                *place = Some(at);
            }
        }
    }
    let joints = Joints::new(graph, &column_of, &mut columns);
    let mut ys: Vec<Option<f64>> = vec![None; joints.before.len()];
    for sweep in 0..=SWEEPS {
        let is_back = sweep % 2 == 1;
        let count = columns.len();
        for step in 0..count {
            let at = if is_back { count - 1 - step } else { step };
            let Some(column) = columns.get_mut(at) else { continue };
            settle(column, faces, &mut ys, &joints, is_back);
        }
    }
    let mut placed = Placed::default();
    let mut left = 0.0;
    for column in &columns {
        let width = |node: &usize| faces.get(*node).map_or(0.0, |face| face.width);
        let right = left + column.iter().map(width).fold(0.0, f64::max);
        for node in column {
            let y = ys.get(*node).copied().flatten().unwrap_or(0.0);
            match node.checked_sub(graph.nodes.len()).and_then(|at| joints.passing.get(at)) {
                Some(edge) => placed.ways.push((*edge, Pass { left, right, y })),
                None => placed.nodes.push((*node, left, y)),
            }
        }
        left = right + COLUMN_GAP;
    }
    let tops = placed.nodes.iter().map(|(_, _, y)| *y);
    let top = tops.chain(placed.ways.iter().map(|(_, pass)| pass.y)).fold(f64::INFINITY, f64::min);
    for (_, _, y) in &mut placed.nodes {
        *y -= top;
    }
    for (_, pass) in &mut placed.ways {
        pass.y -= top;
    }
    placed
}

/// The nodes of each distance, long columns cut into several. The distance is that of the longest
/// way that does not go in circles, so that nearly all lines lead to the right.
fn columns(graph: &Graph, members: &[usize]) -> Vec<Vec<usize>> {
    let mut is_member = vec![false; graph.nodes.len()];
    for node in members {
        if let Some(member) = is_member.get_mut(*node) {
            *member = true;
        }
    }
    let mut walk = Walk { met: vec![false; graph.nodes.len()], done: Vec::new() };
    for node in members {
        walk.from(graph, *node, &is_member);
    }
    let mut rank = vec![0; graph.nodes.len()];
    for (nth, node) in walk.done.iter().rev().enumerate() {
        if let Some(rank) = rank.get_mut(*node) {
            *rank = nth;
        }
    }
    let mut distance = vec![0_usize; graph.nodes.len()];
    for node in walk.done.iter().rev() {
        let own = distance.get(*node).copied().unwrap_or(0);
        for edge in graph.edges.get(graph.edges_of(*node)).unwrap_or_default() {
            // What was done later stands earlier: a line to there leads back.
            if rank.get(edge.to) > rank.get(*node)
                && let Some(other) = distance.get_mut(edge.to)
            {
                *other = (*other).max(own + 1);
            }
        }
    }
    let mut by_distance = members.to_vec();
    by_distance.sort_by_key(|node| distance.get(*node).copied());
    let columns = by_distance.chunk_by(|one, next| distance.get(*one) == distance.get(*next));
    columns.flat_map(|column| column.chunks(COLUMN_NODES_MAX)).map(<[usize]>::to_vec).collect()
}

/// A walk along the edges, each node once, those it leads to before it is done.
struct Walk {
    met: Vec<bool>,
    done: Vec<usize>,
}

impl Walk {
    fn meet(&mut self, node: usize, is_member: &[bool]) -> bool {
        let is_new = self.met.get_mut(node).is_some_and(|met| !std::mem::replace(met, true));
        is_new && is_member.get(node).copied().unwrap_or(false)
    }

    fn from(&mut self, graph: &Graph, node: usize, is_member: &[bool]) {
        if !self.meet(node, is_member) {
            return;
        }
        // A stack of its own: a script may be a chain of 20,000 nodes.
        let mut open = vec![(node, graph.edges_of(node))];
        while let Some((node, edges)) = open.last_mut() {
            let Some(edge) = edges.next() else {
                self.done.push(*node);
                open.pop();
                continue;
            };
            let Some(to) = graph.edges.get(edge).map(|edge| edge.to) else { continue };
            if self.meet(to, is_member) {
                open.push((to, graph.edges_of(to)));
            }
        }
    }
}

/// Which nodes of other columns each is joined to, and how far below the top of each the line is. A
/// line that passes columns has a place in each of them, as if it were a node there.
struct Joints {
    before: Vec<Vec<(usize, f64)>>,
    behind: Vec<Vec<(usize, f64)>>,
    /// The edges of those places, which are numbered behind the nodes.
    passing: Vec<usize>,
}

impl Joints {
    fn new(graph: &Graph, column_of: &[Option<usize>], columns: &mut [Vec<usize>]) -> Self {
        let mut joints = Self {
            before: vec![Vec::new(); graph.nodes.len()],
            behind: vec![Vec::new(); graph.nodes.len()],
            passing: Vec::new(),
        };
        let column = |node: usize| column_of.get(node).copied().flatten();
        for (at, edge) in graph.edges.iter().enumerate() {
            let (Some(from), Some(to)) = (column(edge.from), column(edge.to)) else { continue };
            if from >= to {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "a few thousand edges at most")]
            let mut port = (at - graph.edges_of(edge.from).start) as f64 * PORT_HEIGHT;
            let mut last = edge.from;
            for passed in from + 1..to {
                let Some(column) = columns.get_mut(passed).filter(|_| to - from <= PASSED_MAX)
                else {
                    break;
                };
                let place = joints.before.len();
                column.push(place);
                joints.before.push(Vec::new());
                joints.behind.push(Vec::new());
                joints.passing.push(at);
                joints.join(last, place, port);
                (last, port) = (place, 0.0);
            }
            joints.join(last, edge.to, port);
        }
        joints
    }

    fn join(&mut self, from: usize, to: usize, port: f64) {
        if let Some(before) = self.before.get_mut(to) {
            before.push((from, port));
        }
        if let Some(behind) = self.behind.get_mut(from) {
            behind.push((to, -port));
        }
    }
}

/// Puts the nodes of a column near what they are joined to, without one over another.
fn settle(
    column: &mut [usize],
    faces: &[Face],
    ys: &mut [Option<f64>],
    joints: &Joints,
    is_back: bool,
) {
    let joined = if is_back { &joints.behind } else { &joints.before };
    let mut wanted: Vec<(usize, Option<f64>)> = column
        .iter()
        .map(|node| {
            let near = joined.get(*node).map(Vec::as_slice).unwrap_or_default();
            let near: Vec<f64> = near
                .iter()
                .filter_map(|(other, port)| Some(ys.get(*other).copied().flatten()? + port))
                .collect();
            #[expect(clippy::cast_precision_loss, reason = "a few thousand edges at most")]
            let mean = near.iter().sum::<f64>() / near.len() as f64;
            let own = ys.get(*node).copied().flatten();
            (*node, if near.is_empty() { own } else { Some(mean) })
        })
        .collect();
    // One that is joined to nothing stays behind the one before it.
    let mut last = f64::NEG_INFINITY;
    for (_, y) in &mut wanted {
        last = y.unwrap_or(last);
        *y = Some(last);
    }
    wanted.sort_by(|one, other| one.1.unwrap_or(0.0).total_cmp(&other.1.unwrap_or(0.0)));
    let mut bottom = f64::NEG_INFINITY;
    let mut drift = 0.0;
    let mut tops = Vec::with_capacity(wanted.len());
    for (node, y) in &wanted {
        let y = y.filter(|y| y.is_finite());
        let top = y.unwrap_or(0.0).max(if bottom.is_finite() { bottom } else { f64::MIN });
        drift += y.map_or(0.0, |y| top - y);
        bottom = top + faces.get(*node).map_or(LINE_GAP, |face| face.height + ROW_GAP);
        tops.push(top);
    }
    #[expect(clippy::cast_precision_loss, reason = "a column has a dozen nodes")]
    let drift = drift / wanted.len().max(1) as f64;
    for ((place, (node, _)), top) in column.iter_mut().zip(&wanted).zip(tops) {
        *place = *node;
        if let Some(y) = ys.get_mut(*node) {
            *y = Some(top - drift);
        }
    }
}
