//! What the service is told: the messages of I15, field by field.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::super::input::{EndReason, Heard, Input};
use super::super::row::InputType;
use super::super::time::Wall;
use super::call::State;

/// An input as the service and the row have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) input_type: InputType,
    /// The action it belongs to.
    pub(super) appid: SmolStr,
    /// As the row has it.
    pub(super) args: SmolStr,
    pub(super) start: Wall,
    pub(super) duration_ms: i64,
    pub(super) play_time_ms: i64,
    pub(super) record: SmolStr,
}

impl Told {
    pub(super) fn new(input_type: InputType, appid: SmolStr, args: SmolStr, start: Wall) -> Self {
        let record = SmolStr::default();
        Self { input_type, appid, args, start, duration_ms: 0, play_time_ms: 0, record }
    }

    /// Something the caller said or pressed; `current` is the action in force.
    pub(super) fn said(input: &Input, current: &SmolStr, now: Wall) -> Option<Self> {
        let of = |appid: &Option<SmolStr>| appid.clone().unwrap_or_else(|| current.clone());
        match input {
            Input::Text(heard) => Some(Self::text(heard, of(&heard.appid))),
            Input::Dtmf { appid, digits, play_time_ms } => {
                let told = Self::new(InputType::Dtmf, of(appid), digits.clone(), now);
                Some(Self { play_time_ms: *play_time_ms, ..told })
            }
            Input::Complete { .. } | Input::Answer { .. } | Input::Ended(_) => None,
        }
    }

    fn text(heard: &Heard, appid: SmolStr) -> Self {
        Self {
            input_type: InputType::Text,
            appid,
            args: heard.text.clone(),
            start: heard.start,
            duration_ms: heard.duration_ms,
            play_time_ms: heard.play_time_ms,
            record: heard.record.clone(),
        }
    }

    /// `input_type` and `input_args` as the service reads them: digits with their letter, a COMPLETE
    /// in small letters.
    fn words(&self) -> (&'static str, String) {
        match self.input_type {
            InputType::Dtmf => ("dtmf", format!("D{}", self.args)),
            InputType::Complete => {
                let (word, rest) =
                    self.args.split_at(self.args.find('(').unwrap_or(self.args.len()));
                ("complete", word.to_ascii_lowercase() + rest)
            }
            _ => ("text", self.args.to_string()),
        }
    }
}

impl State {
    /// The call has begun; `appid` is the action that the answer will start.
    pub(super) fn create_message(&self, appid: &str, now: Wall) -> Value {
        json!({
            "method": "create",
            "timestamp": micros(now),
            "callid": self.callid,
            "appid": appid,
            "call_source": self.variables.get("call_source"),
            "source_name": self.variables.get("source_name"),
            "variables": self.variables.to_json(),
        })
    }

    /// Something happened.
    pub(super) fn input_message(&self, told: &Told, now: Wall) -> Value {
        let (input_type, input_args) = told.words();
        json!({
            "method": "input",
            "timestamp": micros(now),
            "callid": self.callid,
            "appid": told.appid,
            "privatedata": self.privatedata,
            "input_type": input_type,
            "input_args": input_args,
            "input_start_time": micros(told.start),
            "input_duration": told.duration_ms,
            "play_progress": told.play_time_ms,
        })
    }

    /// The call has ended. The matched system spells it `destory`.
    pub(super) fn destroy_message(&self, reason: EndReason, now: Wall) -> Value {
        json!({
            "method": "destory",
            "timestamp": micros(now),
            "callid": self.callid,
            "appid": self.appid,
            "privatedata": self.privatedata,
            "reason": reason.as_str(),
        })
    }
}

/// Microseconds since 1970.
fn micros(wall: Wall) -> i64 {
    wall.unix_ms.saturating_mul(1_000)
}
