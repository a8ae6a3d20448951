//! The telephone switches. Each connects and translates, and decides nothing about the
//! conversation.

pub mod simulated;
