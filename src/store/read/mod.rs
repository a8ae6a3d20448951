//! Recorded rows, read back: a database, a Redis list or a file of messages, call by call.

mod database;
mod gather;
mod lines;
mod list;

use std::path::PathBuf;
use std::time::Duration;

use smol_str::SmolStr;

use super::backoff::Backoff;
use super::error::{SendError, StoreError};
use crate::config::Config;
use crate::engine::Recorded;
use database::Pages;
use lines::Lines;
use list::List;

/// So many failures in a row are no restart any more: with the waits between them, over a minute.
const FAILURES_MAX: u32 = 20;

/// The rows of one call, as they were found.
pub type FoundCall = (SmolStr, Vec<Recorded>);

/// Which calls are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// These calls; none = all.
    pub calls: Vec<SmolStr>,
    /// With a row from this time on, `YYYY-MM-DD HH:MM:SS`; empty = from the first.
    pub since: String,
    /// With a row before this time; empty = to the last.
    pub until: String,
}

/// Why rows can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The place can't be understood.
    #[error(transparent)]
    Place(#[from] StoreError),
    /// Nothing is configured and nothing was named.
    #[error("[database] url is empty: name where the calls are with --from")]
    Nowhere,
    /// A Redis without a list.
    #[error("which list? write redis://host:port/number#list, or set robot.record.redis.list")]
    NoList,
    /// The file can't be read.
    #[error("{file}: {source}")]
    File {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database or Redis stayed away.
    #[error("{0}")]
    Away(String),
}

/// What was read.
#[derive(Debug)]
pub enum Read {
    /// Some calls.
    Calls(Vec<FoundCall>),
    /// The place is away; it is asked again, where it left off, after this long. The text says why.
    Away(String, Duration),
    /// All calls were read.
    End,
}

/// Reads calls; one `next` after the other.
pub struct Reader {
    place: Place,
    backoff: Backoff,
    failures: u32,
    wait: Option<Duration>,
}

enum Place {
    Database(Box<Pages>),
    Redis(Box<List>),
    File(Box<Lines>),
}

impl Reader {
    /// Opens a place: the URL of a database, `redis://…#list`, or a file of JSON lines (I3); `None` is
    /// the configured database. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// The place can't be understood, or the file is not there.
    pub fn open(from: Option<&str>, wanted: Wanted, config: &Config) -> Result<Self, ReadError> {
        let from = from.unwrap_or(&config.database.url.0);
        let is_database = ["mysql:", "sqlite:"].iter().any(|scheme| from.starts_with(scheme));
        let is_redis = ["redis:", "rediss:", "unix:"].iter().any(|scheme| from.starts_with(scheme));
        let place = if from.is_empty() {
            return Err(ReadError::Nowhere);
        } else if is_database {
            Place::Database(Box::new(Pages::new(from, wanted, config)?))
        } else if is_redis {
            Place::Redis(Box::new(List::new(from, wanted, config)?))
        } else {
            Place::File(Box::new(Lines::open(PathBuf::from(from), wanted)?))
        };
        Ok(Self { place, backoff: Backoff::new(), failures: 0, wait: None })
    }

    /// The next calls. A place that goes away is asked again where it left off.
    ///
    /// # Errors
    ///
    /// The place stays away, or its answers make no sense.
    pub async fn next(&mut self) -> Result<Read, ReadError> {
        if let Some(wait) = self.wait.take() {
            tokio::time::sleep(wait).await;
        }
        let found = match &mut self.place {
            Place::Database(pages) => pages.next().await,
            Place::Redis(list) => list.next().await,
            Place::File(lines) => return lines.next(),
        };
        match found {
            Ok(read) => {
                (self.failures, self.backoff) = (0, Backoff::new());
                Ok(read)
            }
            Err(SendError::Away(why)) if self.failures < FAILURES_MAX => {
                self.failures += 1;
                let wait = self.backoff.delay();
                self.wait = Some(wait);
                Ok(Read::Away(why, wait))
            }
            Err(SendError::Away(why) | SendError::Refused(why)) => Err(ReadError::Away(why)),
        }
    }

    /// What could not be read as a row: how many messages, and of the first one why.
    #[must_use]
    pub fn unreadable(&self) -> (u64, Option<&str>) {
        match &self.place {
            Place::Database(_) => (0, None),
            Place::Redis(list) => list.unreadable(),
            Place::File(lines) => lines.unreadable(),
        }
    }
}

impl Wanted {
    /// True if one of the call's rows is of the time, and the call is one of those that are named.
    fn takes(&self, (callid, rows): &FoundCall) -> bool {
        let since = crate::engine::calendar_seconds(&self.since);
        let until = crate::engine::calendar_seconds(&self.until);
        let is_named = self.calls.is_empty() || self.calls.contains(callid);
        let is_of_time = |row: &Recorded| match row.createtime {
            Some(at) => {
                since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until)
            }
            None => since.is_none() && until.is_none(),
        };
        is_named && (rows.is_empty() || rows.iter().any(is_of_time))
    }
}
