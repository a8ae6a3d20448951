//! Where nodes go that no editor has placed: in columns by their distance from the entry.

use super::model::Graph;
use super::shape::{Face, PORT_HEIGHT};

/// Between columns: room for lines to cross.
const COLUMN_GAP: f64 = 90.0;
/// Between the nodes of a column.
const ROW_GAP: f64 = 26.0;
/// A column is shown in several if it has more nodes: a wall of a hundred is not read.
const COLUMN_NODES_MAX: usize = 12;
/// Times that nodes are moved towards what they are joined to; more change little.
const SWEEPS: usize = 4;

/// Places for the members of a group, from the origin on; each `(node, x, y)`.
pub(super) fn place(
    graph: &Graph,
    faces: &[Face],
    members: &[(usize, usize)],
) -> Vec<(usize, f64, f64)> {
    let columns = columns(members);
    let mut ys: Vec<Option<f64>> = vec![None; graph.nodes.len()];
    let mut column_of = vec![usize::MAX; graph.nodes.len()];
    for (at, column) in columns.iter().enumerate() {
        for node in column {
            if let Some(place) = column_of.get_mut(*node) {
                *place = at;
            }
        }
    }
    let joints = Joints::new(graph, &column_of);
    let mut columns = columns;
    for sweep in 0..=SWEEPS {
        let is_back = sweep % 2 == 1;
        let count = columns.len();
        for step in 0..count {
            let at = if is_back { count - 1 - step } else { step };
            let Some(column) = columns.get_mut(at) else { continue };
            settle(column, faces, &mut ys, &joints, is_back);
        }
    }
    let mut placed = Vec::with_capacity(members.len());
    let mut x = 0.0;
    for column in &columns {
        let mut width: f64 = 0.0;
        for node in column {
            placed.push((*node, x, ys.get(*node).copied().flatten().unwrap_or(0.0)));
            width = width.max(faces.get(*node).map_or(0.0, |face| face.width));
        }
        x += width + COLUMN_GAP;
    }
    let top = placed.iter().map(|(_, _, y)| *y).fold(f64::INFINITY, f64::min);
    for (_, _, y) in &mut placed {
        *y -= top;
    }
    placed
}

/// The nodes of each distance, long columns cut into several.
fn columns(members: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let by_distance = members.chunk_by(|one, next| one.1 == next.1);
    let columns = by_distance.flat_map(|column| column.chunks(COLUMN_NODES_MAX));
    columns.map(|column| column.iter().map(|(node, _)| *node).collect()).collect()
}

/// Which nodes of other columns each is joined to, and how far below the top of each the line is.
struct Joints {
    before: Vec<Vec<(usize, f64)>>,
    behind: Vec<Vec<(usize, f64)>>,
}

impl Joints {
    fn new(graph: &Graph, column_of: &[usize]) -> Self {
        let mut joints = Self {
            before: vec![Vec::new(); graph.nodes.len()],
            behind: vec![Vec::new(); graph.nodes.len()],
        };
        let column = |node: usize| column_of.get(node).copied().filter(|at| *at != usize::MAX);
        for (at, edge) in graph.edges.iter().enumerate() {
            let (Some(from), Some(to)) = (column(edge.from), column(edge.to)) else { continue };
            if from >= to {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "a few thousand edges at most")]
            let port = (at - graph.edges_of(edge.from).start) as f64 * PORT_HEIGHT;
            if let Some(before) = joints.before.get_mut(edge.to) {
                before.push((edge.from, port));
            }
            if let Some(behind) = joints.behind.get_mut(edge.from) {
                behind.push((edge.to, -port));
            }
        }
        joints
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
        bottom = top + faces.get(*node).map_or(0.0, |face| face.height) + ROW_GAP;
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
