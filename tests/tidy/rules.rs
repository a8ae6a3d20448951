//! Every rule of a script and of a turn stands once in our papers, with an example, and a test or a
//! rehearsal names it.
//!
//! In a paper a rule is an item of a list, `- **E55** …`; what is indented below it goes on with it.
//! Behind an arrow stands its example: a rehearsal, a test with its file, or `not yet`. A test names a
//! rule in its doc comment or in its name (`…_e55`), a rehearsal in its line `# rule: …`.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex::Regex;

use crate::tree::{File, files, none};

/// The rules there are.
const SERIES: [Series; 3] = [
    Series {
        letter: 'E',
        last: 93,
        free: &[
            9..=9,
            13..=14,
            18..=19,
            23..=39,
            45..=49,
            53..=54,
            56..=59,
            63..=64,
            67..=69,
            74..=74,
            78..=79,
            83..=84,
            86..=89,
        ],
    },
    Series { letter: 'R', last: 29, free: &[] },
    Series { letter: 'T', last: 15, free: &[4..=4, 9..=9] },
];

/// The papers that hold them.
const PAPERS: [&str; 2] = ["docs/engine.md", "docs/turn.md"];

/// Rules that begin with one letter, numbered from 1.
struct Series {
    letter: char,
    last: u32,
    /// Numbers that no rule has.
    free: &'static [RangeInclusive<u32>],
}

/// A rule as a paper has it.
struct Rule {
    id: String,
    /// `path:line`.
    place: String,
    examples: Vec<Example>,
}

enum Example {
    /// A rehearsal or a test.
    Shown(Name),
    NotYet,
}

/// What can be named as an example: a file, and the test in it if it holds tests.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    path: String,
    test: Option<String>,
}

/// A test or a rehearsal, and the rules it names.
struct Proof {
    name: Name,
    ids: BTreeSet<String>,
}

#[test]
fn every_rule_is_in_a_paper_and_in_a_test() {
    let mut papers = files("docs", "md");
    papers.retain(|paper| PAPERS.contains(&paper.path.as_str()));
    let mut sources = files("src", "rs");
    sources.extend(files("tests", "rs"));
    sources.extend(files("flows", "call"));
    none(&check(&papers, &sources, &SERIES));
}

/// Everything that is wrong with the rules in these papers, given these tests and rehearsals.
fn check(papers: &[File], sources: &[File], series: &[Series]) -> Vec<String> {
    let rules: Vec<_> = papers.iter().flat_map(rules).collect();
    let proofs: Vec<_> = sources.iter().flat_map(proofs).collect();
    let mut complaints: Vec<_> = rules.iter().flat_map(|rule| check_rule(rule, &proofs)).collect();
    complaints.extend(check_ids(&rules, series));
    complaints.extend(proofs.iter().flat_map(|proof| check_proof(proof, &rules)));
    complaints
}

fn check_rule(rule: &Rule, proofs: &[Proof]) -> Vec<String> {
    let Rule { id, place, examples } = rule;
    let mut complaints = Vec::new();
    let mut complain = |complaint: String| complaints.push(format!("{place}: {complaint}"));
    if examples.is_empty() {
        complain(format!("{id} has no example"));
    }
    for name in examples.iter().filter_map(Example::name) {
        match proofs.iter().find(|proof| proof.name == *name) {
            None => complain(format!("the example {name} does not exist")),
            Some(proof) if !proof.ids.contains(id) => {
                complain(format!("the example {name} does not name {id}"));
            }
            Some(_) => {}
        }
    }
    let named_by = proofs.iter().find(|proof| proof.ids.contains(id));
    let is_built = examples.iter().all(|example| example.name().is_some());
    match named_by {
        None if is_built => complain(format!("no test names {id}")),
        Some(proof) if !is_built => {
            complain(format!("{id} is said to be missing, but {} shows it", proof.name));
        }
        _ => {}
    }
    complaints
}

/// Each rule of each series once, and no others.
fn check_ids(rules: &[Rule], series: &[Series]) -> Vec<String> {
    let mut expected: BTreeSet<_> = series.iter().flat_map(Series::ids).collect();
    let mut seen = BTreeSet::new();
    let mut complaints = Vec::new();
    for Rule { id, place, .. } in rules {
        if !seen.insert(id) {
            complaints.push(format!("{place}: {id} stands here once more"));
        } else if !expected.remove(id) {
            complaints.push(format!("{place}: there is no rule {id}"));
        }
    }
    complaints.extend(expected.into_iter().map(|id| format!("{id} stands in no paper")));
    complaints
}

fn check_proof(proof: &Proof, rules: &[Rule]) -> Vec<String> {
    let is_strange = |id: &&String| !rules.iter().any(|rule| rule.id == **id);
    let strange = proof.ids.iter().filter(is_strange);
    strange.map(|id| format!("{} names {id}, which stands in no paper", proof.name)).collect()
}

/// The rules that a paper has.
fn rules(paper: &File) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(paper.text.lines()) {
        let begun = ITEM.captures(line);
        if let Some(begun) = &begun {
            let place = format!("{}:{number}", paper.path);
            rules.push(Rule { id: begun[1].to_owned(), place, examples: Vec::new() });
            texts.push(String::new());
        }
        goes_on = begun.is_some() || (goes_on && (line.is_empty() || line.starts_with("  ")));
        if let (true, Some(text)) = (goes_on, texts.last_mut()) {
            text.push_str(line);
            text.push('\n');
        }
    }
    for (rule, text) in rules.iter_mut().zip(&texts) {
        rule.examples = examples(text);
    }
    rules
}

fn examples(text: &str) -> Vec<Example> {
    let behind_arrows = EXAMPLE.captures_iter(text).map(|example| match example.name("path") {
        Some(path) => Example::Shown(Name {
            path: path.as_str().to_owned(),
            test: example.name("test").map(|test| test.as_str().to_owned()),
        }),
        None => Example::NotYet,
    });
    behind_arrows.collect()
}

/// The tests of a source file, or the rehearsal that it is.
fn proofs(file: &File) -> Vec<Proof> {
    if file.path.ends_with(".call") { vec![rehearsal(file)] } else { tests(file) }
}

fn rehearsal(file: &File) -> Proof {
    let headers = file.text.lines().filter_map(|line| line.strip_prefix("# rule: "));
    let name = Name { path: file.path.clone(), test: None };
    Proof { name, ids: headers.flat_map(ids_in).collect() }
}

fn tests(file: &File) -> Vec<Proof> {
    let mut tests = Vec::new();
    let mut ids = BTreeSet::new();
    let mut is_test = false;
    for line in file.text.lines().map(str::trim_start) {
        if let Some(doc) = line.strip_prefix("///") {
            ids.extend(ids_in(doc));
        } else if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else {
            if let Some(name) = FUNCTION.captures(line).filter(|_| is_test) {
                ids.extend(name[1].split('_').map(str::to_uppercase).filter(|word| is_id(word)));
                let name = Name { path: file.path.clone(), test: Some(name[1].to_owned()) };
                tests.push(Proof { name, ids: std::mem::take(&mut ids) });
            }
            is_test = false;
            ids.clear();
        }
    }
    tests
}

fn ids_in(text: &str) -> impl Iterator<Item = String> {
    ID.find_iter(text).map(|id| id.as_str().to_owned())
}

fn is_id(word: &str) -> bool {
    ID.find(word).is_some_and(|id| id.as_str() == word)
}

impl Series {
    fn ids(&self) -> impl Iterator<Item = String> {
        let is_taken = |number: &u32| !self.free.iter().any(|free| free.contains(number));
        (1..=self.last).filter(is_taken).map(|number| format!("{}{number}", self.letter))
    }
}

impl Example {
    fn name(&self) -> Option<&Name> {
        match self {
            Self::Shown(name) => Some(name),
            Self::NotYet => None,
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        self.test.iter().try_for_each(|test| write!(f, " {test}"))
    }
}

static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[ERT][0-9]{1,2}\b").unwrap());
static ITEM: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^- \*\*([A-Z][0-9]+)\*\* ").unwrap());
static EXAMPLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"→ (?:`(?<path>[^`]+)`(?:\s+`(?<test>\w+)`)?|not yet)").unwrap());
static FUNCTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:pub )?(?:async )?fn (\w+)").unwrap());

const PAPER: &str = "Text with E2.\n\n- **E1** One rule\n  on two lines. → `flows/a.calls/b.call`\n\
    - **E2** Another. → `tests/a.rs` `one` → `src/a.rs` `two_e2`\n\n- **E4** Later. → not yet\n";
const CALL: &str = "# A caller.\n# rule: E1 N3\n> answered\n";
const ONE: &str = "/// E2: it holds.\n#[test]\nfn one() {}\n/// E9\nfn no_test() {}\n";
const TWO: &str = "    #[tokio::test(start_paused = true)]\n    async fn two_e2() {\n";

#[test]
fn rules_that_are_in_order_pass() {
    assert_eq!(complaints(PAPER, CALL, ONE, TWO), [""; 0]);
}

#[test]
fn a_rule_without_a_test_or_an_example_is_found() {
    let without = PAPER.replace(" → `flows/a.calls/b.call`", "");
    assert_eq!(complaints(&without, CALL, ONE, TWO), ["docs/engine.md:3: E1 has no example"]);
    let unnamed = CALL.replace("E1 ", "");
    let wanted = [
        "docs/engine.md:3: the example flows/a.calls/b.call does not name E1",
        "docs/engine.md:3: no test names E1",
    ];
    assert_eq!(complaints(PAPER, &unnamed, ONE, TWO), wanted);
}

#[test]
fn an_example_that_is_elsewhere_is_found() {
    let gone = [
        "docs/engine.md:5: the example tests/a.rs one does not exist",
        "docs/engine.md:5: the example src/a.rs two_e2 does not name E2",
    ];
    let renamed = ONE.replace("one", "uno");
    let other = format!("/// E1\n{TWO}").replace("two_e2", "two");
    let paper = PAPER.replace("two_e2", "two");
    let gone = gone.map(|complaint| complaint.replace("two_e2", "two"));
    assert_eq!(complaints(&paper, CALL, &renamed, &other), gone);
    let no_longer_a_test = ONE.replace("#[test]\n", "");
    let found = complaints(PAPER, CALL, &no_longer_a_test, TWO);
    assert_eq!(found, ["docs/engine.md:5: the example tests/a.rs one does not exist"]);
}

#[test]
fn ids_twice_missing_and_made_up_are_found() {
    let twice = format!("{PAPER}- **E1** Again. → `flows/a.calls/b.call`\n");
    let found = complaints(&twice, CALL, ONE, TWO);
    assert_eq!(found, ["docs/engine.md:8: E1 stands here once more"]);
    let missing = PAPER.replace("- **E4** Later. → not yet", "");
    assert_eq!(complaints(&missing, CALL, ONE, TWO), ["E4 stands in no paper"]);
    let free = PAPER.replace("E4", "E3");
    let found = complaints(&free, CALL, ONE, TWO);
    assert_eq!(found, ["docs/engine.md:7: there is no rule E3", "E4 stands in no paper"]);
}

#[test]
fn a_test_that_names_a_rule_of_no_paper_is_found() {
    let strange = ONE.replace("/// E2:", "/// E2, R7:");
    let found = complaints(PAPER, CALL, &strange, TWO);
    assert_eq!(found, ["tests/a.rs one names R7, which stands in no paper"]);
    let strange = CALL.replace("N3", "T1");
    let found = complaints(PAPER, &strange, ONE, TWO);
    assert_eq!(found, ["flows/a.calls/b.call names T1, which stands in no paper"]);
}

#[test]
fn a_rule_that_is_built_and_said_to_be_missing_is_found() {
    let built = ONE.replace("/// E2:", "/// E2, E4:");
    let found = complaints(PAPER, CALL, &built, TWO);
    assert_eq!(found, ["docs/engine.md:7: E4 is said to be missing, but tests/a.rs one shows it"]);
}

/// What is wrong with one paper, one rehearsal and two files of tests, if there are E1, E2 and E4.
fn complaints(paper: &str, call: &str, one: &str, two: &str) -> Vec<String> {
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let sources =
        [file("flows/a.calls/b.call", call), file("tests/a.rs", one), file("src/a.rs", two)];
    let series = [Series { letter: 'E', last: 4, free: &[3..=3] }];
    check(&[file("docs/engine.md", paper)], &sources, &series)
}
