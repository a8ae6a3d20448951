//! Recorded calls, held again with another version of their script: what would change. Pure: rows go
//! in, a verdict comes out.
//!
//! A row tells an input and its answer. [`Recording`] puts a call's rows into order and finds where
//! they stop being whole; [`Replay`] feeds the inputs to a robot of the new script and compares the
//! answers. What rows do not tell is never guessed: from there on the verdict says "unknown". Once the
//! robot would have said something else, what the caller did next was an answer to other words.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod compare;
mod feed;
mod names;
mod play;
mod recording;
pub mod suggest;
mod summary;
mod verdict;

pub use compare::{Kinds, UNKNOWN};
pub use play::Replay;
pub use recording::{Fault, Recording};
pub use summary::{Count, Summary};
pub use verdict::{Answer, Outcome, Sureness, Turn, Unknown, Verdict};
