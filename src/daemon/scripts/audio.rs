//! The audio files that a script names, and that are not there (E10).

use std::path::Path;

use crate::script::{self, Problem, Script};

/// A warning for each of them, up to 500. `text` is the script's text, `file` what problems call
/// it; the files lie in the script's `voicedir` below `audio_dir`.
#[must_use]
pub fn missing_audio(script: &Script, file: &str, text: &[u8], audio_dir: &Path) -> Vec<Problem> {
    let folder = audio_dir.join(script.global.voicedir.as_str());
    let missing = script.audio_files.iter().filter_map(|audio| {
        let below = audio.file.trim_start_matches("file://");
        let message = || format!("there is no audio file {}", folder.join(&*audio.file).display());
        (!folder.join(below).is_file()).then(|| (audio.offset, message()))
    });
    let hint = "record it, or write the words as they are to be spoken";
    script::warnings(file, &String::from_utf8_lossy(text), missing, hint, "missing-audio")
}
