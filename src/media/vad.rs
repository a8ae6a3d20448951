//! Whether the caller speaks: an energy gate before a model of voices.
//!
//! Most frames of a call are silence, and cost a sum of squares. What is louder than the noise of the
//! line goes to `earshot`, a small network that knows voices; what it takes for one counts as speech if
//! it is loud enough for this caller (`vad_filter`, T1) and no tone of the telephone network.

use earshot::Detector;

use super::FRAME_MS;
use super::gate::Gate;
use super::level::mean_square;
use super::segment::Segmenter;
use super::tonal::is_tone;

/// What a turn wants of the ears (T1, values 4, 6 and 7).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VadSettings {
    /// Shorter sounds are no speech, ms.
    pub min_active_ms: u64,
    /// Silence that ends a sentence, ms.
    pub end_silence_ms: u64,
    /// 0 off … 1: a sound counts only if louder than the caller's speech so far × this.
    pub filter: f32,
}

impl Default for VadSettings {
    fn default() -> Self {
        Self { min_active_ms: 150, end_silence_ms: 800, filter: 0.3 }
    }
}

/// What was noticed at the end of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VadEvent {
    /// The caller speaks.
    Started {
        /// How long since the speech really began, ms.
        ago_ms: u64,
    },
    /// The caller has stopped.
    Stopped {
        /// How long it has been silent, ms.
        ago_ms: u64,
    },
}

/// The ears for one call, fed every frame of what the caller sends.
#[derive(Debug, Default)]
pub struct Vad {
    settings: VadSettings,
    gate: Gate,
    model: Option<Box<Model>>,
    loudness: Loudness,
    segmenter: Segmenter,
    is_voice: bool,
}

impl Vad {
    /// Ears that have heard nothing yet.
    #[must_use]
    pub fn new(settings: VadSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Goes on with other settings; what has been heard stays.
    pub fn set(&mut self, settings: VadSettings) {
        self.settings = settings;
    }

    /// Takes a frame of 20 ms at 8 kHz; every frame is to be given, also while nobody asks, so that
    /// the noise of the line is known.
    pub fn push(&mut self, frame: &[i16]) -> Option<VadEvent> {
        if frame.is_empty() {
            return None;
        }
        self.is_voice = self.hears_voice(frame);
        let early_frames = self.gate.loud_frames().saturating_sub(1).min(EARLY_FRAMES_MAX);
        let early_ms = FRAME_MS * early_frames;
        self.segmenter.push(&self.settings, self.is_voice, early_ms)
    }

    /// True from `Started` to `Stopped`.
    #[must_use]
    pub fn is_speaking(&self) -> bool {
        self.segmenter.is_speaking()
    }

    /// True if the last frame alone was voice.
    #[must_use]
    pub fn is_voice(&self) -> bool {
        self.is_voice
    }

    /// True if the last frame, or one shortly before it, stood out of the noise of the line.
    #[must_use]
    pub fn is_loud(&self) -> bool {
        self.gate.is_open()
    }

    /// Nobody speaks; what has been learnt of loudness and noise is kept.
    pub fn reset(&mut self) {
        self.segmenter = Segmenter::default();
        self.is_voice = false;
    }

    fn hears_voice(&mut self, frame: &[i16]) -> bool {
        let level = mean_square(frame);
        self.loudness.push(level);
        if !self.gate.push(frame, level) {
            return false;
        }
        let model = self.model.get_or_insert_with(Model::new);
        while let Some(earlier) = self.gate.pop_before() {
            model.push(&earlier);
        }
        model.push(frame);
        model.score >= VOICE_SCORE && !is_tone(frame) && self.loudness.passes(self.settings.filter)
    }
}

/// A score of the model from which on a frame is a voice.
const VOICE_SCORE: f32 = 0.5;

/// Frames before the first that the model takes for voice, which were loud and belong to it, at most.
const EARLY_FRAMES_MAX: u64 = 5;

/// What is left of the envelope after a frame: 1 dB less, so that soft sounds within a word count with
/// the loud ones before them.
const ENVELOPE_KEEP: f32 = 0.8;

/// How much of the caller's level the last frame of speech makes: a second for two thirds of a change.
const LEARN_SHARE: f32 = 0.02;

/// The same of a voice that is too soft to count, so that a caller who moves away from the telephone is
/// heard again after some ten seconds.
const LEARN_SHARE_SOFT: f32 = 0.002;

/// How loud the caller speaks, as mean squares.
#[derive(Debug, Default)]
struct Loudness {
    /// Of the caller's speech so far.
    speech: f32,
    /// Of the last frames, the loudest of which are remembered for a while.
    envelope: f32,
}

impl Loudness {
    fn push(&mut self, level: f32) {
        self.envelope = level.max(self.envelope * ENVELOPE_KEEP);
    }

    /// True if a voice is loud enough, by the share of amplitudes that `vad_filter` is (T1).
    fn passes(&mut self, filter: f32) -> bool {
        let passes = self.envelope >= self.speech * filter * filter;
        let share = if passes { LEARN_SHARE } else { LEARN_SHARE_SOFT };
        self.speech += share * (self.envelope - self.speech);
        passes
    }
}

/// Samples of a frame of the model, at 16 kHz: 16 ms.
const MODEL_SAMPLES: usize = 256;

/// The network, and what lies between its frames and ours.
struct Model {
    detector: Detector,
    waiting: [i16; MODEL_SAMPLES],
    waiting_samples: usize,
    /// Of the last frame of the model, 0 to 1.
    score: f32,
}

impl Model {
    fn new() -> Box<Self> {
        let detector = Detector::default();
        Box::new(Self { detector, waiting: [0; MODEL_SAMPLES], waiting_samples: 0, score: 0.0 })
    }

    /// Takes a frame of ours. Each sample is given twice, without a filter: what that mirrors above
    /// 4 kHz is what the model misses in a telephone's band. With nothing up there it takes hum and
    /// white noise for voices.
    fn push(&mut self, frame: &[i16]) {
        for sample in frame {
            for place in self.waiting.iter_mut().skip(self.waiting_samples).take(2) {
                *place = *sample;
            }
            self.waiting_samples += 2;
            if self.waiting_samples >= MODEL_SAMPLES {
                self.score = self.detector.predict_i16(&self.waiting);
                self.waiting_samples = 0;
            }
        }
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("score", &self.score).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::decode::{Format, decode};
    use crate::media::tone::samples;
    use crate::media::{FRAME_SAMPLES, SILENCE};

    /// A synthetic voice that asks something, so often, as loud as this.
    fn voice(times: usize, gain: f32) -> Vec<i16> {
        let file = include_bytes!("../../tests/data/audio/voice.wav");
        let once = decode(file, Format::Named).unwrap();
        once.repeat(times).iter().map(|sample| (f32::from(*sample) * gain) as i16).collect()
    }

    fn events(vad: &mut Vad, sound: &[i16]) -> Vec<(usize, VadEvent)> {
        let frames = sound.chunks(FRAME_SAMPLES).enumerate();
        frames.filter_map(|(at, frame)| Some((at, vad.push(frame)?))).collect()
    }

    fn silence(ms: usize) -> Vec<i16> {
        vec![0; ms * 8]
    }

    #[test]
    fn a_voice_starts_when_it_began_and_stops_after_its_silence() {
        let mut vad = Vad::default();
        assert_eq!(events(&mut vad, &silence(1_000)), []);
        let heard = events(&mut vad, &voice(1, 1.0));
        let [(at, VadEvent::Started { ago_ms })] = heard[..] else { panic!("{heard:?}") };
        let began_ms = (at as i64 + 1) * 20 - ago_ms as i64;
        assert!((-40..=60).contains(&began_ms), "{began_ms}");
        assert!(at * 20 < 300, "{at}");
        assert!(vad.is_speaking());
        let heard = events(&mut vad, &silence(2_000));
        let [(at, VadEvent::Stopped { ago_ms: 800 })] = heard[..] else { panic!("{heard:?}") };
        assert!((35..=50).contains(&at), "{at}");
        assert!(!vad.is_speaking());
    }

    #[test]
    fn what_is_no_voice_does_not_start_speech() {
        for sound in [
            "%(5000,0,425)",
            "%(1000,1000,440,480);loops=5",
            "%(350,350,425);loops=10",
            "%(100,100,697,1209);%(100,100,852,1477);%(250,100,941,1336);loops=6",
            "%(500,3000,1100);loops=2",
        ] {
            let mut vad = Vad::default();
            events(&mut vad, &silence(500));
            assert_eq!(events(&mut vad, &samples(sound).unwrap()), [], "{sound}");
        }
    }

    #[test]
    fn noise_hum_and_clicks_do_not_start_speech() {
        let mut state = 7_u32;
        let noise: Vec<_> = (0..40_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 16) as u16).cast_signed() / 30
            })
            .collect();
        let hum: Vec<_> = (0..40_000)
            .map(|at| {
                let turns = at as f32 / 160.0;
                let sines = [1.0, 2.0, 3.0, 5.0_f32];
                let sum = sines.map(|n| (std::f32::consts::TAU * n * turns).sin() / n);
                (500.0 * sum.iter().sum::<f32>()) as i16
            })
            .collect();
        let clicks: Vec<_> = noise
            .iter()
            .enumerate()
            .map(|(at, sample)| if at % 8_000 < 800 { sample.saturating_mul(10) } else { 0 })
            .collect();
        for (name, sound) in [("noise", noise), ("hum", hum), ("clicks of 100 ms", clicks)] {
            let mut vad = Vad::default();
            assert_eq!(events(&mut vad, &sound), [], "{name}");
        }
    }

    #[test]
    fn t1_a_voice_softer_than_the_filter_allows_is_somebody_else() {
        let mut vad = Vad::default();
        events(&mut vad, &voice(3, 1.0));
        events(&mut vad, &silence(2_000));
        assert_eq!(events(&mut vad, &voice(1, 0.1)), []);
        vad.set(VadSettings { filter: 0.0, ..VadSettings::default() });
        events(&mut vad, &silence(500));
        assert_eq!(events(&mut vad, &voice(1, 0.1)).len(), 1);
    }

    #[test]
    fn after_a_reset_nobody_speaks_and_the_caller_is_still_known() {
        let mut vad = Vad::default();
        events(&mut vad, &voice(3, 1.0));
        vad.reset();
        assert!(!vad.is_speaking());
        assert_eq!(events(&mut vad, &silence(2_000)), []);
        assert_eq!(events(&mut vad, &voice(1, 0.1)), []);
    }

    #[test]
    fn frames_of_odd_lengths_are_taken() {
        let mut vad = Vad::default();
        for length in [0, 1, 159, 161, 1_000] {
            vad.push(&vec![5_000; length]);
        }
        assert_eq!(vad.push(&SILENCE), None);
    }

    #[test]
    fn n21_a_call_takes_less_than_16_kib_and_an_idle_one_no_model() {
        let model = size_of::<Model>();
        let idle = size_of::<Vad>() + 4 * size_of::<crate::media::Frame>();
        assert!(idle <= 2 * 1_024, "{idle}");
        assert!(idle + model <= 16 * 1_024, "{idle} + {model}");
        let mut vad = Vad::default();
        events(&mut vad, &silence(5_000));
        assert!(vad.model.is_none());
    }
}
