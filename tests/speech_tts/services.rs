//! Voices that are services (I20).

use std::sync::Mutex;

use telephonist::config::{Tts, TtsKind};
use telephonist::script::VoiceSettings;
use telephonist::voice::Delivery;

use crate::fake::{Voicebox, answer, bytes, in_pieces, samples, wav};
use crate::{config, fetch, mouth, service, text, text_by};

/// A second of 24 kHz: its third comes out.
const OPENAI_SECOND: usize = 24_000;

#[tokio::test]
async fn the_originals_way_passes_all_on_and_follows_an_address_i20() {
    let folder = tempfile::tempdir().unwrap();
    let file = Voicebox::of("application/octet-stream", wav(&samples(800))).await;
    let audio = format!("{}/a.wav\n", file.url);
    let service_ =
        Voicebox::start(move |_| answer("text/plain; charset=utf-8", audio.clone())).await;
    let mouth = mouth(&config(folder.path(), Tts::default()));
    let voice = VoiceSettings {
        engine: "e/1".into(),
        url: format!("{}/tts?token=1", service_.url).into(),
        voice: "анна".into(),
        config: "{\"a\":1}".into(),
        volume: "50".into(),
        speech_rate: "1.5".into(),
        pitch_rate: "-2".into(),
    };
    let fetched = fetch(&mouth, &text_by("да & нет?", voice)).await;
    assert_eq!(fetched.samples(), samples(800));
    assert_eq!(
        service_.asked()[0].path,
        "/tts?token=1&config=%7B%22a%22%3A1%7D&voice=%D0%B0%D0%BD%D0%BD%D0%B0&volume=50\
         &speechrate=1.5&pitchrate=-2&engine=e%2F1\
         &text=%D0%B4%D0%B0%20%26%20%D0%BD%D0%B5%D1%82%3F"
    );
    assert_eq!(file.asked()[0].path, "/a.wav");
}

#[tokio::test]
async fn an_address_that_may_not_be_asked_is_not_asked_n15() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "http://169.254.169.254/latest?token=1";
    let service_ = Voicebox::start(move |_| answer("text/plain", secret)).await;
    let mouth = mouth(&config(folder.path(), service(TtsKind::Http, &service_.url)));
    let by_service = fetch(&mouth, &text("hello")).await.error();
    assert!(by_service.contains("it may not go there"), "{by_service}");
    let voice = VoiceSettings { url: secret.into(), ..VoiceSettings::default() };
    assert_eq!(fetch(&mouth, &text_by("hello", voice)).await.error(), "it may not go there");
}

#[tokio::test]
async fn audio_of_other_kinds_is_understood_i20() {
    let big: Vec<u8> = samples(800).iter().flat_map(|sample| sample.to_be_bytes()).collect();
    for (kind, body) in [
        ("audio/L16;rate=8000;channels=1", big),
        ("audio/pcm", bytes(&samples(800))),
        ("audio/pcm", wav(&samples(800))),
        ("", wav(&samples(800))),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let service_ = Voicebox::of(kind, body).await;
        let mouth = mouth(&config(folder.path(), service(TtsKind::Http, &service_.url)));
        assert_eq!(fetch(&mouth, &text("hello")).await.samples(), samples(800), "{kind}");
    }
}

#[tokio::test]
async fn openai_is_asked_for_samples_and_heard_before_it_ends_i20() {
    let folder = tempfile::tempdir().unwrap();
    let (pieces, body) = in_pieces();
    let body = Mutex::new(Some(body));
    let service_ =
        Voicebox::start(move |_| answer("audio/pcm", body.lock().unwrap().take().unwrap())).await;
    let tts = service(TtsKind::Openai, &format!("{}/v1/", service_.url));
    let mouth = mouth(&config(folder.path(), tts));
    let wanted = text("hello");
    let second = bytes(&samples(OPENAI_SECOND));
    // An odd number of bytes: a sample is cut in two.
    pieces.send(Ok(second[..10_001].to_vec())).await.unwrap();
    let mut rest = Some((pieces, second[10_001..].to_vec()));
    let (mut heard, mut done) = (0, false);
    let deliver = |delivery| match delivery {
        Delivery::Piece(piece) => {
            heard += piece.len();
            // The rest is sent only when the first is heard.
            if let Some((pieces, rest)) = rest.take() {
                pieces.try_send(Ok(rest)).unwrap();
            }
        }
        Delivery::Done => done = true,
        Delivery::Failed(why) => panic!("{why}"),
    };
    tokio::time::timeout(crate::PATIENCE, mouth.fetch(&wanted, deliver, |_| {})).await.unwrap();
    assert!(done && heard.abs_diff(8_000) < 80, "{heard} samples");
    let [asked] = &service_.asked()[..] else { panic!("asked once") };
    assert_eq!(asked.path, "/v1/audio/speech");
    assert_eq!(asked.headers["authorization"], "Bearer key");
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    let expected = serde_json::json!({
        "model": "m1", "voice": "anna", "input": "hello", "response_format": "pcm"
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn openais_kin_may_answer_with_wav_i20() {
    let folder = tempfile::tempdir().unwrap();
    let service_ = Voicebox::of("audio/wav", wav(&samples(800))).await;
    let mouth = mouth(&config(folder.path(), service(TtsKind::Openai, &service_.url)));
    assert_eq!(fetch(&mouth, &text("hello")).await.samples(), samples(800));
}

#[tokio::test]
async fn elevenlabs_is_asked_for_samples_i20() {
    let folder = tempfile::tempdir().unwrap();
    let service_ = Voicebox::of("audio/mpeg", bytes(&samples(16_000))).await;
    let tts = service(TtsKind::Elevenlabs, &format!("{}/v1", service_.url));
    let mouth = mouth(&config(folder.path(), tts));
    let voice = VoiceSettings { voice: "a/../b".into(), ..VoiceSettings::default() };
    let heard = fetch(&mouth, &text_by("hello", voice)).await.samples().len();
    assert!(heard.abs_diff(8_000) < 80, "{heard} samples");
    let [asked] = &service_.asked()[..] else { panic!("asked once") };
    assert_eq!(asked.path, "/v1/text-to-speech/a%2F..%2Fb/stream?output_format=pcm_16000");
    assert_eq!(asked.headers["xi-api-key"], "key");
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body, serde_json::json!({ "text": "hello", "model_id": "m1" }));
}

#[tokio::test]
async fn a_service_that_stalls_is_given_up_in_its_time_i20() {
    let folder = tempfile::tempdir().unwrap();
    let (pieces, body) = in_pieces();
    let body = Mutex::new(Some(body));
    let service_ =
        Voicebox::start(move |_| answer("audio/wav", body.lock().unwrap().take().unwrap())).await;
    let mouth = mouth(&config(folder.path(), service(TtsKind::Http, &service_.url)));
    let wanted = text("hello");
    pieces.send(Ok(wav(&samples(4_000))[..4_044].to_vec())).await.unwrap();
    let (mut heard, mut failed) = (0, None);
    let deliver = |delivery| match delivery {
        Delivery::Piece(piece) => {
            heard += piece.len();
            // From here on only the time-out is waited for.
            tokio::time::pause();
        }
        Delivery::Done => panic!("it has not ended"),
        Delivery::Failed(why) => failed = Some(why),
    };
    mouth.fetch(&wanted, deliver, |_| {}).await;
    assert_eq!(heard, 2_000);
    assert_eq!(failed.unwrap(), "the voice default: no more audio within 4000 ms");
    drop(pieces);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_is_given_up_in_its_time_i20() {
    let folder = tempfile::tempdir().unwrap();
    let (_pieces, body) = in_pieces();
    let body = Mutex::new(Some(body));
    let service_ =
        Voicebox::start(move |_| answer("audio/wav", body.lock().unwrap().take().unwrap())).await;
    let mouth = mouth(&config(folder.path(), service(TtsKind::Http, &service_.url)));
    let error = fetch(&mouth, &text("hello")).await.error();
    assert_eq!(error, "the voice default: no audio within 4000 ms");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_told_and_not_kept_i20() {
    let folder = tempfile::tempdir().unwrap();
    let (pieces, body) = in_pieces();
    let body = Mutex::new(Some(body));
    let service_ =
        Voicebox::start(move |_| answer("audio/wav", body.lock().unwrap().take().unwrap())).await;
    let mouth = mouth(&config(folder.path(), service(TtsKind::Http, &service_.url)));
    let wanted = text("hello");
    pieces.send(Ok(wav(&samples(4_000))[..4_044].to_vec())).await.unwrap();
    let (mut heard, mut failed) = (0, None);
    let deliver = |delivery| match delivery {
        Delivery::Piece(piece) => {
            heard += piece.len();
            pieces.try_send(Err(std::io::Error::other("gone"))).unwrap();
        }
        Delivery::Done => panic!("it has not ended"),
        Delivery::Failed(why) => failed = Some(why),
    };
    mouth.fetch(&wanted, deliver, |_| {}).await;
    assert_eq!(heard, 2_000);
    let error = failed.unwrap();
    assert!(error.contains("breaks off"), "{error}");
    let cached = std::fs::read_dir(folder.path().join("data/voice-cache")).unwrap().count();
    assert_eq!(cached, 0);
}
