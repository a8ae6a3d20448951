//! What the conversation table says of a script's calls, counted: read, never written.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use tokio::time::timeout;

use super::error::StoreError;
use super::server::Server;
use super::table::TableName;

/// Counting the rows of a few million calls takes minutes on a small machine; whoever has more
/// says since when.
const COUNTING_MAX: Duration = Duration::from_secs(600);

/// Another program may be writing the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// More kinds of rows than a script of 20,000 nodes has ways are somebody else's table.
const HITS_MAX: u32 = 500_000;

/// Rows of a kind, counted. Only published columns are asked for (E90).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    /// `current_flowid`: the node in force.
    pub current: String,
    /// `input_type`.
    pub input_type: i64,
    /// `condition_id`.
    pub condition_id: String,
    /// `response_type`.
    pub response_type: i64,
    /// `response_id`: the node or prompt that answered.
    pub response_id: String,
    /// `repetition` is more than 0.
    pub is_repeated: bool,
    /// `input_args` of the row that ends a call: who ended it (E16); else empty.
    pub ending: String,
    /// How many rows.
    pub rows: u64,
}

/// Which rows are counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted<'a> {
    /// The database: `mysql://…` or `sqlite://…`.
    pub url: &'a str,
    /// The conversation table.
    pub table: &'a str,
    /// The script's name: calls are its own if their first row says so (E15).
    pub script: &'a str,
    /// Only calls that began then or later, as the table writes times (E92); empty = all.
    pub since: &'a str,
}

/// Counts the rows of a script's calls.
///
/// # Errors
///
/// The address or the table's name makes no sense, or the database can't be read.
pub async fn hits(counted: &Counted<'_>) -> Result<Vec<Hits>, StoreError> {
    let server = Server::new(counted.url)?.ok_or(StoreError::NoDatabase)?;
    let table = TableName::parse(counted.table)?
        .ok_or_else(|| StoreError::TableName(counted.table.to_owned()))?;
    let counting = async {
        match &server {
            Server::MySql(mysql) => of_mysql(&mut mysql.connect().await?, &table, counted).await,
            Server::Sqlite(_) => {
                let options = SqliteConnectOptions::from_str(counted.url)?
                    // Nothing is made and nothing is changed, not even a journal.
                    .read_only(true)
                    .busy_timeout(BUSY_TIMEOUT)
                    .disable_statement_logging();
                of_sqlite(&mut options.connect().await?, &table, counted).await
            }
        }
    };
    match timeout(COUNTING_MAX, counting).await {
        Ok(Ok(hits)) => Ok(hits),
        Ok(Err(error)) => Err(StoreError::Away(server.away(&error).to_string())),
        Err(_) => {
            let place = server.place();
            let seconds = COUNTING_MAX.as_secs();
            Err(StoreError::Away(format!("{place}: no answer within {seconds} s; say since when")))
        }
    }
}

/// The statement. Texts come as bytes: the ids of a script are told apart by every bit, whatever the
/// table's collation thinks of capitals.
/// `SIGNED` makes a number an i64 in MySQL, whatever the column is; in SQLite any word does.
fn statement(table: &TableName, exact: fn(&str) -> String) -> String {
    let (current, condition, response) =
        (exact("c.current_flowid"), exact("c.condition_id"), exact("c.response_id"));
    let ending = exact("CASE WHEN c.input_type = 11 THEN c.input_args ELSE '' END");
    format!(
        "SELECT {current} AS a, CAST(COALESCE(c.input_type, -1) AS SIGNED) AS b, \
         {condition} AS e, \
         CAST(COALESCE(c.response_type, -1) AS SIGNED) AS f, {response} AS g, \
         CAST(CASE WHEN c.repetition > 0 THEN 1 ELSE 0 END AS SIGNED) AS h, {ending} AS i, COUNT(*) AS n \
         FROM `{table}` c JOIN (SELECT DISTINCT callid FROM `{table}` WHERE input_type = 10 \
         AND (input_args = ? OR input_args LIKE ? ESCAPE '!') AND createtime >= ?) s \
         ON s.callid = c.callid GROUP BY a, b, e, f, g, h, i ORDER BY a, b, e, f, g, h, i \
         LIMIT {HITS_MAX}"
    )
}

/// What is bound: the script's name, the same with any version behind it (E15), and the time.
fn values(counted: &Counted<'_>) -> [String; 3] {
    let mut any_version = String::new();
    for c in counted.script.chars() {
        if matches!(c, '!' | '%' | '_') {
            any_version.push('!');
        }
        any_version.push(c);
    }
    any_version.push_str(":%");
    // Every time is later than no time in SQLite; MySQL wants one.
    let since = if counted.since.is_empty() { "0001-01-01 00:00:00" } else { counted.since };
    [counted.script.to_owned(), any_version, since.to_owned()]
}

macro_rules! read {
    ($connection:expr, $sql:expr, $counted:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for value in values($counted) {
            query = query.bind(value);
        }
        let rows = query.fetch_all($connection).await?;
        let text = |bytes: Option<Vec<u8>>| {
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        };
        let hits = rows.iter().map(|row| {
            Ok(Hits {
                current: text(row.try_get(0)?),
                input_type: row.try_get(1)?,
                condition_id: text(row.try_get(2)?),
                response_type: row.try_get(3)?,
                response_id: text(row.try_get(4)?),
                is_repeated: row.try_get::<i64, _>(5)? != 0,
                ending: text(row.try_get(6)?),
                rows: u64::try_from(row.try_get::<i64, _>(7)?).unwrap_or(0),
            })
        });
        hits.collect()
    }};
}

async fn of_mysql(
    connection: &mut MySqlConnection,
    table: &TableName,
    counted: &Counted<'_>,
) -> Result<Vec<Hits>, sqlx::Error> {
    let sql = statement(table, |sql| format!("CAST(CONVERT({sql} USING utf8mb4) AS BINARY)"));
    read!(connection, sql, counted)
}

async fn of_sqlite(
    connection: &mut SqliteConnection,
    table: &TableName,
    counted: &Counted<'_>,
) -> Result<Vec<Hits>, sqlx::Error> {
    let sql = statement(table, |sql| format!("CAST({sql} AS BLOB)"));
    read!(connection, sql, counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N10: a script's name is no pattern.
    #[test]
    fn a_name_with_signs_of_a_pattern_means_itself() {
        let counted = Counted { script: "a_b/50%!", ..Counted::default() };
        assert_eq!(values(&counted), ["a_b/50%!", "a!_b/50!%!!:%", "0001-01-01 00:00:00"]);
    }
}
