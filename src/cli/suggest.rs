//! `telephonist suggest`: what callers say that a script has no answer to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::recorded::RecordedArgs;
use super::{ConfigArgs, Exit, print, scripts};
use crate::config::Config;
use crate::replay::Replay;
use crate::replay::suggest::{
    Edit, Gain, Mine, Place, Proposal, Trial, WayKind, apply, diff, edits, propose,
};
use crate::script::{self, Script};

/// Group what callers said and nothing matched, and propose keywords for it
#[derive(clap::Args)]
pub(super) struct Args {
    /// The script: a file, or a name below flows/
    #[arg(long, value_name = "SCRIPT")]
    script: PathBuf,
    #[command(flatten)]
    recorded: RecordedArgs,
    /// Calls that have to have said a word before it is proposed
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    min: u64,
    /// Proposals at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    most: usize,
    /// Write the proposals that break no call as a patch of the script, for `patch -p1`
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Put proposal N into the script file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    apply: Option<u64>,
    /// One JSON object a proposal, in place of the text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

/// A proposal, how the script has it, and what it would have done.
struct Tried {
    proposal: Proposal,
    edits: Option<Vec<Edit>>,
    gain: Option<Gain>,
}

pub(super) fn run(args: &Args) -> Exit {
    suggest(args).unwrap_or_else(|exit| exit)
}

fn suggest(args: &Args) -> Result<Exit, Exit> {
    let config = args.config.load()?;
    let file = scripts::find(&args.script);
    let script = scripts::load_or_tell(&file)?;
    let read = scripts::read(&file);
    let read = read.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
    let text = read.map_err(|error| {
        eprintln!("{}: {error}", file.display());
        Exit::Usage
    })?;
    let base = Replay::new(Arc::clone(&script), config.robot.event_after_hangup);
    let mine = dig(args, &config, &base)?;
    let proposals = propose(&script, &mine.sentences, args.min).into_iter().take(args.most);
    let mut tried: Vec<Tried> = proposals
        .map(|proposal| {
            let edits = edits(&text, &proposal);
            Tried { proposal, edits, gain: None }
        })
        .collect();
    try_all(args, &config, &base, &text, &mut tried)?;
    // What catches most and breaks least comes first.
    tried.sort_by_key(|tried| {
        let gain = tried.gain.clone().unwrap_or_default();
        std::cmp::Reverse((gain.caught.saturating_sub(gain.broken), tried.proposal.calls))
    });
    if let Some(place) = &args.write {
        let good = tried.iter().filter(|tried| tried.gain.as_ref().is_some_and(is_good));
        let all: Vec<Edit> = good.filter_map(|tried| tried.edits.clone()).flatten().collect();
        save(place, &diff(&file.display().to_string(), &text, &all))?;
    }
    if let Some(number) = args.apply {
        put_in(&file, &text, &tried, number)?;
    }
    Ok(print(&if args.json { as_json(&tried) } else { as_text(&script, &mine, &tried) }))
}

fn is_good(gain: &Gain) -> bool {
    gain.caught > 0 && gain.broken == 0
}

/// Finds the sentences that nothing matched.
fn dig(args: &Args, config: &Config, base: &Replay) -> Result<Mine, Exit> {
    let work = |own: &mut Mine, recording| own.add(base, &recording);
    let name = &base.script().name;
    let (parts, told) = args.recorded.each(config, name, Mine::default, work)?;
    told.lines().iter().for_each(|line| eprintln!("{line}"));
    let mut mine = Mine::default();
    parts.into_iter().for_each(|part| mine.merge(part));
    Ok(mine)
}

/// Holds the calls once more, with each proposal in the script.
fn try_all(
    args: &Args,
    config: &Config,
    base: &Replay,
    text: &str,
    tried: &mut [Tried],
) -> Result<(), Exit> {
    let name = &base.script().name;
    let trials: Vec<Option<Trial>> = tried
        .iter()
        .map(|tried| {
            let text = apply(text, tried.edits.as_deref()?);
            let (script, _) = script::load(name, name, text.as_bytes());
            let replay = Replay::new(script?, config.robot.event_after_hangup);
            Some(Trial::new(&tried.proposal.word, replay))
        })
        .collect();
    if trials.iter().flatten().next().is_none() {
        return Ok(());
    }
    let begin = || vec![Gain::default(); trials.len()];
    let work = |own: &mut Vec<Gain>, recording| {
        for (trial, gain) in trials.iter().zip(own) {
            if let Some(trial) = trial {
                trial.add(base, &recording, gain);
            }
        }
    };
    let (parts, _) = args.recorded.each(config, name, begin, work)?;
    let mut gains = begin();
    for part in parts {
        gains.iter_mut().zip(part).for_each(|(sum, gain)| sum.merge(gain));
    }
    for ((tried, gain), trial) in tried.iter_mut().zip(gains).zip(&trials) {
        tried.gain = trial.as_ref().map(|_| gain);
    }
    Ok(())
}

fn put_in(file: &Path, text: &str, tried: &[Tried], number: u64) -> Result<(), Exit> {
    let chosen = usize::try_from(number - 1).ok().and_then(|at| tried.get(at));
    let Some(edits) = chosen.and_then(|tried| tried.edits.as_deref()) else {
        eprintln!("there is no proposal {number} that has a place in the script");
        return Err(Exit::Usage);
    };
    save(file, &apply(text, edits))
}

fn save(file: &Path, text: &str) -> Result<(), Exit> {
    std::fs::write(file, text).map_err(|error| {
        eprintln!("{}: {error}", file.display());
        Exit::Unavailable
    })
}

fn as_text(script: &Script, mine: &Mine, tried: &[Tried]) -> String {
    let sentences = mine.sentences.len();
    let mut text = format!(
        "{}: {sentences} sentences that nothing matched, in {} calls\n",
        script.name, mine.calls
    );
    for (at, tried) in tried.iter().enumerate() {
        let Proposal { node, word, calls, said, .. } = &tried.proposal;
        let said: Vec<_> = said.iter().map(|(text, times)| format!("\"{text}\" {times}")).collect();
        let number = at + 1;
        text.push_str(&format!(
            "\n{number}. \"{word}\" at {node}, in {calls} calls: {}\n   {}\n   {}\n",
            said.join(", "),
            what_to_do(tried),
            what_it_does(tried.gain.as_ref())
        ));
    }
    text
}

fn what_to_do(tried: &Tried) -> String {
    let Proposal { word, place, votes, calls, .. } = &tried.proposal;
    let into = tried.edits.as_ref().and_then(|edits| edits.first()).map(|edit| &edit.into);
    let (what, id) = match place {
        Place::NewPrompt => {
            return match into {
                Some(into) => {
                    format!("a new entry in {into}, keyword \"{word}\": write what it says")
                }
                None => {
                    format!("a new answer to \"{word}\": the node has no knowledge base for it")
                }
            };
        }
        Place::Keyword(way) => match way.kind {
            WayKind::Edge => ("the way to", &way.id),
            WayKind::Global => ("the global node", &way.id),
            WayKind::Prompt => ("the prompt", &way.id),
        },
    };
    let why = if *votes > 0 {
        format!("{votes} of {calls} had that answer when they said it otherwise")
    } else {
        "its keywords are like it".to_owned()
    };
    match into {
        Some(into) => format!("add \"{word}\" to {into}, for {what} {id}: {why}"),
        None => {
            format!("\"{word}\" may belong to {what} {id}, where no list of keywords is: {why}")
        }
    }
}

fn what_it_does(gain: Option<&Gain>) -> String {
    match gain {
        None => "not tried".into(),
        Some(Gain { caught, broken: 0, .. }) => {
            format!("would have caught {caught} calls, broken none")
        }
        Some(Gain { caught, broken, named }) => {
            let named: Vec<_> = named.iter().map(ToString::to_string).collect();
            let named = named.join(", ");
            format!("would have caught {caught} calls and broken {broken}: {named}")
        }
    }
}

fn as_json(tried: &[Tried]) -> String {
    let one = |tried: &Tried| -> Value {
        let Proposal { node, word, calls, said, votes, .. } = &tried.proposal;
        let into = tried.edits.as_ref().and_then(|edits| edits.first()).map(|edit| &edit.into);
        json!({
            "node": node, "word": word, "calls": calls, "votes": votes, "into": into,
            "said": said.iter().map(|(text, times)| json!({ "text": text, "times": times })).collect::<Vec<_>>(),
            "caught": tried.gain.as_ref().map(|gain| gain.caught),
            "broken": tried.gain.as_ref().map(|gain| gain.broken),
            "broken_calls": tried.gain.as_ref().map(|gain| &gain.named),
            "what": what_to_do(tried),
        })
    };
    tried.iter().map(|tried| format!("{}\n", one(tried))).collect()
}
