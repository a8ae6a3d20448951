//! A script as meant: every name resolved, every number a number.

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::args::SpeechArgs;
use super::collect::Collect;
use super::complete::CompleteCondition;
use super::digits::DtmfCondition;
use super::matcher::Matcher;
use super::noise::NoiseRule;
use super::rules::{LabelRule, Test};
use super::services::{Notify, WebCall};
use super::template::Template;

/// A node's place in `Script::nodes`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct NodeId(pub u32);

/// A prompt's place in `Script::prompts`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct PromptId(pub u32);

/// A knowledge category's place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryId(pub u32);

/// One version of one robot script, checked and compiled.
#[derive(Debug)]
pub struct Script {
    /// Its path below the scripts folder without `.json` (R1).
    pub name: SmolStr,
    /// A hash of its text: the same text is the same revision, anywhere.
    pub revision: SmolStr,
    /// The author's own version label; empty if there is none (E1).
    pub version_label: SmolStr,
    /// The nodes in the order of the file.
    pub nodes: Vec<Node>,
    /// The node a call begins with (E11).
    pub entry: NodeId,
    /// The prompts in the order of the file.
    pub prompts: Vec<Prompt>,
    /// What holds for the whole script (E7).
    pub global: Global,
    /// Noise rules, in order.
    pub noise: Vec<NoiseRule>,
    /// Label rules, in order (E82).
    pub rules: Vec<LabelRule>,
    /// Which keywords are in a text, and whose they are (E52).
    pub matcher: Matcher,
    /// The names of the call variables it uses, each once, in the order of the file: for switches that
    /// tell a variable only when asked for it.
    pub variables: Vec<SmolStr>,
    /// Every file named as audio, for checking that it exists.
    pub audio_files: Vec<AudioFile>,
    pub(super) node_ids: HashMap<SmolStr, NodeId>,
}

impl Script {
    /// A node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A prompt.
    #[must_use]
    pub fn prompt(&self, id: PromptId) -> &Prompt {
        &self.prompts[id.0 as usize]
    }

    /// The node of that name.
    #[must_use]
    pub fn node_id(&self, name: &str) -> Option<NodeId> {
        self.node_ids.get(name).copied()
    }
}

/// An audio file a script names, and where.
#[derive(Clone, Debug)]
pub struct AudioFile {
    /// As written, relative to `voicedir`.
    pub file: SmolStr,
    /// Byte offset of the entry in the script file.
    pub offset: usize,
}

/// `global` (E7): what an action takes where its own arguments are empty.
#[derive(Clone, Debug, Default)]
pub struct Global {
    /// Folder of relative playback files, below the audio folder.
    pub voicedir: SmolStr,
    /// Arguments of `cti_play_and_detect_speech` that nodes leave empty.
    pub speech: SpeechArgs,
    /// Who speaks texts, where the daemon has them spoken itself.
    pub voice: Arc<VoiceSettings>,
    /// The NLP service (I10); empty = there is none.
    pub nlp_url: SmolStr,
}

/// Who speaks the texts of a script, and how (E7, I20). An empty value is left to the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VoiceSettings {
    /// `ttsengine`: a voice that the configuration names, or a word for the service.
    pub engine: SmolStr,
    /// `ttsurl`: the service.
    pub url: SmolStr,
    /// `defaultvoice`, else the first of `voicelist`.
    pub voice: SmolStr,
    /// `ttsconfig`, passed on.
    pub config: SmolStr,
    /// `ttsvolume`, passed on.
    pub volume: SmolStr,
    /// `ttsspeechrate`, passed on.
    pub speech_rate: SmolStr,
    /// `ttspitchrate`, passed on.
    pub pitch_rate: SmolStr,
}

/// A node of `flow` (E3).
#[derive(Clone, Debug)]
pub struct Node {
    /// Its key in `flow`.
    pub id: SmolStr,
    /// What it makes the switch do.
    pub action: NodeAction,
    /// The action's name as written.
    pub app: SmolStr,
    /// Its argument.
    pub argument: Template,
    /// The node's name for people: `response_description`.
    pub description: SmolStr,
    /// What it says, by occasion.
    pub audio: NodeAudio,
    /// How many mismatches in a row are answered; `None` = 1 (E3).
    pub mismatch_repetition: Option<u32>,
    /// How many time-outs in a row are answered; `None` = 1 (E3).
    pub timeout_repetition: Option<u32>,
    /// Results to drop before matching (E42).
    pub filter: Filter,
    /// Linked knowledge categories, in order.
    pub kb: Vec<CategoryId>,
    /// How often it may be entered; 0 = unlimited.
    pub repetition: u32,
    /// Intent mark.
    pub potential: Potential,
    /// Linked global nodes, in order (R3).
    pub globals: Vec<NodeId>,
    /// Present if the node is global itself.
    pub global: Option<GlobalEntry>,
    /// How many levels of source nodes are also matched (E55).
    pub source_depth: u32,
    /// How long speech can't interrupt, ms from the start of the audio; `u64::MAX` = all of it.
    pub disablebreak_ms: u64,
    /// The ways on, in order.
    pub edges: Vec<Edge>,
    /// Variables a `set` node sets.
    pub set: Vec<(SmolStr, Template)>,
    /// Its name at the NLP service; empty = its sentences are not sent there (I10).
    pub nlp_id: SmolStr,
    /// Who is told, and when, that the node was entered (E85).
    pub notify: Option<Notify>,
}

/// What a node does (E20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeAction {
    /// `flow.Start`: names the entry node and does nothing.
    Start,
    /// `cti_play_and_detect_speech`.
    PlayAndDetect,
    /// `playback`.
    Playback,
    /// `hangup`.
    Hangup,
    /// `return`.
    Return(ReturnTarget),
    /// `transfer`.
    Transfer,
    /// `manual`.
    Manual,
    /// `set`.
    Set,
    /// `branch`.
    Branch,
    /// `collect`.
    Collect(Collect),
    /// `http`.
    Http(Box<WebCall>),
    /// A built-in that this version does not have yet: it ends with `ERROR()`.
    Later,
    /// A dialplan application of the switch.
    Application,
}

/// Where a `return` goes (E70).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnTarget {
    /// The source node.
    Source,
    /// The last node of the main flow.
    Top,
    /// A node.
    Node(NodeId),
    /// Whatever the argument's variables say when it happens.
    Computed,
}

/// What a node says, by occasion (E3). A list that is absent or empty falls back (R5).
#[derive(Clone, Debug, Default)]
pub struct NodeAudio {
    /// On the first entry.
    pub first: Audio,
    /// On the second.
    pub second: Audio,
    /// On the third.
    pub third: Audio,
    /// On the fourth and later ones.
    pub fourth: Audio,
    /// On coming back from the knowledge base.
    pub after_kb: Audio,
    /// When nothing matched.
    pub mismatch: Audio,
    /// When the caller said nothing.
    pub timeout: Audio,
}

impl NodeAudio {
    /// What the node says when entered for the `nth` time, from 1.
    #[must_use]
    pub fn on_entry(&self, nth: u32) -> &Audio {
        let again = || self.second.or(&self.first);
        match nth {
            0 | 1 => &self.first,
            2 => again(),
            3 => self.third.or(again()),
            _ => self.fourth.or(again()),
        }
    }

    /// Everything it may say.
    pub fn all(&self) -> impl Iterator<Item = &Audio> {
        let entries = [&self.first, &self.second, &self.third, &self.fourth];
        entries.into_iter().chain([&self.after_kb, &self.mismatch, &self.timeout])
    }

    /// What the node says on coming back from the knowledge base.
    #[must_use]
    pub fn on_return_from_kb(&self) -> &Audio {
        self.after_kb.or(self.second.or(&self.first))
    }
}

/// A list of playback entries and what they say.
#[derive(Clone, Debug, Default)]
pub struct Audio {
    /// The entries in order.
    pub entries: Vec<AudioEntry>,
    /// The whole as text, if it has no variables: made once, at load.
    pub fixed_text: Option<SmolStr>,
    /// The texts, joined by a blank for `response_text` (R5).
    pub texts: Vec<Template>,
}

impl Audio {
    /// True if there is nothing to play.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self.is_empty() { other } else { self }
    }
}

/// One entry to play (E8).
#[derive(Clone, Debug)]
pub struct AudioEntry {
    /// What kind of entry; decided by what is written, never by what a variable holds.
    pub kind: EntryKind,
    /// The entry.
    pub template: Template,
}

impl EntryKind {
    /// What kind of entry is written (E8). What a variable holds never changes the kind.
    #[must_use]
    pub fn of(written: &str, has_variables: bool) -> Self {
        let lower = written.to_ascii_lowercase();
        if lower.starts_with("http://") || lower.starts_with("https://") {
            Self::Url
        } else if lower.starts_with("tone_stream://") {
            Self::Tone
        } else if lower.starts_with("silence_stream://") {
            Self::Silence
        } else if lower.starts_with("file://") || lower.ends_with(".wav") || lower.ends_with(".mp3")
        {
            Self::File
        } else if has_variables {
            Self::Text
        } else {
            Self::FileOrText
        }
    }
}

/// Kinds of playback entries (E8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A file with its extension.
    File,
    /// `http://…`, `https://…`.
    Url,
    /// `tone_stream://…`.
    Tone,
    /// `silence_stream://<ms>`.
    Silence,
    /// A file without its extension if there is one, else text to speak.
    FileOrText,
    /// Text to speak: an entry with variables.
    Text,
}

/// Results to drop before matching (E42).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Prefix letters.
    pub text: SmolStr,
    /// Digits.
    pub dtmf: SmolStr,
}

/// An intent mark (E80, R22).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Potential {
    /// As written: what rows carry.
    pub raw: SmolStr,
    /// What it means.
    pub kind: PotentialKind,
}

/// What an intent mark means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PotentialKind {
    /// Nothing.
    #[default]
    None,
    /// Feeds the sums of `classify`.
    Number(i64),
    /// Is the call's label from now on.
    Label,
}

/// What makes a node global (E3, R3).
#[derive(Clone, Debug, Default)]
pub struct GlobalEntry {
    /// Acts as an edge that leads to the node.
    pub edge: Edge,
    /// Only within the first so many ms of the call; `None` = always.
    pub time_limit_ms: Option<u64>,
    /// Only for the first so many finished sentences; 0 = always (R27).
    pub count_limit: u32,
    /// Matched even while interruption is forbidden.
    pub ignores_disablebreak: bool,
}

/// A way on (E4).
#[derive(Clone, Debug)]
pub struct Edge {
    /// The condition's id.
    pub id: SmolStr,
    /// The edge's label.
    pub label: SmolStr,
    /// Where it leads.
    pub target: NodeId,
    /// For statistics.
    pub weight: i64,
    /// Smaller first.
    pub priority: i64,
    /// It has keywords; which, the matcher knows.
    pub has_text: bool,
    /// It has the keyword `any`.
    pub any_text: bool,
    /// Digits it waits for.
    pub dtmf: Vec<DtmfCondition>,
    /// Ends of the action it waits for.
    pub complete: Vec<CompleteCondition>,
    /// What must hold of the call's variables, at a `branch` node; none = it is not tried there.
    pub when: Vec<Test>,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            id: SmolStr::default(),
            label: SmolStr::default(),
            target: NodeId(0),
            weight: 0,
            priority: 0,
            has_text: false,
            any_text: false,
            dtmf: Vec::new(),
            complete: Vec::new(),
            when: Vec::new(),
        }
    }
}

/// An entry of the knowledge base (E5).
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Its key in `prompt`.
    pub id: SmolStr,
    /// Its name for people: `response_description`.
    pub name: SmolStr,
    /// How often it may be played; 0 = unlimited.
    pub repetition: u32,
    /// What it says.
    pub audio: Audio,
    /// Intent mark.
    pub potential: Potential,
    /// Where the call goes afterwards.
    pub switchflow: Option<SwitchFlow>,
    /// The node's return audio is left out.
    pub ignore_return_playback: bool,
}

/// Where the call goes after a prompt (E66).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchFlow {
    /// As written: `input_args` of the FLOWID row.
    pub raw: SmolStr,
    /// What it means.
    pub target: SwitchTarget,
}

/// What a `switchflow` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchTarget {
    /// A node.
    Node(NodeId),
    /// Back to the source node.
    Return,
    /// The edge that such a text would take.
    Text(SmolStr),
    /// The edge that such digits would take.
    Dtmf(SmolStr),
    /// The edge that such a completion would take.
    Complete(SmolStr),
}
