//! `telephonist replay`: recorded calls with another version of their script.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::recorded::{RecordedArgs, Told};
use super::{ConfigArgs, Exit, print, scripts};
use crate::config::Config;
use crate::replay::{Count, Outcome, Replay, Summary, Verdict};
use crate::script::Script;

mod page;

/// Calls that a page shows turn by turn; more is read by nobody.
const PAGE_CALLS_MAX: usize = 200;
/// Lines of each table.
const TABLE_LINES_MAX: usize = 12;

/// Hold recorded calls again with another version of their script, and show what changes
#[derive(clap::Args)]
pub(super) struct Args {
    /// The new version: a file, or a name below flows/
    #[arg(long, value_name = "SCRIPT")]
    script: PathBuf,
    #[command(flatten)]
    recorded: RecordedArgs,
    #[command(flatten)]
    shown: Shown,
    /// So many calls may change, or so many in a hundred with %; more is exit code 1
    #[arg(long, value_name = "N|N%")]
    budget: Option<Budget>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// How the outcome is shown.
#[derive(clap::Args)]
struct Shown {
    /// Write a page for a browser: the worst calls, old and new side by side
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// One JSON object for programs, in place of the text
    #[arg(long)]
    json: bool,
    /// How many of the worst calls to list
    #[arg(long, value_name = "N", default_value_t = 10)]
    worst: usize,
}

/// How many calls may change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Budget {
    Calls(u64),
    Percent(f64),
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?}: write a number of calls, as 20, or a share, as 2.5%");
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Calls).map_err(|_| wrong()),
            Some(share) => match share.trim().parse::<f64>() {
                Ok(share) if (0.0..=100.0).contains(&share) => Ok(Self::Percent(share)),
                _ => Err(wrong()),
            },
        }
    }
}

impl Budget {
    fn holds(self, summary: &Summary) -> bool {
        match self {
            Self::Calls(calls) => summary.changed <= calls,
            Self::Percent(share) => percent(summary.changed, summary.calls) <= share,
        }
    }
}

pub(super) fn run(args: &Args) -> Exit {
    held(args).unwrap_or_else(|exit| exit)
}

fn held(args: &Args) -> Result<Exit, Exit> {
    let config = args.config.load()?;
    let script = scripts::load_or_tell(&scripts::find(&args.script))?;
    let keeps = if args.shown.html.is_some() { PAGE_CALLS_MAX } else { args.shown.worst };
    let (summary, told) = hold(&args.recorded, &config, &script, keeps)?;
    let fits = args.budget.is_none_or(|budget| budget.holds(&summary));
    let worst = summary.clone().worst();
    if let Some(file) = &args.shown.html {
        let text = page::page(&script.name, &summary, &worst, &told.lines());
        write(file, &text)?;
    }
    let listed = worst.get(..args.shown.worst.min(worst.len())).unwrap_or_default();
    let text = if args.shown.json {
        format!("{}\n", as_json(&script, &summary, listed))
    } else {
        as_text(&script, &summary, listed, &told)
    };
    match print(&text) {
        Exit::Fine if fits => Ok(Exit::Fine),
        Exit::Fine => {
            eprintln!("{} calls change, more than the budget", summary.changed);
            Ok(Exit::Wrong)
        }
        exit => Err(exit),
    }
}

/// Holds the calls that are meant, on all cores.
///
/// # Errors
/// The calls can't be read; told on standard error.
fn hold(
    recorded: &RecordedArgs,
    config: &Config,
    script: &Arc<Script>,
    keeps: usize,
) -> Result<(Summary, Told), Exit> {
    let replay = Replay::new(Arc::clone(script), config.robot.event_after_hangup);
    let begin = || Summary::keeping(keeps);
    let work = |own: &mut Summary, recording| own.add(replay.call(&recording));
    let (parts, told) = recorded.each(config, &script.name, begin, work)?;
    let mut summary = begin();
    parts.into_iter().for_each(|part| summary.merge(part));
    Ok((summary, told))
}

/// What `push` asks before it sends a script.
#[derive(clap::Args)]
pub(super) struct BeforePush {
    /// Hold recorded calls with the script first, and push it only if no more of them change than the
    /// budget allows
    #[arg(long)]
    replay: bool,
    /// So many calls may change, or so many in a hundred with %
    #[arg(long, value_name = "N|N%", default_value = "0", requires = "replay")]
    budget: Budget,
    #[command(flatten)]
    recorded: RecordedArgs,
}

impl BeforePush {
    /// # Errors
    /// Too many calls change, or the calls can't be read; told on standard error.
    pub(super) fn check(&self, config: &Config, script: &Arc<Script>) -> Result<(), Exit> {
        if !self.replay {
            return Ok(());
        }
        let (summary, told) = hold(&self.recorded, config, script, TABLE_LINES_MAX)?;
        let worst = summary.clone().worst();
        eprint!("{}", as_text(script, &summary, &worst, &told));
        if self.budget.holds(&summary) {
            return Ok(());
        }
        eprintln!("not pushed: say how many calls may change with --budget N or --budget N%");
        Err(Exit::Wrong)
    }
}

fn write(file: &Path, text: &str) -> Result<(), Exit> {
    std::fs::write(file, text).map_err(|error| {
        eprintln!("{}: {error}", file.display());
        Exit::Unavailable
    })
}

#[expect(clippy::cast_precision_loss, reason = "a share of calls is shown to a tenth of a percent")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn as_text(script: &Script, summary: &Summary, worst: &[Verdict], told: &Told) -> String {
    let mut lines = vec![headline(script, summary)];
    let table = |lines: &mut Vec<String>, title: &str, rows: Vec<(u64, String)>| {
        if rows.is_empty() {
            return;
        }
        lines.push(format!("\n{title}"));
        let more = rows.len().saturating_sub(TABLE_LINES_MAX);
        let shown = rows.into_iter().take(TABLE_LINES_MAX);
        lines.extend(shown.map(|(calls, what)| format!("{calls:>8}  {what}")));
        if more > 0 {
            lines.push(format!("          and {more} more"));
        }
    };
    let [kinds, answers, labels, ends, whys] = tables(summary);
    table(&mut lines, "calls with a change of", kinds);
    table(&mut lines, "first answer that changes", answers);
    table(&mut lines, "labels", labels);
    table(&mut lines, "ends", ends);
    table(&mut lines, "not known to their end", whys);
    if !worst.is_empty() {
        lines.push("\nworst first".into());
        lines.extend(worst.iter().flat_map(describe));
    }
    let left_out = told.lines();
    if !left_out.is_empty() {
        lines.push(String::new());
        lines.extend(left_out);
    }
    lines.join("\n") + "\n"
}

fn headline(script: &Script, summary: &Summary) -> String {
    let Summary { calls, same, changed, unknown, diverged, rows, compared, .. } = summary;
    let share = percent(*changed, *calls);
    format!(
        "{}: {calls} calls held again: {same} the same, {changed} changed ({share:.1}%), {unknown} \
         not known to their end and the same until there\n{compared} of {rows} rows compared; in \
         {diverged} calls the robot says something else, and what the caller did then is not known",
        script.name
    )
}

/// The tables of a summary, ready to be shown.
fn tables(summary: &Summary) -> [Vec<(u64, String)>; 5] {
    let kinds = summary.kinds().into_iter().map(|count| (count.calls, count.what.to_owned()));
    let answers = summary.answers().into_iter().map(|Count { what: (node, old, new), calls }| {
        (calls, format!("at {node}: {old} → {new}"))
    });
    let pairs = |counts: Vec<Count<(String, String)>>| {
        let shown = |Count { what: (old, new), calls }| {
            let named = |label: String| if label.is_empty() { "none".to_owned() } else { label };
            (calls, format!("{} → {}", named(old), named(new)))
        };
        counts.into_iter().map(shown).collect()
    };
    let whys = summary.whys().into_iter().map(|count| (count.calls, count.what));
    [
        kinds.collect(),
        answers.collect(),
        pairs(summary.labels()),
        pairs(summary.ends()),
        whys.collect(),
    ]
}

fn describe(verdict: &Verdict) -> Vec<String> {
    let mut lines = vec![format!("  {}: {}", verdict.callid, in_a_word(verdict))];
    if let Some(turn) = verdict.first.and_then(|row| verdict.turns.get(row)) {
        let new = turn.new.as_ref().map_or("nothing is known".into(), crate::replay::Answer::brief);
        let (at, node, input) = (turn.at_s, &turn.node, &turn.input);
        lines.push(format!("      {at} s, {node}: {input}: {} → {new}", turn.old.brief()));
    }
    if let Some(row) = verdict.diverged {
        let rest = verdict.rows.saturating_sub(row + 1);
        lines.push(format!("      then the robot says something else: {rest} rows not compared"));
    }
    if let Some(unknown) = &verdict.unknown {
        lines.push(format!("      from row {} on unknown: {}", unknown.row, unknown.why));
    }
    lines
}

/// What becomes of a call, in a few words.
fn in_a_word(verdict: &Verdict) -> String {
    let pair = |what: &str, [old, new]: &[Option<smol_str::SmolStr>; 2]| {
        let old = old.as_deref()?;
        let new = new.as_deref().unwrap_or("?");
        let named = |word: &str| if word.is_empty() { "none".to_owned() } else { word.to_owned() };
        (old != new).then(|| format!("{what} {} → {}", named(old), named(new)))
    };
    let mut parts = match verdict.outcome() {
        Outcome::Changed => vec![verdict.kinds.to_string()],
        Outcome::Same => vec!["the same".to_owned()],
        Outcome::Unknown => vec!["the same as far as is known".to_owned()],
    };
    parts.extend(pair("label", &verdict.label));
    parts.extend(pair("end", &verdict.end));
    if verdict.later.is_change() {
        parts.push(format!(
            "and, if the caller had said the same to other words: {}",
            verdict.later
        ));
    }
    parts.join("; ")
}

fn as_json(script: &Script, summary: &Summary, worst: &[Verdict]) -> Value {
    let [kinds, answers, labels, ends, whys] = tables(summary);
    let table = |rows: Vec<(u64, String)>| -> Value {
        rows.into_iter().map(|(calls, what)| json!({ "what": what, "calls": calls })).collect()
    };
    let call = |verdict: &Verdict| {
        let first = verdict.first.and_then(|row| verdict.turns.get(row));
        json!({
            "callid": verdict.callid,
            "outcome": match verdict.outcome() {
                Outcome::Same => "same",
                Outcome::Changed => "changed",
                Outcome::Unknown => "unknown",
            },
            "kinds": verdict.kinds.to_string(),
            "later": verdict.later.to_string(),
            "first_row": verdict.first,
            "node": first.map(|turn| &turn.node),
            "input": first.map(|turn| &turn.input),
            "old": first.map(|turn| turn.old.brief()),
            "new": first.and_then(|turn| turn.new.as_ref()).map(crate::replay::Answer::brief),
            "diverged_row": verdict.diverged,
            "unknown_row": verdict.unknown.as_ref().map(|unknown| unknown.row),
            "unknown_why": verdict.unknown.as_ref().map(|unknown| &unknown.why),
            "label": verdict.label,
            "end": verdict.end,
        })
    };
    json!({
        "script": script.name,
        "revision": script.revision,
        "calls": summary.calls,
        "same": summary.same,
        "changed": summary.changed,
        "unknown": summary.unknown,
        "diverged": summary.diverged,
        "rows": summary.rows,
        "compared": summary.compared,
        "kinds": table(kinds),
        "answers": table(answers),
        "labels": table(labels),
        "ends": table(ends),
        "whys": table(whys),
        "worst": worst.iter().map(call).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_number_or_a_share() {
        assert_eq!("20".parse(), Ok(Budget::Calls(20)));
        assert_eq!("2.5%".parse(), Ok(Budget::Percent(2.5)));
        for bad in ["", "-1", "101%", "few", "%"] {
            assert!(bad.parse::<Budget>().is_err(), "{bad}");
        }
        let mut summary = Summary::keeping(0);
        (summary.calls, summary.changed) = (200, 5);
        assert!(Budget::Calls(5).holds(&summary) && !Budget::Calls(4).holds(&summary));
        assert!(Budget::Percent(2.5).holds(&summary) && !Budget::Percent(2.4).holds(&summary));
    }
}
