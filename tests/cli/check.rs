//! `telephonist check`: what is proved, in the three forms, and what switches it off.

use serde_json::Value;

use super::{telephonist, text};

/// A caller who says nothing goes round for ever, and the second edge is never taken.
const FAULTY: &str = r#"{ "version": 3, "flow": {
  "Start": { "subflow": { "ask": {} } },
  "ask": { "action": "cti_play_and_detect_speech", "playbacks": ["要吗?"], "subflow": {
    "yes": { "condition": { "text": ["要"] } },
    "no": { "condition": { "text": ["不要"] } },
    "again:ask": { "condition": { "complete": ["any"] } } } },
  "yes": { "action": "hangup" }, "no": { "action": "hangup" } } }"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("faulty one.json"), FAULTY).unwrap();
    folder
}

fn check(folder: &tempfile::TempDir, arguments: &[&str]) -> std::process::Output {
    let arguments = [&["check", "faulty one.json"][..], arguments].concat();
    telephonist(&arguments).current_dir(folder.path()).output().unwrap()
}

#[test]
fn findings_are_shown_with_place_rule_example_and_remedy() {
    let output = check(&folder(), &[]);
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output);
    assert!(
        shown.contains("faulty one.json:5:5: warning: the edge no of ask is never taken"),
        "{shown}"
    );
    assert!(shown.contains("[swallowed-edge]") && shown.contains("[silent-loop]"), "{shown}");
    assert!(shown.contains("for example: says \"不要\" → yes"), "{shown}");
    assert!(shown.contains("0 errors, 2 warnings"), "{shown}");
    assert!(shown.contains("the shortest call enters 2 nodes: ask → yes"), "{shown}");
}

#[test]
fn the_configuration_switches_rules_off_and_must_say_why() {
    let folder = folder();
    let config = folder.path().join("telephonist.toml");
    // What else the file has is the daemon's affair, secrets that are not here included.
    let daemon = "[database]\nurl = \"env:NOT_SET\"\n";
    let off = "[check.silent-loop]\nseverity = \"off\"\nreason = \"a test line\"\n";
    std::fs::write(&config, format!("{daemon}{off}")).unwrap();
    let output = check(&folder, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text(&output).contains("silent-loop") && text(&output).contains("swallowed-edge"));

    std::fs::write(&config, "[check.silent-loop]\nseverity = \"error\"\n").unwrap();
    assert_eq!(check(&folder, &[]).status.code(), Some(1));

    for wrong in [
        "[check.silent-loop]\nseverity = \"off\"\n",
        "[check.loud-loop]\nseverity = \"off\"\nreason = \"why\"\n",
        "[check.silent-loop]\nseverity = 3\n",
    ] {
        std::fs::write(&config, wrong).unwrap();
        let output = check(&folder, &[]);
        assert_eq!(output.status.code(), Some(78), "{wrong}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn json_has_one_problem_a_line() {
    let output = check(&folder(), &["--format", "json"]);
    let problems: Vec<Value> =
        text(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rules: Vec<_> = problems.iter().map(|problem| problem["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["silent-loop", "swallowed-edge"]);
    assert_eq!(problems[1]["example"], "says \"不要\" → yes");
    assert_eq!(problems[1]["line"], 5);
}

/// SARIF 2.1.0: what its standard demands of a log (3.13), a run (3.14), a tool's rules (3.49) and a
/// result (3.27).
#[test]
fn sarif_has_the_shape_of_its_standard() {
    let output = check(&folder(), &["--format", "sarif"]);
    let log: Value = serde_json::from_str(text(&output)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    let [run] = &log["runs"].as_array().unwrap()[..] else { panic!("one run") };
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "telephonist");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string(), "{rule}");
        assert!(is_level(&rule["defaultConfiguration"]["level"]), "{rule}");
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(is_level(&result["level"]) && result["message"]["text"].is_string(), "{result}");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "faulty%20one.json");
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
        assert!(place["region"]["startColumn"].as_u64() >= Some(1));
    }
    assert_eq!(run["properties"]["faulty one.json"]["shortest"], 2);
}

fn is_level(level: &Value) -> bool {
    ["none", "note", "warning", "error"].map(Value::from).contains(level)
}

#[test]
fn the_schema_is_printed_without_a_file() {
    let output = telephonist(&["check", "--schema"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output), telephonist::script::schema::text());
}
