//! Requests to services outside: one client for all calls, and where it may go (N15).

mod client;
mod egress;
mod error;
mod meter;
mod pause;
mod request;
mod tell;

pub use client::{Web, open, place};
pub use error::WebError;
pub use tell::Teller;
