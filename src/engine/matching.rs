//! The order in which an answer is looked for (E50 steps 4 to 8, E51, E75, R4, R11).

use smallvec::SmallVec;
use smol_str::SmolStr;

use super::counters::Counters;
use super::explain::Explain;
use super::row::{Method, ResponseType};
use super::stack::Stack;
use super::vars::Variables;
use crate::script::{
    CompleteCondition, CompleteKind, CompleteMatch, DtmfCondition, DtmfKind, Edge, Found, Hit,
    Listed, NodeAction, NodeId, PromptId, Scope, Script,
};

/// What was found, and how it stands in the row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) answer: Answer,
    pub(super) why: Why,
}

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Node {
        node: NodeId,
        kind: ResponseType,
        /// How many source nodes are dropped: the edge is one of theirs (R14).
        levels: usize,
    },
    Prompt(PromptId),
}

/// The matching columns of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) method: Method,
    pub(super) condition: SmolStr,
    pub(super) condition_id: SmolStr,
    pub(super) weight: i64,
    pub(super) keyword: SmolStr,
}

impl Why {
    /// A method alone.
    pub(super) fn by(method: Method) -> Self {
        Self {
            method,
            condition: SmolStr::default(),
            condition_id: SmolStr::default(),
            weight: 0,
            keyword: SmolStr::default(),
        }
    }

    fn edge(self, edge: &Edge) -> Self {
        Self { condition_id: edge.id.clone(), weight: edge.weight, ..self }
    }
}

/// Where in the conversation an answer is looked for.
pub(super) struct Position<'a> {
    pub(super) script: &'a Script,
    pub(super) node: NodeId,
    pub(super) stack: &'a Stack,
    pub(super) counters: &'a Counters,
    pub(super) variables: &'a Variables,
    /// How long the call has lasted, ms.
    pub(super) elapsed_ms: u64,
}

/// Smaller answers first: priority, own before global, file order.
type Rank = (i64, usize, u32);

/// An edge in force at the node, with its place in the order.
#[derive(Clone, Copy)]
struct Way<'a> {
    edge: &'a Edge,
    kind: ResponseType,
    /// 0 = own, else 1 + the place in `globalflow`.
    tier: usize,
    /// Its place among the node's edges.
    at: usize,
}

impl<'a> Way<'a> {
    fn rank(&self, order: u32) -> Rank {
        (self.edge.priority, self.tier, order)
    }

    fn choice(&self, why: Why) -> Choice {
        let answer = Answer::Node { node: self.edge.target, kind: self.kind, levels: 0 };
        Choice { answer, why: why.edge(self.edge) }
    }
}

impl<'a> Position<'a> {
    /// Steps 4, 5 and 6: concrete keywords of the node and its globals, of its source nodes, and
    /// of the knowledge base.
    pub(super) fn concrete(&self, text: &str, explain: &mut Explain) -> Option<Choice> {
        let found = self.look(text, explain);
        self.own_and_global(&found, text, false, explain)
            .or_else(|| self.source_edges(&found, text, explain))
            .or_else(|| self.knowledge(&found, text, explain))
    }

    /// Step 3, and 4 to 6: the keyword that an NLP service names, if there is one; else what the
    /// text says.
    pub(super) fn meant_or_said(
        &self,
        keyword: &str,
        text: &str,
        explain: &mut Explain,
    ) -> Option<Choice> {
        let meant = if keyword.is_empty() { None } else { self.meant(keyword, explain) };
        meant.or_else(|| self.concrete(text, explain))
    }

    fn meant(&self, keyword: &str, explain: &mut Explain) -> Option<Choice> {
        explain.step("the keyword that the NLP service names");
        let mut ways = self.listed_ways();
        ways.retain(|(_, _, listed)| listed.keyword == keyword);
        let flow = ways.into_iter().find_map(|(_, way, listed)| {
            let why = named(&listed);
            self.is_left(way.edge, (&why, ""), explain).then(|| way.choice(why))
        });
        flow.or_else(|| {
            let mut prompts = self.listed_prompts().filter(|listed| listed.keyword == keyword);
            prompts.find_map(|listed| {
                let prompt = PromptId(listed.owner);
                let left = self.counters.prompt_is_left(self.script, prompt);
                let why = named(&listed);
                explain.candidate(&self.script.prompt(prompt).id, "", (&why.keyword, ""), left);
                left.then_some(Choice { answer: Answer::Prompt(prompt), why })
            })
        })
    }

    /// The keywords of step 4 in their order, for an NLP service.
    pub(super) fn flow_keywords(&self) -> Vec<&'a str> {
        self.listed_ways().into_iter().map(|(_, _, listed)| listed.keyword.as_str()).collect()
    }

    /// The keywords of step 6 in their order, for an NLP service.
    pub(super) fn kb_keywords(&self) -> Vec<&'a str> {
        self.listed_prompts().map(|listed| listed.keyword.as_str()).collect()
    }

    fn listed_ways(&self) -> Vec<(Rank, Way<'a>, Listed<'a>)> {
        let edges = &self.script.node(self.node).edges;
        let own = self.script.matcher.keywords(Scope::Edges(self.node)).filter_map(|listed| {
            let at = listed.owner as usize;
            let way = Way { edge: edges.get(at)?, kind: ResponseType::Flow, tier: 0, at };
            Some((way.rank(listed.order), way, listed))
        });
        let global = self.global_ways().flat_map(|(global, way)| {
            let keywords = self.script.matcher.keywords(Scope::Global(global));
            keywords.map(move |listed| (way.rank(listed.order), way, listed))
        });
        let mut ways: Vec<_> = own.chain(global).collect();
        ways.sort_by_key(|(rank, ..)| *rank);
        ways
    }

    fn listed_prompts(&self) -> impl Iterator<Item = Listed<'a>> {
        let script = self.script;
        let categories = script.node(self.node).kb.iter();
        categories.flat_map(move |category| script.matcher.keywords(Scope::Category(*category)))
    }

    /// Step 1: a noise rule that has a keyword in the text, of a sentence that is short enough.
    pub(super) fn noise(&self, text: &str, duration_ms: i64, explain: &mut Explain) -> Option<Why> {
        let rules = &self.script.noise;
        if rules.is_empty() {
            return None;
        }
        explain.step("noise rules");
        let found = self.look(text, explain);
        let mut hits: SmallVec<[Hit; 8]> = SmallVec::new();
        self.script.matcher.hits(&found, Scope::Noise, |hit| hits.push(hit));
        hits.sort_unstable_by_key(|hit| hit.order);
        hits.into_iter().find_map(|hit| {
            let rule = rules.get(hit.owner as usize)?;
            let is_short = rule.max_duration_ms.is_none_or(|longest| duration_ms <= longest);
            let why = self.shown(hit, text).filter(|_| is_short)?;
            Some(Why { condition_id: rule.id.clone(), ..why })
        })
    }

    /// True if a noise rule has a keyword in the text, whatever its length was.
    pub(super) fn is_noise(&self, text: &str) -> bool {
        self.noise(text, 0, &mut Explain::new(false)).is_some()
    }

    /// Step 2's exception: global nodes that are matched while interruption is forbidden.
    pub(super) fn despite_disablebreak(&self, text: &str, explain: &mut Explain) -> Option<Choice> {
        let found = self.look(text, explain);
        self.own_and_global(&found, text, true, explain)
    }

    /// The edge of the node that a text would take: a prompt's `switchflow` (E66).
    pub(super) fn own(&self, text: &str, explain: &mut Explain) -> Option<Choice> {
        let found = self.look(text, explain);
        self.own_and_global(&found, text, false, explain).or_else(|| self.any_text(explain))
    }

    /// Step 8: `any`, of own edges and linked global nodes.
    pub(super) fn any_text(&self, explain: &mut Explain) -> Option<Choice> {
        explain.step("any");
        self.first_way(|way| way.edge.any_text.then(|| Why::by(Method::Any)), explain)
    }

    fn look(&self, text: &str, explain: &mut Explain) -> Found {
        let found = self.script.matcher.look(text);
        explain.overran = self.script.matcher.overran(&found).cloned();
        found
    }

    fn own_and_global(
        &self,
        found: &Found,
        text: &str,
        despite_disablebreak: bool,
        explain: &mut Explain,
    ) -> Option<Choice> {
        explain.step("keywords of own edges and global nodes");
        let mut candidates: SmallVec<[(Rank, Hit, Way<'a>); 8]> = SmallVec::new();
        let matcher = &self.script.matcher;
        if !despite_disablebreak {
            let edges = &self.script.node(self.node).edges;
            matcher.hits(found, Scope::Edges(self.node), |hit| {
                if let Some(edge) = edges.get(hit.owner as usize) {
                    let at = hit.owner as usize;
                    let way = Way { edge, kind: ResponseType::Flow, tier: 0, at };
                    candidates.push((way.rank(hit.order), hit, way));
                }
            });
        }
        for (global, way) in self.global_ways() {
            let ignores = self.script.node(global).global.as_ref();
            let ignores = ignores.is_some_and(|entry| entry.ignores_disablebreak);
            if ignores || !despite_disablebreak {
                matcher.hits(found, Scope::Global(global), |hit| {
                    candidates.push((way.rank(hit.order), hit, way));
                });
            }
        }
        candidates.sort_unstable_by_key(|(rank, hit, _)| (*rank, hit.order));
        candidates.into_iter().find_map(|(_, hit, way)| {
            let why = self.shown(hit, text)?;
            self.is_left(way.edge, (&why, text), explain).then(|| way.choice(why))
        })
    }

    fn source_edges(&self, found: &Found, text: &str, explain: &mut Explain) -> Option<Choice> {
        let depth = self.script.node(self.node).source_depth;
        for (level, source) in self.stack.sources(depth).enumerate() {
            explain.step("keywords of a source node's edges");
            let edges = &self.script.node(source).edges;
            let mut hits: SmallVec<[(Rank, Hit); 8]> = SmallVec::new();
            self.script.matcher.hits(found, Scope::Edges(source), |hit| {
                let priority = edges.get(hit.owner as usize).map_or(0, |edge| edge.priority);
                hits.push(((priority, 0, hit.order), hit));
            });
            hits.sort_unstable_by_key(|(rank, _)| *rank);
            let choice = hits.into_iter().find_map(|(_, hit)| {
                let edge = edges.get(hit.owner as usize)?;
                let why = self.shown(hit, text)?;
                let left = self.is_left(edge, (&why, text), explain);
                left.then(|| source_choice(edge, level, why))
            });
            if choice.is_some() {
                return choice;
            }
        }
        None
    }

    fn knowledge(&self, found: &Found, text: &str, explain: &mut Explain) -> Option<Choice> {
        explain.step("knowledge base");
        for category in &self.script.node(self.node).kb {
            let mut hits: SmallVec<[Hit; 8]> = SmallVec::new();
            self.script.matcher.hits(found, Scope::Category(*category), |hit| hits.push(hit));
            hits.sort_unstable_by_key(|hit| hit.order);
            let choice = hits.into_iter().find_map(|hit| {
                let prompt = PromptId(hit.owner);
                let why = self.shown(hit, text)?;
                let left = self.counters.prompt_is_left(self.script, prompt);
                explain.candidate(&self.script.prompt(prompt).id, "", (&why.keyword, text), left);
                left.then_some(Choice { answer: Answer::Prompt(prompt), why })
            });
            if choice.is_some() {
                return choice;
            }
        }
        None
    }

    /// At a `branch` node: the first edge of which all comparisons hold (E20).
    pub(super) fn branch(&self, explain: &mut Explain) -> Option<Choice> {
        let node = self.script.node(self.node);
        if node.action != NodeAction::Branch {
            return None;
        }
        explain.step("comparisons of the branch");
        let holds = |way: &Way<'a>| {
            let mut tests = way.edge.when.iter();
            let holds = tests.all(|test| test.holds_for_variable(&self.variables.get(&test.field)));
            let is_own = way.tier == 0 && !way.edge.when.is_empty();
            (holds && is_own).then(|| Why::by(Method::Full))
        };
        self.first_way(holds, explain)
    }

    /// E75: `complete` conditions of own edges and linked global nodes, `any` apart.
    pub(super) fn complete(&self, args: &str, explain: &mut Explain) -> Option<Choice> {
        explain.step("complete conditions");
        self.first_way(|way| complete_why(way.edge, args), explain)
    }

    /// E75: `complete` conditions of source nodes.
    pub(super) fn complete_of_sources(&self, args: &str, explain: &mut Explain) -> Option<Choice> {
        explain.step("complete conditions of source nodes");
        self.first_source_edge(|edge| complete_why(edge, args), explain)
    }

    /// E75: `complete` `any`.
    pub(super) fn complete_any(&self, explain: &mut Explain) -> Option<Choice> {
        explain.step("complete any");
        let is_any = |one: &CompleteCondition| matches!(one.kind, CompleteKind::Any);
        let any = |way: &Way<'_>| way.edge.complete.iter().any(is_any);
        self.first_way(|way| any(way).then(|| Why::by(Method::Any)), explain)
    }

    /// R11: pressed keys on own edges and linked global nodes, source nodes, then `any`.
    pub(super) fn dtmf(&self, digits: &str, explain: &mut Explain) -> Option<Choice> {
        explain.step("dtmf conditions");
        let own = self.first_way(|way| dtmf_why(way.edge, digits), explain);
        let source = own.or_else(|| self.first_source_edge(|edge| dtmf_why(edge, digits), explain));
        source.or_else(|| {
            let is_any = |one: &DtmfCondition| matches!(one.kind, DtmfKind::Any);
            let any = |way: &Way<'_>| way.edge.dtmf.iter().any(is_any);
            self.first_way(|way| any(way).then(|| Why::by(Method::Any)), explain)
        })
    }

    /// The most keys that a condition in force could need (R11, R19).
    pub(super) fn longest_dtmf(&self) -> usize {
        let depth = self.script.node(self.node).source_depth;
        let sources = self.stack.sources(depth).flat_map(|node| &self.script.node(node).edges);
        let edges = self.ways().map(|way| way.edge).chain(sources);
        edges.flat_map(|edge| &edge.dtmf).map(DtmfCondition::longest).max().unwrap_or(0)
    }

    /// The first way in force, by priority, own before global, file order, that `fits` and leads
    /// somewhere that is left.
    fn first_way(
        &self,
        fits: impl Fn(&Way<'a>) -> Option<Why>,
        explain: &mut Explain,
    ) -> Option<Choice> {
        let mut ways: SmallVec<[Way<'a>; 8]> = self.ways().collect();
        ways.sort_by_key(|way| (way.edge.priority, way.tier, way.at));
        ways.into_iter().find_map(|way| {
            let why = fits(&way)?;
            self.is_left(way.edge, (&why, ""), explain).then(|| way.choice(why))
        })
    }

    fn first_source_edge(
        &self,
        fits: impl Fn(&Edge) -> Option<Why>,
        explain: &mut Explain,
    ) -> Option<Choice> {
        let depth = self.script.node(self.node).source_depth;
        for (level, source) in self.stack.sources(depth).enumerate() {
            let mut edges: SmallVec<[&Edge; 8]> = self.script.node(source).edges.iter().collect();
            edges.sort_by_key(|edge| edge.priority);
            let choice = edges.into_iter().find_map(|edge| {
                let why = fits(edge)?;
                self.is_left(edge, (&why, ""), explain).then(|| source_choice(edge, level, why))
            });
            if choice.is_some() {
                return choice;
            }
        }
        None
    }

    /// Own edges, then the linked global nodes that are in force.
    fn ways(&self) -> impl Iterator<Item = Way<'a>> {
        let own = self.script.node(self.node).edges.iter().enumerate();
        let own = own.map(|(at, edge)| Way { edge, kind: ResponseType::Flow, tier: 0, at });
        own.chain(self.global_ways().map(|(_, way)| way))
    }

    /// Linked global nodes within their time and count limits.
    fn global_ways(&self) -> impl Iterator<Item = (NodeId, Way<'a>)> {
        let script = self.script;
        let (elapsed_ms, sentences) = (self.elapsed_ms, self.counters.sentences);
        let linked = script.node(self.node).globals.iter().enumerate();
        linked.filter_map(move |(place, id)| {
            let entry = script.node(*id).global.as_ref()?;
            let in_time = entry.time_limit_ms.is_none_or(|limit| elapsed_ms <= limit);
            let in_count = entry.count_limit == 0 || sentences <= entry.count_limit;
            let kind = ResponseType::GlobalFlow;
            let way = Way { edge: &entry.edge, kind, tier: place + 1, at: 0 };
            (in_time && in_count).then_some((*id, way))
        })
    }

    /// E51: a target that is used up counts as not matching.
    fn is_left(&self, edge: &Edge, (why, text): (&Why, &str), explain: &mut Explain) -> bool {
        let left = self.counters.node_is_left(self.script, edge.target);
        let name = if edge.id.is_empty() { &edge.label } else { &edge.id };
        explain.candidate(&self.script.node(edge.target).id, name, (&why.keyword, text), left);
        left
    }

    fn shown(&self, hit: Hit, text: &str) -> Option<Why> {
        let shown = self.script.matcher.shown(hit, text)?;
        let method = if shown.condition.is_some() { Method::Regex } else { Method::Full };
        let condition = shown.condition.unwrap_or_default();
        Some(Why { condition, keyword: shown.keyword, ..Why::by(method) })
    }
}

/// How a keyword that an NLP service names stands in the row (I10).
fn named(listed: &Listed<'_>) -> Why {
    let keyword = listed.keyword.clone();
    if listed.is_pattern {
        Why { condition: keyword.clone(), keyword, ..Why::by(Method::Regex) }
    } else {
        Why { keyword, ..Why::by(Method::Full) }
    }
}

fn source_choice(edge: &Edge, level: usize, why: Why) -> Choice {
    let kind = ResponseType::BrotherFlow;
    let answer = Answer::Node { node: edge.target, kind, levels: level + 1 };
    Choice { answer, why: why.edge(edge) }
}

fn complete_why(edge: &Edge, args: &str) -> Option<Why> {
    edge.complete.iter().find_map(|condition| {
        Some(match condition.matches(args)? {
            CompleteMatch::Word => {
                Why { keyword: condition.shown.clone(), ..Why::by(Method::Full) }
            }
            CompleteMatch::Part(part) => {
                Why { condition: condition.shown.clone(), keyword: part, ..Why::by(Method::Regex) }
            }
        })
    })
}

fn dtmf_why(edge: &Edge, digits: &str) -> Option<Why> {
    let condition = edge.dtmf.iter().find(|condition| condition.matches(digits))?;
    let shown = condition.shown.clone();
    Some(match condition.kind {
        DtmfKind::Pattern(_) => {
            Why { condition: shown, keyword: digits.into(), ..Why::by(Method::Regex) }
        }
        DtmfKind::Literal | DtmfKind::Any => Why { keyword: shown, ..Why::by(Method::Full) },
    })
}
