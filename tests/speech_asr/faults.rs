//! What recognisers do wrong costs the sentence it is done to, and no other.

use std::time::Duration;

use futures_util::future::join_all;
use telephonist::config::{Asr, AsrKind};
use telephonist::voice::{FromRecogniser, Hearing};

use crate::call::{Call, config, hearing, said, word};
use crate::recogniser::{Fault, Recogniser, silence, tone};

const ALL: [AsrKind; 3] = [AsrKind::Asrproxy, AsrKind::Vosk, AsrKind::Openai];

fn hasty(kind: AsrKind, fake: &Recogniser) -> Asr {
    Asr { result_ms: 600, ..config(kind, &fake.url(word(kind))) }
}

#[tokio::test]
async fn a_sentence_whose_recogniser_dies_is_said_again_once() {
    for kind in ALL {
        let fake = Recogniser::start().await;
        let mut call = Call::over(kind, &fake).await;
        fake.misbehave(Fault::Die(200));
        call.say(1, &["one", "two"]).await;
        assert_eq!(call.whole().await, said(1, "one two"), "{kind:?}");
        fake.misbehave(Fault::Die(200));
        fake.misbehave(Fault::Die(200));
        call.say(2, &["two"]).await;
        call.failure(2).await;
        call.say(3, &["three"]).await;
        assert_eq!(call.whole().await, said(3, "three"), "{kind:?}");
        let (rest, used) = call.hang_up().await;
        assert_eq!(rest, [], "{kind:?}");
        let requests = if kind == AsrKind::Openai { 3 } else { 5 };
        assert_eq!(used.requests, requests, "{kind:?}");
    }
}

#[tokio::test]
async fn a_sentence_goes_to_the_next_address_when_one_dies() {
    let (dying, other) = (Recogniser::start().await, Recogniser::start().await);
    dying.misbehave(Fault::Die(100));
    let list = format!("*{},{}", dying.address, other.address);
    let mut call = Call::of(config(AsrKind::Asrproxy, &list)).await;
    call.say(1, &["one"]).await;
    assert_eq!(call.whole().await, said(1, "one"));
    assert_eq!((dying.asked().paths.len(), other.asked().sentences.len()), (1, 1));
}

#[tokio::test]
async fn a_result_that_does_not_come_is_not_waited_for() {
    join_all(ALL.map(async |kind| {
        let fake = Recogniser::start().await;
        let mut call = Call::of(hasty(kind, &fake)).await;
        fake.misbehave(Fault::Stall);
        call.say(1, &["one"]).await;
        assert_eq!(call.failure(1).await, "no result within 600 ms", "{kind:?}");
        call.say(2, &["two"]).await;
        assert_eq!(call.whole().await, said(2, "two"), "{kind:?}");
        assert_eq!(call.hang_up().await.0, [], "{kind:?}");
    }))
    .await;
}

/// The text of one sentence never becomes that of the next.
#[tokio::test]
async fn a_result_that_comes_too_late_is_nobodys() {
    join_all(ALL.map(async |kind| {
        let fake = Recogniser::start().await;
        let mut call = Call::of(hasty(kind, &fake)).await;
        fake.misbehave(Fault::Slow(700));
        call.say(1, &["one"]).await;
        call.failure(1).await;
        call.begin(2).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        call.audio(&tone("two", 200)).await;
        call.end(2).await;
        assert_eq!(call.whole().await, said(2, "two"), "{kind:?}");
        assert_eq!(call.hang_up().await.0, [], "{kind:?}");
    }))
    .await;
}

#[tokio::test]
async fn nonsense_and_refusals_cost_one_sentence() {
    for kind in ALL {
        let fake = Recogniser::start().await;
        let mut call = Call::over(kind, &fake).await;
        fake.misbehave(Fault::Nonsense);
        call.say(1, &["one"]).await;
        let why = call.failure(1).await;
        assert!(why.contains("JSON"), "{kind:?}: {why}");
        fake.misbehave(Fault::Code500);
        call.say(2, &["two"]).await;
        let why = call.failure(2).await;
        assert!(why.contains("no licence"), "{kind:?}: {why}");
        call.say(3, &["three"]).await;
        assert_eq!(call.whole().await, said(3, "three"), "{kind:?}");
        assert_eq!(call.hang_up().await.0, [], "{kind:?}");
    }
}

/// The next sentence is being said already when nonsense comes of the one before.
#[tokio::test]
async fn the_sentence_after_nonsense_is_said_again() {
    let fake = Recogniser::start().await;
    let mut call = Call::over(AsrKind::Asrproxy, &fake).await;
    fake.misbehave(Fault::Nonsense);
    call.say(1, &["one"]).await;
    call.begin(2).await;
    call.audio(&tone("two", 200)).await;
    call.failure(1).await;
    call.audio(&[silence(60), tone("three", 200)].concat()).await;
    call.end(2).await;
    assert_eq!(call.whole().await, said(2, "two three"));
}

#[tokio::test]
async fn a_result_that_comes_twice_or_after_the_last_is_dropped_and_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let fake = Recogniser::start().await;
    let mut call = Call::over(AsrKind::Asrproxy, &fake).await;
    for (id, fault) in [(1, Fault::Twice), (2, Fault::Stray), (3, Fault::Twice)] {
        fake.misbehave(fault);
        call.say(id, &["one"]).await;
        assert_eq!(call.whole().await, said(id, "one"), "{fault:?}");
        // What comes too much comes before the next sentence.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    call.say(4, &["two"]).await;
    assert_eq!(call.whole().await, said(4, "two"));
    assert_eq!(call.hang_up().await.0, []);
    let shown = shown.render();
    for line in [
        r#"telephonist_asr_dropped_total{recogniser="default"} 3"#,
        r#"telephonist_asr_sentences_total{recogniser="default",outcome="text"} 4"#,
        r#"telephonist_asr_seconds_count{recogniser="default"} 4"#,
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

/// The same while the next sentence is on its way.
#[tokio::test]
async fn a_result_that_comes_twice_is_not_the_next_sentences() {
    let fake = Recogniser::start().await;
    let mut call = Call::over(AsrKind::Asrproxy, &fake).await;
    fake.misbehave(Fault::Twice);
    call.say(1, &["one"]).await;
    call.say(2, &["two"]).await;
    call.say(3, &["three"]).await;
    for (id, text) in [(1, "one"), (2, "two"), (3, "three")] {
        assert_eq!(call.whole().await, said(id, text));
    }
    assert_eq!(call.hang_up().await.0, []);
}

#[tokio::test]
async fn a_connection_that_ends_between_sentences_costs_nothing() {
    let fake = Recogniser::start().await;
    let mut call = Call::over(AsrKind::Asrproxy, &fake).await;
    for id in 1..=3 {
        fake.misbehave(Fault::HangUp);
        call.say(id, &["one"]).await;
        assert_eq!(call.whole().await, said(id, "one"));
    }
    assert_eq!(call.hang_up().await.0, []);
}

#[tokio::test]
async fn a_slow_handshake_holds_up_no_audio() {
    let fake = Recogniser::start().await;
    let mut call = Call::over(AsrKind::Asrproxy, &fake).await;
    fake.misbehave(Fault::SlowHandshake(700));
    call.say(1, &["one", "two"]).await;
    // All of it is taken before anybody hears it.
    assert!(fake.asked().paths.is_empty());
    assert_eq!(call.whole().await, said(1, "one two"));
}

/// N13, N21.
#[tokio::test]
async fn floods_and_huge_messages_end_somewhere() {
    let fake = Recogniser::start().await;
    let mut call = Call::over(AsrKind::Asrproxy, &fake).await;
    fake.misbehave(Fault::Partials(5_000));
    call.say(1, &["one"]).await;
    let mut partials = 0;
    loop {
        match call.told().await {
            FromRecogniser::Partial(..) => partials += 1,
            other => break assert_eq!(other, said(1, "one")),
        }
    }
    assert!((1_000..=2_000).contains(&partials), "{partials}");
    fake.misbehave(Fault::Huge);
    fake.misbehave(Fault::Huge);
    call.say(2, &["two"]).await;
    let why = call.failure(2).await;
    assert!(why.contains("too long") || why.contains("size"), "{why}");
    call.say(3, &["three"]).await;
    assert_eq!(call.whole().await, said(3, "three"));
}

/// N21.
#[tokio::test]
async fn a_sentence_without_end_fails_where_nobody_looks_for_its_end() {
    let fake = Recogniser::start().await;
    for kind in ALL {
        let mut call = Call::over(kind, &fake).await;
        call.begin(1).await;
        call.audio(&silence(26_000)).await;
        assert_eq!(call.failure(1).await, "the sentence is longer than 25 s", "{kind:?}");
        call.say(2, &["two"]).await;
        assert_eq!(call.whole().await, said(2, "two"), "{kind:?}");
    }
    fake.find_ends();
    let mut call = Call::over(AsrKind::Asrproxy, &fake).await;
    call.listen(Hearing { finds_ends: true, ..hearing() }).await;
    call.begin(1).await;
    call.audio(&silence(26_000)).await;
    call.audio(&[tone("one", 200), silence(400)].concat()).await;
    assert!(matches!(call.whole().await, FromRecogniser::Began(_)));
    assert_eq!(call.whole().await, said(1, "one"));
}

#[tokio::test]
async fn more_sentences_than_anybody_understands_fail() {
    let fake = Recogniser::start().await;
    let mut call = Call::over(AsrKind::Openai, &fake).await;
    for id in 1..=9 {
        fake.misbehave(Fault::Slow(50));
        call.say(id, &["one"]).await;
    }
    assert!(call.failure(1).await.contains("more than 8 sentences"));
    for _ in 2..=9 {
        assert!(matches!(call.whole().await, FromRecogniser::Final(..)));
    }
    assert_eq!(call.hang_up().await.0, []);
}
