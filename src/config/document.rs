//! The values as written, in the file and over it in the environment, and where each stands.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::problem::{Place, Problem};
use super::shape::Shape;

/// Variables that begin with this are configuration; `__` parts section from key.
const PREFIX: &str = "TELEPHONIST__";

/// What was written. Keys are dotted paths, elements of arrays by number: `freeswitch.0.address`.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) values: Table,
    places: BTreeMap<String, Place>,
}

impl Document {
    /// Parses a file.
    ///
    /// # Errors
    /// Every place at which the text is not TOML.
    pub(super) fn from_toml(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let (spanned, errors) = DeTable::parse_recoverable(text);
        let file = File { path: path.to_owned(), text };
        if !errors.is_empty() {
            return Err(errors.iter().map(|error| file.syntax_problem(error)).collect());
        }
        let values = toml::from_str(text).map_err(|error| vec![file.syntax_problem(&error)])?;
        let mut places = BTreeMap::new();
        file.note_table(spanned.get_ref(), "", &mut places);
        Ok(Self { values, places })
    }

    /// Lays the environment's values over the file's. A text is read as what `shape` has there.
    pub(super) fn overlay(
        &mut self,
        environment: &BTreeMap<String, String>,
        shape: &Shape,
    ) -> Vec<Problem> {
        let mut values = Value::Table(std::mem::take(&mut self.values));
        let mut problems = Vec::new();
        for Variable { name, steps, text } in variables(environment) {
            let key = steps.join(".");
            let place = Place::Environment(name.to_owned());
            match set(&mut values, &steps, read(text, shape.at(&steps))) {
                Ok(()) => self.move_place(key, place),
                Err(Gap { present }) => problems.push(gap(&key, present).at(place)),
            }
        }
        if let Value::Table(table) = values {
            self.values = table;
        }
        problems
    }

    /// The key, with all that is in it, stands here now.
    fn move_place(&mut self, key: String, place: Place) {
        let inside = join(&key, "");
        self.places.retain(|path, _| !path.starts_with(&inside));
        self.places.insert(key, place);
    }

    /// Where the key was written; or else the first key in it, or the nearest section around it.
    pub(super) fn place(&self, key: &str) -> Place {
        let inside = join(key, "");
        let first_inside = || {
            let (path, place) = self.places.range(inside.clone()..).next()?;
            path.starts_with(&inside).then_some(place)
        };
        let sections = std::iter::successors(Some(key), |key| Some(key.rsplit_once('.')?.0));
        let around = || sections.skip(1).find_map(|section| self.places.get(section));
        let found = self.places.get(key).or_else(first_inside).or_else(around);
        found.cloned().unwrap_or(Place::Default)
    }
}

/// The key within the section of this path.
pub(super) fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// A file being read: turns byte offsets into places.
struct File<'a> {
    path: PathBuf,
    text: &'a str,
}

impl File<'_> {
    fn syntax_problem(&self, error: &toml::de::Error) -> Problem {
        let place = self.place(error.span().unwrap_or_default());
        Problem::error("", format!("not TOML: {}", error.message()), "see https://toml.io")
            .at(place)
    }

    fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
        let line = before.matches('\n').count() + 1;
        Place::File { path: self.path.clone(), line, column }
    }

    fn note_table(&self, table: &DeTable<'_>, section: &str, places: &mut BTreeMap<String, Place>) {
        for (key, value) in table {
            let path = join(section, key.get_ref());
            places.insert(path.clone(), self.place(key.span()));
            self.note_value(value.get_ref(), &path, places);
        }
    }

    fn note_value(&self, value: &DeValue<'_>, path: &str, places: &mut BTreeMap<String, Place>) {
        match value {
            DeValue::Table(table) => self.note_table(table, path, places),
            DeValue::Array(array) => {
                for (number, element) in array.iter().enumerate() {
                    let path = join(path, &number.to_string());
                    places.insert(path.clone(), self.place(element.span()));
                    self.note_value(element.get_ref(), &path, places);
                }
            }
            _ => {}
        }
    }
}

/// A variable that sets a key.
struct Variable<'a> {
    name: &'a str,
    /// `FREESWITCH__0__PASSWORD` → `freeswitch`, `0`, `password`.
    steps: Vec<String>,
    text: &'a str,
}

/// The variables that are configuration; elements of lists by number, 2 before 10, so that each
/// follows the one before.
fn variables(environment: &BTreeMap<String, String>) -> Vec<Variable<'_>> {
    let mut variables: Vec<_> = environment
        .iter()
        .filter_map(|(name, text)| {
            let steps = name.strip_prefix(PREFIX)?.split("__").map(str::to_lowercase).collect();
            Some(Variable { name, steps, text })
        })
        .collect();
    variables.sort_by_cached_key(|variable| {
        let by_number = |step: &String| (step.parse::<usize>().ok(), step.clone());
        variable.steps.iter().map(by_number).collect::<Vec<_>>()
    });
    variables
}

/// The text as the type that is expected; as it is where that fails, for the check to report.
fn read(text: &str, expected: Option<&Value>) -> Value {
    let read = match expected {
        Some(Value::Integer(_)) => text.trim().parse().map(Value::Integer).ok(),
        Some(Value::Boolean(_)) => text.trim().parse().map(Value::Boolean).ok(),
        Some(Value::Array(_)) => Some(read_list(text)),
        _ => None,
    };
    read.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A TOML array, or words parted by commas.
fn read_list(text: &str) -> Value {
    if text.trim_start().starts_with('[') {
        let parsed = toml::from_str::<Table>(&format!("list = {text}"));
        let list = parsed.ok().and_then(|mut table| table.remove("list"));
        return list.unwrap_or_else(|| Value::String(text.to_owned()));
    }
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    Value::Array(words.map(|word| Value::String(word.to_owned())).collect())
}

/// An element was set whose predecessors are not there.
struct Gap {
    /// How many elements there are.
    present: usize,
}

fn gap(key: &str, present: usize) -> Problem {
    let message = format!("only {present} elements come before it");
    Problem::error(key, message, format!("number the elements from 0; the next is {present}"))
}

/// Puts the value where these steps lead, making the sections on the way.
fn set(target: &mut Value, steps: &[String], value: Value) -> Result<(), Gap> {
    let [step, rest @ ..] = steps else {
        *target = value;
        return Ok(());
    };
    let child = match (target, step.parse::<usize>()) {
        (Value::Array(array), Ok(number)) => element(array, number, rest)?,
        (Value::Table(table), _) => table.entry(step.clone()).or_insert_with(|| container(rest)),
        (other, _) => {
            // What can't hold the step makes way: the environment wins.
            *other = container(steps);
            return set(other, steps, value);
        }
    };
    set(child, rest, value)
}

/// The element of this number, which may be the one after the last.
fn element<'a>(
    array: &'a mut Vec<Value>,
    number: usize,
    rest: &[String],
) -> Result<&'a mut Value, Gap> {
    if number == array.len() {
        array.push(container(rest));
    }
    let present = array.len();
    array.get_mut(number).ok_or(Gap { present })
}

/// What can hold the first of these steps.
fn container(steps: &[String]) -> Value {
    match steps.first() {
        Some(step) if step.parse::<usize>().is_ok() => Value::Array(Vec::new()),
        _ => Value::Table(Table::new()),
    }
}
