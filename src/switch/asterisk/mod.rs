//! Asterisk, connecting to us: FastAGI says who calls and lets us steer the call, AudioSocket brings
//! its audio (S20 to S26). We play and hear ourselves; what a call needs of the switch besides —
//! answer, applications, transfer, hang-up, variables — goes over its one FastAGI session.
//!
//! `port` listens and joins audio to calls; `agi` is one session's questions and answers; `flow` is
//! the usual way, a session for the whole call; `visible` is the way whose AudioSocket stands in the
//! dialplan, and that of calls nobody announced.

mod agi;
mod announced;
mod flow;
mod port;
mod visible;

pub use port::{Arrivals, Asterisk, Names};
