//! `telephonist demo`: a whole call in one process, with nothing else installed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::scene::Scene;
use super::{Exit, ledger, print, rehearse, scripts, wait_for};
use crate::engine::{Call, Classify, Robot, Row};
use crate::script::Script;
use crate::switch::simulated::{BEGIN, Happened, Player, Rehearsal};

/// Play a call in one process with nothing else installed, and show the rows it leaves
#[derive(clap::Args)]
pub(super) struct Args {
    /// The script: a file, or a name below flows/
    #[arg(default_value = "loan")]
    script: PathBuf,
    /// The rehearsal whose caller calls [default: the script's demo.call, or its first]
    #[arg(long, value_name = "FILE.call")]
    call: Option<PathBuf>,
    /// The database file the rows are written to and read back from
    #[arg(long, default_value = "data/demo.db", value_name = "FILE")]
    database: PathBuf,
    /// Don't wait while people speak
    #[arg(long)]
    fast: bool,
}

/// A second of the call takes this long to watch.
const SECOND_SHOWN: Duration = Duration::from_millis(150);
/// A pause of the call is not watched for longer than this.
const PAUSE_SHOWN_MAX: Duration = Duration::from_millis(1_200);

pub(super) fn run(args: &Args) -> Exit {
    match play(args) {
        Ok(()) => Exit::Fine,
        Err(exit) => exit,
    }
}

fn play(args: &Args) -> Result<(), Exit> {
    let file = scripts::find(&args.script);
    let script = scripts::load_or_tell(&file)?;
    let call = args.call.clone().or_else(|| default_call(&file)).ok_or_else(|| {
        let folder = calls_folder(&file);
        eprintln!("there is no rehearsal in {}; name one with --call", folder.display());
        Exit::Usage
    })?;
    let rehearsal = rehearse::read(&call)?;
    let colours = std::io::IsTerminal::is_terminal(&std::io::stdout());
    let scene = Scene::new(colours);
    tell(&format!("{} · {}\n\n", file.display(), call.display()))?;
    let player = begin(&script, &rehearsal);
    let (rows, classify) = wait_for(watch(player, &rehearsal, &scene, !args.fast && colours))??;
    if let Some(folder) = args.database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| {
            eprintln!("{}: {error}", folder.display());
            Exit::Unavailable
        })?;
    }
    let shown = wait_for(ledger::write_and_show(&args.database, rows, classify))?;
    let shown = shown.map_err(|error| {
        eprintln!("{}: {error}", args.database.display());
        Exit::Unavailable
    })?;
    tell(&shown)
}

fn begin(script: &Arc<Script>, rehearsal: &Rehearsal) -> Player {
    let call = Call {
        callid: uuid::Uuid::new_v4().to_string().into(),
        variables: rehearsal.variables.clone(),
        event_after_hangup: true,
        explain: false,
    };
    Player::new(Robot::new(call, Arc::clone(script), BEGIN), BEGIN, &rehearsal.from_the_start)
}

/// Plays the caller's side, however the robot takes it, and shows what happens as it happens.
async fn watch(
    mut player: Player,
    rehearsal: &Rehearsal,
    scene: &Scene,
    paced: bool,
) -> Result<(Vec<Row>, Option<Classify>), Exit> {
    let (mut rows, mut classify) = (Vec::new(), None);
    let mut shown_ms = 0;
    let mut acts = rehearsal.acts();
    loop {
        while let Some(moment) = player.next_moment() {
            if paced {
                pause(moment.at_ms.saturating_sub(shown_ms)).await;
            }
            shown_ms = shown_ms.max(moment.at_ms);
            tell(&scene.tell(&moment))?;
            match moment.what {
                Happened::Row(row) => rows.push(*row),
                Happened::Classify(row) => classify = Some(*row),
                Happened::Caller(_)
                | Happened::Robot(_)
                | Happened::Explain(_)
                | Happened::Warn(_) => {}
            }
        }
        if player.has_ended() {
            return Ok((rows, classify));
        }
        match acts.next() {
            Some(act) => player.act(act),
            // A script that was changed may leave the call open where the rehearsal ends.
            None => player.act(&crate::switch::simulated::Act::HangsUp),
        }
    }
}

async fn pause(ms: u64) {
    let seconds = Duration::from_millis(ms).as_secs_f64();
    tokio::time::sleep(SECOND_SHOWN.mul_f64(seconds).min(PAUSE_SHOWN_MAX)).await;
}

fn calls_folder(script: &Path) -> PathBuf {
    script.with_extension("calls")
}

/// The rehearsal `demo.call` of a script, or else its first by name.
fn default_call(script: &Path) -> Option<PathBuf> {
    let demo = calls_folder(script).join("demo.call");
    if demo.is_file() {
        return Some(demo);
    }
    let entries = std::fs::read_dir(calls_folder(script)).ok()?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "call")).min()
}

fn tell(text: &str) -> Result<(), Exit> {
    match print(text) {
        Exit::Fine => Ok(()),
        exit => Err(exit),
    }
}
