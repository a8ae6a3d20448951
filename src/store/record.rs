//! What travels from a call to the sinks.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::engine::{Classify, Field, InputType, Row};

/// The call's `notify_fields` channel variables, added to each row that goes to Redis (I3).
pub type Notify = Arc<Map<String, Value>>;

/// One row on its way, shared by all sinks that want it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The row.
    pub written: Written,
    /// What goes with it to Redis.
    pub notify: Notify,
}

/// A row of either table.
#[derive(Clone, Debug)]
pub enum Written {
    /// A row of `conversation`.
    Conversation(Arc<Row>),
    /// A row of `classify`.
    Classify(Arc<Classify>),
}

impl Record {
    /// What names this row for ever: its call and its number, or its call alone for `classify` (I6).
    #[must_use]
    pub fn event_id(&self) -> String {
        match &self.written {
            Written::Conversation(row) => row.event_id(),
            Written::Classify(row) => row.callid.to_string(),
        }
    }

    /// The message for Redis and the notification: all published columns in their order, then the
    /// call's variables (I3). A variable never takes the place of a column.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut message = match &self.written {
            Written::Conversation(row) => row.to_json(),
            Written::Classify(row) => row.to_json(),
        };
        for (name, value) in self.notify.iter() {
            message.entry(name.as_str()).or_insert_with(|| value.clone());
        }
        Value::Object(message).to_string()
    }

    /// Whether this is the row that ends a call (I4).
    pub(super) fn ends_call(&self) -> bool {
        matches!(&self.written, Written::Conversation(row) if row.input_type == InputType::Destroy)
    }

    /// About how many bytes the row's texts take in a statement.
    pub(super) fn bytes(&self) -> usize {
        match &self.written {
            Written::Conversation(row) => {
                let heard = row.heard_text.as_ref().map_or(0, |text| text.len());
                let why = row.why.as_ref().map_or(0, |text| text.len());
                ROW_BYTES + texts(&row.fields()) + heard + why
            }
            Written::Classify(row) => {
                let ledger = row.ledger.as_ref().map_or(0, |text| text.len());
                ROW_BYTES + texts(&row.fields()) + row.comment.len() + ledger
            }
        }
    }
}

/// What the numbers, times and placeholders of one row take in a statement, generously.
const ROW_BYTES: usize = 512;

fn texts(fields: &[(&'static str, Field<'_>)]) -> usize {
    let length = |(_, field): &(_, Field<'_>)| match field {
        Field::Text(text) => text.len(),
        Field::Int(_) | Field::Time(_) => 0,
    };
    fields.iter().map(length).sum()
}
