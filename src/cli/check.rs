//! `telephonist check`: every problem of a script, as the daemon would find it, and what can be
//! proved of it besides.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{Exit, fmt, page, print, sarif, scripts};
use crate::script::prove::{Settings, Turns};
use crate::script::{Problem, Severity};

/// Load scripts as the daemon would, prove what can be proved, and print every problem
#[derive(clap::Args)]
pub(super) struct Args {
    /// Script files, or names below flows/
    #[arg(required_unless_present = "schema", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// `text` for people, `json` for editors: one object a line, `sarif` for code reviews
    #[arg(long, default_value = "text")]
    format: Format,
    /// Folder of audio files; the files a script names are looked for below it
    #[arg(long, default_value = "audio", value_name = "DIR")]
    audio_dir: PathBuf,
    /// First mend in the files what needs no asking: keywords that stand twice in a list or are
    /// empty, blanks around numbers in quotes
    #[arg(long)]
    fix: bool,
    /// Where `[check]` stands, with the rules that are switched off [default: telephonist.toml, if it
    /// is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the JSON schema of script files instead
    #[arg(long)]
    schema: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

/// What was found in one file.
pub(super) struct Checked {
    pub(super) file: String,
    pub(super) is_loaded: bool,
    pub(super) problems: Vec<Problem>,
    pub(super) turns: Option<Turns>,
}

pub(super) fn run(args: &Args) -> Exit {
    if args.schema {
        return print(&crate::script::schema::text());
    }
    let settings = match scripts::settings(args.config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let mut worst = Exit::Fine;
    let mut all = Vec::new();
    for named in &args.files {
        if args.fix
            && let Err(exit) = fmt::fix(&scripts::find(named))
        {
            worst = exit;
            continue;
        }
        match check(named, args, &settings) {
            Ok(checked) => all.push(checked),
            Err(exit) => worst = exit,
        }
    }
    let has_error = |checked: &Checked| checked.problems.iter().any(Problem::is_error);
    if worst == Exit::Fine && all.iter().any(has_error) {
        worst = Exit::Wrong;
    }
    let shown = match args.format {
        Format::Text => all.iter().map(as_text).collect(),
        Format::Json => all.iter().map(as_json).collect(),
        Format::Sarif => sarif::report(&all),
    };
    match print(&shown) {
        Exit::Fine => worst,
        exit => exit,
    }
}

fn check(named: &std::path::Path, args: &Args, settings: &Settings) -> Result<Checked, Exit> {
    let file = scripts::find(named);
    let (script, proved) = scripts::prove(&file, Some(&args.audio_dir), settings)?;
    Ok(Checked {
        file: file.display().to_string(),
        is_loaded: script.is_some(),
        problems: proved.problems,
        turns: proved.turns,
    })
}

fn as_text(checked: &Checked) -> String {
    let mut out: String = checked.problems.iter().map(page::problem).collect();
    let count =
        |wanted| checked.problems.iter().filter(|problem| problem.severity == wanted).count();
    let verdict = if checked.is_loaded { "can be loaded" } else { "is refused" };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let file = &checked.file;
    let mut line = format!("{file}: {verdict}: {errors} errors, {warnings} warnings");
    match count(Severity::Note) {
        0 => {}
        1 => line.push_str(", 1 note"),
        notes => write!(line, ", {notes} notes").expect("writing to memory can't fail"),
    }
    out.push_str(&line);
    out.push('\n');
    out.extend(checked.turns.as_ref().map(page::turns));
    out
}

fn as_json(checked: &Checked) -> String {
    let lines = checked.problems.iter().map(|problem| {
        let line = serde_json::to_string(problem).expect("a problem is plain data");
        line + "\n"
    });
    lines.collect()
}
