//! Questions to the service, asked again if it fails (I15).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smol_str::SmolStr;

use super::super::command::Command;
use super::super::input::EndReason;
use super::super::request::{Ask, AskKind, Outcome, RequestId, WebRequest};
use super::super::respond::appid;
use super::super::row::InputType;
use super::super::time::{Now, Tick};
use super::call::External;
use super::message::Told;
use super::reply::{Fault, Reply};

/// The pause before a question is asked again, ms; twice as long before each further time. A service
/// that is loaded anew misses a question or two.
const RETRY_MS: u64 = 250;
/// The service has this long to take a message that is no question, ms.
const TELL_MS: u64 = 10_000;

/// An answer that is awaited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Awaited {
    /// The attempt that is under way; `None` in the pause before the next.
    id: Option<RequestId>,
    /// The attempt is given up, or the pause is over.
    pub(super) due: Tick,
    /// What it is asked about.
    pub(super) told: Told,
    /// The same in each attempt, so that the service knows it again.
    message: Value,
    failures: u32,
}

impl External {
    /// Asks the service what to do about this.
    pub(super) fn ask(&mut self, told: Told, now: Now) {
        let message = match told.input_type {
            InputType::Create => {
                let first = appid(&self.state.callid, self.state.actions + 1);
                self.state.create_message(&first, now.wall)
            }
            _ => self.state.input_message(&told, now.wall),
        };
        self.attempt(Awaited { id: None, due: now.tick, told, message, failures: 0 }, now);
    }

    fn attempt(&mut self, awaited: Awaited, now: Now) {
        self.state.requests += 1;
        let id = RequestId(self.state.requests);
        let request = self.request(awaited.message.clone(), self.flow.response_ms);
        let due = now.tick.plus_ms(self.flow.response_ms);
        self.state.awaited = Some(Awaited { id: Some(id), due, ..awaited });
        self.commands.push_back(Command::Ask(Box::new(Ask { id, kind: AskKind::Flow, request })));
    }

    /// The answer, or why there is none. One that nobody waits for ends here.
    pub(super) fn answered(&mut self, id: RequestId, outcome: &Outcome, now: Now) {
        let awaited = self.state.awaited.take_if(|awaited| awaited.id == Some(id));
        let Some(awaited) = awaited else { return };
        let away = |why: &SmolStr| Fault { why: why.clone(), is_transient: true };
        match outcome.as_ref().map_err(away).and_then(Reply::read) {
            Ok(reply) => self.decided(awaited.told, reply, now),
            Err(fault) => self.failed(awaited, &fault, now),
        }
    }

    /// No answer came in time; or it is time to ask again.
    pub(super) fn answer_overdue(&mut self, now: Now) {
        let Some(awaited) = self.state.awaited.take() else { return };
        if awaited.id.is_none() {
            return self.attempt(awaited, now);
        }
        let timeout = Fault { why: SmolStr::new_static("timeout"), is_transient: true };
        self.failed(awaited, &timeout, now);
    }

    /// Nobody waits for the answer any longer.
    pub(super) fn give_up(&mut self, why: &str, now: Now) {
        if let Some(awaited) = self.state.awaited.take() {
            let fault = Fault { why: why.into(), is_transient: false };
            self.failed(awaited, &fault, now);
        }
    }

    fn failed(&mut self, awaited: Awaited, fault: &Fault, now: Now) {
        let failures = awaited.failures + 1;
        if fault.is_transient && failures <= self.flow.retries {
            let pause_ms = RETRY_MS.saturating_mul(1 << awaited.failures.min(8));
            let due = now.tick.plus_ms(pause_ms);
            self.state.awaited = Some(Awaited { id: None, due, failures, ..awaited });
            return;
        }
        let warning = format!("the flow service does not answer: {}; the call is ended", fault.why);
        self.commands.push_back(Command::Warn(warning));
        self.unanswered(awaited.told, now);
        self.apologise(now);
    }

    /// E76: an input on a dead line.
    pub(super) fn tell_input(&mut self, told: &Told, now: Now) {
        self.tell(self.state.input_message(told, now.wall));
    }

    pub(super) fn tell_destroy(&mut self, reason: EndReason, now: Now) {
        self.tell(self.state.destroy_message(reason, now.wall));
    }

    fn tell(&mut self, message: Value) {
        let request = self.request(message, TELL_MS);
        self.commands.push_back(Command::Tell(Box::new(request)));
    }

    fn request(&self, message: Value, timeout_ms: u64) -> WebRequest {
        WebRequest::post(self.flow.url.as_str(), message, timeout_ms)
    }
}
