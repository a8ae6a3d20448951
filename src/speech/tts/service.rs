//! Voices that are services, and audio that lies in the web (I20, E8).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::{Value, json};

use super::voice::{Line, Protocol, Voice, web_address};
use crate::speech::{Net, SpeechError};

/// What may stand in any part of an address as it is (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An answer may have so many bytes: a quarter of an hour of audio at CD rate and mono, or some 15
/// minutes of MP3 at the highest rate.
const ANSWER_BYTES_MAX: usize = 32 << 20;

/// Longest answer that is the audio's address instead, bytes.
const ADDRESS_BYTES_MAX: usize = 8 << 10;

/// Of an answer that is a fault so many signs are shown.
const FAULT_CHARS_MAX: usize = 200;

/// Samples a second of OpenAI's `pcm`.
const OPENAI_RATE: u32 = 24_000;

/// Samples a second that ElevenLabs is asked for; its lowest that has all of a telephone's band.
const ELEVENLABS_RATE: u32 = 16_000;

/// An answer that has begun.
pub(super) struct Answer {
    response: Response,
    /// Samples a second, if it was asked for as bare 16 bit little-endian samples.
    bare: Option<u32>,
    bytes: usize,
}

impl Answer {
    /// Asks a service to speak.
    ///
    /// # Errors
    /// It can't be reached or refuses.
    pub(super) async fn spoken(
        (protocol, url, client): (Protocol, &Url, &Client),
        line: &Line,
        net: &Net,
    ) -> Result<Self, SpeechError> {
        match protocol {
            Protocol::Get => {
                let answer =
                    Self::to(signed(client.get(asking(url, line)), &line.by), None).await?;
                answer.followed(net).await
            }
            Protocol::Openai => {
                let mut body = json!({
                    "voice": line.voice,
                    "input": line.text,
                    "response_format": "pcm",
                });
                name_model(&mut body, "model", &line.by);
                let request = client.post(below(url, &["audio", "speech"])).json(&body);
                Self::to(signed(request, &line.by), Some(OPENAI_RATE)).await
            }
            Protocol::Elevenlabs => {
                let mut url = below(url, &["text-to-speech", &line.voice, "stream"]);
                url.query_pairs_mut()
                    .append_pair("output_format", &format!("pcm_{ELEVENLABS_RATE}"));
                let mut body = json!({ "text": line.text });
                name_model(&mut body, "model_id", &line.by);
                let request = client.post(url).header("xi-api-key", &line.by.secret.0).json(&body);
                Self::to(request, Some(ELEVENLABS_RATE)).await
            }
        }
    }

    /// Fetches audio that a script or a service named.
    ///
    /// # Errors
    /// It may not be fetched, can't be, or is not there.
    pub(super) async fn fetched(url: &Url, net: &Net) -> Result<Self, SpeechError> {
        net.allows(url).map_err(SpeechError::Away)?;
        Self::to(net.client().get(url.clone()), None).await
    }

    /// What its bytes are, as its sender says; empty = it does not say.
    pub(super) fn content_type(&self) -> &str {
        let value = self.response.headers().get(CONTENT_TYPE);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Samples a second, if it was asked for as bare 16 bit little-endian samples.
    pub(super) fn bare_rate(&self) -> Option<u32> {
        self.bare
    }

    /// The next bytes of it; `None` at the end.
    ///
    /// # Errors
    /// It breaks off, or is too long.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, SpeechError> {
        let Some(piece) = self.response.chunk().await? else { return Ok(None) };
        self.bytes += piece.len();
        if self.bytes > ANSWER_BYTES_MAX {
            let fault = format!("the audio is larger than {} MiB", ANSWER_BYTES_MAX >> 20);
            return Err(SpeechError::Answer(fault));
        }
        Ok(Some(piece.into()))
    }

    async fn to(request: RequestBuilder, bare: Option<u32>) -> Result<Self, SpeechError> {
        let response = request.send().await?;
        let mut answer = Self { response, bare, bytes: 0 };
        let status = answer.response.status();
        if status.is_success() {
            return Ok(answer);
        }
        let said: String = answer.text(ADDRESS_BYTES_MAX).await.unwrap_or_default();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let said: String = said.chars().filter(|c| !c.is_control()).take(FAULT_CHARS_MAX).collect();
        Err(SpeechError::Answer(format!("the answer is {}: {said}", status.as_u16())))
    }

    /// The audio itself, if this is its address.
    async fn followed(mut self, net: &Net) -> Result<Self, SpeechError> {
        if !self.content_type().to_ascii_lowercase().starts_with("text/plain") {
            return Ok(self);
        }
        let text = self.text(ADDRESS_BYTES_MAX).await?;
        let url = web_address(text.trim())
            .map_err(|fault| SpeechError::Answer(format!("the answer is a text: {fault}")))?;
        Self::fetched(&url, net).await
    }

    async fn text(&mut self, bytes_max: usize) -> Result<String, SpeechError> {
        let mut text = Vec::new();
        while let Some(piece) = self.response.chunk().await? {
            text.extend_from_slice(&piece);
            if text.len() > bytes_max {
                return Err(SpeechError::Answer("the answer is a text, and no address".into()));
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

fn signed(request: RequestBuilder, by: &Voice) -> RequestBuilder {
    if by.secret.0.is_empty() { request } else { request.bearer_auth(&by.secret.0) }
}

fn name_model(body: &mut Value, key: &str, by: &Voice) {
    if !by.model.is_empty() {
        body[key] = by.model.as_str().into();
    }
}

/// The address that asks the original's way. A space is `%20`, which every server reads.
fn asking(url: &Url, line: &Line) -> Url {
    let set = &line.settings;
    let values: [(&str, &str); 7] = [
        ("config", &set.config),
        ("voice", &line.voice),
        ("volume", &set.volume),
        ("speechrate", &set.speech_rate),
        ("pitchrate", &set.pitch_rate),
        ("engine", &set.engine),
        ("text", &line.text),
    ];
    let pairs =
        values.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)));
    let before = url.query().filter(|query| !query.is_empty());
    let query = before.into_iter().map(str::to_owned).chain(pairs).collect::<Vec<_>>().join("&");
    let mut asking = url.clone();
    asking.set_query(Some(&query));
    asking
}

/// An address below a service's; the query stays.
fn below(url: &Url, steps: &[&str]) -> Url {
    let mut below = url.clone();
    // Addresses of the web have a path, so this can't fail.
    if let Ok(mut path) = below.path_segments_mut() {
        path.pop_if_empty().extend(steps);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_below_the_address_and_stay_one_step_each_n10() {
        let url = Url::parse("http://a/v1/?key=1").unwrap();
        let steps = ["text-to-speech", "a/../b c?", "stream"];
        assert_eq!(
            below(&url, &steps).as_str(),
            "http://a/v1/text-to-speech/a%2F..%2Fb%20c%3F/stream?key=1"
        );
        assert_eq!(below(&Url::parse("http://a").unwrap(), &["x"]).as_str(), "http://a/x");
    }
}
