//! What is proved of a script: every rule on small faulty scripts, nothing on the shipped ones, and
//! how many of a thousand planted faults are found.
#![expect(clippy::unwrap_used, reason = "a test that can't go on says so by panicking")]

#[expect(dead_code, reason = "simulated calls take more of it")]
#[path = "../support/dice.rs"]
mod dice;
mod mutants;
mod order;
mod schema;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use telephonist::script::prove::{COLUMNS, Proved, RULES, Settings, prove, setting};
use telephonist::script::{self, Problem, Severity};

/// A finding and its place: rule, line, column.
type Mark = (String, usize, usize);

/// Behind this stands the rule that is broken by what follows, up to the end of the comment.
const MARK: &str = "/*! ";

/// Each script of `tests/data/faulty` breaks the rules that are marked in it, at these places, and no
/// others.
#[test]
fn every_planted_fault_is_found_at_its_place() {
    let files = files(&root().join("tests/data/faulty"), "jsonc");
    assert!(files.len() >= 40, "{} files", files.len());
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let proved = proved(name, &text, &Settings::new());
        let expected = marks(&text);
        let found: BTreeSet<Mark> = proved.problems.iter().map(mark).collect();
        seen.extend(expected.iter().map(|(rule, ..)| rule.clone()));
        if found != expected {
            let shown: String =
                proved.problems.iter().map(|problem| format!("{problem}\n")).collect();
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Audio files are looked for by the command, and no small script is too large.
    let missing = RULES.iter().map(|rule| rule.id).filter(|id| !seen.contains(*id));
    assert_eq!(
        missing.collect::<Vec<_>>(),
        ["missing-audio", "unfinished"],
        "a rule has no faulty script"
    );
}

/// Everything that is told of a keyword or an edge has an example, and every finding a remedy.
#[test]
fn findings_have_examples_and_remedies() {
    for file in files(&root().join("tests/data/faulty"), "jsonc") {
        let text = std::fs::read_to_string(&file).unwrap();
        for problem in proved("faulty", &text, &Settings::new()).problems {
            assert!(!problem.hint.is_empty(), "{problem}");
            let shows = ["swallowed", "loop", "same-", "redundant", "used-up"];
            if shows.iter().any(|word| problem.rule.contains(word)) {
                assert!(!problem.example.is_empty(), "{problem}");
            }
        }
    }
}

/// What is swallowed is in its example, and the earlier keyword is there, too: the matcher of the
/// engine finds one that comes before.
#[test]
fn the_example_is_answered_by_something_else() {
    let text =
        std::fs::read_to_string(root().join("tests/data/faulty/swallowed_edge_chinese.jsonc"));
    let proved = proved("faulty", &text.unwrap(), &Settings::new());
    let [problem] = &proved.problems[..] else { panic!("{:?}", proved.problems) };
    assert_eq!(problem.example, "says \"不要\" → yes");
    assert_eq!(
        problem.message,
        "the edge no of ask is never taken: \"要\" of the edge yes answers \"不要\" first"
    );
    assert_eq!(problem.severity, Severity::Warning);
}

#[test]
fn nothing_is_told_of_shipped_scripts() {
    let files = files(&root().join("flows"), "json");
    assert!(files.len() > 10);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let proved = proved("shipped", &text, &Settings::new());
        let shown: String = proved.problems.iter().map(|problem| format!("{problem}\n")).collect();
        assert!(proved.problems.is_empty(), "{}:\n{shown}", file.display());
        let turns = proved.turns.unwrap();
        assert!(turns.shortest > Some(0) && turns.longest_without_repetition > 1, "{turns:?}");
        assert_eq!(turns.longest.is_none(), !turns.round.is_empty(), "{turns:?}");
    }
}

/// A rule can be switched off or raised, outside and in the script; the script counts first.
#[test]
fn rules_are_switched() {
    let path = root().join("tests/data/faulty/silent_loop.jsonc");
    let text = std::fs::read_to_string(path).unwrap();
    let settings = |severity: &str| -> Settings {
        [("silent-loop".to_owned(), setting("silent-loop", severity, "a test").unwrap())].into()
    };
    let severities = |text: &str, settings: &Settings| -> Vec<Severity> {
        proved("t", text, settings).problems.iter().map(|problem| problem.severity).collect()
    };
    assert_eq!(severities(&text, &Settings::new()), [Severity::Warning]);
    assert_eq!(severities(&text, &settings("off")), []);
    assert_eq!(severities(&text, &settings("error")), [Severity::Error]);
    let check = r#""check": { "silent-loop": { "severity": "note" } }, "flow""#;
    let inside = text.replacen("\"flow\"", check, 1);
    assert_eq!(severities(&inside, &settings("off")), [Severity::Note]);
}

/// What loading says of a script that it refuses is all that is told.
#[test]
fn a_refused_script_is_not_proved() {
    let refused =
        proved("t", r#"{ "flow": { "F1": { "subflow": { "F2": {} } } } }"#, &Settings::new());
    assert!(refused.problems.iter().any(Problem::is_error));
    assert_eq!(refused.turns, None);
}

/// The widths are those of the published tables.
#[test]
fn columns_are_as_wide_as_in_the_tables() {
    let tables = std::fs::read_to_string(root().join("tests/data/tables.sql")).unwrap();
    for (name, width) in COLUMNS {
        let column = tables.lines().find(|line| line.trim().starts_with(&format!("`{name}`")));
        let column = column.unwrap_or_else(|| panic!("no column {name}"));
        assert!(column.contains(&format!("VARCHAR({width})")), "{name}: {column}");
    }
}

fn proved(name: &str, text: &str, settings: &Settings) -> Proved {
    let file = format!("{name}.json");
    let (script, problems) = script::load(name, &file, text.as_bytes());
    prove(script.as_deref(), (&file, text), problems, settings)
}

fn mark(problem: &Problem) -> Mark {
    (problem.rule.to_owned(), problem.line, problem.column)
}

/// Where the marks of a text stand: at what follows each.
fn marks(text: &str) -> BTreeSet<Mark> {
    let lines = text.lines().zip(1..);
    let found = lines.flat_map(|(line, number)| {
        line.match_indices(MARK).map(move |(at, _)| {
            let (rule, after) = line.get(at + MARK.len()..).unwrap().split_once(" */").unwrap();
            let gap = after.len() - after.trim_start().len();
            let place = line.len() - after.len() + gap;
            (rule.to_owned(), number, line.get(..place).unwrap().chars().count() + 1)
        })
    });
    found.collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder with this ending, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}
