//! Everything the engine knows of one call; all of it goes into a snapshot.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::collect::Collecting;
use super::command::{Command, Transfer};
use super::counters::Counters;
use super::http::OpenRequest;
use super::input::EndReason;
use super::intent::Intent;
use super::notice::Notice;
use super::stack::Stack;
use super::time::{Now, Tick, Wall};
use super::vars::Variables;
use super::waiting::{Awaited, Waiting};
use crate::script::{NodeId, PromptId};

/// The state of one call. The script it stands on is named by its revision, not held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) callid: SmolStr,
    pub(super) event_after_hangup: bool,
    pub(super) started: Now,
    pub(super) variables: Variables,
    /// The node in force.
    pub(super) node: NodeId,
    pub(super) stack: Stack,
    pub(super) counters: Counters,
    pub(super) intent: Intent,
    /// How many rows were written.
    pub(super) events: u32,
    /// How many actions were started (E17).
    pub(super) actions: u32,
    /// The action started last; empty before the first.
    pub(super) appid: SmolStr,
    /// That action has not completed yet.
    pub(super) running: bool,
    /// The prompt that action plays, if its end makes the call jump (E66).
    pub(super) jump_after: Option<PromptId>,
    /// The log was told of a pattern that is too costly (E43).
    pub(super) warned_of_pattern: bool,
    /// A partial matched; the rest of its sentence is spent (E42).
    pub(super) spent: bool,
    pub(super) digits: Option<Digits>,
    /// How many questions were asked.
    pub(super) requests: u32,
    /// An answer without which what was said is not decided.
    pub(super) awaited: Option<Awaited>,
    /// What happened meanwhile, in order.
    pub(super) waiting: Waiting,
    /// The web request of the node in force.
    pub(super) request: Option<OpenRequest>,
    /// The digits of the node in force, if it collects them.
    pub(super) collecting: Option<Collecting>,
    /// Notices that wait for their time, the first one first.
    pub(super) notices: Vec<Notice>,
    /// That action waits for something: it plays, listens or runs an application.
    pub(super) waits: bool,
    /// Actions in a row that waited for nothing, or failed (E73).
    pub(super) immediate: u32,
    pub(super) phase: Phase,
}

/// Keys that were pressed and wait for more (E77).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Digits {
    pub(super) keys: String,
    pub(super) appid: SmolStr,
    pub(super) start: Wall,
    pub(super) play_time_ms: i64,
    /// When they are decided without more.
    pub(super) due: Tick,
}

/// Where a call stands between its beginning and its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// The conversation goes on.
    Talking,
    /// The last words are being played; then this happens.
    Goodbye(Exit),
    /// The switch was told to hang up or transfer; its confirmation is awaited until `due`.
    Leaving { reason: EndReason, due: Tick },
    /// The caller hung up; the end is on its way, and is awaited until `due`.
    Dead { due: Tick },
    /// All is written.
    Ended,
}

/// How the robot leaves a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Exit {
    Hangup,
    Transfer { to: Transfer, reason: EndReason },
}

impl Exit {
    /// What the switch is told.
    pub(super) fn command(self, appid: &SmolStr) -> Command {
        match self {
            Self::Hangup => Command::Hangup {
                appid: appid.clone(),
                cause: SmolStr::new_static("NORMAL_CLEARING"),
            },
            Self::Transfer { to, .. } => Command::Transfer(to),
        }
    }

    pub(super) fn reason(&self) -> EndReason {
        match self {
            Self::Hangup => EndReason::SendBye,
            Self::Transfer { reason, .. } => *reason,
        }
    }
}
