//! `telephonist rehearse`: plays written calls against a script.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Exit, print, scripts};
use crate::switch::simulated::{Rehearsal, rehearse};

/// A call of an hour has some thousand lines; a file that is longer is no rehearsal.
const REHEARSAL_BYTES_MAX: u64 = 1 << 20;

/// Play written calls against a script in virtual time
#[derive(clap::Args)]
pub(super) struct Args {
    /// Rehearsals, `flows/<script>.calls/<what>.call`
    #[arg(required = true, value_name = "FILE.call")]
    files: Vec<PathBuf>,
    /// The script, if it is not the one that the folder is named after
    #[arg(long, value_name = "SCRIPT")]
    script: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Exit {
    for file in &args.files {
        let script = match (&args.script, script_of(file)) {
            (Some(named), _) => scripts::find(named),
            (None, Some(script)) => script,
            (None, None) => {
                eprintln!("{}: which script? name it with --script", file.display());
                return Exit::Usage;
            }
        };
        if let Err(exit) = play(&script, file) {
            return exit;
        }
        match print(&format!("{}: as written\n", file.display())) {
            Exit::Fine => {}
            exit => return exit,
        }
    }
    Exit::Fine
}

fn play(script: &Path, file: &Path) -> Result<(), Exit> {
    let script = scripts::load_or_tell(script)?;
    let rehearsal = read(file)?;
    rehearse(&script, &rehearsal).map_err(|difference| {
        let shown = shown_line(file, difference.line);
        eprintln!("{}:{}: {}\n    {shown}", file.display(), difference.line, difference.message);
        Exit::Wrong
    })
}

/// Reads a rehearsal; what can't be read is told on standard error.
pub(super) fn read(file: &Path) -> Result<Rehearsal, Exit> {
    let text = text_of(file).map_err(|error| {
        eprintln!("{}: {error}", file.display());
        Exit::Usage
    })?;
    Rehearsal::parse(&text).map_err(|faults| {
        for fault in faults {
            eprintln!("{}:{fault}", file.display());
        }
        Exit::Wrong
    })
}

/// A file that is longer is refused, not cut: the rest of the call would never be played.
fn text_of(file: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(REHEARSAL_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > REHEARSAL_BYTES_MAX {
        let most = REHEARSAL_BYTES_MAX >> 20;
        let message = format!("longer than {most} MiB; split it into several calls");
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes)
        .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
}

fn shown_line(file: &Path, line: usize) -> String {
    let text = text_of(file).unwrap_or_default();
    text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned()
}

/// `flows/loan.calls/silence.call` is a call of `flows/loan.json`.
fn script_of(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    let name = folder.file_name()?.to_str()?.strip_suffix(".calls")?;
    Some(folder.with_file_name(format!("{name}.json")))
}
