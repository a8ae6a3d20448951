//! The timers of a turn: each has a name, so that a log can say why a call woke.

use crate::engine::Tick;

/// Speech that stopped the audio has this long after its end to become text, ms (T3).
const FALSE_START_MS: u64 = 1_500;
/// However late the end of speech was noticed, the recogniser has this long for it, ms.
const RECOGNITION_MS_MIN: u64 = 700;

/// How long after its end was noticed speech has to become text, ms, if that was so late.
pub(super) fn words_within_ms(ago_ms: u64) -> u64 {
    FALSE_START_MS.saturating_sub(ago_ms).max(RECOGNITION_MS_MIN)
}

/// Why a turn wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The caller said nothing after the audio.
    WaitSpeech,
    /// The caller has been speaking for too long.
    MaxSpeech,
    /// Speech that stopped the audio gave no text (T3).
    FalseStart,
    /// The switch never reported the end of the audio (T7).
    Playback,
    /// The recogniser is asked to start again (T6).
    RecognizerRetry,
    /// There has been no recogniser for too long (T6).
    RecognizerGone,
    /// What was being said at the hang-up did not come (E76).
    AfterHangup,
}

const ALL: [Timer; 7] = [
    Timer::WaitSpeech,
    Timer::MaxSpeech,
    Timer::FalseStart,
    Timer::Playback,
    Timer::RecognizerRetry,
    Timer::RecognizerGone,
    Timer::AfterHangup,
];

/// When each timer is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Timers {
    due: [Option<Tick>; ALL.len()],
}

impl Timers {
    pub(super) fn arm(&mut self, timer: Timer, due: Tick) {
        self.due[timer as usize] = Some(due);
    }

    pub(super) fn disarm(&mut self, timer: Timer) {
        self.due[timer as usize] = None;
    }

    pub(super) fn is_armed(&self, timer: Timer) -> bool {
        self.due[timer as usize].is_some()
    }

    /// The timer that is due first.
    pub(super) fn next(&self) -> Option<(Tick, Timer)> {
        let armed = ALL.into_iter().filter_map(|timer| Some((self.due[timer as usize]?, timer)));
        armed.min_by_key(|(due, _)| *due)
    }

    /// Takes a timer that is due.
    pub(super) fn take_due(&mut self, now: Tick) -> Option<Timer> {
        let (_, timer) = self.next().filter(|(due, _)| *due <= now)?;
        self.disarm(timer);
        Some(timer)
    }
}
