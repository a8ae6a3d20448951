//! Keywords that never answer: an earlier keyword is in every text that has them (E50).

use std::collections::{BTreeMap, HashMap};

use super::words::{Entry, Needle};
use super::{Case, Finding, SWALLOWED_KEYWORD};
use crate::script::matcher::{Found, Matcher, Scope};
use crate::script::model::{CategoryId, NodeAction, NodeId};
use crate::script::problem::brief;

/// So many places of keywords are compared: about two seconds. A script in which they are not enough
/// has a knowledge base of ten thousand keywords that are taken at each of a thousand nodes.
const STEPS_MAX: usize = 50_000_000;

/// When a keyword is looked for: noise, own edges and global nodes, knowledge base; then priority,
/// own before global or the category, file order.
type Rank = (u8, i64, usize, u32);

/// What answers in place of another: the keyword, and the text it answers.
#[derive(Clone, Copy)]
struct Earlier<'w> {
    scope: Scope,
    order: u32,
    text: &'w str,
}

/// Whose keyword it is, and which of them: edge, prompt or global node, and its place there.
type Key = (u32, u32);

/// What becomes of one keyword as written.
#[derive(Default)]
struct Fate<'w> {
    offset: usize,
    written: &'w str,
    /// Some text is still answered by it.
    is_alive: bool,
    /// Only for an earlier keyword of the same edge or prompt, which leads to the same.
    is_redundant: bool,
    /// The first of its words that something else answers.
    taken: Option<(&'w str, Earlier<'w>)>,
}

impl Default for Earlier<'_> {
    fn default() -> Self {
        Self { scope: Scope::Noise, order: 0, text: "" }
    }
}

/// A keyword that is asked about, at a node.
#[derive(Clone, Copy)]
struct Asked {
    at: NodeId,
    rank: Rank,
    scope: Scope,
    owner: u32,
    /// Only keywords of this scope count.
    only: Option<Scope>,
    /// Any earlier keyword will do, not just the first.
    is_told: bool,
}

impl Asked {
    /// Whether a keyword has the same edge, prompt or global node: what uses up one uses up both.
    fn is_of(self, scope: Scope, owner: u32) -> bool {
        let is_kb = matches!((self.scope, scope), (Scope::Category(_), Scope::Category(_)));
        (self.scope == scope || is_kb) && self.owner == owner
    }
}

struct Search<'c, 's> {
    case: &'c Case<'s>,
    matcher: &'c Matcher,
    /// Some node understands its source nodes: their edges are tried there too, without the global
    /// nodes that were linked beside them.
    lends: bool,
    steps: usize,
}

pub(super) fn find(case: &mut Case<'_>) {
    let lends = case.script.nodes.iter().any(|node| node.source_depth > 0);
    let matcher = &case.script.matcher;
    let mut search = Search { case, matcher, lends, steps: STEPS_MAX };
    let mut found = Vec::new();
    for at in (0..).take(case.script.nodes.len()) {
        if case.is_reached(at) {
            search.edges(NodeId(at), &mut found);
        }
    }
    search.globals(&mut found);
    search.prompts(&mut found);
    let is_unfinished = search.steps == 0;
    found.into_iter().for_each(|finding| case.say(finding));
    if is_unfinished {
        case.say(Finding {
            rule: "unfinished",
            offset: 0,
            message: "the keywords are too many in one another to be compared all".into(),
            example: String::new(),
            hint: "mend what was found, and check again".into(),
        });
    }
}

impl<'c> Search<'c, '_> {
    /// The keywords of a node's own edges.
    fn edges(&mut self, id: NodeId, found: &mut Vec<Finding>) {
        let node = self.case.script.node(id);
        let scope = Scope::Edges(id);
        if node.action == NodeAction::Start {
            return;
        }
        let rank = |owner: u32, order: u32| {
            let priority = node.edges.get(owner as usize).map_or(0, |edge| edge.priority);
            (1, priority, 0, order)
        };
        let mut fates = BTreeMap::new();
        let only = self.lends.then_some(scope);
        self.judge(scope, &mut fates, |search, needle, owner, order| {
            search.earlier(
                needle,
                Asked { at: id, rank: rank(owner, order), scope, owner, only, is_told: false },
            )
        });
        for (owner, edge) in (0u32..).zip(&node.edges) {
            let of_edge: Vec<_> = fates.range((owner, 0)..=(owner, u32::MAX)).collect();
            let dead = of_edge.iter().filter(|(_, fate)| fate.is_dead()).count();
            let has_others = edge.any_text || !edge.dtmf.is_empty() || !edge.complete.is_empty();
            let first = of_edge.iter().find_map(|(_, fate)| fate.taken);
            match first {
                Some((word, earlier)) if dead > 0 && dead == of_edge.len() && !has_others => {
                    let edges = self.case.source.nodes.get(id.0 as usize).map(|node| &node.edges);
                    let offset = edges.and_then(|edges| edges.get(owner as usize));
                    let name = edge_name(edge, &self.case.script.node(edge.target).id);
                    found.push(Finding {
                        rule: "swallowed-edge",
                        offset: offset.map_or(0, |edge| edge.offset),
                        message: format!(
                            "the edge {name} of {} is never taken: {} answers \"{}\" first",
                            node.id,
                            self.whose(earlier, Some(id)),
                            brief(word)
                        ),
                        example: self.said(word, earlier),
                        hint: self.remedy(earlier, scope),
                    });
                }
                _ => self.tell(of_edge.into_iter().map(|(_, fate)| fate), scope, id, found),
            }
        }
    }

    /// The conditions of global nodes: dead only if they are at every node that links them.
    fn globals(&mut self, found: &mut Vec<Finding>) {
        let script = self.case.script;
        let mut linked: BTreeMap<NodeId, Vec<(NodeId, usize)>> = BTreeMap::new();
        for (at, node) in (0u32..).zip(&script.nodes) {
            for (tier, global) in (1..).zip(&node.globals) {
                if self.case.is_reached(at) {
                    linked.entry(*global).or_default().push((NodeId(at), tier));
                }
            }
        }
        for (global, nodes) in linked {
            let Some(entry) = script.node(global).global.as_ref() else { continue };
            let scope = Scope::Global(global);
            let mut fates = BTreeMap::new();
            self.judge(scope, &mut fates, |search, needle, owner, order| {
                let mut first: Option<Earlier<'c>> = None;
                for (at, tier) in &nodes {
                    let (at, node) = (*at, script.node(*at));
                    let rank = (1, entry.edge.priority, *tier, order);
                    // Where interruption is forbidden, own edges are not tried.
                    let alone = entry.ignores_disablebreak && node.disablebreak_ms > 0;
                    let only = alone.then_some(scope);
                    let earlier = search.earlier(
                        needle,
                        Asked { at, rank, scope, owner, only, is_told: first.is_some() },
                    )?;
                    first = first.or(Some(earlier));
                }
                first
            });
            let has_others = entry.edge.any_text
                || !entry.edge.dtmf.is_empty()
                || !entry.edge.complete.is_empty();
            let all: Vec<_> = fates.values().collect();
            let first = all.iter().find_map(|fate| fate.taken);
            match first {
                Some((word, earlier)) if !has_others && all.iter().all(|fate| fate.is_dead()) => {
                    found.push(Finding {
                        rule: "swallowed-node",
                        offset: self.case.offset_of(global.0),
                        message: format!(
                            "no keyword of the global node {} is ever reached: {} answers \"{}\" \
                             first, and so on at every node that links it",
                            script.node(global).id,
                            self.whose(earlier, None),
                            brief(word)
                        ),
                        example: self.said(word, earlier),
                        hint: self.remedy(earlier, scope),
                    });
                }
                _ => self.tell(all.into_iter(), scope, global, found),
            }
        }
    }

    /// The knowledge base: dead only if they are at every node that links the prompt.
    fn prompts(&mut self, found: &mut Vec<Finding>) {
        let script = self.case.script;
        let mut linked: BTreeMap<CategoryId, Vec<(NodeId, usize)>> = BTreeMap::new();
        for (at, node) in (0u32..).zip(&script.nodes) {
            for (place, category) in node.kb.iter().enumerate() {
                if self.case.is_reached(at) {
                    linked.entry(*category).or_default().push((NodeId(at), place));
                }
            }
        }
        let mut fates = BTreeMap::new();
        let mut scopes = HashMap::new();
        for (category, nodes) in &linked {
            let scope = Scope::Category(*category);
            self.judge(scope, &mut fates, |search, needle, owner, order| {
                let mut first: Option<Earlier<'c>> = None;
                for (at, place) in nodes {
                    let rank = (2, 0, *place, order);
                    let asked =
                        Asked { at: *at, rank, scope, owner, only: None, is_told: first.is_some() };
                    let earlier = search.earlier(needle, asked)?;
                    first = first.or(Some(earlier));
                    // What its own category does to it is the same everywhere.
                    if earlier.scope == scope && script.global.nlp_url.is_empty() {
                        break;
                    }
                }
                first
            });
            let listed = self.case.source.categories.get(category.0 as usize);
            for prompt in listed.into_iter().flat_map(|category| &category.prompts) {
                scopes.entry(prompt.0).or_insert(scope);
            }
        }
        for (at, prompt) in (0u32..).zip(&script.prompts) {
            let Some(scope) = scopes.get(&at).copied() else { continue };
            let all: Vec<_> = fates.range((at, 0)..=(at, u32::MAX)).map(|(_, fate)| fate).collect();
            let first = all.iter().find_map(|fate| fate.taken);
            let offset =
                self.case.source.prompts.get(at as usize).map_or(0, |prompt| prompt.offset);
            match first {
                Some((word, earlier)) if all.iter().all(|fate| fate.is_dead()) => {
                    found.push(Finding {
                        rule: "swallowed-prompt",
                        offset,
                        message: format!(
                            "the prompt {} is never played: {} answers \"{}\" first, and so on at \
                             every node that links it",
                            prompt.id,
                            self.whose(earlier, None),
                            brief(word)
                        ),
                        example: self.said(word, earlier),
                        hint: self.remedy(earlier, scope),
                    });
                }
                _ => self.tell(all.into_iter(), scope, NodeId(0), found),
            }
        }
    }

    /// Finds the fate of each keyword of a scope. `earlier` says what answers in its place.
    fn judge(
        &mut self,
        scope: Scope,
        fates: &mut BTreeMap<Key, Fate<'c>>,
        earlier: impl Fn(&mut Self, &'c Needle, u32, u32) -> Option<Earlier<'c>>,
    ) {
        let words = &self.case.source.words;
        let Some(listed) = words.scopes.get(&scope) else { return };
        for entry in listed.entries.iter().filter(|entry| !entry.units.is_empty()) {
            let fate = fates.entry((entry.owner, entry.nth)).or_default();
            (fate.offset, fate.written) = (entry.offset, &entry.written);
            for at in entry.units.clone() {
                let Some(unit) = listed.units.get(at) else { continue };
                let order = u32::try_from(at + 1).unwrap_or(u32::MAX);
                let Some(needle) = words.needles.get(unit.needle as usize) else { continue };
                match earlier(self, needle, entry.owner, order) {
                    None => fate.is_alive = true,
                    Some(first) if self.is_same_owner(first, scope, entry) => {
                        fate.is_redundant = true;
                        fate.taken = fate.taken.or(Some((&unit.shown, first)));
                    }
                    Some(first) => fate.taken = fate.taken.or(Some((&unit.shown, first))),
                }
            }
        }
    }

    fn is_same_owner(&self, earlier: Earlier<'_>, scope: Scope, entry: &Entry) -> bool {
        let other = self.case.source.words.entry(earlier.scope, earlier.order);
        let is_kb = matches!((earlier.scope, scope), (Scope::Category(_), Scope::Category(_)));
        (earlier.scope == scope || is_kb) && other.is_some_and(|other| other.owner == entry.owner)
    }

    /// What always answers before a keyword at a node: for one list of texts of which every match
    /// has one, an earlier keyword in each.
    fn earlier(&mut self, needle: &'c Needle, asked: Asked) -> Option<Earlier<'c>> {
        // An NLP service may name any keyword, whatever was said (I10).
        let node = self.case.script.node(asked.at);
        if !self.case.script.global.nlp_url.is_empty() && !node.nlp_id.is_empty() {
            return None;
        }
        let twin = needle.is_pattern.then(|| self.twin(needle, asked)).flatten();
        twin.or_else(|| {
            needle.covers.iter().find_map(|texts| {
                let mut first = None;
                for cover in texts {
                    let (scope, order) = self.first(&cover.found, asked)?;
                    first = first.or(Some(Earlier { scope, order, text: &cover.text }));
                }
                first
            })
        })
    }

    /// The same pattern at an earlier place.
    fn twin(&mut self, needle: &'c Needle, asked: Asked) -> Option<Earlier<'c>> {
        let mut best: Option<(Rank, Scope, u32)> = None;
        for (scope, order) in needle.places.iter().copied() {
            self.steps = self.steps.checked_sub(1)?;
            let owner = self.case.source.words.entry(scope, order)?.owner;
            let counts = asked.only.is_none_or(|only| only == scope);
            let Some(other) = self.rank(asked, scope, owner, order).filter(|_| counts) else {
                continue;
            };
            if other < asked.rank && best.is_none_or(|(best, ..)| other < best) {
                best = Some((other, scope, order));
            }
        }
        best.map(|(_, scope, order)| Earlier { scope, order, text: &needle.sample })
    }

    /// The first keyword before the one asked about that is sure to answer a text with these in it.
    fn first(&mut self, found: &Found, asked: Asked) -> Option<(Scope, u32)> {
        let node = self.case.script.node(asked.at);
        let own = [Scope::Noise, Scope::Edges(asked.at)].into_iter();
        let globals = node.globals.iter().map(|global| Scope::Global(*global));
        // A keyword of an edge is not swallowed by the knowledge base, which is asked later.
        let kb = if asked.rank.0 < 2 { &[][..] } else { &node.kb };
        let kb = kb.iter().map(|category| Scope::Category(*category));
        let mut best: Option<(Rank, Scope, u32)> = None;
        for scope in own.chain(globals).chain(kb) {
            if asked.only.is_some_and(|only| only != scope) {
                continue;
            }
            let mut steps = 1;
            self.matcher.hits(found, scope, |hit| {
                steps += 1;
                let needle = self.case.source.words.needle_at(scope, hit.order);
                if !needle.is_some_and(|needle| needle.is_sure) {
                    return;
                }
                let Some(other) = self.rank(asked, scope, hit.owner, hit.order) else { return };
                if other < asked.rank && best.is_none_or(|(best, ..)| other < best) {
                    best = Some((other, scope, hit.order));
                }
            });
            self.steps = self.steps.saturating_sub(steps);
            if self.steps == 0 {
                return None;
            }
            if asked.is_told && best.is_some() {
                break;
            }
        }
        best.map(|(_, scope, order)| (scope, order))
    }

    /// When a keyword is looked for where another is asked about; `None` if it is not always, or if
    /// its target can be used up (E51) before that of the other.
    fn rank(&self, asked: Asked, scope: Scope, owner: u32, order: u32) -> Option<Rank> {
        let script = self.case.script;
        let node = script.node(asked.at);
        let is_own = asked.is_of(scope, owner);
        match scope {
            Scope::Noise => {
                let rule = script.noise.get(owner as usize)?;
                rule.max_duration_ms.is_none().then_some((0, 0, 0, order))
            }
            Scope::Edges(id) => {
                let edge = node.edges.get(owner as usize).filter(|_| id == asked.at)?;
                let lasts = is_own || script.node(edge.target).repetition == 0;
                lasts.then_some((1, edge.priority, 0, order))
            }
            Scope::Global(id) => {
                let place = node.globals.iter().position(|linked| *linked == id)?;
                let entry = script.node(id).global.as_ref()?;
                let always = entry.time_limit_ms.is_none() && entry.count_limit == 0;
                let lasts = is_own || always && script.node(id).repetition == 0;
                lasts.then_some((1, entry.edge.priority, place + 1, order))
            }
            Scope::Category(id) => {
                let place = node.kb.iter().position(|linked| *linked == id)?;
                let lasts = is_own || script.prompts.get(owner as usize)?.repetition == 0;
                lasts.then_some((2, 0, place, order))
            }
        }
    }

    /// Tells of the keywords that are dead while others of their owner live.
    fn tell<'f>(
        &self,
        fates: impl Iterator<Item = &'f Fate<'c>>,
        scope: Scope,
        at: NodeId,
        found: &mut Vec<Finding>,
    ) where
        'c: 'f,
    {
        let home = matches!(scope, Scope::Edges(_)).then_some(at);
        for fate in fates {
            let Some((word, earlier)) = fate.taken else { continue };
            // A word of several is told of only where its own edge says in which order it is tried.
            if fate.is_alive && (home.is_none() || fate.is_redundant) {
                continue;
            }
            let whose = self.whose(earlier, home);
            let is_whole = word == fate.written;
            let what = match (is_whole, fate.is_alive) {
                (true, _) => format!("\"{}\"", brief(word)),
                (false, true) => {
                    format!("of \"{}\" the word \"{}\"", brief(fate.written), brief(word))
                }
                (false, false) => format!("\"{}\", {} and all,", brief(fate.written), brief(word)),
            };
            let other = self.case.source.words.needle_at(earlier.scope, earlier.order);
            let mine = self.case.source.words.needle_of(word);
            let is_same = earlier.scope == scope && other.is_some() && is_same(other, mine);
            let (rule, message) = if fate.is_redundant {
                ("redundant-keyword", format!("{what} adds nothing: {whose} is in it"))
            } else if is_same && matches!(scope, Scope::Edges(_)) {
                ("same-keyword", format!("{what} stands here a second time: {whose} answers it"))
            } else {
                (SWALLOWED_KEYWORD, format!("{what} is never reached: {whose} answers it first"))
            };
            let hint = if fate.is_redundant {
                "take one of the two out".to_owned()
            } else {
                self.remedy(earlier, scope)
            };
            let example = self.said(word, earlier);
            found.push(Finding { rule, offset: fate.offset, message, example, hint });
        }
    }

    /// `"要" of the edge 同意:F4`.
    fn whose(&self, earlier: Earlier<'_>, home: Option<NodeId>) -> String {
        let script = self.case.script;
        let words = &self.case.source.words;
        let (scope, order) = (earlier.scope, earlier.order);
        let shown = words.unit(scope, order).map_or("", |unit| &unit.shown);
        let owner = words.entry(scope, order).map_or(0, |entry| entry.owner);
        let shown = brief(shown);
        match scope {
            Scope::Noise => format!("the noise rule with \"{shown}\""),
            Scope::Edges(node) => {
                let edges = &script.node(node).edges;
                let name = edges
                    .get(owner as usize)
                    .map(|edge| edge_name(edge, &script.node(edge.target).id));
                let name = name.unwrap_or_default();
                if home == Some(node) {
                    format!("\"{shown}\" of the edge {name}")
                } else {
                    format!("\"{shown}\" of the edge {name} of {}", script.node(node).id)
                }
            }
            Scope::Global(node) => {
                format!("\"{shown}\" of the global node {}", script.node(node).id)
            }
            Scope::Category(_) => {
                let id = script.prompts.get(owner as usize).map_or("", |prompt| &prompt.id);
                format!("\"{shown}\" of the prompt {id}")
            }
        }
    }

    /// What a caller says, and where the call goes then.
    fn said(&self, word: &str, earlier: Earlier<'_>) -> String {
        let script = self.case.script;
        let owner = self.case.source.words.entry(earlier.scope, earlier.order);
        let owner = owner.map_or(0, |entry| entry.owner) as usize;
        let goes = match earlier.scope {
            Scope::Noise => "taken for noise".to_owned(),
            Scope::Edges(node) => {
                let edge = script.node(node).edges.get(owner);
                edge.map_or_else(String::new, |edge| script.node(edge.target).id.to_string())
            }
            Scope::Global(node) => script.node(node).id.to_string(),
            Scope::Category(_) => {
                script.prompts.get(owner).map_or_else(String::new, |prompt| prompt.id.to_string())
            }
        };
        let is_pattern = crate::script::keyword::is_special(word);
        let text = if is_pattern && !earlier.text.is_empty() { earlier.text } else { word };
        format!("says \"{}\" → {}", brief(text), brief(&goes))
    }

    fn remedy(&self, earlier: Earlier<'_>, scope: Scope) -> String {
        match (earlier.scope, scope) {
            (Scope::Noise, _) => {
                "give the noise rule a max_duration_ms, or take the word out of it"
            }
            (Scope::Category(_), _) => "name its prompt before the other in kb",
            (_, Scope::Category(_)) => "say it more closely in the edge, or take it out here",
            _ => "put the longer word first, or give its edge a smaller priority",
        }
        .to_owned()
    }
}

fn is_same(one: Option<&Needle>, other: Option<&Needle>) -> bool {
    one.zip(other).is_some_and(|(one, other)| std::ptr::eq(one, other))
}

fn edge_name(edge: &crate::script::model::Edge, target: &str) -> String {
    if edge.label.is_empty() { target.to_owned() } else { format!("{}:{target}", edge.label) }
}

impl Fate<'_> {
    /// No text is answered by it, and none by its own edge in its place.
    fn is_dead(&self) -> bool {
        !self.is_alive && !self.is_redundant && self.taken.is_some()
    }
}
