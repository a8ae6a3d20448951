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
    /// Record both sides in this file from now on, in place of the one before; empty = no more.
    Record {
        /// Its name below the folder of recordings.
        file: SmolStr,
    },
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

/// How to recognise (T1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// The action that listens.
    pub appid: SmolStr,
    /// Who finds where a sentence begins and ends.
    pub ends: Ends,
    /// A sound is speech only if louder than the caller's speech so far times this, in thousandths.
    pub vad_filter_permille: u32,
    /// Shorter sounds are no speech, ms.
    pub min_active_ms: u64,
    /// Recogniser addresses as the script has them; empty = a configured one.
    pub addresses: SmolStr,
    /// How long the caller may hear nothing because an entry can't be had, ms (T8).
    pub wait_speech_ms: u64,
    /// Words to prefer, as the recogniser wants them.
    pub hot_word: SmolStr,
    /// JSON for the recogniser.
    pub asr_params: SmolStr,
    /// Silence that ends a sentence, ms.
    pub end_silence_ms: u64,
    /// A sentence is cut here, ms.
    pub max_speech_ms: u64,
}

/// Who finds where a sentence begins and ends (T1: vad_mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// 0: we do.
    #[default]
    Ours,
    /// 1: the recogniser does.
    Recogniser,
    /// 2: we find the beginning, the recogniser the end.
    RecognisersEnd,
}
