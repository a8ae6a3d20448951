//! How an action listens: its arguments with every default filled in (T1).

use smol_str::SmolStr;

use super::interrupt::Interrupt;
use super::order::{Ends, Listen};
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
    pub(super) fn new(appid: &SmolStr, args: &SpeechArgs) -> Self {
        let max_speech_ms = args.max_speech_time_ms.unwrap_or(20_000);
        let wait_speech_ms = args.wait_speech_timeout_ms.unwrap_or(5_000);
        Self {
            keeps_listening: args.mode.unwrap_or(1) == 1,
            interrupt: Interrupt::from_bits(args.interrupt.unwrap_or(2)),
            wait_speech_ms,
            max_speech_ms,
            listen: Listen {
                appid: appid.clone(),
                ends: match args.vad_mode {
                    Some(1) => Ends::Recogniser,
                    Some(2) => Ends::RecognisersEnd,
                    _ => Ends::Ours,
                },
                vad_filter_permille: permille(&args.vad_filter),
                min_active_ms: args.vad_min_active_time_ms.unwrap_or(150),
                addresses: args.asrproxy_addr.clone(),
                wait_speech_ms,
                hot_word: args.hot_word.clone(),
                asr_params: args.asr_params.clone(),
                end_silence_ms: args.vad_max_end_silence_time_ms.unwrap_or(800),
                max_speech_ms,
            },
        }
    }
}

/// A share as written, 0 to 1, in thousandths; 0.3 if it is left empty (T1).
fn permille(share: &str) -> u32 {
    let share: f64 = share.parse().unwrap_or(0.3);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    let permille = (share.clamp(0.0, 1.0) * 1_000.0).round() as u32;
    permille
}
