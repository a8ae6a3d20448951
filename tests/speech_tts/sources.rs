//! Files, addresses, tones and silence (E8).

use std::fs;
use std::sync::Arc;

use telephonist::config::{Tts, TtsKind};
use telephonist::engine::Source;

use crate::fake::{Voicebox, samples, wav};
use crate::{config, fetch, mouth, service, wanted};

#[tokio::test]
async fn a_file_is_read_once_and_shared_until_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let mouth = mouth(&config(folder.path(), Tts::default()));
    let audio = folder.path().join("audio/ru");
    fs::create_dir_all(&audio).unwrap();
    fs::write(audio.join("hello.wav"), wav(&samples(800))).unwrap();
    let named = |source| crate::Wanted { voicedir: "ru".into(), ..wanted(source) };
    let file = named(Source::File("hello.wav".into()));
    let first = fetch(&mouth, &file).await;
    assert_eq!((first.samples(), &first.used[..]), (samples(800), &[][..]));
    for same in [file.clone(), named(Source::FileOrText("hello".into()))] {
        let again = fetch(&mouth, &same).await;
        assert!(Arc::ptr_eq(&again.pieces[0], &first.pieces[0]), "{same:?}");
    }
    fs::write(audio.join("hello.wav"), wav(&samples(400))).unwrap();
    assert_eq!(fetch(&mouth, &file).await.samples(), samples(400));
}

#[tokio::test]
async fn no_file_outside_the_folder_is_played_n10() {
    let folder = tempfile::tempdir().unwrap();
    let service_ = Voicebox::of("audio/wav", wav(&samples(800))).await;
    let mouth = mouth(&config(folder.path(), service(TtsKind::Http, &service_.url)));
    fs::create_dir(folder.path().join("audio")).unwrap();
    let secret = folder.path().join("secret.wav");
    fs::write(&secret, wav(&samples(400))).unwrap();
    std::os::unix::fs::symlink(&secret, folder.path().join("audio/link.wav")).unwrap();
    for name in ["../secret.wav", "file://../secret.wav", "link.wav", secret.to_str().unwrap()] {
        let error = fetch(&mouth, &wanted(Source::File(name.into()))).await.error();
        assert!(error.contains("audio folder") || error.contains("no such audio file"), "{error}");
    }
    assert_eq!(service_.asked().len(), 0);
    // What is no file is a text, whatever it looks like.
    let text = fetch(&mouth, &wanted(Source::FileOrText("../secret".into()))).await;
    assert_eq!(text.samples(), samples(800));
    assert!(service_.asked()[0].path.ends_with("text=..%2Fsecret"));
}

#[tokio::test]
async fn what_is_no_audio_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let mouth = mouth(&config(folder.path(), Tts::default()));
    fs::create_dir(folder.path().join("audio")).unwrap();
    fs::write(folder.path().join("audio/a.wav"), "no audio").unwrap();
    let prepared = mouth.prepare(&wanted(Source::File("a.wav".into()))).await.unwrap_err();
    assert!(prepared.contains("audio/a.wav") && prepared.contains("neither WAV"), "{prepared}");
}

#[tokio::test]
async fn an_address_is_fetched_once_and_where_it_may_be_n15() {
    let folder = tempfile::tempdir().unwrap();
    let web = Voicebox::of("audio/x-wav", wav(&samples(800))).await;
    let config = config(folder.path(), Tts::default());
    let url = wanted(Source::Url(format!("{}/a.wav?x=1", web.url).into()));
    for _ in 0..2 {
        let mouth = mouth(&config);
        for _ in 0..2 {
            let fetched = fetch(&mouth, &url).await;
            assert_eq!((fetched.samples(), &fetched.used[..]), (samples(800), &[][..]));
        }
    }
    assert_eq!(web.asked().len(), 1);
    for refused in ["http://169.254.169.254/a.wav", "file:///etc/passwd", "http://"] {
        let fetched = fetch(&mouth(&config), &wanted(Source::Url(refused.into()))).await;
        assert!(fetched.ended.unwrap().is_err(), "{refused}");
    }
}

#[tokio::test]
async fn silence_is_one_second_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let mouth = mouth(&config(folder.path(), Tts::default()));
    for (ms, samples) in [(0, 0), (1, 8), (2_020, 16_160), (u64::MAX, 4_800_000)] {
        let fetched = fetch(&mouth, &wanted(Source::Silence(ms))).await;
        let length: usize = fetched.pieces.iter().map(|piece| piece.len()).sum();
        assert_eq!(length, samples, "{ms} ms");
        assert!(fetched.pieces.iter().all(|piece| piece.iter().all(|sample| *sample == 0)));
        let shared = fetched.pieces.windows(2).filter(|pair| Arc::ptr_eq(&pair[0], &pair[1]));
        assert!(shared.count() + 2 >= fetched.pieces.len());
    }
}

#[tokio::test]
async fn a_tone_is_made_here_and_a_broken_one_told() {
    let folder = tempfile::tempdir().unwrap();
    let mouth = mouth(&config(folder.path(), Tts::default()));
    let tone = wanted(Source::Tone("tone_stream://%(100,50,425);loops=2".into()));
    let samples = fetch(&mouth, &tone).await.samples();
    assert_eq!(samples.len(), 2_400);
    assert!(samples.iter().any(|sample| sample.unsigned_abs() > 1_000));
    let broken = wanted(Source::Tone("tone_stream://path=/etc/passwd".into()));
    assert!(fetch(&mouth, &broken).await.error().contains("path="));
}
