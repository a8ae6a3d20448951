//! The scripts in force: from the folder, from Redis, and from the copies kept of the latter
//! (E10, E12, I1, I2, N6).
//!
//! Of one name, the script of our domain in Redis comes before the common one there, and that
//! before the file. A script that can't be loaded never takes the place of one that could.

mod audio;
mod cache;
mod catalog;
mod feed;
mod folder;
mod loader;
mod message;

pub use audio::missing_audio;
pub use catalog::{Scripts, is_name};
pub use loader::{Loader, open};
pub use message::{Change, Complaint, HASH, REPLY_CHANNEL, Reply, channel, hash};
