//! Audio files of scripts: below the audio folder, and nowhere above it (E8, N10).

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use smol_str::{SmolStr, format_smolstr};

use super::cache::Key;

/// A larger file is no prompt, bytes: an hour of music as MP3.
pub(super) const FILE_BYTES_MAX: u64 = 64 << 20;

/// The audio folder. All of it blocks on the disk.
#[derive(Clone, Debug)]
pub(super) struct AudioFolder {
    root: PathBuf,
}

/// A file of it, as it was when it was found.
#[derive(Clone, Debug)]
pub(super) struct AudioFile {
    path: PathBuf,
    key: Key,
}

impl AudioFolder {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The file of this name, extension included, below `voicedir`.
    pub(super) fn file(&self, voicedir: &str, name: &str) -> Result<AudioFile, SmolStr> {
        let path = self.path(voicedir, name)?;
        self.found(&path).ok_or_else(|| format_smolstr!("no such audio file: {}", path.display()))
    }

    /// What is recorded under this name, without its extension.
    pub(super) fn recorded(&self, voicedir: &str, name: &str) -> Option<AudioFile> {
        ["wav", "mp3"].into_iter().find_map(|extension| {
            let path = self.path(voicedir, &format!("{name}.{extension}")).ok()?;
            self.found(&path)
        })
    }

    fn path(&self, voicedir: &str, name: &str) -> Result<PathBuf, SmolStr> {
        let name = name.strip_prefix("file://").unwrap_or(name);
        let below =
            if voicedir.is_empty() { name.to_owned() } else { format!("{voicedir}/{name}") };
        if !is_below(&below) {
            return Err(format_smolstr!(
                "the file name leads out of the audio folder or has signs that are not allowed: {below}"
            ));
        }
        Ok(self.root.join(below))
    }

    /// A file that is there and is, links followed, below the root.
    fn found(&self, path: &Path) -> Option<AudioFile> {
        let root = self.root.canonicalize().ok()?;
        let path = path.canonicalize().ok()?;
        let metadata = fs::metadata(&path).ok()?;
        if !metadata.is_file() || !path.starts_with(root) {
            return None;
        }
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let key = Key::of(&[
            b"file",
            path.as_os_str().as_encoded_bytes(),
            &modified.as_nanos().to_le_bytes(),
            &metadata.len().to_le_bytes(),
        ]);
        Some(AudioFile { path, key })
    }
}

impl AudioFile {
    /// Names what is in the file now: a file that changes gets another.
    pub(super) fn key(&self) -> Key {
        self.key
    }

    /// All of it.
    pub(super) fn read(&self) -> Result<Vec<u8>, SmolStr> {
        let fault = |fault: &dyn std::fmt::Display| {
            format_smolstr!("the audio file {} {fault}", self.path.display())
        };
        let file = File::open(&self.path)
            .map_err(|error| fault(&format_args!("can't be read: {error}")))?;
        let mut bytes = Vec::new();
        let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| fault(&format_args!("can't be read: {error}")))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(fault(&format_args!("is larger than {} MiB", FILE_BYTES_MAX >> 20)));
        }
        Ok(bytes)
    }

    /// For messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// A name that leads nowhere above, of the signs that every switch takes in a file's name, so that a
/// script does not depend on the switch.
fn is_below(name: &str) -> bool {
    let allowed = |sign: char| sign.is_alphanumeric() || " _-.+=,()/".contains(sign);
    let stays_below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    !name.is_empty() && stays_below && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_below_the_folder_and_nowhere_else_n10() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("audio");
        fs::create_dir_all(root.join("ru")).unwrap();
        fs::write(root.join("ru/hello.wav"), "hello").unwrap();
        fs::write(root.join("ru/музыка (1).mp3"), "music").unwrap();
        fs::write(folder.path().join("secret.wav"), "secret").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.wav"), root.join("ru/link.wav"))
            .unwrap();
        let audio = AudioFolder::new(&root);

        for name in ["hello.wav", "file://hello.wav"] {
            assert_eq!(audio.file("ru", name).unwrap().read().unwrap(), b"hello");
            assert_eq!(
                audio
                    .file("", &format!("ru/{}", name.trim_start_matches("file://")))
                    .unwrap()
                    .read()
                    .unwrap(),
                b"hello"
            );
        }
        assert_eq!(audio.recorded("ru", "hello").unwrap().read().unwrap(), b"hello");
        assert_eq!(audio.recorded("ru", "музыка (1)").unwrap().read().unwrap(), b"music");
        assert!(audio.recorded("ru", "Good morning!").is_none());
        for outside in [
            "link.wav",
            "missing.wav",
            "../../secret.wav",
            "file://../../secret.wav",
            "/etc/passwd",
            "file:///etc/passwd",
            "..",
            "",
            "hello.wav\0.mp3",
            "shell:touch x",
        ] {
            assert!(audio.file("ru", outside).is_err(), "{outside}");
        }
        assert!(audio.file("../..", "secret.wav").is_err());
        assert!(audio.recorded("ru", "../../secret").is_none());
        assert!(audio.recorded("ru", "link").is_none());
    }

    #[test]
    fn a_file_that_changed_is_another_e8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let audio = AudioFolder::new(folder.path());
        fs::write(&path, "one").unwrap();
        let one = audio.file("", "a.wav").unwrap().key();
        assert_eq!(audio.file("", "a.wav").unwrap().key(), one);
        fs::write(&path, "three").unwrap();
        assert_ne!(audio.file("", "a.wav").unwrap().key(), one);
    }
}
