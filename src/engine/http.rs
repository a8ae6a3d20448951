//! The `http` node: a web request whose answer sets variables (E20, R29).

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smol_str::SmolStr;

use super::call::Robot;
use super::command::Command;
use super::request::{Ask, AskKind, Outcome, RequestId, WebAnswer, WebRequest, percent_encoded};
use super::speak::Spoken;
use super::time::{Now, Tick};
use super::vars::Scope;
use crate::script::{JsonTemplate, Node, Template, WebCall};

/// The request of the node in force. It has ended when the answer is there and the node's audio is
/// over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OpenRequest {
    pub(super) id: RequestId,
    /// It is given up then.
    pub(super) due: Tick,
    /// The node's audio goes on.
    plays: bool,
    /// How it ended.
    ended: Option<SmolStr>,
}

impl OpenRequest {
    /// The answer is still awaited.
    pub(super) fn is_open(&self) -> bool {
        self.ended.is_none()
    }
}

impl Robot {
    pub(super) fn begin_http(
        &mut self,
        (node, call): (&Node, &WebCall),
        (argument, spoken): (SmolStr, Spoken),
        now: Now,
    ) {
        let id = self.next_request();
        let request = self.web_request(call, now);
        let due = now.tick.plus_ms(request.timeout_ms);
        let plays = !spoken.playbacks.is_empty();
        if plays {
            self.start(node, (argument, spoken), None);
        }
        self.state.request = Some(OpenRequest { id, due, plays, ended: None });
        self.commands.push_back(Command::Ask(Box::new(Ask { id, kind: AskKind::Http, request })));
    }

    /// E76: on a dead line a request is sent, and nobody waits for its answer.
    pub(super) fn tell_web(&mut self, call: &WebCall, now: Now) {
        let request = self.web_request(call, now);
        self.commands.push_back(Command::Tell(Box::new(request)));
    }

    fn web_request(&self, call: &WebCall, now: Now) -> WebRequest {
        let scope = self.scope(&self.state.appid, now.wall);
        let value = |name: &str| scope.value(name);
        let headers = call.headers.iter();
        let headers = headers.map(|(name, header)| (name.clone(), scope.expand(header).into()));
        WebRequest {
            method: call.method.clone(),
            url: url(call, &scope),
            headers: headers.collect(),
            body: call.body.as_ref().map(|body| match body {
                JsonTemplate::Text(text) => {
                    let kind = TextKind::of(call, text);
                    text.expand(|name| kind.escaped(value(name))).as_str().into()
                }
                body => body.expand(&value),
            }),
            timeout_ms: call.timeout_ms,
        }
    }

    /// The answer of the node's request, or why there is none.
    pub(super) fn http_answered(&mut self, id: RequestId, outcome: &Outcome, now: Now) {
        let Some(open) = self.state.request.as_mut().filter(|open| open.id == id) else { return };
        if open.ended.is_some() {
            return;
        }
        let is_success = outcome.as_ref().is_ok_and(WebAnswer::is_success);
        let word = SmolStr::new_static(if is_success { "DONE()" } else { "ERROR()" });
        let plays = open.plays;
        open.ended = Some(word.clone());
        self.state.variables.remove_below("http.");
        match outcome {
            Ok(answer) => self.set_answer(answer),
            Err(why) => {
                self.set_own("http.error", why);
                let node = &self.node().id;
                let warning = format!("the web request of the node {node} failed: {why}");
                self.commands.push_back(Command::Warn(warning));
            }
        }
        if !plays {
            self.state.request = None;
            self.complete(None, &word, now);
        }
    }

    /// No answer came in time.
    pub(super) fn http_overdue(&mut self, now: Now) {
        if let Some(id) = self.state.request.as_ref().map(|open| open.id) {
            self.http_answered(id, &Err(SmolStr::new_static("timeout")), now);
        }
    }

    /// The node's audio is over: how the node ends, or nothing yet; `None` if no request is open.
    pub(super) fn http_audio_ended(&mut self) -> Option<Option<SmolStr>> {
        let open = self.state.request.as_mut()?;
        open.plays = false;
        let ended = open.ended.clone();
        if ended.is_some() {
            self.state.request = None;
        }
        Some(ended)
    }

    fn set_answer(&mut self, answer: &WebAnswer) {
        if let Ok(value) = serde_json::from_str::<Value>(&answer.body) {
            self.set_fields("http", &value);
        }
        self.set_own("http.status", &answer.status.to_string());
        self.set_own("http.body", &answer.body);
    }

    /// Sets a variable for each field, `<name>.<field>`, and of a list `<name>.0`, `<name>.1`, …;
    /// false if there is no room for more.
    fn set_fields(&mut self, name: &str, value: &Value) -> bool {
        let fields: Vec<(String, &Value)> = match value {
            Value::Object(fields) => {
                fields.iter().map(|(field, value)| (format!("{name}.{field}"), value)).collect()
            }
            Value::Array(entries) => (0..)
                .zip(entries)
                .map(|(at, value): (usize, _)| (format!("{name}.{at}"), value))
                .collect(),
            _ => Vec::new(),
        };
        fields.into_iter().all(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let set = self.state.variables.set(name.as_str().into(), &text);
            if let Err(error) = &set {
                self.commands.push_back(Command::Warn(error.to_string()));
            }
            let has_room = !matches!(set, Err(super::vars::NoRoom::ForVariable(_)));
            has_room && self.set_fields(&name, value)
        })
    }
}

/// The address: a variable at its very start may hold the beginning of one, every other is a part.
fn url(call: &WebCall, scope: &Scope<'_>) -> String {
    let is_first = Cell::new(call.url.starts_with_variable());
    let url = call.url.expand(|name| {
        let value = scope.value(name);
        if is_first.take() { value } else { percent_encoded(&value) }
    });
    url.into()
}

/// What a body that the script writes as text is, as far as values inside it are concerned.
#[derive(Clone, Copy)]
enum TextKind {
    Json,
    Form,
    Plain,
}

impl TextKind {
    fn of(call: &WebCall, body: &Template) -> Self {
        let is_form = call.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type") && value.raw().contains("form-urlencoded")
        });
        if is_form {
            Self::Form
        } else if body.raw().trim_start().starts_with(['{', '[']) {
            Self::Json
        } else {
            Self::Plain
        }
    }

    /// A value so that it stays one, whatever signs it has (N10).
    fn escaped(self, value: SmolStr) -> SmolStr {
        match self {
            Self::Plain => value,
            Self::Form => percent_encoded(&value),
            Self::Json => {
                let quoted = Value::from(value.as_str()).to_string();
                quoted.get(1..quoted.len() - 1).unwrap_or_default().into()
            }
        }
    }
}
