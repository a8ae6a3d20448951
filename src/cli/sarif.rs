//! What was found as SARIF 2.1.0, the format that code reviews show beside a change.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value};

use super::check::Checked;
use crate::script::prove::{RULES, Turns};
use crate::script::{Problem, Severity};

/// The rule of what hinders loading, and so can't be switched off.
const LOAD: &str = "load";

/// What has a meaning of its own in an address.
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`');

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    /// Columns count characters, as ours do.
    column_kind: &'static str,
    results: Vec<Finding<'a>>,
    /// How long the calls of each script are.
    properties: Map<String, Value>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: String,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: String,
    message: Text,
    locations: [Location<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: Place<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    artifact_location: Artifact,
    region: Region<'a>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region<'a> {
    start_line: usize,
    start_column: usize,
    snippet: Snippet<'a>,
}

#[derive(Serialize)]
struct Snippet<'a> {
    text: &'a str,
}

/// All that was found, as one document.
pub(super) fn report(all: &[Checked]) -> String {
    let rule = |id, about: &str, severity: Severity| Rule {
        id,
        short_description: Text { text: about.to_owned() },
        default_configuration: Configuration { level: severity.to_string() },
    };
    let load =
        rule(LOAD, "What the daemon would say of the script when it loads it.", Severity::Error);
    let rules = RULES.iter().map(|one| rule(one.id, one.about, one.severity));
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "telephonist",
                    version: env!("CARGO_PKG_VERSION"),
                    rules: std::iter::once(load).chain(rules).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            results: all.iter().flat_map(|checked| &checked.problems).map(finding).collect(),
            properties: all
                .iter()
                .filter_map(|checked| Some((checked.file.clone(), turns(checked.turns.as_ref()?))))
                .collect(),
        }],
    };
    let text = serde_json::to_string_pretty(&log).expect("a report is plain data");
    text + "\n"
}

fn finding(problem: &Problem) -> Finding<'_> {
    let known = RULES.iter().position(|rule| rule.id == problem.rule);
    let mut text = format!("{}. {}", problem.message, problem.hint);
    if !problem.example.is_empty() {
        text = format!("{text}. For example: {}", problem.example);
    }
    Finding {
        rule_id: if known.is_some() { problem.rule } else { LOAD },
        rule_index: known.map_or(0, |at| at + 1),
        level: problem.severity.to_string(),
        message: Text { text },
        locations: [Location {
            physical_location: Place {
                artifact_location: Artifact {
                    uri: utf8_percent_encode(&problem.file, PATH).to_string(),
                },
                region: Region {
                    start_line: problem.line,
                    start_column: problem.column,
                    snippet: Snippet { text: &problem.source_line },
                },
            },
        }],
    }
}

fn turns(turns: &Turns) -> Value {
    serde_json::to_value(turns).expect("counts and names are plain data")
}
