//! Rows to the log, where the configuration asks for it.

use super::delivery::Sink;
use super::error::SendError;
use super::queue::BATCH_RECORDS_MAX;
use super::record::Record;
use crate::pii::Pii;

/// The log as a sink, so that no call waits for a slow terminal (N2).
#[derive(Debug)]
pub(super) struct LogRows;

impl Sink for LogRows {
    fn name(&self) -> &'static str {
        "log"
    }

    fn records_max(&self) -> usize {
        BATCH_RECORDS_MAX
    }

    async fn send(&mut self, records: &[Record]) -> Result<(), SendError> {
        for record in records {
            let (event_id, row) = (record.event_id(), Pii(record.to_json()));
            tracing::info!(target: "telephonist::rows", event_id, %row);
        }
        Ok(())
    }
}
