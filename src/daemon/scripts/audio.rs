//! The audio files that a script names, and that are not there (E10).

use std::path::Path;

use crate::script::{self, Problem, Script};

/// A warning for each of them. `text` is the script's text, `file` what problems call it; the files
/// lie in the script's `voicedir` below `audio_dir`.
#[must_use]
pub fn missing_audio(script: &Script, file: &str, text: &[u8], audio_dir: &Path) -> Vec<Problem> {
    let folder = audio_dir.join(script.global.voicedir.as_str());
    let text = String::from_utf8_lossy(text);
    let missing = script.audio_files.iter().filter(|audio| {
        let below = audio.file.trim_start_matches("file://");
        !folder.join(below).is_file()
    });
    missing
        .map(|audio| {
            let message = format!("there is no audio file {}", folder.join(&*audio.file).display());
            let hint = "record it, or write the words as they are to be spoken";
            script::warning_at(file, &text, audio.offset, message, hint)
        })
        .collect()
}
