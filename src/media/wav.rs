//! The header of a WAV file, read as it comes, and the codings of samples behind it.

use super::decode::{DecodeError, mean};

/// Channels that are mixed at most: 7.1 has as many.
const MAX_CHANNELS: u16 = 8;

/// Bytes before the samples at most: covers and comments are skipped, but not without end.
const MAX_HEADER: u64 = 1 << 20;

/// Bytes of a `fmt ` chunk at most; `WAVEFORMATEXTENSIBLE` has 40.
const MAX_FMT: u32 = 1 << 10;

/// A length from here on is that of a stream whose writer did not know it: 0xffffffff, and 0x7ffff000
/// of espeak-ng and sox.
const ENDLESS: u32 = 0x7fff_0000;

/// `wFormatTag`: integers (RFC 2361).
const TAG_PCM: u16 = 0x0001;
/// `wFormatTag`: IEEE numbers.
const TAG_FLOAT: u16 = 0x0003;
/// `wFormatTag`: G.711 A-law.
const TAG_A_LAW: u16 = 0x0006;
/// `wFormatTag`: G.711 µ-law.
const TAG_MU_LAW: u16 = 0x0007;
/// `wFormatTag`: the tag stands in the subformat.
const TAG_EXTENSIBLE: u16 = 0xfffe;

/// A WAV file on its way in.
#[derive(Debug, Default)]
pub(super) struct Wav {
    step: Step,
    /// The bytes of the piece that is being read, as far as they came.
    piece: Vec<u8>,
    /// Bytes passed so far.
    passed: u64,
    /// What `RIFF` says of the length of the file.
    riff: u32,
    format: Option<Data>,
    /// Bytes of samples to come; none if nobody knows.
    left: Option<u64>,
}

/// Which piece of the file is being read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// `RIFF`, length, `WAVE`.
    #[default]
    Riff,
    /// The name and the length of a chunk.
    Chunk,
    /// `fmt `, of this many bytes.
    Fmt(usize),
    /// A chunk that says nothing of the sound, with so many bytes left.
    Skip(u64),
    /// The samples.
    Data,
}

/// What the samples are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data {
    pub(super) rate: u32,
    pub(super) coding: Coding,
}

impl Wav {
    /// Takes bytes of the header; how many of these were. The rest are samples.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<usize, DecodeError> {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let wanted = match self.step {
                Step::Data => break,
                Step::Riff => 12,
                Step::Chunk => 8,
                Step::Fmt(length) => length,
                Step::Skip(left) => {
                    let skipped = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    taken += skipped;
                    self.passed += skipped as u64;
                    let left = left - skipped as u64;
                    self.step = if left == 0 { Step::Chunk } else { Step::Skip(left) };
                    self.check_length()?;
                    continue;
                }
            };
            let missing = wanted - self.piece.len();
            let came = rest.len().min(missing);
            self.piece.extend(rest.iter().take(came));
            taken += came;
            self.passed += came as u64;
            self.check_length()?;
            if came == missing {
                let piece = std::mem::take(&mut self.piece);
                self.step = self.read(&piece)?;
            }
        }
        Ok(taken)
    }

    /// What the samples are, once the header is behind.
    pub(super) fn data(&self) -> Option<Data> {
        self.format.filter(|_| self.step == Step::Data)
    }

    /// How many of so many bytes are samples; what follows them is not.
    pub(super) fn take(&mut self, bytes: usize) -> usize {
        let Some(left) = &mut self.left else { return bytes };
        let taken = bytes.min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= taken as u64;
        taken
    }

    fn check_length(&self) -> Result<(), DecodeError> {
        if self.passed > MAX_HEADER {
            return Err(DecodeError::Header("there are no samples in the first megabyte"));
        }
        Ok(())
    }

    /// What comes after this piece.
    fn read(&mut self, piece: &[u8]) -> Result<Step, DecodeError> {
        match self.step {
            Step::Riff => {
                if !piece.starts_with(b"RIFF") || !piece.ends_with(b"WAVE") {
                    return Err(DecodeError::Unknown);
                }
                self.riff = u32_at(piece, 4);
                Ok(Step::Chunk)
            }
            Step::Chunk => self.read_chunk(piece),
            Step::Fmt(_) => {
                self.format = Some(Data::read(piece)?);
                Ok(Step::Chunk)
            }
            Step::Skip(_) | Step::Data => Ok(self.step),
        }
    }

    fn read_chunk(&mut self, piece: &[u8]) -> Result<Step, DecodeError> {
        let length = u32_at(piece, 4);
        // Chunks begin at even bytes.
        let padded = u64::from(length) + u64::from(length % 2);
        if piece.starts_with(b"fmt ") {
            if !(16..=MAX_FMT).contains(&length) {
                return Err(DecodeError::Header("its format is too short or too long"));
            }
            return Ok(Step::Fmt(usize::try_from(padded).unwrap_or_default()));
        }
        if !piece.starts_with(b"data") {
            return Ok(if padded == 0 { Step::Chunk } else { Step::Skip(padded) });
        }
        if self.format.is_none() {
            return Err(DecodeError::Header("the samples come before their format"));
        }
        // A length of 0 is true if the file says that something follows.
        let ends_here = u64::from(self.riff) + 8 <= self.passed;
        let unknown = length >= ENDLESS || length == 0 && ends_here;
        self.left = (!unknown).then_some(u64::from(length));
        Ok(Step::Data)
    }
}

impl Data {
    /// What a `fmt ` chunk says.
    fn read(fmt: &[u8]) -> Result<Self, DecodeError> {
        let (mut tag, channels) = (u16_at(fmt, 0), u16_at(fmt, 2));
        let (rate, bits) = (u32_at(fmt, 4), u16_at(fmt, 14));
        if tag == TAG_EXTENSIBLE {
            tag = u16_at(fmt, 24);
        }
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(DecodeError::Channels(channels));
        }
        let sample = match (tag, bits) {
            (TAG_PCM, 8) => Sample::U8,
            (TAG_PCM, 16) => Sample::S16,
            (TAG_PCM, 24) => Sample::S24,
            (TAG_PCM, 32) => Sample::S32,
            (TAG_FLOAT, 32) => Sample::F32,
            (TAG_FLOAT, 64) => Sample::F64,
            (TAG_A_LAW, 8) => Sample::ALaw,
            (TAG_MU_LAW, 8) => Sample::MuLaw,
            _ => return Err(DecodeError::Coding { tag, bits }),
        };
        Ok(Self { rate, coding: Coding { sample, channels: usize::from(channels) } })
    }
}

/// How a moment of sound is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coding {
    sample: Sample,
    channels: usize,
}

/// How one sample is written.
#[derive(Debug, Clone, Copy)]
enum Sample {
    U8,
    S16,
    S16Big,
    S24,
    S32,
    F32,
    F64,
    ALaw,
    MuLaw,
}

impl Coding {
    pub(super) const S16_MONO: Self = Self { sample: Sample::S16, channels: 1 };
    pub(super) const S16_BIG_MONO: Self = Self { sample: Sample::S16Big, channels: 1 };

    /// Appends the samples of these bytes, channels mixed, and keeps the part of one at their end.
    pub(super) fn read(self, part: &mut Vec<u8>, mut bytes: &[u8], mono: &mut Vec<i16>) {
        let size = self.sample.bytes() * self.channels;
        if !part.is_empty() {
            let missing = (size - part.len()).min(bytes.len());
            let (first, rest) = bytes.split_at(missing);
            part.extend_from_slice(first);
            bytes = rest;
            if part.len() < size {
                return;
            }
            mono.push(self.mix(part));
            part.clear();
        }
        let frames = bytes.chunks_exact(size);
        part.extend_from_slice(frames.remainder());
        mono.extend(frames.map(|frame| self.mix(frame)));
    }

    fn mix(self, frame: &[u8]) -> i16 {
        mean(frame.chunks_exact(self.sample.bytes()).map(|bytes| self.sample.read(bytes)))
    }
}

impl Sample {
    fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::ALaw | Self::MuLaw => 1,
            Self::S16 | Self::S16Big => 2,
            Self::S24 => 3,
            Self::S32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The upper 16 bits of one sample.
    fn read(self, bytes: &[u8]) -> i16 {
        match (self, bytes) {
            (Self::U8, [byte]) => (i16::from(*byte) - 128) << 8,
            (Self::ALaw, [byte]) => a_law(*byte),
            (Self::MuLaw, [byte]) => mu_law(*byte),
            (Self::S16, [low, high])
            | (Self::S16Big, [high, low])
            | (Self::S24, [_, low, high])
            | (Self::S32, [_, _, low, high]) => i16::from_le_bytes([*low, *high]),
            (Self::F32, &[a, b, c, d]) => of_float(f64::from(f32::from_le_bytes([a, b, c, d]))),
            (Self::F64, &[a, b, c, d, e, f, g, h]) => {
                of_float(f64::from_le_bytes([a, b, c, d, e, f, g, h]))
            }
            _ => 0,
        }
    }
}

/// ±1 is full scale; what is louder is clipped, and what is no number is silence.
fn of_float(sample: f64) -> i16 {
    (sample * 32_768.0).round() as i16
}

/// One sample of G.711 A-law, at 16 bits.
fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = ((byte >> 4) & 7, i16::from(byte & 0x0f));
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

/// One sample of G.711 µ-law, at 16 bits.
fn mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let (exponent, mantissa) = ((byte >> 4) & 7, i16::from(byte & 0x0f));
    let magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84;
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at + 2) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]),
        _ => 0,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}
