//! Which script is in force under each name, and which are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use smol_str::SmolStr;
use tokio::sync::{Mutex, watch};
use tokio::task::spawn_blocking;

use super::audio::missing_audio;
use super::message::Complaint;
use crate::script::{self, Problem, Script};

/// Scripts of one instance: ten times the largest installation imagined, and a bound for whoever
/// can write to Redis.
pub(super) const SCRIPTS_MAX: usize = 10_000;

/// A name's length: as a file's in the cache, below the 255 bytes that file systems take.
const NAME_BYTES_MAX: usize = 200;

/// All scripts in force, by name.
type Set = BTreeMap<SmolStr, Arc<Script>>;

/// The scripts in force, for whoever begins a call; cheap to clone. A call keeps its `Arc` and with
/// it the revision it began with (E12).
#[derive(Clone, Debug)]
pub struct Scripts {
    set: watch::Receiver<Arc<Set>>,
}

/// Where a script comes from; of one name the last of these is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// The scripts folder.
    File,
    /// Redis, for all instances.
    Common,
    /// Redis, for our domain.
    Domain,
}

/// What became of a script that was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether it can be used.
    pub(super) accepted: bool,
    /// Whether it differs from what was offered before under this name from there.
    pub(super) is_new: bool,
    /// Everything wrong with it.
    pub(super) complaints: Vec<Complaint>,
}

/// All that is known of scripts.
pub(super) struct Catalog {
    known: Mutex<BTreeMap<(SmolStr, Origin), Known>>,
    set: watch::Sender<Arc<Set>>,
    audio_dir: Option<PathBuf>,
}

/// What one origin has under one name.
struct Known {
    /// Of the bytes last offered, good or bad.
    fingerprint: u64,
    /// The last that could be loaded.
    script: Option<Arc<Script>>,
    verdict: Verdict,
}

impl Scripts {
    /// The script that new calls of this name get; `None` if there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Script>> {
        self.set.borrow().get(name).cloned()
    }

    /// The names that have a script, in order.
    #[must_use]
    pub fn names(&self) -> Vec<SmolStr> {
        self.set.borrow().keys().cloned().collect()
    }

    /// Waits until another script is in force under some name, or none; `false` if nothing will
    /// change any more.
    pub async fn changed(&mut self) -> bool {
        self.set.changed().await.is_ok()
    }
}

impl Catalog {
    /// Nothing is known yet. Audio files that scripts name are looked for below `audio_dir`, if that
    /// is a folder here: the switch may have its own.
    pub(super) fn new(audio_dir: &Path) -> (Self, Scripts) {
        let (set, scripts) = watch::channel(Arc::default());
        let audio_dir = audio_dir.is_dir().then(|| audio_dir.to_owned());
        (Self { known: Mutex::default(), set, audio_dir }, Scripts { set: scripts })
    }

    /// Takes a script from somewhere if it can be loaded; the same bytes again cost nothing.
    /// `file` is what its problems call it.
    pub(super) async fn offer(
        &self,
        origin: Origin,
        name: &SmolStr,
        file: &str,
        bytes: Vec<u8>,
    ) -> Verdict {
        let fingerprint = fingerprint(&bytes);
        let key = (name.clone(), origin);
        {
            let known = self.known.lock().await;
            if let Some(before) = known.get(&key).filter(|known| known.fingerprint == fingerprint) {
                return Verdict { is_new: false, ..before.verdict.clone() };
            }
            if known.len() >= SCRIPTS_MAX && !known.contains_key(&key) {
                let message = format!("there are {SCRIPTS_MAX} scripts already");
                return refuse(file, &message, "remove some");
            }
        }
        // Not locked: a script that takes long to load holds up no other origin. Of one origin all
        // scripts are offered by one task, so nothing else happens to this one meanwhile.
        let (script, complaints) = load(name, file, bytes, self.audio_dir.clone()).await;
        let verdict = Verdict { accepted: script.is_some(), is_new: true, complaints };
        tell(name, file, script.as_deref(), &verdict);
        let mut known = self.known.lock().await;
        let before = known.remove(&key).and_then(|before| before.script);
        let script = script.or(before);
        known.insert(key, Known { fingerprint, script, verdict: verdict.clone() });
        self.publish(&known);
        verdict
    }

    /// Forgets what an origin has under other names than these; says which those were.
    pub(super) async fn retain(&self, origin: Origin, names: &BTreeSet<SmolStr>) -> Vec<SmolStr> {
        let mut known = self.known.lock().await;
        let is_gone = |(name, from): &&(SmolStr, Origin)| *from == origin && !names.contains(name);
        let gone: Vec<_> = known.keys().filter(is_gone).cloned().collect();
        for key in &gone {
            known.remove(key);
            tracing::info!(script = %key.0, ?origin, "script removed");
        }
        if !gone.is_empty() {
            self.publish(&known);
        }
        gone.into_iter().map(|(name, _)| name).collect()
    }

    /// Forgets what an origin has under this name; says whether it had anything.
    pub(super) async fn remove(&self, origin: Origin, name: &SmolStr) -> bool {
        let mut known = self.known.lock().await;
        let removed = known.remove(&(name.clone(), origin)).is_some();
        if removed {
            tracing::info!(script = %name, ?origin, "script removed");
            self.publish(&known);
        }
        removed
    }

    /// The revision in force under this name; empty if there is none.
    pub(super) fn revision(&self, name: &str) -> SmolStr {
        self.set.borrow().get(name).map(|script| script.revision.clone()).unwrap_or_default()
    }

    /// Puts the scripts in force: the keys are in the order of origins, so the last one wins.
    fn publish(&self, known: &BTreeMap<(SmolStr, Origin), Known>) {
        let loaded = known.iter().filter_map(|((name, _), known)| {
            known.script.as_ref().map(|script| (name.clone(), Arc::clone(script)))
        });
        self.set.send_replace(Arc::new(loaded.collect()));
    }
}

/// Whether this can be a script's name: a path below the scripts folder that does not leave it, of
/// at most 200 bytes (E10, N10).
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_step = |step: &str| !matches!(step, "" | "." | "..");
    name.len() <= NAME_BYTES_MAX
        && name.split('/').all(is_step)
        && !name.chars().any(|char| char.is_control() || char == '\\')
}

/// The refusal of a script that is not even looked at.
pub(super) fn refuse(file: &str, message: &str, hint: &str) -> Verdict {
    tracing::error!(file, message, "script refused");
    let complaints = vec![Complaint::about(file, message, hint)];
    Verdict { accepted: false, is_new: true, complaints }
}

/// Loads on a thread of its own: a large script takes longer than a call can wait (E12).
async fn load(
    name: &SmolStr,
    file: &str,
    bytes: Vec<u8>,
    audio_dir: Option<PathBuf>,
) -> (Option<Arc<Script>>, Vec<Complaint>) {
    let (name, label) = (name.clone(), file.to_owned());
    let loading = spawn_blocking(move || {
        let (script, mut problems) = script::load(&name, &label, &bytes);
        if let (Some(script), Some(audio_dir)) = (&script, &audio_dir) {
            problems.extend(missing_audio(script, &label, &bytes, audio_dir));
        }
        (script, problems)
    });
    match loading.await {
        Ok((script, problems)) => (script, problems.iter().map(|p: &Problem| p.into()).collect()),
        // A bug of ours: the panic's own message is in the log.
        Err(_) => {
            let complaint = Complaint::about(file, "the loader failed", "report it as a bug");
            (None, vec![complaint])
        }
    }
}

fn tell(name: &str, file: &str, script: Option<&Script>, verdict: &Verdict) {
    for complaint in &verdict.complaints {
        if verdict.accepted {
            tracing::warn!(script = name, "{complaint}");
        } else {
            tracing::error!(script = name, "{complaint}");
        }
    }
    match script {
        Some(script) => {
            tracing::info!(script = name, file, revision = %script.revision, "script loaded");
        }
        None => tracing::error!(script = name, file, "script refused; the one before stays"),
    }
}

/// Tells texts apart, not more: nobody gains from two that are taken for the same.
fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_below_the_folder() {
        for good in ["loan", "debug/905ee6", "贷款/回访", "a.b"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(201);
        for bad in ["", "/etc/x", "a//b", "../x", "a/../b", "a/", ".", "a\\b", "a\nb", &long] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
