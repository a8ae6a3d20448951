//! What recognisers understand when all goes well.

use telephonist::config::{Asr, AsrKind};
use telephonist::speech::Usage;
use telephonist::voice::{FromRecogniser, Hearing, SentenceId};

use crate::call::{Call, config, hearing, said, until};
use crate::recogniser::{Fault, Recogniser, silence, tone, words};

const ALL: [AsrKind; 3] = [AsrKind::Asrproxy, AsrKind::Vosk, AsrKind::Openai];

#[test]
fn the_fake_understands_tones_and_no_silence() {
    let said = [tone("да", 100), silence(100), tone("да", 60), tone("repeat", 60)].concat();
    assert_eq!(words(&said), "да да repeat");
    assert_eq!(words(&silence(1_000)), "");
    assert_eq!(words(&tone("one", 40)), "", "too short");
}

/// I25, I26: whatever the protocol, the text is that of the audio, and it is counted (I27).
#[tokio::test]
async fn each_sentence_has_the_text_of_its_audio() {
    for kind in ALL {
        let fake = Recogniser::start().await;
        let mut call = Call::over(kind, &fake).await;
        call.say(1, &["one", "贷款"]).await;
        assert_eq!(call.whole().await, said(1, "one 贷款"), "{kind:?}");
        call.say(2, &["да"]).await;
        assert_eq!(call.whole().await, said(2, "да"), "{kind:?}");
        call.begin(3).await;
        call.audio(&silence(300)).await;
        call.end(3).await;
        assert_eq!(call.whole().await, said(3, ""), "{kind:?}");
        let (rest, used) = call.hang_up().await;
        assert_eq!(rest, [], "{kind:?}");
        assert_eq!(used, Usage { requests: 3, audio_ms: 600 + 300 + 300 }, "{kind:?}");
        let heard: Vec<_> = fake.asked().sentences.iter().map(|s| s.ms).collect();
        assert_eq!(heard, [600, 300, 300], "{kind:?}");
    }
}

/// I25.
#[tokio::test]
async fn an_action_is_one_connection_that_ends_with_a_goodbye() {
    let fake = Recogniser::start().await;
    let asr = Asr {
        secret: telephonist::config::Secret("key".into()),
        ..config(AsrKind::Asrproxy, &fake.url("asrproxy"))
    };
    let mut call = Call::of(asr).await;
    for (id, word) in [(1, "one"), (2, "two")] {
        call.say(id, &[word]).await;
        assert_eq!(call.whole().await, said(id, word));
    }
    let next = Hearing {
        appid: "2".into(),
        hot_word: "贷款".into(),
        asr_params: r#"{"lang":"ru"}"#.into(),
        ..hearing()
    };
    call.listen(next).await;
    call.say(3, &["да"]).await;
    assert_eq!(call.whole().await, said(3, "да"));
    call.hang_up().await;
    until(|| fake.asked().goodbyes == 2).await;
    let asked = fake.asked();
    let start = "/asr?samples_per_second=8000&end_silence_time=400&callid=call_";
    let second = format!("{start}2&hot_word=%E8%B4%B7%E6%AC%BE&lang=ru");
    assert_eq!(asked.paths, [format!("{start}1"), second]);
    assert_eq!(asked.authorizations, ["Bearer key", "Bearer key"]);
}

/// I26: a server may find ends inside of what is one sentence to us.
#[tokio::test]
async fn texts_before_the_end_are_one_sentence() {
    let fake = Recogniser::start().await;
    fake.find_ends();
    for kind in [AsrKind::Vosk, AsrKind::Asrproxy] {
        let mut call = Call::over(kind, &fake).await;
        call.begin(1).await;
        let pause = silence(700);
        for samples in [&tone("one", 200), &pause, &tone("two", 200), &pause] {
            call.audio(samples).await;
        }
        call.end(1).await;
        assert_eq!(call.whole().await, said(1, "one two"), "{kind:?}");
        assert_eq!(call.hang_up().await.0, [], "{kind:?}");
    }
}

/// I25: what a recogniser found by itself is the text if it has no more to say.
#[tokio::test]
async fn a_recogniser_that_has_said_all_need_not_answer_the_end() {
    let fake = Recogniser::start().await;
    fake.find_ends();
    let mut call = Call::over(AsrKind::Asrproxy, &fake).await;
    call.begin(1).await;
    call.audio(&[tone("one", 200), silence(400)].concat()).await;
    // The text is there before the end, and the end has no answer.
    until(|| !fake.asked().sentences.is_empty()).await;
    fake.misbehave(Fault::Stall);
    call.audio(&silence(20)).await;
    call.end(1).await;
    assert_eq!(call.whole().await, said(1, "one"));
}

/// T1: vad_mode 1 and 2.
#[tokio::test]
async fn a_recogniser_that_finds_ends_is_asked_for_one_sentence_after_the_other() {
    for kind in [AsrKind::Vosk, AsrKind::Asrproxy] {
        let fake = Recogniser::start().await;
        fake.find_ends();
        let mut call = Call::over(kind, &fake).await;
        call.listen(Hearing { finds_ends: true, ..hearing() }).await;
        call.begin(1).await;
        call.audio(&[silence(200), tone("one", 200), silence(700)].concat()).await;
        assert_eq!(call.whole().await, FromRecogniser::Began(SentenceId(1)), "{kind:?}");
        assert_eq!(call.whole().await, said(1, "one"), "{kind:?}");
        // The caller goes on before the next sentence is asked for.
        call.audio(&tone("two", 200)).await;
        call.begin(2).await;
        call.audio(&silence(700)).await;
        assert_eq!(call.whole().await, FromRecogniser::Began(SentenceId(2)), "{kind:?}");
        assert_eq!(call.whole().await, said(2, "two"), "{kind:?}");
        // An end of ours cuts.
        call.begin(3).await;
        call.audio(&tone("three", 200)).await;
        call.end(3).await;
        assert_eq!(call.whole().await, FromRecogniser::Began(SentenceId(3)), "{kind:?}");
        assert_eq!(call.whole().await, said(3, "three"), "{kind:?}");
        let (rest, used) = call.hang_up().await;
        assert_eq!((rest, used.requests), (Vec::new(), 3), "{kind:?}");
        assert_eq!(fake.asked().paths.len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn partial_texts_are_told_as_they_grow() {
    for kind in [AsrKind::Vosk, AsrKind::Asrproxy] {
        let fake = Recogniser::start().await;
        let mut call = Call::over(kind, &fake).await;
        call.say(1, &["one", "two"]).await;
        let partial = |text: &str| FromRecogniser::Partial(SentenceId(1), text.into());
        assert_eq!(call.told().await, partial("one"), "{kind:?}");
        assert_eq!(call.told().await, partial("one two"), "{kind:?}");
        assert_eq!(call.told().await, said(1, "one two"), "{kind:?}");
    }
}

/// I26.
#[tokio::test]
async fn a_transcription_is_asked_for_with_all_that_is_known() {
    let fake = Recogniser::start().await;
    let asr = Asr {
        secret: telephonist::config::Secret("key".into()),
        model: "whisper-1".into(),
        language: "ru".into(),
        ..config(AsrKind::Openai, &fake.url("openai"))
    };
    let mut call = Call::of(asr).await;
    call.listen(Hearing { hot_word: "кредит".into(), ..hearing() }).await;
    call.say(1, &["нет"]).await;
    assert_eq!(call.whole().await, said(1, "нет"));
    let asked = fake.asked();
    assert_eq!(asked.paths, ["/v1/audio/transcriptions"]);
    assert_eq!(asked.authorizations, ["Bearer key"]);
    for (name, value) in [("model", "whisper-1"), ("language", "ru"), ("prompt", "кредит")] {
        let part = format!("name=\"{name}\"\r\n\r\n{value}\r\n");
        assert!(asked.forms[0].contains(&part), "{part} in {}", asked.forms[0]);
    }
    assert!(asked.forms[0].contains("filename=\"sentence.wav\""));
}

#[tokio::test]
async fn sentences_that_overlap_have_each_their_text() {
    for kind in ALL {
        let fake = Recogniser::start().await;
        let mut call = Call::over(kind, &fake).await;
        fake.misbehave(Fault::Slow(100));
        call.say(1, &["one"]).await;
        call.say(2, &["two"]).await;
        call.say(3, &["three"]).await;
        let mut texts = vec![call.whole().await, call.whole().await, call.whole().await];
        if kind != AsrKind::Asrproxy {
            // Each has its own connection or request, and a slow one holds up no other.
            texts.sort_by_key(|told| matches!(told, FromRecogniser::Final(id, _) if id.0 == 1));
            texts.rotate_right(1);
        }
        assert_eq!(texts, [said(1, "one"), said(2, "two"), said(3, "three")], "{kind:?}");
        assert_eq!(call.hang_up().await.0, [], "{kind:?}");
    }
}

#[tokio::test]
async fn two_requests_are_on_their_way_at_most() {
    let fake = Recogniser::start().await;
    let mut call = Call::over(AsrKind::Openai, &fake).await;
    for id in 1..=4 {
        fake.misbehave(Fault::Slow(30));
        call.say(id, &["one"]).await;
    }
    for _ in 1..=4 {
        assert!(matches!(call.whole().await, FromRecogniser::Final(_, text) if text == "one"));
    }
    assert_eq!(fake.asked().at_once, 2);
}

#[tokio::test]
async fn what_nobody_wants_to_know_is_not_told() {
    for kind in ALL {
        let fake = Recogniser::start().await;
        let mut call = Call::over(kind, &fake).await;
        call.begin(1).await;
        call.audio(&tone("one", 200)).await;
        call.cancel(1).await;
        call.say(2, &["two"]).await;
        assert_eq!(call.whole().await, said(2, "two"), "{kind:?}");
        // Cancelled while the next is being said.
        fake.misbehave(Fault::Slow(50));
        call.say(3, &["three"]).await;
        call.begin(4).await;
        call.cancel(3).await;
        call.audio(&tone("да", 200)).await;
        call.end(4).await;
        assert_eq!(call.whole().await, said(4, "да"), "{kind:?}");
        assert_eq!(call.hang_up().await.0, [], "{kind:?}");
    }
}
