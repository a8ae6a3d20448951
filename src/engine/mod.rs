//! The conversation of one call. Pure: it is told what happened and when, and says what to do.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod command;
pub mod input;
pub mod row;
pub mod time;

pub use command::{Action, Command, Playback, Source, Transfer};
pub use input::{EndReason, Heard, Input};
pub use row::{Classify, Field, InputType, Method, ResponseType, Row};
pub use time::{Now, Tick, Wall};
