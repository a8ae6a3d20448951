//! SQLite: the embedded default.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteError, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Row as _};

use super::error::StoreError;
use super::table::{Column, TableName, Width};

/// How long to wait for another program that writes the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the database is.
#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    options: SqliteConnectOptions,
    /// The file, for the log.
    pub(super) place: String,
}

impl Sqlite {
    pub(super) fn new(url: &str) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|error| StoreError::DatabaseUrl(error.to_string()))?;
        let place = options.get_filename().display().to_string();
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A confirmed row survives a power cut: the WAL is synced at each commit.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            // The library's log would show what callers said (N14).
            .disable_statement_logging();
        Ok(Self { options, place })
    }

    /// The same file, to be read only, and not made if it is not there.
    pub(super) fn for_reading(self) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(self.options.get_filename())
            .read_only(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        Self { options, ..self }
    }

    pub(super) async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options.connect().await
    }
}

/// A table's columns; empty if there is no such table.
pub(super) async fn columns(
    connection: &mut SqliteConnection,
    table: &TableName,
) -> Result<Vec<Column>, sqlx::Error> {
    let sql = "SELECT lower(name), lower(type) FROM pragma_table_info(?)";
    let rows = sqlx::query(sql).bind(table.as_str()).fetch_all(connection).await?;
    let column = |row: &sqlx::sqlite::SqliteRow| {
        let declared: String = row.try_get(1)?;
        Ok(Column { name: row.try_get(0)?, width: width(&declared), three_bytes: false })
    };
    rows.iter().map(column).collect()
}

/// The width in a declaration: SQLite keeps `varchar(50)` as written and holds nobody to it.
fn width(declared: &str) -> Width {
    let chars = declared.strip_prefix("varchar(").and_then(|rest| rest.strip_suffix(')'));
    chars.and_then(|chars| chars.parse().ok()).map_or(Width::Any, Width::Chars)
}

/// Whether the file is well and refuses a row: SQLITE_TOOBIG, _CONSTRAINT, _MISMATCH.
pub(super) fn refuses(error: &SqliteError) -> bool {
    matches!(primary_code(error), Some(18..=20))
}

/// Whether what a migration wanted to add is there; SQLite has no code of its own for it.
pub(super) fn is_there(error: &SqliteError) -> bool {
    error.to_string().contains("duplicate column name")
}

/// What a person can do about it.
pub(super) fn remedy(error: &SqliteError) -> &'static str {
    match primary_code(error) {
        Some(5 | 6) => "another program keeps the file locked",
        Some(8 | 14) => "check that folder and file can be written by this user",
        Some(11 | 26) => "the file is damaged or no database: move it away",
        Some(13) => "the disk is full",
        _ => "see the message",
    }
}

/// The code without its extension (`SQLITE_CONSTRAINT_UNIQUE` → `SQLITE_CONSTRAINT`).
fn primary_code(error: &SqliteError) -> Option<u32> {
    use sqlx::error::DatabaseError;
    DatabaseError::code(error)?.parse::<u32>().ok().map(|code| code & 0xff)
}
