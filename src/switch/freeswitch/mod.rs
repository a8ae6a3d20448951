//! FreeSWITCH: attached over its event socket (S1 to S12), or connecting to us for each call (S15).
//!
//! Pure and tested without a switch: `escape` (what may enter a command), `recognition` (what a
//! recogniser's answer means), `translate` (event → fact, request → command), `recognizer` and
//! `leg` (one channel's outstanding work), `calls` (which channel is which call). At the edge:
//! `audio` (looks for files), `connection` (asks and answers), `client` (connects to a switch),
//! `outbound` (lets switches connect) and `session` (one connection of theirs).

mod audio;
mod calls;
mod client;
mod connection;
mod escape;
mod leg;
mod metric;
mod outbound;
mod recognition;
mod recognizer;
#[cfg(test)]
mod replay;
mod session;
mod status;
mod translate;

pub use client::Freeswitch;
pub use connection::Arrivals;
pub use outbound::Outbound;
pub use status::Status;
