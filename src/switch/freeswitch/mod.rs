//! FreeSWITCH, attached over its event socket (S1 to S12).
//!
//! Pure and tested without a switch: `escape` (what may enter a command), `recognition` (what a
//! recogniser's answer means), `translate` (event → fact, request → command), `recognizer` and
//! `leg` (one channel's outstanding work), `calls` (which channel is which call). At the edge:
//! `audio` (looks for files), `client` (connects, reads, writes).

mod audio;
mod calls;
mod client;
mod escape;
mod leg;
mod metric;
mod recognition;
mod recognizer;
#[cfg(test)]
mod replay;
mod status;
mod translate;

pub use client::{Attached, Freeswitch};
pub use status::Status;
