//! What a simulated caller and line can do.

use smol_str::SmolStr;

use crate::engine::WebAnswer;

/// One thing the caller, or the line, does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Says a sentence, which takes this long, ms.
    Says {
        /// The words.
        text: SmolStr,
        /// How long it takes to say them.
        for_ms: u64,
    },
    /// Has said so much of a sentence that is not finished.
    Partial(SmolStr),
    /// Makes a sound that is no speech, this long, ms.
    Noise(u64),
    /// Presses keys.
    Digits(SmolStr),
    /// Says nothing, this long, ms.
    Waits(u64),
    /// The service that was asked last answers.
    Answers(WebAnswer),
    /// The service that was asked last fails with this error.
    ServiceFails(SmolStr),
    /// Hangs up.
    HangsUp,
    /// Somebody breaks the running action (`uuid_break`).
    Broken,
    /// The recogniser fails with this error.
    RecognitionFails(SmolStr),
    /// From now on a piece of audio lasts this long, ms.
    AudioLasts(u64),
    /// From now on no audio can be played.
    AudioFails,
    /// From now on the switch refuses transfers.
    TransferFails,
}
