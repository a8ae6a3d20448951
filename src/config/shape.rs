//! What may be written: every key and its type, taken from the defaults themselves.

use toml::{Table, Value};

use super::document::{Document, join};
use super::problem::Problem;
use super::{Asr, CheckRule, Config, Freeswitch, Speech, Tts};

/// Keys that are published and whose behaviour is not built yet: accepted, and said so.
const LATER: [&str; 4] = ["http.token", "llm", "retention", "freeswitch.*.unicast_ports"];

/// In a table whose keys the user makes up, the key that stands for any of them.
const ANY: &str = "*";

/// The configuration with every key present, as TOML.
pub(super) struct Shape(Value);

impl Shape {
    pub(super) fn of_config() -> Self {
        let speech = Speech {
            asr: [(ANY.to_owned(), Asr::default())].into(),
            tts: [(ANY.to_owned(), Tts::default())].into(),
            ..Speech::default()
        };
        let freeswitch = vec![Freeswitch::default()];
        let check = [(ANY.to_owned(), CheckRule::default())].into();
        let config = Config { freeswitch, speech, check, ..Config::default() };
        Self(Value::try_from(config).expect("a configuration is tables, texts and numbers"))
    }

    /// The default at this path; any element of an array of tables is its first, and any key that
    /// the user makes up has the same.
    pub(super) fn at(&self, steps: &[String]) -> Option<&Value> {
        steps.iter().try_fold(&self.0, |value, step| match value {
            Value::Table(table) => table.get(step).or_else(|| table.get(ANY)),
            Value::Array(array) => array.first(),
            _ => None,
        })
    }

    /// Takes out of the document what does not fit, and says of each what and where it is: the
    /// rest can then be checked too, so that all problems are told together.
    pub(super) fn prune(&self, document: &mut Document) -> Vec<Problem> {
        let Value::Table(expected) = &self.0 else { return Vec::new() };
        let mut problems = Vec::new();
        let mut values = std::mem::take(&mut document.values);
        prune_table(&mut values, expected, "", &mut problems);
        document.values = values;
        problems.into_iter().map(|problem| at_its_place(problem, document)).collect()
    }
}

fn at_its_place(problem: Problem, document: &Document) -> Problem {
    let place = document.place(&problem.key);
    problem.at(place)
}

fn prune_table(values: &mut Table, expected: &Table, section: &str, problems: &mut Vec<Problem>) {
    values.retain(|key, value| {
        let path = join(section, key);
        match expected.get(key).or_else(|| expected.get(ANY)) {
            Some(expected) => fits(value, expected, &path, problems),
            None => {
                problems.push(without_effect(&path, expected));
                false
            }
        }
    });
}

fn fits(value: &mut Value, expected: &Value, path: &str, problems: &mut Vec<Problem>) -> bool {
    match (value, expected) {
        (Value::Table(table), Value::Table(expected)) => {
            prune_table(table, expected, path, problems);
            true
        }
        (Value::Array(array), Value::Array(expected)) => {
            let Some(expected) = expected.first() else { return true };
            let mut number = 0;
            array.retain_mut(|element| {
                let path = join(path, &number.to_string());
                number += 1;
                fits(element, expected, &path, problems)
            });
            true
        }
        (Value::Integer(number), Value::Integer(_)) if *number < 0 => {
            let message = format!("is {number}, and can't be less than 0");
            problems.push(Problem::error(path, message, format!("write for example {expected}")));
            false
        }
        (value, expected) if value.same_type(expected) => true,
        (value, expected) => {
            let message = format!("is {}, and must be {}", kind(value), kind(expected));
            problems.push(Problem::error(path, message, format!("write for example {expected}")));
            false
        }
    }
}

fn without_effect(path: &str, section: &Table) -> Problem {
    if LATER.iter().any(|later| covers(later, path)) {
        return Problem::warning(
            path,
            "accepted, without effect yet",
            "take it out to be rid of this",
        );
    }
    let known: Vec<_> = section.keys().map(String::as_str).collect();
    Problem::warning(path, "unknown key, ignored", format!("known here: {}", known.join(", ")))
}

/// `*` in a pattern stands for any one step.
fn covers(pattern: &str, path: &str) -> bool {
    let mut steps = path.split('.');
    pattern
        .split('.')
        .all(|wanted| steps.next().is_some_and(|step| wanted == "*" || wanted == step))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text in quotes",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a point",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list in brackets",
        Value::Table(_) => "a section",
    }
}
