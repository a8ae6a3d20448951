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
        let mut written: Vec<_> = environment
            .iter()
            .filter_map(|(name, text)| Some((name, steps(name.strip_prefix(PREFIX)?), text)))
            .collect();
        // By number, so that element 2 comes before element 10 and each follows the one before.
        written.sort_by_key(|(_, steps, _)| {
            steps.iter().map(|step| (step.parse::<usize>().ok(), step.clone())).collect::<Vec<_>>()
        });
        let mut values = Value::Table(std::mem::take(&mut self.values));
        let mut problems = Vec::new();
        for (name, steps, text) in written {
            let key = steps.join(".");
            let place = Place::Environment(name.clone());
            match set(&mut values, &steps, read(text, shape.at(&steps))) {
                Ok(()) => drop(self.places.insert(key, place)),
                Err(Gap { present }) => problems.push(gap(&key, present).at(place)),
            }
        }
        if let Value::Table(table) = values {
            self.values = table;
        }
        problems
    }

    /// Where the key was written, or else the nearest section around it.
    pub(super) fn place(&self, key: &str) -> Place {
        let mut key = key;
        loop {
            if let Some(place) = self.places.get(key) {
                return place.clone();
            }
            match key.rsplit_once('.') {
                Some((section, _)) => key = section,
                None => return Place::Default,
            }
        }
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

/// `FREESWITCH__0__PASSWORD` → `freeswitch`, `0`, `password`.
fn steps(name: &str) -> Vec<String> {
    name.split("__").map(str::to_lowercase).collect()
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

fn set(target: &mut Value, steps: &[String], value: Value) -> Result<(), Gap> {
    let [step, rest @ ..] = steps else {
        *target = value;
        return Ok(());
    };
    if !matches!(target, Value::Table(_) | Value::Array(_)) {
        *target = Value::Table(Table::new());
    }
    match (target, step.parse::<usize>()) {
        (Value::Array(array), Ok(number)) => {
            if number > array.len() {
                return Err(Gap { present: array.len() });
            }
            if number == array.len() {
                array.push(container(rest));
            }
            set(&mut array[number], rest, value)
        }
        (Value::Table(table), _) => {
            set(table.entry(step.clone()).or_insert_with(|| container(rest)), rest, value)
        }
        (target, _) => {
            *target = Value::Table(Table::new());
            set(target, steps, value)
        }
    }
}

/// What can hold the first of these steps.
fn container(steps: &[String]) -> Value {
    match steps.first() {
        Some(step) if step.parse::<usize>().is_ok() => Value::Array(Vec::new()),
        _ => Value::Table(Table::new()),
    }
}
