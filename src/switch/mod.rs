//! The telephone switches. `call` is what a call needs of any of them; each switch is a module
//! that connects and translates, and decides nothing about the conversation.

pub mod asterisk;
pub mod audio;
pub mod call;
pub mod freeswitch;
pub mod simulated;

pub use audio::{AudioLeg, AudioLegs, Heard, LegControl, LegEnd};
pub use call::{
    AudioEvents, CallAudio, CallHandle, CallLine, LineId, NewCall, Said, SwitchEvents, SwitchGone,
    line,
};
