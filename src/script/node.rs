//! Reading nodes and their edges (E3, E4).

use jsonc_parser::ast::Value;
use smol_str::SmolStr;

use super::args::SpeechArgs;
use super::check::{Loader, is_written};
use super::complete::CompleteCondition;
use super::digits::DtmfCondition;
use super::matcher::Scope;
use super::model::{
    Edge, Filter, GlobalEntry, Node, NodeAction, NodeAudio, NodeId, Potential, PotentialKind,
    ReturnTarget,
};
use super::problem::{Span, brief};
use super::raw::{Fields, Spanned};
use super::rules::VARIABLE;
use super::template::Template;

/// Keys of a node that are read and do nothing yet.
const LATER: [&str; 3] = ["must_hear", "llm", "transfer"];

impl<'a> Loader<'_, 'a> {
    /// Reads all of `flow`, in order.
    pub(super) fn nodes(&mut self, flow: &Fields<'a, '_>) -> Vec<Node> {
        flow.all()
            .zip(0..)
            .map(|((name, value), at)| {
                self.node_offsets.push(name.span.start);
                self.node(NodeId(at), &name, value)
            })
            .collect()
    }

    fn node(&mut self, id: NodeId, name: &Spanned<'_>, value: &Value<'a>) -> Node {
        let what = format!("node {}", brief(name.text));
        let fields = self.reader.object(value, &what).unwrap_or_else(|| Fields::empty(value));
        if name.text == "Start" {
            return self.start(id, &fields);
        }
        let app = self.short(&fields, "action");
        let argument = Template::new(&self.short(&fields, "argument"));
        let action = self.action(&fields, name, &app, &argument);
        let node = Node {
            id: name.text.into(),
            app: if app.is_empty() { PLAY_AND_DETECT.into() } else { app },
            description: self.short(&fields, "description"),
            audio: self.node_audio(&fields),
            mismatch_repetition: self.small(&fields, "mismatchrepetition"),
            timeout_repetition: self.small(&fields, "timeoutrepetition"),
            filter: self.filter(&fields),
            kb: self.linked_categories(&fields),
            repetition: self.small(&fields, "repetition").unwrap_or(0),
            potential: potential(&self.short(&fields, "potential")),
            globals: self.linked_globals(&fields),
            global: self.global_entry(id, &fields),
            source_depth: self.small(&fields, "sourceflowdepth").unwrap_or(0),
            disablebreak_ms: self.disablebreak(&fields),
            edges: self.edges(Scope::Edges(id), &fields),
            set: self.set(&fields, &action),
            nlp_id: self.short(&fields, "nlpid"),
            notify: self.notify(&fields),
            action,
            argument,
        };
        fields.get("position");
        self.later(&fields, &LATER);
        self.unknown(&fields, &what);
        node
    }

    /// E11: `Start` names the entry node and is none itself, whatever else is written into it.
    fn start(&mut self, id: NodeId, fields: &Fields<'a, '_>) -> Node {
        let edges = self.edges(Scope::Edges(id), fields);
        let _kept = (fields.get("position"), fields.get("description"));
        for (key, _) in fields.unknown().filter(|(_, value)| is_written(value)) {
            let message = format!("\"{}\" does nothing in Start", key.text);
            let hint = "Start only names the entry node, by its first edge";
            self.reader.warn(key.span, message, hint);
        }
        Node {
            id: "Start".into(),
            action: NodeAction::Start,
            app: SmolStr::default(),
            argument: Template::default(),
            description: SmolStr::default(),
            audio: NodeAudio::default(),
            mismatch_repetition: None,
            timeout_repetition: None,
            filter: Filter::default(),
            kb: Vec::new(),
            repetition: 0,
            potential: Potential::default(),
            globals: Vec::new(),
            global: None,
            source_depth: 0,
            disablebreak_ms: 0,
            edges,
            set: Vec::new(),
            nlp_id: SmolStr::default(),
            notify: None,
        }
    }

    fn action(
        &mut self,
        fields: &Fields<'a, '_>,
        name: &Spanned<'_>,
        app: &str,
        argument: &Template,
    ) -> NodeAction {
        match app {
            "" => {
                let message = format!("node {} has no action", name.text);
                let hint = format!("{PLAY_AND_DETECT} is taken; write it down");
                self.reader.warn(name.span.clone(), message, hint);
                NodeAction::PlayAndDetect
            }
            PLAY_AND_DETECT => {
                self.check_speech_args(fields, argument);
                NodeAction::PlayAndDetect
            }
            "playback" => NodeAction::Playback,
            "hangup" => NodeAction::Hangup,
            "return" => NodeAction::Return(self.return_target(fields, argument)),
            "transfer" => NodeAction::Transfer,
            "manual" => NodeAction::Manual,
            "set" => NodeAction::Set,
            "branch" => NodeAction::Branch,
            "collect" => NodeAction::Collect(self.collect(fields)),
            "http" => match self.web_call(fields) {
                Some(call) => NodeAction::Http(Box::new(call)),
                None => NodeAction::Later,
            },
            "llm" => {
                let message = format!("the action {app} is not built yet and ends with ERROR()");
                let hint = "give the node a complete edge for \"error\", or use another action";
                self.reader.warn(fields.span("action"), message, hint);
                NodeAction::Later
            }
            _ => NodeAction::Application,
        }
    }

    fn check_speech_args(&mut self, fields: &Fields<'a, '_>, argument: &Template) {
        if !argument.is_static() {
            return;
        }
        let (_, faults) = SpeechArgs::parse(argument.raw());
        for fault in faults {
            let hint = "eleven values in single quotes; empty = the default";
            self.reader.warn(fields.span("argument"), fault.to_string(), hint);
        }
    }

    fn return_target(&mut self, fields: &Fields<'a, '_>, argument: &Template) -> ReturnTarget {
        match argument.raw().trim() {
            "" | "return" => ReturnTarget::Source,
            "top" => ReturnTarget::Top,
            _ if !argument.is_static() => ReturnTarget::Computed,
            id => match self.node_ids.get(id) {
                Some(id) => ReturnTarget::Node(*id),
                None => {
                    let message = format!("return to \"{id}\", which is no node");
                    let hint = self.known_nodes_hint(id);
                    self.reader.error(fields.span("argument"), message, hint);
                    ReturnTarget::Source
                }
            },
        }
    }

    fn linked_categories(&mut self, fields: &Fields<'a, '_>) -> Vec<super::model::CategoryId> {
        let names = self.reader.names(fields.get("kb"), "kb");
        let mut linked = Vec::with_capacity(names.len());
        for name in names.iter().filter(|name| !name.text.is_empty()) {
            match self.category_ids.get(name.text) {
                Some(id) => linked.push(*id),
                None => {
                    let message = format!("kb \"{}\" is no knowledge category", name.text);
                    self.reader.error(name.span.clone(), message, "name a key of the top-level kb");
                }
            }
        }
        linked
    }

    fn linked_globals(&mut self, fields: &Fields<'a, '_>) -> Vec<NodeId> {
        let names = self.reader.names(fields.get("globalflow"), "globalflow");
        let mut linked = Vec::with_capacity(names.len());
        for name in names.iter().filter(|name| !name.text.is_empty()) {
            match self.node_ids.get(name.text) {
                Some(id) => linked.push(*id),
                None => {
                    let message = format!("globalflow names \"{}\", which is no node", name.text);
                    let hint = self.known_nodes_hint(name.text);
                    self.reader.error(name.span.clone(), message, hint);
                }
            }
        }
        linked
    }

    fn global_entry(&mut self, id: NodeId, fields: &Fields<'a, '_>) -> Option<GlobalEntry> {
        let time_limit_ms = self.reader.count(fields.get("timelimit"), "timelimit");
        let count_limit = self.small(fields, "countlimit").unwrap_or(0);
        let ignores = self.reader.flag(fields.get("ignoredisablebreak"), "ignoredisablebreak");
        let is_global = self.reader.flag(fields.get("global"), "global").unwrap_or(false);
        let priority = self.reader.integer(fields.get("priority"), "priority").unwrap_or(0);
        let weight = self.reader.integer(fields.get("weight"), "weight").unwrap_or(0);
        if !is_global {
            if fields.has("condition") {
                let message = "a condition on a node that is not global is never looked at";
                let hint = "write \"global\": true, or move it to an edge that leads here";
                self.reader.warn(fields.span("condition"), message, hint);
            }
            return None;
        }
        let mut edge = Edge { target: id, priority, weight, ..Edge::default() };
        let mut order = 0;
        self.condition(Scope::Global(id), (&mut order, 0), fields, &mut edge);
        let ignores_disablebreak = ignores.unwrap_or(false);
        let time_limit_ms = time_limit_ms.filter(|ms| *ms > 0);
        Some(GlobalEntry { edge, time_limit_ms, count_limit, ignores_disablebreak })
    }

    fn edges(&mut self, scope: Scope, fields: &Fields<'a, '_>) -> Vec<Edge> {
        let Some(value) = fields.get("subflow") else { return Vec::new() };
        if matches!(value, Value::NullKeyword(_)) {
            return Vec::new();
        }
        let Some(subflow) = self.reader.object(value, "subflow") else { return Vec::new() };
        let mut order = 0;
        let mut edges = Vec::new();
        for (name, value) in subflow.all() {
            let at = u32::try_from(edges.len()).unwrap_or(u32::MAX);
            edges.extend(self.edge(scope, (&mut order, at), &name, value));
        }
        edges
    }

    /// True for the edges of `Start`, which need no condition: the first is the way in (E11).
    fn is_start(&self, scope: Scope) -> bool {
        self.node_ids.get("Start").is_some_and(|start| scope == Scope::Edges(*start))
    }

    fn edge(
        &mut self,
        scope: Scope,
        place: (&mut u32, u32),
        name: &Spanned<'_>,
        value: &Value<'a>,
    ) -> Option<Edge> {
        let (label, target) = name.text.rsplit_once(':').unwrap_or(("", name.text));
        let Some(target) = self.node_ids.get(target.trim()).copied() else {
            let message = format!("an edge leads to \"{target}\", which is no node");
            let hint = self.known_nodes_hint(target);
            self.reader.error(name.span.clone(), message, hint);
            return None;
        };
        let fields = self.reader.object(value, "an edge")?;
        if !fields.has("condition") && !self.is_start(scope) {
            let message = "an edge without a condition is never taken";
            let hint = "write \"condition\": { \"complete\": [\"any\"] }, or keywords";
            self.reader.warn(name.span.clone(), message, hint);
        }
        if self.version < 2 && (!label.is_empty() || fields.has("id")) {
            let hint = "write \"version\": 2 or 3";
            self.reader.warn(name.span.clone(), "labels and ids of edges need version 2", hint);
        }
        if self.version < 3 && fields.has("weight") {
            let hint = "write \"version\": 3";
            self.reader.warn(
                fields.span("weight"),
                "the weight of a condition needs version 3",
                hint,
            );
        }
        let mut edge = Edge {
            id: self.short(&fields, "id"),
            label: label.into(),
            target,
            weight: self.reader.integer(fields.get("weight"), "weight").unwrap_or(0),
            priority: self.reader.integer(fields.get("priority"), "priority").unwrap_or(0),
            ..Edge::default()
        };
        self.condition(scope, place, &fields, &mut edge);
        self.unknown(&fields, "an edge");
        Some(edge)
    }

    /// Reads `condition` of an edge or of a global node into `edge` and into the matcher.
    fn condition(
        &mut self,
        scope: Scope,
        (order, owner): (&mut u32, u32),
        fields: &Fields<'a, '_>,
        edge: &mut Edge,
    ) {
        let Some(value) = fields.get("condition") else { return };
        if matches!(value, Value::NullKeyword(_)) {
            return;
        }
        let Some(condition) = self.reader.object(value, "condition") else { return };
        let matching_id = self.short(&condition, "matching_id");
        if edge.id.is_empty() {
            edge.id = matching_id;
        }
        let words = self.reader.texts(condition.get("text"), "condition.text");
        let added = self.keywords(scope, order, owner, &words);
        edge.has_text = added.concrete;
        edge.any_text = added.any;
        for entry in self.reader.texts(condition.get("dtmf"), "condition.dtmf") {
            let (dtmf, error) = DtmfCondition::new(entry.text, &mut self.patterns);
            self.warn_broken(&entry, error);
            edge.dtmf.push(dtmf);
        }
        for entry in self.reader.texts(condition.get("complete"), "condition.complete") {
            let (complete, error) = CompleteCondition::new(entry.text, &mut self.patterns);
            self.warn_broken(&entry, error);
            edge.complete.push(complete);
        }
        edge.when = self.tests(&condition, "when", VARIABLE);
        self.unknown(&condition, "condition");
    }

    fn filter(&mut self, fields: &Fields<'a, '_>) -> Filter {
        let Some(value) = fields.get("filter") else { return Filter::default() };
        let drops_nothing = match value {
            Value::NullKeyword(_) => true,
            Value::StringLit(word) => word.value.is_empty() || is_none(&word.value),
            _ => false,
        };
        if drops_nothing {
            return Filter::default();
        }
        let Some(filter) = self.reader.object(value, "filter") else { return Filter::default() };
        let mut read = |name| {
            let letters = self.short(&filter, name);
            if is_none(&letters) { SmolStr::default() } else { letters }
        };
        let read = Filter { text: read("text"), dtmf: read("dtmf") };
        self.unknown(&filter, "filter");
        read
    }

    fn disablebreak(&mut self, fields: &Fields<'a, '_>) -> u64 {
        let value = fields.get("disablebreak");
        match value {
            Some(Value::BooleanLit(flag)) => {
                if flag.value {
                    u64::MAX
                } else {
                    0
                }
            }
            Some(Value::StringLit(text)) if text.value == "true" => u64::MAX,
            Some(Value::StringLit(text)) if text.value == "false" => 0,
            other => self.reader.count(other, "disablebreak").unwrap_or(0),
        }
    }

    fn set(&mut self, fields: &Fields<'a, '_>, action: &NodeAction) -> Vec<(SmolStr, Template)> {
        let Some(value) = fields.get("set") else {
            if *action == NodeAction::Set {
                let hint = "write \"set\": { \"name\": \"value\" }";
                self.reader.warn(fields.span("action"), "a set node sets nothing", hint);
            }
            return Vec::new();
        };
        let Some(variables) = self.reader.object(value, "set") else { return Vec::new() };
        variables
            .all()
            .filter_map(|(name, value)| {
                let value = self.reader.text(Some(value), "a value of set")?;
                Some((name.text.into(), Template::new(value.text)))
            })
            .collect()
    }

    /// A text field; absent = empty.
    pub(super) fn short(&mut self, fields: &Fields<'a, '_>, name: &str) -> SmolStr {
        let text = self.reader.text(fields.get(name), name);
        text.map(|text| text.text.into()).unwrap_or_default()
    }

    /// A count that fits any column.
    pub(super) fn small(&mut self, fields: &Fields<'a, '_>, name: &str) -> Option<u32> {
        let count = self.reader.count(fields.get(name), name)?;
        Some(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn warn_broken(&mut self, entry: &Spanned<'_>, error: Option<String>) {
        if let Some(error) = error {
            self.broken_pattern(entry.span.clone(), entry.text, &error);
        }
    }

    pub(super) fn broken_pattern(&mut self, at: Span, pattern: &str, error: &str) {
        let message = format!("\"{}\" is no regular expression: {error}", brief(pattern));
        self.reader.warn(at, message, "it is taken literally; escape signs with \\\\ or mend it");
    }

    /// How to mend a name of a node that does not exist: the nearest that does.
    pub(super) fn known_nodes_hint(&self, wrong: &str) -> String {
        match self.folded_node_ids.get(&wrong.trim().to_lowercase()) {
            Some(id) => format!("did you mean \"{id}\"?"),
            None => "name a key of flow, or add the node".into(),
        }
    }
}

/// The action that plays and listens.
const PLAY_AND_DETECT: &str = "cti_play_and_detect_speech";

/// Reads an intent mark (E80, R22).
pub(super) fn potential(raw: &SmolStr) -> Potential {
    let written = raw.trim();
    let number = written.strip_prefix('=').unwrap_or(written).parse::<i64>().ok();
    let kind = match number {
        _ if written.is_empty() => PotentialKind::None,
        Some(number) => PotentialKind::Number(number),
        None => PotentialKind::Label,
    };
    Potential { raw: raw.clone(), kind }
}

/// E42: the word for a filter that drops nothing; in capitals it would name the prefix letter `E`.
fn is_none(letters: &str) -> bool {
    letters.eq_ignore_ascii_case("none")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E80, R22.
    #[test]
    fn intent_marks_are_numbers_or_labels() {
        for (raw, kind) in [
            ("1", PotentialKind::Number(1)),
            ("+1", PotentialKind::Number(1)),
            ("-1", PotentialKind::Number(-1)),
            ("=5", PotentialKind::Number(5)),
            ("=-2", PotentialKind::Number(-2)),
            ("A", PotentialKind::Label),
            ("b", PotentialKind::Label),
            ("", PotentialKind::None),
        ] {
            assert_eq!(potential(&raw.into()).kind, kind, "{raw}");
        }
    }
}
