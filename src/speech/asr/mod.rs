//! Recognisers: a file for each protocol, and one call's use of them.

mod addresses;
mod asrproxy;
mod heard;
mod line;
mod lines;
mod link;
mod meter;
mod openai;
mod parameters;
mod recognisers;
mod sentence;
mod serve;
mod service;
mod vosk;

pub use recognisers::Recognisers;
pub use serve::Usage;
