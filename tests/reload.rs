//! Scripts change while calls run: in the folder, in a real Redis, and while nobody looks (E10, E12,
//! I1, I2, N6).

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "reload/folder.rs"]
mod folder;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/process.rs"]
mod process;
#[path = "reload/push.rs"]
mod push;
#[path = "reload/redis.rs"]
mod redis;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "reload/support.rs"]
mod support;
