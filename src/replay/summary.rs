//! Many verdicts in one: what changes, how often, and the worst calls.

use std::collections::BTreeMap;

use super::compare::Kinds;
use super::verdict::{Outcome, Verdict};

/// Different changes that are listed; further ones are left out, so that a script that changes
/// everything can't fill the memory.
const COUNTS_MAX: usize = 10_000;

/// How often something was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count<T> {
    /// What.
    pub what: T,
    /// In how many calls.
    pub calls: u64,
}

/// What a new script changes in many calls.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Calls that were held again.
    pub calls: u64,
    /// Of these, calls of which nothing changes.
    pub same: u64,
    /// Calls of which something surely changes.
    pub changed: u64,
    /// Calls that are the same as far as is known.
    pub unknown: u64,
    /// Changed calls in which the robot says something else, so that the rest is not known.
    pub diverged: u64,
    /// Rows that were recorded.
    pub rows: u64,
    /// Rows that were compared.
    pub compared: u64,
    kinds: BTreeMap<Kinds, u64>,
    answers: BTreeMap<(String, String, String), u64>,
    labels: BTreeMap<(String, String), u64>,
    ends: BTreeMap<(String, String), u64>,
    whys: BTreeMap<String, u64>,
    worst: Vec<Verdict>,
    keeps: usize,
}

impl Summary {
    /// Nothing yet; of the calls that change, the worst `keeps` are kept whole.
    #[must_use]
    pub fn keeping(keeps: usize) -> Self {
        Self { keeps, ..Self::default() }
    }

    /// Counts one call.
    pub fn add(&mut self, verdict: Verdict) {
        self.calls += 1;
        self.rows += verdict.rows as u64;
        self.compared += verdict.compared as u64;
        match verdict.outcome() {
            Outcome::Same => return self.same += 1,
            Outcome::Changed => self.changed += 1,
            Outcome::Unknown => self.unknown += 1,
        }
        if let Some(unknown) = &verdict.unknown {
            bump(&mut self.whys, unknown.why.clone());
        }
        if verdict.outcome() == Outcome::Changed {
            self.diverged += u64::from(verdict.diverged.is_some());
            self.count(&verdict);
        }
        self.keep(verdict);
    }

    /// All of another summary too.
    pub fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.same += other.same;
        self.changed += other.changed;
        self.unknown += other.unknown;
        self.diverged += other.diverged;
        self.rows += other.rows;
        self.compared += other.compared;
        add_all(&mut self.kinds, other.kinds);
        add_all(&mut self.answers, other.answers);
        add_all(&mut self.labels, other.labels);
        add_all(&mut self.ends, other.ends);
        add_all(&mut self.whys, other.whys);
        for verdict in other.worst {
            self.keep(verdict);
        }
    }

    /// The worst calls, the worst first; those of which nothing surely changes come last.
    #[must_use]
    pub fn worst(mut self) -> Vec<Verdict> {
        self.trim();
        self.worst
    }

    /// In how many calls something of this kind surely differs, the worst kind first.
    #[must_use]
    pub fn kinds(&self) -> Vec<Count<&'static str>> {
        let all = Kinds::ALL.iter().map(|(kind, name)| {
            let having = self.kinds.iter().filter(|(held, _)| held.any_of(*kind));
            Count { what: *name, calls: having.map(|(_, calls)| calls).sum() }
        });
        all.filter(|count| count.calls > 0).collect()
    }

    /// The first answers that change: the node, the old answer, the new one; the most frequent first.
    #[must_use]
    pub fn answers(&self) -> Vec<Count<(String, String, String)>> {
        sorted(&self.answers)
    }

    /// The labels that change: the old one, the new one or `?` if nobody knows it.
    #[must_use]
    pub fn labels(&self) -> Vec<Count<(String, String)>> {
        sorted(&self.labels)
    }

    /// The ends that change, likewise.
    #[must_use]
    pub fn ends(&self) -> Vec<Count<(String, String)>> {
        sorted(&self.ends)
    }

    /// Why calls are not known to their end.
    #[must_use]
    pub fn whys(&self) -> Vec<Count<String>> {
        sorted(&self.whys)
    }

    fn count(&mut self, verdict: &Verdict) {
        bump(&mut self.kinds, verdict.kinds);
        if let Some(turn) = verdict.first.and_then(|row| verdict.turns.get(row)) {
            let new = turn.new.as_ref().map_or_else(|| "no row".into(), super::Answer::brief);
            let old = turn.old.brief();
            if old != new {
                bump(&mut self.answers, (turn.node.to_string(), old, new));
            }
        }
        let pairs = [(&mut self.labels, &verdict.label), (&mut self.ends, &verdict.end)];
        for (counts, [old, new]) in pairs {
            let Some(old) = old else { continue };
            if new.as_ref() != Some(old) {
                let new = new.as_deref().unwrap_or("?").to_owned();
                bump(counts, (old.to_string(), new));
            }
        }
    }

    fn keep(&mut self, verdict: Verdict) {
        if self.keeps > 0 {
            self.worst.push(verdict);
            if self.worst.len() >= self.keeps.saturating_mul(2) {
                self.trim();
            }
        }
    }

    fn trim(&mut self) {
        let key =
            |verdict: &Verdict| (std::cmp::Reverse(verdict.badness()), verdict.callid.clone());
        self.worst.sort_by_cached_key(key);
        self.worst.truncate(self.keeps);
    }
}

fn bump<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    if counts.len() < COUNTS_MAX || counts.contains_key(&key) {
        *counts.entry(key).or_default() += 1;
    }
}

fn add_all<K: Ord>(counts: &mut BTreeMap<K, u64>, others: BTreeMap<K, u64>) {
    for (key, calls) in others {
        if counts.len() < COUNTS_MAX || counts.contains_key(&key) {
            *counts.entry(key).or_default() += calls;
        }
    }
}

fn sorted<K: Ord + Clone>(counts: &BTreeMap<K, u64>) -> Vec<Count<K>> {
    let mut all: Vec<_> =
        counts.iter().map(|(what, calls)| Count { what: what.clone(), calls: *calls }).collect();
    all.sort_by_key(|count| std::cmp::Reverse(count.calls));
    all
}
