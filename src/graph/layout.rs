//! Where everything goes: nodes where the file has them, the rest in groups below.

use super::layers::{self, Pass, Placed};
use super::model::{DrawnNode, Graph, Look};
use super::shape::{Face, LINE_HEIGHT, PAD, width};

/// Around a group, and between groups.
const GROUP_PAD: f64 = 34.0;
const GROUP_GAP: f64 = 30.0;
/// A group's title.
const TITLE_HEIGHT: f64 = 26.0;
/// Below it, for lines that lead back over the top of nodes.
const LANES_HEIGHT: f64 = 20.0;
/// The dot that a call begins at stands so far to the left of the entry.
const START_LEFT: f64 = 50.0;
/// Small groups stand side by side up to this width, or that of the main flow.
const SHELF_WIDTH_MIN: f64 = 1_200.0;
/// A category with more prompts goes on in a second box.
const CATEGORY_PROMPTS_MAX: usize = 40;
/// Positions that were made for smaller boxes are spread, up to so many times.
const SPREAD_MAX: f64 = 8.0;
/// In steps of this.
const SPREAD_STEP: f64 = 1.15;
/// Spreading compares all boxes; more of them are left as they are.
const SPREAD_NODES_MAX: usize = 2_000;
/// Boxes nearer than this are as good as one over the other.
const NEAR: f64 = 18.0;

/// The picture, laid out.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The top left of each node.
    pub(super) nodes: Vec<(f64, f64)>,
    /// Where the line of each edge passes columns, from left to right.
    pub(super) ways: Vec<Vec<Pass>>,
    pub(super) frames: Vec<Frame>,
    pub(super) categories: Vec<CategoryBox>,
}

/// A frame around a group.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) title: String,
}

/// A part of the knowledge base: a title and a line for each prompt.
#[derive(Debug)]
pub(super) struct CategoryBox {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) title: String,
    pub(super) lines: Vec<PromptLine>,
}

/// A prompt: its name, its words, where it leads, how often it answered.
#[derive(Debug)]
pub(super) struct PromptLine {
    pub(super) title: String,
    pub(super) words: String,
    pub(super) count: String,
}

impl Layout {
    /// Lays a graph out below a head line.
    pub(super) fn new(graph: &Graph, faces: &[Face], head: f64) -> Self {
        let mut layout = Self {
            width: 0.0,
            height: head,
            nodes: vec![(0.0, 0.0); graph.nodes.len()],
            ways: vec![Vec::new(); graph.edges.len()],
            frames: Vec::new(),
            categories: Vec::new(),
        };
        let mut shelf = Shelf { x: GROUP_GAP, y: head, height: 0.0, width_max: SHELF_WIDTH_MIN };
        let kept = Placed { nodes: positions(graph, faces), ways: Vec::new() };
        let mut is_kept = vec![false; graph.nodes.len()];
        for (node, _, _) in &kept.nodes {
            if let Some(kept) = is_kept.get_mut(*node) {
                *kept = true;
            }
        }
        if !kept.nodes.is_empty() {
            layout.add_group(faces, "flow".into(), &kept, &mut shelf);
        }
        for group in &graph.groups {
            let is_free = |node: usize| !is_kept.get(node).copied().unwrap_or(false);
            let members: Vec<_> =
                group.members.iter().copied().filter(|node| is_free(*node)).collect();
            if !members.is_empty() {
                let placed = layers::place(graph, faces, &members);
                layout.add_group(faces, group.title.clone(), &placed, &mut shelf);
            }
        }
        layout.add_categories(graph, &mut shelf);
        layout.width = layout.width.max(400.0) + GROUP_GAP;
        layout.height += GROUP_GAP;
        layout
    }

    /// Puts a group where the shelf has room, with a frame.
    fn add_group(&mut self, faces: &[Face], title: String, placed: &Placed, shelf: &mut Shelf) {
        let mut size = (width(&title), 0.0_f64);
        for (_, pass) in &placed.ways {
            size = (size.0.max(pass.right), size.1.max(pass.y));
        }
        for (node, x, y) in &placed.nodes {
            let Some(face) = faces.get(*node) else { continue };
            // Some outlines point out of their box.
            size = (size.0.max(x + face.width + 12.0), size.1.max(y + face.height));
        }
        let (w, h) = (size.0 + 2.0 * GROUP_PAD, size.1 + GROUP_PAD + TITLE_HEIGHT + LANES_HEIGHT);
        let (x, y) = shelf.put(w, h);
        let (inner_x, inner_y) = (x + GROUP_PAD, y + TITLE_HEIGHT + LANES_HEIGHT);
        for (node, dx, dy) in &placed.nodes {
            if let Some(place) = self.nodes.get_mut(*node) {
                *place = (inner_x + dx, inner_y + dy);
            }
        }
        for (edge, Pass { left, right, y }) in &placed.ways {
            if let Some(way) = self.ways.get_mut(*edge) {
                way.push(Pass { left: inner_x + left, right: inner_x + right, y: inner_y + y });
            }
        }
        self.frames.push(Frame { x, y, width: w, height: h, title });
        self.grow(x + w, y + h);
        shelf.width_max = shelf.width_max.max(self.width);
    }

    fn add_categories(&mut self, graph: &Graph, shelf: &mut Shelf) {
        if !graph.categories.is_empty() {
            shelf.next();
        }
        for category in &graph.categories {
            for (part, prompts) in category.prompts.chunks(CATEGORY_PROMPTS_MAX).enumerate() {
                let more = if part == 0 { "" } else { ", more" };
                let title = format!("knowledge {}{more}", category.title);
                let lines: Vec<_> =
                    prompts.iter().filter_map(|prompt| prompt_line(graph, *prompt)).collect();
                let texts = lines.iter().map(|line| {
                    width(&line.title) + width(&line.words) + width(&line.count) + 40.0
                });
                let w = texts.fold(width(&title) + 20.0, f64::max) + 2.0 * PAD;
                #[expect(clippy::cast_precision_loss, reason = "forty lines at most")]
                let h = lines.len() as f64 * LINE_HEIGHT + TITLE_HEIGHT + PAD;
                let (x, y) = shelf.put(w, h);
                self.categories.push(CategoryBox { x, y, width: w, height: h, title, lines });
                self.grow(x + w, y + h);
            }
        }
    }

    fn grow(&mut self, right: f64, bottom: f64) {
        self.width = self.width.max(right);
        self.height = self.height.max(bottom);
    }
}

fn prompt_line(graph: &Graph, at: usize) -> Option<PromptLine> {
    let prompt = graph.prompts.get(at)?;
    let leads =
        if prompt.then.is_empty() { String::new() } else { format!(" → {}", prompt.then) };
    let words = format!("{}{leads}", prompt.words);
    Some(PromptLine { title: prompt.title.clone(), words, count: graph.prompt_count(at) })
}

/// Rows of boxes from left to right.
struct Shelf {
    x: f64,
    y: f64,
    height: f64,
    width_max: f64,
}

impl Shelf {
    fn put(&mut self, width: f64, height: f64) -> (f64, f64) {
        if self.x > GROUP_GAP && self.x + width > self.width_max {
            self.next();
        }
        let place = (self.x, self.y);
        self.x += width + GROUP_GAP;
        self.height = self.height.max(height);
        place
    }

    /// Begins a new row.
    fn next(&mut self) {
        if self.x > GROUP_GAP {
            self.x = GROUP_GAP;
            self.y += self.height + GROUP_GAP;
            self.height = 0.0;
        }
    }
}

/// The positions of the file from the origin on, spread if boxes would lie over each other.
fn positions(graph: &Graph, faces: &[Face]) -> Vec<(usize, f64, f64)> {
    let placed = graph.nodes.iter().enumerate();
    let mut placed: Vec<_> =
        placed.filter_map(|(at, node)| node.position.map(|(x, y)| (at, x, y))).collect();
    let least =
        |of: fn(&(usize, f64, f64)) -> f64| placed.iter().map(of).fold(f64::INFINITY, f64::min);
    let (left, top) = (least(|place| place.1), least(|place| place.2));
    for place in &mut placed {
        *place = (place.0, place.1 - left, place.2 - top);
    }
    let mut spread = 1.0;
    while placed.len() <= SPREAD_NODES_MAX && spread < SPREAD_MAX && overlap(&placed, faces, spread)
    {
        spread *= SPREAD_STEP;
    }
    // Two nodes at one place can't be told apart by any spreading.
    let spread = if spread < SPREAD_MAX { spread } else { 1.0 };
    for place in &mut placed {
        *place = (place.0, place.1 * spread, place.2 * spread);
    }
    add_start(graph, &mut placed);
    placed
}

/// An editor need not know of the dot that a call begins at: it goes to the left of the entry.
fn add_start(graph: &Graph, placed: &mut Vec<(usize, f64, f64)>) {
    let starts = |node: &DrawnNode| node.look == Look::Start && node.position.is_none();
    let Some(start) = graph.nodes.iter().position(starts) else { return };
    let first = graph.edges.get(graph.edges_of(start)).and_then(<[_]>::first);
    let entry = first.and_then(|edge| placed.iter().find(|(node, _, _)| *node == edge.to));
    if let Some((_, x, y)) = entry.copied() {
        for place in placed.iter_mut() {
            place.1 += START_LEFT;
        }
        placed.push((start, x, y + PAD));
    }
}

fn overlap(placed: &[(usize, f64, f64)], faces: &[Face], spread: f64) -> bool {
    let size = |node: usize| faces.get(node).map_or((0.0, 0.0), |face| (face.width, face.height));
    placed.iter().enumerate().any(|(at, (node, x, y))| {
        let (w, h) = size(*node);
        placed.iter().skip(at + 1).any(|(other, ox, oy)| {
            let (ow, oh) = size(*other);
            let (dx, dy) = ((ox - x) * spread, (oy - y) * spread);
            dx < w + NEAR && -dx < ow + NEAR && dy < h + NEAR && -dy < oh + NEAR
        })
    })
}
