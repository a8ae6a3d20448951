//! The state of a call that a service decides, and what each input does.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smol_str::SmolStr;

use super::super::call::{CONFIRMATION_MS, Call, IMMEDIATE_MAX, Timer};
use super::super::command::Command;
use super::super::input::{EndReason, Input};
use super::super::intent::{End, Intent};
use super::super::row::InputType;
use super::super::said::{Utterance, complete_word};
use super::super::state::{Exit, Phase};
use super::super::time::{Now, Tick};
use super::super::vars::Variables;
use super::super::waiting::{Waiting, keep, kind_of};
use super::ask::Awaited;
use super::message::Told;

/// A service that decides calls, as the configuration and the dialplan name it.
#[derive(Clone, Debug, Default)]
pub struct FlowService {
    /// Where inputs are POSTed.
    pub url: SmolStr,
    /// How often a request that failed is repeated.
    pub retries: u32,
    /// How long each attempt may take, ms.
    pub response_ms: u64,
    /// Played before the robot hangs up because the service is away (E8); empty = nothing.
    pub apology: SmolStr,
    /// API commands that a service may have run, as patterns of the whole command (N11).
    pub commands: regex::RegexSet,
}

/// The conversation of one call, decided by a service. Feed it with `handle` and `wake`; after
/// either, take all commands before the next.
#[derive(Debug)]
pub struct External {
    pub(super) flow: Arc<FlowService>,
    pub(super) state: State,
    pub(super) commands: VecDeque<Command>,
}

/// The state of a call, as it is kept outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExternalSnapshot(State);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) callid: SmolStr,
    pub(super) variables: Variables,
    event_after_hangup: bool,
    started: Now,
    intent: Intent,
    /// How many rows were written.
    pub(super) events: u32,
    /// How many actions were started (E17).
    pub(super) actions: u32,
    /// The action started last; empty before the first.
    pub(super) appid: SmolStr,
    /// That action has not completed yet.
    pub(super) running: bool,
    /// That action waits for something: it plays, listens or runs an application.
    pub(super) waits: bool,
    /// Actions in a row that waited for nothing, or failed (E73).
    immediate: u32,
    pub(super) requests: u32,
    pub(super) awaited: Option<Awaited>,
    waiting: Waiting,
    /// What the service wants to have back with each input.
    pub(super) privatedata: Value,
    /// The voice that the service wants; in force until replaced.
    pub(super) tts: Value,
    /// Keys that stop the audio; `None` = every key.
    pub(super) terminators: Option<SmolStr>,
    pub(super) phase: Phase,
}

impl External {
    /// A call begins: the service is asked for the first action.
    #[must_use]
    pub fn new(call: Call, flow: Arc<FlowService>, now: Now) -> Self {
        let (variables, no_room) = Variables::new(call.variables);
        let state = State {
            callid: call.callid,
            variables,
            event_after_hangup: call.event_after_hangup,
            started: now,
            intent: Intent::default(),
            events: 0,
            actions: 0,
            appid: SmolStr::default(),
            running: false,
            waits: false,
            immediate: 0,
            requests: 0,
            awaited: None,
            waiting: VecDeque::new(),
            privatedata: Value::Null,
            tts: Value::Null,
            terminators: None,
            phase: Phase::Talking,
        };
        let mut external = Self { flow, state, commands: VecDeque::new() };
        if let Some(error) = no_room {
            external.commands.push_back(Command::Warn(error.to_string()));
        }
        let url = external.flow.url.clone();
        external.ask(Told::new(InputType::Create, SmolStr::default(), url, now.wall), now);
        external
    }

    /// Something happened. Odd input is an input too; nothing here fails.
    pub fn handle(&mut self, input: Input, now: Now) {
        debug_assert!(self.commands.is_empty(), "all commands are taken before the next input");
        if self.has_ended() {
            return;
        }
        match input.bounded() {
            Input::Answer { id, outcome } => self.answered(id, &outcome, now),
            Input::Ended(reason) => self.end(reason, now),
            input if input.ends_the_line() => self.take(input, now),
            input => self.take_or_hold(input, now),
        }
        self.take_waiting(now);
    }

    /// Time passed: whatever is due happens.
    pub fn wake(&mut self, now: Now) {
        debug_assert!(self.commands.is_empty(), "all commands are taken before the next input");
        let Some((_, timer)) = self.next_wake().filter(|(due, _)| *due <= now.tick) else { return };
        match timer {
            Timer::Answer => self.answer_overdue(now),
            // The switch's confirmation; there is no third.
            _ => self.end(EndReason::Hangup, now),
        }
        self.take_waiting(now);
    }

    /// The next thing to do, in order; `None` until the next `handle` or `wake`.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to be woken, and why.
    #[must_use]
    pub fn next_wake(&self) -> Option<(Tick, Timer)> {
        match self.state.phase {
            Phase::Ended => None,
            Phase::Leaving { due, .. } | Phase::Dead { due } => Some((due, Timer::Confirmation)),
            _ => self.state.awaited.as_ref().map(|awaited| (awaited.due, Timer::Answer)),
        }
    }

    /// True once DESTORY and classify are written.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state.phase == Phase::Ended
    }

    /// The call's state, to go on from later. All commands have been taken.
    #[must_use]
    pub fn snapshot(&self) -> ExternalSnapshot {
        debug_assert!(self.commands.is_empty(), "commands are not part of a snapshot");
        ExternalSnapshot(self.state.clone())
    }

    /// The call as it was when the snapshot was taken.
    #[must_use]
    pub fn restore(ExternalSnapshot(state): ExternalSnapshot, flow: Arc<FlowService>) -> Self {
        Self { flow, state, commands: VecDeque::new() }
    }

    /// The service that decides.
    #[must_use]
    pub fn flow(&self) -> &Arc<FlowService> {
        &self.flow
    }

    /// Why the robot is leaving the call, once it is.
    #[must_use]
    pub fn leaving(&self) -> Option<EndReason> {
        match self.state.phase {
            Phase::Leaving { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// Takes an input, or lets it wait for the answer that is awaited (E50).
    fn take_or_hold(&mut self, input: Input, now: Now) {
        if matches!(input, Input::Dtmf { .. }) {
            self.stop_audio_for(&input);
            self.forget_what_was_said(now);
        }
        if self.state.awaited.is_none() {
            return self.take(input, now);
        }
        if !keep(&mut self.state.waiting, input, &self.state.appid) {
            self.give_up("too much happened before it answered", now);
        }
    }

    /// Takes what waited, until an answer is awaited again.
    fn take_waiting(&mut self, now: Now) {
        while self.state.awaited.is_none() {
            let Some(input) = self.state.waiting.pop_front() else { return };
            self.take(input, now);
        }
    }

    fn take(&mut self, input: Input, now: Now) {
        if let Some(told) = Told::said(&input, &self.state.appid, now.wall) {
            self.said(told, now);
        } else if let Input::Complete { appid, args } = input {
            self.complete(appid, &args, now);
        }
    }

    /// The service decides what the caller said or pressed, unless that was meant for an action
    /// which was replaced (E21), or the robot is on its way out (R20).
    fn said(&mut self, told: Told, now: Now) {
        let is_key = told.input_type == InputType::Dtmf;
        let is_talking = self.state.phase == Phase::Talking;
        if is_talking && told.appid == self.state.appid {
            self.state.immediate = 0;
            if is_key || kind_of(&told.args) == Utterance::Final {
                self.state.intent.responded();
            }
            self.ask(told, now);
        } else if is_talking || !is_key {
            self.unanswered(told, now);
        }
    }

    fn complete(&mut self, appid: Option<SmolStr>, args: &SmolStr, now: Now) {
        let is_current = appid.is_none_or(|appid| appid == self.state.appid);
        let word = complete_word(args);
        match &self.state.phase {
            Phase::Talking if word == "HANGUP" => self.line_died(args, now),
            Phase::Talking if is_current && self.state.running => self.action_ended(args, now),
            Phase::Goodbye(_) if word == "HANGUP" => self.die(now),
            Phase::Goodbye(exit) if is_current => self.leave(exit.clone(), now),
            Phase::Leaving { reason, .. } if *reason != EndReason::SendBye && word == "ERROR" => {
                self.state.phase = Phase::Talking;
                self.action_ended(args, now);
            }
            _ => {}
        }
    }

    /// The service is told that the action is over, and says what comes next.
    pub(super) fn action_ended(&mut self, args: &SmolStr, now: Now) {
        self.state.running = false;
        if self.state.waits && complete_word(args) != "ERROR" {
            self.state.immediate = 0;
        } else {
            self.state.immediate += 1;
        }
        let told = self.told_complete(args.clone(), now);
        if self.state.immediate > IMMEDIATE_MAX {
            let why = format!("{IMMEDIATE_MAX} actions in a row waited for nothing, or failed");
            return self.hang_up(told, &why, now);
        }
        self.ask(told, now);
    }

    /// The caller hung up (E76): nothing is started any more. The service hears of it, and nobody
    /// waits for its answer.
    fn line_died(&mut self, args: &SmolStr, now: Now) {
        self.leave_unanswered(|_| true, now);
        if std::mem::take(&mut self.state.running) {
            let told = self.told_complete(args.clone(), now);
            if self.state.event_after_hangup {
                self.tell_input(&told, now);
            }
            self.unanswered(told, now);
        }
        self.die(now);
    }

    fn die(&mut self, now: Now) {
        self.state.phase = Phase::Dead { due: now.tick.plus_ms(CONFIRMATION_MS) };
    }

    /// Tells the switch that the robot leaves; its confirmation ends the call.
    pub(super) fn leave(&mut self, exit: Exit, now: Now) {
        let due = now.tick.plus_ms(CONFIRMATION_MS);
        self.state.phase = Phase::Leaving { reason: exit.reason(), due };
        self.commands.push_back(exit.command(&self.state.appid));
    }

    /// A key was pressed: what the caller said before it and has no answer yet gets none (E50).
    fn forget_what_was_said(&mut self, now: Now) {
        let is_text = |kind| kind == InputType::Text;
        if self.state.awaited.as_ref().is_some_and(|awaited| is_text(awaited.told.input_type)) {
            self.leave_unanswered(is_text, now);
            self.take_waiting(now);
        }
    }

    /// Writes down without an answer what is awaited and what waits, of these kinds.
    fn leave_unanswered(&mut self, is_left: impl Fn(InputType) -> bool, now: Now) {
        let awaited = self.state.awaited.take_if(|awaited| is_left(awaited.told.input_type));
        if let Some(awaited) = awaited {
            self.unanswered(awaited.told, now);
        }
        for input in std::mem::take(&mut self.state.waiting) {
            match Told::said(&input, &self.state.appid, now.wall) {
                Some(told) if is_left(told.input_type) => self.unanswered(told, now),
                _ => self.state.waiting.push_back(input),
            }
        }
    }

    /// E16: DESTORY and classify, once, last; and the service hears that the call is over.
    fn end(&mut self, given: EndReason, now: Now) {
        let reason = self.leaving().unwrap_or(given);
        self.leave_unanswered(|_| true, now);
        self.destroy_row(reason, now);
        self.tell_destroy(reason, now);
        let classify = self.state.intent.at_end(&End {
            callid: &self.state.callid,
            started: self.state.started,
            now,
            reason,
            rules: &[],
            visited: Vec::new(),
        });
        self.commands.push_back(Command::Classify(Box::new(classify)));
        self.state.running = false;
        self.state.phase = Phase::Ended;
    }
}
