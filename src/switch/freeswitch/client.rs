//! The connections to one FreeSWITCH: made, kept, watched and made again (S2, S3, N4).
//!
//! Two connections, because an `api` command holds back the events of its own: events come on one,
//! commands go on the other. Everything runs in one future; it never waits for a call.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freeswitch_esl_tokio::{
    EslClient, EslCommand, EslConnectOptions, EslError, EslEventStream, EventFormat,
};
use smol_str::{SmolStr, format_smolstr};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::audio::Audio;
use super::calls::{Because, Calls, Errand, Switch};
use super::connection::{
    ANSWER_WITHIN, Arrivals, COMMANDS_MAX, Lost, NEW_CALLS_MAX, ORDERS_MAX, ask, ended, offer,
    ping, pings, send_commands, ticks,
};
use super::leg::{Hold, Reply};
use super::metric;
use super::status::{Applications, Status};
use super::translate::{Request, SUBSCRIBED};
use crate::config;
use crate::engine::time::Tick;
use crate::switch::call::{LineId, NewCall, Said};

/// Events that wait for us: half of what the switch itself queues before it cuts a client off (S2).
const EVENTS_MAX: usize = 50_000;

/// The first pause before another attempt; doubled each time, with jitter.
const PAUSE_MS_MIN: u64 = 200;

/// The longest pause: a switch that starts again takes two seconds.
const PAUSE_MS_MAX: u64 = 5000;

/// One FreeSWITCH that we attach to; does its work in [`run`](Self::run).
pub struct Freeswitch {
    address: String,
    password: String,
    clock: Box<dyn Fn() -> Tick + Send + Sync>,
    calls: Calls,
    said: mpsc::Receiver<(LineId, Said)>,
    new_calls: mpsc::Sender<NewCall>,
    status: watch::Sender<Status>,
}

/// A connection pair that is up and subscribed.
struct Link {
    events: EslEventStream,
    events_client: EslClient,
    commands: EslClient,
    applications: Arc<Applications>,
}

/// The side of the command connection that `serve` talks to.
struct Commands {
    requests: mpsc::Sender<(Errand, EslCommand)>,
    replies: mpsc::Receiver<(Errand, Reply)>,
}

impl Freeswitch {
    /// A switch as configured; relative audio files lie below `audio_dir`, and `clock` tells the
    /// time. Nothing happens before [`run`](Self::run).
    #[must_use]
    pub fn new(
        config: &config::Freeswitch,
        audio_dir: &Path,
        clock: impl Fn() -> Tick + Send + Sync + 'static,
    ) -> (Self, Arrivals) {
        let (said_sender, said) = mpsc::channel(ORDERS_MAX);
        let (new_calls, calls) = mpsc::channel(NEW_CALLS_MAX);
        let problem = Some("not connected yet".into());
        let (status, watched) = watch::channel(Status { problem, ..Status::default() });
        let audio = Audio::new(audio_dir, &config.tts);
        let address = config.address.clone();
        let switch = Self {
            calls: Calls::new(
                Switch {
                    name: address.as_str().into(),
                    hold: Hold::Park,
                    asr: config.asr.as_str().into(),
                    audio,
                },
                said_sender,
            ),
            address,
            password: config.password.0.clone(),
            clock: Box::new(clock),
            said,
            new_calls,
            status,
        };
        (switch, Arrivals { calls, status: watched })
    }

    /// Connects, serves the calls, and connects again whenever the connection is lost; never ends.
    /// Dropping the future closes the connections and leaves the channels as they are.
    pub async fn run(mut self) -> Infallible {
        let mut pause = Pause::default();
        loop {
            let (address, password) = (self.address.clone(), self.password.clone());
            let connected = tokio::select! {
                connected = connect(&address, &password) => connected,
                never = self.idle() => match never {},
            };
            let lost = match connected {
                Ok(link) => {
                    pause = Pause::default();
                    self.serve(link).await
                }
                Err(lost) => lost,
            };
            self.lost(&lost);
            tokio::select! {
                () = sleep(pause.next()) => {}
                never = self.idle() => match never {},
            }
        }
    }

    /// Without a connection: orders are taken and kept.
    async fn idle(&mut self) -> Infallible {
        let mut ticks = ticks();
        loop {
            tokio::select! {
                Some((line, said)) = self.said.recv() => {
                    let now = self.now();
                    self.calls.said(line, said, now);
                }
                _ = ticks.tick() => {
                    let now = self.now();
                    self.calls.wake(now);
                }
            }
        }
    }

    /// Serves all calls until the connection is lost.
    async fn serve(&mut self, link: Link) -> Lost {
        let Link { mut events, events_client, commands, applications } = link;
        tracing::info!(switch = %self.address, "attached");
        metrics::counter!(metric::CONNECTIONS).increment(1);
        let now = self.now();
        self.calls.linked(applications.clone(), now);
        self.status.send_replace(Status { connected: true, problem: None, applications });

        let (requests, to_send) = mpsc::channel(COMMANDS_MAX);
        let (answers, replies) = mpsc::channel(COMMANDS_MAX);
        tokio::select! {
            lost = send_commands(&commands, to_send, answers) => lost,
            lost = ping(&commands) => lost,
            lost = ping_events(&events_client) => lost,
            lost = self.drive(&mut events, &events_client, Commands { requests, replies }) => lost,
        }
    }

    async fn drive(
        &mut self,
        events: &mut EslEventStream,
        events_client: &EslClient,
        mut commands: Commands,
    ) -> Lost {
        let mut ticks = ticks();
        let mut dropped = 0;
        loop {
            if let Err(lost) = self.hand_on(&commands.requests) {
                return lost;
            }
            tokio::select! {
                event = events.recv() => match event {
                    Some(Ok(event)) => {
                        let now = self.now();
                        self.calls.event(&event, now);
                    }
                    // The tick sees what was dropped.
                    Some(Err(EslError::QueueFull)) => {}
                    Some(Err(error)) => tracing::warn!(switch = %self.address, %error, "odd event"),
                    None => return ended(events_client),
                },
                Some((line, said)) = self.said.recv() => {
                    let now = self.now();
                    self.calls.said(line, said, now);
                }
                Some((errand, reply)) = commands.replies.recv() => {
                    let now = self.now();
                    self.calls.replied(errand, reply, now);
                }
                _ = ticks.tick() => {
                    let now = self.now();
                    self.calls.wake(now);
                    self.compare_if_dropped(&mut dropped, events_client.dropped_event_count());
                }
            }
        }
    }

    /// Carries on what the calls want: commands to the switch, new calls to the daemon.
    fn hand_on(&mut self, requests: &mpsc::Sender<(Errand, EslCommand)>) -> Result<(), Lost> {
        while let Some(command) = self.calls.next_command() {
            requests.try_send(command).map_err(|_| Lost::Stuck)?;
        }
        while let Some(call) = self.calls.next_call() {
            offer(&self.new_calls, call);
        }
        Ok(())
    }

    fn compare_if_dropped(&mut self, known: &mut u64, dropped: u64) {
        if dropped > *known {
            metrics::counter!(metric::OVERFLOWS).increment(dropped - *known);
            tracing::warn!(switch = %self.address, dropped, "events were lost, comparing channels");
            *known = dropped;
            self.calls.compare(Because::EventsWereLost);
        }
    }

    fn lost(&mut self, lost: &Lost) {
        self.calls.unlinked();
        let problem: SmolStr = format_smolstr!("{lost}");
        let is_news = self.status.borrow().problem.as_ref() != Some(&problem);
        if is_news {
            tracing::error!(switch = %self.address, %problem, "no connection, trying again");
        }
        self.status.send_modify(|status| {
            status.connected = false;
            status.problem = Some(problem);
        });
    }

    fn now(&self) -> Tick {
        (self.clock)()
    }
}

async fn connect(address: &str, password: &str) -> Result<Link, Lost> {
    let (host, port) = host_and_port(address).ok_or_else(|| Lost::Address(address.to_owned()))?;
    let (events_client, events) = log_in(host, port, password).await?;
    events_client.subscribe_events(EventFormat::Plain, SUBSCRIBED).await?;
    let (commands, _no_events) = log_in(host, port, password).await?;
    let show = Request::Api("show application as json".into()).command("");
    let known = commands.send_command(show).await?;
    let applications = Arc::new(Applications::read(known.body().unwrap_or_default()));
    Ok(Link { events, events_client, commands, applications })
}

fn host_and_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?))
}

async fn log_in(
    host: &str,
    port: u16,
    password: &str,
) -> Result<(EslClient, EslEventStream), Lost> {
    let options = EslConnectOptions::new()
        .with_event_queue_size(EVENTS_MAX)
        .with_connect_timeout(ANSWER_WITHIN);
    let connected = EslClient::connect_with_options(host, port, password, options).await;
    let (client, events) = connected.map_err(explained)?;
    client.set_command_timeout(ANSWER_WITHIN);
    Ok((client, events))
}

fn explained(error: EslError) -> Lost {
    match error {
        EslError::AuthenticationFailed { .. } => Lost::Password(error),
        EslError::AccessDenied { .. } => Lost::Refused(error),
        other => Lost::Esl(other),
    }
}

/// On the event connection an answer may be late behind events, and any event is a sign of life: the
/// library's reader ends the connection if neither comes.
async fn ping_events(events: &EslClient) -> Lost {
    events.set_liveness_timeout(ANSWER_WITHIN);
    let mut pings = pings();
    loop {
        pings.tick().await;
        match ask(events, EslCommand::NoOp).await {
            Ok(_) | Err(Lost::Silent) => {}
            Err(lost) => return lost,
        }
    }
}

/// Pauses between attempts, longer each time, and never the same for two daemons.
#[derive(Debug)]
struct Pause {
    ms: u64,
}

impl Default for Pause {
    fn default() -> Self {
        Self { ms: PAUSE_MS_MIN }
    }
}

impl Pause {
    fn next(&mut self) -> Duration {
        let random = u64::from(uuid::Uuid::new_v4().as_fields().0);
        let pause = self.ms / 2 + random % (self.ms / 2);
        self.ms = (self.ms * 2).min(PAUSE_MS_MAX);
        Duration::from_millis(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut pause = Pause::default();
        for _ in 0..64 {
            let ms = u64::try_from(pause.next().as_millis()).unwrap();
            assert!((PAUSE_MS_MIN / 2..=PAUSE_MS_MAX).contains(&ms), "{ms}");
        }
        assert_eq!(pause.ms, PAUSE_MS_MAX);
    }

    #[test]
    fn a_lost_event_begins_a_comparison_once_s2() {
        let config = config::Freeswitch::default();
        let (mut switch, _attached) = Freeswitch::new(&config, Path::new("audio"), || Tick(0));
        let mut known = 0;
        switch.compare_if_dropped(&mut known, 3);
        let (errand, _) = switch.calls.next_command().unwrap();
        assert_eq!(errand, Errand::List(Because::EventsWereLost));
        switch.compare_if_dropped(&mut known, 3);
        assert!(switch.calls.next_command().is_none());
    }

    #[test]
    fn an_address_is_host_and_port() {
        assert_eq!(host_and_port("127.0.0.1:8021"), Some(("127.0.0.1", 8021)));
        assert_eq!(host_and_port("[::1]:8021"), Some(("::1", 8021)));
        assert_eq!(host_and_port("localhost"), None);
    }
}
