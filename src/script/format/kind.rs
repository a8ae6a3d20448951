//! Which object or list of a script is which, and in which order its keys stand.

/// What an object or a list of a script is, by where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    Global,
    Nodes,
    Node,
    Edges,
    Edge,
    Condition,
    Categories,
    Category,
    Prompts,
    Prompt,
    Synonyms,
    NoiseRules,
    NoiseRule,
    LabelRules,
    LabelRule,
    Tests,
    Test,
    Filter,
    Collect,
    Http,
    Position,
    /// Anything else: its keys stay as they are.
    Plain,
}

impl Kind {
    /// What the value of this key is, or with an empty key an entry of the list.
    pub(super) fn of_value(self, key: &str) -> Self {
        match (self, key) {
            (Self::Root, "global") => Self::Global,
            (Self::Root, "flow") => Self::Nodes,
            (Self::Root, "kb") => Self::Categories,
            (Self::Root, "prompt") => Self::Prompts,
            (Self::Root, "synonym") => Self::Synonyms,
            (Self::Root, "noiserule") => Self::NoiseRules,
            (Self::Root, "classify") => Self::LabelRules,
            (Self::Nodes, _) => Self::Node,
            (Self::Node, "subflow") => Self::Edges,
            (Self::Node | Self::Edge, "condition") => Self::Condition,
            (Self::Node, "filter") => Self::Filter,
            (Self::Node, "collect") => Self::Collect,
            (Self::Node, "http") => Self::Http,
            (Self::Node, "position") => Self::Position,
            (Self::Edges, _) => Self::Edge,
            (Self::Condition, "when") | (Self::LabelRule, "all" | "any") => Self::Tests,
            (Self::Categories, _) => Self::Category,
            (Self::Prompts, _) => Self::Prompt,
            (Self::NoiseRules, "") => Self::NoiseRule,
            (Self::LabelRules, "") => Self::LabelRule,
            (Self::Tests, "") => Self::Test,
            _ => Self::Plain,
        }
    }

    /// Where a key stands among its neighbours; those that are not known come last. Keys that name
    /// something of the author's all have the same place: they keep their order.
    pub(super) fn rank(self, key: &str) -> usize {
        let order = self.order();
        order.iter().position(|known| *known == key).unwrap_or(order.len())
    }

    /// The known keys in the order of the papers.
    pub(super) fn order(self) -> &'static [&'static str] {
        match self {
            Self::Root => &ROOT,
            Self::Global => &GLOBAL,
            Self::Node => &NODE,
            Self::Edge => &["id", "condition", "weight", "priority"],
            Self::Condition => &["matching_id", "text", "dtmf", "complete", "when"],
            Self::Category => &["name", "prompts", "description"],
            Self::Prompt => &PROMPT,
            Self::NoiseRule => &["id", "text", "max_duration_ms"],
            Self::LabelRule => &["id", "label", "all", "any"],
            Self::Test => &["field", "var", "op", "value"],
            Self::Filter => &["text", "dtmf"],
            Self::Collect => {
                &["min", "max", "terminator", "first_digit_ms", "inter_digit_ms", "variable"]
            }
            Self::Http => &["method", "url", "headers", "body", "timeout_ms"],
            Self::Position => &["x", "y"],
            Self::Nodes
            | Self::Edges
            | Self::Categories
            | Self::Prompts
            | Self::Synonyms
            | Self::NoiseRules
            | Self::LabelRules
            | Self::Tests
            | Self::Plain => &[],
        }
    }

    /// True if so many entries never share a line: a reader looks for them by name.
    pub(super) fn is_broken(self, entries: usize) -> bool {
        match self {
            Self::Root | Self::Nodes | Self::Categories | Self::Prompts | Self::Synonyms => {
                entries > 0
            }
            Self::Edges => entries > 1,
            _ => false,
        }
    }

    /// True for a list of keywords of which one that stands twice, or is empty, never matches.
    pub(super) fn holds_keywords(self, key: &str) -> bool {
        matches!(
            (self, key),
            (Self::Condition | Self::NoiseRule, "text") | (Self::Prompt, "keyworks" | "keywords")
        )
    }

    /// True for a key whose value is a whole number, also in quotes (E2), and stands in no row.
    pub(super) fn holds_count(self, key: &str) -> bool {
        match self {
            Self::Node => matches!(
                key,
                "repetition"
                    | "mismatchrepetition"
                    | "timeoutrepetition"
                    | "sourceflowdepth"
                    | "timelimit"
                    | "countlimit"
                    | "priority"
                    | "weight"
            ),
            Self::Edge => matches!(key, "priority" | "weight"),
            Self::Prompt => key == "repetition",
            Self::Collect => matches!(key, "min" | "max" | "first_digit_ms" | "inter_digit_ms"),
            Self::Http => key == "timeout_ms",
            Self::NoiseRule => key == "max_duration_ms",
            _ => false,
        }
    }
}

/// E1.
const ROOT: [&str; 9] =
    ["version", "flow", "kb", "prompt", "synonym", "global", "noiserule", "classify", "llm"];

/// E7.
const GLOBAL: [&str; 22] = [
    "voicelist",
    "defaultvoice",
    "voicedir",
    "ttsurl",
    "ttsengine",
    "ttsconfig",
    "ttsvolume",
    "ttsspeechrate",
    "ttspitchrate",
    "interrupt",
    "asrproxy_addr",
    "vad_min_active_time_ms",
    "vad_max_end_silence_time_ms",
    "wait_speech_timeout_ms",
    "max_speech_time_ms",
    "hot_word",
    "asr_params",
    "nlpurl",
    "vad",
    "vad_mode",
    "vad_filter",
    "backchannel",
];

/// E3; each list's `_text` stands behind it.
const NODE: [&str; 43] = [
    "action",
    "argument",
    "position",
    "nlpid",
    "description",
    "playbacks",
    "playbacks_text",
    "replaybacks",
    "replaybacks_text",
    "thirdplaybacks",
    "thirdplaybacks_text",
    "fourplaybacks",
    "fourplaybacks_text",
    "kbplaybacks",
    "kbplaybacks_text",
    "mismatchplaybacks",
    "mismatchplaybacks_text",
    "mismatchrepetition",
    "timeoutplaybacks",
    "timeoutplaybacks_text",
    "timeoutrepetition",
    "filter",
    "kb",
    "repetition",
    "potential",
    "globalflow",
    "sourceflowdepth",
    "global",
    "condition",
    "timelimit",
    "countlimit",
    "ignoredisablebreak",
    "disablebreak",
    "priority",
    "weight",
    "must_hear",
    "llm",
    "http",
    "transfer",
    "set",
    "collect",
    "notify",
    "subflow",
];

/// E5.
const PROMPT: [&str; 12] = [
    "name",
    "ref",
    "repetition",
    "keyworks",
    "keywords",
    "playbacks",
    "playbacks_text",
    "potential",
    "switchflow",
    "ignorereturnplayback",
    "description",
    "must_hear",
];
