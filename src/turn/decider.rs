//! Who decides a call: a script, or a service outside.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::engine::{
    Command, EndReason, External, ExternalSnapshot, Input, Now, Robot, Snapshot, Tick, Timer,
};

/// The engine of one call.
#[derive(Debug)]
pub enum Decider {
    /// A script decides.
    Script(Box<Robot>),
    /// A service decides (I15).
    External(Box<External>),
}

/// A call as it was at one moment, whoever decides it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeciderSnapshot {
    /// A script decides.
    Script(Box<Snapshot>),
    /// A service decides.
    External(Box<ExternalSnapshot>),
}

impl From<Robot> for Decider {
    fn from(robot: Robot) -> Self {
        Self::Script(Box::new(robot))
    }
}

impl From<External> for Decider {
    fn from(external: External) -> Self {
        Self::External(Box::new(external))
    }
}

impl Decider {
    /// Something happened.
    pub fn handle(&mut self, input: Input, now: Now) {
        match self {
            Self::Script(robot) => robot.handle(input, now),
            Self::External(external) => external.handle(input, now),
        }
    }

    /// Time passed: whatever is due happens.
    pub fn wake(&mut self, now: Now) {
        match self {
            Self::Script(robot) => robot.wake(now),
            Self::External(external) => external.wake(now),
        }
    }

    /// The next thing to do, in order; `None` until the next `handle` or `wake`.
    pub fn next_command(&mut self) -> Option<Command> {
        match self {
            Self::Script(robot) => robot.next_command(),
            Self::External(external) => external.next_command(),
        }
    }

    /// When to be woken, and why.
    #[must_use]
    pub fn next_wake(&self) -> Option<(Tick, Timer)> {
        match self {
            Self::Script(robot) => robot.next_wake(),
            Self::External(external) => external.next_wake(),
        }
    }

    /// True once DESTORY and classify are written.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        match self {
            Self::Script(robot) => robot.has_ended(),
            Self::External(external) => external.has_ended(),
        }
    }

    /// The call's state. All commands have been taken.
    #[must_use]
    pub fn snapshot(&self) -> DeciderSnapshot {
        match self {
            Self::Script(robot) => DeciderSnapshot::Script(Box::new(robot.snapshot())),
            Self::External(external) => DeciderSnapshot::External(Box::new(external.snapshot())),
        }
    }

    /// This call as it was when the snapshot was taken; `None` if it is another call's.
    #[must_use]
    pub fn as_of(&self, snapshot: DeciderSnapshot) -> Option<Self> {
        match (self, snapshot) {
            (Self::Script(robot), DeciderSnapshot::Script(snapshot)) => {
                Robot::restore(*snapshot, Arc::clone(robot.script())).ok().map(Self::from)
            }
            (Self::External(external), DeciderSnapshot::External(snapshot)) => {
                Some(External::restore(*snapshot, Arc::clone(external.flow())).into())
            }
            _ => None,
        }
    }

    /// The call's label so far.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Script(robot) => robot.label(),
            Self::External(_) => "",
        }
    }

    /// The channel variables that the dialplan finds when the robot has left.
    pub(super) fn results(&self) -> [(&'static str, SmolStr); 4] {
        let (leaving, revision, node) = match self {
            Self::Script(robot) => {
                (robot.leaving(), robot.script().revision.clone(), robot.node().id.clone())
            }
            Self::External(external) => {
                (external.leaving(), SmolStr::default(), SmolStr::default())
            }
        };
        [
            ("robot_result", leaving.map_or("", EndReason::as_str).into()),
            ("robot_label", self.label().into()),
            ("robot_flow_revision", revision),
            ("robot_last_node", node),
        ]
    }
}
