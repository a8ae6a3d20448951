//! The whole daemon, as a process: a fake FreeSWITCH on one side, SQL and HTTP on the other.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod calls;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/daemon.rs"]
mod daemon;
#[path = "../support/event.rs"]
mod event;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/fake_freeswitch.rs"]
mod fake_freeswitch;
mod flow;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/process.rs"]
mod process;
mod running;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/service.rs"]
mod service;
mod services;
