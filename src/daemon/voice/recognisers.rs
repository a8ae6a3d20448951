//! Whether the recognisers of the configuration are there, for `/readyz` and the log: once for all calls.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Voices;
use crate::daemon::readiness::{Part, Readiness};

/// How often it is looked whether one that was away is back.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Looks after all of them: each is asked at the start, and again while calls do not reach it. Keys
/// are still heard and prompts played without them, so that the daemon is ready all the same.
pub(in crate::daemon) async fn watch(voices: Voices, readiness: Readiness) {
    let recognisers = voices.recognisers();
    let part =
        |name: &str| (name.to_owned(), readiness.optional_part(&format!("recogniser {name}")));
    let parts: BTreeMap<String, Part> = recognisers.names().map(part).collect();
    let mut is_first = true;
    loop {
        for (name, part) in &parts {
            match recognisers.fault(name, is_first).await {
                Some(fault) => part.down(&fault),
                None => part.up(),
            }
        }
        is_first = false;
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
