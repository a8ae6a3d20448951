//! `telephonist talk --jsonl`: the engine on standard input and output, in virtual time.

use std::io::{BufRead, Read, Write};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::Exit;
use crate::engine::{
    Action, Call, Command, EndReason, Heard, Input, Now, Playback, RequestId, Robot, Said, Source,
    Tick, WebAnswer,
};
use crate::script::Script;
use crate::switch::simulated::BEGIN;

/// The call id of a conversation that names none: the same input twice gives the same bytes.
const CALLID: &str = "00000000-0000-4000-8000-000000000001";

/// A line is read up to this many bytes, far above any sentence or answer; a longer one is a
/// mistake and not kept in memory.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Times are read up to this many ms, a century: far beyond any call, and within the calendar.
const MS_MAX: u64 = 100 * 366 * 24 * 3_600 * 1_000;

/// Plays one conversation; a line that can't be read is a problem, and the next one goes on.
pub(super) fn talk(
    script: Arc<Script>,
    explain: bool,
    input: impl BufRead,
    output: impl Write,
) -> Exit {
    match Machine::new(script, explain, output).run(input) {
        Ok(()) => Exit::Fine,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Fine,
        Err(error) => {
            eprintln!("{error}");
            Exit::Unavailable
        }
    }
}

struct Machine<W> {
    script: Arc<Script>,
    explain: bool,
    output: W,
    robot: Option<Robot>,
    now: Now,
}

/// What one line asks for.
enum Line {
    Start { callid: SmolStr, variables: Vec<(SmolStr, SmolStr)> },
    Input(Input),
    Advance(u64),
}

impl<W: Write> Machine<W> {
    fn new(script: Arc<Script>, explain: bool, output: W) -> Self {
        Self { script, explain, output, robot: None, now: BEGIN }
    }

    fn run(mut self, mut input: impl BufRead) -> std::io::Result<()> {
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            if Read::take(&mut input, LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let is_whole = line.ends_with(b"\n") || input.skip_until(b'\n')? == 0;
            let done = if is_whole {
                self.line(line.trim_ascii())?
            } else {
                Err(format!("longer than {LINE_BYTES_MAX} bytes"))
            };
            if let Err(message) = done {
                self.say(&json!({ "problem": { "line": number, "message": message } }))?;
            }
        }
        self.begin(CALLID.into(), Vec::new())?;
        self.hear(Input::Ended(EndReason::RecvBye))
    }

    /// Carries a line out; the inner error is what is wrong with it.
    fn line(&mut self, line: &[u8]) -> std::io::Result<Result<(), String>> {
        if line.is_empty() {
            return Ok(Ok(()));
        }
        let line = match self.read(line) {
            Ok(line) => line,
            Err(message) => return Ok(Err(message)),
        };
        if let Line::Start { callid, variables } = line {
            if self.robot.is_some() {
                return Ok(Err("start comes first, once".into()));
            }
            return self.begin(callid, variables).map(Ok);
        }
        self.begin(CALLID.into(), Vec::new())?;
        if self.robot.as_ref().is_some_and(Robot::has_ended) {
            return Ok(Err("the call has ended".into()));
        }
        match line {
            Line::Start { .. } => Ok(Ok(())),
            Line::Input(Input::Answer { id, .. })
                if self.robot.as_ref().is_some_and(|robot| !robot.awaits(id)) =>
            {
                Ok(Err(format!("no question {} is open", id.0)))
            }
            Line::Input(input) => self.hear(input).map(Ok),
            Line::Advance(ms) => self.advance(ms).map(Ok),
        }
    }

    fn begin(
        &mut self,
        callid: SmolStr,
        variables: Vec<(SmolStr, SmolStr)>,
    ) -> std::io::Result<()> {
        if self.robot.is_none() {
            let call = Call { callid, variables, event_after_hangup: true, explain: self.explain };
            self.robot = Some(Robot::new(call, Arc::clone(&self.script), self.now));
            self.drain()?;
        }
        Ok(())
    }

    fn hear(&mut self, input: Input) -> std::io::Result<()> {
        if let Some(robot) = &mut self.robot {
            robot.handle(input, self.now);
        }
        self.drain()
    }

    /// Lets time pass, with every timer that is due in it.
    fn advance(&mut self, ms: u64) -> std::io::Result<()> {
        let end = self.now.plus_ms(ms);
        while let Some(due) = self.due_by(end.tick) {
            self.now = self.now.plus_ms(due.ms_since(self.now.tick));
            if let Some(robot) = &mut self.robot {
                robot.wake(self.now);
            }
            self.drain()?;
        }
        self.now = end;
        Ok(())
    }

    fn due_by(&self, end: Tick) -> Option<Tick> {
        let (due, _) = self.robot.as_ref().filter(|robot| !robot.has_ended())?.next_wake()?;
        (due <= end).then_some(due)
    }

    fn drain(&mut self) -> std::io::Result<()> {
        while let Some(command) = self.robot.as_mut().and_then(Robot::next_command) {
            self.say(&told(command))?;
        }
        Ok(())
    }

    fn say(&mut self, value: &Value) -> std::io::Result<()> {
        serde_json::to_writer(&mut self.output, value)?;
        self.output.write_all(b"\n")?;
        self.output.flush()
    }

    fn read(&self, line: &[u8]) -> Result<Line, String> {
        let line: Value =
            serde_json::from_slice(line).map_err(|error| format!("not JSON: {error}"))?;
        let Value::Object(fields) = line else { return Err("not an object".into()) };
        let appid = || fields.get("appid").and_then(Value::as_str).map(SmolStr::from);
        if let Some(start) = fields.get("start") {
            return read_start(start);
        }
        if fields.contains_key("advance") {
            let ms = u64::try_from(read_ms(&fields, "advance")?);
            return Ok(Line::Advance(ms.map_err(|_| "time does not go back")?));
        }
        let input = if let Some(text) = fields.get("text") {
            let text = text.as_str().ok_or("text is a text")?;
            if Said::parse(text).is_none() {
                return Err("a text begins with F, S or E, or with P and one of them".into());
            }
            let duration_ms = read_ms(&fields, "duration")?;
            if duration_ms < 0 {
                return Err("duration is not negative".into());
            }
            Input::Text(Heard {
                appid: appid(),
                text: text.into(),
                start: self.now.wall.minus_ms(duration_ms),
                duration_ms,
                play_time_ms: read_ms(&fields, "play_time")?,
                record: SmolStr::default(),
            })
        } else if let Some(digits) = fields.get("dtmf") {
            let digits = digits.as_str().filter(|digits| is_dtmf(digits));
            let digits = digits.ok_or("dtmf is a text of 0-9, *, #, A-D")?.into();
            let play_time_ms = read_ms(&fields, "play_time")?;
            Input::Dtmf { appid: appid(), digits, play_time_ms }
        } else if let Some(args) = fields.get("complete") {
            let args = args.as_str().ok_or("complete is a text, as DONE()")?;
            Input::Complete { appid: appid(), args: args.into() }
        } else if let Some(reason) = fields.get("hangup") {
            let reason = reason.as_str().and_then(EndReason::parse);
            Input::Ended(reason.ok_or("hangup is recv_bye, send_bye, hangup or another reason")?)
        } else if let Some(answer) = fields.get("answer") {
            read_answer(answer)?
        } else if let Some(fail) = fields.get("fail") {
            let why = fail.get("error").and_then(Value::as_str).unwrap_or("failed");
            Input::Answer { id: read_id(fail)?, outcome: Err(why.into()) }
        } else {
            let keys = "start, text, dtmf, complete, answer, fail, advance, hangup";
            return Err(format!("none of {keys} is there"));
        };
        Ok(Line::Input(input))
    }
}

fn read_start(start: &Value) -> Result<Line, String> {
    let callid = start.get("callid").and_then(Value::as_str).unwrap_or(CALLID).into();
    let empty = Map::new();
    let variables = match start.get("variables") {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(variables)) => variables,
        Some(_) => return Err("variables is an object".into()),
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let variables = variables.iter().map(|(name, value)| (name.into(), text(value).into()));
    Ok(Line::Start { callid, variables: variables.collect() })
}

/// `{"id":7,"body":…}`: JSON, or a text that is taken as the body itself; `status` is 200 unless
/// it says otherwise.
fn read_answer(answer: &Value) -> Result<Input, String> {
    let status = match answer.get("status") {
        None => Some(200),
        Some(status) => status.as_u64().and_then(|status| u16::try_from(status).ok()),
    };
    let status = status.ok_or("status is a number, as 200")?;
    let body = match answer.get("body") {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(json) => json.to_string(),
    };
    Ok(Input::Answer { id: read_id(answer)?, outcome: Ok(WebAnswer { status, body }) })
}

fn read_id(fields: &Value) -> Result<RequestId, String> {
    let id = fields.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    id.map(RequestId).ok_or_else(|| "id is the number of a question that was asked".into())
}

/// A time; absent is 0.
fn read_ms(fields: &Map<String, Value>, name: &str) -> Result<i64, String> {
    let Some(value) = fields.get(name) else { return Ok(0) };
    let ms = value.as_i64().filter(|ms| ms.unsigned_abs() <= MS_MAX);
    ms.ok_or_else(|| format!("{name} is a whole number of ms, at most {MS_MAX}"))
}

fn is_dtmf(digits: &str) -> bool {
    let is_key =
        |key: char| key.is_ascii_digit() || matches!(key, '*' | '#' | 'A'..='D' | 'a'..='d');
    !digits.is_empty() && digits.chars().all(is_key)
}

fn told(command: Command) -> Value {
    match command {
        Command::Row(row) => json!({ "row": row.to_json() }),
        Command::Classify(row) => json!({ "classify": row.to_json() }),
        Command::Start(action) => json!({ "do": { "start": started(&action) } }),
        Command::StopAudio { appid } => json!({ "do": { "stop_audio": { "appid": appid } } }),
        Command::Hangup { appid, cause } => {
            json!({ "do": { "hangup": { "appid": appid, "cause": cause } } })
        }
        Command::Transfer(to) => json!({ "do": { "transfer": to } }),
        Command::Ask(ask) => json!({ "do": { "ask": ask } }),
        Command::Tell(request) => json!({ "do": { "tell": request } }),
        Command::Api(command) => json!({ "do": { "api": command } }),
        Command::Note(note) => json!({ "note": note }),
        Command::Explain(lines) => json!({ "why": lines }),
        Command::Warn(warning) => json!({ "problem": { "message": warning } }),
    }
}

fn started(action: &Action) -> Value {
    let playbacks: Vec<String> = action.playbacks.iter().map(entry).collect();
    json!({
        "appid": action.appid,
        "app": action.app,
        "argument": action.argument,
        "playbacks": playbacks,
    })
}

/// An entry as the script has it, variables expanded.
fn entry(playback: &Playback) -> String {
    match &playback.source {
        Source::Silence(ms) => format!("silence_stream://{ms}"),
        Source::File(entry)
        | Source::FileOrText(entry)
        | Source::Url(entry)
        | Source::Tone(entry)
        | Source::Text(entry) => entry.to_string(),
    }
}
