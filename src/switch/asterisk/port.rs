//! Where Asterisks connect to: two ports, and which audio belongs to which call.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use smol_str::{SmolStr, format_smolstr};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use uuid::Uuid;

use super::agi::Agi;
use super::announced::{Announced, Came};
use super::{flow, visible};
use crate::config;
use crate::switch::call::{CallAudio, CallLine, LineId, NewCall, Said, line};
use crate::switch::{AudioLeg, LegControl};
use crate::wire::audiosocket::{Decoder, Message};
use crate::wire::fastagi::Request;

/// Connections of each kind at a time, twice the usual `calls.max`; more wait to be accepted.
const CONNECTIONS_MAX: usize = 4_096;
/// New calls that wait for the daemon; beyond it they are refused.
const NEW_CALLS_MAX: usize = 1_024;
/// Orders of one call that wait for its session: a turn has a few.
const ORDERS_MAX: usize = 256;
/// The legs of one call that wait to be paced: there is one at a time.
const LEGS_MAX: usize = 2;
/// The id is the first thing Asterisk sends, a millisecond after it connects (S21).
const ID_WITHIN: Duration = Duration::from_secs(2);
/// No file descriptor is free at once: the next accept is tried after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);
/// The frame with the id.
const ID_BYTES: usize = 19;

/// The channel variables that a script of this name and the rows of its calls use.
pub type Names = Arc<dyn Fn(&str) -> Vec<SmolStr> + Send + Sync>;

/// What the daemon gets from the ports.
#[derive(Debug)]
pub struct Arrivals {
    /// Calls that have reached a robot.
    pub calls: mpsc::Receiver<NewCall>,
    /// What is wrong with the ports; `None` = nothing.
    pub problem: watch::Receiver<Option<SmolStr>>,
}

/// The ports that Asterisks connect to; does its work in [`run`](Self::run).
pub struct Asterisk {
    audiosocket: TcpListener,
    fastagi: Option<TcpListener>,
    hub: Hub,
    problem: watch::Sender<Option<SmolStr>>,
}

/// What all sessions share.
#[derive(Clone)]
pub(super) struct Hub(Arc<Shared>);

struct Shared {
    config: config::Asterisk,
    announced: Announced,
    names: Names,
    new_calls: mpsc::Sender<NewCall>,
    lines: AtomicU64,
}

/// A call that was offered to the daemon: our end of it.
pub(super) struct Offered {
    pub(super) line: CallLine,
    pub(super) said: mpsc::Receiver<(LineId, Said)>,
    pub(super) legs: mpsc::Sender<AudioLeg>,
}

type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Asterisk {
    /// Ports as configured, which the listeners have. Nothing happens before [`run`](Self::run).
    #[must_use]
    pub fn new(
        audiosocket: TcpListener,
        fastagi: Option<TcpListener>,
        config: &config::Asterisk,
        names: Names,
    ) -> (Self, Arrivals) {
        let (new_calls, calls) = mpsc::channel(NEW_CALLS_MAX);
        let (problem, watched) = watch::channel(None);
        let shared = Shared {
            config: config.clone(),
            announced: Announced::default(),
            names,
            new_calls,
            lines: AtomicU64::new(0),
        };
        let asterisk = Self { audiosocket, fastagi, hub: Hub(Arc::new(shared)), problem };
        (asterisk, Arrivals { calls, problem: watched })
    }

    /// Accepts connections and serves their calls; never ends. Dropping the future closes all
    /// sessions: the dialplan goes on with the calls.
    pub async fn run(self) -> Infallible {
        let mut serving: FuturesUnordered<Serving> = FuturesUnordered::new();
        loop {
            let may_accept = serving.len() < 2 * CONNECTIONS_MAX;
            tokio::select! {
                accepted = self.audiosocket.accept(), if may_accept => match accepted {
                    Ok((stream, _)) => serving.push(Box::pin(serve_audio(stream, self.hub.clone()))),
                    Err(error) => serving.push(self.pause(&error)),
                },
                accepted = accept(self.fastagi.as_ref()), if may_accept => match accepted {
                    Ok((stream, _)) => serving.push(Box::pin(serve_agi(stream, self.hub.clone()))),
                    Err(error) => serving.push(self.pause(&error)),
                },
                Some(()) = serving.next() => {
                    self.problem.send_if_modified(|problem| problem.take().is_some());
                }
            }
        }
    }

    /// Says what is wrong, and waits a little.
    fn pause(&self, error: &std::io::Error) -> Serving {
        self.problem.send_replace(Some(format_smolstr!("no connection can be accepted: {error}")));
        Box::pin(tokio::time::sleep(ACCEPT_PAUSE))
    }
}

impl Hub {
    pub(super) fn announced(&self) -> &Announced {
        &self.0.announced
    }

    pub(super) fn name(&self) -> &str {
        &self.0.config.audiosocket
    }

    /// Where Asterisk is told to bring a call's audio.
    pub(super) fn audiosocket(&self) -> &str {
        &self.0.config.audiosocket
    }

    pub(super) fn names(&self, script: &str) -> Vec<SmolStr> {
        (self.0.names)(script)
    }

    /// Whether a script may have this application run (N10).
    pub(super) fn may_run(&self, application: &str) -> bool {
        self.0.config.applications.iter().any(|listed| listed.eq_ignore_ascii_case(application))
    }

    /// Offers a call to the daemon. If that takes no more, our end is that of a call refused.
    pub(super) fn offer(
        &self,
        callid: SmolStr,
        script: &str,
        variables: Vec<(SmolStr, String)>,
    ) -> Offered {
        let id = LineId(self.0.lines.fetch_add(1, Ordering::Relaxed));
        let (said_sender, said) = mpsc::channel(ORDERS_MAX);
        let (line, handle, events) = line(id, said_sender);
        let (legs, audio) = mpsc::channel(LEGS_MAX);
        let call = NewCall {
            callid,
            switch: self.name().into(),
            robot_flow: (!script.is_empty()).then(|| script.into()),
            variables,
            answered: false,
            handle,
            events,
            audio: Some(CallAudio { legs: audio, tell: line.audio_events() }),
        };
        if let Err(full) = self.0.new_calls.try_send(call) {
            tracing::error!(switch = self.name(), error = %full, "a new call is refused");
        }
        Offered { line, said, legs }
    }
}

async fn accept(
    listener: Option<&TcpListener>,
) -> std::io::Result<(TcpStream, std::net::SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn serve_agi(stream: TcpStream, hub: Hub) {
    let served = match Agi::accept(stream).await {
        Ok((agi, environment)) => match environment.request() {
            Request::Flow(script) => flow::serve(agi, &environment, &script, hub).await,
            Request::Start(script) => visible::serve(agi, &environment, &script, hub).await,
            Request::Next { call, .. } => {
                let id = Uuid::parse_str(call).unwrap_or_default();
                if hub.announced().hand_over(id, Came::Next(Box::new(agi))).is_err() {
                    tracing::debug!(call, "no such call; the dialplan goes on with its own NEXT");
                }
                Ok(())
            }
            Request::Other(address) => {
                tracing::warn!(
                    address,
                    "no such AGI; write agi://…/flow/<script>, …/start/<script> or …/next"
                );
                Ok(())
            }
        },
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::info!(%error, "a FastAGI session ended early");
    }
}

async fn serve_audio(stream: TcpStream, hub: Hub) {
    let leg = match timeout(ID_WITHIN, identified(stream)).await {
        Ok(Ok(leg)) => Ok(leg),
        Ok(Err(why)) => Err(why),
        // A call that is gone before it was answered connects and says nothing.
        Err(_) => Err("it does not say which call it is".to_owned()),
    };
    let (id, leg, control) = match leg {
        Ok(leg) => leg,
        Err(why) => return tracing::info!(%why, "an AudioSocket is closed"),
    };
    match hub.announced().hand_over(id, Came::Leg(Box::new(leg), control)) {
        Ok(()) => {}
        Err(Came::Leg(leg, control)) if hub.0.config.bare => {
            visible::serve_bare(id, (*leg, control), hub).await;
        }
        Err(_) => tracing::warn!(
            call = %id,
            "an AudioSocket that nobody announced is closed; asterisk.bare = true takes such calls (N12)"
        ),
    }
}

/// Reads the id, exactly, and makes a leg of the connection.
async fn identified(mut stream: TcpStream) -> Result<(Uuid, AudioLeg, LegControl), String> {
    let mut first = [0; ID_BYTES];
    stream.read_exact(&mut first).await.map_err(|error| error.to_string())?;
    let mut decoder = Decoder::default();
    let mut id = None;
    let decoded = decoder.push(&first, |message| {
        if let Message::Id(uuid) = message {
            id = Some(uuid);
        }
    });
    decoded.map_err(|error| error.to_string())?;
    let id = id.ok_or("it does not begin with the id of a call")?;
    let stream = stream.into_std().map_err(|error| error.to_string())?;
    let (leg, control) = AudioLeg::new(stream, decoder).map_err(|error| error.to_string())?;
    Ok((id, leg, control))
}
