//! The tables: made and upgraded by numbered migrations (I6).

use super::error::StoreError;
use super::server::{Connection, Server};
use super::table::TableName;
use crate::config::Config;

/// One of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// A row per input.
    Conversation,
    /// A row per call.
    Classify,
}

impl Table {
    /// The column by which a row that was sent twice is known.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Conversation => "event_id",
            Self::Classify => "callid",
        }
    }
}

/// The configured names of the tables.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    conversation: Option<TableName>,
    classify: Option<TableName>,
}

impl Tables {
    pub(super) fn new(config: &Config) -> Result<Self, StoreError> {
        let conversation = TableName::parse(&config.robot.record.database.table)?;
        let classify = TableName::parse(&config.robot.statistic.database.table)?;
        Ok(Self { conversation, classify })
    }

    pub(super) fn name(&self, table: Table) -> Option<&TableName> {
        match table {
            Table::Conversation => self.conversation.as_ref(),
            Table::Classify => self.classify.as_ref(),
        }
    }
}

/// A migration that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its file below `sql/`, without folder.
    pub name: &'static str,
    /// The table it was for.
    pub table: String,
}

/// A step of a table's history. Its file holds statements that end in `;` at the end of a line;
/// each can be run again after it was interrupted.
struct Migration {
    number: i64,
    name: &'static str,
    table: Table,
    sql: &'static str,
}

/// The migrations of one folder, in their order.
macro_rules! migrations {
    ($folder:literal, $(($number:literal, $file:literal, $table:ident)),+ $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $file,
            table: Table::$table,
            sql: include_str!(concat!("../../sql/", $folder, "/", $file)),
        }),+]
    };
}

const MYSQL: &[Migration] = migrations![
    "mysql",
    (1, "0001_conversation.sql", Conversation),
    (2, "0002_classify.sql", Classify),
    (3, "0003_conversation_columns.sql", Conversation),
    (4, "0004_classify_columns.sql", Classify),
    (5, "0005_conversation_why.sql", Conversation),
    (6, "0006_classify_ledger.sql", Classify),
];

const SQLITE: &[Migration] = migrations![
    "sqlite",
    (1, "0001_conversation.sql", Conversation),
    (2, "0002_classify.sql", Classify),
    (3, "0003_conversation_columns.sql", Conversation),
    (4, "0004_classify_columns.sql", Classify),
    (5, "0005_conversation_why.sql", Conversation),
    (6, "0006_classify_ledger.sql", Classify),
];

/// Which migrations were applied to which table.
const JOURNAL: &str = "CREATE TABLE IF NOT EXISTS `telephonist_migrations` (\
    `number` INTEGER NOT NULL, `table_name` VARCHAR(64) NOT NULL, \
    `applied_at` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, \
    PRIMARY KEY (`number`, `table_name`))";

/// Makes the tables, or adds to tables made elsewhere what is missing; what was applied before is
/// not applied again. Says what it did.
///
/// # Errors
///
/// No database is configured, it can't be reached, or it refuses a statement.
pub async fn migrate(config: &Config) -> Result<Vec<Applied>, StoreError> {
    let tables = Tables::new(config)?;
    let server = Server::new(&config.database.url.0)?.ok_or(StoreError::NoDatabase)?;
    let connected = server.connect().await;
    let away = |error| StoreError::Away(server.away(&error).to_string());
    let mut connection = connected.map_err(away)?;
    let mut applied = Vec::new();
    for table in [Table::Conversation, Table::Classify] {
        if let Some(name) = tables.name(table) {
            applied.extend(make_table(&server, &mut connection, table, name).await?);
        }
    }
    Ok(applied)
}

/// Brings one table up to date.
pub(super) async fn make_table(
    server: &Server,
    connection: &mut Connection,
    table: Table,
    name: &TableName,
) -> Result<Vec<Applied>, StoreError> {
    let away = |error| StoreError::Away(server.away(&error).to_string());
    connection.run(JOURNAL.into()).await.map_err(away)?;
    let done = connection.applied(name).await.map_err(away)?;
    let mut applied = Vec::new();
    for migration in migrations(server).iter().filter(|migration| migration.table == table) {
        if done.contains(&migration.number) {
            continue;
        }
        apply(connection, migration, name).await.map_err(|source| StoreError::Migration {
            name: migration.name,
            table: name.to_string(),
            source: Box::new(source),
        })?;
        applied.push(Applied { name: migration.name, table: name.to_string() });
    }
    Ok(applied)
}

fn migrations(server: &Server) -> &'static [Migration] {
    match server {
        Server::MySql(_) => MYSQL,
        Server::Sqlite(_) => SQLITE,
    }
}

/// Runs a migration and writes down that it was run. What it wants to add and finds there is left
/// as it is: the table may be somebody else's, or the migration was interrupted.
async fn apply(
    connection: &mut Connection,
    migration: &Migration,
    table: &TableName,
) -> Result<(), sqlx::Error> {
    let sql = migration.sql.replace("{{table}}", table.as_str());
    for statement in sql.split(";\n").filter(|statement| !statement.trim().is_empty()) {
        match connection.run(statement.to_owned()).await {
            Err(error) if !Connection::is_there(&error) => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    connection.journal(migration.number, table).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps_and_named_so() {
        for migrations in [MYSQL, SQLITE] {
            for (migration, number) in migrations.iter().zip(1..) {
                assert_eq!(migration.number, number);
                assert!(migration.name.starts_with(&format!("{number:04}_")), "{}", migration.name);
            }
        }
    }
}
