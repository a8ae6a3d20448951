//! Recorded calls held again: with the same script nothing differs, with another exactly what it
//! changes does, and what rows don't tell is said to be unknown.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "replay/callers.rs"]
mod callers;
#[path = "replay/changed.rs"]
mod changed;
#[path = "replay/laws.rs"]
mod laws;
#[path = "support/mariadb_server.rs"]
mod mariadb_server;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/process.rs"]
mod process;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/redis_server.rs"]
mod redis_server;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/running.rs"]
mod running;
#[path = "replay/same.rs"]
mod same;
#[path = "replay/stored.rs"]
mod stored;
#[path = "replay/suggested.rs"]
mod suggested;
