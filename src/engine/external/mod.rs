//! A conversation that a service outside decides (I15): each input is POSTed to it, and its answer
//! names the next action. `docs/external-flow.md` is the protocol for whoever writes such a service.
//!
//! It keeps the contract of [`Robot`](super::Robot), so that a call is driven alike whoever decides.

mod act;
mod ask;
mod call;
mod message;
mod reply;
mod rows;

pub use call::{External, ExternalSnapshot, FlowService};
