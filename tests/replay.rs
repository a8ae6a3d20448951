//! Recorded calls held again: with the same script nothing differs, with another exactly what it
//! changes does, and what rows don't tell is said to be unknown.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[expect(unused_imports, reason = "other tests use the rest")]
#[path = "sim/laws/mod.rs"]
mod laws;
#[path = "replay/same.rs"]
mod same;
