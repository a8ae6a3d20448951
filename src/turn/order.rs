//! What a switch and a recogniser are told to do for a call.

use smol_str::SmolStr;

use super::event::EntryId;
use crate::engine::command::{Source, Transfer};

/// One thing for the switch to do. Orders are carried out in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Play after what was ordered before; answered by one `PlaybackFinished`.
    Play {
        /// Its id.
        entry: EntryId,
        /// What.
        source: Source,
        /// Where to begin, ms into the audio.
        offset_ms: u64,
    },
    /// Stop what plays and drop what waits; each ends with `PlaybackFinished`. What is ordered
    /// afterwards is played.
    StopAudio,
    /// Recognise what the caller says from now on, sentence after sentence. If the recogniser
    /// already does, it goes on without a gap.
    Listen(Box<Listen>),
    /// Stop recognising.
    StopListening,
    /// Run an application; answered by one `ApplicationFinished`.
    Execute {
        /// Its id.
        entry: EntryId,
        /// Its name.
        app: SmolStr,
        /// Its argument, still unescaped.
        argument: String,
    },
    /// Hang up, at once.
    Hangup {
        /// Hangup cause, e.g. `NORMAL_CLEARING`.
        cause: SmolStr,
    },
    /// Send the caller elsewhere; answered by `Transferred` or `TransferFailed`.
    Transfer(Transfer),
    /// Run an API command; nobody waits for what comes of it.
    Api(String),
    /// Set variables on the channel.
    SetVariables(Vec<(SmolStr, String)>),
}

/// How to recognise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// Words to prefer, as the recogniser wants them.
    pub hot_word: SmolStr,
    /// JSON for the recogniser.
    pub asr_params: SmolStr,
    /// Silence that ends a sentence, ms.
    pub end_silence_ms: u64,
    /// A sentence is cut here, ms.
    pub max_speech_ms: u64,
}
