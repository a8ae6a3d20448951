//! Jumps that no input causes: a return, and a prompt that leads elsewhere (E66, E70 to E72).

use std::sync::Arc;

use smol_str::SmolStr;

use super::call::Robot;
use super::explain::Explain;
use super::matching::{Answer, Choice, Why};
use super::row::{InputType, Method, ResponseType};
use super::speak::Spoken;
use super::time::Now;
use super::written::Cause;
use crate::script::{NodeId, PromptId, ReturnTarget, SwitchTarget, normalize};

/// What an action that waits for nothing goes on with.
#[derive(Debug)]
pub(super) enum Next {
    Complete(SmolStr),
    Jump(Jump),
}

/// A jump that no input caused (E66, E71).
#[derive(Debug)]
pub(super) struct Jump {
    to: Result<NodeId, SmolStr>,
    /// `input_args` of the FLOWID row.
    args: SmolStr,
    /// The node left behind is a source node from now on.
    pushes: bool,
    /// What the node jumped from says; it is played together with the target's audio.
    carried: Spoken,
}

impl Robot {
    pub(super) fn return_jump(
        &mut self,
        target: &ReturnTarget,
        argument: &str,
        carried: Spoken,
    ) -> Jump {
        let computed = match target {
            ReturnTarget::Computed => self.computed_target(argument),
            known => Ok(known.clone()),
        };
        let to = computed.map(|target| self.state.stack.take(&target));
        Jump { to, args: return_args(argument), pushes: false, carried }
    }

    /// E70 for a target that only the call's variables know.
    fn computed_target(&self, argument: &str) -> Result<ReturnTarget, SmolStr> {
        match argument.trim() {
            "" | "return" => Ok(ReturnTarget::Source),
            "top" => Ok(ReturnTarget::Top),
            id => self.script.node_id(id).map(ReturnTarget::Node).ok_or_else(|| id.into()),
        }
    }

    /// E66: where the call goes when a prompt's audio has ended.
    pub(super) fn jump_of(&mut self, prompt: PromptId, now: Now) -> Jump {
        let script = Arc::clone(&self.script);
        let Some(switch) = &script.prompt(prompt).switchflow else {
            unreachable!("a jump is only armed for a prompt that has one")
        };
        let mut explain = Explain::new(false);
        let edge = |choice: Option<Choice>| match choice.map(|choice| choice.answer) {
            Some(Answer::Node { node, .. }) => Ok(node),
            Some(Answer::Prompt(_)) | None => Err(switch.raw.clone()),
        };
        let position = self.position(now);
        let to = match &switch.target {
            SwitchTarget::Node(node) => Ok(*node),
            SwitchTarget::Text(text) => edge(position.own(&normalize(text), &mut explain)),
            SwitchTarget::Dtmf(keys) => edge(position.dtmf(keys, &mut explain)),
            SwitchTarget::Complete(word) => edge(
                position
                    .complete(word, &mut explain)
                    .or_else(|| position.complete_any(&mut explain)),
            ),
            SwitchTarget::Return => Ok(self.state.stack.take(&ReturnTarget::Source)),
        };
        let is_return = switch.target == SwitchTarget::Return;
        let args = if is_return { SmolStr::default() } else { switch.raw.clone() };
        Jump { to, args, pushes: !is_return, carried: Spoken::default() }
    }

    /// E71, E72: the FLOWID row, or the ERROR row of a jump that leads nowhere.
    pub(super) fn jump(&mut self, jump: Jump, now: Now) {
        let script = Arc::clone(&self.script);
        // The return node or prompt that the call jumps from has done its part.
        self.state.running = false;
        if self.goes_in_circles(now) {
            return;
        }
        let target = match jump.to {
            Ok(node) if self.state.counters.node_is_left(&script, node) => node,
            Ok(node) => {
                let id = script.node(node).id.clone();
                return self.failed_jump(id, "the node may not be entered again", now);
            }
            Err(name) => return self.failed_jump(name, "there is no such node or edge", now),
        };
        if jump.pushes && !self.push_source(target, now) {
            return;
        }
        let cause = Cause::new(self, InputType::Flowid, jump.args, now.wall);
        let why = Why::by(Method::Flowid);
        self.enter_saying(target, ResponseType::SwitchFlow, (cause, why), jump.carried, now);
    }

    /// An action that still runs goes on; after one that has completed the call goes on as after
    /// `ERROR()` (E72, R25).
    pub(super) fn failed_jump(&mut self, id: SmolStr, message: &str, now: Now) {
        self.error_row(id, message, now);
        if !self.state.running {
            self.state.running = true;
            self.next = Some(Next::Complete("ERROR()".into()));
        }
    }
}

/// How a return's target stands in rows: empty for the source (E71).
pub(super) fn return_args(argument: &str) -> SmolStr {
    match argument.trim() {
        "return" => SmolStr::default(),
        target => target.into(),
    }
}
