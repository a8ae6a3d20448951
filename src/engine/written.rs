//! Writing rows down: the columns of an input, the columns of its response.

use smol_str::SmolStr;

use super::call::Robot;
use super::command::Command;
use super::input::{EndReason, Heard};
use super::matching::Why;
use super::row::{InputType, Method, ResponseType, Row};
use super::time::{Now, Wall};

/// The input columns of a row.
pub(super) struct Cause {
    appid: SmolStr,
    flowid: SmolStr,
    pub(super) input_type: InputType,
    args: SmolStr,
    start: Wall,
    duration_ms: i64,
    play_time_ms: i64,
    record: SmolStr,
    /// What an NLP service answered.
    nlp: SmolStr,
}

impl Cause {
    pub(super) fn new(robot: &Robot, input_type: InputType, args: SmolStr, start: Wall) -> Self {
        Self {
            appid: robot.state.appid.clone(),
            flowid: robot.node().id.clone(),
            input_type,
            args,
            start,
            duration_ms: 0,
            play_time_ms: 0,
            record: SmolStr::default(),
            nlp: SmolStr::default(),
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
            nlp: SmolStr::default(),
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

    /// I10: what the NLP service made of it.
    pub(super) fn meaning(self, answer: SmolStr) -> Self {
        Self { nlp: answer, ..self }
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

impl Robot {
    /// Writes a row.
    pub(super) fn row(&mut self, cause: Cause, why: Why, response: Response, now: Now) {
        self.row_at(self.state.actions, cause, why, response, now);
    }

    pub(super) fn row_at(
        &mut self,
        sequence: u32,
        cause: Cause,
        why: Why,
        response: Response,
        now: Now,
    ) {
        self.tell_that_nothing_was_tried();
        let row = Row {
            event_no: self.state.events,
            createtime: now.wall,
            callid: self.state.callid.clone(),
            current_appid: cause.appid,
            sequence,
            current_flowid: cause.flowid,
            input_type: cause.input_type,
            input_args: cause.args,
            input_nlp_args: cause.nlp,
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
            why: None,
        };
        self.state.events += 1;
        self.commands.push_back(Command::Row(Box::new(row)));
    }

    /// E72, R25.
    pub(super) fn error_row(&mut self, id: SmolStr, message: &str, now: Now) {
        let cause = Cause::new(self, InputType::Error, id.clone(), now.wall);
        let why = Why { condition: id, ..Why::by(Method::Mismatch) };
        let response =
            Response { description: message.into(), ..Response::none(ResponseType::None) };
        self.row(cause, why, response, now);
    }
}
