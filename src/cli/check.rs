//! `telephonist check`: every problem of a script, as the daemon would find it.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{Exit, fmt, print, scripts};
use crate::script::Problem;

/// Load scripts as the daemon would and print every problem
#[derive(clap::Args)]
pub(super) struct Args {
    /// Script files, or names below flows/
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// `text` for people, `json` for editors: one object a line
    #[arg(long, default_value = "text")]
    format: Format,
    /// Folder of audio files; the files a script names are looked for below it
    #[arg(long, default_value = "audio", value_name = "DIR")]
    audio_dir: PathBuf,
    /// First mend in the files what needs no asking: keywords that stand twice in a list or are
    /// empty, blanks around numbers in quotes
    #[arg(long)]
    fix: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(args: &Args) -> Exit {
    let mut worst = Exit::Fine;
    let mut shown = String::new();
    for named in &args.files {
        let file = scripts::find(named);
        if args.fix
            && let Err(exit) = fmt::fix(&file)
        {
            worst = exit;
            continue;
        }
        let (script, problems) = match scripts::load(&file, Some(&args.audio_dir)) {
            Ok(loaded) => loaded,
            Err(exit) => {
                worst = exit;
                continue;
            }
        };
        if worst == Exit::Fine && problems.iter().any(Problem::is_error) {
            worst = Exit::Wrong;
        }
        for problem in &problems {
            show(problem, args.format, &mut shown);
        }
        if args.format == Format::Text {
            let errors = problems.iter().filter(|problem| problem.is_error()).count();
            let warnings = problems.len() - errors;
            let verdict = if script.is_some() { "can be loaded" } else { "is refused" };
            let file = file.display();
            let line = format!("{file}: {verdict}: {errors} errors, {warnings} warnings\n");
            shown.push_str(&line);
        }
    }
    match print(&shown) {
        Exit::Fine => worst,
        exit => exit,
    }
}

fn show(problem: &Problem, format: Format, out: &mut String) {
    let written = match format {
        Format::Text => writeln!(out, "{problem}"),
        Format::Json => {
            writeln!(out, "{}", serde_json::to_string(problem).expect("a problem is plain data"))
        }
    };
    written.expect("writing to memory can't fail");
}
