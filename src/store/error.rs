//! What can go wrong between us and a sink.

/// Why the store can't be opened or its tables not be made.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `[database] url` can't be understood.
    #[error(
        "[database] url: {0}; write mysql://user:password@host/database, sqlite://path, or nothing"
    )]
    DatabaseUrl(String),
    /// `[redis] url` can't be understood.
    #[error("[redis] url: {0}; write redis://:password@host:port/number, or nothing")]
    RedisUrl(String),
    /// `robot.record.notify_url` can't be used.
    #[error("robot.record.notify_url: {0}; write http://host/path or https://host/path")]
    NotifyUrl(String),
    /// A table name outside `[A-Za-z0-9_]{1,64}` (I6).
    #[error("table name {0:?}: it may have 1 to 64 of the signs A-Z, a-z, 0-9 and _")]
    TableName(String),
    /// `migrate` without a database.
    #[error("[database] url is empty: there is no database to make tables in")]
    NoDatabase,
    /// The database can't be reached, or does not let us in.
    #[error("{0}")]
    Away(String),
    /// A migration failed.
    #[error("migration {name} of table {table}: {source}")]
    Migration {
        /// The migration's file name.
        name: &'static str,
        /// The table it is for.
        table: String,
        /// What the database said.
        source: Box<sqlx::Error>,
    },
}

impl StoreError {
    /// Whether trying again later can help; else the configuration must be mended.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

/// Why a sink did not take a batch.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// The sink is away: the same batch can be sent again. The text says why, and what helps.
    #[error("{0}")]
    Away(String),
    /// The sink is there and refuses something in the batch.
    #[error("{0}")]
    Refused(String),
}
