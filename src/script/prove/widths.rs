//! Texts that do not fit the columns of the rows, and are cut (E92).

use super::{Case, Finding};
use crate::script::model::Audio;
use crate::script::problem::brief;
use crate::script::raw::Fields;
use crate::script::template::Template;

/// The columns of the published tables that hold texts of a script, and how many characters each
/// holds.
pub const COLUMNS: [(&str, usize); 11] = [
    ("current_flowid", 50),
    ("input_args", 1024),
    ("matching_condition", 256),
    ("condition_id", 50),
    ("matching_keyword", 50),
    ("response_description", 50),
    ("response_id", 50),
    ("response_action", 50),
    ("response_args", 2048),
    ("response_text", 8192),
    ("potential", 50),
];

/// Lists of a node, each with its `_text`.
const LISTS: [&str; 7] = [
    "playbacks",
    "replaybacks",
    "thirdplaybacks",
    "fourplaybacks",
    "kbplaybacks",
    "mismatchplaybacks",
    "timeoutplaybacks",
];

pub(super) fn find(case: &mut Case<'_>) {
    let (script, source) = (case.script, case.source);
    let mut found = Vec::new();
    let mut long = |column: &'static str, what: &str, text: &str, offset: usize| {
        found.extend(too_long(column, what, text, offset));
    };
    for (node, place) in script.nodes.iter().zip(&source.nodes) {
        let at = |name: &str| place.fields.span(name).start;
        long("response_id", "the node's name", &node.id, place.offset);
        long("response_description", "the description", &node.description, at("description"));
        long("response_action", "the action", &node.app, at("action"));
        long("potential", "the potential", &node.potential.raw, at("potential"));
        if node.argument.is_static() {
            long("response_args", "the argument", node.argument.raw(), at("argument"));
        }
        for (name, audio) in LISTS.into_iter().zip(node.audio.all()) {
            long("response_text", name, &text_of(audio), text_place(&place.fields, name));
        }
        for (edge, place) in node.edges.iter().zip(&place.edges) {
            let name = if place.fields.has("id") { "id" } else { "condition" };
            let offset = place.fields.span(name).start;
            long("condition_id", "the id of the edge", &edge.id, offset);
        }
    }
    for (prompt, place) in script.prompts.iter().zip(&source.prompts) {
        let at = |name: &str| place.fields.span(name).start;
        long("response_id", "the prompt's name", &prompt.id, place.offset);
        long("response_description", "the name", &prompt.name, at("name"));
        long("potential", "the potential", &prompt.potential.raw, at("potential"));
        let list = text_place(&place.fields, "playbacks");
        long("response_text", "playbacks", &text_of(&prompt.audio), list);
        if let Some(switch) = &prompt.switchflow {
            long("input_args", "the switchflow", &switch.raw, at("switchflow"));
        }
    }
    for (rule, place) in script.rules.iter().zip(&source.rules) {
        long("potential", "the label", &rule.label, place.span("label").start);
        long("condition_id", "the id of the rule", &rule.id, place.span("id").start);
    }
    let mut seen = std::collections::HashSet::new();
    for listed in source.words.scopes.values() {
        for entry in &listed.entries {
            for unit in listed.units.get(entry.units.clone()).unwrap_or_default() {
                let needle = source.words.needles.get(unit.needle as usize);
                let is_pattern = needle.is_some_and(|needle| needle.is_pattern);
                let column = if is_pattern { "matching_condition" } else { "matching_keyword" };
                if seen.insert((entry.offset, column)) {
                    found.extend(too_long(column, "the keyword", &unit.shown, entry.offset));
                }
            }
        }
    }
    found.into_iter().for_each(|finding| case.say(finding));
}

/// What is sure of the text: all of it, or what stands between its variables.
fn text_of(audio: &Audio) -> String {
    if let Some(fixed) = &audio.fixed_text {
        return fixed.to_string();
    }
    let texts = audio.texts.iter().map(Template::fixed_part);
    texts.collect::<Vec<_>>().join(" ")
}

fn text_place(fields: &Fields<'_, '_>, name: &str) -> usize {
    let text = format!("{name}_text");
    fields.span(if fields.has(&text) { &text } else { name }).start
}

fn too_long(column: &'static str, what: &str, text: &str, offset: usize) -> Option<Finding> {
    let width = COLUMNS.iter().find(|(name, _)| *name == column).map(|(_, width)| *width)?;
    let count = text.chars().count();
    let kept = text.char_indices().nth(width)?.0;
    let last = text.get(..kept).unwrap_or_default();
    let last: Vec<char> = last.chars().rev().take(20).collect();
    let last: String = last.into_iter().rev().collect();
    Some(Finding {
        rule: "text-too-long",
        offset,
        message: format!(
            "{what} has {count} characters; the column {column} of the rows has {width}"
        ),
        example: format!("rows end with …{}", brief(&last)),
        hint: "make it shorter, or widen the column".into(),
    })
}
