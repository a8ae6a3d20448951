//! One FastAGI session: a command, its answer, and the caller's hang-up between them.

use std::collections::VecDeque;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::wire::fastagi::{Command, Decoder, Environment, Message, Refused, Reply, WireError};

/// Whoever connects is Asterisk and says who calls at once, or is a stranger.
const FIRST_WITHIN: Duration = Duration::from_secs(5);
/// An answer to a command that takes no time of its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Bytes read at once.
const READ_BYTES: usize = 4_096;

/// Why a session is of no further use.
#[derive(Debug, Error)]
pub(super) enum AgiError {
    #[error("the session ended")]
    Ended,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Wire(#[from] WireError),
    #[error("no answer within {} ms", ANSWER_WITHIN.as_millis())]
    Silent,
    #[error("a command can't be said: {0}")]
    Refused(#[from] Refused),
}

/// A session whose environment has been read.
#[derive(Debug)]
pub(super) struct Agi {
    stream: TcpStream,
    decoder: Decoder,
    waiting: VecDeque<Message>,
    /// The caller has hung up, as far as was said.
    is_hung_up: bool,
}

impl Agi {
    /// Reads who calls.
    pub(super) async fn accept(stream: TcpStream) -> Result<(Self, Environment), AgiError> {
        stream.set_nodelay(true)?;
        let (decoder, waiting) = (Decoder::default(), VecDeque::new());
        let mut agi = Self { stream, decoder, waiting, is_hung_up: false };
        match timeout(FIRST_WITHIN, agi.next()).await {
            Ok(Ok(Message::Session(environment))) => Ok((agi, environment)),
            Ok(Ok(_)) => Err(WireError::Greeting.into()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(AgiError::Silent),
        }
    }

    /// True once the caller has hung up.
    pub(super) fn is_hung_up(&self) -> bool {
        self.is_hung_up
    }

    /// Sends a command whose answer takes its time: an application's end.
    pub(super) async fn begin(&mut self, command: Command<'_>) -> Result<(), AgiError> {
        let line = command.encode()?;
        Ok(self.stream.write_all(&line).await?)
    }

    /// The next answer. Cancel safe.
    pub(super) async fn answer(&mut self) -> Result<Reply, AgiError> {
        loop {
            match self.next().await? {
                Message::Reply(reply) => return Ok(reply),
                Message::Hangup => self.is_hung_up = true,
                Message::Session(_) => {}
            }
        }
    }

    /// A command that is answered at once.
    pub(super) async fn ask(&mut self, command: Command<'_>) -> Result<Reply, AgiError> {
        self.begin(command).await?;
        timeout(ANSWER_WITHIN, self.answer()).await.unwrap_or(Err(AgiError::Silent))
    }

    /// The value of a channel variable; `None` if it is not set, or can't be the name of one.
    pub(super) async fn variable(&mut self, name: &str) -> Result<Option<String>, AgiError> {
        match self.ask(Command::GetVariable(name)).await {
            Ok(Reply::Done { result: 1, value }) => Ok(value),
            Ok(_) | Err(AgiError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets a channel variable; one that can't be set is left out.
    pub(super) async fn set(&mut self, name: &str, value: &str) -> Result<(), AgiError> {
        match self.ask(Command::SetVariable { name, value }).await {
            Ok(_) | Err(AgiError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the caller is still there: the channel is up (`AST_STATE_UP`).
    pub(super) async fn caller_is_there(&mut self) -> Result<bool, AgiError> {
        let status = self.ask(Command::ChannelStatus).await?;
        Ok(matches!(status, Reply::Done { result: 6, .. }))
    }

    async fn next(&mut self) -> Result<Message, AgiError> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Ok(message);
            }
            let mut buffer = [0; READ_BYTES];
            let count = self.stream.read(&mut buffer).await?;
            if count == 0 {
                return Err(AgiError::Ended);
            }
            let waiting = &mut self.waiting;
            self.decoder.push(&buffer[..count], |message| waiting.push_back(message))?;
        }
    }
}
