//! Answering: the row of an input and its response, and the action that follows from it.

use std::sync::Arc;

use smol_str::SmolStr;
use uuid::Uuid;

use super::call::{CONFIRMATION_MS, Robot};
use super::command::{Action, ActionKind, Command, Playback, Source, Transfer};
use super::input::{EndReason, Heard};
use super::intent::LabelledBy;
use super::matching::{Answer, Choice, Why};
use super::row::{InputType, Method, ResponseType, Row};
use super::state::{Exit, Phase};
use super::time::{Now, Wall};
use super::vars::Scope;
use crate::script::{
    Audio, EntryKind, Node, NodeAction, NodeId, Prompt, PromptId, ReturnTarget, SpeechArgs,
    SwitchTarget, normalize,
};

/// The input columns of a row.
pub(super) struct Cause {
    appid: SmolStr,
    flowid: SmolStr,
    input_type: InputType,
    args: SmolStr,
    start: Wall,
    duration_ms: i64,
    play_time_ms: i64,
    record: SmolStr,
}

impl Cause {
    fn new(robot: &Robot, input_type: InputType, args: SmolStr, start: Wall) -> Self {
        Self {
            appid: robot.state.appid.clone(),
            flowid: robot.node().id.clone(),
            input_type,
            args,
            start,
            duration_ms: 0,
            play_time_ms: 0,
            record: SmolStr::default(),
        }
    }

    pub(super) fn create(args: SmolStr, start: Wall) -> Self {
        Self {
            appid: SmolStr::default(),
            flowid: SmolStr::new_static("Start"),
            input_type: InputType::Create,
            args,
            start,
            duration_ms: 0,
            play_time_ms: 0,
            record: SmolStr::default(),
        }
    }

    pub(super) fn text(robot: &Robot, heard: &Heard) -> Self {
        let mut cause = Self::new(robot, InputType::Text, heard.text.clone(), heard.start);
        cause.duration_ms = heard.duration_ms;
        cause.play_time_ms = heard.play_time_ms;
        cause.record = heard.record.clone();
        cause.of_action(heard.appid.clone())
    }

    pub(super) fn digits(
        robot: &Robot,
        appid: Option<SmolStr>,
        keys: SmolStr,
        (start, play_time_ms): (Wall, i64),
    ) -> Self {
        let mut cause = Self::new(robot, InputType::Dtmf, keys, start);
        cause.play_time_ms = play_time_ms;
        cause.of_action(appid)
    }

    pub(super) fn complete(robot: &Robot, args: SmolStr, start: Wall) -> Self {
        Self::new(robot, InputType::Complete, args, start)
    }

    pub(super) fn destroy(robot: &Robot, reason: EndReason, start: Wall) -> Self {
        Self::new(robot, InputType::Destroy, SmolStr::new_static(reason.as_str()), start)
    }

    /// E21: an input carries the action it belongs to, even one that was replaced.
    fn of_action(self, appid: Option<SmolStr>) -> Self {
        Self { appid: appid.unwrap_or(self.appid), ..self }
    }
}

/// The response columns of a row.
pub(super) struct Response {
    pub(super) kind: ResponseType,
    pub(super) description: SmolStr,
    pub(super) id: SmolStr,
    pub(super) action: SmolStr,
    pub(super) args: SmolStr,
    pub(super) text: SmolStr,
    pub(super) repetition: u32,
    pub(super) potential: SmolStr,
}

impl Response {
    pub(super) fn none(kind: ResponseType) -> Self {
        Self {
            kind,
            description: SmolStr::default(),
            id: SmolStr::default(),
            action: SmolStr::default(),
            args: SmolStr::default(),
            text: SmolStr::default(),
            repetition: 0,
            potential: SmolStr::default(),
        }
    }
}

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

/// Audio with its text.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    playbacks: Vec<Playback>,
    text: SmolStr,
}

impl Spoken {
    /// This and then `more`, as one (E71, R25).
    fn and(mut self, mut more: Self) -> Self {
        self.playbacks.append(&mut more.playbacks);
        let text = match (self.text.is_empty(), more.text.is_empty()) {
            (true, _) => more.text,
            (_, true) => self.text,
            _ => smol_str::format_smolstr!("{} {}", self.text, more.text),
        };
        Self { playbacks: self.playbacks, text }
    }
}

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
    fn push_source(&mut self, target: NodeId, now: Now) -> bool {
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

    fn enter_saying(
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
            return self.row(cause, why, response, now);
        }
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
            NodeAction::Later | NodeAction::Start => {
                self.next = Some(Next::Complete("ERROR()".into()));
            }
        }
    }

    fn transfer(&mut self, node: &Node, (argument, spoken): (SmolStr, Spoken), now: Now) {
        let mut words = argument.split_whitespace().map(SmolStr::from);
        let Some(extension) = words.next() else {
            self.next = Some(Next::Complete("ERROR()".into()));
            return;
        };
        let to = Transfer {
            appid: self.state.appid.clone(),
            extension,
            dialplan: words.next().unwrap_or_default(),
            context: words.next().unwrap_or_default(),
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
        self.commands.push_back(match exit {
            Exit::Hangup => Command::Hangup {
                appid: self.state.appid.clone(),
                cause: SmolStr::new_static("NORMAL_CLEARING"),
            },
            Exit::Transfer { to, .. } => Command::Transfer(to),
        });
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
        self.start(node, (argument, spoken), listen);
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
    }

    /// What a prompt is played with at a node: as the node plays, or plainly at one that doesn't.
    fn playing_app(&self, node: &Node) -> SmolStr {
        if self.is_playing_node() { node.app.clone() } else { SmolStr::new_static("playback") }
    }

    fn listens(&self, node: &Node) -> bool {
        node.action == NodeAction::PlayAndDetect
    }

    fn start(
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
        self.state.immediate = 0;
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

    fn return_jump(&mut self, target: &ReturnTarget, argument: &str, carried: Spoken) -> Jump {
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
        let mut explain = super::explain::Explain::new(false);
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
    fn failed_jump(&mut self, id: SmolStr, message: &str, now: Now) {
        self.error_row(id, message, now);
        if !self.state.running {
            self.state.running = true;
            self.next = Some(Next::Complete("ERROR()".into()));
        }
    }

    /// E72, R25.
    pub(super) fn error_row(&mut self, id: SmolStr, message: &str, now: Now) {
        let cause = Cause::new(self, InputType::Error, id.clone(), now.wall);
        let why = Why { condition: id, ..Why::by(Method::Mismatch) };
        let response =
            Response { description: message.into(), ..Response::none(ResponseType::None) };
        self.row(cause, why, response, now);
    }

    /// Writes a row.
    pub(super) fn row(&mut self, cause: Cause, why: Why, response: Response, now: Now) {
        self.row_at(self.state.actions, cause, why, response, now);
    }

    fn row_at(&mut self, sequence: u32, cause: Cause, why: Why, response: Response, now: Now) {
        let row = Row {
            event_no: self.state.events,
            createtime: now.wall,
            callid: self.state.callid.clone(),
            current_appid: cause.appid,
            sequence,
            current_flowid: cause.flowid,
            input_type: cause.input_type,
            input_args: cause.args,
            input_nlp_args: SmolStr::default(),
            input_start_time: cause.start,
            input_duration: cause.duration_ms,
            input_play_time: cause.play_time_ms,
            matching_method: why.method,
            matching_condition: why.condition,
            condition_id: why.condition_id,
            condition_weight: why.weight,
            matching_keyword: why.keyword,
            response_type: response.kind,
            response_description: response.description,
            response_id: response.id,
            response_action: response.action,
            response_args: response.args,
            response_text: response.text,
            repetition: response.repetition,
            potential: response.potential,
            record: cause.record,
            heard_ms: None,
            heard_text: None,
        };
        self.state.events += 1;
        self.commands.push_back(Command::Row(Box::new(row)));
    }

    /// The id of the action that would start next, and the node's argument expanded for it.
    fn next_action(&mut self, node: &Node, now: Now) -> (SmolStr, SmolStr) {
        let appid = self.next_appid();
        let argument = self.scope(&appid, now.wall).expand(&node.argument);
        (appid, argument)
    }

    /// E21: made from the call id and the action's number.
    fn next_appid(&mut self) -> SmolStr {
        self.state.actions += 1;
        let namespace = Uuid::try_parse(&self.state.callid)
            .unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, self.state.callid.as_bytes()));
        let id = Uuid::new_v5(&namespace, &self.state.actions.to_be_bytes());
        id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).into()
    }

    /// The action replaces the one that ran.
    fn take_over(&mut self, appid: SmolStr) {
        self.state.appid = appid;
        self.state.running = true;
        self.state.jump_after = None;
    }

    fn scope<'a>(&'a self, appid: &'a SmolStr, now: Wall) -> Scope<'a> {
        Scope {
            variables: &self.state.variables,
            callid: &self.state.callid,
            appid,
            flowid: &self.node().id,
            now,
        }
    }

    /// A playback list with its variables expanded.
    fn speak(&self, audio: &Audio, appid: &SmolStr, now: Now) -> Spoken {
        let scope = self.scope(appid, now.wall);
        let texts: Vec<SmolStr> = audio.texts.iter().map(|text| scope.expand(text)).collect();
        let one_each = texts.len() == audio.entries.len();
        let playbacks = audio
            .entries
            .iter()
            .enumerate()
            .map(|(at, entry)| {
                let text = texts.get(at).filter(|_| one_each || at == 0).cloned();
                let source = source(entry.kind, scope.expand(&entry.template));
                Playback { source, text: text.unwrap_or_default() }
            })
            .collect();
        let text = audio.fixed_text.clone().unwrap_or_else(|| {
            let words = texts.iter().map(SmolStr::as_str).filter(|text| !text.is_empty());
            words.collect::<Vec<_>>().join(" ").into()
        });
        Spoken { playbacks, text }
    }
}

/// E65, E66: a prompt that leads elsewhere has no return audio.
fn plays_return_audio(prompt: &Prompt) -> bool {
    !prompt.ignore_return_playback && prompt.switchflow.is_none()
}

/// How a return's target stands in rows: empty for the source (E71).
fn return_args(argument: &str) -> SmolStr {
    match argument.trim() {
        "return" => SmolStr::default(),
        target => target.into(),
    }
}

fn source(kind: EntryKind, entry: SmolStr) -> Source {
    match kind {
        EntryKind::File => Source::File(entry),
        EntryKind::Url => Source::Url(entry),
        EntryKind::Tone => Source::Tone(entry),
        EntryKind::Silence => {
            let ms = entry.rsplit("://").next().and_then(|ms| ms.split(',').next());
            Source::Silence(ms.and_then(|ms| ms.trim().parse().ok()).unwrap_or(0))
        }
        EntryKind::FileOrText => Source::FileOrText(entry),
        EntryKind::Text => Source::Text(entry),
    }
}
