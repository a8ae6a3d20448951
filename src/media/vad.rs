//! Whether the caller speaks: an energy gate before a model of voices.
//!
//! Most frames of a call are silence, and cost a sum of squares. What is louder than the noise of the
//! line goes to `earshot`, a small network that knows voices; what it takes for one counts as speech if
//! it is loud enough for this caller (`vad_filter`, T1) and no tone of the telephone network.

use std::collections::VecDeque;

use earshot::Detector;

use super::level::{mean_square, of_dbfs};
use super::resample::Resampler;
use super::segment::Segmenter;
use super::{FRAME_MS, FRAME_SAMPLES, RATE};

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
        let early_ms = FRAME_MS * self.gate.loud_frames.saturating_sub(1).min(EARLY_FRAMES_MAX);
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

    /// Nobody speaks; what has been learnt of loudness and noise is kept.
    pub fn reset(&mut self) {
        self.segmenter = Segmenter::default();
        self.is_voice = false;
    }

    fn hears_voice(&mut self, frame: &[i16]) -> bool {
        let level = mean_square(frame);
        if !self.gate.opens(frame, level) {
            return false;
        }
        let model = self.model.get_or_insert_with(Model::new);
        for earlier in self.gate.take_before() {
            model.push(&earlier);
        }
        let score = model.push(frame);
        score >= VOICE_SCORE && self.loudness.passes(level, self.settings.filter)
    }
}

/// A score of the model from which on a frame is a voice.
const VOICE_SCORE: f32 = 0.5;

/// Frames before the first that the model takes for voice, which were loud and belong to it, at most.
const EARLY_FRAMES_MAX: u64 = 5;

/// Frames before the gate opened that the model is given first: its window is 48 ms.
const BEFORE_FRAMES: usize = 3;

/// Frames the gate stays open after the last loud one.
const OPEN_FRAMES: u64 = 10;

/// A frame is loud if this much above the noise, as a factor of mean squares: 4 dB.
const LOUD_FACTOR: f32 = 2.5;

/// What is below this is never loud, dBFS: the noise of a line at rest.
const LEAST_DBFS: f32 = -60.0;

/// Whether there is anything to listen to: what is louder than the noise so far.
#[derive(Debug)]
struct Gate {
    /// Mean square of the noise.
    floor: f32,
    /// Frames to go until it shuts.
    open_frames: u64,
    /// Loud frames up to the last.
    loud_frames: u64,
    before: VecDeque<[i16; FRAME_SAMPLES]>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            floor: of_dbfs(LEAST_DBFS) / LOUD_FACTOR,
            open_frames: 0,
            loud_frames: 0,
            before: VecDeque::new(),
        }
    }
}

impl Gate {
    fn opens(&mut self, frame: &[i16], level: f32) -> bool {
        let is_loud = level > (self.floor * LOUD_FACTOR).max(of_dbfs(LEAST_DBFS));
        let weight = if level < self.floor { 0.2 } else { 0.0 };
        self.floor += weight * (level - self.floor);
        if level > self.floor {
            // 1.5 dB a second.
            self.floor *= 1.007;
        }
        self.floor = self.floor.max(1.0);
        if is_loud {
            self.open_frames = OPEN_FRAMES;
            self.loud_frames += 1;
        } else {
            self.open_frames = self.open_frames.saturating_sub(1);
            self.loud_frames = 0;
        }
        if self.open_frames > 0 {
            return true;
        }
        if self.before.len() == BEFORE_FRAMES {
            self.before.pop_front();
        }
        let mut kept = [0; FRAME_SAMPLES];
        for (kept, sample) in kept.iter_mut().zip(frame) {
            *kept = *sample;
        }
        self.before.push_back(kept);
        false
    }

    fn take_before(&mut self) -> Vec<[i16; FRAME_SAMPLES]> {
        self.before.drain(..).collect()
    }
}

/// How loud the caller speaks.
#[derive(Debug, Default)]
struct Loudness {
    speech: f32,
}

impl Loudness {
    fn passes(&mut self, level: f32, filter: f32) -> bool {
        let passes = level >= self.speech * filter * filter;
        let weight = if passes { 0.02 } else { 0.001 };
        self.speech += weight * (level - self.speech);
        passes
    }
}

/// Samples of a frame of the model, at [`MODEL_RATE`].
const MODEL_FRAME: usize = 256;

/// The rate the model hears, a second.
const MODEL_RATE: u32 = 16_000;

/// The network, and what lies between its frames and ours.
struct Model {
    detector: Detector,
    doubler: Option<Resampler>,
    waiting: Vec<i16>,
    score: f32,
}

impl Model {
    fn new() -> Box<Self> {
        Box::new(Self {
            detector: Detector::default(),
            doubler: Resampler::new(RATE, MODEL_RATE).ok(),
            waiting: Vec::with_capacity(MODEL_FRAME + 2 * FRAME_SAMPLES),
            score: 0.0,
        })
    }

    /// The score of the last model frame that ends in this frame of ours.
    fn push(&mut self, frame: &[i16]) -> f32 {
        if let Some(doubler) = &mut self.doubler {
            doubler.push(frame, &mut self.waiting);
        }
        let frames = self.waiting.chunks_exact(MODEL_FRAME);
        for frame in frames {
            self.score = self.detector.predict_i16(frame);
        }
        self.waiting.drain(..self.waiting.len() / MODEL_FRAME * MODEL_FRAME);
        self.score
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("score", &self.score).finish_non_exhaustive()
    }
}
