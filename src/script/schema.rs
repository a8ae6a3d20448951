//! The keys of a script file, in the author's words: one table, and the JSON schema made from it.

use serde_json::{Map, Value, json};

/// A key of an object of the file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What stands behind it.
    pub kind: Kind,
    /// What it is for, in the author's words.
    pub about: &'static str,
}

/// What stands behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, or a number that is read as one.
    Text,
    /// One of these texts; others may be allowed besides.
    Word(&'static [&'static str]),
    /// A whole number from 0, also in quotes.
    Count,
    /// A whole number, also in quotes.
    Integer,
    /// `true` or `false`, also 1 or 0.
    Flag,
    /// A list of texts.
    Texts,
    /// A list of names, or names with commas between them.
    Names,
    /// Playback entries, with `<name>_text` beside them.
    Playbacks,
    /// A text, a number or a list of them.
    Values,
    /// An object of this section.
    Object(&'static str),
    /// An object whose keys the author makes up; each has this section behind it.
    Map(&'static str),
    /// The same with a list of texts behind each key.
    TextsByName,
    /// The same with a text behind each key.
    TextByName,
    /// A list of objects of this section.
    List(&'static str),
    /// Milliseconds, or `true` and `false`.
    CountOrFlag,
    /// A filter: an object, or `none`.
    Filter,
    /// Anything.
    Any,
}
use Kind::{
    Any, Count, CountOrFlag, Filter, Flag, Integer, List, Map as By, Names, Object, Playbacks,
    Text, TextByName, Texts, TextsByName, Values, Word,
};

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about }
}

/// Every object of the file, and its keys.
pub const SECTIONS: [(&str, &[Key]); 16] = [
    ("script", &SCRIPT),
    ("setting", &SETTING),
    ("global", &GLOBAL),
    ("node", &NODE),
    ("filter", &FILTER),
    ("edge", &EDGE),
    ("condition", &CONDITION),
    ("comparison", &COMPARISON),
    ("category", &CATEGORY),
    ("prompt", &PROMPT),
    ("noise", &NOISE),
    ("rule", &RULE),
    ("question", &QUESTION),
    ("collect", &COLLECT),
    ("http", &HTTP),
    ("notify", &NOTIFY),
];

const SCRIPT: [Key; 11] = [
    key("$schema", Text, "Where this schema is; for editors only."),
    key(
        "version",
        Text,
        "1, 2 or 3: the format. Any other text is your own label, and stands behind the script's name in the call's first row.",
    ),
    key(
        "flow",
        By("node"),
        "The nodes, by name. The first edge of Start names the one a call begins with.",
    ),
    key("kb", By("category"), "The knowledge base: categories of prompts, which nodes link."),
    key("prompt", By("prompt"), "Answers of the knowledge base, by name."),
    key("synonym", TextsByName, "Groups of words: {group} in a keyword stands for each of them."),
    key("global", Object("global"), "What holds for all nodes unless they say otherwise."),
    key("noiserule", List("noise"), "What is heard and is no answer."),
    key(
        "classify",
        List("rule"),
        "Labels for calls that no node or prompt has labelled; the first rule that holds.",
    ),
    key(
        "check",
        By("setting"),
        "Rules of `telephonist check` that do not hold for this script, each with its reason.",
    ),
    key("llm", Any, "A language model. Kept; this version does nothing with it yet."),
];

const SETTING: [Key; 2] = [
    key(
        "severity",
        Word(&["off", "note", "warning", "error"]),
        "How a break of the rule is taken; off = it is not told.",
    ),
    key("reason", Text, "Why. Needed for off."),
];

const GLOBAL: [Key; 22] = [
    key("voicedir", Text, "Folder of audio files, below the audio folder."),
    key("voicelist", Names, "Voices; the first is taken if defaultvoice is empty."),
    key("defaultvoice", Text, "The voice that speaks."),
    key("ttsurl", Text, "Address of a speech service."),
    key("ttsengine", Text, "A voice that the configuration names, or a word for the service."),
    key("ttsconfig", Text, "Passed on to the voice."),
    key("ttsvolume", Text, "How loud the voice is; passed on."),
    key("ttsspeechrate", Text, "How fast it speaks; passed on."),
    key("ttspitchrate", Text, "How high it is; passed on."),
    key(
        "interrupt",
        Text,
        "How the caller interrupts: 0 not at all, 1 by a match, 2 by speaking, 32 by words, 64 by a sentence, 128 and 256 the audio plays on.",
    ),
    key("asrproxy_addr", Text, "Address of a recogniser."),
    key("vad_min_active_time_ms", Text, "Shorter sounds are no speech, ms."),
    key("vad_max_end_silence_time_ms", Text, "So much silence ends a sentence, ms."),
    key("wait_speech_timeout_ms", Text, "How long the caller may be silent after the audio, ms."),
    key("max_speech_time_ms", Text, "A longer sentence is cut, ms."),
    key("hot_word", Text, "Words for the recogniser to prefer."),
    key("asr_params", Text, "JSON for the recogniser."),
    key("vad_mode", Text, "Who finds the start and end of speech."),
    key("vad_filter", Text, "How loud a sound must be to be speech, 0 to 1."),
    key("nlpurl", Text, "Address of an NLP service; nodes with an nlpid ask it."),
    key("vad", Any, "Kept; this version does nothing with it yet."),
    key("backchannel", Any, "Kept; this version does nothing with it yet."),
];

const NODE: [Key; 36] = [
    key(
        "action",
        Word(&ACTIONS),
        "What the node does. Another word is an application of the switch.",
    ),
    key(
        "argument",
        Text,
        "The action's argument: an extension, a place to return to, or eleven quoted values for play and listen. ${name} stands for a variable.",
    ),
    key("description", Text, "The node's name for people; rows show it."),
    key("position", Any, "The editor's own."),
    key("nlpid", Text, "The node's name at the NLP service; empty = it is not asked."),
    key(
        "playbacks",
        Playbacks,
        "What is played on the first visit: words to speak, file names, tones, silences.",
    ),
    key("replaybacks", Playbacks, "On the second visit."),
    key("thirdplaybacks", Playbacks, "On the third."),
    key("fourplaybacks", Playbacks, "On the fourth and all later ones."),
    key("kbplaybacks", Playbacks, "After an answer of the knowledge base."),
    key("mismatchplaybacks", Playbacks, "When nothing fits what the caller said."),
    key("mismatchrepetition", Count, "How often in a row that is played; absent: once."),
    key("timeoutplaybacks", Playbacks, "When the caller says nothing."),
    key("timeoutrepetition", Count, "How often in a row that is played; absent: once."),
    key("filter", Filter, "What is not even looked at: letters of results, keys."),
    key("kb", Names, "Categories of the knowledge base that are asked here, in this order."),
    key("repetition", Count, "How often a call may come here; 0 = as often as it likes."),
    key("potential", Text, "A number feeds the sums of intent; a word is the call's label."),
    key("globalflow", Names, "Global nodes that can be reached from here."),
    key(
        "sourceflowdepth",
        Count,
        "How many of the nodes that the call came from are understood here, too.",
    ),
    key("global", Flag, "A node that others link in globalflow, with a condition of its own."),
    key(
        "condition",
        Object("condition"),
        "When the call comes here from a node that links this one; for global nodes.",
    ),
    key("timelimit", Count, "Only in the first so many ms of the call; for global nodes."),
    key("countlimit", Count, "Only in the first so many sentences; for global nodes."),
    key("ignoredisablebreak", Flag, "Even while the audio can't be interrupted; for global nodes."),
    key("priority", Integer, "Of the condition of a global node: smaller is tried first."),
    key("weight", Integer, "Of the condition of a global node: for statistics."),
    key(
        "disablebreak",
        CountOrFlag,
        "The caller can't interrupt: true, or the first so many ms of the audio.",
    ),
    key("must_hear", Any, "Kept; this version does nothing with it yet."),
    key("llm", Any, "Kept; this version does nothing with it yet."),
    key("transfer", Any, "Kept; this version does nothing with it yet."),
    key("collect", Object("collect"), "How keys are gathered; for collect."),
    key("http", Object("http"), "What is asked of a web service; for http."),
    key("set", TextByName, "Variables and their values; for set."),
    key("notify", Object("notify"), "Who is told, some time after the call came here."),
    key("subflow", By("edge"), "The ways on: \"node\" or \"label:node\", as they are tried."),
];

const ACTIONS: [&str; 10] = [
    "cti_play_and_detect_speech",
    "playback",
    "hangup",
    "return",
    "transfer",
    "manual",
    "set",
    "branch",
    "collect",
    "http",
];

const FILTER: [Key; 2] = [
    key("text", Text, "Letters of results that are ignored: S what is still being said, E errors."),
    key("dtmf", Text, "Keys that are ignored."),
];

const EDGE: [Key; 4] = [
    key("id", Text, "The condition's name in rows."),
    key("condition", Object("condition"), "When the edge is taken; without one it never is."),
    key("priority", Integer, "Smaller is tried first; absent: 0."),
    key("weight", Integer, "For statistics: positive, negative or 0."),
];

const CONDITION: [Key; 5] = [
    key("matching_id", Text, "The condition's name in rows, if the edge has no id."),
    key("text", Texts, "Words that the caller's sentence contains, patterns, or any."),
    key("dtmf", Texts, "Keys, patterns of keys, or any."),
    key(
        "complete",
        Texts,
        "How the action ended: done, timeout, error, break, hangup, a pattern, or any.",
    ),
    key("when", List("comparison"), "What must hold of variables; for the edges of a branch."),
];

const OPS: [&str; 8] = ["==", "!=", "<", "<=", ">", ">=", "in", "contains"];

const COMPARISON: [Key; 3] = [
    key("var", Text, "The variable."),
    key("op", Word(&OPS), "How it is compared."),
    key("value", Values, "With what; several for in."),
];

const CATEGORY: [Key; 3] = [
    key("name", Text, "Its name for people."),
    key("prompts", Names, "Its prompts, as they are tried."),
    key("description", Text, "What it is about."),
];

const PROMPT: [Key; 11] = [
    key("name", Text, "Its name for people; rows show it."),
    key("keyworks", Texts, "Words or patterns of the question; spelt as the format has it."),
    key("keywords", Texts, "The same, spelt right."),
    key("playbacks", Playbacks, "The answer."),
    key("repetition", Count, "How often it is given in a call; 0 = as often as it is asked for."),
    key("potential", Text, "A number feeds the sums of intent; a word is the call's label."),
    key(
        "switchflow",
        Text,
        "Where the call goes afterwards: a node, return, text:…, dtmf:…, complete:…",
    ),
    key("ignorereturnplayback", Flag, "The node's kbplaybacks are not played after it."),
    key("description", Text, "What it is about."),
    key("ref", Any, "Kept, and does nothing."),
    key("must_hear", Any, "Kept; this version does nothing with it yet."),
];

const NOISE: [Key; 3] = [
    key("id", Text, "The rule's name in rows."),
    key("text", Texts, "Words or patterns of what is no answer."),
    key("max_duration_ms", Count, "Longer sentences are no noise, ms."),
];

const RULE: [Key; 4] = [
    key("id", Text, "The rule's name in the classify row."),
    key("label", Text, "The label it gives."),
    key("all", List("question"), "All of these hold."),
    key("any", List("question"), "One of these holds."),
];

const QUESTION: [Key; 3] = [
    key("field", Word(&super::rules::FIELDS), "What is asked about the call."),
    key("op", Word(&OPS), "How it is compared."),
    key("value", Values, "With what; several for in."),
];

const COLLECT: [Key; 6] = [
    key("min", Count, "Fewer keys are a mismatch; absent: 1."),
    key("max", Count, "So many keys end it; at most 32."),
    key("terminator", Text, "The key that ends it, or none; absent: #."),
    key(
        "first_digit_ms",
        Count,
        "How long the first key is awaited after the audio, ms; absent: 5000.",
    ),
    key("inter_digit_ms", Count, "How long each further key is awaited, ms; absent: 3000."),
    key("variable", Text, "The variable that gets the keys, besides last_digits."),
];

const HTTP: [Key; 5] = [
    key(
        "method",
        Word(&["GET", "POST", "PUT", "PATCH", "DELETE"]),
        "Absent: GET, or POST if there is a body.",
    ),
    key("url", Text, "The address. ${name} stands for a variable."),
    key("headers", TextByName, "Headers of the request."),
    key("body", Any, "What is sent, as JSON; its texts may name variables."),
    key("timeout_ms", Count, "How long the answer is awaited, ms; absent: 5000, at most 60000."),
];

const NOTIFY: [Key; 7] = [
    key(
        "trigger_type",
        Word(&["calculate"]),
        "When the time begins: with the entry into the node.",
    ),
    key("trigger_time", Count, "How long after that, s."),
    key("url", Text, "Who is told."),
    key("linegroup", Text, "Where the call goes if the robot stops."),
    key("stop_robot", Flag, "The robot hands the call to linegroup."),
    key("beep_time", Any, "Passed on with the notice."),
    key("rest_time", Any, "Passed on with the notice."),
];

/// The JSON schema of a script file (draft 7, which editors know best), as text.
#[must_use]
pub fn text() -> String {
    let text = serde_json::to_string_pretty(&schema());
    text.expect("a schema is plain data") + "\n"
}

/// The same as data.
#[must_use]
pub fn schema() -> Value {
    let definitions: Map<String, Value> =
        SECTIONS.iter().map(|(name, keys)| ((*name).to_owned(), section(keys))).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A robot script of telephonist",
        "allOf": [{ "$ref": "#/definitions/script" }],
        "definitions": definitions,
    })
}

fn section(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for Key { name, kind, about } in keys {
        let mut value = of(*kind);
        if let Value::Object(value) = &mut value {
            value.insert("description".into(), (*about).into());
        }
        properties.insert((*name).into(), value);
        if *kind == Playbacks {
            let mut text = of(Texts);
            if let Value::Object(text) = &mut text {
                let about = format!("What {name} says, as rows show it.");
                text.insert("description".into(), about.into());
            }
            properties.insert(format!("{name}_text"), text);
        }
    }
    json!({
        "type": ["object", "array", "null"],
        "maxItems": 0,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn of(kind: Kind) -> Value {
    let text = json!(["string", "number", "null"]);
    let by_name = |value: Value| json!({ "type": ["object", "array", "null"], "maxItems": 0, "additionalProperties": value });
    let reference = |name: &str| json!({ "$ref": format!("#/definitions/{name}") });
    match kind {
        Any => json!({}),
        Text => json!({ "type": text }),
        Word(words) => json!({ "type": text, "examples": words }),
        Count => json!({ "type": ["integer", "string", "null"], "minimum": 0 }),
        Integer => json!({ "type": ["integer", "string", "null"] }),
        Flag => json!({ "type": ["boolean", "integer", "string", "null"] }),
        CountOrFlag => json!({ "type": ["boolean", "integer", "string", "null"], "minimum": 0 }),
        Texts | Playbacks => json!({ "type": ["array", "null"], "items": { "type": text } }),
        Names => json!({ "type": ["array", "string", "null"], "items": { "type": text } }),
        Values => {
            json!({ "type": ["array", "string", "number", "null"], "items": { "type": text } })
        }
        // In draft 7 nothing counts beside a $ref: the description would not.
        Object(name) => json!({ "allOf": [reference(name)] }),
        By(name) => by_name(reference(name)),
        TextsByName => by_name(json!({ "type": ["array", "null"], "items": { "type": text } })),
        TextByName => by_name(json!({ "type": text })),
        List(name) => json!({ "type": ["array", "null"], "items": reference(name) }),
        Filter => json!({ "anyOf": [reference("filter"), { "type": ["string", "null"] }] }),
    }
}
