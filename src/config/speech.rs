//! Sections `[speech.…]`: named recognisers and voices, for switches that bring their audio to us.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Secret;

/// Section `[speech]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Speech {
    /// Recognisers by name; `global.asr_params` `{"group":"<name>"}` picks one, else `default`.
    pub asr: BTreeMap<String, Asr>,
    /// Voices by name; `global.ttsengine` picks one, else `default`.
    pub tts: BTreeMap<String, Tts>,
    /// Synthesised audio may take so much of the disk, MiB.
    pub cache_mb: u64,
}

/// One `[speech.asr.<name>]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asr {
    /// Its protocol.
    pub kind: AsrKind,
    /// Where it is. Several with commas between them: each new connection takes the next; with a
    /// `*` before the first, the others serve only while those before them are away.
    pub url: String,
    /// Bearer token; empty = none.
    pub secret: Secret,
    /// The model, for services that have several; empty = the service's own choice.
    pub model: String,
    /// The language, `zh`, `ru`, `en`; empty = the service finds out.
    pub language: String,
    /// A proxy for it, `http://host:port`; empty = as the environment says.
    pub proxy: String,
    /// A connection is made within this time, ms.
    pub connect_ms: u64,
    /// A sentence is understood within this time after its end, ms.
    pub result_ms: u64,
}

/// Protocols of recognisers (I25, I26).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AsrKind {
    /// The recogniser plug-ins of the original, over WebSocket.
    Asrproxy,
    /// A Vosk server, over WebSocket.
    Vosk,
    /// `POST …/audio/transcriptions`, a sentence at a time.
    Openai,
}

/// One `[speech.tts.<name>]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tts {
    /// Its protocol.
    pub kind: TtsKind,
    /// Where it is; empty where `kind` is `command`.
    pub url: String,
    /// The program and its arguments; the text is its standard input, a WAV file its output.
    /// `{voice}` in an argument is `voice`.
    pub command: Vec<String>,
    /// The voice, if the script names none.
    pub voice: String,
    /// The model, for services that have several.
    pub model: String,
    /// Bearer token or key; empty = none.
    pub secret: Secret,
    /// A proxy for it, `http://host:port`; empty = as the environment says.
    pub proxy: String,
    /// The first audio is there within this time, and each further piece, ms.
    pub timeout_ms: u64,
}

/// Protocols of voices (I20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TtsKind {
    /// A program on this machine.
    Command,
    /// `GET <url>?text=…`, as the original's.
    Http,
    /// `POST …/audio/speech`.
    Openai,
    /// `POST …/text-to-speech/<voice>`.
    Elevenlabs,
}

impl Default for Speech {
    fn default() -> Self {
        let tts = BTreeMap::from([("default".to_owned(), Tts::default())]);
        Self { asr: BTreeMap::new(), tts, cache_mb: 1_024 }
    }
}

impl Default for Asr {
    fn default() -> Self {
        Self {
            kind: AsrKind::Vosk,
            url: "ws://127.0.0.1:2700".into(),
            secret: Secret::default(),
            model: String::new(),
            language: String::new(),
            proxy: String::new(),
            connect_ms: 3_000,
            result_ms: 5_000,
        }
    }
}

impl Default for Tts {
    fn default() -> Self {
        let command = ["espeak-ng", "--stdin", "--stdout", "-v", "{voice}"];
        Self {
            kind: TtsKind::Command,
            url: String::new(),
            command: command.map(Into::into).into(),
            voice: "en".into(),
            model: String::new(),
            secret: Secret::default(),
            proxy: String::new(),
            timeout_ms: 4_000,
        }
    }
}
