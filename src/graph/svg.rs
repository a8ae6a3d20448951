//! SVG, by our own writer: one file that any browser shows.

use std::fmt::Write as _;

use super::layers::Pass;
use super::layout::{CategoryBox, Frame, Layout};
use super::model::{Graph, Look};
use super::shape::{Face, Hand, LINE_HEIGHT, PAD, PORT_HEIGHT, START_SIZE, outline};
use super::text::clean;

/// Room for the title above everything.
const HEAD_HEIGHT: f64 = 64.0;

/// Colours only add to what shapes and words say already.
const STYLE: &str = "text{font:12px 'Noto Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',\
sans-serif;fill:#1a1a1a}.h{font-size:20px;font-weight:600}.t{font-weight:600}.d{font-size:11px;\
fill:#555}.s{font-style:italic;fill:#333}.n{font-size:11px;fill:#555}.c{font-weight:600;fill:#7a2a00}\
.f{fill:#fbfbfa;stroke:#bbb}.k{fill:#fff;stroke:#777}.o{stroke:#333;stroke-width:1.4;fill:#fff}\
.asks{fill:#e8f1fb}.says{fill:#eef7ea}.hangs{fill:#e6e6e6;stroke-width:2.4}.returns{fill:#fff6dd}\
.transfers{fill:#f6e9f7}.web{stroke-dasharray:6 3}.other{stroke-dasharray:2 3}\
.g{fill:none;stroke:#333;stroke-width:1}.p{stroke:#ccc;stroke-width:1}\
.e{fill:none;stroke:#5b6b7b;stroke-width:1.5}.z{stroke:#b9b9b9;stroke-dasharray:3 3}";

impl Graph {
    /// The script as an SVG picture. Nodes are where the file has them (`position`), the others in
    /// columns by their distance from the entry; an edge begins at its line in the node.
    #[must_use]
    pub fn svg(&self) -> String {
        let faces: Vec<_> = (0..self.nodes.len()).map(|at| Face::new(self, at)).collect();
        let layout = Layout::new(self, &faces, HEAD_HEIGHT);
        let mut svg = Writer { out: String::new() };
        let (width, height) = (layout.width.ceil(), layout.height.ceil());
        svg.raw(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n"
        ));
        svg.element("title", "", &self.title());
        svg.raw(format_args!(
            "<style>{STYLE}</style>\n<defs><marker id=\"a\" viewBox=\"0 0 10 10\" refX=\"9\" \
             refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" \
             orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"#5b6b7b\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        ));
        svg.text(30.0, 36.0, "h", &self.title());
        for frame in &layout.frames {
            svg.frame(frame);
        }
        for path in self.paths(&faces, &layout) {
            svg.raw(format_args!("{path}"));
        }
        for (at, face) in faces.iter().enumerate() {
            self.draw_node(at, face, &layout, &mut svg);
        }
        for category in &layout.categories {
            svg.category(category);
        }
        svg.out.push_str("</svg>\n");
        svg.out
    }

    /// The line of each edge, with its words as a tip.
    fn paths(&self, faces: &[Face], layout: &Layout) -> Vec<String> {
        let arrivals = self.arrivals(faces, layout);
        let mut drawn = Vec::with_capacity(self.edges.len());
        for (at, edge) in self.edges.iter().enumerate() {
            let place = |node: usize| Some((faces.get(node)?, layout.nodes.get(node)?));
            let (Some((face, from)), Some((target, to))) = (place(edge.from), place(edge.to))
            else {
                continue;
            };
            let nth = at - self.edges_of(edge.from).start;
            let start = (from.0 + face.width, from.1 + face.port(nth));
            let end = (to.0, arrivals.get(at).copied().unwrap_or(to.1 + target.height / 2.0));
            let way = layout.ways.get(at).map(Vec::as_slice).unwrap_or_default();
            let path = if to.0 >= start.0 {
                forward(start, end, way)
            } else {
                back(start, end, from.1.min(to.1), nth)
            };
            let mut line = Writer { out: String::new() };
            let traffic = self.traffic.as_ref();
            let is_unused = traffic.is_some_and(|traffic| traffic.edges.get(at) == Some(&0));
            let class = if is_unused { "e z" } else { "e" };
            let width =
                traffic.map(|traffic| format!(" style=\"stroke-width:{:.1}\"", traffic.width(at)));
            line.raw(format_args!(
                "<path class=\"{class}\"{} d=\"{path}\" marker-end=\"url(#a)\">",
                width.unwrap_or_default()
            ));
            line.element("title", "", &self.edge_label(at));
            line.raw(format_args!("</path>\n"));
            drawn.push(line.out);
        }
        drawn
    }

    /// Where at the left side of its target each line arrives: one below the other, in the order of
    /// where they come from.
    fn arrivals(&self, faces: &[Face], layout: &Layout) -> Vec<f64> {
        let mut order: Vec<usize> = (0..self.edges.len()).collect();
        let key = |at: &usize| {
            let edge = self.edges.get(*at);
            let source = edge.and_then(|edge| layout.nodes.get(edge.from));
            let passed = layout.ways.get(*at).and_then(|way| way.last());
            let from = passed.map(|pass| pass.y).or(source.map(|place| place.1)).unwrap_or(0.0);
            (edge.map_or(0, |edge| edge.to), from)
        };
        order.sort_by(|one, other| {
            let (one, other) = (key(one), key(other));
            one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
        });
        let mut arrivals = vec![0.0; self.edges.len()];
        let target = |at: &usize| self.edges.get(*at).map_or(0, |edge| edge.to);
        for same in order.chunk_by(|one, other| target(one) == target(other)) {
            let to = same.first().map_or(0, target);
            let height = faces.get(to).map_or(0.0, |face| face.height);
            let top = layout.nodes.get(to).map_or(0.0, |place| place.1);
            #[expect(clippy::cast_precision_loss, reason = "a few thousand edges at most")]
            let step = ((height - 32.0).max(0.0) / same.len() as f64).min(10.0);
            let mut y = top + if height > START_SIZE { 20.0 } else { height / 2.0 };
            for at in same {
                if let Some(arrival) = arrivals.get_mut(*at) {
                    *arrival = y;
                }
                y += step;
            }
        }
        arrivals
    }

    fn draw_node(&self, at: usize, face: &Face, layout: &Layout, svg: &mut Writer) {
        let (Some(node), Some((x, y))) = (self.nodes.get(at), layout.nodes.get(at).copied()) else {
            return;
        };
        if node.look == Look::Start {
            let r = START_SIZE / 2.0;
            svg.raw(format_args!("<circle cx=\"{}\" cy=\"{}\" r=\"{r}\"/>\n", x + r, y + r));
            return;
        }
        svg.raw(format_args!("<g>\n"));
        svg.element("title", "", &format!("{}, {}", node.title, node.deed));
        if node.is_global {
            let around = outline(node.look, x - 3.5, y - 3.5, face.width + 7.0, face.height + 7.0);
            svg.raw(format_args!("<path class=\"g\" d=\"{around}\"/>\n"));
        }
        let path = outline(node.look, x, y, face.width, face.height);
        svg.raw(format_args!("<path class=\"o {}\" d=\"{path}\"/>\n", class(node.look)));
        let mut baseline = y + PAD + 6.0;
        for (hand, text) in &face.lines {
            svg.text(x + PAD, baseline, hand_class(*hand), text);
            baseline += LINE_HEIGHT;
        }
        for (nth, (label, count)) in face.ports.iter().enumerate() {
            let middle = y + face.port(nth);
            let top = middle - PORT_HEIGHT / 2.0;
            svg.raw(format_args!(
                "<path class=\"p\" d=\"M{} {top}h{}\"/>\n",
                x + 5.0,
                face.width - 10.0
            ));
            svg.text(x + PAD, middle + 4.0, "l", label);
            if !count.is_empty() {
                svg.text_to(x + face.width - PAD, middle + 4.0, "c", count);
            }
        }
        svg.raw(format_args!("</g>\n"));
    }
}

/// A line to the right, through the columns between.
fn forward(start: (f64, f64), end: (f64, f64), way: &[Pass]) -> String {
    let mut path = format!("M{:.1} {:.1}", start.0, start.1);
    let mut at = start;
    let stops = way.iter().map(|pass| ((pass.left, pass.y), pass.right));
    for (to, right) in stops.chain([(end, end.0)]) {
        let bend = ((to.0 - at.0) / 2.0).clamp(20.0, 220.0);
        let (x1, x2) = (at.0 + bend, to.0 - bend);
        let (y1, y2) = (at.1, to.1);
        push(&mut path, format_args!("C{x1:.1} {y1:.1} {x2:.1} {y2:.1} {:.1} {y2:.1}", to.0));
        if right > to.0 {
            push(&mut path, format_args!("H{right:.1}"));
        }
        at = (right, y2);
    }
    path
}

/// A line back to the left: over the top of both nodes, each line a little higher.
fn back(start: (f64, f64), end: (f64, f64), top: f64, nth: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is less than four")]
    let lane = top - 9.0 - 3.0 * (nth % 4) as f64;
    let (out, turn) = (start.0 + 16.0, end.0 - 20.0);
    let mut path = format!("M{:.1} {:.1}", start.0, start.1);
    let (x1, x2) = (out + 16.0, out - 8.0);
    push(&mut path, format_args!("C{x1:.1} {:.1} {x1:.1} {lane:.1} {x2:.1} {lane:.1}", start.1));
    let (x1, x2) = (turn + 8.0, turn - 12.0);
    push(&mut path, format_args!("H{x1:.1}C{x2:.1} {lane:.1} {x2:.1} {:.1}", end.1));
    push(&mut path, format_args!(" {:.1} {:.1}", end.0, end.1));
    path
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("writing to memory can't fail");
}

fn class(look: Look) -> &'static str {
    match look {
        Look::Asks => "asks",
        Look::Says => "says",
        Look::HangsUp => "hangs",
        Look::Returns => "returns",
        Look::Transfers => "transfers",
        Look::AsksWeb => "web",
        Look::Other => "other",
        Look::Start | Look::Decides | Look::Sets | Look::TakesKeys => "plain",
    }
}

fn hand_class(hand: Hand) -> &'static str {
    match hand {
        Hand::Deed => "d",
        Hand::Title => "t",
        Hand::Speech => "s",
        Hand::Note => "n",
        Hand::Entry => "l",
        Hand::Count => "c",
    }
}

/// Writes elements; every text of a script goes through `escape`.
struct Writer {
    out: String,
}

impl Writer {
    fn raw(&mut self, what: std::fmt::Arguments<'_>) {
        push(&mut self.out, what);
    }

    fn element(&mut self, name: &str, attributes: &str, text: &str) {
        self.raw(format_args!("<{name}{attributes}>{}</{name}>\n", escape(text)));
    }

    /// A text from here to the right.
    fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        self.element("text", &format!(" x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\""), text);
    }

    /// A text from the left up to here.
    fn text_to(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let place = format!(" x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"end\"");
        self.element("text", &place, text);
    }

    fn frame(&mut self, frame: &Frame) {
        let Frame { x, y, width, height, title } = frame;
        self.raw(format_args!(
            "<rect class=\"f\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"
        ));
        self.text(x + 12.0, y + 20.0, "n", title);
    }

    fn category(&mut self, category: &CategoryBox) {
        let CategoryBox { x, y, width, height, title, lines } = category;
        self.raw(format_args!(
            "<rect class=\"k\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>\n"
        ));
        self.text(x + PAD, y + 18.0, "t", title);
        let second = lines.iter().map(|line| super::shape::width(&line.title)).fold(0.0, f64::max);
        let mut baseline = y + 40.0;
        for line in lines {
            self.text(x + PAD, baseline, "l", &line.title);
            self.text(x + PAD + second + 14.0, baseline, "n", &line.words);
            self.text_to(x + width - PAD, baseline, "c", &line.count);
            baseline += LINE_HEIGHT;
        }
    }
}

/// A text inside an element or an attribute (N10).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
