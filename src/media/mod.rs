//! Audio as numbers: frames of 20 ms, rates, loudness, whether somebody speaks.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Samples a second of all audio inside the daemon: a telephone's.
pub const RATE: u32 = 8_000;
/// How long a frame is, ms.
pub const FRAME_MS: u64 = 20;
/// Samples of a frame.
pub const FRAME_SAMPLES: usize = 160;

/// 20 ms of one direction: signed 16 bit, mono, [`RATE`].
pub type Frame = [i16; FRAME_SAMPLES];

/// 20 ms in which nobody says anything.
pub const SILENCE: Frame = [0; FRAME_SAMPLES];
