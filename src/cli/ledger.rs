//! The rows of a played call, written to a real SQLite file and read back by SQL.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Column as _, Connection, Row as _};
use tokio::sync::oneshot;
use unicode_width::UnicodeWidthStr;

use crate::config::{Config, Secret};
use crate::engine::{Classify, Row};
use crate::store::{self, Notify};

/// What goes wrong between the rows and the table.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    /// The store can't be opened.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The rows can't be read back.
    #[error("the rows can't be read back: {0}")]
    Read(#[from] sqlx::Error),
}

/// A cell is cut to this, so that a row stays a line.
const CELL_CHARS_MAX: usize = 24;

/// The queries whose answers are shown.
const CONVERSATION: &str = "SELECT sequence, current_flowid, input_args, matching_method, \
     matching_keyword, response_type, response_id, repetition, potential \
     FROM conversation WHERE callid = ? ORDER BY event_no";
const CLASSIFY: &str = "SELECT talk_time, respond_count, positive_respond_count, \
     intentional_count, trigger_kb, trigger_global_flow, proactively_hangup, label_result, \
     label_hit_id FROM classify WHERE callid = ?";

/// Writes the rows into the database file, which is made if it is missing, and shows what SQL
/// finds of the call.
pub(super) async fn write_and_show(
    file: &Path,
    rows: Vec<Row>,
    classify: Option<Classify>,
) -> Result<String, LedgerError> {
    let Some(callid) = rows.first().map(|row| row.callid.clone()) else {
        return Ok(String::new());
    };
    let config = Config {
        database: crate::config::Database { url: Secret(format!("sqlite://{}", file.display())) },
        ..Config::default()
    };
    let (store, worker) = store::open(&config)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let deliver = worker.run(async {
        // The sender says nothing; it is dropped when all is written.
        drop(stopped.await);
    });
    let write = async {
        let notify = Notify::default();
        for row in rows {
            store.conversation(row, &notify);
        }
        if let Some(row) = classify {
            store.classify(row, &notify);
        }
        store.flush().await;
        drop(stop);
    };
    tokio::join!(deliver, write);
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let mut shown = String::new();
    for query in [CONVERSATION, CLASSIFY] {
        shown.push_str(&format!("\n{query};\n"));
        shown.push_str(&table(&mut connection, query, &callid).await?);
    }
    connection.close().await?;
    Ok(shown)
}

/// The answer to a query about one call, as a table.
async fn table(
    connection: &mut SqliteConnection,
    query: &'static str,
    callid: &str,
) -> Result<String, sqlx::Error> {
    let answer = sqlx::query(query).bind(callid).fetch_all(connection).await?;
    let Some(first) = answer.first() else { return Ok("  (no rows)\n".into()) };
    let names = first.columns().iter().map(|column| column.name().to_owned()).collect();
    let mut lines: Vec<Vec<String>> = vec![names];
    for row in &answer {
        let cells = (0..row.columns().len()).map(|at| cell(row, at)).collect();
        lines.push(cells);
    }
    Ok(aligned(&lines))
}

fn cell(row: &SqliteRow, at: usize) -> String {
    let text = row.try_get::<Option<String>, _>(at).map(Option::unwrap_or_default);
    let number = || row.try_get::<Option<i64>, _>(at).ok().flatten();
    let shown = text.unwrap_or_else(|_| number().map_or_else(String::new, |n| n.to_string()));
    shown.chars().take(CELL_CHARS_MAX).collect()
}

/// Columns as wide as their widest cell.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|at| lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.width()).max())
        .map(|width| width.unwrap_or(0))
        .collect();
    let mut shown = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| {
            format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        shown.push_str("  ");
        shown.push_str(line.trim_end());
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_aligned_under_wide_characters() {
        let lines = [["a", "b"], ["有的", "x"]].map(|line| line.map(str::to_owned).to_vec());
        assert_eq!(aligned(&lines), "  a     b\n  有的  x\n");
    }
}
