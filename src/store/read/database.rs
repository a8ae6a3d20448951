//! The table `conversation`, in pages of calls by their ids (keyset pagination): a page that failed is
//! asked for again, and nothing is read twice.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use sqlx::AssertSqlSafe;

use super::{FoundCall, Read, ReadError, Wanted};
use crate::config::Config;
use crate::engine::{Recorded, calendar_seconds};
use crate::store::error::{SendError, StoreError};
use crate::store::server::{Connection, Server};
use crate::store::table::{Column, TableName};

/// Calls in one page: some 7,000 rows, 4 MB.
const PAGE: usize = 500;

/// The columns in the order in which they are read, and whether they are numbers or times.
const COLUMNS: [(&str, Kind); 25] = [
    ("callid", Kind::Text),
    ("event_no", Kind::Number),
    ("createtime", Kind::Time),
    ("current_appid", Kind::Text),
    ("sequence", Kind::Number),
    ("current_flowid", Kind::Text),
    ("input_type", Kind::Number),
    ("input_args", Kind::Text),
    ("input_nlp_args", Kind::Text),
    ("input_start_time", Kind::Time),
    ("input_duration", Kind::Number),
    ("input_play_time", Kind::Number),
    ("matching_method", Kind::Number),
    ("matching_condition", Kind::Text),
    ("condition_id", Kind::Text),
    ("condition_weight", Kind::Number),
    ("matching_keyword", Kind::Text),
    ("response_type", Kind::Number),
    ("response_description", Kind::Text),
    ("response_id", Kind::Text),
    ("response_action", Kind::Text),
    ("response_args", Kind::Text),
    ("response_text", Kind::Text),
    ("repetition", Kind::Number),
    ("potential", Kind::Text),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Time,
}

pub(super) struct Pages {
    server: Server,
    table: TableName,
    wanted: Wanted,
    session: Option<Session>,
    /// The last call that was read.
    after: String,
    /// How many of the named calls were read.
    named: usize,
    ended: bool,
}

/// A connection, and the statement that fits the table as it is.
struct Session {
    connection: Connection,
    rows_sql: String,
}

impl Pages {
    pub(super) fn new(url: &str, wanted: Wanted, config: &Config) -> Result<Self, ReadError> {
        let name = &config.robot.record.database.table;
        let name = if name.is_empty() { "conversation" } else { name };
        let table = TableName::parse(name)?.ok_or(StoreError::NoDatabase)?;
        let server = Server::new(url)?.ok_or(StoreError::NoDatabase)?.for_reading();
        if let Server::Sqlite(file) = &server
            && !std::path::Path::new(&file.place).exists()
        {
            let source = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(ReadError::File { file: file.place.clone(), source });
        }
        let after = String::new();
        Ok(Self { server, table, wanted, session: None, after, named: 0, ended: false })
    }

    pub(super) async fn next(&mut self) -> Result<Read, SendError> {
        if self.ended {
            return Ok(Read::End);
        }
        // Taken out of its place: a connection that failed is not used again.
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect().await?,
        };
        let away = |error: sqlx::Error| self.server.away(&error);
        let ids = match self.wanted.calls.get(self.named..).filter(|calls| !calls.is_empty()) {
            Some(named) => named.iter().take(PAGE).map(ToString::to_string).collect(),
            None if !self.wanted.calls.is_empty() => Vec::new(),
            None => self.ids(&mut session).await.map_err(away)?,
        };
        let rows = match (ids.first(), ids.last()) {
            (Some(first), Some(last)) if self.wanted.calls.is_empty() => {
                session.range(first, last).await.map_err(away)?
            }
            _ => {
                let mut rows = Vec::new();
                for id in &ids {
                    rows.extend(session.range(id, id).await.map_err(away)?);
                }
                rows
            }
        };
        self.session = Some(session);
        self.named += ids.len();
        match ids.last() {
            Some(last) => self.after.clone_from(last),
            None => self.ended = true,
        }
        // A collation without case orders ids that are not the same as if they were.
        let mut calls: BTreeMap<SmolStr, Vec<Recorded>> = BTreeMap::new();
        for row in rows {
            match calls.get_mut(&row.callid) {
                Some(rows) => rows.push(row),
                None => drop(calls.insert(row.callid.clone(), vec![row])),
            }
        }
        let calls: Vec<FoundCall> = calls.into_iter().collect();
        Ok(Read::Calls(calls.into_iter().filter(|call| self.wanted.takes(call)).collect()))
    }

    async fn connect(&self) -> Result<Session, SendError> {
        let away = |error: sqlx::Error| match (self.server.away(&error), &error) {
            // A server that does not let us in the first time will not do so later either.
            (SendError::Away(why), sqlx::Error::Database(_)) if self.after.is_empty() => {
                SendError::Refused(why)
            }
            (away, _) => away,
        };
        let mut connection = self.server.connect().await.map_err(away)?;
        let found = connection.columns(&self.table).await.map_err(away)?;
        if found.is_empty() {
            let place = self.server.place();
            return Err(SendError::Refused(format!("{place} has no table {}", self.table)));
        }
        let rows_sql = rows_sql(&self.table, &found, &connection);
        Ok(Session { connection, rows_sql })
    }

    /// The ids of the next calls.
    async fn ids(&self, session: &mut Session) -> Result<Vec<String>, sqlx::Error> {
        let (mut times, mut values) = (String::new(), vec![self.after.as_str()]);
        for (test, value) in [(">=", &self.wanted.since), ("<", &self.wanted.until)] {
            if !value.is_empty() {
                times.push_str(&format!(" AND `createtime` {test} ?"));
                values.push(value);
            }
        }
        let table = &self.table;
        let sql = format!(
            "SELECT DISTINCT `callid` FROM `{table}` WHERE `callid` > ?{times} \
             ORDER BY `callid` LIMIT {PAGE}"
        );
        match &mut session.connection {
            Connection::MySql(connection) => {
                let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
                for value in values {
                    query = query.bind(value);
                }
                query.fetch_all(&mut **connection).await
            }
            Connection::Sqlite(connection) => {
                let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
                for value in values {
                    query = query.bind(value);
                }
                query.fetch_all(&mut **connection).await
            }
        }
    }
}

impl Session {
    /// All rows of the calls from one to another.
    async fn range(&mut self, first: &str, last: &str) -> Result<Vec<Recorded>, sqlx::Error> {
        let sql = AssertSqlSafe(self.rows_sql.clone());
        match &mut self.connection {
            Connection::MySql(connection) => {
                let query = sqlx::query(sql).bind(first).bind(last);
                let rows = query.fetch_all(&mut **connection).await?;
                rows.iter().map(recorded).collect()
            }
            Connection::Sqlite(connection) => {
                let query = sqlx::query(sql).bind(first).bind(last);
                let rows = query.fetch_all(&mut **connection).await?;
                rows.iter().map(recorded).collect()
            }
        }
    }
}

fn rows_sql(table: &TableName, found: &[Column], connection: &Connection) -> String {
    let is_there = |name: &str| found.iter().any(|column| column.name == name);
    let is_mysql = matches!(connection, Connection::MySql(_));
    let expression = |(name, kind): &(&str, Kind)| match kind {
        _ if !is_there(name) => "NULL".to_owned(),
        // Whatever whole number the column is, and a time as the text it shows.
        Kind::Number if is_mysql => format!("CAST(`{name}` AS SIGNED)"),
        Kind::Time if is_mysql => format!("CAST(`{name}` AS CHAR)"),
        _ => format!("`{name}`"),
    };
    let columns: Vec<_> = COLUMNS.iter().map(expression).collect();
    let order: Vec<_> = ["callid", "event_no", "id"]
        .iter()
        .filter(|name| is_there(name))
        .map(|name| format!("`{name}`"))
        .collect();
    let (columns, order) = (columns.join(", "), order.join(", "));
    format!(
        "SELECT {columns} FROM `{table}` WHERE `callid` >= ? AND `callid` <= ? ORDER BY {order}"
    )
}

fn recorded<R>(row: &R) -> Result<Recorded, sqlx::Error>
where
    R: sqlx::Row,
    usize: sqlx::ColumnIndex<R>,
    for<'r> Option<&'r str>: sqlx::Decode<'r, R::Database>,
    for<'r> Option<i64>: sqlx::Decode<'r, R::Database>,
{
    let text = |at: usize| -> Result<SmolStr, sqlx::Error> {
        let text: Option<&str> = row.try_get_unchecked(at)?;
        Ok(text.map(SmolStr::new).unwrap_or_default())
    };
    let maybe = |at: usize| row.try_get_unchecked::<Option<i64>, usize>(at);
    let number = |at: usize| maybe(at).map(Option::unwrap_or_default);
    let time = |at: usize| -> Result<Option<i64>, sqlx::Error> {
        let text: Option<&str> = row.try_get_unchecked(at)?;
        Ok(text.and_then(calendar_seconds))
    };
    Ok(Recorded {
        callid: text(0)?,
        event_no: maybe(1)?,
        createtime: time(2)?,
        current_appid: text(3)?,
        sequence: number(4)?,
        current_flowid: text(5)?,
        input_type: number(6)?,
        input_args: text(7)?,
        input_nlp_args: text(8)?,
        input_start_time: time(9)?,
        input_duration: number(10)?,
        input_play_time: number(11)?,
        matching_method: number(12)?,
        matching_condition: text(13)?,
        condition_id: text(14)?,
        condition_weight: number(15)?,
        matching_keyword: text(16)?,
        response_type: number(17)?,
        response_description: text(18)?,
        response_id: text(19)?,
        response_action: text(20)?,
        response_args: text(21)?,
        response_text: text(22)?,
        repetition: number(23)?,
        potential: text(24)?,
    })
}
