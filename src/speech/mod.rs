//! Recognisers and voices outside (I20, I25, I26).

mod asr;
mod error;
mod net;

pub use asr::{Recognisers, Usage};
pub use error::SpeechError;
pub use net::Net;
