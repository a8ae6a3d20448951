//! What a node looks like: how large it is, what stands in it, how its outline runs.

use super::model::{Graph, Look};
use super::text::{columns, cut};

/// How wide a column of text is in the picture, in its units: as wide as most letters of a sans-serif
/// of 12 are, and half a Chinese sign.
const COLUMN_WIDTH: f64 = 6.7;
/// How high a line of text is.
pub(super) const LINE_HEIGHT: f64 = 17.0;
/// How high the line of an edge is.
pub(super) const PORT_HEIGHT: f64 = 19.0;
/// Between text and outline.
pub(super) const PAD: f64 = 11.0;
const WIDTH_MIN: f64 = 110.0;
/// The dot that a call begins at.
pub(super) const START_SIZE: f64 = 18.0;

/// How a line of text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hand {
    /// What the node does.
    Deed,
    /// Its name.
    Title,
    /// What it says.
    Speech,
    /// Its links and marks.
    Note,
    /// When a global node is entered.
    Entry,
    /// What was counted.
    Count,
}

/// A node's size and lines.
#[derive(Debug)]
pub(super) struct Face {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) lines: Vec<(Hand, String)>,
    /// A line for each edge, and its count.
    pub(super) ports: Vec<(String, String)>,
}

impl Face {
    pub(super) fn new(graph: &Graph, at: usize) -> Self {
        let Some(node) = graph.nodes.get(at).filter(|node| node.look != Look::Start) else {
            let (width, height) = (START_SIZE, START_SIZE);
            return Self { width, height, lines: Vec::new(), ports: Vec::new() };
        };
        let mut lines = vec![(Hand::Deed, node.deed.clone()), (Hand::Title, node.title.clone())];
        if !node.entry.is_empty() {
            lines.push((Hand::Entry, cut(&format!("on {}", node.entry), 42)));
        }
        if !node.says.is_empty() {
            lines.push((Hand::Speech, node.says.clone()));
        }
        lines.extend(node.notes.iter().map(|note| (Hand::Note, note.clone())));
        if let Some(told) = graph.traffic.as_ref().and_then(|traffic| traffic.nodes.get(at)) {
            lines.push((Hand::Count, told.told()));
        }
        let ports: Vec<_> = graph
            .edges_of(at)
            .map(|edge| {
                let label = graph.edges.get(edge).map(|edge| edge.label.clone());
                let counts = graph.traffic.as_ref().and_then(|traffic| traffic.edges.get(edge));
                let count = counts.map(ToString::to_string).unwrap_or_default();
                (label.unwrap_or_default(), count)
            })
            .collect();
        let texts = lines.iter().map(|(_, text)| width(text));
        // A count stands at the other end of the line.
        let of_ports = ports.iter().map(|(label, count)| width(label) + width(count) + 14.0);
        let widest = texts.chain(of_ports).fold(WIDTH_MIN, f64::max);
        let height = height(lines.len(), LINE_HEIGHT) + height(ports.len(), PORT_HEIGHT) + PAD;
        Self { width: (widest + 2.0 * PAD).round(), height, lines, ports }
    }

    /// How far below the node's top its `nth` edge begins.
    pub(super) fn port(&self, nth: usize) -> f64 {
        if self.lines.is_empty() {
            return self.height / 2.0;
        }
        height(self.lines.len(), LINE_HEIGHT)
            + height(nth, PORT_HEIGHT)
            + PAD * 0.7
            + PORT_HEIGHT / 2.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand lines at most")]
fn height(lines: usize, of_one: f64) -> f64 {
    lines as f64 * of_one
}

/// How wide a text is in the picture.
#[expect(clippy::cast_precision_loss, reason = "a few hundred columns at most")]
pub(super) fn width(text: &str) -> f64 {
    columns(text) as f64 * COLUMN_WIDTH
}

/// The outline of a node as an SVG path: each look has its own, also in black and white. The left
/// side is straight: there lines arrive.
pub(super) fn outline(look: Look, x: f64, y: f64, w: f64, h: f64) -> String {
    let (r, b) = (x + w, y + h);
    let cut = 10.0;
    let middle = y + h / 2.0;
    match look {
        Look::Says => {
            let (c, inner) = (14.0, (w - 28.0, h - 28.0));
            format!(
                "M{} {y}h{}q{c} 0 {c} {c}v{}q0 {c} -{c} {c}h-{}q-{c} 0 -{c} -{c}v-{}q0 -{c} {c} -{c}z",
                x + c,
                inner.0,
                inner.1,
                inner.0,
                inner.1
            )
        }
        Look::HangsUp => format!(
            "M{} {y}H{}L{r} {}V{}L{} {b}H{}L{x} {}V{}z",
            x + cut,
            r - cut,
            y + cut,
            b - cut,
            r - cut,
            x + cut,
            b - cut,
            y + cut
        ),
        Look::Returns => format!("M{x} {y}H{r}L{} {middle}L{r} {b}H{x}z", r - cut),
        Look::Transfers => format!("M{x} {y}H{r}L{} {middle}L{r} {b}H{x}z", r + cut),
        Look::Decides => {
            format!("M{} {y}H{}L{r} {}V{b}H{x}V{}z", x + cut, r - cut, y + cut, y + cut)
        }
        Look::TakesKeys => format!("M{x} {y}H{r}V{b}H{x}zM{} {y}V{b}M{} {y}V{b}", x + 3.5, r - 3.5),
        Look::Sets => format!("M{x} {y}H{r}V{b}H{x}zM{} {y}V{b}", x + 3.5),
        Look::Start | Look::Asks | Look::AsksWeb | Look::Other => {
            format!("M{x} {y}H{r}V{b}H{x}z")
        }
    }
}
