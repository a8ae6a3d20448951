//! The conversation of one call. Pure: it is told what happened and when, and says what to do.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod call;
mod collect;
pub mod command;
mod complete;
mod counters;
mod digits;
mod explain;
mod external;
mod http;
pub mod input;
mod intent;
mod jump;
mod matching;
mod nlp;
mod notice;
mod recorded;
pub mod request;
mod respond;
pub mod row;
mod said;
mod speak;
mod stack;
mod state;
mod text;
pub mod time;
mod vars;
mod waiting;
mod written;

pub use call::{Call, Robot, Snapshot, Timer, WrongRevision};
pub use command::{Action, ActionKind, Command, Playback, Source, Transfer};
pub use explain::in_one_line;
pub use external::{External, ExternalSnapshot, FlowService};
pub use input::{EndReason, Heard, INPUT_BYTES_MAX, Input};
pub use recorded::{Recorded, calendar_seconds};
pub use request::{Ask, AskKind, Outcome, RequestId, WebAnswer, WebRequest};
pub use respond::appid;
pub use row::{Classify, Field, InputType, Method, ResponseType, Row};
pub use said::{Said, Utterance};
pub use speak::fixed_sources;
pub use stack::STACK_MAX;
pub use time::{Now, Tick, Wall};
pub use vars::{VARIABLE_BYTES_MAX, VARIABLES_MAX};
