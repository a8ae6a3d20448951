//! What is sent, when it may be sent, and in which form.

use smol_str::{SmolStr, format_smolstr};

use super::super::audio::Playable;
use super::super::escape;
use super::super::recognizer::Step as Hear;
use super::super::translate::Request;
use super::{
    DETECT_SPEECH, Execution, Hold, Leg, MARK, Output, PLAYS_MAX, Place, Purpose, STOP_MS_MAX,
    Stopping, Work,
};
use crate::engine::Transfer;
use crate::engine::time::Tick;
use crate::turn::{EntryId, MediaEvent};

impl Leg {
    /// Sends what may be sent.
    pub(super) fn advance(&mut self) {
        while self.linked && self.stopping.is_none() && self.place == Place::Here {
            let plays = self.running.iter().filter(|one| one.is_play()).count();
            let may_go = match self.waiting.front() {
                None => false,
                Some(Work::Play { .. }) => plays < PLAYS_MAX,
                Some(Work::Execute { .. } | Work::Own { .. }) => plays == 0,
                Some(Work::Variable { .. } | Work::Transfer(_)) => true,
            };
            let Some(work) = self.waiting.pop_front_if(|_| may_go) else { return };
            self.carry_out(work);
        }
    }

    fn carry_out(&mut self, work: Work) {
        match &work {
            Work::Play { entry, what, offset_ms } => {
                let (application, argument) = self.playback(what, *offset_ms);
                self.execute(event_uuid(entry), application.into(), argument, work);
            }
            Work::Execute { entry, application, argument } => {
                let (application, argument) = (application.clone(), argument.clone());
                self.execute(event_uuid(entry), application, argument, work);
            }
            Work::Own { application, argument } => {
                self.own += 1;
                let id = format_smolstr!("{}-own-{}", self.callid, self.own);
                self.execute(id, (*application).into(), argument.clone(), work);
            }
            Work::Variable { name, value } => self.set_variable(name, value),
            Work::Transfer(transfer) => self.transfer(transfer),
        }
    }

    fn execute(&mut self, id: SmolStr, application: SmolStr, argument: String, work: Work) {
        let request = Request::Execute { execution: id.clone(), application, argument };
        let execution =
            Execution { id: id.clone(), work, began_us: None, unwanted: false, stop: None };
        self.running.push_back(execution);
        self.send(Purpose::Execution(id), request);
    }

    pub(super) fn playback(&self, what: &Playable, offset_ms: u64) -> (&'static str, String) {
        match what {
            Playable::File(path) if offset_ms > 0 => {
                let samples = offset_ms.saturating_mul(u64::from(self.rate_hz)) / 1000;
                ("playback", format!("{path}@@{samples}"))
            }
            Playable::File(argument) | Playable::Stream(argument) => ("playback", argument.clone()),
            Playable::Speech(argument) => ("speak", argument.clone()),
        }
    }

    /// After the set-up, before what waits: until it is done nobody hears the caller.
    pub(super) fn hear(&mut self, step: Hear) {
        let is_own = |work: &Work| matches!(work, Work::Own { .. });
        let at = self.waiting.iter().position(|work| !is_own(work)).unwrap_or(self.waiting.len());
        let argument = self.recognizer.argument(step);
        self.waiting.insert(at, Work::Own { application: DETECT_SPEECH, argument });
        self.advance();
    }

    pub(super) fn set_waiting_variables(&mut self) {
        while self.linked
            && let Some(Work::Variable { name, value }) = self.waiting.pop_front()
        {
            self.set_variable(&name, &value);
        }
    }

    pub(super) fn set_variable(&mut self, name: &str, value: &str) {
        let Ok(name) = escape::word(name) else {
            return tracing::warn!(call = %self.callid, name, "not a variable's name, not set");
        };
        let value = escape::variable_value(value);
        let command = format!("uuid_setvar {} {name} {value}", self.uuid);
        self.send(Purpose::Aside, Request::Api(command.trim_end().to_owned()));
    }

    pub(super) fn transfer(&mut self, transfer: &Transfer) {
        match transfer_command(&self.uuid, transfer) {
            Ok(command) => {
                self.place = Place::Leaving;
                self.transfer = Some(transfer.clone());
                self.unmark();
                self.send(Purpose::Transfer, Request::Api(command));
            }
            Err(reason) => self.tell(MediaEvent::TransferFailed(format_smolstr!("{reason}"))),
        }
    }

    /// The call is ours: the switch is not to send it to a person.
    pub(super) fn drop_fallback(&mut self) {
        if let Some(task) = self.fallback_task.take() {
            self.send(Purpose::Aside, Request::Api(format!("sched_del {task}")));
        }
    }

    pub(super) fn mark(&mut self) {
        if self.hold == Hold::Socket {
            return;
        }
        let command = format!("uuid_setvar {} {MARK} {}", self.uuid, self.callid);
        self.send(Purpose::Aside, Request::Api(command));
    }

    /// With the mark, a daemon that starts anew would adopt the channel.
    pub(super) fn unmark(&mut self) {
        if self.hold == Hold::Park {
            self.send(Purpose::Aside, Request::Api(format!("uuid_setvar {} {MARK}", self.uuid)));
        }
    }

    /// A command that somebody else wrote: how long it takes is not known.
    pub(in crate::switch::freeswitch) fn run_beside(&mut self, command: String) {
        self.send(Purpose::Aside, Request::Background(command));
    }

    pub(super) fn break_all(&mut self, now: Tick) {
        let until = now.plus_ms(STOP_MS_MAX);
        let stopping =
            self.stopping.get_or_insert(Stopping { playing: None, unanswered: false, until });
        stopping.unanswered = true;
        self.send(Purpose::Break, Request::Api(format!("uuid_break {} all", self.uuid)));
    }

    pub(super) fn send_kill(&mut self) {
        let command = format!("uuid_kill {} {}", self.uuid, self.kill_cause);
        self.send(Purpose::Aside, Request::Api(command));
    }

    pub(super) fn send(&mut self, purpose: Purpose, request: Request) {
        // Without a connection `recover` asks again for what still matters.
        if self.linked {
            self.out.push_back(Output::Send(purpose, request));
        }
    }

    pub(super) fn may_run(&self, application: &str) -> Result<(), SmolStr> {
        escape::application(application).map_err(|refused| format_smolstr!("{refused}"))?;
        // An application that the switch does not know hangs the call up (S7).
        if self.applications.may_have(application) {
            Ok(())
        } else {
            Err("the switch has no such application".into())
        }
    }
}

/// The Event-UUID of an entry: the action's id and the entry's number (S4).
fn event_uuid(entry: &EntryId) -> SmolStr {
    format_smolstr!("{}-{}", entry.appid, entry.number)
}

fn transfer_command(uuid: &str, transfer: &Transfer) -> Result<String, escape::Refused> {
    let mut command = format!("uuid_transfer {uuid} {}", escape::word(&transfer.extension)?);
    if !transfer.dialplan.is_empty() || !transfer.context.is_empty() {
        let dialplan = if transfer.dialplan.is_empty() { "XML" } else { &transfer.dialplan };
        command.push(' ');
        command.push_str(escape::dialplan(dialplan)?);
    }
    if !transfer.context.is_empty() {
        command.push(' ');
        command.push_str(escape::word(&transfer.context)?);
    }
    Ok(command)
}
