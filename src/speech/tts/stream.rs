//! Audio that comes in pieces: from a program or a service, decoded on its way.

use std::mem;
use std::sync::Arc;

use reqwest::Url;
use smol_str::{SmolStr, format_smolstr};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::command::Program;
use super::service::Answer;
use super::voice::{At, Line};
use crate::media::decode::{DecodeError, Format, Order, StreamDecoder, decode};
use crate::media::{FRAME_SAMPLES, RATE, tone as tones};
use crate::speech::sources::AudioFile;
use crate::speech::{Net, SpeechError};

/// So many of the first bytes tell what the rest are.
const FIRST_BYTES: usize = 4;

/// What is asked for.
#[derive(Debug)]
pub(super) enum Request {
    /// A text spoken.
    Voice(Line),
    /// A file in the web.
    Web(Url),
}

/// Audio on its way.
pub(super) struct Stream {
    bytes: Bytes,
    sound: Sound,
}

/// Where the bytes come from.
enum Bytes {
    Program(Program),
    Answer(Answer),
    /// All have come.
    Over,
}

/// What the bytes are.
enum Sound {
    /// Not known before the first of them: bare samples of this kind, unless they say otherwise.
    Unknown(Option<Format>, Vec<u8>),
    /// Samples can be had as they come.
    Stream(Box<StreamDecoder>),
    /// Only the whole makes sense: MP3.
    Whole(Vec<u8>),
}

impl Request {
    /// Whom it asks, for messages: no more of an address than the host, for the rest may be a secret.
    pub(super) fn who(&self) -> SmolStr {
        match self {
            Self::Voice(line) => format_smolstr!("the voice {}", line.by.name),
            Self::Web(url) => url.origin().ascii_serialization().into(),
        }
    }
}

impl Stream {
    /// Asks. A program waits for its turn.
    ///
    /// # Errors
    /// Nobody answers, or refuses.
    pub(super) async fn open(
        request: &Request,
        net: &Net,
        programs: &Arc<Semaphore>,
    ) -> Result<Self, SpeechError> {
        let line = match request {
            Request::Web(url) => return Ok(Self::of(Answer::fetched(url, net).await?)),
            Request::Voice(line) => line,
        };
        match &line.by.at {
            At::Service(protocol, url, client) => {
                Ok(Self::of(Answer::spoken((*protocol, url, client), line, net).await?))
            }
            At::Command(command) => {
                let turn = Arc::clone(programs).acquire_owned().await;
                let turn = turn.map_err(|closed| SpeechError::Away(closed.to_string()))?;
                let program = Program::start(command, (&line.voice, &line.text), turn)?;
                Ok(Self { bytes: Bytes::Program(program), sound: Sound::Unknown(None, Vec::new()) })
            }
        }
    }

    fn of(answer: Answer) -> Self {
        let little = |rate| Format::Pcm { rate, order: Order::Little };
        let bare = answer.bare_rate().map(little).or_else(|| said(answer.content_type()));
        Self { bytes: Bytes::Answer(answer), sound: Sound::Unknown(bare, Vec::new()) }
    }

    /// The next samples, at least a frame of them unless they are the last; `None` at the end.
    ///
    /// # Errors
    /// It breaks off, or is no audio.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<i16>>, SpeechError> {
        let mut samples = Vec::new();
        while samples.len() < FRAME_SAMPLES {
            let bytes = match &mut self.bytes {
                Bytes::Program(program) => program.next().await?,
                Bytes::Answer(answer) => answer.next().await?,
                Bytes::Over => break,
            };
            if let Some(bytes) = bytes {
                self.sound.push(bytes, &mut samples).map_err(no_audio)?;
            } else {
                self.bytes = Bytes::Over;
                self.finish(&mut samples).await?;
            }
        }
        Ok((!samples.is_empty()).then_some(samples))
    }

    async fn finish(&mut self, samples: &mut Vec<i16>) -> Result<(), SpeechError> {
        match &mut self.sound {
            Sound::Stream(decoder) => decoder.finish(samples).map_err(no_audio),
            Sound::Unknown(_, bytes) | Sound::Whole(bytes) if bytes.is_empty() => Ok(()),
            Sound::Unknown(_, bytes) | Sound::Whole(bytes) => {
                let bytes = mem::take(bytes);
                let whole = spawn_blocking(move || decode(&bytes, Format::Named)).await;
                *samples =
                    whole.map_err(|e| SpeechError::Answer(e.to_string()))?.map_err(no_audio)?;
                Ok(())
            }
        }
    }
}

impl Sound {
    fn push(&mut self, bytes: Vec<u8>, samples: &mut Vec<i16>) -> Result<(), DecodeError> {
        match self {
            Self::Stream(decoder) => decoder.push(&bytes, samples),
            Self::Whole(all) => {
                all.extend(bytes);
                Ok(())
            }
            Self::Unknown(bare, first) => {
                first.extend(bytes);
                if first.len() < FIRST_BYTES {
                    return Ok(());
                }
                let (bare, first) = (bare.take(), mem::take(first));
                let format = match first.as_slice() {
                    [b'R', b'I', b'F', b'F', ..] => Some(Format::Named),
                    // A service of which samples were wanted may know only MP3. (A sample that begins
                    // as a frame of layer III is no beginning of speech.)
                    [b'I', b'D', b'3', ..] => None,
                    [0xff, second, ..] if second & 0xe6 == 0xe2 => None,
                    _ => bare,
                };
                *self = match format {
                    Some(format) => Self::Stream(Box::new(StreamDecoder::new(format)?)),
                    None => Self::Whole(Vec::new()),
                };
                self.push(first, samples)
            }
        }
    }
}

/// The samples of an audio file. Blocks.
pub(super) fn file(file: &AudioFile) -> Result<Arc<[i16]>, SmolStr> {
    let samples = decode(&file.read()?, Format::Named)
        .map_err(|error| format_smolstr!("the audio file {}: {error}", file.path().display()))?;
    Ok(samples.into())
}

/// The samples of a `tone_stream://`.
pub(super) fn tone(description: &str) -> Result<Arc<[i16]>, SmolStr> {
    let samples = tones::samples(description);
    samples.map(Into::into).map_err(|error| format_smolstr!("{description}: {error}"))
}

fn no_audio(error: DecodeError) -> SpeechError {
    SpeechError::Answer(format!("the audio can't be used: {error}"))
}

/// Bare samples, if a content type says so: `audio/L16;rate=16000` (RFC 2586, high byte first) or
/// `audio/pcm`. Without a rate they are at the telephone's.
fn said(content_type: &str) -> Option<Format> {
    let mut parts = content_type.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let order = match kind.as_str() {
        "audio/l16" => Order::Big,
        "audio/pcm" | "audio/x-pcm" => Order::Little,
        _ => return None,
    };
    let rate = parts.find_map(|part| part.strip_prefix("rate=")?.trim_matches('"').parse().ok());
    Some(Format::Pcm { rate: rate.unwrap_or(RATE), order })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_says_how_bare_samples_are_i20() {
        let pcm = |rate, order| Some(Format::Pcm { rate, order });
        assert_eq!(said("audio/L16;rate=16000;channels=1"), pcm(16_000, Order::Big));
        assert_eq!(said("audio/L16; channels=1; rate=\"24000\""), pcm(24_000, Order::Big));
        assert_eq!(said("audio/pcm"), pcm(8_000, Order::Little));
        assert_eq!(said("audio/wav"), None);
        assert_eq!(said(""), None);
    }
}
