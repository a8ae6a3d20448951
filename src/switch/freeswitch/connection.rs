//! What all connections of the event socket have in common: commands go one after the other, and a
//! connection that does not answer is lost (S3, N4).

use std::time::Duration;

use freeswitch_esl_tokio::{
    ConnectionStatus, DisconnectReason, EslClient, EslCommand, EslError, EslResponse,
};
use smol_str::{SmolStr, format_smolstr};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::calls::Errand;
use super::leg::Reply;
use super::metric;
use super::status::Status;
use crate::switch::call::NewCall;

/// Orders of all calls that wait for us; 2,000 calls with a turn's dozen each.
pub(super) const ORDERS_MAX: usize = 32_768;

/// New calls that wait for the daemon; beyond it they are refused.
pub(super) const NEW_CALLS_MAX: usize = 1024;

/// Commands that wait for the switch. At some 7,000 answers a second, more than this means that it
/// answers no longer.
pub(super) const COMMANDS_MAX: usize = 32_768;

/// Our own ping: the switch's heartbeat comes every 20 s only (N4).
pub(super) const PING_EVERY: Duration = Duration::from_secs(2);

/// An answer later than this, on loopback or a local network where it takes a millisecond, does not
/// come: together with `PING_EVERY` a dead connection is noticed within 5 s (N4).
pub(super) const ANSWER_WITHIN: Duration = Duration::from_millis(2500);

/// How often calls look at their own deadlines, all of which are a second or longer.
pub(super) const TICK_EVERY: Duration = Duration::from_millis(250);

/// Why there is no connection.
#[derive(Debug, Error)]
pub(super) enum Lost {
    #[error("not an address: {0:?}; write host:port")]
    Address(String),
    #[error("the switch refuses the password; set `password` as in its event_socket.conf.xml")]
    Password(#[source] EslError),
    #[error("the switch does not let us in; allow our address in its event_socket.conf.xml")]
    Refused(#[source] EslError),
    #[error("{0}")]
    Esl(#[from] EslError),
    #[error("no answer within {} ms", ANSWER_WITHIN.as_millis())]
    Silent,
    #[error("the connection was closed: {0}")]
    Closed(SmolStr),
    #[error("{COMMANDS_MAX} commands wait for an answer")]
    Stuck,
}

/// What the daemon gets from a switch.
#[derive(Debug)]
pub struct Arrivals {
    /// Calls that have reached a robot.
    pub calls: mpsc::Receiver<NewCall>,
    /// How it stands with the connection.
    pub status: watch::Receiver<Status>,
}

/// Hands a new call to the daemon. One that does not fit has no driver, and is left for that.
pub(super) fn offer(new_calls: &mpsc::Sender<NewCall>, call: NewCall) {
    let switch = call.switch.clone();
    if let Err(full) = new_calls.try_send(call) {
        tracing::error!(%switch, error = %full, "a new call is refused");
    }
}

pub(super) fn ticks() -> tokio::time::Interval {
    let mut ticks = interval(TICK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Sends one command after the other, so that the orders of a call stay in order.
pub(super) async fn send_commands(
    client: &EslClient,
    mut requests: mpsc::Receiver<(Errand, EslCommand)>,
    answers: mpsc::Sender<(Errand, Reply)>,
) -> Lost {
    while let Some((errand, command)) = requests.recv().await {
        metrics::counter!(metric::COMMANDS).increment(1);
        let reply = match ask(client, command).await {
            Ok(response) => reply(&response),
            Err(Lost::Esl(error)) if !error.is_connection_error() && !is_timeout(&error) => {
                Err(format_smolstr!("{error}"))
            }
            Err(lost) => return lost,
        };
        if answers.send((errand, reply)).await.is_err() {
            break;
        }
    }
    ended(client)
}

/// A half-open connection takes what is written and says nothing (N4).
pub(super) async fn ping(commands: &EslClient) -> Lost {
    let mut pings = pings();
    loop {
        pings.tick().await;
        if let Err(lost) = ask(commands, EslCommand::NoOp).await {
            return lost;
        }
    }
}

pub(super) fn pings() -> tokio::time::Interval {
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

/// Why a connection ended.
pub(super) fn ended(client: &EslClient) -> Lost {
    match client.status() {
        ConnectionStatus::Disconnected(DisconnectReason::HeartbeatExpired) => Lost::Silent,
        ConnectionStatus::Disconnected(reason) => Lost::Closed(format_smolstr!("{reason}")),
        _ => Lost::Closed(SmolStr::default()),
    }
}

pub(super) async fn ask(client: &EslClient, command: EslCommand) -> Result<EslResponse, Lost> {
    // The library's own limit begins when the command has been written, and writing can block.
    match timeout(ANSWER_WITHIN * 2, client.send_command(command)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) if is_timeout(&error) => Err(Lost::Silent),
        Ok(Err(error)) => Err(Lost::Esl(error)),
        Err(_) => Err(Lost::Silent),
    }
}

pub(super) fn is_timeout(error: &EslError) -> bool {
    matches!(error, EslError::Timeout { .. })
}

pub(super) fn reply(response: &EslResponse) -> Reply {
    let text = response.body().or(response.reply_text()).unwrap_or_default().trim();
    if text.starts_with("-ERR") || text.starts_with("-USAGE") {
        Err(text.into())
    } else {
        Ok(text.into())
    }
}
