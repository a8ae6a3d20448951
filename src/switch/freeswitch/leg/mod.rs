//! One channel's outstanding work: what is on the switch, what waits, and what must be said when
//! the switch does not. All rules of S4 to S9 are decided here. Pure.
//!
//! On the switch stand, in order, short applications and behind them at most `PLAYS_MAX` pieces of
//! audio; nothing but audio is ever sent behind audio. So `uuid_break … all`, which throws the
//! queue away without any event, throws away audio only.

mod ending;
mod execution;
mod sending;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use smol_str::SmolStr;

use super::audio::Playable;
use super::escape;
use super::recognizer::Recognizer;
use super::status::Applications;
use super::translate::{Happened, ROUND, Request, Serial, Side};
use crate::engine::time::Tick;
use crate::engine::{EndReason, Transfer};
use crate::turn::{EntryId, Listen, MediaEvent, PlaybackEnd};

/// Pieces of audio on the switch at a time: the one that plays and the next, which then begins
/// without a gap. A third would only lengthen what must be thrown away.
const PLAYS_MAX: usize = 2;

/// Orders that wait for one channel; a turn has a dozen. Beyond it the call is given up (N21).
const WAITING_MAX: usize = 256;

/// Events remembered to recognise a repetition, which comes 0 to 20 ms after the first (S9).
const SEEN_MAX: usize = 16;

/// After the switch denied the channel, HANGUP_COMPLETE may still be on its way.
const DENIED_MS: u64 = 1000;

/// A channel that left park comes back within a frame if it was sent to a robot again.
const AWAY_MS: u64 = 3000;

/// A hang-up that was ordered is done within a frame; after this we look.
const KILL_MS: u64 = 5000;

/// Audio that was told to stop ends within two frames, once it has begun; what stands before it may
/// set up a recogniser first. After this its end was lost.
const STOP_MS_MAX: u64 = 10_000;

/// `speak` that ends sooner said nothing: it has no other way to tell an unknown engine. A frame is
/// 20 ms, the shortest word some 100.
const SPOKEN_US_MIN: u64 = 60_000;

/// Stands for the Application-Response of what the hang-up cut off.
const HANGING_UP: &str = "HANGING UP";

/// The channel variable that marks a channel as a call of ours while it is.
pub(super) const MARK: &str = "robot_call";

/// The application that drives a recogniser.
const DETECT_SPEECH: &str = "detect_speech";

/// What the state machine wants done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Output {
    /// Send this; the answer comes back with the purpose.
    Send(Purpose, Request),
    /// Tell the call's driver.
    Tell(MediaEvent),
    /// A reply to the caller began so many ms after the recogniser's result.
    Replied { after_ms: u64 },
}

/// What a request was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An application; its id.
    Execution(SmolStr),
    /// Audio is to stop.
    Break,
    /// The channel is to go elsewhere.
    Transfer,
    /// Does the channel still bear our mark, or has it been sent elsewhere?
    Marked,
    /// Is the channel still there?
    Exists,
    /// Nothing hangs on the answer.
    Aside,
}

/// The switch's answer to a request: its text, or its `-ERR` text.
pub(super) type Reply = Result<SmolStr, SmolStr>;

/// An order that has been checked and can be carried out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Work {
    Play {
        entry: EntryId,
        what: Playable,
        offset_ms: u64,
    },
    Execute {
        entry: EntryId,
        application: SmolStr,
        argument: String,
    },
    Variable {
        name: SmolStr,
        value: String,
    },
    Transfer(Transfer),
    /// Ours: nobody waits for its end.
    Own {
        application: &'static str,
        argument: String,
    },
}

/// An application on the switch.
#[derive(Clone, Debug)]
struct Execution {
    /// Its Event-UUID.
    id: SmolStr,
    work: Work,
    /// When CHANNEL_EXECUTE came, by the switch's clock.
    began_us: Option<u64>,
    /// Somebody wants it to stop.
    unwanted: bool,
    /// What PLAYBACK_STOP said.
    stop: Option<Stop>,
}

#[derive(Clone, Copy, Debug)]
struct Stop {
    broken: bool,
    heard_ms: Option<u64>,
}

/// Audio is being stopped: nothing is sent until it has ended and the break has been answered, or
/// the break could hit what comes next (S5).
#[derive(Clone, Debug, Default)]
struct Stopping {
    /// What plays; `None` once it has ended.
    playing: Option<SmolStr>,
    /// A break is on its way and has not been answered.
    unanswered: bool,
    /// When the end of what plays counts as lost.
    until: Tick,
}

/// Where the channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In park, ours.
    Here,
    /// Left park, nobody said why.
    Away,
    /// We sent it elsewhere and await the answer.
    Leaving,
    /// We hang it up.
    Killed,
    /// The call is over.
    Over,
}

/// What holds the channel while it is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// `park`: we are told of it over connections that all channels share.
    Park,
    /// `socket`: it has a connection of its own. Without us the dialplan goes on (S15).
    Socket,
}

/// One channel that a call runs on.
#[derive(Debug)]
pub(super) struct Leg {
    uuid: SmolStr,
    callid: SmolStr,
    hold: Hold,
    round: u32,
    rate_hz: u32,
    answered: bool,
    /// False until the driver takes the call.
    taken: bool,
    fallback_task: Option<u32>,
    /// False while there is no connection to the switch: nothing is sent then.
    linked: bool,
    place: Place,
    waiting: VecDeque<Work>,
    running: VecDeque<Execution>,
    /// Thrown away with `break all`; one may have begun in that very moment.
    ghosts: Vec<SmolStr>,
    stopping: Option<Stopping>,
    recognizer: Recognizer,
    applications: Arc<Applications>,
    seen: VecDeque<Serial>,
    /// Our own executions so far.
    own: u32,
    /// When the last result came.
    heard_at: Option<Tick>,
    /// When to ask whether the channel is still there.
    look_at: Option<Tick>,
    kill_cause: SmolStr,
    /// The transfer that awaits its answer.
    transfer: Option<Transfer>,
    out: VecDeque<Output>,
}

/// What a leg is made of.
#[derive(Clone, Debug)]
pub(super) struct NewLeg {
    pub(super) uuid: SmolStr,
    pub(super) callid: SmolStr,
    pub(super) hold: Hold,
    /// Which of the channel's calls this is, from 1.
    pub(super) round: u32,
    pub(super) rate_hz: u32,
    pub(super) answered: bool,
    /// What the switch does if nobody takes the call.
    pub(super) fallback_task: Option<u32>,
    /// `detect_speech` engine and grammar.
    pub(super) asr: SmolStr,
    /// What the switch can run (S7).
    pub(super) applications: Arc<Applications>,
}

impl Leg {
    pub(super) fn new(new: NewLeg) -> Self {
        Self {
            uuid: new.uuid,
            callid: new.callid,
            hold: new.hold,
            round: new.round,
            rate_hz: new.rate_hz,
            answered: new.answered,
            taken: false,
            fallback_task: new.fallback_task,
            linked: true,
            place: Place::Here,
            waiting: VecDeque::new(),
            running: VecDeque::new(),
            ghosts: Vec::new(),
            stopping: None,
            recognizer: Recognizer::new(new.asr),
            applications: new.applications,
            seen: VecDeque::new(),
            own: 0,
            heard_at: None,
            look_at: None,
            kill_cause: SmolStr::default(),
            transfer: None,
            out: VecDeque::new(),
        }
    }

    /// The next thing to do; drain after every call.
    pub(super) fn next_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// True once the call has ended: the driver has been told, and nothing follows.
    pub(super) fn is_over(&self) -> bool {
        self.place == Place::Over
    }

    /// True while a transfer awaits its answer.
    pub(super) fn is_leaving(&self) -> bool {
        self.place == Place::Leaving
    }

    // ---- what the driver wants ----

    /// The call is taken: what must be in force before anything is played or recognised.
    pub(super) fn take(&mut self, now: Tick) {
        self.taken = true;
        self.drop_fallback();
        if !self.answered {
            self.work(Work::Own { application: "answer", argument: String::new() }, now);
        }
        // Without the first, results during a playback are swallowed (S9); without the second, the
        // caller's `*` stops a prompt (S8); the third makes the channel's next call another one;
        // the last tells a daemon that starts anew whose call this is, however long it has been out
        // of `park` by then. A socket's call is the dialplan's as soon as its daemon is gone.
        let mark = (self.hold == Hold::Park).then(|| format!("{MARK}={}", self.callid));
        let settings = [
            "fire_asr_events=true".to_owned(),
            "playback_terminators=none".to_owned(),
            format!("{ROUND}={}", self.round),
        ];
        for argument in settings.into_iter().chain(mark) {
            self.work(Work::Own { application: "set", argument }, now);
        }
    }

    /// Something to do after what was ordered before.
    pub(super) fn work(&mut self, work: Work, now: Tick) {
        if matches!(self.place, Place::Over | Place::Killed) {
            return self.undone(work, "the line is gone");
        }
        if self.waiting.len() >= WAITING_MAX {
            self.undone(work, "too many orders wait");
            return self.leave("NORMAL_TEMPORARY_FAILURE", now);
        }
        if let Work::Execute { application, .. } = &work
            && let Err(reason) = self.may_run(application)
        {
            return self.undone(work, &reason);
        }
        self.waiting.push_back(work);
        self.advance();
    }

    /// An entry that can't be played is answered at once.
    pub(super) fn unplayable(&mut self, entry: EntryId, reason: SmolStr) {
        self.finished(entry, PlaybackEnd::Failed(reason), Some(0));
    }

    /// Stop what plays, drop what waits.
    pub(super) fn stop_audio(&mut self, now: Tick) {
        self.drop_waiting_plays();
        let Some(first) = self.running.iter().position(Execution::is_play) else { return };
        for dropped in self.running.split_off(first + 1) {
            self.ghosts.push(dropped.id.clone());
            self.ended(dropped, PlaybackEnd::Stopped, Some(0));
        }
        let Some(playing) = self.running.get_mut(first) else { return };
        playing.unwanted = true;
        let (id, plays) = (playing.id.clone(), playing.began_us.is_some());
        if self.stopping.is_some() {
            return;
        }
        let until = now.plus_ms(STOP_MS_MAX);
        self.stopping = Some(Stopping { playing: Some(id), unanswered: false, until });
        // A break before CHANNEL_EXECUTE is lost and the prompt plays in full (S5): it waits.
        if plays {
            self.break_all(now);
        }
    }

    /// Recognise from now on.
    pub(super) fn listen(&mut self, listen: &Listen, now: Tick) {
        if let Some(step) = self.recognizer.listen(listen, now) {
            self.hear(step);
        }
    }

    /// Recognise no longer.
    pub(super) fn stop_listening(&mut self) {
        if let Some(step) = self.recognizer.ignore() {
            self.hear(step);
        }
    }

    /// Hang up at once; variables that were ordered before are set first.
    pub(super) fn hang_up(&mut self, cause: &str, now: Tick) {
        for work in std::mem::take(&mut self.waiting) {
            match work {
                Work::Variable { .. } => self.waiting.push_back(work),
                other => self.undone(other, "the call was hung up"),
            }
        }
        self.set_waiting_variables();
        self.kill(cause, now);
    }

    /// Leave a call that its script has not ended: to the dialplan if it goes on, else hang up.
    pub(super) fn leave(&mut self, cause: &str, now: Tick) {
        match (self.hold, self.place) {
            (_, Place::Over | Place::Killed) => {}
            (Hold::Park, _) => self.hang_up(cause, now),
            (Hold::Socket, _) => {
                if !self.taken {
                    self.set_variable(ROUND, &self.round.to_string());
                }
                // What is on the switch would be played to its end before the dialplan goes on.
                if !self.running.is_empty() {
                    self.break_all(now);
                }
                self.over(MediaEvent::HungUp(EndReason::Hangup));
            }
        }
    }

    // ---- what the switch tells ----

    /// An event of the channel. Repeated ones are dropped.
    pub(super) fn happened(&mut self, serial: Serial, at_us: u64, happened: Happened, now: Tick) {
        if self.is_over() || self.is_repeated(serial) {
            return;
        }
        match happened {
            Happened::Parked(parked) => self.parked_again(&parked),
            Happened::Unparked { hanging_up } => self.unparked(hanging_up, now),
            Happened::Answered => self.answered = true,
            Happened::Executing(id) => self.executing(&id, at_us, now),
            Happened::Executed { execution, response, hanging_up } => {
                self.executed(&execution, if hanging_up { HANGING_UP } else { &response }, at_us);
            }
            Happened::PlaybackStopped { broken, heard_ms } => {
                if let Some(playing) = self.running.iter_mut().find(|one| one.began_us.is_some()) {
                    playing.stop = Some(Stop { broken, heard_ms });
                }
            }
            Happened::RecognizerStarted => {
                if self.recognizer.started() {
                    self.tell(MediaEvent::RecognizerReady);
                }
            }
            Happened::Speech(speech) => self.speech(speech, now),
            Happened::Digit(digit) => self.tell(MediaEvent::Digit(digit)),
            Happened::HungUp(side) => self.hung_up(side),
        }
    }

    /// The answer to a request.
    pub(super) fn replied(&mut self, purpose: Purpose, reply: Reply, now: Tick) {
        if self.is_over() {
            return;
        }
        if let Err(error) = &reply
            && is_gone(error)
            && self.look_at.is_none_or(|at| at > now.plus_ms(DENIED_MS))
        {
            self.look_at = Some(now.plus_ms(DENIED_MS));
        }
        match (purpose, reply) {
            (Purpose::Execution(id), Err(error)) => self.refused(&id, &error),
            (Purpose::Break, _) => self.break_answered(),
            (Purpose::Transfer, Ok(_)) => self.transferred(),
            (Purpose::Transfer, Err(error)) => self.transfer_failed(error),
            (Purpose::Marked, Err(error)) if is_gone(&error) => {}
            (Purpose::Marked, answer) => self.left_or_not(answer.as_deref() == Ok(&self.callid)),
            (Purpose::Exists, Ok(answer)) => self.looked(answer.trim() == "true", now),
            (Purpose::Exists, Err(_)) | (Purpose::Execution(_), Ok(_)) | (Purpose::Aside, _) => {}
        }
    }

    /// A moment has come.
    pub(super) fn wake(&mut self, now: Tick) {
        if self.recognizer.is_overdue(now) {
            self.tell(MediaEvent::RecognizerLost(
                "the switch gave no sign that the recogniser started: check `asr`".into(),
            ));
        }
        if self.linked && self.stopping.as_ref().is_some_and(|stopping| now >= stopping.until) {
            self.stop_lost(now);
        }
        if self.linked && self.look_at.is_some_and(|at| now >= at) {
            self.look_at = None;
            self.look();
        }
    }

    /// The connection is gone; the channel may live on.
    pub(super) fn unlinked(&mut self) {
        self.linked = false;
    }

    /// The connection that was this channel's alone is gone, and the call with it.
    pub(super) fn disconnected(&mut self) {
        self.linked = false;
        match self.place {
            Place::Over => {}
            Place::Leaving => self.transferred(),
            Place::Away => self.over(MediaEvent::HungUp(EndReason::Transfer)),
            Place::Here | Place::Killed => self.hung_up(Side::Unknown),
        }
    }

    /// Asks whether the channel is still there: the switch's list of channels does not show it.
    pub(super) fn look(&mut self) {
        self.send(Purpose::Exists, Request::Api(format!("uuid_exists {}", self.uuid)));
    }

    /// There is a connection again.
    pub(super) fn relinked(&mut self) {
        self.linked = true;
    }

    /// The connection is new, or events were lost, and the channel is still there: what was on
    /// the switch is stopped and ended by us, what waits goes on.
    pub(super) fn recover(&mut self, now: Tick) {
        match self.place {
            Place::Over => return,
            Place::Killed => {
                self.set_waiting_variables();
                return self.send_kill();
            }
            Place::Leaving => {
                let ask = format!("uuid_getvar {} {MARK}", self.uuid);
                return self.send(Purpose::Marked, Request::Api(ask));
            }
            Place::Here | Place::Away => {}
        }
        self.stopping = None;
        if !self.running.is_empty() {
            self.break_all(now);
        }
        for work in self.end_what_began().into_iter().rev() {
            self.waiting.push_front(work);
        }
        if let Some(step) = self.recognizer.recover(now) {
            self.hear(step);
        }
        self.advance();
    }

    /// The channel was transferred, as its second CHANNEL_PARK or the answer says.
    pub(super) fn transferred(&mut self) {
        self.over(MediaEvent::Transferred);
    }

    fn kill(&mut self, cause: &str, now: Tick) {
        if matches!(self.place, Place::Over | Place::Killed) {
            return;
        }
        self.place = Place::Killed;
        self.kill_cause = escape::word(cause).unwrap_or("NORMAL_CLEARING").into();
        self.look_at = Some(now.plus_ms(KILL_MS));
        self.send_kill();
    }
}

fn is_gone(error: &str) -> bool {
    // `sendmsg` and the API commands say it differently.
    error.contains("invalid session id") || error.contains("No such channel")
}
