//! Ears and mouths of all calls whose audio comes to us: one clock for each core paces their frames
//! (S30), and what takes time — recognisers, voices, files — runs beside it.

mod line;
mod meter;
mod pacer;
pub(super) mod prepare;
pub(super) mod recognisers;
mod services;
mod worker;

pub use services::VoiceError;
pub(super) use services::{VoiceCall, Voices};
