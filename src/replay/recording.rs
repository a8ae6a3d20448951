//! The rows of one call in their order, as far as they are whole.

use std::fmt;

use smol_str::SmolStr;

use crate::engine::{InputType, Recorded, appid};

/// One recorded call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The call.
    pub callid: SmolStr,
    /// Its rows in their order, up to the first place where one is missing.
    pub rows: Vec<Recorded>,
    /// What is wrong with them; nothing is known behind the last row then.
    pub fault: Option<Fault>,
}

/// What is wrong with the rows of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// There is no CREATE row: nobody knows where the call stood.
    NoBeginning,
    /// A row is missing.
    Hole,
    /// There is no DESTORY row: the call was still going on, or its end was lost.
    Cut,
    /// There are more rows than any call has.
    TooLong,
}

/// Rows that are looked at: a call of three hours with a sentence every second. What has more is many
/// calls under one id.
const ROWS_MAX: usize = 10_000;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBeginning => "the row CREATE is missing",
            Self::Hole => "a row is missing here",
            Self::Cut => "the rows end before the call does",
            Self::TooLong => "it has more rows than a call can have",
        })
    }
}

impl Recording {
    /// Puts the rows of one call into their order: by `event_no` where all have it, else by
    /// `sequence`, by time, and as they came (E17: of the rows of one action, the one that starts the
    /// next is the last). A row that was written twice counts once.
    #[must_use]
    pub fn new(callid: SmolStr, mut rows: Vec<Recorded>) -> Self {
        let is_numbered = !rows.is_empty() && rows.iter().all(|row| row.event_no.is_some());
        if is_numbered {
            rows.sort_by_key(|row| row.event_no);
            rows.dedup_by_key(|row| row.event_no);
        } else {
            rows.sort_by_key(|row| {
                let ends = row.is(InputType::Destroy);
                (row.sequence, ends, starts_action(row), row.createtime)
            });
            rows.dedup_by(|row, before| starts_action(before) && row == before);
        }
        let mut recording = Self { callid, rows, fault: None };
        recording.fault = recording.find_fault(is_numbered);
        recording
    }

    /// The script's name as the CREATE row has it, without the version label (E15); empty if there is
    /// no such row.
    #[must_use]
    pub fn flow(&self) -> &str {
        let create = self.rows.first().filter(|row| row.is(InputType::Create));
        create.map_or("", |row| row.input_args.as_str())
    }

    /// True if the call was made with the script of this name (E15).
    #[must_use]
    pub fn is_of(&self, script: &str) -> bool {
        let rest = self.flow().strip_prefix(script);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }

    /// True if a service decided it (I15): no script can be asked what it would have done.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.flow().starts_with("http://") || self.flow().starts_with("https://")
    }

    /// The call's final label, if its end is there (R22).
    #[must_use]
    pub fn label(&self) -> Option<&SmolStr> {
        self.end().map(|row| &row.potential)
    }

    /// Its DESTORY row.
    #[must_use]
    pub fn end(&self) -> Option<&Recorded> {
        self.rows.last().filter(|row| row.is(InputType::Destroy))
    }

    /// When the call began, in seconds of the local calendar.
    #[must_use]
    pub fn began(&self) -> Option<i64> {
        self.rows.first().and_then(|row| row.createtime)
    }

    /// Keeps the rows before the first one that does not follow from the one before it.
    fn find_fault(&mut self, is_numbered: bool) -> Option<Fault> {
        let Some(first) = self.rows.first() else { return Some(Fault::NoBeginning) };
        if !first.is(InputType::Create) || (is_numbered && first.event_no != Some(0)) {
            return Some(Fault::NoBeginning);
        }
        let follows = |rows: &[Recorded]| {
            let [before, row] = rows else { return true };
            let next = before.sequence.saturating_add(starts_action(before).into());
            let number = before.event_no.map(|number| number.saturating_add(1));
            let is_next = !is_numbered || row.event_no == number;
            is_next && row.sequence == next && !before.is(InputType::Destroy)
        };
        let is_too_long = self.rows.len() > ROWS_MAX;
        self.rows.truncate(ROWS_MAX);
        let whole = self.rows.windows(2).take_while(|pair| follows(pair)).count() + 1;
        if whole < self.rows.len() {
            self.rows.truncate(whole);
            return Some(Fault::Hole);
        }
        if is_too_long {
            return Some(Fault::TooLong);
        }
        self.end().is_none().then_some(Fault::Cut)
    }

    /// For each row, whether its input belongs to the action in force then, and not to one that had
    /// been replaced (E21).
    pub(super) fn currency(&self) -> Vec<bool> {
        let is_ours = |row: &Recorded| {
            let action = u32::try_from(row.sequence).unwrap_or(0);
            row.current_appid == appid(&self.callid, action)
        };
        // A COMPLETE always belongs to the action in force, so one tells whether ids are made as ours.
        let known = |row: &&Recorded| row.sequence > 0 && row.is(InputType::Complete);
        let makes_ours = match self.rows.iter().find(known) {
            Some(row) => is_ours(row),
            None => self.rows.iter().any(|row| row.sequence > 0 && is_ours(row)),
        };
        let mut newest: Option<(&SmolStr, i64)> = None;
        let current = self.rows.iter().enumerate().map(|(at, row)| {
            if let Some((id, sequence)) = newest
                && *id == row.current_appid
            {
                return sequence == row.sequence;
            }
            let is_current = if makes_ours {
                row.sequence == 0 || is_ours(row)
            } else {
                let earlier = self.rows.get(..at).unwrap_or_default();
                !earlier.iter().any(|before| {
                    before.current_appid == row.current_appid && before.sequence < row.sequence
                })
            };
            if is_current {
                newest = Some((&row.current_appid, row.sequence));
            }
            is_current
        });
        current.collect()
    }
}

/// True if the answer of this row started an action (E17): it is the last row of its `sequence`.
pub(super) fn starts_action(row: &Recorded) -> bool {
    !row.response_action.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sequence: i64, input: InputType, starts: bool) -> Recorded {
        Recorded {
            sequence,
            input_type: input.number(),
            response_action: if starts { "playback".into() } else { SmolStr::default() },
            ..Recorded::default()
        }
    }

    fn call() -> Vec<Recorded> {
        vec![
            row(0, InputType::Create, true),
            row(1, InputType::Text, false),
            row(1, InputType::Text, true),
            row(2, InputType::Complete, true),
            row(3, InputType::Destroy, false),
        ]
    }

    fn fault(rows: Vec<Recorded>) -> (usize, Option<Fault>) {
        let recording = Recording::new("c".into(), rows);
        (recording.rows.len(), recording.fault)
    }

    /// E17: without numbers the rows' own columns order them.
    #[test]
    fn rows_out_of_order_are_put_right() {
        let mut mixed = call();
        mixed.reverse();
        let recording = Recording::new("c".into(), mixed);
        assert_eq!((recording.rows, recording.fault), (call(), None));
    }

    #[test]
    fn what_is_missing_is_found() {
        let without = |at: usize| {
            let mut rows = call();
            rows.remove(at);
            fault(rows)
        };
        assert_eq!(without(0), (4, Some(Fault::NoBeginning)));
        assert_eq!(without(2), (2, Some(Fault::Hole)));
        assert_eq!(without(4), (4, Some(Fault::Cut)));
        assert_eq!(fault(Vec::new()), (0, Some(Fault::NoBeginning)));
        // Only numbers tell of a missing row that started nothing.
        assert_eq!(without(1), (4, None));
        let numbered = call().into_iter().zip(0..);
        let numbered = numbered.map(|(row, no)| Recorded { event_no: Some(no), ..row });
        let kept = numbered.filter(|row| row.event_no != Some(1)).collect();
        assert_eq!(fault(kept), (1, Some(Fault::Hole)));
    }

    /// N21: odd numbers and floods of rows are found, too.
    #[test]
    fn what_no_call_has_is_found_n21() {
        let mut odd = call();
        odd[2].sequence = i64::MAX;
        odd[3].sequence = i64::MIN;
        assert_eq!(fault(odd).1, Some(Fault::NoBeginning), "sorted, CREATE is not the first");
        let mut flood = vec![row(0, InputType::Create, true)];
        flood.extend((0..ROWS_MAX).map(|_| row(1, InputType::Text, false)));
        assert_eq!(fault(flood), (ROWS_MAX, Some(Fault::TooLong)));
    }

    #[test]
    fn a_row_that_was_sent_twice_counts_once() {
        let mut twice = call();
        twice.insert(3, twice[2].clone());
        assert_eq!(fault(twice), (5, None));
    }

    /// E15: the label of a version is no part of the name.
    #[test]
    fn a_call_knows_its_script() {
        let mut rows = call();
        rows[0].input_args = "debug/loan:1.4".into();
        let recording = Recording::new("c".into(), rows);
        assert!(recording.is_of("debug/loan") && !recording.is_of("debug/lo"));
        assert!(!recording.is_external());
    }
}
