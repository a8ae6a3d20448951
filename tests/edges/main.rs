//! The daemon's side of a FreeSWITCH, asserted on the bytes it writes and on what it tells a call's
//! driver: against a fake that behaves as the captures show, and, when FREESWITCH_ESL names one
//! (`host:port` or `password@host:port`), against a real one. Where they differ, the fake is wrong.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod asterisk;
mod driver;
#[path = "../support/event.rs"]
mod event;
mod fake;
#[path = "../support/fake_freeswitch.rs"]
mod fake_freeswitch;
mod outbound;
mod real;
