//! The arguments of `cti_play_and_detect_speech` (T1).

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// The named ways to be interrupted, as bits (T2).
pub const INTERRUPT_BITS: u32 = 1 | 2 | 32 | 64 | 128 | 256;

/// The arguments, each `None` where the script leaves it empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeechArgs {
    /// 1 keeps listening, 0 ends with the first sentence.
    pub mode: Option<u32>,
    /// How the caller interrupts (T2).
    pub interrupt: Option<u32>,
    /// Who finds the start and end of speech.
    pub vad_mode: Option<u32>,
    /// How loud a sound must be to be speech, as written, 0 to 1.
    pub vad_filter: SmolStr,
    /// Recogniser addresses.
    pub asrproxy_addr: SmolStr,
    /// Shorter sounds are no speech, ms.
    pub vad_min_active_time_ms: Option<u64>,
    /// Silence that ends a sentence, ms.
    pub vad_max_end_silence_time_ms: Option<u64>,
    /// How long to wait for speech after the audio, ms.
    pub wait_speech_timeout_ms: Option<u64>,
    /// A sentence is cut here, ms.
    pub max_speech_time_ms: Option<u64>,
    /// Passed to the recogniser.
    pub hot_word: SmolStr,
    /// JSON, passed to the recogniser.
    pub asr_params: SmolStr,
}

/// An argument that can't be used; the default is taken for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argument {position} ({name}) {fault}: {value}")]
pub struct ArgFault {
    /// From 1.
    pub position: usize,
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it.
    pub fault: &'static str,
    /// As written.
    pub value: String,
}

const NAMES: [&str; 11] = [
    "mode",
    "interrupt",
    "vad_mode",
    "vad_filter",
    "asrproxy_addr",
    "vad_min_active_time_ms",
    "vad_max_end_silence_time_ms",
    "wait_speech_timeout_ms",
    "max_speech_time_ms",
    "hot_word",
    "asr_params",
];

impl SpeechArgs {
    /// Reads the blank-separated, single-quoted values of an action's argument.
    #[must_use]
    pub fn parse(argument: &str) -> (Self, Vec<ArgFault>) {
        Self::of_values(split_quoted(argument))
    }

    /// Reads values that stand by themselves already.
    #[must_use]
    pub fn of_values(values: Vec<String>) -> (Self, Vec<ArgFault>) {
        let mut args = Self::default();
        let mut faults = Vec::new();
        for (at, value) in values.into_iter().enumerate() {
            let name = NAMES.get(at).copied().unwrap_or("one too many");
            if let Err(fault) = args.set(name, &value) {
                faults.push(ArgFault { position: at + 1, name, fault, value });
            }
        }
        (args, faults)
    }

    /// Sets one value by its name; an empty value leaves it unset. The error says what is wrong.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        if value.is_empty() {
            return Ok(());
        }
        match name {
            "mode" => self.mode = Some(one_of(value, 0..=1)?),
            "interrupt" => self.interrupt = Some(interrupt(value)?),
            "vad_mode" => self.vad_mode = Some(one_of(value, 0..=2)?),
            "vad_filter" => self.vad_filter = share(value)?,
            "asrproxy_addr" => self.asrproxy_addr = value.into(),
            "vad_min_active_time_ms" => self.vad_min_active_time_ms = Some(ms(value)?),
            "vad_max_end_silence_time_ms" => self.vad_max_end_silence_time_ms = Some(ms(value)?),
            "wait_speech_timeout_ms" => self.wait_speech_timeout_ms = Some(ms(value)?),
            "max_speech_time_ms" => self.max_speech_time_ms = Some(ms(value)?),
            "hot_word" => self.hot_word = value.into(),
            "asr_params" => self.asr_params = value.into(),
            _ => return Err("is not known; there are 11"),
        }
        Ok(())
    }

    /// These arguments, with `defaults` where they are empty.
    #[must_use]
    pub fn or(&self, defaults: &Self) -> Self {
        let text =
            |own: &SmolStr, other: &SmolStr| if own.is_empty() { other } else { own }.clone();
        Self {
            mode: self.mode.or(defaults.mode),
            interrupt: self.interrupt.or(defaults.interrupt),
            vad_mode: self.vad_mode.or(defaults.vad_mode),
            vad_filter: text(&self.vad_filter, &defaults.vad_filter),
            asrproxy_addr: text(&self.asrproxy_addr, &defaults.asrproxy_addr),
            vad_min_active_time_ms: self.vad_min_active_time_ms.or(defaults.vad_min_active_time_ms),
            vad_max_end_silence_time_ms: self
                .vad_max_end_silence_time_ms
                .or(defaults.vad_max_end_silence_time_ms),
            wait_speech_timeout_ms: self.wait_speech_timeout_ms.or(defaults.wait_speech_timeout_ms),
            max_speech_time_ms: self.max_speech_time_ms.or(defaults.max_speech_time_ms),
            hot_word: text(&self.hot_word, &defaults.hot_word),
            asr_params: text(&self.asr_params, &defaults.asr_params),
        }
    }
}

/// An hour: longer times are a slip of the pen, and would keep a dead line open.
const MS_MAX: u64 = 3_600_000;

fn ms(value: &str) -> Result<u64, &'static str> {
    value.parse().ok().filter(|ms| *ms <= MS_MAX).ok_or("is not a time in ms up to an hour")
}

fn one_of(value: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, &'static str> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or("is out of its range")
}

fn interrupt(value: &str) -> Result<u32, &'static str> {
    let bits: u32 = value.parse().map_err(|_| "is not a number")?;
    if bits & !INTERRUPT_BITS == 0 { Ok(bits) } else { Err("has unknown bits and acts as 2") }
}

fn share(value: &str) -> Result<SmolStr, &'static str> {
    let number: f64 = value.parse().map_err(|_| "is not a number")?;
    if (0.0..=1.0).contains(&number) { Ok(value.into()) } else { Err("is not between 0 and 1") }
}

/// Blank-separated values; single quotes hold a value together, `\'` is a quote inside.
#[must_use]
pub fn split_quoted(argument: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut chars = argument.chars().peekable();
    while let Some(first) = chars.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut value = String::new();
        if first == '\'' {
            while let Some(c) = chars.next() {
                match c {
                    '\\' if chars.peek() == Some(&'\'') => value.extend(chars.next()),
                    '\'' => break,
                    c => value.push(c),
                }
            }
        } else {
            value.push(first);
            while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                value.push(c);
            }
        }
        values.push(value);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T1: eleven quoted values, empty ones left open.
    #[test]
    fn arguments_are_read_by_position() {
        let (args, faults) = SpeechArgs::parse(
            "'1' '2' '0' '0.3' '' '150' '800' '5000' '' '贷款 利息' '{\"a\": 1}'",
        );
        assert_eq!(faults, []);
        assert_eq!(args.mode, Some(1));
        assert_eq!(args.interrupt, Some(2));
        assert_eq!(args.wait_speech_timeout_ms, Some(5000));
        assert_eq!(args.max_speech_time_ms, None);
        assert_eq!(args.hot_word, "贷款 利息");
        assert_eq!(args.asr_params, "{\"a\": 1}");
    }

    /// T2: unknown bits are named; the value stays open, and so acts as the default.
    #[test]
    fn faults_name_their_argument() {
        let (args, faults) = SpeechArgs::parse("1 7 '' 2 '' x '' '' '' '' '' 12th");
        assert_eq!(args.interrupt, None);
        let shown: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "argument 2 (interrupt) has unknown bits and acts as 2: 7",
                "argument 4 (vad_filter) is not between 0 and 1: 2",
                "argument 6 (vad_min_active_time_ms) is not a time in ms up to an hour: x",
                "argument 12 (one too many) is not known; there are 11: 12th",
            ]
        );
    }
}
