//! One turn: play and listen. Pure: it is told what happened and when, and says what to do.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod conversation;
mod decider;
pub mod event;
mod interrupt;
mod listening;
mod machine;
pub mod order;
mod playback;
mod speech;
#[cfg(test)]
mod tests;
mod timers;

pub use conversation::{Conversation, Effect, Recordings, Wake};
pub use decider::{Decider, DeciderSnapshot};
pub use event::{EntryId, MediaEvent, PlaybackEnd};
pub use interrupt::Interrupt;
pub use machine::{Output, Turn};
pub use order::{Ends, Listen, Order};
pub use timers::Timer;
