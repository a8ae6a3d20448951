//! What can be proved of a script before a caller finds out.
//!
//! Loading a script tells what can't be carried out, and must be quick: the daemon does it while calls
//! run. What is proved here takes longer, is told to authors, and hinders nobody: every finding has a
//! rule by which it can be switched off, and an example that shows it.

mod cover;
mod knowledge;
mod loops;
mod order;
mod patterns;
mod rules;
mod settings;
mod source;
mod taken;
mod turns;
mod ways;
mod widths;
mod words;

pub use rules::{RULES, Rule, Setting, Settings, rule, setting};
pub use turns::Turns;
pub use widths::COLUMNS;

use std::collections::{BTreeMap, HashSet};

use source::Source;
use ways::Ways;

use super::model::{NodeId, Script};
use super::problem::{Problem, SourceText, brief};
use super::raw::Reader;

/// A script that was looked at.
#[derive(Debug)]
pub struct Proved {
    /// What loading told and what was proved, in the order of the file, as the settings have it.
    pub problems: Vec<Problem>,
    /// How long calls can be; `None` if the script can't be loaded.
    pub turns: Option<Turns>,
}

/// Adds what can be proved of a script to what loading told of it. `text` is the script's text,
/// `file` what problems call it; `outside` are settings that stand elsewhere. What the script sets
/// itself counts before them.
#[must_use]
pub fn prove(
    script: Option<&Script>,
    (file, text): (&str, &str),
    told: Vec<Problem>,
    outside: &Settings,
) -> Proved {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let Some(script) = script else {
        return Proved { problems: settings::apply(told, outside), turns: None };
    };
    let mut reader = Reader::new(file, text);
    let root = reader.parse(text);
    let source = root.as_ref().and_then(|root| Source::read(&mut reader, root, script));
    let Some(mut source) = source else {
        return Proved { problems: settings::apply(told, outside), turns: None };
    };
    source.words.look(&script.matcher);
    let place = SourceText::new(file, text);
    let mut inside = Settings::new();
    let mut case = Case {
        script,
        ways: Ways::new(script, &source),
        source: &source,
        place: &place,
        found: Vec::new(),
        counts: BTreeMap::new(),
    };
    settings::read(&mut case, &mut reader, &mut inside);
    case.unreachable();
    loops::find(&mut case);
    order::find(&mut case);
    taken::find(&mut case);
    knowledge::find(&mut case);
    patterns::find(&mut case);
    widths::find(&mut case);
    let turns = Turns::of(&case);
    case.count_unlisted();
    let found = case.found;
    let mut settings = outside.clone();
    settings.extend(inside);
    Proved { problems: settings::apply(joined(told, found), &settings), turns: Some(turns) }
}

/// One list of both, each thing told once, in the order of the file.
fn joined(told: Vec<Problem>, found: Vec<Problem>) -> Vec<Problem> {
    // Of keywords that never match, loading tells less, and not by which edge.
    let mut all: Vec<_> =
        told.into_iter().filter(|problem| problem.rule != SWALLOWED_KEYWORD).collect();
    let key = |problem: &Problem| (problem.rule, problem.line, problem.column);
    let known: HashSet<_> = all.iter().map(key).collect();
    all.extend(found.into_iter().filter(|problem| !known.contains(&key(problem))));
    all.sort_by_key(|problem| (problem.line, problem.column));
    all
}

const SWALLOWED_KEYWORD: &str = "swallowed-keyword";

/// A script that is looked at, and what was found.
struct Case<'c> {
    script: &'c Script,
    source: &'c Source<'c, 'c>,
    ways: Ways,
    place: &'c SourceText<'c>,
    found: Vec<Problem>,
    /// How often each rule was broken.
    counts: BTreeMap<&'static str, usize>,
}

/// So many breaks of one rule are listed: nobody mends more in one go, and those of another rule are
/// not hidden by them.
const LISTED_MAX: usize = 100;

/// What was found, before it has its place.
struct Finding {
    rule: &'static str,
    offset: usize,
    message: String,
    example: String,
    hint: String,
}

impl Case<'_> {
    fn say(&mut self, finding: Finding) {
        let Finding { rule: id, offset, message, example, hint } = finding;
        let Some(rule) = rule(id) else { unreachable!("{id} is in the table of rules") };
        let count = self.counts.entry(rule.id).or_default();
        *count += 1;
        if *count > LISTED_MAX {
            return;
        }
        let problem = self.place.problem(rule.severity, offset, message, hint);
        self.found.push(Problem { rule: rule.id, example: brief(&example).to_owned(), ..problem });
    }

    fn count_unlisted(&mut self) {
        for (id, count) in std::mem::take(&mut self.counts) {
            let unlisted = count.saturating_sub(LISTED_MAX);
            if unlisted > 0 {
                self.say(Finding {
                    rule: id,
                    offset: 0,
                    message: format!("{unlisted} more of these are not listed"),
                    example: String::new(),
                    hint: "mend the ones that are listed first".into(),
                });
            }
        }
    }

    fn is_reached(&self, node: u32) -> bool {
        self.ways.reached.get(node as usize).copied().unwrap_or(false)
    }

    fn name(&self, node: u32) -> &str {
        &self.script.node(NodeId(node)).id
    }

    fn offset_of(&self, node: u32) -> usize {
        self.source.nodes.get(node as usize).map_or(0, |node| node.offset)
    }

    /// `F1 → F4 → F1`, cut in the middle if it is long.
    fn shown(&self, path: &[u32]) -> String {
        /// More names than this nobody follows.
        const NAMES_MAX: usize = 7;
        let names: Vec<_> = path.iter().map(|node| brief(self.name(*node))).collect();
        match names.as_slice() {
            [first @ .., a, b] if names.len() > NAMES_MAX => {
                let first = first.get(..NAMES_MAX - 3).unwrap_or(first).join(" → ");
                format!("{first} → … → {a} → {b}")
            }
            all => all.join(" → "),
        }
    }

    /// Nodes that no call comes to, as far as loading did not see it.
    fn unreachable(&mut self) {
        for (node, at) in self.script.nodes.iter().zip(0..) {
            let is_start = node.action == super::NodeAction::Start;
            // A global node that nobody links has a rule of its own.
            if is_start || node.global.is_some() || self.is_reached(at) {
                continue;
            }
            self.say(Finding {
                rule: "unreachable-node",
                offset: self.offset_of(at),
                message: format!("no call ever reaches the node {}", node.id),
                example:
                    "only nodes that no call reaches, or edges that are never taken, lead here"
                        .into(),
                hint: "lead an edge to it, or take it out".into(),
            });
        }
    }
}
