//! Bytes ↔ messages: incremental, bounded, and without a socket.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod audiosocket;
pub mod fastagi;
pub mod g711;
pub mod mislabelled;
