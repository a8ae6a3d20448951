//! What is said over Redis about scripts (I1, I2).

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::script::Problem;

/// The hash of scripts for all instances; also the table that reload messages name.
pub const HASH: &str = "cti_robot_flow";

/// Where instances tell what became of a script.
pub const REPLY_CHANNEL: &str = "config@reply";

/// The channel of all instances.
const ALL: &str = "all";

/// The one type of message there is.
const CONFIG_CHANGE: &str = "config_change";

/// The hash of a domain's scripts; of all instances' if the domain is empty.
#[must_use]
pub fn hash(domain: &str) -> String {
    if domain.is_empty() { HASH.into() } else { format!("{HASH}@{domain}") }
}

/// The channel on which a domain is told of changes; all instances if the domain is empty.
#[must_use]
pub fn channel(domain: &str) -> String {
    format!("config@{}", if domain.is_empty() { ALL } else { domain })
}

/// A script has changed: read it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    #[serde(rename = "type")]
    kind: String,
    table: String,
    /// The script's name.
    pub key: SmolStr,
}

impl Change {
    /// The message for this script.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self { kind: CONFIG_CHANGE.into(), table: HASH.into(), key: key.into() }
    }

    /// Whether it is about scripts; other tables are other programs' affair.
    #[must_use]
    pub fn is_about_scripts(&self) -> bool {
        self.kind == CONFIG_CHANGE && self.table.split('@').next() == Some(HASH)
    }
}

/// What became of a script at one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The script's name.
    pub key: SmolStr,
    /// Who says so.
    pub instance: String,
    /// Whether the script as it stands in Redis can be used.
    pub accepted: bool,
    /// The revision that new calls get from now on; empty if the name has no script any more.
    pub revision: SmolStr,
    /// Everything wrong with it, warnings too.
    pub problems: Vec<Complaint>,
}

/// A problem of a script as it is told to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// `error` or `warning`.
    pub severity: String,
    /// The file, or hash and field.
    pub file: String,
    /// Line, from 1; 0 if it is about the whole.
    pub line: usize,
    /// Column, from 1; 0 if it is about the whole.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: String,
}

impl Complaint {
    /// An error about a whole script.
    pub(super) fn about(file: &str, message: impl Into<String>, hint: &str) -> Self {
        Self {
            severity: "error".into(),
            file: file.into(),
            line: 0,
            column: 0,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl From<&Problem> for Complaint {
    fn from(problem: &Problem) -> Self {
        Self {
            severity: problem.severity.to_string(),
            file: problem.file.clone(),
            line: problem.line,
            column: problem.column,
            message: problem.message.clone(),
            hint: problem.hint.clone(),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, file, line, column, message, hint } = self;
        write!(f, "{file}:{line}:{column}: {severity}: {message} ({hint})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_published() {
        let text = r#"{"type":"config_change","table":"cti_robot_flow","key":"t1"}"#;
        assert_eq!(serde_json::to_string(&Change::new("t1")).unwrap(), text);
        let change: Change = serde_json::from_str(text).unwrap();
        assert!(change.is_about_scripts());
        let other = text.replace("cti_robot_flow", "cti_gateway");
        assert!(!serde_json::from_str::<Change>(&other).unwrap().is_about_scripts());
    }

    #[test]
    fn a_domain_has_names_of_its_own() {
        assert_eq!((hash("").as_str(), channel("").as_str()), ("cti_robot_flow", "config@all"));
        assert_eq!((hash("b").as_str(), channel("b").as_str()), ("cti_robot_flow@b", "config@b"));
    }
}
