//! How an action listens: its arguments with every default filled in (T1).

use super::interrupt::Interrupt;
use super::order::Listen;
use crate::script::SpeechArgs;

/// `SpeechArgs` with every default filled in (T1).
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) keeps_listening: bool,
    pub(super) interrupt: Interrupt,
    pub(super) wait_speech_ms: u64,
    pub(super) max_speech_ms: u64,
    pub(super) listen: Listen,
}

impl Listening {
    pub(super) fn new(args: &SpeechArgs) -> Self {
        let max_speech_ms = args.max_speech_time_ms.unwrap_or(20_000);
        Self {
            keeps_listening: args.mode.unwrap_or(1) == 1,
            interrupt: Interrupt::from_bits(args.interrupt.unwrap_or(2)),
            wait_speech_ms: args.wait_speech_timeout_ms.unwrap_or(5_000),
            max_speech_ms,
            listen: Listen {
                hot_word: args.hot_word.clone(),
                asr_params: args.asr_params.clone(),
                end_silence_ms: args.vad_max_end_silence_time_ms.unwrap_or(800),
                max_speech_ms,
            },
        }
    }
}
