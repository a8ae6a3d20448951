//! Messages of many calls at once, gathered into calls.

use std::collections::{HashMap, VecDeque};

use smol_str::SmolStr;

use super::{FoundCall, Wanted};
use crate::engine::{InputType, Recorded};

/// After its DESTORY a call is held for so many messages more: writers that send again may mix rows up.
const LINGER_MESSAGES: u64 = 5_000;
/// Rows held at most, about half a gigabyte: of more calls that never end the oldest is given up.
const ROWS_MAX: usize = 1_000_000;

/// Calls whose rows are still coming.
#[derive(Default)]
pub(super) struct Gather {
    wanted: Wanted,
    places: HashMap<SmolStr, u64>,
    /// The calls in the order of their first rows; `None` where one was given out.
    calls: VecDeque<Option<FoundCall>>,
    /// The number of the first of them.
    first: u64,
    /// Calls that have ended, and at which message.
    ended: VecDeque<(u64, SmolStr)>,
    messages: u64,
    rows: usize,
    ready: Vec<FoundCall>,
    unreadable: u64,
    first_fault: Option<String>,
}

impl Gather {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Takes a message; one that is no row is counted.
    pub(super) fn take(&mut self, message: &[u8]) {
        self.messages += 1;
        match serde_json::from_slice::<Recorded>(message) {
            Ok(row) if row.callid.is_empty() => self.refuse("it has no callid"),
            Ok(row) => self.add(row),
            Err(error) => self.refuse(&error.to_string()),
        }
        while let Some((at, _)) = self.ended.front()
            && at + LINGER_MESSAGES <= self.messages
        {
            if let Some((_, callid)) = self.ended.pop_front() {
                self.give_out(&callid);
            }
        }
        while self.rows > ROWS_MAX {
            let Some(oldest) = self.calls.iter().flatten().next() else { return };
            let callid = oldest.0.clone();
            self.give_out(&callid);
        }
    }

    pub(super) fn refuse(&mut self, why: &str) {
        self.unreadable += 1;
        let number = self.messages;
        self.first_fault.get_or_insert_with(|| format!("message {number}: {why}"));
    }

    fn add(&mut self, row: Recorded) {
        if !self.wanted.calls.is_empty() && !self.wanted.calls.contains(&row.callid) {
            return;
        }
        self.rows += 1;
        if row.is(InputType::Destroy) {
            self.ended.push_back((self.messages, row.callid.clone()));
        }
        let next = self.first + self.calls.len() as u64;
        let place = *self.places.entry(row.callid.clone()).or_insert(next);
        if place == next {
            self.calls.push_back(Some((row.callid.clone(), Vec::new())));
        }
        let at = usize::try_from(place - self.first).unwrap_or(usize::MAX);
        if let Some(Some((_, rows))) = self.calls.get_mut(at) {
            rows.push(row);
        }
    }

    fn give_out(&mut self, callid: &SmolStr) {
        let Some(place) = self.places.remove(callid) else { return };
        let at = usize::try_from(place - self.first).unwrap_or(usize::MAX);
        if let Some(call) = self.calls.get_mut(at).and_then(Option::take) {
            self.rows -= call.1.len();
            if self.wanted.takes(&call) {
                self.ready.push(call);
            }
        }
        while let Some(None) = self.calls.front() {
            self.calls.pop_front();
            self.first += 1;
        }
    }

    /// The calls that are whole by now.
    pub(super) fn ready(&mut self) -> Vec<FoundCall> {
        std::mem::take(&mut self.ready)
    }

    /// No more messages come: all calls, whole or not.
    pub(super) fn all(&mut self) -> Vec<FoundCall> {
        self.places.clear();
        let wanted = &self.wanted;
        let rest = self.calls.drain(..).flatten().filter(|call| wanted.takes(call));
        self.ready.extend(rest);
        self.ready()
    }

    pub(super) fn unreadable(&self) -> (u64, Option<&str>) {
        (self.unreadable, self.first_fault.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(callid: &str, input_type: i64) -> Vec<u8> {
        format!(r#"{{"callid":"{callid}","input_type":{input_type}}}"#).into_bytes()
    }

    #[test]
    fn calls_that_are_mixed_are_told_apart() {
        let mut gather = Gather::default();
        for (callid, kind) in [("a", 10), ("b", 10), ("a", 0), ("b", 11), ("a", 11)] {
            gather.take(&message(callid, kind));
        }
        gather.take(b"not JSON");
        gather.take(b"{}");
        assert_eq!(gather.ready(), []);
        let calls: Vec<_> =
            gather.all().into_iter().map(|(id, rows)| (id.to_string(), rows.len())).collect();
        assert_eq!(calls, [("a".to_owned(), 3), ("b".to_owned(), 2)]);
        let (count, first) = gather.unreadable();
        assert_eq!(count, 2);
        assert!(first.unwrap().starts_with("message 6: "), "{first:?}");
    }

    #[test]
    fn a_call_is_given_out_some_time_after_its_end() {
        let mut gather = Gather::default();
        gather.take(&message("a", 11));
        for _ in 0..LINGER_MESSAGES {
            gather.take(&message("b", 0));
        }
        assert_eq!(gather.ready().len(), 1);
        assert_eq!(gather.all().len(), 1);
    }
}
