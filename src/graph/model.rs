//! What is drawn: nodes, ways between them, the knowledge base.

use super::groups::{Group, group};
use super::text::{cut, joined};
use super::traffic::Traffic;
use crate::script::{Edge, Node, NodeAction, Outline, Script, SwitchTarget, Words};

/// What stands at an edge, in columns: as much as a node is wide.
const LABEL_COLUMNS: usize = 44;
/// What a node says.
const SAYS_COLUMNS: usize = 40;
/// A name.
const NAME_COLUMNS: usize = 34;

/// A script to be drawn.
#[derive(Debug)]
pub struct Graph {
    pub(super) name: String,
    pub(super) revision: String,
    pub(super) nodes: Vec<DrawnNode>,
    pub(super) edges: Vec<DrawnEdge>,
    pub(super) groups: Vec<Group>,
    pub(super) categories: Vec<DrawnCategory>,
    pub(super) prompts: Vec<DrawnPrompt>,
    pub(super) traffic: Option<Traffic>,
}

/// What a node does, as far as a picture tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    Start,
    Asks,
    Says,
    HangsUp,
    Returns,
    Transfers,
    Decides,
    Sets,
    TakesKeys,
    AsksWeb,
    Other,
}

#[derive(Debug)]
pub(super) struct DrawnNode {
    /// The whole id, for counting.
    pub(super) id: String,
    /// Id and name.
    pub(super) title: String,
    pub(super) look: Look,
    /// The action in a word.
    pub(super) deed: String,
    pub(super) says: String,
    pub(super) is_global: bool,
    /// A global node's own words.
    pub(super) entry: String,
    /// Knowledge and global nodes it is linked to, repetition and mark.
    pub(super) notes: Vec<String>,
    pub(super) position: Option<(f64, f64)>,
}

#[derive(Debug)]
pub(super) struct DrawnEdge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The condition's id, for counting.
    pub(super) id: String,
    pub(super) label: String,
    pub(super) takes: [bool; 3],
}

#[derive(Debug)]
pub(super) struct DrawnCategory {
    pub(super) title: String,
    pub(super) prompts: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct DrawnPrompt {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) words: String,
    /// Where the call goes afterwards, as written.
    pub(super) then: String,
    pub(super) jump: Option<usize>,
}

impl Graph {
    /// The graph of a script.
    #[must_use]
    pub fn new(script: &Script, outline: &Outline) -> Self {
        let nodes = script.nodes.iter().enumerate().map(|(at, node)| {
            let outlined = outline.nodes.get(at);
            DrawnNode {
                position: outlined.and_then(|outlined| outlined.position),
                entry: outlined
                    .map(|outlined| described(&outlined.entry, LABEL_COLUMNS))
                    .unwrap_or_default(),
                ..drawn_node(script, outline, node)
            }
        });
        let edges = script.nodes.iter().enumerate().flat_map(|(from, node)| {
            let outlined = outline.nodes.get(from);
            node.edges.iter().enumerate().map(move |(at, edge)| {
                drawn_edge(from, edge, outlined.and_then(|outlined| outlined.edges.get(at)))
            })
        });
        let prompts = script.prompts.iter().enumerate().map(|(at, prompt)| {
            let words = outline.prompts.get(at).map(Vec::as_slice).unwrap_or_default();
            let switch = prompt.switchflow.as_ref();
            DrawnPrompt {
                id: prompt.id.to_string(),
                title: titled(&prompt.id, &prompt.name),
                words: joined(words, LABEL_COLUMNS),
                then: switch.map(|switch| cut(&switch.raw, NAME_COLUMNS)).unwrap_or_default(),
                jump: switch.and_then(|switch| match switch.target {
                    SwitchTarget::Node(node) => Some(node.0 as usize),
                    _ => None,
                }),
            }
        });
        let mut graph = Self {
            name: cut(&script.name, NAME_COLUMNS),
            revision: script.revision.to_string(),
            nodes: nodes.collect(),
            edges: edges.collect(),
            groups: Vec::new(),
            categories: categories(script, outline),
            prompts: prompts.collect(),
            traffic: None,
        };
        graph.groups = group(script, &graph);
        graph
    }

    /// The edges of a node: their places in `edges`, which has them in the order of the nodes.
    pub(super) fn edges_of(&self, node: usize) -> std::ops::Range<usize> {
        let start = self.edges.partition_point(|edge| edge.from < node);
        let end = self.edges.partition_point(|edge| edge.from <= node);
        start..end
    }
}

fn drawn_node(script: &Script, outline: &Outline, node: &Node) -> DrawnNode {
    let (look, deed) = look(node);
    let first = node.audio.all().flat_map(|audio| &audio.texts).next();
    let mut notes = Vec::new();
    if !node.kb.is_empty() {
        let ids = node.kb.iter().filter_map(|id| outline.categories.get(id.0 as usize));
        let ids: Vec<_> = ids.map(|category| category.id.as_str()).collect();
        notes.push(cut(&format!("knowledge {}", joined(&ids, LABEL_COLUMNS)), LABEL_COLUMNS));
    }
    if !node.globals.is_empty() {
        let ids: Vec<_> = node.globals.iter().map(|id| script.node(*id).id.as_str()).collect();
        notes.push(cut(&format!("global {}", joined(&ids, LABEL_COLUMNS)), LABEL_COLUMNS));
    }
    let mut marks = Vec::new();
    if !node.potential.raw.is_empty() {
        marks.push(format!("mark {}", node.potential.raw));
    }
    if node.repetition > 0 {
        marks.push(format!("at most {} times", node.repetition));
    }
    if !marks.is_empty() {
        notes.push(cut(&marks.join(", "), LABEL_COLUMNS));
    }
    DrawnNode {
        id: node.id.to_string(),
        title: titled(&node.id, &node.description),
        look,
        deed,
        says: first.map(|text| cut(text.raw(), SAYS_COLUMNS)).unwrap_or_default(),
        is_global: node.global.is_some(),
        entry: String::new(),
        notes,
        position: None,
    }
}

fn look(node: &Node) -> (Look, String) {
    let (look, deed) = match node.action {
        NodeAction::Start => (Look::Start, "starts"),
        NodeAction::PlayAndDetect => (Look::Asks, "asks"),
        NodeAction::Playback => (Look::Says, "says"),
        NodeAction::Hangup => (Look::HangsUp, "hangs up"),
        NodeAction::Return(_) => (Look::Returns, "returns"),
        NodeAction::Transfer | NodeAction::Manual => (Look::Transfers, "transfers"),
        NodeAction::Branch => (Look::Decides, "decides"),
        NodeAction::Set => (Look::Sets, "sets"),
        NodeAction::Collect(_) => (Look::TakesKeys, "takes keys"),
        NodeAction::Http(_) => (Look::AsksWeb, "asks a service"),
        NodeAction::Later | NodeAction::Application => (Look::Other, node.app.as_str()),
    };
    let argument = node.argument.raw();
    let shows_argument = matches!(look, Look::Returns | Look::Transfers | Look::Other);
    let deed = if shows_argument && !argument.is_empty() {
        format!("{deed} {argument}")
    } else {
        deed.to_owned()
    };
    (look, cut(&deed, NAME_COLUMNS))
}

fn drawn_edge(from: usize, edge: &Edge, words: Option<&Words>) -> DrawnEdge {
    let label = if edge.label.is_empty() { String::new() } else { format!("{}: ", edge.label) };
    let label = cut(&label, LABEL_COLUMNS / 2);
    let left = LABEL_COLUMNS - super::text::columns(&label);
    let said = words.map(|words| described(words, left)).unwrap_or_default();
    let label = format!("{label}{said}").trim_end_matches([' ', ':']).to_owned();
    DrawnEdge {
        from,
        to: edge.target.0 as usize,
        id: edge.id.to_string(),
        label,
        takes: [edge.has_text || edge.any_text, !edge.dtmf.is_empty(), !edge.complete.is_empty()],
    }
}

/// What a condition waits for, in so many columns.
fn described(words: &Words, columns: usize) -> String {
    let mut parts = Vec::new();
    let lists = [("", &words.text), ("key ", &words.dtmf), ("end ", &words.complete)];
    for (what, list) in lists.into_iter().chain([("if ", &words.when)]) {
        if !list.is_empty() {
            parts.push(format!("{what}{}", joined(list, columns)));
        }
    }
    // What comes last is short and says much: the words before it make room.
    let rest: usize = parts.iter().skip(1).map(|part| super::text::columns(part) + 3).sum();
    if let Some(first) = parts.first_mut() {
        *first = cut(first, columns.saturating_sub(rest).max(columns / 3));
    }
    cut(&parts.join(" | "), columns)
}

fn titled(id: &str, name: &str) -> String {
    let both = if name.is_empty() { id.to_owned() } else { format!("{id} {name}") };
    cut(&both, NAME_COLUMNS)
}

/// The categories, and last the prompts that are in none.
fn categories(script: &Script, outline: &Outline) -> Vec<DrawnCategory> {
    let mut is_listed = vec![false; script.prompts.len()];
    let mut drawn = Vec::new();
    for category in &outline.categories {
        let prompts: Vec<_> = category.prompts.iter().map(|prompt| prompt.0 as usize).collect();
        for prompt in &prompts {
            if let Some(listed) = is_listed.get_mut(*prompt) {
                *listed = true;
            }
        }
        drawn.push(DrawnCategory { title: titled(&category.id, &category.name), prompts });
    }
    let rest = is_listed.iter().enumerate().filter(|(_, listed)| !**listed);
    let rest: Vec<_> = rest.map(|(at, _)| at).collect();
    if !rest.is_empty() {
        drawn.push(DrawnCategory { title: "in no category".into(), prompts: rest });
    }
    drawn
}
