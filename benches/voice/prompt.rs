//! What the robot says: each frame of 20 ms has its own number in it, so that whoever hears it knows
//! of each frame whether it was lost, came twice, or is another.

use std::io::Cursor;
use std::time::Duration;

/// Samples of a frame.
pub(crate) const SAMPLES: usize = 160;
/// A frame lasts so long.
pub(crate) const FRAME: Duration = Duration::from_millis(20);

/// The first sample of each frame.
const MARK: i16 = 0x5A17;
/// Samples that say what the frame is; the others are a ramp that differs from frame to frame.
const HEAD: usize = 6;

/// What the robot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// The question that a call begins with.
    Ask,
    /// The answer that is a file.
    Good,
    /// The answer that is synthesised.
    Spoken,
    /// What answers a mismatch.
    Again,
}

/// All of them.
pub(crate) const PROMPTS: [Prompt; 4] = [Prompt::Ask, Prompt::Good, Prompt::Spoken, Prompt::Again];

/// One frame of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) prompt: Prompt,
    /// Which of the prompt's frames.
    pub(crate) index: i16,
    /// How many it has.
    pub(crate) total: i16,
    /// How long the voice itself took to make it; 0 for files.
    pub(crate) made_in: Duration,
}

/// A frame as it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Silence,
    Mark(Mark),
    /// Neither: cut, mixed or garbled.
    Strange,
}

impl Prompt {
    /// Its name, and that of its file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Good => "good",
            Self::Spoken => "spoken",
            Self::Again => "again",
        }
    }

    /// Bytes of its samples.
    pub(crate) fn samples_bytes(self) -> usize {
        2 * SAMPLES * usize::from(self.frames().unsigned_abs())
    }

    fn frames(self) -> i16 {
        match self {
            Self::Ask | Self::Spoken => 150,
            Self::Good => 125,
            Self::Again => 100,
        }
    }

    fn number(self) -> i16 {
        match self {
            Self::Ask => 0,
            Self::Good => 1,
            Self::Spoken => 2,
            Self::Again => 3,
        }
    }

    /// As a WAV file of 8 kHz, 16 bit, mono.
    pub(crate) fn wav(self, made_in: Duration) -> Result<Vec<u8>, hound::Error> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = Cursor::new(Vec::new());
        let mut wav = hound::WavWriter::new(&mut file, spec)?;
        for index in 0..self.frames() {
            let mark = Mark { prompt: self, index, total: self.frames(), made_in };
            for sample in mark.samples() {
                wav.write_sample(sample)?;
            }
        }
        wav.finalize()?;
        Ok(file.into_inner())
    }
}

impl Mark {
    fn samples(&self) -> [i16; SAMPLES] {
        let us = self.made_in.as_micros() as u32;
        let head = [
            MARK,
            self.prompt.number(),
            self.index,
            self.total,
            (us & 0xFFFF) as i16,
            (us >> 16) as i16,
        ];
        let mut samples = [0; SAMPLES];
        for (at, sample) in samples.iter_mut().enumerate() {
            *sample = head.get(at).copied().unwrap_or_else(|| ramp(self.index, at));
        }
        samples
    }
}

impl Heard {
    /// A frame's payload: 16 bit, little endian.
    pub(crate) fn read(pcm: &[u8]) -> Self {
        if pcm.iter().all(|byte| *byte == 0) {
            return Self::Silence;
        }
        Self::mark(pcm).map_or(Self::Strange, Self::Mark)
    }

    fn mark(pcm: &[u8]) -> Option<Mark> {
        let (bytes, []) = pcm.as_chunks() else { return None };
        let samples: [i16; SAMPLES] =
            std::array::from_fn(|at| bytes.get(at).map_or(0, |sample| i16::from_le_bytes(*sample)));
        let [MARK, number, index, total, low, high, ..] = samples else { return None };
        let prompt = PROMPTS.into_iter().find(|prompt| prompt.number() == number)?;
        let us = u32::from(low as u16) | u32::from(high as u16) << 16;
        let is_whole =
            bytes.len() == SAMPLES && (HEAD..SAMPLES).all(|at| samples[at] == ramp(index, at));
        let made_in = Duration::from_micros(us.into());
        is_whole.then_some(Mark { prompt, index, total, made_in })
    }
}

fn ramp(index: i16, at: usize) -> i16 {
    index.wrapping_mul(31).wrapping_add(at as i16 * 17)
}
