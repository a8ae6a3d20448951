//! One request for one text; a failure is none (I20).

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::response::IntoResponse as _;
use futures_util::future::join_all;
use telephonist::config::TtsKind;
use telephonist::speech::Used;

use crate::fake::{Voicebox, answer, in_pieces, samples, wav};
use crate::{config, fetch, mouth, mouth_at, service, text};

#[tokio::test]
async fn one_request_serves_all_who_want_the_same_text_i20_i27() {
    let folder = tempfile::tempdir().unwrap();
    let said = samples(4_000);
    let service_ = Voicebox::of("audio/wav", wav(&said)).await;
    let mouth = mouth(&config(folder.path(), service(TtsKind::Http, &service_.url)));
    let wanted = text("Здравствуйте");
    let all = join_all((0..20).map(|_| fetch(&mouth, &wanted))).await;
    let mut billed = Vec::new();
    for fetched in all {
        assert_eq!(fetched.samples(), said);
        billed.extend(fetched.used);
    }
    assert_eq!(service_.asked().len(), 1);
    assert_eq!(billed.len(), 20);
    let characters: Vec<_> = billed.iter().filter(|used| **used != Used::CacheHit).collect();
    assert_eq!(characters, [&Used::Characters(12)]);

    let again = fetch(&mouth, &wanted).await;
    assert_eq!((again.samples(), again.used), (said, vec![Used::CacheHit]));
    assert_eq!(fetch(&mouth, &text("Other")).await.used, [Used::Characters(5)]);
    assert_eq!(service_.asked().len(), 2);
}

#[tokio::test]
async fn the_cache_outlives_the_daemon_and_mends_itself_i20() {
    let folder = tempfile::tempdir().unwrap();
    let said = samples(4_000);
    let service_ = Voicebox::of("audio/wav", wav(&said)).await;
    let config = config(folder.path(), service(TtsKind::Http, &service_.url));
    mouth(&config).prepare(&text("hello")).await.unwrap();
    let fetched = fetch(&mouth(&config), &text("hello")).await;
    assert_eq!((fetched.samples(), &fetched.used[..]), (said.clone(), &[Used::CacheHit][..]));
    assert_eq!(service_.asked().len(), 1);

    let files: Vec<_> = fs::read_dir(folder.path().join("data/voice-cache")).unwrap().collect();
    let [file] = &files[..] else { panic!("one text, one file: {files:?}") };
    let path = file.as_ref().unwrap().path();
    let half = fs::read(&path).unwrap();
    fs::write(&path, &half[..half.len() / 2]).unwrap();
    assert_eq!(fetch(&mouth(&config), &text("hello")).await.samples(), said);
    assert_eq!(service_.asked().len(), 2);
    assert_eq!(fetch(&mouth(&config), &text("hello")).await.samples(), said);
    assert_eq!(service_.asked().len(), 2, "and it is whole again");
}

#[tokio::test]
async fn a_failure_is_not_kept_but_not_repeated_at_once_i20() {
    let folder = tempfile::tempdir().unwrap();
    let service_ =
        Voicebox::start(|_| (axum::http::StatusCode::BAD_GATEWAY, "no\nvoice").into_response())
            .await;
    let now_ms = Arc::new(AtomicU64::new(7_000));
    let config = config(folder.path(), service(TtsKind::Http, &service_.url));
    let mouth = mouth_at(&config, &now_ms);
    for (at_ms, asked) in [(7_000, 1), (7_999, 1), (8_000, 2)] {
        now_ms.store(at_ms, Ordering::Relaxed);
        let error = fetch(&mouth, &text("hello")).await.error();
        assert_eq!(error, "the voice default: the answer is 502: no voice");
        assert_eq!(service_.asked().len(), asked, "at {at_ms}");
    }
}

#[tokio::test]
async fn a_synthesis_that_others_wait_for_goes_on_when_the_first_gives_up_i20() {
    let folder = tempfile::tempdir().unwrap();
    let (said, whole) = (samples(4_000), wav(&samples(4_000)));
    let (pieces, body) = in_pieces();
    let body = std::sync::Mutex::new(Some(body));
    let service_ =
        Voicebox::start(move |_| answer("audio/wav", body.lock().unwrap().take().unwrap())).await;
    let mouth = mouth(&config(folder.path(), service(TtsKind::Http, &service_.url)));
    let wanted = text("hello");
    pieces.send(Ok(whole[..2_044].to_vec())).await.unwrap();
    let (first_piece, mut heard) = tokio::sync::mpsc::channel(100);
    let first = Box::pin(mouth.fetch(&wanted, |d| first_piece.try_send(d).unwrap(), |_| {}));
    let second = fetch(&mouth, &wanted);
    let give_up = async {
        tokio::select! {
            biased;
            () = first => panic!("the answer has not ended"),
            piece = heard.recv() => assert!(piece.is_some()),
        }
        pieces.send(Ok(whole[2_044..].to_vec())).await.unwrap();
        drop(pieces);
    };
    let (second, ()) = tokio::join!(second, give_up);
    assert_eq!(second.samples(), said);
    assert_eq!(service_.asked().len(), 1);
}
