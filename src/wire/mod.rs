//! Bytes ↔ messages: incremental, bounded, and without a socket.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
