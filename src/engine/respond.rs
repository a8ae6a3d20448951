//! Answering: the row of an input and its response, and the action that follows from it.

use std::sync::Arc;

use smol_str::SmolStr;
use uuid::Uuid;

use super::call::{CONFIRMATION_MS, Robot};
use super::command::{Action, ActionKind, Command, Transfer};
use super::input::EndReason;
use super::intent::LabelledBy;
use super::jump::{Next, return_args};
use super::matching::{Answer, Choice, Why};
use super::request::RequestId;
use super::row::{InputType, Method, ResponseType};
use super::speak::Spoken;
use super::state::{Exit, Phase};
use super::time::Now;
use super::written::{Cause, Response};
use crate::script::{Audio, Node, NodeAction, NodeId, Prompt, PromptId, SpeechArgs};

impl Robot {
    pub(super) fn answer(&mut self, cause: Cause, choice: Choice, now: Now) {
        match choice.answer {
            Answer::Node { node, kind, levels } => {
                self.state.stack.cut(levels);
                let is_global = self.script.node(node).global.is_some();
                if is_global && !self.push_source(node, now) {
                    return;
                }
                self.enter(node, kind, cause, choice.why, now);
            }
            Answer::Prompt(prompt) => self.play_prompt(prompt, cause, choice.why, now),
        }
    }

    /// Makes the node in force a source node; false, with an ERROR row, if there are too many (R26).
    pub(super) fn push_source(&mut self, target: NodeId, now: Now) -> bool {
        let pushed = self.state.stack.push(self.state.node).is_ok();
        if !pushed {
            let id = self.script.node(target).id.clone();
            self.failed_jump(id, "too many source nodes: a script that never returns", now);
        }
        pushed
    }

    pub(super) fn enter(
        &mut self,
        node: NodeId,
        kind: ResponseType,
        cause: Cause,
        why: Why,
        now: Now,
    ) {
        self.enter_saying(node, kind, (cause, why), Spoken::default(), now);
    }

    pub(super) fn enter_saying(
        &mut self,
        id: NodeId,
        kind: ResponseType,
        (cause, why): (Cause, Why),
        carried: Spoken,
        now: Now,
    ) {
        let script = Arc::clone(&self.script);
        let node = script.node(id);
        let repetition = self.state.counters.execute(id);
        self.state.node = id;
        if !matches!(node.action, NodeAction::Return(_)) {
            self.state.stack.entered(id);
        }
        if kind == ResponseType::GlobalFlow {
            self.state.intent.answered_by_global();
        }
        self.state.intent.hit(why.weight);
        self.state.intent.mark(&node.potential, &node.id, LabelledBy::Node);
        let is_create = cause.input_type == InputType::Create;
        let mut response = Response {
            description: node.description.clone(),
            id: node.id.clone(),
            repetition: if is_create { 0 } else { repetition },
            potential: node.potential.raw.clone(),
            ..Response::none(kind)
        };
        if self.is_dead() {
            self.row(cause, why, response, now);
            if let NodeAction::Http(call) = &node.action {
                self.tell_web(call, now);
            }
            return;
        }
        self.arm_notice(id, node, now);
        let before = self.state.actions;
        let (appid, argument) = self.next_action(node, now);
        let spoken = carried.and(self.speak(node.audio.on_entry(repetition), &appid, now));
        response.action = node.app.clone();
        response.args = match node.action {
            NodeAction::Return(_) => return_args(&argument),
            _ => argument.clone(),
        };
        response.text = spoken.text.clone();
        self.row_at(before, cause, why, response, now);
        self.begin(appid, (node, argument), spoken, now);
    }

    /// Starts what a node does.
    fn begin(
        &mut self,
        appid: SmolStr,
        (node, argument): (&Node, SmolStr),
        spoken: Spoken,
        now: Now,
    ) {
        self.take_over(appid);
        match &node.action {
            NodeAction::PlayAndDetect => {
                let listen = self.listen_args(&argument);
                self.start(node, (argument, spoken), Some(listen));
            }
            NodeAction::Playback => self.start(node, (argument, spoken), None),
            NodeAction::Application => {
                let (app, disablebreak_ms) = (node.app.clone(), node.disablebreak_ms);
                self.start_action(Action {
                    appid: self.state.appid.clone(),
                    app,
                    argument: argument.into(),
                    playbacks: Vec::new(),
                    listen: None,
                    disablebreak_ms,
                    kind: ActionKind::Application,
                });
            }
            NodeAction::Hangup => self.say_goodbye(node, (argument, spoken), Exit::Hangup, now),
            NodeAction::Transfer | NodeAction::Manual => {
                self.transfer(node, (argument, spoken), now);
            }
            NodeAction::Return(target) => {
                let jump = self.return_jump(target, &argument, spoken);
                self.next = Some(Next::Jump(jump));
            }
            NodeAction::Set => {
                self.set_variables(node, now);
                self.next = Some(Next::Complete("DONE()".into()));
            }
            NodeAction::Branch => self.next = Some(Next::Complete("DONE()".into())),
            NodeAction::Collect(_) => {
                let plays = !spoken.playbacks.is_empty();
                self.start(node, (argument, spoken), None);
                self.collect_anew(plays, now);
            }
            NodeAction::Http(call) => self.begin_http((node, call), (argument, spoken), now),
            NodeAction::Later | NodeAction::Start => {
                self.next = Some(Next::Complete("ERROR()".into()));
            }
        }
    }

    fn transfer(&mut self, node: &Node, (argument, spoken): (SmolStr, Spoken), now: Now) {
        let Some(to) = Transfer::read(&self.state.appid, &argument) else {
            self.next = Some(Next::Complete("ERROR()".into()));
            return;
        };
        let is_manual = node.action == NodeAction::Manual;
        let reason = if is_manual { EndReason::Manual } else { EndReason::Transfer };
        self.say_goodbye(node, (argument, spoken), Exit::Transfer { to, reason }, now);
    }

    fn say_goodbye(
        &mut self,
        node: &Node,
        (argument, spoken): (SmolStr, Spoken),
        exit: Exit,
        now: Now,
    ) {
        if spoken.playbacks.is_empty() {
            return self.leave(exit, now);
        }
        self.state.phase = Phase::Goodbye(exit);
        self.start_action(Action {
            appid: self.state.appid.clone(),
            app: node.app.clone(),
            argument: argument.into(),
            playbacks: spoken.playbacks,
            listen: None,
            disablebreak_ms: u64::MAX,
            kind: ActionKind::Goodbye,
        });
    }

    /// Tells the switch that the robot leaves; its confirmation ends the call.
    pub(super) fn leave(&mut self, exit: Exit, now: Now) {
        let due = now.tick.plus_ms(CONFIRMATION_MS);
        self.state.phase = Phase::Leaving { reason: exit.reason(), due };
        self.commands.push_back(exit.command(&self.state.appid));
    }

    /// Hangs up without a row of its own (E73).
    pub(super) fn hang_up(&mut self, now: Now) {
        self.leave(Exit::Hangup, now);
    }

    /// E75's last resort, type 10 (R9).
    pub(super) fn hang_up_for_want_of_a_way(&mut self, cause: Cause, now: Now) {
        let response = Response {
            action: SmolStr::new_static("hangup"),
            ..Response::none(ResponseType::Hangup)
        };
        self.row(cause, Why::by(Method::Mismatch), response, now);
        let appid = self.next_appid();
        self.take_over(appid);
        self.leave(Exit::Hangup, now);
    }

    /// E65: the prompt's audio, and the node's return audio unless the prompt or a jump forbids it.
    fn play_prompt(&mut self, id: PromptId, cause: Cause, why: Why, now: Now) {
        let script = Arc::clone(&self.script);
        let prompt = script.prompt(id);
        let repetition = self.state.counters.play(id);
        self.state.intent.answered_by_kb();
        self.state.intent.hit(why.weight);
        self.state.intent.mark(&prompt.potential, &prompt.id, LabelledBy::Prompt);
        let node = script.node(self.state.node);
        let mut response = Response {
            description: prompt.name.clone(),
            id: prompt.id.clone(),
            repetition,
            potential: prompt.potential.raw.clone(),
            ..Response::none(ResponseType::Kb)
        };
        if self.is_dead() {
            return self.row(cause, why, response, now);
        }
        let before = self.state.actions;
        let (appid, argument) = self.next_action(node, now);
        let mut spoken = self.speak(&prompt.audio, &appid, now);
        if plays_return_audio(prompt) {
            spoken = spoken.and(self.speak(node.audio.on_return_from_kb(), &appid, now));
        }
        response.action = self.playing_app(node);
        response.args = argument.clone();
        response.text = spoken.text.clone();
        self.row_at(before, cause, why, response, now);
        self.take_over(appid);
        if prompt.switchflow.is_some() && spoken.playbacks.is_empty() {
            let jump = self.jump_of(id, now);
            self.next = Some(Next::Jump(jump));
            return;
        }
        self.state.jump_after = prompt.switchflow.is_some().then_some(id);
        let mut listen = self.listens(node).then(|| self.listen_args(&argument));
        if let (Some(listen), true) = (&mut listen, prompt.switchflow.is_some()) {
            // The jump follows the audio: nobody waits for an answer in between (E66).
            listen.wait_speech_timeout_ms = Some(0);
        }
        let plays = !spoken.playbacks.is_empty();
        self.start(node, (argument, spoken), listen);
        if prompt.switchflow.is_none() {
            self.collect_anew(plays, now);
        }
    }

    /// The mismatch or no-input prompt of the node in force (E60, E61, R9).
    pub(super) fn prompt_at_node(
        &mut self,
        cause: Cause,
        kind: ResponseType,
        repetition: u32,
        audio: &Audio,
        now: Now,
    ) {
        let script = Arc::clone(&self.script);
        let node = script.node(self.state.node);
        let before = self.state.actions;
        let (appid, argument) = self.next_action(node, now);
        let spoken = self.speak(audio, &appid, now);
        let response = Response {
            description: node.description.clone(),
            id: node.id.clone(),
            action: self.playing_app(node),
            args: argument.clone(),
            text: spoken.text.clone(),
            repetition,
            ..Response::none(kind)
        };
        self.row_at(before, cause, Why::by(Method::Mismatch), response, now);
        self.take_over(appid);
        let listen = self.listens(node).then(|| self.listen_args(&argument));
        self.start(node, (argument, spoken), listen);
        self.collect_anew(true, now);
    }

    /// What a prompt is played with at a node: as the node plays, or plainly at one that doesn't.
    fn playing_app(&self, node: &Node) -> SmolStr {
        if self.is_playing_node() { node.app.clone() } else { SmolStr::new_static("playback") }
    }

    fn listens(&self, node: &Node) -> bool {
        node.action == NodeAction::PlayAndDetect
    }

    pub(super) fn start(
        &mut self,
        node: &Node,
        (argument, spoken): (SmolStr, Spoken),
        listen: Option<SpeechArgs>,
    ) {
        self.start_action(Action {
            appid: self.state.appid.clone(),
            app: self.playing_app(node),
            argument: argument.into(),
            playbacks: spoken.playbacks,
            listen: listen.map(Box::new),
            disablebreak_ms: node.disablebreak_ms,
            kind: ActionKind::Play,
        });
    }

    fn start_action(&mut self, action: Action) {
        let listens =
            action.listen.as_ref().is_some_and(|listen| listen.wait_speech_timeout_ms != Some(0));
        let runs = action.kind == ActionKind::Application;
        self.state.waits = runs || listens || !action.playbacks.is_empty();
        self.commands.push_back(Command::Start(Box::new(action)));
    }

    fn listen_args(&mut self, argument: &str) -> SpeechArgs {
        let (args, faults) = SpeechArgs::parse(argument);
        let warnings = faults.iter().map(|fault| Command::Warn(fault.to_string()));
        self.commands.extend(warnings);
        args.or(&self.script.global.speech)
    }

    fn set_variables(&mut self, node: &Node, now: Now) {
        for (name, template) in &node.set {
            let value = self.scope(&self.state.appid, now.wall).expand(template);
            if let Err(error) = self.state.variables.set(name.clone(), &value) {
                self.error_row(name.clone(), &error.to_string(), now);
            }
        }
    }

    /// The id of the action that would start next, and the node's argument expanded for it.
    fn next_action(&mut self, node: &Node, now: Now) -> (SmolStr, SmolStr) {
        let appid = self.next_appid();
        let argument = self.scope(&appid, now.wall).expand(&node.argument);
        (appid, argument)
    }

    /// The id of the question that is asked next.
    pub(super) fn next_request(&mut self) -> RequestId {
        self.state.requests += 1;
        RequestId(self.state.requests)
    }

    fn next_appid(&mut self) -> SmolStr {
        self.state.actions += 1;
        appid(&self.state.callid, self.state.actions)
    }

    /// The action replaces the one that ran.
    fn take_over(&mut self, appid: SmolStr) {
        self.state.appid = appid;
        self.state.running = true;
        self.state.waits = false;
        self.state.jump_after = None;
        self.state.request = None;
        self.state.collecting = None;
    }
}

/// The id of a call's action: made from the call id and the action's number, from 1 (E21).
#[must_use]
pub fn appid(callid: &str, action: u32) -> SmolStr {
    let namespace = Uuid::try_parse(callid)
        .unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, callid.as_bytes()));
    let id = Uuid::new_v5(&namespace, &action.to_be_bytes());
    id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).into()
}

/// E65, E66: a prompt that leads elsewhere has no return audio.
fn plays_return_audio(prompt: &Prompt) -> bool {
    !prompt.ignore_return_playback && prompt.switchflow.is_none()
}
