//! The table of keys: as the loader has them, and as the schema in the repository has them.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Map, Value, json};
use telephonist::script;
use telephonist::script::schema::{Kind, SECTIONS, schema, text};

use crate::{files, root};

#[test]
fn the_schema_in_the_repository_is_the_tables() {
    let kept = std::fs::read_to_string(root().join("schema/script.schema.json")).unwrap();
    let command = "telephonist check --schema > schema/script.schema.json";
    assert!(kept == text(), "write it anew: {command}");
}

/// The loader asks for no key that the table lacks: its sources are read for the keys they ask for.
#[test]
fn every_key_that_is_asked_for_is_in_the_table() {
    let asks = r#"(?:\.get|\.has|short|small|audio|section|count|read|tests|list|later|span)\((?:&?\w+(?:\.\w+\(\))?, )?(?:&\[)?"([a-z_$]+)""#;
    let asks = Regex::new(asks).unwrap();
    let lists =
        Regex::new(r"const (?:LATER|LATER_SETTINGS|SPEECH_SETTINGS): [^=]*=\s*\[([^\]]*)\]");
    let (lists, word) = (lists.unwrap(), Regex::new(r#""(\w+)""#).unwrap());
    let known: BTreeSet<&str> = known().collect();
    let mut asked = BTreeSet::new();
    for file in ["check", "node", "knowledge", "collect", "services", "rules", "noise"] {
        let source = std::fs::read_to_string(root().join(format!("src/script/{file}.rs"))).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        asked.extend(asks.captures_iter(source).map(|found| found[1].to_owned()));
        for list in lists.captures_iter(source) {
            asked.extend(word.captures_iter(&list[1]).map(|found| found[1].to_owned()));
        }
    }
    assert!(asked.len() > 80, "the sources are read: {asked:?}");
    let missing: Vec<_> = asked.iter().filter(|key| !known.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The table has no key that the loader does not know.
#[test]
fn no_key_of_the_table_is_unknown_to_the_loader() {
    let mut script = full("script");
    script["flow"]["Start"] = json!({ "subflow": { "name": {} } });
    script["flow"]["name"]["global"] = json!(true);
    // These are known where they do something.
    for action in ["collect", "http"] {
        let settings = script["flow"]["name"].as_object_mut().unwrap().shift_remove(action);
        script["flow"][action] = json!({ "action": action, action: settings });
    }
    let (_, problems) = script::load("t", "t.json", script.to_string().as_bytes());
    let unknown: Vec<_> =
        problems.iter().filter(|problem| problem.message.starts_with("unknown key")).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// Every object of the file with every key it may have.
fn full(section: &str) -> Value {
    let (_, keys) = SECTIONS.iter().find(|(name, _)| *name == section).unwrap();
    let mut object = Map::new();
    for key in *keys {
        let value = match key.kind {
            Kind::Object(name) => full(name),
            Kind::Map(name) => json!({ "name": full(name) }),
            Kind::List(name) => json!([full(name)]),
            Kind::Filter => full("filter"),
            Kind::Any => json!({}),
            _ => Value::Null,
        };
        object.insert(key.name.to_owned(), value);
        if key.kind == Kind::Playbacks {
            object.insert(format!("{}_text", key.name), Value::Null);
        }
    }
    Value::Object(object)
}

fn known() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().flat_map(|(_, keys)| keys.iter().map(|key| key.name))
}

/// Shipped scripts are good by the schema, and so is every faulty one that can be loaded.
#[test]
fn scripts_are_good_by_the_schema() {
    let schema = schema();
    let shipped = files(&root().join("flows"), "json");
    let faulty = files(&root().join("tests/data/faulty"), "jsonc");
    for file in shipped.iter().chain(&faulty) {
        let text = std::fs::read_to_string(file).unwrap();
        let script: Value = jsonc_parser::parse_to_serde_value(&text, &Default::default()).unwrap();
        let mut wrong = Vec::new();
        validate(&schema, &schema, &script, "", &mut wrong);
        assert!(wrong.is_empty(), "{}: {wrong:?}", file.display());
    }
}

#[test]
fn a_misspelt_key_and_a_wrong_type_are_bad_by_the_schema() {
    let schema = schema();
    for (script, complaint) in [
        (json!({ "flows": {} }), "/flows: not allowed"),
        (json!({ "flow": { "a": { "playback": [] } } }), "/flow/a/playback: not allowed"),
        (json!({ "flow": { "a": { "playbacks": "hello" } } }), "/flow/a/playbacks: type"),
        (json!({ "flow": { "a": { "filter": { "txt": "S" } } } }), "/flow/a/filter: none fits"),
        (json!({ "check": { "x": { "severity": [] } } }), "/check/x/severity: type"),
        (json!({ "flow": { "a": { "repetition": -1 } } }), "/flow/a/repetition: minimum"),
    ] {
        let mut wrong = Vec::new();
        validate(&schema, &schema, &script, "", &mut wrong);
        assert_eq!(wrong, [complaint], "{script}");
    }
}

/// As much of JSON Schema as ours has.
fn validate(root: &Value, schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    for (key, rule) in schema.as_object().unwrap() {
        match key.as_str() {
            "$ref" => {
                let name = rule.as_str().unwrap().rsplit('/').next().unwrap();
                validate(root, &root["definitions"][name], value, path, wrong);
            }
            "allOf" => {
                for rule in rule.as_array().unwrap() {
                    validate(root, rule, value, path, wrong);
                }
            }
            "anyOf" => {
                let fits = rule.as_array().unwrap().iter().any(|rule| {
                    let mut wrong = Vec::new();
                    validate(root, rule, value, path, &mut wrong);
                    wrong.is_empty()
                });
                if !fits {
                    wrong.push(format!("{path}: none fits"));
                }
            }
            "type" => {
                let one = [rule.clone()];
                let types = rule.as_array().map_or(&one[..], Vec::as_slice);
                if !types.iter().any(|name| is_of(name.as_str().unwrap(), value)) {
                    wrong.push(format!("{path}: type"));
                }
            }
            "minimum" => {
                if value.as_f64().is_some_and(|value| value < rule.as_f64().unwrap()) {
                    wrong.push(format!("{path}: minimum"));
                }
            }
            "maxItems" => {
                let most = usize::try_from(rule.as_u64().unwrap()).unwrap();
                if value.as_array().is_some_and(|list| list.len() > most) {
                    wrong.push(format!("{path}: maxItems"));
                }
            }
            "items" => {
                for (at, value) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, rule, value, &format!("{path}/{at}"), wrong);
                }
            }
            "properties" | "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (name, value) in value.as_object().into_iter().flatten() {
                    let path = format!("{path}/{name}");
                    let rule_of_name = known.and_then(|known| known.get(name));
                    match (key.as_str(), rule_of_name) {
                        ("properties", Some(rule)) => validate(root, rule, value, &path, wrong),
                        ("additionalProperties", None) if rule == &json!(false) => {
                            wrong.push(format!("{path}: not allowed"));
                        }
                        ("additionalProperties", None) => validate(root, rule, value, &path, wrong),
                        _ => {}
                    }
                }
            }
            "$schema" | "title" | "definitions" | "description" | "examples" => {}
            other => panic!("the schema has a {other}, which is not checked here"),
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}
