//! What a switch and a recogniser tell of a call.

use smol_str::SmolStr;

use crate::engine::input::EndReason;

/// One piece of audio, or one application, that was ordered: the action and a number within it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryId {
    /// The action.
    pub appid: SmolStr,
    /// Counts the orders of one action from 0.
    pub number: u32,
}

/// Something that happened on the line.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    /// An ordered piece of audio can be heard now.
    PlaybackStarted(EntryId),
    /// It can't be heard any more, or never could. Comes exactly once for every `Order::Play`.
    PlaybackFinished {
        /// Which.
        entry: EntryId,
        /// How it ended.
        end: PlaybackEnd,
        /// Where in the audio it ended, ms from the beginning of the entry, if the switch knows.
        heard_ms: Option<u64>,
    },
    /// An ordered application ended. Comes exactly once for every `Order::Execute`.
    ApplicationFinished {
        /// Which.
        entry: EntryId,
        /// False if the switch could not run it.
        ok: bool,
    },
    /// The recogniser hears now.
    RecognizerReady,
    /// The recogniser could not be started, or is gone; empty = why was told with a sentence.
    RecognizerLost(SmolStr),
    /// The caller began to speak.
    SpeechStarted {
        /// How long before this event, ms: what must last a while to be speech is told of late.
        ago_ms: u64,
    },
    /// The caller fell silent; what was said is still being recognised. Not every recogniser tells.
    SpeechStopped {
        /// How long before this event, ms: the silence that ended the sentence.
        ago_ms: u64,
    },
    /// What the caller has said so far.
    Partial(SmolStr),
    /// A finished sentence; empty = there was a sound and no words.
    Final(SmolStr),
    /// The recogniser failed on this sentence; the text is its error.
    RecognitionFailed(SmolStr),
    /// The caller pressed a key.
    Digit(char),
    /// Somebody broke the running action from outside (`uuid_break`).
    Broken,
    /// The line is gone; told once more when nothing else will be heard of it, not even what was
    /// being said.
    HungUp(EndReason),
    /// The caller was sent elsewhere as ordered.
    Transferred,
    /// The switch would not transfer; the text says why.
    TransferFailed(SmolStr),
}

/// How a piece of audio ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaybackEnd {
    /// Played to its end.
    Done,
    /// Stopped, by us or from outside.
    Stopped,
    /// Could not be played; the text says why.
    Failed(SmolStr),
}
