//! Recorded rows as inputs of a robot, with the inputs in between that leave no row.

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::compare::UNKNOWN;
use super::play::Replay;
use super::recording::{Recording, starts_action};
use crate::engine::{
    ActionKind, AskKind, Call, Command, EndReason, Heard, Input, InputType, Now, Outcome, Recorded,
    RequestId, ResponseType, Robot, Tick, Timer, Wall, WebAnswer,
};
use crate::script::{Collect, Node, NodeAction};

/// Stands for an action that had been replaced: no robot makes such an id.
const REPLACED: SmolStr = SmolStr::new_static("replaced");
/// Keys pressed later than this are another entry, s: a robot waits 3 s for more (E77).
const ENTRY_S: i64 = 3;
/// A notice is surely due if it was due so long ago, ms: rows have seconds.
const NOTICE_MS: u64 = 1_000;
/// Timers that are let go off until something is written; no node has more in a row.
const WAKES_MAX: usize = 8;

/// The robot of the new script, and the recording it is fed from.
pub(super) struct Feed<'a> {
    replay: &'a Replay,
    rows: &'a [Recorded],
    /// For each row, whether its input belongs to the action in force.
    current: Vec<bool>,
    robot: Robot,
    now: Now,
    /// The first row that was not fed yet.
    next: usize,
    /// What the robot wrote and was not taken yet.
    made: VecDeque<Recorded>,
    asked: Vec<(RequestId, AskKind)>,
    /// The last words are being played, or the robot has left.
    leaves: bool,
    /// The last words are being played.
    goodbye: bool,
    /// A prompt plays whose end makes the call jump.
    jumps: bool,
    /// Keys or a sentence wait for what comes next.
    waits: bool,
    doubt: Option<&'static str>,
    /// The same, for all rows that follow.
    murky: Option<&'static str>,
    /// Variables of branches that nobody knew when the last input came.
    unknown_fields: Vec<SmolStr>,
}

impl<'a> Feed<'a> {
    pub(super) fn new(replay: &'a Replay, recording: &'a Recording, first: &Recorded) -> Self {
        let wall = wall(first).unwrap_or_default();
        let now = Now { tick: Tick(0), wall };
        let call = Call {
            callid: recording.callid.clone(),
            variables: replay.variables.clone(),
            event_after_hangup: replay.event_after_hangup,
            explain: false,
        };
        let mut feed = Self {
            replay,
            rows: &recording.rows,
            current: recording.currency(),
            robot: Robot::new(call, replay.script.clone(), now),
            now,
            next: 1,
            made: VecDeque::new(),
            asked: Vec::new(),
            leaves: false,
            goodbye: false,
            jumps: false,
            waits: false,
            doubt: None,
            murky: None,
            unknown_fields: replay.branch_fields.clone(),
        };
        feed.drain();
        feed
    }

    pub(super) fn rows(&self) -> &'a [Recorded] {
        self.rows
    }

    /// True if a variable that the branch asks for was, or is, of a value that nobody knows.
    pub(super) fn is_unknown_branch(&self, node: &Node) -> bool {
        let now = self.replay.unknown_fields(&self.robot);
        let tests = node.edges.iter().flat_map(|edge| &edge.when);
        let mut fields = tests.map(|test| &test.field);
        fields.any(|field| self.unknown_fields.contains(field) || now.contains(field))
    }

    /// The counters are not as they were, and nothing that is known explains it.
    pub(super) fn drifts(&mut self) {
        self.murky = Some("something happened that no row tells: the counts differ");
    }

    /// Why the next row may be another than it was, although the script does the same.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        self.doubt.or(self.murky)
    }

    /// The row was as recorded, or surely is not: what was doubted before is settled.
    pub(super) fn settled(&mut self) {
        self.doubt = None;
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        self.now.tick.0
    }

    /// The robot's next row.
    pub(super) fn take(&mut self) -> Option<Recorded> {
        self.made.pop_front()
    }

    /// True if the robot sent a notice here, and nobody had.
    pub(super) fn next_is_new_notice(&self, old: &Recorded) -> bool {
        let is_notice = self.made.front().is_some_and(|row| row.is(InputType::Notify));
        is_notice && !old.is(InputType::Notify)
    }

    /// Feeds what is needed to have a row beside this one.
    pub(super) fn reach(&mut self, at: usize) {
        if self.made.is_empty() {
            if self.next <= at {
                self.feed(at);
                self.next = at + 1;
            }
            while self.made.is_empty() && self.waits && self.next < self.rows.len() {
                self.feed(self.next);
                self.next += 1;
            }
            self.waits &= self.made.is_empty();
        }
        self.next = self.next.max(at + 1);
    }

    /// Lets the robot leave, if that is what it is about to do; the DESTORY row.
    pub(super) fn leave(&mut self) -> Option<Recorded> {
        if self.goodbye {
            self.complete("DONE()");
        }
        let reason = self.robot.leaving()?;
        self.handle(Input::Ended(reason));
        self.made.drain(..).rfind(|row| row.is(InputType::Destroy))
    }

    fn feed(&mut self, at: usize) {
        let Some(row) = self.rows.get(at) else { return };
        self.pass_time(row);
        if self.transfers() && !row.is(InputType::Destroy) {
            self.murky = Some("rows don't tell when a transfer failed");
        }
        self.unknown_fields = self.replay.unknown_fields(&self.robot);
        match InputType::of_number(row.input_type) {
            Some(InputType::Text) => {
                if self.action_of(at).is_some() && starts_action(row) {
                    self.doubt = Some("it was answered after its action had been replaced");
                }
                self.handle(Input::Text(Heard {
                    appid: self.action_of(at),
                    text: row.input_args.clone(),
                    start: self.now.wall,
                    duration_ms: row.input_duration,
                    play_time_ms: row.input_play_time,
                    record: SmolStr::default(),
                }));
                self.answer_nlp(at, row);
            }
            Some(InputType::Dtmf) => self.keys(at, row),
            Some(InputType::Complete) => self.end_action(at, row),
            Some(InputType::Destroy) => self.end_call(row),
            // A prompt's end makes the call jump, and leaves no row of its own (E66).
            Some(InputType::Flowid | InputType::Error) if self.jumps => self.complete("DONE()"),
            Some(InputType::Notify) => self.notice(at),
            // Something was said or ended, and only the error it led to is written down (R26).
            Some(InputType::Error) => self.doubt = Some("what led to an error is not recorded"),
            // Nothing from outside caused these.
            Some(InputType::Flowid | InputType::Create) => {}
            None => self.doubt = Some("the kind of input is none that is known"),
        }
    }

    /// A notice went off. A web request that would be overdue by then had been answered; how, its end
    /// tells.
    fn notice(&mut self, at: usize) {
        if let Some((_, Timer::WebRequest)) = self.robot.next_wake()
            && let Some(id) = self.open_ask(AskKind::Http)
        {
            let rest = self.rows.get(at..).unwrap_or_default();
            let end = rest.iter().find(|row| row.is(InputType::Complete));
            self.answer_web(id, end.map_or("DONE()", |row| row.input_args.as_str()));
        }
        let made = self.made.len();
        self.wake_for(Timer::Notice);
        if self.transfers() {
            self.murky = Some("rows don't tell how a call was handed over");
        }
        if self.made.len() == made && self.robot.next_wake().is_some() {
            self.doubt = Some("rows don't tell what else was awaited when a notice went out");
        }
    }

    /// Time goes on to this row; notices that are surely due by then go off.
    fn pass_time(&mut self, row: &Recorded) {
        let begun = self.rows.first().and_then(|row| row.createtime);
        let seconds =
            row.createtime.zip(begun).and_then(|(at, begun)| u64::try_from(at - begun).ok());
        let to = Tick(seconds.map_or(0, |seconds| seconds.saturating_mul(1_000)));
        if !row.is(InputType::Notify) {
            while let Some((due, Timer::Notice)) = self.robot.next_wake()
                && due.plus_ms(NOTICE_MS) <= to
            {
                self.wake(due);
            }
        }
        self.now.tick = self.now.tick.max(to);
        self.now.wall = wall(row).unwrap_or(self.now.wall);
    }

    /// The switch was told to transfer the call.
    fn transfers(&self) -> bool {
        matches!(self.robot.leaving(), Some(EndReason::Transfer | EndReason::Manual))
    }

    fn action_of(&self, at: usize) -> Option<SmolStr> {
        let is_current = self.current.get(at).copied().unwrap_or(true);
        (!is_current).then_some(REPLACED)
    }

    /// E77: the keys of one row were decided together.
    fn keys(&mut self, at: usize, row: &Recorded) {
        let appid = self.action_of(at);
        let is_current = appid.is_none();
        self.press(appid, &row.input_args, row.input_play_time);
        let is_decided = self.made.iter().any(|row| row.is(InputType::Dtmf));
        if is_decided || !is_current || self.leaves {
            return;
        }
        if self.collects().is_some() {
            return self.end_collecting();
        }
        if self.waits_silently(at) {
            return;
        }
        let filter = &self.robot.node().filter.dtmf;
        if row.input_args.chars().all(|key| filter.contains(key)) {
            return;
        }
        let soon = |next: &&Recorded| {
            let began = next.input_start_time.zip(row.input_start_time);
            next.is(InputType::Dtmf) && began.is_none_or(|(next, this)| next - this < ENTRY_S)
        };
        if self.rows.get(at + 1).filter(soon).is_some() {
            self.doubt = Some("rows don't tell whether these keys and the next were one entry");
        }
        if filter.contains('#') {
            self.wake_for(Timer::InterDigit);
        } else {
            self.press(None, "#", 0);
        }
    }

    fn press(&mut self, appid: Option<SmolStr>, digits: &str, play_time_ms: i64) {
        self.handle(Input::Dtmf { appid, digits: digits.into(), play_time_ms });
    }

    /// True, and what was fed waits, if it was decided when the line was dead: no row from here to the
    /// end of the line has an action (E76).
    fn waits_silently(&mut self, at: usize) -> bool {
        let rest = self.rows.get(at..).unwrap_or_default();
        let before_end = rest.iter().position(ends_line);
        let is_silent = before_end.is_some_and(|end| !rest.iter().take(end).any(starts_action));
        if is_silent {
            self.wait();
        }
        is_silent
    }

    /// What was fed is decided by what comes next.
    fn wait(&mut self) {
        self.waits = true;
        self.murky = Some("rows don't tell when what the caller did last was decided");
    }

    fn collects(&self) -> Option<&Collect> {
        match &self.robot.node().action {
            NodeAction::Collect(collect) if !self.jumps && !self.leaves => Some(collect),
            _ => None,
        }
    }

    /// No more keys come to a node that collects them.
    fn end_collecting(&mut self) {
        let Some(terminator) = self.collects().map(|collect| collect.terminator) else { return };
        let filter = &self.robot.node().filter.dtmf;
        match terminator.filter(|key| !filter.contains(*key)) {
            Some(key) => self.press(None, key.encode_utf8(&mut [0; 4]), 0),
            None => self.wake_for(Timer::Collect),
        }
    }

    fn end_action(&mut self, at: usize, row: &Recorded) {
        let args = row.input_args.as_str();
        let hangs_up = is_hang_up(args);
        if row.response_type == ResponseType::Timeout.number() && row.repetition == 1 {
            self.forget_silence();
        }
        if self.leaves && !hangs_up {
            self.fail_to_leave();
            if !self.made.is_empty() {
                return;
            }
        }
        let collect = self.collects().map(|collect| (collect.min, collect.first_digit_ms));
        match (collect, args) {
            (Some((min, _)), "DONE()") => return self.collected(min),
            (Some((_, first_digit_ms)), "TIMEOUT()") => {
                // The audio before the first key, if there was any, was over so long ago.
                let audio_end = self.now.minus_ms(first_digit_ms);
                let end = Input::Complete { appid: None, args: "DONE()".into() };
                self.robot.handle(end, audio_end);
                self.drain();
                return self.wake_for(Timer::Collect);
            }
            _ => {}
        }
        if let Some(id) = self.open_ask(AskKind::Http).filter(|_| !hangs_up) {
            self.answer_web(id, args);
            if self.made.is_empty() {
                // Its audio ends after the answer.
                self.complete("DONE()");
            }
            return;
        }
        self.complete(args);
        self.answer_nlp(at, row);
    }

    /// The robot was about to leave, and an action ended: the transfer failed (E20). At a node that
    /// waits for keys or for a service, what it waits for ends the action.
    fn fail_to_leave(&mut self) {
        if self.goodbye {
            self.complete("DONE()");
        }
        if matches!(self.robot.node().action, NodeAction::Http(_) | NodeAction::Collect(_)) {
            self.complete("ERROR()");
            self.leaves = false;
            self.murky = Some("rows don't tell how a transfer failed while something was awaited");
        }
    }

    /// The first silence in a row was recorded: if it were not the first, something had been said in
    /// between that left no row (R21).
    fn forget_silence(&mut self) {
        let partial = Heard {
            appid: None,
            text: SmolStr::new_static("S"),
            start: self.now.wall,
            duration_ms: 0,
            play_time_ms: 0,
            record: SmolStr::default(),
        };
        self.handle(Input::Text(partial));
        while let Some(id) = self.open_ask(AskKind::Nlp) {
            self.answer(id, Err(SmolStr::default()));
        }
    }

    /// Enough keys were pressed; which, no row tells (R29).
    fn collected(&mut self, min: usize) {
        let key = UNKNOWN.to_string();
        for _ in 0..min.max(1) {
            if self.made.is_empty() {
                self.press(None, &key, 0);
            }
        }
        if self.made.is_empty() {
            self.end_collecting();
        }
    }

    /// The web request ended so; what was answered, no row tells (R29).
    fn answer_web(&mut self, id: RequestId, args: &str) {
        let outcome = match args {
            "DONE()" => Ok(WebAnswer { status: 200, body: self.replay.web_answer.clone() }),
            "ERROR()" => Err(SmolStr::from(UNKNOWN.to_string())),
            _ => {
                self.doubt = Some("what the web service would have answered is not recorded");
                Err(SmolStr::default())
            }
        };
        self.answer(id, outcome);
    }

    /// What was said is sent to the NLP service: it answers as it did.
    fn answer_nlp(&mut self, at: usize, row: &Recorded) {
        while !self.waits
            && let Some(id) = self.open_ask(AskKind::Nlp)
        {
            let answer = nlp_answer(&row.input_nlp_args);
            if answer.is_none() {
                let next = self.rows.get(at + 1);
                let is_cancelled = row.response_type == ResponseType::None.number()
                    && row.repetition == 0
                    && next.is_some_and(|next| next.is(InputType::Dtmf));
                // A key would have cancelled the question.
                let rest = self.rows.get(at..).unwrap_or_default().iter();
                let no_key =
                    !rest.take_while(|row| !ends_line(row)).any(|row| row.is(InputType::Dtmf));
                if is_cancelled || (no_key && self.waits_silently(at)) {
                    self.wait();
                    return;
                }
                self.doubt = Some("what the NLP service made of it is not recorded");
            }
            let body = |body| WebAnswer { status: 200, body };
            self.answer(id, answer.map(body).ok_or_else(SmolStr::default));
        }
    }

    fn end_call(&mut self, row: &Recorded) {
        let Some(reason) = EndReason::parse(&row.input_args) else {
            self.doubt = Some("the reason of the call's end is none that is known");
            return;
        };
        // A robot that does not leave would have gone on talking.
        if self.leaves || !self.robot_left(reason) {
            self.handle(Input::Ended(reason));
        }
    }

    /// True if it was the recorded robot that left; else somebody took the call from it.
    fn robot_left(&self, reason: EndReason) -> bool {
        let mut before = self.rows.iter().rev().skip(1);
        let is_last_word = before.clone().find(|row| starts_action(row)).is_some_and(|row| {
            matches!(row.response_action.as_str(), "hangup" | "transfer" | "manual")
        });
        match reason {
            EndReason::SendBye => {
                is_last_word || before.next().is_some_and(|row| row.is(InputType::Error))
            }
            EndReason::Transfer => is_last_word,
            EndReason::Manual => is_last_word || before.any(|row| row.is(InputType::Notify)),
            EndReason::RecvBye | EndReason::Hangup | EndReason::Limit => false,
        }
    }

    fn open_ask(&mut self, kind: AskKind) -> Option<RequestId> {
        let robot = &self.robot;
        self.asked.retain(|(id, _)| robot.awaits(*id));
        self.asked.iter().find(|(_, asked)| *asked == kind).map(|(id, _)| *id)
    }

    fn answer(&mut self, id: RequestId, outcome: Outcome) {
        self.handle(Input::Answer { id, outcome });
    }

    fn complete(&mut self, args: &str) {
        self.handle(Input::Complete { appid: None, args: args.into() });
    }

    fn handle(&mut self, input: Input) {
        self.robot.handle(input, self.now);
        self.drain();
    }

    fn wake(&mut self, due: Tick) {
        self.now.tick = self.now.tick.max(due);
        self.robot.wake(self.now);
        self.drain();
    }

    /// Lets a timer of this kind go off, if one is set.
    fn wake_for(&mut self, kind: Timer) {
        let made = self.made.len();
        for _ in 0..WAKES_MAX {
            match self.robot.next_wake() {
                Some((due, timer)) if self.made.len() == made && timer == kind => self.wake(due),
                _ => return,
            }
        }
    }

    fn drain(&mut self) {
        while let Some(command) = self.robot.next_command() {
            match command {
                Command::Row(row) => {
                    let row = Recorded::from(&*row);
                    if starts_action(&row) || row.response_type == ResponseType::Kb.number() {
                        let is_prompt = row.response_type == ResponseType::Kb.number();
                        self.jumps = is_prompt && self.replay.jumping.contains(&row.response_id);
                    }
                    if row.is(InputType::Complete) {
                        (self.leaves, self.goodbye) = (false, false);
                    }
                    self.made.push_back(row);
                }
                Command::Start(action) => {
                    self.goodbye = action.kind == ActionKind::Goodbye;
                    self.leaves = self.goodbye;
                }
                Command::Hangup { .. } | Command::Transfer(_) => {
                    (self.leaves, self.goodbye) = (true, false);
                }
                Command::Ask(ask) => self.asked.push((ask.id, ask.kind)),
                Command::Classify(_)
                | Command::StopAudio { .. }
                | Command::Tell(_)
                | Command::Explain(_)
                | Command::Api(_)
                | Command::Note(_)
                | Command::Warn(_) => {}
            }
        }
    }
}

/// When the row was made. The calendar of the rows is taken for UTC: what is shown is the same.
fn wall(row: &Recorded) -> Option<Wall> {
    let unix_ms = row.createtime?.saturating_mul(1_000);
    Some(Wall { unix_ms, offset_s: 0 })
}

fn ends_line(row: &Recorded) -> bool {
    row.is(InputType::Destroy) || (row.is(InputType::Complete) && is_hang_up(&row.input_args))
}

fn is_hang_up(args: &str) -> bool {
    let word = args.split('(').next().unwrap_or_default().trim();
    word.eq_ignore_ascii_case("hangup")
}

/// The NLP service's answer out of a column that may have cut it: all of it, or the keyword if that is
/// whole (I10).
fn nlp_answer(column: &str) -> Option<String> {
    if column.is_empty() {
        return None;
    }
    if serde_json::from_str::<serde_json::Value>(column).is_ok() {
        return Some(column.to_owned());
    }
    let (_, rest) = column.split_once("\"keyword\"")?;
    let quoted = rest.trim_start().strip_prefix(':')?.trim_start();
    let mut parts = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
    let keyword = parts.next()?.ok()?;
    Some(serde_json::json!({ "keyword": keyword }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I10, E92: `input_nlp_args` has 50 characters.
    #[test]
    fn an_answer_that_was_cut_still_names_its_keyword_i10() {
        assert_eq!(nlp_answer(r#"{"keyword":"有","d":1}"#).unwrap(), r#"{"keyword":"有","d":1}"#);
        assert_eq!(nlp_answer(r#"{"keyword": "有", "descript"#).unwrap(), r#"{"keyword":"有"}"#);
        assert_eq!(nlp_answer(r#"{"keyword":"сколько сто"#), None);
        assert_eq!(nlp_answer(r#"{"description":"a"#), None);
        assert_eq!(nlp_answer(""), None);
    }

    #[test]
    fn a_hang_up_is_known_in_any_case() {
        assert!(is_hang_up("HANGUP(F再见)") && is_hang_up("hangup") && !is_hang_up("DONE()"));
    }
}
