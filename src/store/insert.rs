//! Rows as one statement: `INSERT … VALUES (…), (…)` with bound values only (N10).

use std::borrow::Cow;

use super::meter::Meter;
use super::table::{Column, TableName};
use crate::engine::{Classify, Field, Row};

/// A value to bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// NULL.
    Null,
    /// A number.
    Int(i64),
    /// A text, or a time as one.
    Text(Cow<'a, str>),
}

/// A row's values with the columns they belong to, always in the same order.
pub(super) type Named<'a> = Vec<(&'static str, Value<'a>)>;

/// A statement and what is bound to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    pub(super) sql: String,
    pub(super) values: Vec<Value<'a>>,
}

/// Every value of a row of `conversation`: the published columns, then ours (I6, T10).
pub(super) fn conversation(row: &Row) -> Named<'_> {
    let published = row.fields().into_iter().map(|(name, field)| (name, field.into()));
    let ours = [
        ("event_no", Value::Int(row.event_no.into())),
        ("event_id", Value::Text(row.event_id().into())),
        ("heard_ms", row.heard_ms.map_or(Value::Null, Value::Int)),
        (
            "heard_text",
            row.heard_text.as_deref().map_or(Value::Null, |text| Value::Text(text.into())),
        ),
        ("why", row.why.as_deref().map_or(Value::Null, |text| Value::Text(text.into()))),
    ];
    published.chain(ours).collect()
}

/// Every value of a row of `classify`: the published columns, then ours (E81).
pub(super) fn classify(row: &Classify) -> Named<'_> {
    let published = row.fields().into_iter().map(|(name, field)| (name, field.into()));
    let ours = [
        ("comment", Value::Text(row.comment.as_str().into())),
        ("ledger", row.ledger.as_deref().map_or(Value::Null, |text| Value::Text(text.into()))),
    ];
    published.chain(ours).collect()
}

/// Our own columns: a table may lack them (I6).
const OURS: [&str; 7] =
    ["event_no", "event_id", "heard_ms", "heard_text", "why", "comment", "ledger"];

/// How rows are put into one table as it is.
#[derive(Debug)]
pub(super) struct Plan {
    table: TableName,
    /// The table's columns as the database lists them.
    found: Vec<Column>,
    /// The same in the order of a row's values, from the first row on; `None` = no such column.
    columns: Vec<Option<Column>>,
    /// What follows the values, so that a row sent again is not inserted again.
    on_duplicate: String,
    /// Texts cut so far.
    cut_count: u64,
}

impl Plan {
    /// A plan for the table with these columns.
    pub(super) fn new(table: TableName, found: Vec<Column>, on_duplicate: String) -> Self {
        Self { table, found, columns: Vec::new(), on_duplicate, cut_count: 0 }
    }

    /// One statement for these rows; `None` if there are none.
    pub(super) fn statement<'a>(
        &mut self,
        rows: impl Iterator<Item = Named<'a>>,
        sink: &'static str,
    ) -> Option<Statement<'a>> {
        let mut values = Vec::new();
        let mut row_count = 0;
        for row in rows {
            row_count += 1;
            if self.columns.is_empty() {
                self.columns = row.iter().map(|(name, _)| self.column(name)).collect();
            }
            for (value, column) in row.into_iter().map(|(_, value)| value).zip(&self.columns) {
                let Some(column) = column else { continue };
                let (value, is_cut) = fit(value, column);
                if is_cut {
                    self.cut_count += 1;
                    tell_cut(&self.table, column, self.cut_count, sink);
                }
                values.push(value);
            }
        }
        (row_count > 0).then(|| Statement { sql: self.sql(row_count), values })
    }

    fn column(&self, name: &str) -> Option<Column> {
        let column = self.found.iter().find(|column| column.name == name).cloned();
        if column.is_none() && !OURS.contains(&name) {
            tracing::warn!(table = %self.table, column = name, "no such column: it is left out");
        }
        column
    }

    fn sql(&self, row_count: usize) -> String {
        let names: Vec<_> =
            self.columns.iter().flatten().map(|column| format!("`{}`", column.name)).collect();
        let marks = format!("({})", vec!["?"; names.len()].join(","));
        let rows = vec![marks.as_str(); row_count].join(",");
        let Self { table, on_duplicate, .. } = self;
        format!("INSERT INTO `{table}` ({}) VALUES {rows} {on_duplicate}", names.join(","))
    }
}

fn fit<'a>(value: Value<'a>, column: &Column) -> (Value<'a>, bool) {
    match value {
        Value::Text(text) => {
            let fitted = column.fit(text);
            (Value::Text(fitted.text), fitted.is_cut)
        }
        Value::Null | Value::Int(_) => (value, false),
    }
}

/// Counts a cut text, and logs the first, the second, the fourth, the eighth: a script whose texts
/// are all too long says so without filling the log (E92).
fn tell_cut(table: &TableName, column: &Column, cut_count: u64, sink: &'static str) {
    Meter::Cut.add(sink, 1);
    if cut_count.is_power_of_two() {
        tracing::warn!(%table, column = column.name, cut_count, "a text was cut to its column");
    }
}

impl<'a> From<Field<'a>> for Value<'a> {
    fn from(field: Field<'a>) -> Self {
        match field {
            Field::Text(text) => Self::Text(text.into()),
            Field::Int(number) => Self::Int(number),
            Field::Time(wall) => Self::Text(wall.to_local().to_string().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::table::Width;

    #[test]
    fn only_columns_that_the_table_has_are_named() {
        let column =
            |name: &str| Column { name: name.into(), width: Width::Chars(3), three_bytes: false };
        let table = TableName::parse("calls").unwrap().unwrap();
        let found = vec![column("label_result"), column("other"), column("callid")];
        let row =
            Classify { callid: "abcd".into(), label_result: "A".into(), ..Default::default() };
        let mut plan = Plan::new(table, found, "ON CONFLICT DO NOTHING".into());
        let rows = [classify(&row), classify(&row)];
        let statement = plan.statement(rows.into_iter(), "test").unwrap();
        assert_eq!(
            statement.sql,
            "INSERT INTO `calls` (`callid`,`label_result`) VALUES (?,?),(?,?) ON CONFLICT DO NOTHING"
        );
        let text = |text: &'static str| Value::Text(text.into());
        assert_eq!(statement.values, [text("abc"), text("A"), text("abc"), text("A")]);
        assert_eq!(plan.cut_count, 2);
    }
}
