//! What is written down of a call that a service decides: the columns of a script's rows (E90), with
//! the fields of nodes and conditions empty.

use smol_str::SmolStr;

use super::super::command::Command;
use super::super::input::EndReason;
use super::super::row::{InputType, Method, ResponseType, Row};
use super::super::said::Utterance;
use super::super::time::Now;
use super::super::waiting::kind_of;
use super::call::External;
use super::message::Told;

/// What an input is answered with.
#[derive(Debug, Default)]
pub(super) struct Response {
    pub(super) action: SmolStr,
    pub(super) args: SmolStr,
    /// What the robot says.
    pub(super) text: SmolStr,
}

impl External {
    /// An input to which nobody says anything. A partial result leaves no row (E42).
    pub(super) fn unanswered(&mut self, told: Told, now: Now) {
        let is_text = told.input_type == InputType::Text;
        if !is_text || kind_of(&told.args) != Utterance::Partial {
            self.row(told, ResponseType::None, Response::default(), now);
        }
    }

    /// The end of the action in force.
    pub(super) fn told_complete(&self, args: SmolStr, now: Now) -> Told {
        Told::new(InputType::Complete, self.state.appid.clone(), args, now.wall)
    }

    pub(super) fn destroy_row(&mut self, reason: EndReason, now: Now) {
        let (appid, args) = (self.state.appid.clone(), SmolStr::new_static(reason.as_str()));
        let told = Told::new(InputType::Destroy, appid, args, now.wall);
        self.row(told, ResponseType::None, Response::default(), now);
    }

    /// Written before the action that it answers with is counted (E17).
    pub(super) fn row(&mut self, told: Told, kind: ResponseType, response: Response, now: Now) {
        let is_create = told.input_type == InputType::Create;
        let empty = SmolStr::default;
        let row = Row {
            event_no: self.state.events,
            createtime: now.wall,
            callid: self.state.callid.clone(),
            current_appid: told.appid,
            sequence: self.state.actions,
            current_flowid: if is_create { SmolStr::new_static("Start") } else { empty() },
            input_type: told.input_type,
            input_args: told.args,
            input_nlp_args: empty(),
            input_start_time: told.start,
            input_duration: told.duration_ms,
            input_play_time: told.play_time_ms,
            matching_method: if is_create { Method::Boot } else { Method::Mismatch },
            matching_condition: empty(),
            condition_id: empty(),
            condition_weight: 0,
            matching_keyword: empty(),
            response_type: kind,
            response_description: empty(),
            response_id: empty(),
            response_action: response.action,
            response_args: response.args,
            response_text: response.text,
            repetition: 0,
            potential: empty(),
            record: told.record,
            heard_ms: None,
            heard_text: None,
            why: None,
        };
        self.state.events += 1;
        self.commands.push_back(Command::Row(Box::new(row)));
    }
}
