//! `POST …/audio/transcriptions`, a sentence at a time (I26).

use std::io::Cursor;
use std::time::Duration;

use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response, Url};
use serde_json::Value;

use super::heard::cut;
use super::service::{MESSAGE_BYTES_MAX, Service};
use crate::media::RATE;
use crate::speech::SpeechError;

/// What an error message may have of the service's own words, bytes.
const SHOWN_BYTES_MAX: usize = 200;

/// The text of these samples. Addresses are tried in this order until one answers, whatever it
/// answers; `note` is told of each whether it was there.
///
/// # Errors
/// `Away` if none could be reached; else what is wrong with the answer.
pub(super) async fn transcribe(
    service: &Service,
    order: &[usize],
    samples: &[i16],
    hot_word: &str,
    note: impl Fn(usize, bool),
) -> Result<String, SpeechError> {
    let wav = wav(samples)?;
    let mut last = SpeechError::Away("it has no address".into());
    let mut died = false;
    for index in order {
        let Some(address) = service.addresses.urls().get(*index) else { continue };
        let error = match request(service, address, &wav, hot_word)?.send().await {
            Err(error) if error.is_connect() => {
                note(*index, false);
                last = error.into();
                continue;
            }
            Err(error) => broken(error),
            Ok(response) => {
                note(*index, true);
                match read(response).await {
                    Err(SpeechError::Away(why)) => why,
                    read => return read,
                }
            }
        };
        last = SpeechError::Answer(error);
        // It died over the sentence: another may do better, a third is not asked.
        if std::mem::replace(&mut died, true) {
            break;
        }
    }
    Err(last)
}

fn request(
    service: &Service,
    address: &Url,
    wav: &[u8],
    hot_word: &str,
) -> Result<RequestBuilder, SpeechError> {
    let settings = &service.settings;
    let file = Part::bytes(wav.to_vec()).file_name("sentence.wav").mime_str("audio/wav")?;
    let mut form = Form::new().part("file", file).text("response_format", "json");
    let texts =
        [("model", &*settings.model), ("language", &*settings.language), ("prompt", hot_word)];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        form = form.text(name, text.to_owned());
    }
    let limit = Duration::from_millis(settings.result_ms);
    let request = service.client.post(transcriptions(address)).multipart(form).timeout(limit);
    if settings.secret.0.is_empty() {
        return Ok(request);
    }
    Ok(request.bearer_auth(&settings.secret.0))
}

/// The service's address → that of its transcriptions.
fn transcriptions(address: &Url) -> Url {
    let mut url = address.clone();
    let path = format!("{}/audio/transcriptions", address.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

async fn read(mut response: Response) -> Result<String, SpeechError> {
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(piece) =
        response.chunk().await.map_err(|error| SpeechError::Away(broken(error)))?
    {
        if bytes.len() + piece.len() > MESSAGE_BYTES_MAX {
            let fault = format!("the answer is longer than {MESSAGE_BYTES_MAX} bytes");
            return Err(SpeechError::Answer(fault));
        }
        bytes.extend_from_slice(&piece);
    }
    if status.is_success() {
        return parse(&bytes).map_err(SpeechError::Answer);
    }
    Err(SpeechError::Answer(refusal(status.as_u16(), &bytes)))
}

fn broken(error: reqwest::Error) -> String {
    SpeechError::from(error).to_string()
}

/// An answer: `{"text": "…"}`.
fn parse(answer: &[u8]) -> Result<String, String> {
    let value: Value =
        serde_json::from_slice(answer).map_err(|_| "the answer is no JSON".to_owned())?;
    let text = value.get("text").and_then(Value::as_str);
    text.map(cut).ok_or_else(|| "the answer has no text".to_owned())
}

/// What an answer with an error's status says.
fn refusal(status: u16, answer: &[u8]) -> String {
    let value: Value = serde_json::from_slice(answer).unwrap_or_default();
    let said = value.pointer("/error/message").or_else(|| value.get("detail"));
    let said = said.and_then(Value::as_str).unwrap_or_default();
    let end = said.floor_char_boundary(SHOWN_BYTES_MAX);
    match said.get(..end).unwrap_or_default() {
        "" => format!("status {status}"),
        said => format!("status {status}: {said}"),
    }
}

fn wav(samples: &[i16]) -> Result<Vec<u8>, SpeechError> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let written = hound::WavWriter::new(&mut bytes, spec).and_then(|mut writer| {
        for sample in samples {
            writer.write_sample(*sample)?;
        }
        writer.finalize()
    });
    written.map_err(|error| SpeechError::Answer(format!("no WAV: {error}")))?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_text_i26() {
        assert_eq!(parse(br#"{"text":" hello "}"#), Ok("hello".into()));
        for junk in [&b""[..], b"hello", b"{}", b"[]", br#"{"text":7}"#, b"\xff"] {
            assert!(parse(junk).is_err(), "{junk:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_the_service_says() {
        assert_eq!(refusal(401, br#"{"error":{"message":"bad key"}}"#), "status 401: bad key");
        assert_eq!(refusal(422, br#"{"detail":"no file"}"#), "status 422: no file");
        assert_eq!(refusal(502, b"<html>"), "status 502");
    }

    #[test]
    fn transcriptions_lie_below_the_address() {
        for (address, expected) in [
            ("https://h/v1", "https://h/v1/audio/transcriptions"),
            ("https://h/v1/?k=1", "https://h/v1/audio/transcriptions?k=1"),
        ] {
            assert_eq!(transcriptions(&Url::parse(address).unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn a_sentence_is_a_wav_of_our_rate() {
        let bytes = wav(&[1, -2, 3]).unwrap();
        let mut reader = hound::WavReader::new(Cursor::new(bytes)).unwrap();
        assert_eq!((reader.spec().sample_rate, reader.spec().channels), (8_000, 1));
        let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(samples, [1, -2, 3]);
    }
}
