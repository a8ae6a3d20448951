//! The telephone switches. `call` is what a call needs of any of them; each switch is a module
//! that connects and translates, and decides nothing about the conversation.

pub mod call;
pub mod freeswitch;
pub mod simulated;

pub use call::{CallHandle, CallLine, LineId, NewCall, Said, SwitchEvents, SwitchGone, line};
