//! What scripts say is made before somebody calls, and what can't be made is said (E12).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use smol_str::SmolStr;

use super::Voices;
use crate::daemon::readiness::Part;
use crate::daemon::scripts::Scripts;
use crate::engine::{Tick, fixed_sources};
use crate::script::{EntryKind, Script};
use crate::voice::Wanted;

/// Entries made at a time: what is left of the machine is for calls.
const AT_ONCE: usize = 2;
/// How often it is looked whether the voice can speak now.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What could not be made is tried again after this long, ms: a service that was away is back.
const TRY_AGAIN_MS: u64 = 60_000;

/// Makes the audio of all scripts, now and whenever one changes.
pub(in crate::daemon) async fn watch(
    voices: Voices,
    mut scripts: Scripts,
    part: Part,
    clock: impl Fn() -> Tick,
) {
    // Each script by name: its revision, and when what failed of it is to be tried again.
    let mut made: BTreeMap<SmolStr, (SmolStr, Option<Tick>)> = BTreeMap::new();
    loop {
        let names = scripts.names();
        made.retain(|name, _| names.contains(name));
        let mut needs_voice = false;
        for script in names.iter().filter_map(|name| scripts.get(name)) {
            let is_due = made.get(&script.name).is_none_or(|(revision, again)| {
                *revision != script.revision || again.is_some_and(|again| again <= clock())
            });
            if is_due {
                let is_whole = prepare(&voices, &script).await;
                let again = (!is_whole).then(|| clock().plus_ms(TRY_AGAIN_MS));
                made.insert(script.name.clone(), (script.revision.clone(), again));
            }
            let has_failed = made.get(&script.name).is_some_and(|(_, again)| again.is_some());
            needs_voice |= has_failed || speaks_variables(&script);
        }
        // Robots that play files only need nobody who speaks.
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

/// False if something can't be made, which is said.
async fn prepare(voices: &Voices, script: &Script) -> bool {
    let faults: Vec<(Wanted, SmolStr)> = stream::iter(wanted(script))
        .map(|wanted| async move {
            let fault = voices.mouth().prepare(&wanted).await.err()?;
            Some((wanted, fault))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|fault| async move { fault })
        .collect()
        .await;
    for (wanted, fault) in &faults {
        tracing::warn!(
            script = %script.name, entry = ?wanted.source, %fault,
            "an entry can't be played now; callers will not hear it"
        );
    }
    faults.is_empty()
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
