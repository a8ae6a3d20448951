//! What the engine asks for.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::request::{Ask, WebRequest};
use super::row::{Classify, Row};
use crate::script::SpeechArgs;

/// One thing to do or to write down. Commands come in order and are all carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Write a row of `conversation`.
    Row(Box<Row>),
    /// Write the call's row of `classify`; the last command of a call.
    Classify(Box<Classify>),
    /// Start an action; it replaces the one that runs.
    Start(Box<Action>),
    /// Stop the audio of the running action; it goes on listening.
    StopAudio {
        /// The action.
        appid: SmolStr,
    },
    /// Hang up now; all audio has been played.
    Hangup {
        /// The action that decided it.
        appid: SmolStr,
        /// Hangup cause, e.g. `NORMAL_CLEARING`.
        cause: SmolStr,
    },
    /// Send the caller elsewhere now; all audio has been played.
    Transfer(Transfer),
    /// Ask a service; its answer comes back as an input.
    Ask(Box<Ask>),
    /// Tell a service; nobody waits for its answer.
    Tell(Box<WebRequest>),
    /// What was tried for the row that follows, in order; only if the call was asked to explain.
    Explain(Vec<String>),
    /// An API command for the switch, which the configuration allows (N11).
    Api(String),
    /// Tell the log, at level debug: what a flow service says of the call.
    Note(String),
    /// Tell the log: something about the script or the call that somebody should mend.
    Warn(String),
}

/// An action for the switch: play, listen, run an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The action's own id, a UUID made from the call id and the action's number (E21).
    pub appid: SmolStr,
    /// The action's name as the script has it.
    pub app: SmolStr,
    /// Its argument, variables expanded.
    pub argument: String,
    /// What to play, in order, variables expanded.
    pub playbacks: Vec<Playback>,
    /// How to listen, the script's defaults filled in; `None` = not at all.
    pub listen: Option<Box<SpeechArgs>>,
    /// How long speech can't interrupt, ms from the start of the audio; `u64::MAX` = all of it.
    pub disablebreak_ms: u64,
    /// What kind of action it is.
    pub kind: ActionKind,
}

/// Kinds of actions, as far as playing and listening differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionKind {
    /// Play, and listen if `listen` says how.
    Play,
    /// The last words before a hang-up or transfer: nothing the caller does cuts them (T12).
    Goodbye,
    /// Run `app` with `argument` on the switch; `playbacks` are empty.
    Application,
}

/// One entry to play (E8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playback {
    /// Where the audio comes from.
    pub source: Source,
    /// What it says, for rows and for what the caller heard.
    pub text: SmolStr,
}

/// Where the audio of an entry comes from (E8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A file with its extension, below `voicedir`.
    File(SmolStr),
    /// A file `<name>.wav` or `<name>.mp3` below `voicedir` if there is one, else text to speak.
    FileOrText(SmolStr),
    /// `http://…` or `https://…`.
    Url(SmolStr),
    /// `tone_stream://…`.
    Tone(SmolStr),
    /// Silence, ms.
    Silence(u64),
    /// Text to speak.
    Text(SmolStr),
}

/// Where a caller is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The action that decided it.
    pub appid: SmolStr,
    /// Extension.
    pub extension: SmolStr,
    /// Dialplan; empty = the switch's default.
    pub dialplan: SmolStr,
    /// Context; empty = the call's own.
    pub context: SmolStr,
}

impl Transfer {
    /// Reads `<extension> [dialplan] [context]`; `None` if there is no extension (E20).
    #[must_use]
    pub fn read(appid: &SmolStr, argument: &str) -> Option<Self> {
        let mut words = argument.split_whitespace().map(SmolStr::from);
        Some(Self {
            appid: appid.clone(),
            extension: words.next()?,
            dialplan: words.next().unwrap_or_default(),
            context: words.next().unwrap_or_default(),
        })
    }
}
