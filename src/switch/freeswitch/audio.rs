//! Where a prompt's audio is: the edge that looks into the audio folder before the switch is asked.

use std::path::{Path, PathBuf};

use smol_str::{SmolStr, format_smolstr};

use super::escape;
use crate::engine::Source;

/// Longest silence in one entry, ms: what is longer is a mistake and would hold the line.
const SILENCE_MS_MAX: u64 = 600_000;

/// Something the switch can make heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Playable {
    /// Argument of `playback` for a file: it can begin anywhere.
    File(String),
    /// Argument of `playback` for a stream: it begins at its beginning.
    Stream(String),
    /// Argument of `speak`.
    Speech(String),
}

/// The audio folder, and the switch's voice.
#[derive(Clone, Debug)]
pub(super) struct Audio {
    /// As the switch and we see it: absolute.
    root: PathBuf,
    /// `engine|voice` of the switch; `None` = texts can't be spoken.
    voice: Option<String>,
}

impl Audio {
    /// `tts` as configured: `file`, or `<engine>:<voice>` of the switch.
    pub(super) fn new(root: &Path, tts: &str) -> Self {
        let voice = tts.split_once(':').map(|(engine, voice)| format!("{engine}|{voice}"));
        // A folder that can't be made absolute stays as it is, and its files are then not found.
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        Self { root, voice }
    }

    /// What to play for an entry, or why it can't be played.
    pub(super) fn resolve(&self, voicedir: &str, source: &Source) -> Result<Playable, SmolStr> {
        match source {
            Source::File(name) => self.file(voicedir, name),
            Source::FileOrText(name) => self.file_or_text(voicedir, name),
            Source::Text(text) => self.speech(text),
            Source::Tone(tone) => escape::tone(tone)
                .map(|tone| Playable::Stream(tone.to_owned()))
                .map_err(|refused| format_smolstr!("{refused}: {tone}")),
            Source::Silence(ms) => {
                Ok(Playable::Stream(format!("silence_stream://{}", ms.min(&SILENCE_MS_MAX))))
            }
            Source::Url(url) => {
                Err(format_smolstr!("this switch plays no URLs, make it a file: {url}"))
            }
        }
    }

    fn file(&self, voicedir: &str, name: &str) -> Result<Playable, SmolStr> {
        let path = self.path(voicedir, name)?;
        // Where the folder is on the switch's machine only, the switch finds out.
        if self.root.is_dir() && !self.is_inside(&path) {
            return Err(format_smolstr!("no such audio file: {}", path.display()));
        }
        Ok(Playable::File(path.display().to_string()))
    }

    fn file_or_text(&self, voicedir: &str, name: &str) -> Result<Playable, SmolStr> {
        let recorded = ["wav", "mp3"].into_iter().find_map(|extension| {
            let path = self.path(voicedir, &format!("{name}.{extension}")).ok()?;
            self.is_inside(&path).then(|| Playable::File(path.display().to_string()))
        });
        recorded.map_or_else(|| self.speech(name), Ok)
    }

    fn path(&self, voicedir: &str, name: &str) -> Result<PathBuf, SmolStr> {
        let name = name.strip_prefix("file://").unwrap_or(name);
        let below =
            if voicedir.is_empty() { name.to_owned() } else { format!("{voicedir}/{name}") };
        let path = escape::relative_path(&below)
            .map_err(|refused| format_smolstr!("{refused}: {below}"))?;
        Ok(self.root.join(path))
    }

    /// A file that is there and is, links followed, below the root. One look at a local disk: the
    /// kernel answers from memory.
    fn is_inside(&self, path: &Path) -> bool {
        match (self.root.canonicalize(), path.canonicalize()) {
            (Ok(root), Ok(path)) => path.is_file() && path.starts_with(root),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    fn speech(&self, text: &str) -> Result<Playable, SmolStr> {
        let spoken = escape::speech(text);
        match &self.voice {
            Some(_) if spoken.is_empty() => Err("there is nothing to speak in it".into()),
            Some(voice) => Ok(Playable::Speech(format!("{voice}|{spoken}"))),
            None => Err(format_smolstr!(
                "no voice speaks texts: record {text:?} or set `tts = \"<engine>:<voice>\"`"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_below_the_folder_and_nowhere_else_n10() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("audio");
        std::fs::create_dir_all(root.join("ru")).unwrap();
        std::fs::write(root.join("ru/hello.wav"), "").unwrap();
        std::fs::write(folder.path().join("secret.wav"), "").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.wav"), root.join("ru/link.wav"))
            .unwrap();
        let audio = Audio::new(&root, "file");

        let hello = Playable::File(root.join("ru/hello.wav").display().to_string());
        let file = |name: &str| audio.resolve("ru", &Source::File(name.into()));
        assert_eq!(file("hello.wav"), Ok(hello.clone()));
        assert_eq!(file("file://hello.wav"), Ok(hello.clone()));
        assert_eq!(audio.resolve("ru", &Source::FileOrText("hello".into())), Ok(hello));
        for outside in ["link.wav", "missing.wav", "../../secret.wav", "/etc/passwd"] {
            assert!(file(outside).is_err(), "{outside}");
        }
    }

    #[test]
    fn a_folder_on_the_switchs_machine_is_left_to_the_switch() {
        let audio = Audio::new(Path::new("/nowhere/audio"), "file");
        let there = audio.resolve("", &Source::File("a.wav".into()));
        assert_eq!(there, Ok(Playable::File("/nowhere/audio/a.wav".into())));
    }

    #[test]
    fn a_text_is_spoken_by_the_switchs_voice_or_refused_with_the_remedy() {
        let text = Source::Text("a|b ${x}".into());
        let with_voice = Audio::new(Path::new("audio"), "tts_commandline:default");
        assert_eq!(
            with_voice.resolve("", &text),
            Ok(Playable::Speech("tts_commandline|default|a b ＄(x)".into()))
        );
        let reason = Audio::new(Path::new("audio"), "file").resolve("", &text).unwrap_err();
        assert!(reason.contains("tts ="), "{reason}");
    }
}
