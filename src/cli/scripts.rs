//! Finding and loading the script a command names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Exit;
use crate::script::{self, Problem, Script};

/// A script file is read up to one byte more than it may have, so that a larger one is noticed
/// without being read whole.
const READ_MAX: u64 = script::FILE_BYTES_MAX as u64 + 1;

/// The file a command means: a path, or a name below `flows/` without `.json`.
pub(super) fn find(named: &Path) -> PathBuf {
    if named.exists() {
        return named.to_owned();
    }
    let below = Path::new("flows").join(named);
    let with_ending = below.with_extension("json");
    if with_ending.exists() { with_ending } else { named.to_owned() }
}

/// A script's name (R1): its path below `flows/` without `.json`, else its file name.
pub(super) fn name_of(file: &Path) -> String {
    let below = file.strip_prefix("flows").ok().filter(|below| below.components().count() > 0);
    let named = below.or_else(|| file.file_name().map(Path::new)).unwrap_or(file);
    named.with_extension("").to_string_lossy().into_owned()
}

/// Loads a script and everything there is to say about it.
///
/// # Errors
/// The file can't be read; told on standard error.
pub(super) fn load(file: &Path) -> Result<(Option<Arc<Script>>, Vec<Problem>), Exit> {
    let bytes = read(file).map_err(|error| {
        eprintln!("{}: {error}", file.display());
        Exit::Usage
    })?;
    Ok(script::load(&name_of(file), &file.display().to_string(), &bytes))
}

/// Loads a script that must be right; its errors are told on standard error.
///
/// # Errors
/// The file can't be read, or the script has errors.
pub(super) fn load_or_tell(file: &Path) -> Result<Arc<Script>, Exit> {
    let (script, problems) = load(file)?;
    for problem in problems.iter().filter(|problem| problem.is_error()) {
        eprintln!("{problem}");
    }
    script.ok_or(Exit::Wrong)
}

/// A warning for each audio file that a script names and that is not there (E10).
pub(super) fn missing_audio(script: &Script, file: &Path, audio_dir: &Path) -> Vec<Problem> {
    let folder = audio_dir.join(script.global.voicedir.as_str());
    let missing = script.audio_files.iter().filter(|audio| {
        let path = Path::new(audio.file.trim_start_matches("file://"));
        !folder.join(path).is_file()
    });
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let label = file.display().to_string();
    missing
        .map(|audio| {
            let message = format!("there is no audio file {}", folder.join(&*audio.file).display());
            let hint = "record it, or write the words as they are to be spoken";
            script::warning_at(&label, &text, audio.offset, message, hint)
        })
        .collect()
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(READ_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R1.
    #[test]
    fn a_script_is_named_by_its_path_below_the_folder() {
        assert_eq!(name_of(Path::new("flows/debug/905ee6.json")), "debug/905ee6");
        assert_eq!(name_of(Path::new("/somewhere/else/loan.json")), "loan");
    }
}
