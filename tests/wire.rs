//! Asterisk's own bytes, however they are cut (S20–S25, N13).

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "wire/audiosocket.rs"]
mod audiosocket;
#[path = "wire/captures.rs"]
mod captures;
#[path = "wire/fastagi.rs"]
mod fastagi;
#[path = "wire/mislabelled.rs"]
mod mislabelled;
