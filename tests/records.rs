//! Rows on their way to a real MariaDB, a real Redis and SQLite: nothing is lost, doubled or out of
//! order (I3, I4, I6, I7, E90 to E92).

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "records/hits.rs"]
mod hits;
#[path = "support/mariadb_server.rs"]
mod mariadb_server;
#[path = "records/mysql.rs"]
mod mysql;
#[path = "records/notify.rs"]
mod notify;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/process.rs"]
mod process;
#[path = "records/redis.rs"]
mod redis;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "support/rows.rs"]
mod rows;
#[path = "support/running.rs"]
mod running;
#[path = "records/shared.rs"]
mod shared;
#[path = "records/sqlite.rs"]
mod sqlite;
