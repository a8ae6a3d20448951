//! Recognisers over real sockets on loopback: I25, I26, I27, and what they do wrong.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "tones are made of small numbers"
)]

mod call;
mod faults;
mod hearing;
mod reach;
#[path = "../support/recogniser.rs"]
mod recogniser;
