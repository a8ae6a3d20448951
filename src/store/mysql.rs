//! MySQL and MariaDB.

use std::str::FromStr;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{ConnectOptions, Row as _};

use super::error::StoreError;
use super::table::{Column, TableName, Width};

/// Where the database is.
#[derive(Clone, Debug)]
pub(super) struct MySql {
    options: MySqlConnectOptions,
    /// `host:port/database`, for the log.
    pub(super) place: String,
}

impl MySql {
    pub(super) fn new(url: &str) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::DatabaseUrl(reason);
        let options =
            MySqlConnectOptions::from_str(url).map_err(|error| refuse(error.to_string()))?;
        let Some(database) = options.get_database() else {
            return Err(refuse("it names no database".into()));
        };
        let place = format!("{}:{}/{database}", options.get_host(), options.get_port());
        // The library's log would show what callers said (N14).
        Ok(Self { options: options.disable_statement_logging(), place })
    }

    pub(super) async fn connect(&self) -> Result<MySqlConnection, sqlx::Error> {
        self.options.connect().await
    }
}

/// A table's columns; empty if there is no such table.
pub(super) async fn columns(
    connection: &mut MySqlConnection,
    table: &TableName,
) -> Result<Vec<Column>, sqlx::Error> {
    // The casts give MySQL 8 and MariaDB the same types; a TEXT column counts bytes.
    let sql = "SELECT CAST(LOWER(column_name) AS CHAR), CAST(LOWER(data_type) AS CHAR), \
               CAST(character_maximum_length AS SIGNED), CAST(character_set_name AS CHAR) \
               FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?";
    let rows = sqlx::query(sql).bind(table.as_str()).fetch_all(connection).await?;
    let column = |row: &sqlx::mysql::MySqlRow| {
        let data_type: String = row.try_get(1)?;
        let length: Option<i64> = row.try_get(2)?;
        let character_set: Option<String> = row.try_get(3)?;
        Ok(Column {
            name: row.try_get(0)?,
            width: width(&data_type, length),
            three_bytes: matches!(character_set.as_deref(), Some("utf8" | "utf8mb3")),
        })
    };
    rows.iter().map(column).collect()
}

fn width(data_type: &str, length: Option<i64>) -> Width {
    let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
        return Width::Any;
    };
    if data_type.ends_with("text") { Width::Bytes(length) } else { Width::Chars(length) }
}

/// Whether the server is well and refuses a row. By SQLSTATE class: 22 data, 23 constraint,
/// 44 view, 45 a trigger's own; and by number the faults of a row that have the general class
/// HY000: 1364 no default value, 1366 wrong text, 1265 truncated, 4025 and 3819 CHECK.
pub(super) fn refuses(error: &MySqlDatabaseError) -> bool {
    let class = error.code().and_then(|state| state.get(..2));
    matches!(class, Some("22" | "23" | "44" | "45"))
        || matches!(error.number(), 1265 | 1364 | 1366 | 3819 | 4025)
}

/// Whether what a migration wanted to add is there: 1060 column, 1061 index, 1068 primary key.
pub(super) fn is_there(error: &MySqlDatabaseError) -> bool {
    matches!(error.number(), 1060 | 1061 | 1068)
}

/// What a person can do about it.
pub(super) fn remedy(error: &MySqlDatabaseError) -> &'static str {
    match error.number() {
        1044 | 1045 | 1698 => "check user and password in [database] url and the user's rights",
        1049 => "create the database: CREATE DATABASE … CHARACTER SET utf8mb4",
        1146 => "make the tables: telephonist migrate",
        1142 | 1143 => "grant the user SELECT and INSERT on the tables",
        _ => "see the server's log",
    }
}
