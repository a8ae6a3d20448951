//! MySQL, MariaDB and SQLite behind one face: connect, look, write, judge errors.

use sqlx::database::HasStatementCache;
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError};
use sqlx::sqlite::{SqliteConnection, SqliteError};
use sqlx::{AssertSqlSafe, Connection as _, Database, Encode, Executor, IntoArguments, Type};

use super::error::{SendError, StoreError};
use super::insert::{Statement, Value};
use super::mysql::{self, MySql};
use super::sqlite::{self, Sqlite};
use super::table::{Column, TableName};

/// Which database, and where.
#[derive(Clone, Debug)]
pub(super) enum Server {
    /// MySQL or MariaDB.
    MySql(MySql),
    /// SQLite.
    Sqlite(Sqlite),
}

/// A connection to either.
pub(super) enum Connection {
    /// To MySQL or MariaDB.
    MySql(Box<MySqlConnection>),
    /// To SQLite.
    Sqlite(Box<SqliteConnection>),
}

impl Server {
    /// The server that a URL names; `None` if it is empty.
    pub(super) fn new(url: &str) -> Result<Option<Self>, StoreError> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "" => Ok(None),
            "mysql" => Ok(Some(Self::MySql(MySql::new(url)?))),
            "sqlite" => Ok(Some(Self::Sqlite(Sqlite::new(url)?))),
            _ => Err(StoreError::DatabaseUrl("unknown scheme".into())),
        }
    }

    /// The same, to be read only: a file that is not there is not made.
    pub(super) fn for_reading(self) -> Self {
        match self {
            Self::MySql(server) => Self::MySql(server),
            Self::Sqlite(file) => Self::Sqlite(file.for_reading()),
        }
    }

    /// The sink's name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::MySql(_) => "mysql",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Where it is, for the log: never with the password.
    pub(super) fn place(&self) -> &str {
        match self {
            Self::MySql(server) => &server.place,
            Self::Sqlite(file) => &file.place,
        }
    }

    /// Whether missing tables are made at the start: only in a file of our own.
    pub(super) fn makes_tables(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    pub(super) async fn connect(&self) -> Result<Connection, sqlx::Error> {
        Ok(match self {
            Self::MySql(server) => Connection::MySql(Box::new(server.connect().await?)),
            Self::Sqlite(file) => Connection::Sqlite(Box::new(file.connect().await?)),
        })
    }

    /// What ends an INSERT so that a row that is there already is left as it is. INSERT IGNORE
    /// would also hide what is wrong with a row.
    pub(super) fn on_duplicate(&self, found: &[Column], key: &str) -> String {
        match self {
            Self::MySql(_) if found.iter().any(|column| column.name == key) => {
                format!("ON DUPLICATE KEY UPDATE `{key}`=`{key}`")
            }
            Self::MySql(_) => String::new(),
            Self::Sqlite(_) => "ON CONFLICT DO NOTHING".into(),
        }
    }

    /// Whether the server refuses a row or can't be used.
    pub(super) fn judge(&self, error: &sqlx::Error) -> SendError {
        let refused = match error {
            sqlx::Error::Database(error) => {
                error.try_downcast_ref().is_some_and(mysql::refuses)
                    || error.try_downcast_ref().is_some_and(sqlite::refuses)
            }
            // A value that can't be sent at all.
            sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => true,
            _ => false,
        };
        if refused { SendError::Refused(error.to_string()) } else { self.away(error) }
    }

    /// The server can't be used: where, why, and what helps.
    pub(super) fn away(&self, error: &sqlx::Error) -> SendError {
        let remedy = match error {
            sqlx::Error::Database(error) => {
                let mysql = error.try_downcast_ref::<MySqlDatabaseError>().map(mysql::remedy);
                let sqlite = error.try_downcast_ref::<SqliteError>().map(sqlite::remedy);
                mysql.or(sqlite).unwrap_or("see the server's log")
            }
            sqlx::Error::Io(_) => "check that it runs, and the address in [database] url",
            _ => "see the server's log",
        };
        SendError::Away(format!("{}: {error}; {remedy}", self.place()))
    }
}

impl Connection {
    /// A table's columns; empty if there is no such table.
    pub(super) async fn columns(&mut self, table: &TableName) -> Result<Vec<Column>, sqlx::Error> {
        match self {
            Self::MySql(connection) => mysql::columns(connection, table).await,
            Self::Sqlite(connection) => sqlite::columns(connection, table).await,
        }
    }

    /// Writes statements in one transaction.
    pub(super) async fn write(
        &mut self,
        statements: impl Iterator<Item = Statement<'_>>,
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::MySql(connection) => write_all::<sqlx::MySql>(connection, statements).await,
            Self::Sqlite(connection) => write_all::<sqlx::Sqlite>(connection, statements).await,
        }
    }

    /// The numbers of the migrations applied to a table.
    pub(super) async fn applied(&mut self, table: &TableName) -> Result<Vec<i64>, sqlx::Error> {
        let sql = "SELECT `number` FROM `telephonist_migrations` WHERE `table_name` = ?";
        match self {
            Self::MySql(connection) => {
                sqlx::query_scalar(sql).bind(table.as_str()).fetch_all(&mut **connection).await
            }
            Self::Sqlite(connection) => {
                sqlx::query_scalar(sql).bind(table.as_str()).fetch_all(&mut **connection).await
            }
        }
    }

    /// Writes down that a migration was applied to a table.
    pub(super) async fn journal(
        &mut self,
        number: i64,
        table: &TableName,
    ) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO `telephonist_migrations` (`number`, `table_name`) VALUES (?, ?)";
        let values = vec![Value::Int(number), Value::Text(table.as_str().into())];
        self.write([Statement { sql: sql.into(), values }].into_iter()).await
    }

    /// Whether what a migration wanted to add is there.
    pub(super) fn is_there(error: &sqlx::Error) -> bool {
        error.as_database_error().is_some_and(|error| {
            error.try_downcast_ref().is_some_and(mysql::is_there)
                || error.try_downcast_ref().is_some_and(sqlite::is_there)
        })
    }

    /// Runs one statement that has no values, as text.
    pub(super) async fn run(&mut self, sql: String) -> Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::MySql(connection) => sql.execute(&mut **connection).await.map(drop),
            Self::Sqlite(connection) => sql.execute(&mut **connection).await.map(drop),
        }
    }
}

async fn write_all<D>(
    connection: &mut D::Connection,
    statements: impl Iterator<Item = Statement<'_>>,
) -> Result<(), sqlx::Error>
where
    D: Database + HasStatementCache,
    D::Arguments: IntoArguments<D>,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    for<'v> &'v str: Encode<'v, D> + Type<D>,
    for<'v> i64: Encode<'v, D> + Type<D>,
    for<'v> Option<i64>: Encode<'v, D> + Type<D>,
{
    let mut transaction = connection.begin().await?;
    for Statement { sql, values } in statements {
        // Not kept prepared: nearly every batch has another number of rows.
        let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        for value in &values {
            query = match value {
                Value::Null => query.bind(None::<i64>),
                Value::Int(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.as_ref()),
            };
        }
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
