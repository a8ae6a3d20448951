//! `telephonist fmt`: scripts in the house style; and what `check --fix` mends.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Exit, print, scripts};
use crate::script::{self, Problem};

/// Write scripts in the house style: order of keys, indent, one line where it fits
#[derive(clap::Args)]
pub(super) struct Args {
    /// Script files, or names below flows/
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change nothing; name the files that are not in the house style and exit with 1
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args) -> Exit {
    let mut worst = Exit::Fine;
    for named in &args.files {
        let file = scripts::find(named);
        let exit = match format(&file, args.check) {
            Ok(exit) | Err(exit) => exit,
        };
        if worst == Exit::Fine {
            worst = exit;
        }
    }
    worst
}

fn format(file: &Path, is_check: bool) -> Result<Exit, Exit> {
    let written = read(file)?;
    let label = file.display();
    let formatted = match formatted(file, &written) {
        Ok(formatted) => formatted,
        Err(problems) => {
            for problem in problems.iter().filter(|problem| problem.is_error()) {
                eprintln!("{problem}");
            }
            eprintln!("{label}: is refused, and left as it is");
            return Err(Exit::Wrong);
        }
    };
    if formatted == written {
        return Ok(Exit::Fine);
    }
    if is_check {
        let line = first_difference(&written, &formatted);
        return match print(&format!("{label}:{line}: not in the house style\n")) {
            Exit::Fine => Err(Exit::Wrong),
            exit => Err(exit),
        };
    }
    replace(file, &formatted).map_err(|error| tell(file, &error))?;
    Ok(print(&format!("{label}: formatted\n")))
}

/// The text in the house style; what is wrong with a script that can't be loaded.
fn formatted(file: &Path, written: &str) -> Result<String, Vec<Problem>> {
    let label = file.display().to_string();
    let (loaded, problems) = script::load(&scripts::name_of(file), &label, written.as_bytes());
    match (loaded, script::format(written)) {
        (Some(_), Some(formatted)) => Ok(formatted),
        _ => Err(problems),
    }
}

fn first_difference(written: &str, formatted: &str) -> usize {
    let same = written.lines().zip(formatted.lines()).take_while(|(one, other)| one == other);
    same.count() + 1
}

/// Mends in a file what can be mended without asking, and tells what that was.
///
/// # Errors
/// The file can't be read or written; told on standard error.
pub(super) fn fix(file: &Path) -> Result<(), Exit> {
    let written = read(file)?;
    let Some(remedied) = script::remedy(&written) else { return Ok(()) };
    let errors = |text: &str| {
        let (_, problems) = script::load("", "", text.as_bytes());
        problems.iter().filter(|problem| problem.is_error()).count()
    };
    // A remedy is no remedy if the file is worse for it.
    if errors(&remedied.text) > errors(&written) {
        return Ok(());
    }
    replace(file, &remedied.text).map_err(|error| tell(file, &error))?;
    for (line, deed) in &remedied.done {
        eprintln!("{}:{line}: mended: {deed}", file.display());
    }
    Ok(())
}

/// A script's text. One that is no text or too large is refused as `load` refuses it.
fn read(file: &Path) -> Result<String, Exit> {
    let bytes = scripts::read(file).map_err(|error| tell(file, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let (_, problems) = script::load("", &file.display().to_string(), error.as_bytes());
        for problem in problems {
            eprintln!("{problem}");
        }
        Exit::Wrong
    })
}

fn tell(file: &Path, error: &std::io::Error) -> Exit {
    eprintln!("{}: {error}", file.display());
    Exit::Usage
}

/// Replaces a file's text in one step: whoever reads it meets the old text or the new one. A link
/// stays a link, and the file keeps its permissions, and its owner if we may give files away.
pub(super) fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let file = file.canonicalize()?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // No script has this ending, so that no daemon loads it.
    let half = folder.join(format!(".{name}.{}.half", std::process::id()));
    let written = write_like(&half, &file, text).and_then(|()| std::fs::rename(&half, &file));
    if written.is_err() {
        // Nothing more can be done about it than is told already.
        drop(std::fs::remove_file(&half));
    }
    written
}

fn write_like(half: &Path, file: &Path, text: &str) -> std::io::Result<()> {
    let like = std::fs::metadata(file)?;
    let mut out = std::fs::File::create_new(half)?;
    out.write_all(text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let own = out.metadata()?;
        if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
            // Only an administrator may; for others the file becomes theirs, as an editor's would.
            drop(fchown(&out, Some(like.uid()), Some(like.gid())));
        }
    }
    out.set_permissions(like.permissions())?;
    out.sync_all()
}
