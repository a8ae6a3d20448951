//! `telephonist talk`: be the caller.

use std::io::{BufRead, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::scene::Scene;
use super::{Exit, jsonl, ledger, print, scripts, wait_for};
use crate::engine::{Call, Classify, Robot, Row, WebAnswer};
use crate::script::Script;
use crate::switch::simulated::{Act, BEGIN, Happened, Player};

/// Be the caller: type what is said, see what matched and why
#[derive(clap::Args)]
pub(super) struct Args {
    /// The script: a file, or a name below flows/
    script: PathBuf,
    /// A machine is the caller: one JSON object a line, in and out
    #[arg(long)]
    jsonl: bool,
    /// Tell what was tried before each row
    #[arg(long)]
    explain: bool,
}

const HELP: &str = "Type what you say. An empty line says nothing until the robot minds.
  /1 …     press keys          /noise 0.6   make a sound that is no speech
  /bye     hang up             /break       break the action from outside
  /answer {…}  answer what the robot asked a service      /fail  let the service fail
";

pub(super) fn run(args: &Args) -> Exit {
    let script = match scripts::load_or_tell(&scripts::find(&args.script)) {
        Ok(script) => script,
        Err(exit) => return exit,
    };
    if args.jsonl {
        let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
        return jsonl::talk(script, args.explain, input, output);
    }
    match converse(&script, args.explain) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn converse(script: &Arc<Script>, explain: bool) -> Result<Exit, Exit> {
    let colours = std::io::IsTerminal::is_terminal(&std::io::stdout());
    let scene = Scene::new(colours);
    print(&scene.paint("2", HELP));
    let call = Call {
        callid: uuid::Uuid::new_v4().to_string().into(),
        variables: Vec::new(),
        event_after_hangup: true,
        explain,
    };
    let mut player = Player::new(Robot::new(call, Arc::clone(script), BEGIN), BEGIN, &[]);
    let (mut rows, mut classify) = (Vec::new(), None);
    let mut lines = std::io::stdin().lock().split(b'\n');
    loop {
        show(&mut player, &scene, (&mut rows, &mut classify));
        if player.has_ended() {
            return read_back(rows, classify);
        }
        print("> ");
        std::io::stdout().flush().map_err(|_| Exit::Unavailable)?;
        let line = lines.next().transpose().map_err(|_| Exit::Unavailable)?;
        let line = line.as_deref().map(String::from_utf8_lossy);
        match read(line.as_deref(), player.quiet_ms()) {
            Ok(act) => player.act(&act),
            Err(message) => {
                print(&format!("{message}\n{HELP}"));
            }
        }
    }
}

fn show(
    player: &mut Player,
    scene: &Scene,
    (rows, classify): (&mut Vec<Row>, &mut Option<Classify>),
) {
    while let Some(moment) = player.next_moment() {
        print(&scene.tell(&moment));
        match moment.what {
            Happened::Row(row) => rows.push(*row),
            Happened::Classify(row) => *classify = Some(*row),
            Happened::Caller(_) | Happened::Robot(_) | Happened::Explain(_) | Happened::Warn(_) => {
            }
        }
    }
}

/// What a typed line means; the end of the input is a hang-up.
fn read(line: Option<&str>, quiet_ms: Option<u64>) -> Result<Act, &'static str> {
    let Some(line) = line.map(str::trim) else { return Ok(Act::HangsUp) };
    let Some(command) = line.strip_prefix('/') else {
        let for_ms = 100 * u64::try_from(line.chars().count()).unwrap_or(0);
        return Ok(match line {
            "" => Act::Waits(quiet_ms.unwrap_or(1_000)),
            text => Act::Says { text: text.into(), for_ms },
        });
    };
    match command.split_once(' ').unwrap_or((command, "")) {
        ("bye", _) => Ok(Act::HangsUp),
        ("answer", body) => Ok(Act::Answers(WebAnswer { status: 200, body: body.into() })),
        ("fail", _) => Ok(Act::ServiceFails("timeout".into())),
        ("break", _) => Ok(Act::Broken),
        ("noise", seconds) => {
            let seconds: f64 = seconds.trim().parse().unwrap_or(0.5);
            let ms = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
            Ok(Act::Noise(u64::try_from(ms.as_millis()).unwrap_or(0)))
        }
        (keys, _) if is_keys(keys) => Ok(Act::Digits(keys.into())),
        _ => Err("that is no command"),
    }
}

fn is_keys(keys: &str) -> bool {
    !keys.is_empty() && keys.chars().all(|key| key.is_ascii_digit() || matches!(key, '*' | '#'))
}

/// Writes the rows into a database of this one call and shows what SQL finds in it.
fn read_back(rows: Vec<Row>, classify: Option<Classify>) -> Result<Exit, Exit> {
    let file = std::env::temp_dir().join(format!("telephonist-talk-{}.db", std::process::id()));
    let shown = wait_for(ledger::write_and_show(&file, rows, classify))?;
    // The file was for looking at; what is left of it is the temporary folder's to clean.
    let _removed = std::fs::remove_file(&file);
    match shown {
        Ok(shown) => Ok(print(&shown)),
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            Err(Exit::Unavailable)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_lines_are_acts() {
        assert_eq!(read(Some("有的"), None), Ok(Act::Says { text: "有的".into(), for_ms: 200 }));
        assert_eq!(read(Some(""), Some(5_000)), Ok(Act::Waits(5_000)));
        assert_eq!(read(Some("/12#"), None), Ok(Act::Digits("12#".into())));
        assert_eq!(read(Some("/noise 0.6"), None), Ok(Act::Noise(600)));
        assert_eq!(read(None, None), Ok(Act::HangsUp));
        assert!(read(Some("/dance"), None).is_err());
    }
}
