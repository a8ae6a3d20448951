//! What scripts say is made before somebody calls, and what can't be made is said (E12).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use smol_str::SmolStr;

use super::Voices;
use crate::daemon::readiness::Part;
use crate::daemon::scripts::Scripts;
use crate::engine::fixed_sources;
use crate::script::{EntryKind, Script};
use crate::voice::Wanted;

/// Entries made at a time: what is left of the machine is for calls.
const AT_ONCE: usize = 2;
/// How often it is looked whether the voice can speak now.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What failed is tried again after this long: a voice may be away, or have had too much to do.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// A script at one revision.
type Revision = (SmolStr, SmolStr);

/// Why some of what a script says is not made, told once for each reason.
type Faults = BTreeSet<SmolStr>;

/// Makes the audio of all scripts, now and whenever one changes.
pub(in crate::daemon) async fn watch(voices: Voices, mut scripts: Scripts, part: Part) {
    let mut made: BTreeMap<Revision, Faults> = BTreeMap::new();
    let mut again = tokio::time::interval(TRY_AGAIN);
    loop {
        let is_again = again.tick().now_or_never().is_some();
        for script in scripts.names().iter().filter_map(|name| scripts.get(name)) {
            let revision = (script.name.clone(), script.revision.clone());
            let known = made.get(&revision).cloned();
            if known.as_ref().is_some_and(|faults| faults.is_empty() || !is_again) {
                continue;
            }
            let faults = prepare(&voices, &script, &known.unwrap_or_default()).await;
            made.insert(revision, faults);
        }
        let in_force = scripts.names().into_iter().filter_map(|name| scripts.get(&name));
        let in_force: Vec<_> = in_force.collect();
        made.retain(|(name, revision), _| {
            in_force.iter().any(|script| script.name == *name && script.revision == *revision)
        });
        // Robots that play files only need nobody who speaks.
        let needs_voice = made.values().any(|faults| !faults.is_empty())
            || in_force.iter().any(|script| speaks_variables(script));
        match voices.mouth().fault().filter(|_| needs_voice) {
            Some(fault) => part.down(&fault),
            None => part.up(),
        }
        tokio::select! {
            changes = scripts.changed() => if !changes { return },
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// Gives why something was not made; tells of what is not `known`.
async fn prepare(voices: &Voices, script: &Script, known: &Faults) -> Faults {
    let faults: Vec<(Wanted, SmolStr)> = stream::iter(wanted(script))
        .map(|wanted| async move {
            let fault = voices.mouth().prepare(&wanted).await.err()?;
            Some((wanted, fault))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|fault| async move { fault })
        .collect()
        .await;
    // A voice that is away fails all of them for one reason.
    let mut by_fault: BTreeMap<SmolStr, Vec<Wanted>> = BTreeMap::new();
    for (wanted, fault) in faults {
        by_fault.entry(fault).or_default().push(wanted);
    }
    for (fault, entries) in by_fault.iter().filter(|(fault, _)| !known.contains(*fault)) {
        let Some(first) = entries.first() else { continue };
        tracing::warn!(
            script = %script.name, entry = ?first.source, entries = entries.len(), %fault,
            "what the script says can't be made; callers will not hear it unless that changes"
        );
    }
    if by_fault.is_empty() && !known.is_empty() {
        tracing::info!(script = %script.name, "all that the script says is made now");
    }
    by_fault.into_keys().collect()
}

/// Whether it says texts that are only known in a call.
fn speaks_variables(script: &Script) -> bool {
    let nodes = script.nodes.iter().flat_map(|node| node.audio.all());
    let audio = nodes.chain(script.prompts.iter().map(|prompt| &prompt.audio));
    audio.flat_map(|audio| &audio.entries).any(|entry| entry.kind == EntryKind::Text)
}

fn wanted(script: &Script) -> Vec<Wanted> {
    let wanted = |source| Wanted {
        source,
        voicedir: script.global.voicedir.clone(),
        voice: Arc::clone(&script.global.voice),
    };
    fixed_sources(script).into_iter().map(wanted).collect()
}
