//! What is written for people fits the program: configurations are read, addresses are the defaults,
//! scripts load without a complaint.

use std::collections::BTreeMap;

use telephonist::config::{DEFAULT_TOML, Source, load};

use crate::tree::{files, none, read};

/// A map that is longer is read by nobody.
const MAP_LINES_MAX: usize = 150;

#[test]
fn configurations_in_papers_are_good_ones() {
    let papers = files("docs", "md").into_iter().map(|paper| paper.text).chain(read("README.md"));
    let blocks: Vec<_> = papers.flat_map(|paper| blocks(&paper, "toml")).collect();
    assert!(blocks.len() > 1, "README.md and docs/ show configurations");
    none(&blocks.iter().flat_map(|text| check_config(text)).collect::<Vec<_>>());
    none(&check_config(DEFAULT_TOML));
}

#[test]
fn dialplans_name_the_addresses_of_the_reference() {
    let plans = files("dialplan", "xml").into_iter().chain(files("dialplan", "conf"));
    none(&plans.flat_map(|plan| strange_addresses(&plan.text)).collect::<Vec<_>>());
}

#[test]
fn every_metric_stands_in_a_paper() {
    let papers: String = files("docs", "md").into_iter().map(|paper| paper.text).collect();
    let sources: String = files("src", "rs").into_iter().map(|source| source.text).collect();
    assert!(strange_metrics(&sources, "").len() > 30, "the metrics are found");
    none(&strange_metrics(&sources, &papers));
}

#[test]
fn a_metric_of_no_paper_is_found() {
    let source = "Self::A => \"telephonist_a_total\", counter!(\"telephonist_b\")";
    let found = strange_metrics(source, "| `telephonist_a_total` | | a |");
    assert_eq!(found, ["telephonist_b stands in no paper of docs/"]);
}

#[test]
fn the_code_map_is_short_and_has_every_module() {
    let (map, root) = (read("ARCHITECTURE.md").unwrap(), read("src/lib.rs").unwrap());
    none(&check_map(&map, &root));
}

#[test]
fn a_module_missing_from_the_code_map_is_found() {
    let root = "//! Text.\n\npub mod engine;\npub mod turn;\n";
    assert_eq!(check_map("| `src/engine` | a |\n| `src/turn` | b |\n", root), Vec::<String>::new());
    let without_turn = "| `src/engine` | a |\n";
    assert_eq!(check_map(without_turn, root), ["ARCHITECTURE.md has no row `src/turn`"]);
    let long = check_map(&"\n".repeat(MAP_LINES_MAX + 1), "");
    assert_eq!(long, ["ARCHITECTURE.md has 151 lines, more than 150"]);
}

#[test]
fn shipped_scripts_load_without_a_complaint() {
    let flows = files("flows", "json");
    none(&flows.iter().flat_map(|file| check_script(&file.path, &file.text)).collect::<Vec<_>>());
}

#[test]
fn a_script_with_a_mistake_is_found() {
    let good = r#"{"flow": {"bye": {"action": "hangup", "argument": "NORMAL_CLEARING"}}}"#;
    assert_eq!(check_script("flows/bye.json", good), Vec::<String>::new());
    let unknown_key = good.replace("argument", "arguments");
    assert!(check_script("flows/bye.json", &unknown_key)[0].starts_with("flows/bye.json:1:"));
}

#[test]
fn a_bad_configuration_in_a_paper_is_found() {
    let paper = "Text\n```toml\n[calls]\nmaximum = 5\n```\n```sh\nmax\n```\n```toml\n[\n```\n";
    let blocks = blocks(paper, "toml");
    assert_eq!(blocks, ["[calls]\nmaximum = 5\n", "[\n"]);
    assert!(check_config(&blocks[0])[0].contains("calls.maximum: unknown key"));
    assert!(check_config(&blocks[1])[0].contains("not TOML"));
    assert_eq!(check_config("[calls]\nmax = 5\n"), Vec::<String>::new());
}

#[test]
fn a_strange_address_in_a_dialplan_is_found() {
    let plan = "data=\"127.0.0.1:9999 async full\" 127.0.0.1:8021 127.0.0.1";
    assert_eq!(strange_addresses(plan), ["127.0.0.1:9999 is not in the reference configuration"]);
}

/// What is wrong with the code map of a crate with this root.
fn check_map(map: &str, root: &str) -> Vec<String> {
    let modules = root.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let missing = modules.filter(|module| !map.contains(&format!("| `src/{module}` |")));
    let mut complaints: Vec<_> =
        missing.map(|module| format!("ARCHITECTURE.md has no row `src/{module}`")).collect();
    let lines = map.lines().count();
    if lines > MAP_LINES_MAX {
        complaints.push(format!("ARCHITECTURE.md has {lines} lines, more than {MAP_LINES_MAX}"));
    }
    complaints
}

/// The fenced blocks of this language.
fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let after_fences = markdown.split(&fence).skip(1);
    after_fences.filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
}

/// Errors and warnings alike: a shipped script is an example.
fn check_script(path: &str, text: &str) -> Vec<String> {
    let name = path.trim_start_matches("flows/").trim_end_matches(".json");
    let (_, problems) = telephonist::script::load(name, path, text.as_bytes());
    problems.iter().map(ToString::to_string).collect()
}

/// Errors and warnings alike: a paper shows nothing that has no effect.
fn check_config(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telephonist.toml");
    std::fs::write(&path, text).unwrap();
    let problems = match load(&Source { file: Some(path), environment: BTreeMap::new() }) {
        Ok(loaded) => loaded.warnings,
        Err(rejected) => rejected.0,
    };
    problems.iter().map(ToString::to_string).collect()
}

/// Names of metrics in the source that no row of a table in the papers has.
fn strange_metrics(source: &str, papers: &str) -> Vec<String> {
    let pattern = regex::Regex::new("\"(telephonist_[a-z_]+)\"").unwrap();
    let names = pattern.captures_iter(source).map(|name| name[1].to_owned());
    let strange = names.filter(|name| !papers.contains(&format!("| `{name}` |")));
    strange.map(|name| format!("{name} stands in no paper of docs/")).collect()
}

/// Addresses of this host that the reference configuration does not have.
fn strange_addresses(plan: &str) -> Vec<String> {
    let pattern = regex::Regex::new(r"127\.0\.0\.1:[0-9]+").unwrap();
    let found = pattern.find_iter(plan).map(|address| address.as_str());
    let strange = found.filter(|address| !DEFAULT_TOML.contains(address));
    strange.map(|address| format!("{address} is not in the reference configuration")).collect()
}
