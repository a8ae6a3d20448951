//! One turn: play and listen (docs: `ARCHITECTURE.md`). Pure: it is told what happened and when,
//! and says what to do.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod event;
pub mod order;

pub use event::{EntryId, MediaEvent, PlaybackEnd};
pub use order::{Listen, Order};
