//! What scripts say is made before somebody calls, and what can't be made is said (E12).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use smol_str::SmolStr;

use super::Voices;
use crate::daemon::readiness::Part;
use crate::daemon::scripts::Scripts;
use crate::engine::fixed_sources;
use crate::script::Script;
use crate::voice::Wanted;

/// Entries made at a time: what is left of the machine is for calls.
const AT_ONCE: usize = 2;
/// How often it is looked whether the voice can speak now.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Makes the audio of all scripts, now and whenever one changes.
pub(in crate::daemon) async fn watch(voices: Voices, mut scripts: Scripts, part: Part) {
    let mut made = BTreeSet::new();
    loop {
        match voices.mouth().fault() {
            Some(fault) => part.down(&fault),
            None => part.up(),
        }
        for script in scripts.names().iter().filter_map(|name| scripts.get(name)) {
            if made.insert((script.name.clone(), script.revision.clone())) {
                prepare(&voices, &script).await;
            }
        }
        tokio::select! {
            changes = scripts.changed() => if !changes { return },
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

async fn prepare(voices: &Voices, script: &Script) {
    let faults: Vec<(Wanted, SmolStr)> = stream::iter(wanted(script))
        .map(|wanted| async move {
            let fault = voices.mouth().prepare(&wanted).await.err()?;
            Some((wanted, fault))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|fault| async move { fault })
        .collect()
        .await;
    for (wanted, fault) in faults {
        tracing::warn!(
            script = %script.name, entry = ?wanted.source, %fault,
            "an entry can't be played; callers will not hear it"
        );
    }
}

fn wanted(script: &Script) -> Vec<Wanted> {
    let wanted = |source| Wanted {
        source,
        voicedir: script.global.voicedir.clone(),
        voice: Arc::clone(&script.global.voice),
    };
    fixed_sources(script).into_iter().map(wanted).collect()
}
