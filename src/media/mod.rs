//! Audio as numbers: frames of 20 ms, rates, loudness, whether somebody speaks.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod decode;
mod gate;
pub mod level;
pub mod resample;
pub mod segment;
mod tonal;
pub mod tone;
pub mod vad;
mod wav;

/// Samples a second of all audio inside the daemon: a telephone's.
pub const RATE: u32 = 8_000;
/// How long a frame is, ms.
pub const FRAME_MS: u64 = 20;
/// Samples of a frame.
pub const FRAME_SAMPLES: usize = 160;

/// The longest audio that is held whole, s: ten minutes of a prompt are 9.6 MB, and what is longer is no
/// prompt.
pub const MAX_SECONDS: u64 = 600;

/// 20 ms of one direction: signed 16 bit, mono, [`RATE`].
pub type Frame = [i16; FRAME_SAMPLES];

/// 20 ms in which nobody says anything.
pub const SILENCE: Frame = [0; FRAME_SAMPLES];
