//! Where everything stands in the file: what a loaded script no longer knows.

use jsonc_parser::ast::Value;
use smol_str::SmolStr;

use super::words::Words;
use crate::script::keyword::Synonyms;
use crate::script::matcher::Scope;
use crate::script::model::{CategoryId, NodeId, PromptId, Script};
use crate::script::raw::{Fields, Reader, Spanned};

/// The file, read once more. What is wrong with it was told when it was loaded.
pub(super) struct Source<'a, 'b> {
    /// As many as the script has, in its order; so are the others.
    pub(super) nodes: Vec<Node<'a, 'b>>,
    pub(super) prompts: Vec<Prompt<'a, 'b>>,
    pub(super) categories: Vec<Category<'b>>,
    pub(super) rules: Vec<Fields<'a, 'b>>,
    pub(super) words: Words,
    /// `check`, the settings of the prover's rules.
    pub(super) check: Option<Fields<'a, 'b>>,
}

pub(super) struct Node<'a, 'b> {
    /// Where its name stands.
    pub(super) offset: usize,
    pub(super) fields: Fields<'a, 'b>,
    pub(super) edges: Vec<Edge<'a, 'b>>,
}

pub(super) struct Edge<'a, 'b> {
    pub(super) offset: usize,
    pub(super) fields: Fields<'a, 'b>,
    /// Where each entry of `dtmf` and `complete` stands, and where `any` is among its keywords.
    pub(super) dtmf: Vec<usize>,
    pub(super) complete: Vec<usize>,
}

pub(super) struct Prompt<'a, 'b> {
    pub(super) id: &'b str,
    pub(super) offset: usize,
    pub(super) fields: Fields<'a, 'b>,
}

pub(super) struct Category<'b> {
    pub(super) id: &'b str,
    pub(super) offset: usize,
    pub(super) prompts: Vec<PromptId>,
}

impl<'a, 'b> Source<'a, 'b> {
    /// Reads the file of a script that was loaded from it; `None` if it is another file.
    pub(super) fn read(
        reader: &mut Reader<'a>,
        root: &'b Value<'a>,
        script: &Script,
    ) -> Option<Self> {
        let fields = reader.object(root, "")?;
        let mut section = |name| fields.get(name).and_then(|value| reader.object(value, ""));
        let (flow, prompt, kb) = (section("flow"), section("prompt"), section("kb"));
        let (synonym, check) = (section("synonym"), section("check"));
        let synonyms = synonyms(reader, synonym.as_ref());
        let mut words = Words::default();
        let prompts = prompts(reader, prompt.as_ref());
        let categories = categories(reader, kb.as_ref(), &prompts);
        let mut keywords = Keywords { reader, synonyms: &synonyms, words: &mut words };
        keywords.of_categories(&categories, &prompts);
        let nodes = keywords.of_nodes(flow.as_ref());
        keywords.of_noise(fields.get("noiserule"));
        let rules = match fields.get("classify") {
            Some(Value::Array(list)) => {
                list.elements.iter().filter_map(|rule| reader.object(rule, "")).collect()
            }
            _ => Vec::new(),
        };
        let is_same = nodes.len() == script.nodes.len()
            && prompts.len() == script.prompts.len()
            && nodes.iter().zip(&script.nodes).all(|(a, b)| a.edges.len() == b.edges.len());
        is_same.then_some(Self { nodes, prompts, categories, rules, words, check })
    }
}

fn synonyms<'a>(reader: &mut Reader<'a>, groups: Option<&Fields<'a, '_>>) -> Synonyms {
    let groups = groups.into_iter().flat_map(Fields::all);
    let raw: Vec<(SmolStr, Vec<SmolStr>)> = groups
        .map(|(name, words)| {
            let words = reader.texts(Some(words), "");
            (name.text.into(), words.into_iter().map(|word| word.text.into()).collect())
        })
        .collect();
    Synonyms::new(&raw).unwrap_or_default()
}

fn prompts<'a, 'b>(
    reader: &mut Reader<'a>,
    prompts: Option<&Fields<'a, 'b>>,
) -> Vec<Prompt<'a, 'b>> {
    let all = prompts.into_iter().flat_map(Fields::all);
    all.map(|(name, value)| {
        let fields = reader.object(value, "").unwrap_or_else(|| Fields::empty(value));
        Prompt { id: name.text, offset: name.span.start, fields }
    })
    .collect()
}

fn categories<'a, 'b>(
    reader: &mut Reader<'a>,
    kb: Option<&Fields<'a, 'b>>,
    prompts: &[Prompt<'_, '_>],
) -> Vec<Category<'b>> {
    let ids: std::collections::HashMap<&str, u32> =
        prompts.iter().zip(0..).map(|(prompt, at)| (prompt.id, at)).collect();
    let all = kb.into_iter().flat_map(Fields::all);
    all.map(|(name, value)| {
        let listed = reader.object(value, "");
        let listed =
            listed.map_or_else(Vec::new, |category| reader.names(category.get("prompts"), ""));
        let prompts = listed.iter().filter_map(|id| ids.get(id.text).copied().map(PromptId));
        Category { id: name.text, offset: name.span.start, prompts: prompts.collect() }
    })
    .collect()
}

/// Reads keywords in the order in which loading reads them.
struct Keywords<'r, 'a> {
    reader: &'r mut Reader<'a>,
    synonyms: &'r Synonyms,
    words: &'r mut Words,
}

impl<'a> Keywords<'_, 'a> {
    fn of_categories(&mut self, categories: &[Category<'_>], prompts: &[Prompt<'a, '_>]) {
        let mut written: Vec<Vec<Spanned<'_>>> = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let mut words = self.reader.texts(prompt.fields.get("keyworks"), "");
            words.extend(self.reader.texts(prompt.fields.get("keywords"), ""));
            written.push(words);
        }
        for (category, id) in categories.iter().zip(0..) {
            for prompt in &category.prompts {
                if let Some(words) = written.get(prompt.0 as usize) {
                    let scope = Scope::Category(CategoryId(id));
                    self.words.add(self.synonyms, scope, prompt.0, words);
                }
            }
        }
    }

    fn of_nodes<'b>(&mut self, flow: Option<&Fields<'a, 'b>>) -> Vec<Node<'a, 'b>> {
        let all = flow.into_iter().flat_map(Fields::all).zip(0..);
        all.map(|((name, value), at)| {
            let fields = self.reader.object(value, "").unwrap_or_else(|| Fields::empty(value));
            let is_global = self.reader.flag(fields.get("global"), "").unwrap_or(false);
            if is_global && name.text != "Start" {
                self.condition(Scope::Global(NodeId(at)), 0, &fields);
            }
            let edges = self.of_edges(Scope::Edges(NodeId(at)), &fields);
            Node { offset: name.span.start, fields, edges }
        })
        .collect()
    }

    fn of_edges<'b>(&mut self, scope: Scope, node: &Fields<'a, 'b>) -> Vec<Edge<'a, 'b>> {
        let subflow = node.get("subflow").and_then(|value| self.reader.object(value, ""));
        let all = subflow.iter().flat_map(Fields::all).zip(0..);
        all.map(|((name, value), owner)| {
            let fields = self.reader.object(value, "").unwrap_or_else(|| Fields::empty(value));
            let (dtmf, complete) = self.condition(scope, owner, &fields);
            Edge { offset: name.span.start, fields, dtmf, complete }
        })
        .collect()
    }

    /// Adds the keywords of a condition; where its keys and its ends of the action stand.
    fn condition(
        &mut self,
        scope: Scope,
        owner: u32,
        fields: &Fields<'a, '_>,
    ) -> (Vec<usize>, Vec<usize>) {
        let condition = fields.get("condition").and_then(|value| self.reader.object(value, ""));
        let Some(condition) = condition else { return (Vec::new(), Vec::new()) };
        let words = self.reader.texts(condition.get("text"), "");
        self.words.add(self.synonyms, scope, owner, &words);
        let mut places = |name| {
            let entries = self.reader.texts(condition.get(name), "");
            entries.into_iter().map(|entry| entry.span.start).collect()
        };
        (places("dtmf"), places("complete"))
    }

    fn of_noise(&mut self, rules: Option<&Value<'a>>) {
        let Some(Value::Array(rules)) = rules else { return };
        let mut owner = 0;
        for rule in &rules.elements {
            let Some(fields) = self.reader.object(rule, "") else { continue };
            let words = self.reader.texts(fields.get("text"), "");
            self.words.add(self.synonyms, Scope::Noise, owner, &words);
            owner += 1;
        }
    }
}
