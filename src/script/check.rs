//! The file as written → a `Script`, or every complaint at once (E10).

use std::collections::HashMap;
use std::sync::Arc;

use jsonc_parser::ast::Value;
use smol_str::SmolStr;

use super::args::SpeechArgs;
use super::graph;
use super::keyword::{SynonymError, Synonyms};
use super::matcher::Builder;
use super::model::{
    AudioFile, CategoryId, Global, Node, NodeAction, NodeId, Prompt, PromptId, Script,
    VoiceSettings,
};
use super::noise::NoiseRule;
use super::pattern::Compiler;
use super::problem::{Problem, Severity, SourceText, Span, brief};
use super::raw::{Fields, Reader};
use super::rules::LabelRule;
use super::template;

/// A script file may be this large (E10).
pub const FILE_BYTES_MAX: usize = 8 << 20;
/// A script may have this many nodes (E10).
pub const NODES_MAX: usize = 20_000;
/// A script may have this many keywords, synonyms expanded (spec: limits).
pub const KEYWORDS_MAX: usize = 200_000;
/// All keywords of a script, synonyms expanded, may have this many bytes: twenty for each of as
/// many keywords as it may have.
const KEYWORDS_BYTES_MAX: usize = 4 << 20;
/// A keyword that is no pattern may have this many bytes: 170 Chinese signs are a minute's speech.
pub(super) const KEYWORD_BYTES_MAX: usize = 512;

/// Loads a script. `name` is the script's name, `file` is what problems call the file. The script
/// is there if no problem is an error.
#[must_use]
pub fn load(name: &str, file: &str, bytes: &[u8]) -> (Option<Arc<Script>>, Vec<Problem>) {
    let text = match decode(file, bytes) {
        Ok(text) => text,
        Err(problem) => return (None, vec![*problem]),
    };
    let mut reader = Reader::new(file, text);
    let script = match reader.parse(text) {
        None => None,
        Some(root) => {
            reader.report_duplicate_keys(&root);
            Loader::new(&mut reader).load(name, text, &root)
        }
    };
    let problems = reader.into_problems();
    let script = script.filter(|_| !problems.iter().any(Problem::is_error));
    (script.map(Arc::new), problems)
}

/// The file's text without its byte order mark.
fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Box<Problem>> {
    let whole_file = |message: String, hint: &str| {
        Box::new(SourceText::new(file, "").problem(Severity::Error, 0, message, hint.into()))
    };
    if bytes.len() > FILE_BYTES_MAX {
        let megabytes = FILE_BYTES_MAX >> 20;
        return Err(whole_file(
            format!("the file has {} bytes; a script may have {megabytes} MiB", bytes.len()),
            "split it into several scripts",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let good = std::str::from_utf8(good).unwrap_or_default();
        Box::new(SourceText::new(file, good).problem(
            Severity::Error,
            good.len(),
            "not UTF-8 from here on".into(),
            "save the file as UTF-8".into(),
        ))
    })?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

/// Everything that reading one part of a script needs to know of the others.
pub(super) struct Loader<'r, 'a> {
    pub(super) reader: &'r mut Reader<'a>,
    pub(super) version: u8,
    pub(super) node_ids: HashMap<SmolStr, NodeId>,
    /// The names of nodes in small letters, for whoever wrote one otherwise.
    pub(super) folded_node_ids: HashMap<String, SmolStr>,
    pub(super) prompt_ids: HashMap<SmolStr, PromptId>,
    pub(super) category_ids: HashMap<SmolStr, CategoryId>,
    /// The prompts of each category, in order.
    pub(super) categories: Vec<Vec<PromptId>>,
    pub(super) synonyms: Synonyms,
    pub(super) keywords: Builder,
    /// How many keywords there are, synonyms expanded; past the limit they are not counted.
    pub(super) keyword_count: usize,
    pub(super) keyword_bytes: usize,
    pub(super) patterns: Compiler,
    pub(super) audio_files: Vec<AudioFile>,
    /// Where each node stands in the file.
    pub(super) node_offsets: Vec<usize>,
    /// The literals that were added, for finding those that never match.
    pub(super) literals: Vec<AddedLiteral>,
}

/// A literal keyword that was added to the matcher, and where it stands in the file.
pub(super) struct AddedLiteral {
    pub(super) place: super::matcher::Place,
    pub(super) word: SmolStr,
    pub(super) offset: usize,
}

/// Top-level keys that are read and do nothing yet.
const LATER: [&str; 1] = ["llm"];

impl<'r, 'a> Loader<'r, 'a> {
    fn new(reader: &'r mut Reader<'a>) -> Self {
        Self {
            reader,
            version: 1,
            node_ids: HashMap::new(),
            folded_node_ids: HashMap::new(),
            prompt_ids: HashMap::new(),
            category_ids: HashMap::new(),
            categories: Vec::new(),
            synonyms: Synonyms::default(),
            keywords: Builder::default(),
            keyword_count: 0,
            keyword_bytes: 0,
            patterns: Compiler::default(),
            audio_files: Vec::new(),
            node_offsets: Vec::new(),
            literals: Vec::new(),
        }
    }

    fn load(mut self, name: &str, text: &str, root: &Value<'a>) -> Option<Script> {
        let fields = self.reader.object(root, "the file")?;
        let version_label = self.version(&fields);
        self.synonyms(&fields);
        let (flow, prompts, kb) = (
            self.section(&fields, "flow"),
            self.section(&fields, "prompt"),
            self.section(&fields, "kb"),
        );
        self.index(flow.as_ref(), prompts.as_ref(), kb.as_ref());
        if self.node_ids.len() > NODES_MAX {
            let hint = "split it into several scripts";
            let message = format!("{} nodes; a script may have {NODES_MAX}", self.node_ids.len());
            self.reader.error(fields.span("flow"), message, hint);
            return None;
        }
        for (name, _) in flow.iter().flat_map(Fields::all) {
            let folded = name.text.to_lowercase();
            self.folded_node_ids.entry(folded).or_insert_with(|| name.text.into());
        }
        let global = self.global(&fields);
        if let Some(kb) = &kb {
            self.categories(kb);
        }
        let prompts = prompts.map_or_else(Vec::new, |prompts| self.prompts(&prompts));
        let nodes = flow.as_ref().map_or_else(Vec::new, |flow| self.nodes(flow));
        let entry = self.entry(&nodes, fields.span("flow"));
        let noise = self.noise_rules(&fields);
        let rules = self.label_rules(&fields);
        self.later(&fields, &LATER);
        // Of these the editor's and the prover's business is made elsewhere.
        let _kept = (fields.get("$schema"), fields.get("check"));
        self.unknown(&fields, "the script");
        if !self.has_room_for_keywords() || self.patterns.is_exhausted() {
            self.too_many_keywords(fields.span("flow"));
            return None;
        }
        self.finish(
            name,
            text,
            Parts { version_label, nodes, prompts, global, noise, rules, entry: entry? },
        )
    }

    pub(super) fn has_room_for_keywords(&self) -> bool {
        self.keyword_count <= KEYWORDS_MAX && self.keyword_bytes <= KEYWORDS_BYTES_MAX
    }

    fn too_many_keywords(&mut self, at: Span) {
        let (message, hint) = if self.patterns.is_exhausted() {
            let message = "the patterns of the script are too many or too large".to_owned();
            (message, "write words where no pattern is needed, and repeat less in patterns")
        } else if self.keyword_count > KEYWORDS_MAX {
            let message = format!("too many keywords; a script may have {KEYWORDS_MAX}");
            (message, "split it into several scripts")
        } else {
            let megabytes = KEYWORDS_BYTES_MAX >> 20;
            let message = format!(
                "too many bytes of keywords, synonyms expanded; a script may have {megabytes} MiB"
            );
            (message, "use shorter words, or fewer groups")
        };
        self.reader.error(at, message, hint);
    }

    fn finish(self, name: &str, text: &str, parts: Parts) -> Option<Script> {
        let Loader { reader, keywords, node_ids, audio_files, node_offsets, literals, .. } = self;
        let matcher = match keywords.finish(!parts.global.nlp_url.is_empty()) {
            Ok(matcher) => matcher,
            Err(error) => {
                let message = format!("the keywords can't be compiled together: {error}");
                reader.error(0..0, message, "use fewer or simpler patterns");
                return None;
            }
        };
        let script = Script {
            name: name.into(),
            revision: revision(text),
            version_label: parts.version_label,
            nodes: parts.nodes,
            entry: parts.entry,
            prompts: parts.prompts,
            global: parts.global,
            noise: parts.noise,
            rules: parts.rules,
            matcher,
            variables: template::variables(text),
            audio_files,
            node_ids,
        };
        graph::warn(&script, reader, &node_offsets, &literals);
        Some(script)
    }

    /// E1: a number is the format, any other text is the author's label (R1).
    fn version(&mut self, fields: &Fields<'a, '_>) -> SmolStr {
        let Some(written) = self.reader.text(fields.get("version"), "version") else {
            return SmolStr::default();
        };
        match written.text.trim().parse::<u8>() {
            Ok(number @ 1..=3) => {
                self.version = number;
                SmolStr::default()
            }
            _ if written.text.trim().is_empty() => SmolStr::default(),
            _ => {
                self.version = 3;
                written.text.trim().into()
            }
        }
    }

    fn synonyms(&mut self, fields: &Fields<'a, '_>) {
        let Some(groups) = self.section(fields, "synonym") else { return };
        let raw: Vec<(SmolStr, Vec<SmolStr>)> = groups
            .all()
            .map(|(name, words)| {
                let what = format!("synonym.{}", brief(name.text));
                let words = self.reader.texts(Some(words), &what);
                (name.text.into(), words.into_iter().map(|word| word.text.into()).collect())
            })
            .collect();
        match Synonyms::new(&raw) {
            Ok(synonyms) => self.synonyms = synonyms,
            Err(SynonymError::Cycle(path)) => {
                let first = path.last().cloned().unwrap_or_default();
                let message = format!("synonym groups name each other: {}", path.join(" → "));
                self.reader.error(groups.span(&first), message, "take one of the names out");
            }
            Err(SynonymError::TooMany(group)) => {
                let message = format!("the synonym group {group} stands for too many words");
                self.reader.error(groups.span(&group), message, "use fewer words or groups");
            }
        }
    }

    fn section<'b>(&mut self, fields: &Fields<'a, 'b>, name: &str) -> Option<Fields<'a, 'b>> {
        let value = fields.get(name).filter(|value| !matches!(value, Value::NullKeyword(_)))?;
        self.reader.object(value, name)
    }

    /// Gives every node, prompt and category its place before any of them is read.
    fn index(
        &mut self,
        flow: Option<&Fields<'a, '_>>,
        prompts: Option<&Fields<'a, '_>>,
        kb: Option<&Fields<'a, '_>>,
    ) {
        fn places<T>(section: Option<&Fields<'_, '_>>, id: fn(u32) -> T) -> HashMap<SmolStr, T> {
            let mut ids = HashMap::new();
            for ((name, _), at) in section.iter().flat_map(|fields| fields.all()).zip(0..) {
                // Of a key that stands twice, which is an error, the first place counts.
                ids.entry(SmolStr::new(name.text)).or_insert(id(at));
            }
            ids
        }
        self.node_ids = places(flow, NodeId);
        self.prompt_ids = places(prompts, PromptId);
        self.category_ids = places(kb, CategoryId);
    }

    /// E11: the first edge of `Start`, else the only node that nobody leads to.
    fn entry(&mut self, nodes: &[Node], span: Span) -> Option<NodeId> {
        if let Some(start) = nodes.iter().find(|node| node.action == NodeAction::Start) {
            if let Some(edge) = start.edges.first() {
                return Some(edge.target);
            }
            let at = self.node_ids.get("Start").and_then(|id| self.node_offsets.get(id.0 as usize));
            let at = at.copied().unwrap_or(span.start);
            let hint = "give it one: \"subflow\": { \"F1\": {} }";
            self.reader.error(at..at, "no entry node: flow.Start has no edge", hint);
            return None;
        }
        let mut entered = vec![false; nodes.len()];
        for (at, node) in nodes.iter().enumerate() {
            for edge in node.edges.iter().filter(|edge| edge.target.0 as usize != at) {
                if let Some(seen) = entered.get_mut(edge.target.0 as usize) {
                    *seen = true;
                }
            }
        }
        let candidates: Vec<_> = (0u32..)
            .zip(nodes.iter().zip(&entered))
            .filter(|(_, (node, entered))| !**entered && node.global.is_none())
            .collect();
        if let [(only, _)] = candidates[..] {
            return Some(NodeId(only));
        }
        let names: Vec<_> = candidates.iter().map(|(_, (node, _))| node.id.as_str()).collect();
        let message = if nodes.is_empty() {
            "no entry node: flow has no nodes".to_owned()
        } else if names.is_empty() {
            "no entry node: every node is led to by another".to_owned()
        } else {
            format!("no entry node: it could be {}", names.join(", "))
        };
        self.reader.error(span, message, "name it: \"Start\": { \"subflow\": { \"F1\": {} } }");
        None
    }

    fn global(&mut self, fields: &Fields<'a, '_>) -> Global {
        let Some(global) = self.section(fields, "global") else { return Global::default() };
        let voicedir = self.reader.text(global.get("voicedir"), "voicedir");
        let voicedir = voicedir.map(|dir| SmolStr::new(dir.text)).unwrap_or_default();
        let mut speech = SpeechArgs::default();
        for name in SPEECH_SETTINGS {
            let Some(value) = self.reader.text(global.get(name), name) else { continue };
            if let Err(fault) = speech.set(name, value.text.trim()) {
                let message = format!("{name} {fault}: {}", value.text);
                self.reader.warn(value.span, message, "the built-in default is taken");
            }
        }
        let nlp_url = self.short(&global, "nlpurl");
        let voice = Arc::new(self.voice(&global));
        self.later(&global, &LATER_SETTINGS);
        self.unknown(&global, "global");
        Global { voicedir, speech, voice, nlp_url }
    }

    /// Who speaks (E7): `defaultvoice`, else the first of `voicelist`.
    fn voice(&mut self, global: &Fields<'a, '_>) -> VoiceSettings {
        let chosen = self.short(global, "defaultvoice");
        let listed = self.reader.names(global.get("voicelist"), "voicelist");
        let first = listed.first().map(|name| SmolStr::new(name.text)).unwrap_or_default();
        VoiceSettings {
            engine: self.short(global, "ttsengine"),
            url: self.short(global, "ttsurl"),
            voice: if chosen.is_empty() { first } else { chosen },
            config: self.short(global, "ttsconfig"),
            volume: self.short(global, "ttsvolume"),
            speech_rate: self.short(global, "ttsspeechrate"),
            pitch_rate: self.short(global, "ttspitchrate"),
        }
    }

    /// Warns of keys that are read and do nothing yet.
    pub(super) fn later(&mut self, fields: &Fields<'a, '_>, names: &[&str]) {
        for name in names {
            if fields.get(name).is_some_and(is_written) {
                let message = format!("{name} is kept, but this version does nothing with it yet");
                self.reader.warn(fields.span(name), message, "don't rely on it");
            }
        }
    }

    /// Warns of keys that nobody knows.
    pub(super) fn unknown(&mut self, fields: &Fields<'a, '_>, what: &str) {
        for (key, _) in fields.unknown() {
            let message = format!("unknown key \"{}\" in {what}", brief(key.text));
            self.reader.warn(key.span, message, "is it misspelt? It is kept and ignored");
        }
    }
}

/// What the parts of a file were read into.
struct Parts {
    version_label: SmolStr,
    nodes: Vec<Node>,
    prompts: Vec<Prompt>,
    global: Global,
    noise: Vec<NoiseRule>,
    rules: Vec<LabelRule>,
    entry: NodeId,
}

/// Keys of `global` that are arguments of `cti_play_and_detect_speech`.
const SPEECH_SETTINGS: [&str; 10] = [
    "interrupt",
    "asrproxy_addr",
    "vad_min_active_time_ms",
    "vad_max_end_silence_time_ms",
    "wait_speech_timeout_ms",
    "max_speech_time_ms",
    "hot_word",
    "asr_params",
    "vad_mode",
    "vad_filter",
];

/// Keys of `global` that are read and do nothing yet.
const LATER_SETTINGS: [&str; 2] = ["vad", "backchannel"];

/// False for null, "", 0, false, [] and {}: editors write such keys for all nodes alike.
pub(super) fn is_written(value: &Value<'_>) -> bool {
    match value {
        Value::NullKeyword(_) => false,
        Value::StringLit(text) => !text.value.is_empty(),
        Value::NumberLit(number) => number.value != "0",
        Value::BooleanLit(flag) => flag.value,
        Value::Object(object) => !object.properties.is_empty(),
        Value::Array(array) => !array.elements.is_empty(),
    }
}

/// A hash of the text: the same text has the same revision on every machine.
fn revision(text: &str) -> SmolStr {
    let hash = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes());
    hash.simple().to_string().chars().take(12).collect()
}
