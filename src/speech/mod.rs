//! Recognisers and voices outside (I20, I25, I26).

pub mod asr;
mod error;
mod net;

pub use error::SpeechError;
pub use net::Net;
