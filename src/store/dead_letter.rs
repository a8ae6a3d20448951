//! The file of rows that a sink refused (I7): JSON lines, for a person to read and to mend.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::fs::{OpenOptions, create_dir_all};
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;

use super::record::{Record, Written};
use crate::pii::Pii;

/// The file's name in `data_dir`.
const FILE_NAME: &str = "dead-letter.jsonl";

/// The file grows no further than this: some hundred thousand rows, more than anybody mends by
/// hand, and little enough for any disk.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Where refused rows are kept; shared by all sinks.
#[derive(Debug)]
pub(super) struct DeadLetters {
    path: PathBuf,
    /// One line at a time.
    writing: Mutex<()>,
}

impl DeadLetters {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join(FILE_NAME), writing: Mutex::new(()) }
    }

    /// Adds a row with the sink that refused it and its reason. If the file can't take it, the row
    /// is lost, and the log names it.
    pub(super) async fn add(&self, sink: &'static str, record: &Record, reason: &str) {
        let event_id = record.event_id();
        let line = line(sink, record, reason);
        // Databases quote the value that they refuse (N14).
        let reason = Pii(reason);
        let _one_at_a_time = self.writing.lock().await;
        match self.append(&line).await {
            Ok(()) => {
                let file = self.path.display();
                tracing::error!(sink, event_id, %reason, %file, "a row is refused and set aside");
            }
            Err(error) => {
                tracing::error!(sink, event_id, %reason, %error, "a row is refused and lost");
            }
        }
    }

    async fn append(&self, line: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            create_dir_all(folder).await?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).await?;
        if file.metadata().await?.len() + line.len() as u64 > FILE_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the dead-letter file is full",
            ));
        }
        file.write_all(line.as_bytes()).await?;
        file.sync_data().await
    }
}

/// The row as it is kept in snapshots, so that nothing of it is missing.
fn line(sink: &str, record: &Record, reason: &str) -> String {
    let (table, row) = match &record.written {
        Written::Conversation(row) => ("conversation", json!(row)),
        Written::Classify(row) => ("classify", json!(row)),
    };
    let letter = json!({
        "sink": sink,
        "reason": reason,
        "event_id": record.event_id(),
        "table": table,
        "row": row,
        "notify": *record.notify,
    });
    format!("{letter}\n")
}
