//! Which channel is which call, and what has to be asked when events may have been lost. Pure but
//! for the lines to the calls' drivers and the look into the audio folder.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use freeswitch_esl_tokio::{EslCommand, EslEvent, parse_channel_dump};
use smol_str::{SmolStr, format_smolstr};
use tokio::sync::mpsc;

use super::audio::Audio;
use super::leg::{Hold, Leg, MARK, NewLeg, Output, Purpose, Reply, Work};
use super::metric;
use super::status::Applications;
use super::translate::{self, Fact, Happened, Parked, Request};
use crate::engine::time::Tick;
use crate::switch::call::{CallLine, LineId, NewCall, Said, line};
use crate::turn::Order;

/// What a call whose driver is gone (N7), or that nobody wanted, is hung up with.
const CAUSE_GIVEN_UP: &str = "NORMAL_TEMPORARY_FAILURE";

/// The list of channels is written behind the events: what parked just before we connected shows in
/// it only now. Measured: some 100 ms on an idle switch.
const COMPARE_AGAIN_MS: u64 = 2000;

/// A lost HANGUP_COMPLETE would be an immortal call: we look whether nothing says that any was lost.
const COMPARE_EVERY_MS: u64 = 30_000;

/// What an answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// A channel of ours.
    Leg(SmolStr, Purpose),
    /// The list of channels.
    List(Because),
    /// A channel that may ask for a robot.
    Dump(SmolStr),
}

/// Why channels are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// Events were or may have been lost: every call recovers.
    EventsWereLost,
    /// It is time to.
    TimePassed,
}

/// All calls on one FreeSWITCH.
#[derive(Debug)]
pub(super) struct Calls {
    switch: SmolStr,
    hold: Hold,
    asr: SmolStr,
    audio: Audio,
    applications: Arc<Applications>,
    slots: BTreeMap<SmolStr, Slot>,
    lines: BTreeMap<LineId, SmolStr>,
    /// How many calls a channel that still lives has had (E16).
    rounds: BTreeMap<SmolStr, u32>,
    next_line: u64,
    said: mpsc::Sender<(LineId, Said)>,
    /// A list has been asked for, and not answered.
    listing: Option<Because>,
    /// When to ask for the next.
    compare_at: Option<Tick>,
    commands: VecDeque<(Errand, EslCommand)>,
    born: VecDeque<NewCall>,
}

/// The switch that calls are on.
#[derive(Debug)]
pub(super) struct Switch {
    /// As the configuration names it.
    pub(super) name: SmolStr,
    /// How it holds channels for us.
    pub(super) hold: Hold,
    /// `detect_speech` engine and grammar.
    pub(super) asr: SmolStr,
    /// Its audio.
    pub(super) audio: Audio,
}

#[derive(Debug)]
struct Slot {
    leg: Leg,
    id: LineId,
    line: CallLine,
    voicedir: SmolStr,
}

impl Calls {
    /// No calls yet. What the drivers of those to come say arrives at `said`.
    pub(super) fn new(of: Switch, said: mpsc::Sender<(LineId, Said)>) -> Self {
        Self {
            switch: of.name,
            hold: of.hold,
            asr: of.asr,
            audio: of.audio,
            applications: Arc::default(),
            slots: BTreeMap::new(),
            lines: BTreeMap::new(),
            rounds: BTreeMap::new(),
            next_line: 0,
            said,
            listing: None,
            compare_at: None,
            commands: VecDeque::new(),
            born: VecDeque::new(),
        }
    }

    /// The next command to send, and what its answer belongs to.
    pub(super) fn next_command(&mut self) -> Option<(Errand, EslCommand)> {
        self.commands.pop_front()
    }

    /// The next call that has reached a robot.
    pub(super) fn next_call(&mut self) -> Option<NewCall> {
        self.born.pop_front()
    }

    /// An event came.
    pub(super) fn event(&mut self, event: &EslEvent, now: Tick) {
        let Some(fact) = translate::fact(event) else { return };
        metrics::counter!(metric::EVENTS).increment(1);
        let gone = matches!(fact.happened, Happened::HungUp(_)).then(|| fact.uuid.clone());
        self.fact(fact, now);
        if let Some(uuid) = gone {
            self.rounds.remove(&uuid);
        }
    }

    fn fact(&mut self, fact: Fact, now: Tick) {
        let Fact { uuid, serial, at_us, happened } = fact;
        let leaving = self.slots.get(&uuid).is_some_and(|slot| slot.leg.is_leaving());
        match happened {
            // What parks elsewhere after a socket is not that socket's any more.
            Happened::Parked(_) if self.hold == Hold::Socket => {}
            // It went where it was sent, and that is a robot again: another call (E16).
            Happened::Parked(parked) if leaving => {
                self.with(&uuid, |slot| slot.leg.transferred());
                self.begin(uuid, *parked);
            }
            Happened::Parked(parked) if !self.slots.contains_key(&uuid) => {
                self.begin(uuid, *parked);
            }
            // A channel that is ours already is not started twice (S1).
            happened => self.with(&uuid, |slot| slot.leg.happened(serial, at_us, happened, now)),
        }
    }

    /// A channel came over a connection of its own.
    pub(super) fn connected(
        &mut self,
        uuid: SmolStr,
        parked: Parked,
        applications: Arc<Applications>,
    ) {
        self.applications = applications;
        self.begin(uuid, parked);
    }

    /// The connection of a channel is gone.
    pub(super) fn disconnected(&mut self, uuid: &SmolStr) {
        self.with(uuid, |slot| slot.leg.disconnected());
    }

    /// A driver said something.
    pub(super) fn said(&mut self, line: LineId, said: Said, now: Tick) {
        let Some(uuid) = self.lines.get(&line).cloned() else { return };
        let Some(slot) = self.slots.get_mut(&uuid) else { return };
        match said {
            Said::Take { voicedir } => {
                slot.voicedir = voicedir;
                slot.leg.take(now);
            }
            Said::Order(order) => order_leg(slot, &self.audio, order, now),
            Said::Leave { cause } => slot.leg.leave(&cause, now),
        }
        self.settle(&uuid);
    }

    /// An answer came.
    pub(super) fn replied(&mut self, errand: Errand, reply: Reply, now: Tick) {
        match (errand, reply) {
            (Errand::Leg(uuid, purpose), reply) => {
                let gone = purpose == Purpose::Exists && reply.as_deref() == Ok("false");
                self.with(&uuid, |slot| slot.leg.replied(purpose, reply, now));
                if gone {
                    self.rounds.remove(&uuid);
                }
            }
            (Errand::List(because), Ok(answer)) => self.listed(because, &answer, now),
            (Errand::List(_), Err(error)) => {
                self.listing = None;
                tracing::error!(switch = %self.switch, %error, "the switch does not list its channels");
            }
            (Errand::Dump(uuid), Ok(answer)) => self.dumped(uuid, &answer),
            // It hung up between the list and the question.
            (Errand::Dump(_), Err(_)) => {}
        }
    }

    /// Time has passed.
    pub(super) fn wake(&mut self, now: Tick) {
        if self.compare_at.is_some_and(|at| now >= at) {
            self.compare_at = Some(now.plus_ms(COMPARE_EVERY_MS));
            self.compare(Because::TimePassed);
        }
        let uuids: Vec<SmolStr> = self.slots.keys().cloned().collect();
        for uuid in uuids {
            self.with(&uuid, |slot| {
                if slot.line.is_abandoned() {
                    slot.leg.leave(CAUSE_GIVEN_UP, now);
                }
                slot.leg.wake(now);
            });
        }
    }

    /// There is a connection again.
    pub(super) fn linked(&mut self, applications: Arc<Applications>, now: Tick) {
        self.applications = applications;
        self.listing = None;
        self.compare_at = Some(now.plus_ms(COMPARE_AGAIN_MS));
        self.commands.clear();
        self.compare(Because::EventsWereLost);
    }

    /// The connection is gone.
    pub(super) fn unlinked(&mut self) {
        self.compare_at = None;
        for slot in self.slots.values_mut() {
            slot.leg.unlinked();
        }
    }

    /// Compares our calls with the switch's channels: after every connection and every lost event
    /// (S2, N4), and now and then.
    pub(super) fn compare(&mut self, because: Because) {
        if self.listing == Some(Because::EventsWereLost) || self.listing == Some(because) {
            return;
        }
        self.listing = Some(because);
        let list = Request::Api("show channels".into());
        self.commands.push_back((Errand::List(because), list.command("")));
    }

    fn listed(&mut self, because: Because, answer: &str, now: Tick) {
        self.listing = None;
        let channels = channels(answer);
        self.rounds.retain(|uuid, _| channels.contains_key(uuid) || self.slots.contains_key(uuid));
        let ours: Vec<SmolStr> = self.slots.keys().cloned().collect();
        for uuid in ours {
            let is_listed = channels.contains_key(&uuid);
            self.with(&uuid, |slot| {
                slot.leg.relinked();
                match because {
                    // The list lags behind the events: what it lacks is asked for by name.
                    _ if !is_listed => slot.leg.look(),
                    Because::EventsWereLost => slot.leg.recover(now),
                    Because::TimePassed => {}
                }
            });
        }
        for (uuid, application) in channels {
            if self.may_be_ours(because, &uuid, &application) {
                let dump = Request::Api(format!("uuid_dump {uuid}")).command(&uuid);
                self.commands.push_back((Errand::Dump(uuid), dump));
            }
        }
    }

    fn may_be_ours(&self, because: Because, uuid: &SmolStr, application: &str) -> bool {
        let is_new = !self.slots.contains_key(uuid);
        match because {
            // A call of a daemon that died is out of `park` as soon as it has played something.
            Because::EventsWereLost => is_new && application != "bridge",
            // One that we sent elsewhere may still be listed in park.
            Because::TimePassed => {
                is_new && application == "park" && !self.rounds.contains_key(uuid)
            }
        }
    }

    fn dumped(&mut self, uuid: SmolStr, answer: &str) {
        let Ok(event) = parse_channel_dump(answer) else { return };
        let mark = event.variable_str(MARK).filter(|mark| !mark.is_empty());
        // The dump is of this moment, unlike the list.
        let in_park = event.variable_str("current_application") == Some("park");
        let Some(parked) = translate::parked(&event) else { return };
        if (in_park || mark.is_some()) && !self.slots.contains_key(&uuid) {
            // A call of a daemon that died begins anew, as a call of its own (E16).
            let round =
                mark.and_then(|mark| mark.strip_prefix(&*uuid)?.strip_prefix('-')?.parse().ok());
            if mark.is_some() {
                self.rounds.insert(uuid.clone(), round.unwrap_or(1));
            }
            self.begin(uuid, parked);
        }
    }

    fn begin(&mut self, uuid: SmolStr, parked: Parked) {
        let round = self.rounds.entry(uuid.clone()).or_default();
        *round = parked.rounds.max(*round).saturating_add(1);
        let round = *round;
        let callid = if round == 1 { uuid.clone() } else { format_smolstr!("{uuid}-{round}") };
        let id = LineId(self.next_line);
        self.next_line += 1;
        let (line, handle, events) = line(id, self.said.clone());
        let leg = Leg::new(NewLeg {
            uuid: uuid.clone(),
            callid: callid.clone(),
            hold: self.hold,
            round,
            rate_hz: parked.rate_hz,
            fallback_task: parked.fallback_task,
            answered: parked.answered,
            asr: self.asr.clone(),
            applications: self.applications.clone(),
        });
        self.lines.insert(id, uuid.clone());
        self.slots.insert(uuid, Slot { leg, id, line, voicedir: SmolStr::default() });
        metrics::gauge!(metric::LEGS).increment(1.0);
        self.born.push_back(NewCall {
            callid,
            switch: self.switch.clone(),
            robot_flow: parked.robot_flow,
            variables: parked.variables,
            answered: parked.answered,
            handle,
            events,
            audio: None,
        });
    }

    fn with(&mut self, uuid: &SmolStr, act: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.slots.get_mut(uuid) {
            act(slot);
            self.settle(uuid);
        }
    }

    /// Carries a leg's outputs to where they belong, and forgets the leg when its call is over.
    fn settle(&mut self, uuid: &SmolStr) {
        let Some(slot) = self.slots.get_mut(uuid) else { return };
        while let Some(output) = slot.leg.next_output() {
            match output {
                Output::Send(purpose, request) => {
                    let command = request.command(uuid);
                    self.commands.push_back((Errand::Leg(uuid.clone(), purpose), command));
                }
                // A driver that does not listen is noticed in `wake`, which hangs the call up.
                Output::Tell(event) => {
                    if let Err(error) = slot.line.tell(event) {
                        tracing::debug!(channel = %uuid, %error, "event not told");
                    }
                }
                Output::Replied { after_ms } => {
                    tracing::debug!(channel = %uuid, after_ms, "reply begins");
                    let after = std::time::Duration::from_millis(after_ms);
                    metrics::histogram!(metric::REPLY_SECONDS).record(after);
                }
            }
        }
        if slot.leg.is_over() {
            self.lines.remove(&slot.id);
            self.slots.remove(uuid);
            metrics::gauge!(metric::LEGS).decrement(1.0);
            // Nothing more is heard of the channel; its own variable remembers.
            if self.hold == Hold::Socket {
                self.rounds.remove(uuid);
            }
        }
    }
}

fn order_leg(slot: &mut Slot, audio: &Audio, order: Order, now: Tick) {
    let leg = &mut slot.leg;
    match order {
        Order::Play { entry, source, offset_ms } => match audio.resolve(&slot.voicedir, &source) {
            Ok(what) => leg.work(Work::Play { entry, what, offset_ms }, now),
            Err(reason) => leg.unplayable(entry, reason),
        },
        Order::StopAudio => leg.stop_audio(now),
        Order::Listen(listen) => leg.listen(&listen, now),
        Order::StopListening => leg.stop_listening(),
        // Given only where the audio comes to us.
        Order::Record { .. } => {}
        Order::Execute { entry, app, argument } => {
            leg.work(Work::Execute { entry, application: app, argument }, now);
        }
        Order::Hangup { cause } => leg.hang_up(&cause, now),
        Order::Transfer(transfer) => leg.work(Work::Transfer(transfer), now),
        Order::Api(command) => leg.run_beside(command),
        Order::SetVariables(variables) => {
            for (name, value) in variables {
                leg.work(Work::Variable { name, value }, now);
            }
        }
    }
}

/// The channels of `show channels` with what they run, in the order of their ids: a line of column
/// names, a line for each channel, an empty line, and how many there are. As JSON, 10,000 channels
/// would pass the 8 MiB that the client library takes.
fn channels(answer: &str) -> BTreeMap<SmolStr, SmolStr> {
    let mut lines = answer.lines().take_while(|line| !line.is_empty());
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let Some(at) = names.iter().position(|name| *name == "application") else {
        return BTreeMap::new();
    };
    let channel = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let spare = cells.len().checked_sub(names.len())?;
        Some((cells.first().copied()?.into(), application(cells.get(at..=at + spare)?).into()))
    };
    lines.filter_map(channel).collect()
}

/// Commas inside of values, as in a caller's name, are not marked, so the application is one of
/// these cells. Only two matter to us, and `uuid_dump` has the last word on a channel in park.
fn application<'a>(cells: &[&'a str]) -> &'a str {
    let known = cells.iter().find(|cell| matches!(**cell, "park" | "bridge"));
    known.or(cells.first()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
