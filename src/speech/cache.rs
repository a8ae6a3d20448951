//! Audio that was made or read before: in memory for what is played now, on disk for what a voice
//! made (I20).

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::meter;
use crate::media;

/// What is decoded stays in memory up to this size, bytes: over an hour of telephone audio, which is
/// more than the scripts of one daemon have.
pub(super) const MEMORY_BYTES_MAX: u64 = 64 << 20;

/// A file in the cache: a 44-byte header, then the samples.
const EXTENSION: &str = "wav";

/// A file that is being written; what a crash leaves of it is removed at the next start.
const UNFINISHED: &str = "tmp";

/// Names audio by everything that decides how it sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// Of these parts in this order. Each goes in with its length, so that no two lists make one name.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    fn hex(self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let written = write!(hex, "{byte:02x}");
            debug_assert!(written.is_ok(), "a String takes everything");
            hex
        })
    }

    fn from_hex(hex: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// Values by key, up to a size; who was not asked for longest goes first.
#[derive(Debug)]
struct Lru<V> {
    values: HashMap<Key, Held<V>>,
    /// Turns → keys: the first was not asked for longest.
    order: BTreeMap<u64, Key>,
    turn: u64,
    bytes: u64,
    bytes_max: u64,
}

#[derive(Debug)]
struct Held<V> {
    value: V,
    bytes: u64,
    turn: u64,
}

impl<V> Lru<V> {
    fn new(bytes_max: u64) -> Self {
        Self { values: HashMap::new(), order: BTreeMap::new(), turn: 0, bytes: 0, bytes_max }
    }

    fn get(&mut self, key: Key) -> Option<&V> {
        let held = self.values.get_mut(&key)?;
        self.order.remove(&held.turn);
        self.turn += 1;
        held.turn = self.turn;
        self.order.insert(self.turn, key);
        Some(&held.value)
    }

    /// Holds it; gives the keys that had to go, which may be this one.
    fn put(&mut self, key: Key, value: V, bytes: u64) -> Vec<Key> {
        self.remove(key);
        self.turn += 1;
        self.order.insert(self.turn, key);
        self.values.insert(key, Held { value, bytes, turn: self.turn });
        self.bytes += bytes;
        let mut gone = Vec::new();
        while self.bytes > self.bytes_max
            && let Some((_, oldest)) = self.order.first_key_value()
        {
            let oldest = *oldest;
            self.remove(oldest);
            gone.push(oldest);
        }
        gone
    }

    fn remove(&mut self, key: Key) {
        if let Some(held) = self.values.remove(&key) {
            self.order.remove(&held.turn);
            self.bytes -= held.bytes;
        }
    }
}

/// Decoded audio, shared by all calls that play it.
#[derive(Debug)]
pub(super) struct Memory(Mutex<Lru<Arc<[i16]>>>);

impl Memory {
    /// Holds up to so many bytes.
    pub(super) fn new(bytes_max: u64) -> Self {
        Self(Mutex::new(Lru::new(bytes_max)))
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<[i16]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(super) fn put(&self, key: Key, samples: Arc<[i16]>) {
        let bytes = size_of_val(&*samples) as u64;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, samples, bytes);
    }
}

/// What voices made, as WAV files that outlive the daemon. All of it blocks on the disk.
#[derive(Debug)]
pub(super) struct Disk {
    dir: PathBuf,
    index: Mutex<Lru<()>>,
}

impl Disk {
    /// The cache in this folder, up to so many bytes; files of former runs are in it. A folder that
    /// can't be made or read is an empty cache, and the log says so.
    pub(super) fn open(dir: PathBuf, bytes_max: u64) -> Self {
        let disk = Self { dir, index: Mutex::new(Lru::new(bytes_max)) };
        if let Err(error) = disk.look() {
            tracing::warn!(dir = %disk.dir.display(), %error, "no cache of voices");
        }
        disk
    }

    /// The audio under this name, if it is there whole. A file that is not is removed.
    pub(super) fn load(&self, key: Key) -> Option<Vec<i16>> {
        self.index().get(key)?;
        let path = self.path(key);
        let read = fs::read(&path).map_err(|error| error.to_string()).and_then(|b| decoded(&b));
        read.inspect_err(|error| {
            tracing::warn!(file = %path.display(), %error, "a cached file is bad and made anew");
            self.index().remove(key);
            self.delete(key);
        })
        .ok()
    }

    /// Keeps audio under this name. A disk that takes nothing costs the cache and nothing else: the log
    /// says so.
    pub(super) fn save(&self, key: Key, samples: &[i16]) {
        match self.write(key, samples) {
            Ok(bytes) => {
                let gone = self.index().put(key, (), bytes);
                gone.into_iter().for_each(|key| self.delete(key));
            }
            Err(error) => {
                meter::unsaved();
                tracing::warn!(dir = %self.dir.display(), %error, "synthesised audio is not cached");
            }
        }
    }

    /// Finds what former runs left.
    fn look(&self) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(UNFINISHED) => fs::remove_file(&path)?,
                Some(EXTENSION) => found.extend(aged(&path)),
                _ => {}
            }
        }
        found.sort_by_key(|(used, ..)| *used);
        for (_, key, bytes) in found {
            let gone = self.index().put(key, (), bytes);
            gone.into_iter().for_each(|key| self.delete(key));
        }
        Ok(())
    }

    /// Under another name first: a file with a right name is whole.
    fn write(&self, key: Key, samples: &[i16]) -> io::Result<u64> {
        let bytes = encoded(samples).map_err(io::Error::other)?;
        // Two daemons may share the folder.
        let name = format!("{}-{}.{UNFINISHED}", key.hex(), uuid::Uuid::new_v4());
        let unfinished = self.dir.join(name);
        let written = fs::write(&unfinished, &bytes)
            .and_then(|()| fs::rename(&unfinished, self.path(key)))
            .map(|()| bytes.len() as u64);
        if written.is_err() {
            drop(fs::remove_file(&unfinished));
        }
        written
    }

    fn delete(&self, key: Key) {
        let path = self.path(key);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %path.display(), %error, "a cached file can't be removed");
        }
    }

    fn path(&self, key: Key) -> PathBuf {
        self.dir.join(key.hex()).with_extension(EXTENSION)
    }

    fn index(&self) -> std::sync::MutexGuard<'_, Lru<()>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a file was last used, its key and its size. The kernel keeps the time of the last reading, to
/// a day where it is `relatime`.
fn aged(path: &Path) -> Option<(SystemTime, Key, u64)> {
    let key = Key::from_hex(path.file_stem()?.to_str()?)?;
    let metadata = fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    let used = metadata.accessed().map_or(modified, |accessed| accessed.max(modified));
    Some((used, key, metadata.len()))
}

const WAV: hound::WavSpec = hound::WavSpec {
    channels: 1,
    sample_rate: media::RATE,
    bits_per_sample: 16,
    sample_format: hound::SampleFormat::Int,
};

fn encoded(samples: &[i16]) -> Result<Vec<u8>, hound::Error> {
    let mut bytes = Cursor::new(Vec::with_capacity(44 + 2 * samples.len()));
    let mut writer = hound::WavWriter::new(&mut bytes, WAV)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}

fn decoded(bytes: &[u8]) -> Result<Vec<i16>, String> {
    let reader = hound::WavReader::new(bytes).map_err(|error| error.to_string())?;
    if reader.spec() != WAV || reader.duration() == 0 {
        return Err("it is no audio of ours".into());
    }
    reader.into_samples().collect::<Result<_, _>>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::of(&[name.as_bytes()])
    }

    /// As many samples as a file of this size holds.
    fn samples(bytes: usize) -> Vec<i16> {
        (0..i16::MAX).cycle().take((bytes - 44) / 2).collect()
    }

    #[test]
    fn every_part_of_a_name_and_its_bounds_count_i20() {
        assert_eq!(Key::of(&[b"a", b"b"]), Key::of(&[b"a", b"b"]));
        let others: [&[&[u8]]; 4] = [&[b"ab", b""], &[b"", b"ab"], &[b"ab"], &[b"b", b"a"]];
        for other in others {
            assert_ne!(Key::of(&[b"a", b"b"]), Key::of(other));
        }
        assert_eq!(Key::from_hex(&key("a").hex()), Some(key("a")));
        assert_eq!(Key::from_hex("../a"), None);
    }

    #[test]
    fn what_was_saved_is_there_after_a_restart_i20() {
        let folder = tempfile::tempdir().unwrap();
        Disk::open(folder.path().into(), 10_000).save(key("a"), &samples(1_000));
        let disk = Disk::open(folder.path().into(), 10_000);
        assert_eq!(disk.load(key("a")), Some(samples(1_000)));
        assert_eq!(disk.load(key("b")), None);
    }

    #[test]
    fn the_least_recently_used_goes_and_its_file_with_it_i20() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path().into(), 3_000);
        for name in ["a", "b", "c"] {
            disk.save(key(name), &samples(1_000));
        }
        assert!(disk.load(key("a")).is_some());
        disk.save(key("d"), &samples(1_000));
        assert!(disk.load(key("b")).is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        for name in ["a", "c", "d"] {
            assert!(disk.load(key(name)).is_some(), "{name}");
        }

        let smaller = Disk::open(folder.path().into(), 1_500);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        smaller.save(key("e"), &samples(2_000));
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "more than all there is room for"
        );
    }

    #[test]
    fn a_file_that_is_not_whole_is_removed_i20() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path().into(), 10_000);
        let whole = encoded(&samples(1_000)).unwrap();
        for bad in [&whole[..500], &whole[..20], b"", b"RIFF\xff\xff\xff\xffWAVEfmt "] {
            disk.save(key("a"), &samples(1_000));
            fs::write(disk.path(key("a")), bad).unwrap();
            assert_eq!(disk.load(key("a")), None);
            assert!(!disk.path(key("a")).exists());
        }
        fs::write(folder.path().join("left.tmp"), "half").unwrap();
        fs::write(folder.path().join("other.txt"), "not ours").unwrap();
        drop(Disk::open(folder.path().into(), 10_000));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_disk_that_takes_nothing_costs_only_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let disk = Disk::open(file.join("cache"), 10_000);
        disk.save(key("a"), &samples(1_000));
        assert_eq!(disk.load(key("a")), None);
    }

    #[test]
    fn memory_is_bounded_and_shared() {
        let memory = Memory::new(3_000);
        let audio: Arc<[i16]> = samples(2_044).into();
        memory.put(key("a"), Arc::clone(&audio));
        assert!(Arc::ptr_eq(&memory.get(key("a")).unwrap(), &audio));
        memory.put(key("b"), Arc::clone(&audio));
        assert!(memory.get(key("a")).is_none() && memory.get(key("b")).is_some());
    }
}
