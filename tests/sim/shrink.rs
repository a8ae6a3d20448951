//! Makes a failing call small: what is left in it matters.

use serde_json::Value;

use crate::laws::{Case, scripts};

/// Attempts at making a call smaller; past them it is small enough to read.
const ATTEMPTS_MAX: usize = 20_000;

/// The smallest call found that still fails: steps and parts of the script are taken out for as
/// long as any can be.
pub(crate) fn shrink(case: Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut shrinker = Shrinker { case, fails, attempts: 0 };
    while shrinker.steps() | shrinker.script() {}
    shrinker.case
}

struct Shrinker<F> {
    case: Case,
    fails: F,
    attempts: usize,
}

impl<F: Fn(&Case) -> bool> Shrinker<F> {
    fn keeps_failing(&mut self, smaller: Case) -> bool {
        self.attempts += 1;
        let fails = self.attempts <= ATTEMPTS_MAX
            && scripts::try_load(&smaller.script).is_some()
            && (self.fails)(&smaller);
        if fails {
            self.case = smaller;
        }
        fails
    }

    /// Takes out steps, many at a time at first; true if any were.
    fn steps(&mut self) -> bool {
        let mut removed = false;
        let mut length = self.case.steps.len().max(1);
        while length > 0 {
            let mut at = 0;
            while at < self.case.steps.len() {
                let mut smaller = self.case.clone();
                let end = (at + length).min(smaller.steps.len());
                smaller.steps.drain(at..end);
                if self.keeps_failing(smaller) {
                    removed = true;
                } else {
                    at += length;
                }
            }
            length /= 2;
        }
        removed
    }

    /// Takes out parts of the script, large ones first; true if any were.
    fn script(&mut self) -> bool {
        let mut removed = false;
        let mut paths = Vec::new();
        collect_paths(&self.case.script, &mut Vec::new(), &mut paths);
        // The large parts first; of a list the last entry first, so that the places before it stay.
        paths.reverse();
        paths.sort_by_key(Vec::len);
        for path in paths {
            let mut smaller = self.case.clone();
            if remove(&mut smaller.script, &path) {
                removed |= self.keeps_failing(smaller);
            }
        }
        removed
    }
}

/// A key of an object, or a place in a list.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Place(usize),
}

fn collect_paths(value: &Value, path: &mut Vec<Step>, paths: &mut Vec<Vec<Step>>) {
    let mut visit = |step: Step, value: &Value| {
        path.push(step);
        paths.push(path.clone());
        collect_paths(value, path, paths);
        path.pop();
    };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| visit(Step::Key(key.clone()), value));
        }
        Value::Array(entries) => {
            (0..).zip(entries).for_each(|(place, value)| visit(Step::Place(place), value));
        }
        _ => {}
    }
}

/// Takes out what is at the end of a path; false if there is nothing any more.
fn remove(value: &mut Value, path: &[Step]) -> bool {
    match (path, value) {
        ([Step::Key(key)], Value::Object(fields)) => fields.shift_remove(key).is_some(),
        ([Step::Place(place)], Value::Array(entries)) if *place < entries.len() => {
            entries.remove(*place);
            true
        }
        ([Step::Key(key), rest @ ..], Value::Object(fields)) => {
            fields.get_mut(key).is_some_and(|value| remove(value, rest))
        }
        ([Step::Place(place), rest @ ..], Value::Array(entries)) => {
            entries.get_mut(*place).is_some_and(|value| remove(value, rest))
        }
        _ => false,
    }
}
