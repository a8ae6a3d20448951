//! FreeSWITCH, connecting to us: the dialplan's `socket` application makes one connection per call
//! (S15). Calls are driven as attached ones are; here is only how they come and where commands go.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use freeswitch_esl_tokio::EslCommand;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use smol_str::{SmolStr, format_smolstr};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::audio::Audio;
use super::calls::{Calls, Errand, Switch};
use super::connection::{Arrivals, NEW_CALLS_MAX, ORDERS_MAX, offer, ticks};
use super::leg::Hold;
use super::session::{Came, Channel, Message, serve};
use super::status::Status;
use crate::config;
use crate::engine::time::Tick;
use crate::switch::call::{LineId, NewCall, Said};

/// Connections at a time, twice the usual `calls.max`, so that calls above that are still refused
/// by their rows. More wait to be accepted; the dialplan's own limit sends them to a person.
const CONNECTIONS_MAX: usize = 4096;

/// What came over all connections and waits for us; a connection whose message does not fit waits.
const MESSAGES_MAX: usize = 4096;

/// The port that switches connect to; does its work in [`run`](Self::run).
pub struct Outbound {
    listener: TcpListener,
    clock: Box<dyn Fn() -> Tick + Send + Sync>,
    calls: Calls,
    said: mpsc::Receiver<(LineId, Said)>,
    new_calls: mpsc::Sender<NewCall>,
    status: watch::Sender<Status>,
    /// The connection of each channel that a call runs on.
    links: BTreeMap<SmolStr, Link>,
    /// Connections accepted so far.
    accepted: u64,
    /// False after a failure, until the next tick: no file descriptor is free at once.
    may_accept: bool,
}

struct Link {
    number: u64,
    requests: mpsc::Sender<(Errand, EslCommand)>,
}

impl Outbound {
    /// A port as configured, which `listener` has; relative audio files lie below `audio_dir`, and
    /// `clock` tells the time. Nothing happens before [`run`](Self::run).
    #[must_use]
    pub fn new(
        listener: TcpListener,
        config: &config::FreeswitchOutbound,
        audio_dir: &Path,
        clock: impl Fn() -> Tick + Send + Sync + 'static,
    ) -> (Self, Arrivals) {
        let (said_sender, said) = mpsc::channel(ORDERS_MAX);
        let (new_calls, calls) = mpsc::channel(NEW_CALLS_MAX);
        let (status, watched) = watch::channel(Status { connected: true, ..Status::default() });
        let switch = Switch {
            name: config.listen.as_str().into(),
            hold: Hold::Socket,
            asr: config.asr.as_str().into(),
            audio: Audio::new(audio_dir, &config.tts),
        };
        let outbound = Self {
            listener,
            clock: Box::new(clock),
            calls: Calls::new(switch, said_sender),
            said,
            new_calls,
            status,
            links: BTreeMap::new(),
            accepted: 0,
            may_accept: true,
        };
        (outbound, Arrivals { calls, status: watched })
    }

    /// Accepts connections and serves their calls; never ends. Dropping the future closes all
    /// connections: the dialplan goes on with the calls.
    pub async fn run(mut self) -> Infallible {
        let (inbox, mut messages) = mpsc::channel(MESSAGES_MAX);
        let mut sessions = FuturesUnordered::new();
        let mut ticks = ticks();
        loop {
            let may_accept = self.may_accept && sessions.len() < CONNECTIONS_MAX;
            tokio::select! {
                accepted = self.listener.accept(), if may_accept => match accepted {
                    Ok((stream, _)) => {
                        self.accepted += 1;
                        sessions.push(serve(stream, self.accepted, inbox.clone()));
                        self.heals(None);
                    }
                    Err(error) => {
                        self.may_accept = false;
                        self.heals(Some(format_smolstr!("no connection can be accepted: {error}")));
                    }
                },
                Some(()) = sessions.next() => {}
                Some(message) = messages.recv() => self.came(message),
                Some((line, said)) = self.said.recv() => {
                    let now = self.now();
                    self.calls.said(line, said, now);
                }
                _ = ticks.tick() => {
                    self.may_accept = true;
                    let now = self.now();
                    self.calls.wake(now);
                }
            }
            self.hand_on();
        }
    }

    fn came(&mut self, message: Message) {
        let Message { number, uuid, came } = message;
        let now = self.now();
        let is_current = self.links.get(&uuid).is_some_and(|link| link.number == number);
        match came {
            Came::Channel(channel) => self.connected(number, uuid, *channel),
            // The call is over, or came back over another connection.
            _ if !is_current => {}
            Came::Event(event) => self.calls.event(&event, now),
            Came::Reply(errand, reply) => self.calls.replied(errand, reply, now),
            Came::End => self.disconnected(&uuid),
        }
    }

    /// A channel that we know comes anew when it was sent to a robot again: that is another call
    /// (E16), and the old connection is nobody's.
    fn connected(&mut self, number: u64, uuid: SmolStr, channel: Channel) {
        let Channel { parked, applications, requests } = channel;
        self.disconnected(&uuid);
        self.status.send_if_modified(|status| {
            let is_news = status.applications != applications;
            status.applications = applications.clone();
            is_news
        });
        self.links.insert(uuid.clone(), Link { number, requests });
        self.calls.connected(uuid, parked, applications);
    }

    fn disconnected(&mut self, uuid: &SmolStr) {
        self.links.remove(uuid);
        self.calls.disconnected(uuid);
    }

    /// Carries on what the calls want: commands to their connections, new calls to the daemon.
    fn hand_on(&mut self) {
        while let Some((errand, command)) = self.calls.next_command() {
            // Nothing but a channel's own is asked over its connection.
            let Errand::Leg(uuid, _) = &errand else { continue };
            let uuid = uuid.clone();
            let Some(link) = self.links.get(&uuid) else { continue };
            let is_last = matches!(command, EslCommand::Exit);
            let is_stuck = link.requests.try_send((errand, command)).is_err();
            if is_stuck {
                self.disconnected(&uuid);
            } else if is_last {
                self.links.remove(&uuid);
            }
        }
        while let Some(call) = self.calls.next_call() {
            offer(&self.new_calls, call);
        }
    }

    fn heals(&self, problem: Option<SmolStr>) {
        self.status.send_if_modified(|status| {
            let is_news = status.problem != problem;
            status.connected = problem.is_none();
            status.problem = problem;
            is_news
        });
    }

    fn now(&self) -> Tick {
        (self.clock)()
    }
}
