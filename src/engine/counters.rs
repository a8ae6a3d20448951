//! How often things happened: executions, mismatches, time-outs (E60 to E62, R10).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::script::{NodeId, PromptId, Script};

/// The counters of one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Counters {
    nodes: BTreeMap<NodeId, u32>,
    prompts: BTreeMap<PromptId, u32>,
    /// Consecutive mismatches at the node in force.
    pub(super) mismatches: u32,
    /// Consecutive time-outs at the node in force.
    pub(super) timeouts: u32,
    /// Finished sentences that reached matching, for `countlimit` (R27).
    pub(super) sentences: u32,
}

impl Counters {
    /// Counts an execution of a node; how many there were, this one included (E62).
    pub(super) fn execute(&mut self, node: NodeId) -> u32 {
        self.mismatches = 0;
        self.timeouts = 0;
        let count = self.nodes.entry(node).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// Counts a playing of a prompt; how many there were, this one included (E62).
    pub(super) fn play(&mut self, prompt: PromptId) -> u32 {
        self.mismatches = 0;
        self.timeouts = 0;
        let count = self.prompts.entry(prompt).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// The nodes and prompts that were executed, by name.
    pub(super) fn visited(&self, script: &Script) -> Vec<SmolStr> {
        let nodes = self.nodes.keys().map(|node| script.node(*node).id.clone());
        let prompts = self.prompts.keys().map(|prompt| script.prompt(*prompt).id.clone());
        nodes.chain(prompts).collect()
    }

    /// True if the node may be entered once more (E51).
    pub(super) fn node_is_left(&self, script: &Script, node: NodeId) -> bool {
        let allowed = script.node(node).repetition;
        allowed == 0 || self.nodes.get(&node).is_none_or(|count| *count < allowed)
    }

    /// True if the prompt may be played once more (E51).
    pub(super) fn prompt_is_left(&self, script: &Script, prompt: PromptId) -> bool {
        let allowed = script.prompt(prompt).repetition;
        allowed == 0 || self.prompts.get(&prompt).is_none_or(|count| *count < allowed)
    }
}
