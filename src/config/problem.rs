//! What is wrong with a configuration, where, and how to mend it.

use std::fmt;
use std::path::PathBuf;

/// One thing to mend. `Display` is one line: place, severity, key, message, remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the configuration can be used all the same.
    pub severity: Severity,
    /// Where the value was written.
    pub place: Place,
    /// The key as a dotted path, `freeswitch.0.password`; empty for a file as a whole.
    pub key: String,
    /// What is wrong. Never holds a secret's value.
    pub message: String,
    /// How to mend it.
    pub remedy: String,
}

/// Whether a configuration with this problem can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It can't.
    Error,
    /// It can; something written has no effect.
    Warning,
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: it is a default, or absent.
    Default,
    /// In the file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Counted from 1; 0 for the file as a whole.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
    },
    /// In this environment variable.
    Environment(String),
}

impl Problem {
    /// A problem that makes the configuration unusable.
    pub(super) fn error(key: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            place: Place::Default,
            key: key.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// A problem that leaves the configuration usable.
    pub(super) fn warning(
        key: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(key, message, remedy) }
    }

    /// The same problem at this place.
    pub(super) fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.place, self.severity)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.message, self.remedy)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("configuration"),
            Self::File { path, line: 0, .. } => write!(f, "{}", path.display()),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Environment(name) => f.write_str(name),
        }
    }
}
