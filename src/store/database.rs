//! The database as a sink.

use super::delivery::Sink;
use super::error::{SendError, StoreError};
use super::insert::{self, Plan};
use super::migrate::{self, Table, Tables};
use super::queue::{BATCH_RECORDS_MAX, Wants};
use super::record::{Record, Written};
use super::server::{Connection, Server};
use crate::config::Config;

/// The sink.
pub(super) struct Database {
    server: Server,
    tables: Tables,
    session: Option<Session>,
}

/// A connection, and how the tables are that it leads to.
struct Session {
    connection: Connection,
    conversation: Option<Plan>,
    classify: Option<Plan>,
}

impl Database {
    /// The configured database and what it wants; `None` if there is none.
    pub(super) fn new(config: &Config) -> Result<Option<(Self, Wants)>, StoreError> {
        let tables = Tables::new(config)?;
        let wants = Wants {
            conversation: tables.name(Table::Conversation).is_some(),
            classify: tables.name(Table::Classify).is_some(),
            destroy: false,
        };
        let Some(server) = Server::new(&config.database.url.0)? else { return Ok(None) };
        let database = Self { server, tables, session: None };
        Ok(wants.anything().then_some((database, wants)))
    }
}

impl Sink for Database {
    fn name(&self) -> &'static str {
        self.server.name()
    }

    fn records_max(&self) -> usize {
        BATCH_RECORDS_MAX
    }

    async fn send(&mut self, records: &[Record]) -> Result<(), SendError> {
        // Taken out of its place: a send that fails or is given up leaves no connection behind
        // that may still be in the middle of something.
        let mut session = match self.session.take() {
            Some(session) => session,
            None => Session::open(&self.server, &self.tables).await?,
        };
        let written = session.write(records, self.server.name()).await;
        let answer = written.map_err(|error| self.server.judge(&error));
        if !matches!(answer, Err(SendError::Away(_))) {
            self.session = Some(session);
        }
        answer
    }
}

impl Session {
    /// Connects and looks at the tables as they are.
    async fn open(server: &Server, tables: &Tables) -> Result<Self, SendError> {
        let mut connection = server.connect().await.map_err(|error| server.away(&error))?;
        let conversation = plan(server, &mut connection, Table::Conversation, tables).await?;
        let classify = plan(server, &mut connection, Table::Classify, tables).await?;
        Ok(Self { connection, conversation, classify })
    }

    /// Writes rows of both tables in one transaction.
    async fn write(&mut self, records: &[Record], sink: &'static str) -> Result<(), sqlx::Error> {
        let conversation = records.iter().filter_map(|record| match &record.written {
            Written::Conversation(row) => Some(insert::conversation(row)),
            Written::Classify(_) => None,
        });
        let classify = records.iter().filter_map(|record| match &record.written {
            Written::Classify(row) => Some(insert::classify(row)),
            Written::Conversation(_) => None,
        });
        let conversation = self.conversation.as_mut().and_then(|p| p.statement(conversation, sink));
        let classify = self.classify.as_mut().and_then(|p| p.statement(classify, sink));
        self.connection.write(conversation.into_iter().chain(classify)).await
    }
}

/// How rows are put into a table; `None` if they are not.
async fn plan(
    server: &Server,
    connection: &mut Connection,
    table: Table,
    tables: &Tables,
) -> Result<Option<Plan>, SendError> {
    let Some(name) = tables.name(table) else { return Ok(None) };
    let away = |error| server.away(&error);
    let mut found = connection.columns(name).await.map_err(away)?;
    if found.is_empty() && server.makes_tables() {
        let made = migrate::make_table(server, connection, table, name).await;
        made.map_err(|error| SendError::Away(error.to_string()))?;
        found = connection.columns(name).await.map_err(away)?;
    }
    if found.is_empty() {
        let place = server.place();
        let reason = format!("{place} has no table {name}: make it with `telephonist migrate`");
        return Err(SendError::Away(reason));
    }
    let on_duplicate = server.on_duplicate(&found, table.key());
    Ok(Some(Plan::new(name.clone(), found, on_duplicate)))
}
