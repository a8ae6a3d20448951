//! Recognisers and voices outside (I20, I25, I26), and what is recorded of calls.

mod asr;
mod cache;
mod error;
mod meter;
mod net;
pub mod recorder;
mod sources;
mod tts;

pub use asr::{Recognisers, Usage};
pub use error::SpeechError;
pub use net::Net;
pub use tts::{Mouth, Used};
