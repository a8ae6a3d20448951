//! What a script knows of the world and rows don't tell: the variables of calls and services.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::compare::UNKNOWN;
use crate::engine::{Robot, VARIABLES_MAX};
use crate::script::{Node, Script};

/// Variables left for those that the call itself sets.
const LEFT_FOR_THE_CALL: usize = 64;

/// The channel variables that the script asks for, each of a value that nobody knows.
pub(super) fn variables(script: &Script) -> Vec<(SmolStr, SmolStr)> {
    let unknown = SmolStr::from(UNKNOWN.to_string());
    let ours = ["callid", "appid", "flowid", "now", "last_text", "last_digits"];
    let names = script.variables.iter().filter(|name| !ours.contains(&name.as_str()));
    let names = names.take(VARIABLES_MAX - LEFT_FOR_THE_CALL);
    names.map(|name| (name.clone(), unknown.clone())).collect()
}

/// An answer of a web service: every field that the script asks for, of a value that nobody knows.
pub(super) fn web_answer(script: &Script) -> String {
    let mut answer = Map::new();
    for name in web_names(script) {
        if let Some(path) = name.strip_prefix("http.") {
            put(&mut answer, path);
        }
    }
    Value::Object(answer).to_string()
}

/// Puts a field of an unknown value where this path leads.
fn put(fields: &mut Map<String, Value>, path: &str) {
    let Some((field, rest)) = path.split_once('.') else {
        fields.entry(path).or_insert_with(|| UNKNOWN.to_string().into());
        return;
    };
    let inner = fields.entry(field).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        put(inner, rest);
    }
}

fn web_names(script: &Script) -> BTreeSet<SmolStr> {
    let of_node = |node: &Node| {
        let audio = node.audio.all().flat_map(|audio| {
            let entries = audio.entries.iter().map(|entry| &entry.template);
            entries.chain(&audio.texts).flat_map(|template| template.variables())
        });
        let set = node.set.iter().flat_map(|(_, template)| template.variables());
        let when = node.edges.iter().flat_map(|edge| edge.when.iter().map(|test| &test.field));
        let names = audio.chain(set).chain(when).chain(node.argument.variables());
        names.cloned().collect::<Vec<_>>()
    };
    let prompts = script.prompts.iter().flat_map(|prompt| {
        let entries = prompt.audio.entries.iter().map(|entry| &entry.template);
        entries.chain(&prompt.audio.texts).flat_map(|template| template.variables().cloned())
    });
    script.nodes.iter().flat_map(of_node).chain(prompts).collect()
}

/// The variables that branches of the script compare, each once.
pub(super) fn branch_fields(script: &Script) -> Vec<SmolStr> {
    let edges = script.nodes.iter().flat_map(|node| &node.edges);
    let fields: BTreeSet<_> =
        edges.flat_map(|edge| &edge.when).map(|test| test.field.clone()).collect();
    fields.into_iter().collect()
}

/// True if nobody knows what a branch would find in this variable.
pub(super) fn is_unknown(field: &str, robot: &Robot) -> bool {
    matches!(field, "http.status" | "http.body" | "http.error")
        || robot.variable(field).contains(UNKNOWN)
}
