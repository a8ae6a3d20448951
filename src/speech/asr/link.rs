//! One WebSocket to a recogniser: what is sent, what comes, how it ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest_websocket::{Bytes, Message, WebSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::service::{Service, Target};
use crate::speech::SpeechError;

/// Messages that wait for a connection or a slow reader: more than the audio of the longest
/// sentence in frames of 20 ms.
pub(super) const QUEUE_MAX: usize = 2_048;

/// Who takes no audio for so long is gone, ms.
const SEND_MS_MAX: u64 = 5_000;

/// A farewell takes so long at most, ms: nobody waits for it.
const GOODBYE_MS_MAX: u64 = 500;

/// What a recogniser is sent.
#[derive(Clone, Debug)]
pub(super) enum Say {
    /// Audio.
    Audio(Bytes),
    /// The sentence is over.
    End,
}

/// What comes of a link, in order; after `Away` and `Gone` nothing.
#[derive(Clone, Debug)]
pub(super) enum LinkEvent {
    /// This address of the service took the connection.
    Connected(usize),
    /// A message.
    Message(String),
    /// No address took it, and what the last one said.
    Away(SpeechError),
    /// It is over.
    Gone(SpeechError),
}

/// A connection that is made, or is to be.
pub(super) struct Link {
    /// Counts from 1 within a call.
    pub(super) id: u64,
    pub(super) service: Arc<Service>,
    targets: Vec<Target>,
    said: mpsc::Receiver<Say>,
    socket: Option<WebSocket>,
    /// Reports which addresses were away.
    note_away: Box<dyn Fn(usize) + Send + Sync>,
}

impl Link {
    /// To the first of `targets` that takes the connection; it lives until what is said ends.
    pub(super) fn new(
        id: u64,
        (service, targets): (Arc<Service>, Vec<Target>),
        said: mpsc::Receiver<Say>,
        note_away: impl Fn(usize) + Send + Sync + 'static,
    ) -> Self {
        Self { id, service, targets, said, socket: None, note_away: Box::new(note_away) }
    }

    /// The next thing that happens to it. What is said meanwhile is sent.
    pub(super) async fn next(mut self: Box<Self>) -> (Box<Self>, LinkEvent) {
        let event = match self.socket.take() {
            None => self.connect().await,
            Some(socket) => self.exchange(socket).await,
        };
        (self, event)
    }

    async fn connect(&mut self) -> LinkEvent {
        let mut last = SpeechError::Away("it has no address".into());
        for target in &self.targets {
            let connected = match self.service.connect(&target.url).await {
                Ok(mut socket) => match self.service.greeting() {
                    Some(greeting) => send(&mut socket, greeting).await.map(|()| socket),
                    None => Ok(socket),
                },
                Err(error) => Err(error),
            };
            match connected {
                Ok(socket) => {
                    self.socket = Some(socket);
                    return LinkEvent::Connected(target.index);
                }
                Err(error) => {
                    (self.note_away)(target.index);
                    last = error;
                }
            }
        }
        LinkEvent::Away(last)
    }

    async fn exchange(&mut self, mut socket: WebSocket) -> LinkEvent {
        loop {
            tokio::select! {
                said = self.said.recv() => {
                    let message = match said {
                        Some(Say::Audio(audio)) => Message::Binary(audio),
                        Some(Say::End) => self.service.end(),
                        None => return say_goodbye(&self.service, socket).await,
                    };
                    if let Err(error) = send(&mut socket, message).await {
                        return LinkEvent::Gone(error);
                    }
                }
                heard = socket.next() => match heard {
                    Some(Ok(Message::Text(text))) => {
                        self.socket = Some(socket);
                        return LinkEvent::Message(text);
                    }
                    Some(Ok(Message::Close { .. })) | None => return LinkEvent::Gone(hung_up()),
                    // What is no text says nothing; pings are answered below us.
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return LinkEvent::Gone(error.into()),
                }
            }
        }
    }
}

async fn say_goodbye(service: &Service, mut socket: WebSocket) -> LinkEvent {
    let farewell = async {
        if let Some(goodbye) = service.goodbye() {
            socket.send(goodbye).await?;
        }
        SinkExt::close(&mut socket).await
    };
    // It goes either way.
    drop(timeout(Duration::from_millis(GOODBYE_MS_MAX), farewell).await);
    LinkEvent::Gone(SpeechError::Away("we have hung up".into()))
}

fn hung_up() -> SpeechError {
    SpeechError::Away("the recogniser has hung up".into())
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), SpeechError> {
    match timeout(Duration::from_millis(SEND_MS_MAX), socket.send(message)).await {
        Ok(sent) => Ok(sent?),
        Err(_) => Err(SpeechError::Timeout { what: "audio was not taken", ms: SEND_MS_MAX }),
    }
}
