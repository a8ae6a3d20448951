//! One recogniser that calls can be heard by.

use std::time::Duration;

use reqwest::{Client, Url};
use reqwest_websocket::{Bytes, Message, Upgrade, WebSocket};
use tokio::time::timeout;
use tungstenite::protocol::WebSocketConfig;

use super::addresses::Addresses;
use super::heard::Heard;
use super::{asrproxy, vosk};
use crate::config::{Asr, AsrKind};
use crate::speech::SpeechError;
use crate::speech::error::innermost;
use crate::voice::Hearing;

/// A message of a recogniser may have so many bytes: a hundred times what a sentence has.
pub(super) const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// What a connection keeps before it writes, and reads at once, bytes: a few frames of audio.
const BUFFER_BYTES: usize = 4 << 10;

/// A recogniser: where and how.
#[derive(Debug)]
pub(super) struct Service {
    /// Its name in the configuration; `script` for those that a script names by address.
    pub(super) name: String,
    pub(super) kind: AsrKind,
    pub(super) addresses: Addresses,
    pub(super) client: Client,
    pub(super) settings: Asr,
}

/// A WebSocket address, for one action of a call.
#[derive(Debug)]
pub(super) struct Target {
    /// Which of the service's.
    pub(super) index: usize,
    pub(super) url: Url,
}

impl Service {
    /// Where to connect to, in the order of `order`.
    pub(super) fn targets(&self, callid: &str, hearing: &Hearing, order: &[usize]) -> Vec<Target> {
        let target = |index: &usize| {
            let address = self.addresses.urls().get(*index)?;
            let url = match self.kind {
                AsrKind::Asrproxy => asrproxy::url(address, callid, hearing),
                AsrKind::Vosk | AsrKind::Openai => address.clone(),
            };
            Some(Target { index: *index, url })
        };
        order.iter().filter_map(target).collect()
    }

    /// A WebSocket to it, within `connect_ms`.
    pub(super) async fn connect(&self, url: &Url) -> Result<WebSocket, SpeechError> {
        let ms = self.settings.connect_ms;
        let connecting = timeout(Duration::from_millis(ms), self.handshake(url));
        connecting.await.unwrap_or(Err(SpeechError::Timeout { what: "no connection", ms }))
    }

    async fn handshake(&self, url: &Url) -> Result<WebSocket, SpeechError> {
        let mut request = self.client.get(url.clone());
        if !self.settings.secret.0.is_empty() {
            request = request.bearer_auth(&self.settings.secret.0);
        }
        let limits = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_write_buffer_size(MESSAGE_BYTES_MAX)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let response = request.upgrade().web_socket_config(limits).send().await?;
        Ok(response.into_websocket().await?)
    }

    /// Whether it can be reached: a connection that says nothing, or any answer at all.
    ///
    /// # Errors
    /// What came in place of it.
    pub(super) async fn reach(
        &self,
        callid: &str,
        hearing: &Hearing,
        index: usize,
    ) -> Result<(), SpeechError> {
        let mut last = SpeechError::Away("it has no address".into());
        for Target { url, .. } in self.targets(callid, hearing, &[index]) {
            let reached = match self.kind {
                AsrKind::Asrproxy | AsrKind::Vosk => self.connect(&url).await.map(drop),
                AsrKind::Openai => {
                    let limit = Duration::from_millis(self.settings.connect_ms);
                    let asked = self.client.get(url).timeout(limit).send().await;
                    asked.map(drop).map_err(SpeechError::from)
                }
            };
            match reached {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// What a connection begins with.
    pub(super) fn greeting(&self) -> Option<Message> {
        (self.kind == AsrKind::Vosk).then(|| vosk::GREETING.into())
    }

    /// The end of a sentence.
    pub(super) fn end(&self) -> Message {
        match self.kind {
            AsrKind::Asrproxy => asrproxy::END.into(),
            AsrKind::Vosk | AsrKind::Openai => vosk::END.into(),
        }
    }

    /// What a connection ends with.
    pub(super) fn goodbye(&self) -> Option<Message> {
        (self.kind == AsrKind::Asrproxy).then(|| asrproxy::GOODBYE.into())
    }

    /// A message of it.
    pub(super) fn parse(&self, message: &str) -> Result<Heard, String> {
        match self.kind {
            AsrKind::Asrproxy => asrproxy::parse(message),
            AsrKind::Vosk | AsrKind::Openai => vosk::parse(message),
        }
    }

    /// True if it is sent the audio while it is spoken.
    pub(super) fn listens_along(&self) -> bool {
        self.kind != AsrKind::Openai
    }

    /// True if a connection ends with the sentence that we end.
    pub(super) fn ends_with_sentence(&self) -> bool {
        self.kind == AsrKind::Vosk
    }
}

/// Samples as both protocols have them: signed 16 bit, little endian.
pub(super) fn bytes(samples: &[i16]) -> Bytes {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

impl From<reqwest_websocket::Error> for SpeechError {
    fn from(error: reqwest_websocket::Error) -> Self {
        match error {
            reqwest_websocket::Error::Reqwest(error) => error.into(),
            reqwest_websocket::Error::Handshake(error) => {
                Self::Away(format!("no WebSocket: {error}"))
            }
            other => Self::Away(innermost(&other)),
        }
    }
}
