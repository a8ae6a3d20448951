//! The robot of one call: its contract, and what each input does.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::command::Command;
use super::counters::Counters;
use super::explain::Explain;
use super::input::{EndReason, Input};
use super::intent::{End, Intent};
use super::jump::Next;
use super::matching::{Position, Why};
use super::row::{Method, ResponseType};
use super::said::complete_word;
use super::stack::Stack;
use super::state::{Phase, State};
use super::time::{Now, Tick};
use super::vars::Variables;
use super::written::{Cause, Response};
use crate::script::{Node, NodeAction, Script};

/// A switch that was told to hang up or transfer, or told of a caller who did, has this long to say
/// that the call has ended, ms; then it ends without that word, so that a lost event is no immortal
/// call.
pub(super) const CONFIRMATION_MS: u64 = 10_000;
/// Actions in a row that wait for nothing; one more is an ERROR row (E73).
pub(super) const IMMEDIATE_MAX: u32 = 50;

/// What the engine needs to know of a call that begins.
#[derive(Clone, Debug)]
pub struct Call {
    /// The call's id: the channel's UUID, or that and `-2`, `-3` … (E16).
    pub callid: SmolStr,
    /// Channel variables.
    pub variables: Vec<(SmolStr, SmolStr)>,
    /// What was being said when the caller hung up is still matched (E76).
    pub event_after_hangup: bool,
    /// Commands tell what was tried before each row.
    pub explain: bool,
}

/// Why the engine wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// No further digit came.
    InterDigit,
    /// A node that collects digits got no further one.
    Collect,
    /// The NLP service, or the service of an external flow, did not answer, or is asked again.
    Answer,
    /// An `http` node's service did not answer.
    WebRequest,
    /// A notice is due (E85).
    Notice,
    /// The switch did not say that the call has ended.
    Confirmation,
}

/// The conversation of one call. Feed it with `handle` and `wake`; after either, take all
/// commands before the next.
#[derive(Debug)]
pub struct Robot {
    pub(super) script: Arc<Script>,
    pub(super) state: State,
    pub(super) commands: VecDeque<Command>,
    /// An action that waits for nothing, to be gone on with before anything else.
    pub(super) next: Option<Next>,
    pub(super) explain: bool,
}

/// The state of a call, as it is kept outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The script's revision; the call goes on only on the same one.
    pub revision: SmolStr,
    state: State,
}

/// A snapshot was made on another revision of the script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call stands on revision {wanted} of its script, not on {found}")]
pub struct WrongRevision {
    /// The revision the call began with.
    pub wanted: SmolStr,
    /// The one that was given.
    pub found: SmolStr,
}

impl Robot {
    /// A call begins: the CREATE row and the entry node's action are the first commands.
    #[must_use]
    pub fn new(call: Call, script: Arc<Script>, now: Now) -> Self {
        let (variables, no_room) = Variables::new(call.variables);
        let entry = script.entry;
        let state = State {
            callid: call.callid,
            event_after_hangup: call.event_after_hangup,
            started: now,
            variables,
            node: entry,
            stack: Stack::new(entry),
            counters: Counters::default(),
            intent: Intent::default(),
            events: 0,
            actions: 0,
            appid: SmolStr::default(),
            running: false,
            jump_after: None,
            spent: false,
            digits: None,
            warned_of_pattern: false,
            requests: 0,
            awaited: None,
            waiting: VecDeque::new(),
            request: None,
            collecting: None,
            notices: Vec::new(),
            waits: false,
            immediate: 0,
            phase: Phase::Talking,
        };
        let commands = VecDeque::new();
        let mut robot = Self { script, state, commands, next: None, explain: call.explain };
        if let Some(error) = no_room {
            robot.commands.push_back(Command::Warn(error.to_string()));
        }
        robot.create(now);
        robot.run_on(now);
        robot
    }

    /// Something happened. Odd input is an input too; nothing here fails.
    pub fn handle(&mut self, input: Input, now: Now) {
        debug_assert!(self.commands.is_empty(), "all commands are taken before the next input");
        if self.has_ended() {
            return;
        }
        match input.bounded() {
            Input::Answer { id, outcome } => self.answered(id, &outcome, now),
            input => self.take_or_hold(input, now),
        }
        self.run_on(now);
        self.take_waiting(now);
    }

    /// Lets an input happen.
    pub(super) fn take(&mut self, input: Input, now: Now) {
        match input {
            Input::Text(heard) => {
                self.state.immediate = 0;
                self.decide_digits(now);
                self.text(&heard, now);
            }
            Input::Dtmf { appid, digits, play_time_ms } => {
                self.state.immediate = 0;
                self.dtmf(appid, &digits, play_time_ms, now);
            }
            Input::Complete { appid, args } => {
                if complete_word(&args) == "HANGUP" {
                    self.flush_on_dead_line(now);
                } else {
                    self.decide_digits(now);
                }
                self.complete(appid, &args, now);
            }
            Input::Answer { id, outcome } => self.answered(id, &outcome, now),
            Input::Ended(reason) => {
                self.flush_on_dead_line(now);
                self.end(reason, now);
            }
        }
    }

    /// Time passed: whatever is due happens.
    pub fn wake(&mut self, now: Now) {
        debug_assert!(self.commands.is_empty(), "all commands are taken before the next input");
        let Some((_, timer)) = self.next_wake().filter(|(due, _)| *due <= now.tick) else { return };
        match timer {
            Timer::InterDigit => self.decide_digits(now),
            Timer::Collect => self.collect_overdue(now),
            Timer::Answer => self.give_up("timeout", now),
            Timer::WebRequest => self.http_overdue(now),
            Timer::Notice => self.notice_due(now),
            Timer::Confirmation => self.end(EndReason::Hangup, now),
        }
        self.run_on(now);
        self.take_waiting(now);
    }

    /// The next thing to do, in order; `None` until the next `handle` or `wake`.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to be woken, and why.
    #[must_use]
    pub fn next_wake(&self) -> Option<(Tick, Timer)> {
        let state = &self.state;
        if state.phase == Phase::Ended {
            return None;
        }
        let notice = state.notices.first().map(|notice| (notice.due, Timer::Notice));
        if let Phase::Leaving { due, .. } | Phase::Dead { due } = state.phase {
            return [Some((due, Timer::Confirmation)), notice].into_iter().flatten().min();
        }
        let collecting = state.collecting.as_ref().and_then(|collecting| collecting.due);
        let timers = [
            state.digits.as_ref().map(|digits| (digits.due, Timer::InterDigit)),
            collecting.map(|due| (due, Timer::Collect)),
            state.awaited.as_ref().map(|awaited| (awaited.due, Timer::Answer)),
            state
                .request
                .as_ref()
                .filter(|open| open.is_open())
                .map(|open| (open.due, Timer::WebRequest)),
            notice,
        ];
        timers.into_iter().flatten().min()
    }

    /// True once DESTORY and classify are written.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state.phase == Phase::Ended
    }

    /// The call's state, to go on from later. All commands have been taken.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        debug_assert!(self.commands.is_empty(), "commands are not part of a snapshot");
        Snapshot { revision: self.script.revision.clone(), state: self.state.clone() }
    }

    /// The robot as it was when the snapshot was taken.
    pub fn restore(snapshot: Snapshot, script: Arc<Script>) -> Result<Self, WrongRevision> {
        if snapshot.revision != script.revision {
            let found = script.revision.clone();
            return Err(WrongRevision { wanted: snapshot.revision, found });
        }
        let commands = VecDeque::new();
        Ok(Self { script, state: snapshot.state, commands, next: None, explain: false })
    }

    /// The node in force.
    #[must_use]
    pub fn node(&self) -> &Node {
        self.script.node(self.state.node)
    }

    /// The script the call stands on.
    #[must_use]
    pub fn script(&self) -> &Arc<Script> {
        &self.script
    }

    /// Why the robot is leaving the call, once it is.
    #[must_use]
    pub fn leaving(&self) -> Option<EndReason> {
        match self.state.phase {
            Phase::Leaving { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// The value of a call variable; empty if nobody set it.
    #[must_use]
    pub fn variable(&self, name: &str) -> SmolStr {
        self.state.variables.get(name)
    }

    /// The call's label so far.
    #[must_use]
    pub fn label(&self) -> &SmolStr {
        self.state.intent.label()
    }

    /// Goes on with actions that wait for nothing.
    pub(super) fn run_on(&mut self, now: Now) {
        while let Some(next) = self.next.take() {
            match next {
                Next::Complete(args) => self.complete(None, &args, now),
                Next::Jump(jump) => self.jump(jump, now),
            }
        }
    }

    /// E73: counts an action that waited for nothing, or that failed; true, after the ERROR row and
    /// the hang-up, if there were too many in a row.
    pub(super) fn goes_in_circles(&mut self, now: Now) -> bool {
        self.state.immediate += 1;
        let too_many = self.state.immediate > IMMEDIATE_MAX;
        if too_many {
            let message = format!("{IMMEDIATE_MAX} actions in a row waited for nothing");
            let id = self.node().id.clone();
            self.error_row(id, &message, now);
            self.hang_up(now);
        }
        too_many
    }

    pub(super) fn position(&self, now: Now) -> Position<'_> {
        Position {
            script: &self.script,
            node: self.state.node,
            stack: &self.state.stack,
            counters: &self.state.counters,
            variables: &self.state.variables,
            elapsed_ms: now.tick.ms_since(self.state.started.tick),
        }
    }

    /// E60: says that nothing matched, or keeps listening.
    pub(super) fn mismatch(&mut self, cause: Cause, now: Now) {
        let mismatches = self.state.counters.mismatches.saturating_add(1);
        self.state.counters.mismatches = mismatches;
        let script = Arc::clone(&self.script);
        let node = script.node(self.state.node);
        let audio = &node.audio.mismatch;
        if self.is_dead() || audio.is_empty() || mismatches > node.mismatch_repetition.unwrap_or(1)
        {
            let response =
                Response { repetition: mismatches, ..Response::none(ResponseType::None) };
            return self.row(cause, Why::by(Method::Mismatch), response, now);
        }
        self.prompt_at_node(cause, ResponseType::Mismatch, mismatches, audio, now);
    }

    pub(super) fn no_answer(&mut self, cause: Cause, kind: ResponseType, now: Now) {
        self.row(cause, Why::by(Method::Mismatch), Response::none(kind), now);
    }

    /// Sets a variable of ours.
    pub(super) fn set_own(&mut self, name: &'static str, value: &str) {
        if let Err(error) = self.state.variables.set(SmolStr::new_static(name), value) {
            self.commands.push_back(Command::Warn(error.to_string()));
        }
    }

    /// Says what was tried, and once in a call that a pattern is too costly (E43).
    pub(super) fn tell(&mut self, explain: Explain) {
        if let Some(pattern) = explain.overran.as_ref().filter(|_| !self.state.warned_of_pattern) {
            self.state.warned_of_pattern = true;
            self.commands.push_back(Command::Warn(format!(
                "the pattern {pattern} backtracks without end and counts as not matching; simplify it"
            )));
        }
        if let Some(lines) = explain.into_lines() {
            self.commands.push_back(Command::Explain(lines));
        }
    }

    /// A row for which nothing was tried is told so: each row has its `Explain` before it.
    pub(super) fn tell_that_nothing_was_tried(&mut self) {
        let of_this_row = |command: &&Command| !matches!(command, Command::Row(_));
        let mut before = self.commands.iter().rev().take_while(of_this_row);
        if self.explain && !before.any(|command| matches!(command, Command::Explain(_))) {
            self.commands.push_back(Command::Explain(Vec::new()));
        }
    }

    /// E16: DESTORY and classify, once, last.
    pub(super) fn end(&mut self, given: EndReason, now: Now) {
        let reason = match &self.state.phase {
            Phase::Leaving { reason, .. } => *reason,
            _ => given,
        };
        let classify = self.state.intent.at_end(&End {
            callid: &self.state.callid,
            started: self.state.started,
            now,
            reason,
            rules: &self.script.rules,
            visited: self.state.counters.visited(&self.script),
        });
        let cause = Cause::destroy(self, reason, now.wall);
        let response = Response {
            potential: classify.label_result.clone(),
            ..Response::none(ResponseType::None)
        };
        self.row(cause, Why::by(Method::Mismatch), response, now);
        self.commands.push_back(Command::Classify(Box::new(classify)));
        self.state.running = false;
        self.state.phase = Phase::Ended;
    }

    fn create(&mut self, now: Now) {
        let label = &self.script.version_label;
        let args = if label.is_empty() {
            self.script.name.clone()
        } else {
            smol_str::format_smolstr!("{}:{label}", self.script.name)
        };
        let entry = self.script.entry;
        let cause = Cause::create(args, now.wall);
        self.enter(entry, ResponseType::Flow, cause, Why::by(Method::Boot), now);
    }

    /// True once the caller has hung up: nothing is started any more (E76).
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.state.phase, Phase::Dead { .. })
    }

    /// True if the node does something on the switch that a caller can hear or wait for.
    pub(super) fn is_playing_node(&self) -> bool {
        matches!(self.node().action, NodeAction::PlayAndDetect | NodeAction::Playback)
    }
}
