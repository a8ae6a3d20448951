//! Copies of the scripts that came from Redis, for a start without it (I1).

use std::io;
use std::path::{Path, PathBuf};

use smol_str::SmolStr;
use tokio::fs;

use super::catalog::{Catalog, Origin};
use super::folder::read_all;
use super::message::hash;

/// The folder of copies: `<data_dir>/scripts/<hash>/<name>.json`.
pub(super) struct Cache {
    common: PathBuf,
    /// `None` without a domain.
    domain: Option<PathBuf>,
}

impl Cache {
    pub(super) fn new(data_dir: &Path, domain: &str) -> Self {
        let dir = data_dir.join("scripts");
        let domain = (!domain.is_empty()).then(|| dir.join(hash(domain)));
        Self { common: dir.join(hash("")), domain }
    }

    /// Offers every copy, so that calls can begin before Redis is there.
    pub(super) async fn read(&self, catalog: &Catalog) {
        for origin in [Origin::Common, Origin::Domain] {
            let Some(dir) = self.dir(origin) else { continue };
            match read_all(catalog, origin, dir).await {
                Ok(_) => {}
                // No copy was kept yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => complain(dir, &error),
            }
        }
    }

    /// Keeps a copy of an accepted script.
    pub(super) async fn keep(&self, origin: Origin, name: &SmolStr, bytes: &[u8]) {
        let Some(path) = self.path(origin, name) else { return };
        if let Err(error) = replace(&path, bytes).await {
            complain(&path, &error);
        }
    }

    /// Drops the copy of a script that is no more.
    pub(super) async fn remove(&self, origin: Origin, name: &SmolStr) {
        let Some(path) = self.path(origin, name) else { return };
        match fs::remove_file(&path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => complain(&path, &error),
            Ok(()) | Err(_) => {}
        }
    }

    fn dir(&self, origin: Origin) -> Option<&Path> {
        match origin {
            Origin::File => None,
            Origin::Common => Some(&self.common),
            Origin::Domain => self.domain.as_deref(),
        }
    }

    fn path(&self, origin: Origin, name: &SmolStr) -> Option<PathBuf> {
        Some(self.dir(origin)?.join(format!("{name}.json")))
    }
}

/// Writes a file so that whoever reads it sees the old text or the new one, never half of it.
async fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).await?;
    }
    // Not `.json`: half a copy is no script.
    let half = path.with_extension("json.new");
    fs::write(&half, bytes).await?;
    fs::rename(&half, path).await
}

/// Without copies all works but a start without Redis.
fn complain(path: &Path, error: &io::Error) {
    tracing::warn!(path = %path.display(), %error, "copies of scripts can't be kept or read");
}
