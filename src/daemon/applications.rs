//! Applications that scripts name and a switch does not have: it would hang the call up (S7), so
//! their nodes end with `ERROR()`. Said when it is known, not when a caller comes there.

use std::collections::BTreeSet;

use smol_str::SmolStr;
use tokio::sync::watch;

use super::scripts::Scripts;
use crate::script::{NodeAction, Script};
use crate::switch::freeswitch::Status;

/// Compares all scripts with one switch whenever either changes; each complaint is made once.
pub(super) async fn watch(
    switch: String,
    mut scripts: Scripts,
    mut status: watch::Receiver<Status>,
) {
    let mut said = BTreeSet::new();
    loop {
        let known = status.borrow_and_update().clone();
        for script in scripts.names().iter().filter_map(|name| scripts.get(name)) {
            for node in unknown(&script, &known) {
                if said.insert((script.name.clone(), script.revision.clone(), node.clone())) {
                    tracing::warn!(
                        script = %script.name, %node, %switch,
                        "the switch has no such application; load its module or change the action"
                    );
                }
            }
        }
        let goes_on = tokio::select! {
            changed = status.changed() => changed.is_ok(),
            changed = scripts.changed() => changed,
        };
        if !goes_on {
            return;
        }
    }
}

/// The nodes whose application the switch is known not to have.
fn unknown(script: &Script, switch: &Status) -> Vec<SmolStr> {
    let applications = script.nodes.iter().filter(|node| node.action == NodeAction::Application);
    let unknown = applications.filter(|node| switch.has_application(&node.app) == Some(false));
    unknown.map(|node| node.id.clone()).collect()
}
