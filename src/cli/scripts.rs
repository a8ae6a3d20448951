//! Finding and loading the script a command names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Exit;
use crate::config;
use crate::daemon::scripts::missing_audio;
use crate::script::prove::{Proved, Settings};
use crate::script::{self, Problem, Script};

/// A script file is read up to one byte more than it may have, so that a larger one is noticed
/// without being read whole.
const READ_MAX: u64 = script::FILE_BYTES_MAX as u64 + 1;

/// The file a command means: a path, or a name below `flows/` without `.json`.
pub(super) fn find(named: &Path) -> PathBuf {
    if named.exists() {
        return named.to_owned();
    }
    let mut with_ending = Path::new("flows").join(named).into_os_string();
    with_ending.push(".json");
    let with_ending = PathBuf::from(with_ending);
    if with_ending.exists() { with_ending } else { named.to_owned() }
}

/// A script's name (R1): its path below `flows/` without `.json`, else its file name.
pub(super) fn name_of(file: &Path) -> String {
    let below = file.strip_prefix("flows").ok().filter(|below| below.components().count() > 0);
    let named = below.or_else(|| file.file_name().map(Path::new)).unwrap_or(file);
    named.with_extension("").to_string_lossy().into_owned()
}

/// Loads a script and everything there is to say about it; of audio files that are missing only if
/// it is known where they should be.
///
/// # Errors
/// The file can't be read; told on standard error.
pub(super) fn load(
    file: &Path,
    audio_dir: Option<&Path>,
) -> Result<(Option<Arc<Script>>, Vec<Problem>), Exit> {
    load_with_text(file, audio_dir).map(|(script, problems, _)| (script, problems))
}

/// The script, its problems, and its text.
type WithText = (Option<Arc<Script>>, Vec<Problem>, Vec<u8>);

fn load_with_text(file: &Path, audio_dir: Option<&Path>) -> Result<WithText, Exit> {
    let bytes = read(file).map_err(|error| {
        eprintln!("{}: {error}", file.display());
        Exit::Usage
    })?;
    let label = file.display().to_string();
    let (script, mut problems) = script::load(&name_of(file), &label, &bytes);
    if let (Some(script), Some(audio_dir)) = (&script, audio_dir) {
        problems.extend(missing_audio(script, &label, &bytes, audio_dir));
    }
    Ok((script, problems, bytes))
}

/// Loads a script, proves what can be proved of it, and judges it by these settings.
///
/// # Errors
/// The file can't be read; told on standard error.
pub(super) fn prove(
    file: &Path,
    audio_dir: Option<&Path>,
    settings: &Settings,
) -> Result<(Option<Arc<Script>>, Proved), Exit> {
    let (script, problems, bytes) = load_with_text(file, audio_dir)?;
    let label = file.display().to_string();
    let text = String::from_utf8_lossy(&bytes);
    let proved = script::prove::prove(script.as_deref(), (&label, &text), problems, settings);
    Ok((script, proved))
}

/// The rules that `[check]` of the configuration sets.
///
/// # Errors
/// [`Exit::Config`], after all that is wrong with it was told on standard error.
pub(super) fn settings(config: Option<&Path>) -> Result<Settings, Exit> {
    let read = config::check_rules(config).map_err(|rejected| {
        eprintln!("{rejected}");
        Exit::Config
    })?;
    let mut settings = Settings::new();
    let mut is_wrong = false;
    for (rule, config::CheckRule { severity, reason }) in read {
        match script::prove::setting(&rule, &severity, &reason) {
            Ok(setting) => {
                settings.insert(rule, setting);
            }
            Err(message) => {
                eprintln!("[check] {rule}: {message}");
                is_wrong = true;
            }
        }
    }
    if is_wrong { Err(Exit::Config) } else { Ok(settings) }
}

/// Loads a script that must be right; its errors are told on standard error.
///
/// # Errors
/// The file can't be read, or the script has errors.
pub(super) fn load_or_tell(file: &Path) -> Result<Arc<Script>, Exit> {
    let (script, problems) = load(file, None)?;
    for problem in problems.iter().filter(|problem| problem.is_error()) {
        eprintln!("{problem}");
    }
    script.ok_or(Exit::Wrong)
}

/// A file's bytes, as far as a script may have them and one more.
pub(super) fn read(file: &Path) -> std::io::Result<Vec<u8>> {
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
