//! What a call asks of recognisers and voices, and what comes of it.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::engine::Source;
use crate::script::VoiceSettings;

/// A sentence of the caller's; counts from 1 within a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SentenceId(pub u32);

/// How a call wants to be heard: from the arguments of the action that listens (T1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// The action, for recognisers that want to know.
    pub appid: SmolStr,
    /// Recogniser addresses as the script has them (T1, 5); empty = a configured recogniser.
    pub addresses: SmolStr,
    /// Words to prefer.
    pub hot_word: SmolStr,
    /// JSON for the recogniser.
    pub asr_params: SmolStr,
    /// Silence that ends a sentence, ms.
    pub end_silence_ms: u64,
    /// True if the recogniser finds where a sentence ends (T1: vad_mode 1 and 2); it is then asked
    /// for one sentence after the other, and `End` comes only to cut one.
    pub finds_ends: bool,
}

/// What a call tells its recogniser, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum ToRecogniser {
    /// From now on it is to listen so. Sentences that are on their way go on.
    Listen(Box<Hearing>),
    /// A sentence begins; its audio follows.
    Begin(SentenceId),
    /// More of the sentence that began last: mono at `media::RATE`.
    Audio(Box<[i16]>),
    /// The sentence is over: its text is wanted now.
    End(SentenceId),
    /// Nobody wants to know any more what was said.
    Cancel(SentenceId),
}

/// What comes of a recogniser. Of each sentence that began and was not cancelled exactly one `Final`
/// or `Failed` comes, last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromRecogniser {
    /// It hears that somebody speaks. Only if it finds the ends itself.
    Began(SentenceId),
    /// What was understood so far.
    Partial(SentenceId, SmolStr),
    /// What was said; empty = no words.
    Final(SentenceId, SmolStr),
    /// This sentence could not be understood, and why.
    Failed(SentenceId, SmolStr),
    /// No recogniser can be reached, and why; it is tried again until `Ready`.
    Lost(SmolStr),
    /// It can be reached again.
    Ready,
}

/// Audio that a call wants to play.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// What.
    pub source: Source,
    /// The folder of the script's audio below the audio root; may be empty.
    pub voicedir: SmolStr,
    /// Who speaks texts, and how.
    pub voice: Arc<VoiceSettings>,
}

/// What comes of it, in order; after `Done` and `Failed` nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The next piece: mono at `media::RATE`. Shared by all calls that play it.
    Piece(Arc<[i16]>),
    /// That was all.
    Done,
    /// It can't be had, or breaks off; the text says why.
    Failed(SmolStr),
}
