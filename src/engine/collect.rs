//! The `collect` node: takes digits until there are enough (E20, E77, R29).

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::call::Robot;
use super::command::Command;
use super::time::{Now, Tick};
use super::written::Cause;
use crate::script::{Collect, NodeAction};

/// The digits of the node in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Collecting {
    keys: String,
    /// The next digit is awaited until then; `None` while the audio before the first one plays.
    pub(super) due: Option<Tick>,
}

impl Robot {
    /// The node in force, if it collects digits, begins to.
    pub(super) fn collect_anew(&mut self, plays: bool, now: Now) {
        let NodeAction::Collect(collect) = &self.node().action else { return };
        let due = (!plays).then(|| now.tick.plus_ms(collect.first_digit_ms));
        self.state.collecting = Some(Collecting { keys: String::new(), due });
    }

    /// The audio before the first digit is over; true if digits are collected.
    pub(super) fn collect_audio_ended(&mut self, now: Now) -> bool {
        let NodeAction::Collect(collect) = &self.node().action else { return false };
        let due = now.tick.plus_ms(collect.first_digit_ms);
        let Some(collecting) = &mut self.state.collecting else { return false };
        collecting.due.get_or_insert(due);
        true
    }

    /// A key was pressed at a node that collects digits.
    pub(super) fn collect_key(&mut self, key: char, play_time_ms: i64, now: Now) {
        let script = std::sync::Arc::clone(&self.script);
        let NodeAction::Collect(collect) = &script.node(self.state.node).action else { return };
        let is_protected = self.forbids_break(play_time_ms);
        let Some(collecting) = &mut self.state.collecting else { return };
        if collecting.keys.is_empty() && !is_protected {
            self.commands.push_back(Command::StopAudio { appid: self.state.appid.clone() });
        }
        collecting.due = Some(now.tick.plus_ms(collect.inter_digit_ms));
        let ends = collect.terminator == Some(key);
        if !ends {
            collecting.keys.push(key);
        }
        if ends || collecting.keys.len() >= collect.max {
            self.collected(collect, now);
        }
    }

    /// The next digit did not come in time.
    pub(super) fn collect_overdue(&mut self, now: Now) {
        let script = std::sync::Arc::clone(&self.script);
        let NodeAction::Collect(collect) = &script.node(self.state.node).action else { return };
        let has_some = self.state.collecting.as_ref().is_some_and(|now| !now.keys.is_empty());
        if has_some {
            return self.collected(collect, now);
        }
        self.state.collecting = None;
        self.complete(None, "TIMEOUT()", now);
    }

    /// Enough digits end the node; too few are a mismatch, and it begins anew.
    fn collected(&mut self, collect: &Collect, now: Now) {
        let Some(Collecting { keys, .. }) = self.state.collecting.take() else { return };
        self.state.intent.responded();
        if keys.len() < collect.min {
            let cause = Cause::digits(self, None, keys.into(), (now.wall, 0));
            self.mismatch(cause, now);
            if self.state.collecting.is_none() {
                self.collect_anew(false, now);
            }
            return;
        }
        self.set_own("last_digits", &keys);
        if !collect.variable.is_empty() {
            self.set_variable(collect.variable.clone(), &keys);
        }
        self.complete(None, "DONE()", now);
    }

    fn set_variable(&mut self, name: SmolStr, value: &str) {
        if let Err(error) = self.state.variables.set(name, value) {
            self.commands.push_back(Command::Warn(error.to_string()));
        }
    }
}
