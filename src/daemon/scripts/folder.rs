//! Scripts as files: the scripts folder, and the folder of copies.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use smol_str::SmolStr;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::catalog::{Catalog, Origin, is_name};
use crate::script::FILE_BYTES_MAX;

/// Folders in folders: deeper is a link that leads back.
const DEPTH_MAX: usize = 16;

/// An editor writes a file in several steps, a deployment many files: they are read when this much
/// time has passed without another.
const QUIET: Duration = Duration::from_millis(200);

/// Where the system can't tell of changes (the folder is missing, is on a network, or there are no
/// watches left), it is read this often.
const RESCAN: Duration = Duration::from_secs(10);

/// A script as a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ScriptFile {
    pub(super) name: SmolStr,
    pub(super) path: PathBuf,
}

/// The scripts folder.
pub(super) struct Folder {
    dir: PathBuf,
    catalog: Arc<Catalog>,
    /// Whether the log has been told that the folder can't be read.
    is_unreadable: AtomicBool,
}

impl Folder {
    pub(super) fn new(dir: &Path, catalog: Arc<Catalog>) -> Self {
        Self { dir: dir.to_owned(), catalog, is_unreadable: AtomicBool::new(false) }
    }

    /// Reads what is there now.
    pub(super) async fn read(&self) {
        let found = read_all(&self.catalog, Origin::File, &self.dir).await;
        let was_told = self.is_unreadable.swap(found.is_err(), Ordering::Relaxed);
        match found {
            Ok(names) => drop(self.catalog.retain(Origin::File, &names).await),
            // The scripts of a folder that can't be read for a moment stay in force.
            Err(_) if was_told => {}
            Err(error) => {
                tracing::warn!(dir = %self.dir.display(), %error, "the scripts folder can't be read");
            }
        }
    }

    /// Reads the folder again whenever something in it changes; never ends.
    pub(super) async fn watch(&self) {
        loop {
            let changed = Arc::new(Notify::new());
            let watcher = self.watcher(&changed);
            // Between the reading at the start and the watching something may have changed.
            self.read().await;
            match watcher {
                Ok(_watching) => self.follow(&changed).await,
                Err(error) => {
                    let dir = self.dir.display();
                    tracing::debug!(%dir, %error, "the folder can't be watched and is read instead");
                    sleep(RESCAN).await;
                }
            }
        }
    }

    /// Follows the changes until the folder itself is gone.
    async fn follow(&self, changed: &Notify) {
        while self.dir.is_dir() {
            changed.notified().await;
            while timeout(QUIET, changed.notified()).await.is_ok() {}
            self.read().await;
        }
    }

    fn watcher(&self, changed: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
        let tell = Arc::clone(changed);
        // Whatever it is, even an error or an overflow, the folder is worth a look.
        let mut watcher = notify::recommended_watcher(move |_| tell.notify_one())?;
        watcher.watch(&self.dir, RecursiveMode::Recursive)?;
        Ok(watcher)
    }
}

/// Offers every script below a folder; gives the names that are there.
pub(super) async fn read_all(
    catalog: &Catalog,
    origin: Origin,
    dir: &Path,
) -> io::Result<BTreeSet<SmolStr>> {
    let mut names = BTreeSet::new();
    for ScriptFile { name, path } in in_background(dir, find).await? {
        match in_background(&path, read).await {
            Ok(bytes) => {
                let label = path.display().to_string();
                catalog.offer(origin, &name, &label, bytes).await;
            }
            Err(error) => tracing::warn!(path = %path.display(), %error, "a script can't be read"),
        }
        names.insert(name);
    }
    Ok(names)
}

/// File systems may be slow: their work is done beside.
async fn in_background<T: Send + 'static>(
    path: &Path,
    work: fn(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let path = path.to_owned();
    spawn_blocking(move || work(&path)).await.map_err(io::Error::other)?
}

/// The file's bytes; of a file that is too large enough to see that it is.
///
/// # Errors
/// It can't be read, or somebody is writing to it: half of it may be a script too. It is read again
/// when the writing has ended.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let before = file.metadata()?;
    let mut bytes = Vec::new();
    (&file).take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if is_written_to(&before, &file.metadata()?) {
        return Err(io::Error::other("it changes while it is read"));
    }
    Ok(bytes)
}

fn is_written_to(before: &Metadata, after: &Metadata) -> bool {
    before.len() != after.len() || before.modified().ok() != after.modified().ok()
}

/// Every script below a folder, in the order of their names.
fn find(dir: &Path) -> io::Result<Vec<ScriptFile>> {
    let mut found = Vec::new();
    collect(dir, "", DEPTH_MAX, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(
    dir: &Path,
    prefix: &str,
    depth_left: usize,
    found: &mut Vec<ScriptFile>,
) -> io::Result<()> {
    for entry in dir.read_dir()? {
        let path = entry?.path();
        let Some(step) = path.file_name().and_then(|name| name.to_str()) else {
            tracing::warn!(path = %path.display(), "not UTF-8: such a file can be no script");
            continue;
        };
        let below = format!("{prefix}{step}");
        if path.is_dir() {
            if depth_left > 0 {
                collect(&path, &format!("{below}/"), depth_left - 1, found)?;
            }
        } else if let Some(name) = below.strip_suffix(".json").filter(|name| is_name(name))
            // A pipe of that name would be waited for until somebody writes to it.
            && path.is_file()
        {
            found.push(ScriptFile { name: name.into(), path: path.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_script_is_named_by_its_path() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("debug/b.calls")).unwrap();
        for file in ["a.json", "debug/b.json", "debug/b.calls/c.call", "README.md", ".json"] {
            std::fs::write(dir.path().join(file), "{}").unwrap();
        }
        std::os::unix::fs::symlink(dir.path(), dir.path().join("debug/loop")).unwrap();
        let found = find(dir.path()).unwrap();
        let names: Vec<_> = found.iter().map(|file| file.name.as_str()).take(2).collect();
        assert_eq!(names, ["a", "debug/b"]);
        assert!(found.len() <= 2 * DEPTH_MAX, "a link that leads back is not followed for ever");
    }

    /// E10: a file of 100 MB is not read whole, and is refused for its size.
    #[test]
    fn a_huge_file_is_not_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge.json");
        File::create(&path).unwrap().set_len(100 << 20).unwrap();
        let bytes = read(&path).unwrap();
        assert_eq!(bytes.len(), FILE_BYTES_MAX + 1);
        let (script, problems) = crate::script::load("huge", "huge.json", &bytes);
        assert!(script.is_none());
        assert_eq!(problems.len(), 1, "{problems:?}");
    }

    /// N6: what is read of a file while somebody writes to it is no version of it.
    #[test]
    fn a_file_that_is_written_to_is_noticed() {
        let mut file = tempfile::tempfile().unwrap();
        let before = file.metadata().unwrap();
        assert!(!is_written_to(&before, &file.metadata().unwrap()));
        file.write_all(b"{").unwrap();
        assert!(is_written_to(&before, &file.metadata().unwrap()));
    }

    /// N13: a pipe is no script; opening it would wait for ever.
    #[test]
    fn a_pipe_is_no_script() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe.json");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert_eq!(find(dir.path()).unwrap(), []);
    }
}
