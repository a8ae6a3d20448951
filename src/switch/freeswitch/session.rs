//! One connection that a switch made to us for one call: from its first byte to its last (S15).
//!
//! Who connects is a stranger until the set-up is done, and stays one afterwards: what it sends is
//! bounded by the library's parser (16 MiB), and it must answer our pings (N13).

use std::sync::Arc;

use freeswitch_esl_tokio::{
    EslClient, EslCommand, EslConnectOptions, EslError, EslEvent, EslEventStream, EslEventType,
    EventFormat,
};
use smol_str::SmolStr;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::calls::Errand;
use super::connection::{ANSWER_WITHIN, Lost, PING_EVERY, ask, ended, ping, send_commands};
use super::leg::Reply;
use super::metric;
use super::status::Applications;
use super::translate::{self, BESIDE_MYEVENTS, Parked, Request};

/// Commands of one call that wait for the switch; a turn has a dozen, a channel's waiting orders
/// are 256.
const COMMANDS_MAX: usize = 1024;

/// Events of one call that wait for us; a turn makes about ten.
const EVENTS_MAX: usize = 1024;

/// How long the switch tells what still happens after the hang-up, if we do not close before; s.
const LINGER_S: u64 = 5;

/// The Event-UUID of our first application.
const FIRST: &str = "robot-first";

/// Why a connection did not become a call.
#[derive(Debug, Error)]
enum Refused {
    #[error(transparent)]
    Lost(#[from] Lost),
    #[error("no channel in the answer to `connect`: this port is for FreeSWITCH's `socket` only")]
    NoChannel,
    #[error("the dialplan must say `async full` behind the address")]
    NotAsyncFull,
    #[error("not set up within {} ms", (ANSWER_WITHIN * 2).as_millis())]
    Late,
}

/// What a connection tells of its channel.
#[derive(Debug)]
pub(super) struct Message {
    /// The connection.
    pub(super) number: u64,
    /// The channel.
    pub(super) uuid: SmolStr,
    /// What.
    pub(super) came: Came,
}

/// What came over a connection.
#[derive(Debug)]
pub(super) enum Came {
    /// The channel itself, ready to be driven. First, and once.
    Channel(Box<Channel>),
    /// An event of the channel.
    Event(Box<EslEvent>),
    /// An answer.
    Reply(Errand, Reply),
    /// Its end. Last, and once.
    End,
}

/// A channel that waits for a robot at the other end of a connection.
#[derive(Debug)]
pub(super) struct Channel {
    /// What it is.
    pub(super) parked: Parked,
    /// What its switch can run.
    pub(super) applications: Arc<Applications>,
    /// Takes commands for it; the connection is given back when this is dropped.
    pub(super) requests: mpsc::Sender<(Errand, EslCommand)>,
}

/// Serves a connection until it ends.
pub(super) async fn serve(stream: TcpStream, number: u64, inbox: mpsc::Sender<Message>) {
    let options = EslConnectOptions::new().with_event_queue_size(EVENTS_MAX);
    let (client, mut events) = EslClient::accept_outbound_stream_with_options(stream, options);
    client.set_command_timeout(ANSWER_WITHIN);
    // The library's reader goes on when we are gone; nobody pings then, and this ends it.
    client.set_liveness_timeout(PING_EVERY + ANSWER_WITHIN);

    let set_up = timeout(ANSWER_WITHIN * 2, set_up(&client, &mut events)).await;
    let (uuid, parked, applications) = match set_up.unwrap_or(Err(Refused::Late)) {
        Ok(ready) => ready,
        Err(refused) => {
            metrics::counter!(metric::SOCKETS_REFUSED).increment(1);
            return tracing::warn!(%refused, "a connection to the outbound port is no call");
        }
    };
    metrics::counter!(metric::CONNECTIONS).increment(1);
    let (requests, to_send) = mpsc::channel(COMMANDS_MAX);
    let channel = Came::Channel(Box::new(Channel { parked, applications, requests }));
    let out = Out { number, uuid, inbox };
    out.tell(channel).await;
    let (answers, replies) = mpsc::channel(COMMANDS_MAX);
    let lost = tokio::select! {
        lost = send_commands(&client, to_send, answers) => lost,
        lost = ping(&client) => lost,
        lost = hand_on(&client, &mut events, replies, &out) => lost,
    };
    tracing::debug!(channel = %out.uuid, %lost, "the connection of a call has ended");
    out.tell(Came::End).await;
}

/// Asks for the channel and its events, and waits until it is in park: a socket that is given back
/// earlier leaves the channel in park for good (measured on 1.11.2).
async fn set_up(
    client: &EslClient,
    events: &mut EslEventStream,
) -> Result<(SmolStr, Parked, Arc<Applications>), Refused> {
    let reply = ask(client, EslCommand::Connect).await?;
    let uuid: SmolStr = reply.header("Unique-ID").ok_or(Refused::NoChannel)?.into();
    let is = |name, value| reply.header(name) == Some(value);
    if !is("Socket-Mode", "async") || !is("Control", "full") {
        return Err(Refused::NotAsyncFull);
    }
    let timeout = Some(std::time::Duration::from_secs(LINGER_S));
    let filter = EslCommand::Filter { header: "Unique-ID".into(), value: uuid.to_string() };
    let format = EventFormat::Plain.to_string();
    let more: Vec<_> = BESIDE_MYEVENTS.iter().map(EslEventType::as_str).collect();
    for command in [
        EslCommand::Linger { timeout },
        filter,
        EslCommand::MyEvents { format: format.clone(), uuid: None },
        EslCommand::Events { format, events: more.join(" ") },
    ] {
        ask(client, command).await?.check().map_err(Lost::from)?;
    }
    let known = ask(client, Request::Api("show application as json".into()).command(&uuid)).await?;
    let applications = Arc::new(Applications::read(known.body().unwrap_or_default()));
    // CHANNEL_PARK may have come before `myevents`; an application runs in park only.
    let first = Request::Execute {
        execution: FIRST.into(),
        application: "set".into(),
        argument: "playback_terminators=none".into(),
    };
    ask(client, first.command(&uuid)).await?.check().map_err(Lost::from)?;
    loop {
        let event = next_event(client, events, &uuid).await?;
        if event.event_type() == Some(EslEventType::ChannelExecuteComplete)
            && event.header_str("Application-UUID") == Some(FIRST)
        {
            return Ok((uuid, translate::held(&event), applications));
        }
    }
}

/// Hands on what comes, until nothing does.
async fn hand_on(
    client: &EslClient,
    events: &mut EslEventStream,
    mut replies: mpsc::Receiver<(Errand, Reply)>,
    out: &Out,
) -> Lost {
    loop {
        tokio::select! {
            event = next_event(client, events, &out.uuid) => match event {
                Ok(event) => out.tell(Came::Event(Box::new(event))).await,
                Err(lost) => return lost,
            },
            Some((errand, reply)) = replies.recv() => out.tell(Came::Reply(errand, reply)).await,
        }
    }
}

/// The next event of the channel. Cancel safe.
async fn next_event(
    client: &EslClient,
    events: &mut EslEventStream,
    uuid: &str,
) -> Result<EslEvent, Lost> {
    loop {
        match events.recv().await {
            // Nobody speaks for another's channel.
            Some(Ok(event)) if event.header_str("Unique-ID") == Some(uuid) => return Ok(event),
            Some(Ok(_)) => {}
            Some(Err(EslError::QueueFull)) => {
                metrics::counter!(metric::OVERFLOWS).increment(1);
                tracing::warn!(channel = uuid, "events were lost");
            }
            Some(Err(error)) => tracing::warn!(channel = uuid, %error, "odd event"),
            None => return Err(ended(client)),
        }
    }
}

/// Where a connection tells what came.
struct Out {
    number: u64,
    uuid: SmolStr,
    inbox: mpsc::Sender<Message>,
}

impl Out {
    async fn tell(&self, came: Came) {
        let message = Message { number: self.number, uuid: self.uuid.clone(), came };
        // An error means that nobody drives calls any more; this connection ends with them.
        drop(self.inbox.send(message).await);
    }
}
