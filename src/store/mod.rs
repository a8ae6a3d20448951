//! Rows to MySQL or MariaDB, SQLite and Redis, and back. Edge: it performs and decides nothing.
//!
//! A call hands its rows to [`Store`], which never waits. Each sink has a bounded queue of its own
//! and a delivery that batches, retries and isolates what the sink refuses; [`Worker`] runs them.

mod backoff;
mod database;
mod dead_letter;
mod delivery;
mod error;
mod handle;
mod health;
mod hits;
mod insert;
mod log_rows;
mod meter;
mod migrate;
mod mysql;
mod notify_url;
mod queue;
mod read;
mod record;
mod redis_rows;
mod server;
mod sqlite;
mod table;
mod worker;

pub use error::StoreError;
pub use handle::Store;
pub use health::{Health, SinkHealth};
pub use hits::{Counted, Hits, hits};
pub use migrate::{Applied, migrate};
pub use read::{FoundCall, Read, ReadError, Reader, Wanted};
pub use record::{Notify, Record, Written};
pub use worker::{Worker, open};
