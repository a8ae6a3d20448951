//! Which recogniser a call has, and what it is told when there is none.

use futures_util::future::join_all;
use telephonist::config::{Asr, AsrKind};
use telephonist::voice::{FromRecogniser, Hearing};

use crate::call::{Call, FORBIDDEN, config, hearing, recognisers, said, until, word};
use crate::recogniser::{Fault, Recogniser, tone};

const ALL: [AsrKind; 3] = [AsrKind::Asrproxy, AsrKind::Vosk, AsrKind::Openai];

#[tokio::test]
async fn who_can_not_be_reached_is_lost_once_and_ready_once() {
    join_all(ALL.map(is_lost_once_and_ready_once)).await;
}

async fn is_lost_once_and_ready_once(kind: AsrKind) {
    let fake = Recogniser::start().await;
    let url = fake.url(word(kind));
    let address = fake.kill().await;
    let mut call = Call::of(config(kind, &url)).await;
    call.say(1, &["one"]).await;
    let why = call.failure(1).await;
    assert!(why.starts_with("Connection refused"), "{kind:?}: {why}");
    assert_eq!(call.whole().await, FromRecogniser::Lost(why), "{kind:?}");
    call.say(2, &["two"]).await;
    call.failure(2).await;
    let _fake = Recogniser::start_at(address).await;
    assert_eq!(call.whole().await, FromRecogniser::Ready, "{kind:?}");
    call.say(3, &["three"]).await;
    assert_eq!(call.whole().await, said(3, "three"), "{kind:?}");
    let (rest, used) = call.hang_up().await;
    assert_eq!((rest, used.requests), (Vec::new(), 1), "{kind:?}");
}

/// What /readyz says: it is asked at the start, and then only after calls have not reached it.
#[tokio::test]
async fn whether_it_is_there_can_be_asked() {
    join_all(ALL.map(async |kind| {
        let fake = Recogniser::start().await;
        let recognisers = recognisers(&[("default", config(kind, &fake.url(word(kind))))]).unwrap();
        let names: Vec<_> = recognisers.names().collect();
        assert_eq!(names, ["default"]);
        assert_eq!(recognisers.fault("default", true).await, None, "{kind:?}");
        let address = fake.kill().await;
        assert_eq!(recognisers.fault("default", false).await, None, "nobody has missed it");
        let mut call = Call::new(&recognisers);
        call.listen(hearing()).await;
        call.say(1, &["one"]).await;
        call.failure(1).await;
        let fault = recognisers.fault("default", false).await.unwrap();
        assert!(fault.starts_with("Connection refused"), "{kind:?}: {fault}");
        let _fake = Recogniser::start_at(address).await;
        assert_eq!(recognisers.fault("default", false).await, None, "{kind:?}");
    }))
    .await;
}

/// Who is killed in a sentence and stays away costs that sentence; who is back has the next.
#[tokio::test]
async fn a_kill_in_a_sentence_costs_that_sentence() {
    join_all([AsrKind::Asrproxy, AsrKind::Vosk].map(async |kind| {
        let fake = Recogniser::start().await;
        let mut call = Call::over(kind, &fake).await;
        call.begin(1).await;
        call.audio(&tone("one", 200)).await;
        until(|| !fake.asked().paths.is_empty()).await;
        let address = fake.kill().await;
        let why = call.failure(1).await;
        assert_eq!(call.whole().await, FromRecogniser::Lost(why), "{kind:?}");
        call.end(1).await;
        let _fake = Recogniser::start_at(address).await;
        assert_eq!(call.whole().await, FromRecogniser::Ready, "{kind:?}");
        call.say(2, &["two"]).await;
        assert_eq!(call.whole().await, said(2, "two"), "{kind:?}");
        assert_eq!(call.hang_up().await.0, [], "{kind:?}");
    }))
    .await;
}

/// Who is killed between two sentences and comes back is used again, and the call hears nothing of
/// it.
#[tokio::test]
async fn a_restart_between_sentences_costs_nothing() {
    for kind in ALL {
        let fake = Recogniser::start().await;
        let mut call = Call::over(kind, &fake).await;
        call.say(1, &["one"]).await;
        assert_eq!(call.whole().await, said(1, "one"), "{kind:?}");
        let _fake = Recogniser::start_at(fake.kill().await).await;
        call.say(2, &["two"]).await;
        assert_eq!(call.whole().await, said(2, "two"), "{kind:?}");
        assert_eq!(call.hang_up().await.0, [], "{kind:?}");
    }
}

/// T1: `asrproxy_addr`.
#[tokio::test]
async fn a_script_can_name_addresses_in_turn() {
    let (a, b) = (Recogniser::start().await, Recogniser::start().await);
    let recognisers = recognisers(&[]).unwrap();
    let addresses = format!("{},ws://{}/asr", a.address, b.address);
    for id in 1..=4 {
        let mut call = Call::new(&recognisers);
        call.listen(Hearing { addresses: addresses.as_str().into(), ..hearing() }).await;
        call.say(id, &["one"]).await;
        assert_eq!(call.whole().await, said(id, "one"));
    }
    assert_eq!((a.asked().paths.len(), b.asked().paths.len()), (2, 2));
}

/// T1: a leading `*`.
#[tokio::test]
async fn a_script_can_name_addresses_in_order() {
    let (a, b) = (Recogniser::start().await, Recogniser::start().await);
    let recognisers = recognisers(&[]).unwrap();
    let addresses = format!("*{},{}", a.address, b.address);
    for id in 1..=3 {
        // The second is told no: its call has the other.
        if id == 2 {
            a.misbehave(Fault::Refuse);
        }
        let mut call = Call::new(&recognisers);
        call.listen(Hearing { addresses: addresses.as_str().into(), ..hearing() }).await;
        call.say(id, &["one"]).await;
        assert_eq!(call.whole().await, said(id, "one"));
    }
    // Who was away is spared for a while: the third call does not ask it.
    assert_eq!((a.asked().paths.len(), b.asked().paths.len()), (1, 2));
}

/// N15.
#[tokio::test]
async fn a_script_can_not_name_what_may_not_be_reached() {
    let mut call = Call::new(&recognisers(&[]).unwrap());
    call.listen(Hearing { addresses: format!("{FORBIDDEN}:1").into(), ..hearing() }).await;
    call.say(1, &["one"]).await;
    assert_eq!(call.failure(1).await, "asrproxy_addr: 169.254.1.1 is a link-local address");
    call.listen(Hearing { addresses: "ftp://h".into(), ..hearing() }).await;
    call.say(2, &["one"]).await;
    assert!(call.failure(2).await.contains("is no address we can ask"));
}

#[tokio::test]
async fn a_script_can_name_a_recogniser_of_the_configuration() {
    let (fake, other) = (Recogniser::start().await, Recogniser::start().await);
    let named = [
        ("default", config(AsrKind::Vosk, &fake.url("vosk"))),
        ("slow", config(AsrKind::Openai, &other.url("openai"))),
    ];
    let mut call = Call::new(&recognisers(&named).unwrap());
    let group = |name: &str| {
        let asr_params = format!(r#"{{"group":"{name}"}}"#).into();
        Hearing { asr_params, ..hearing() }
    };
    call.listen(hearing()).await;
    call.say(1, &["one"]).await;
    assert_eq!(call.whole().await, said(1, "one"));
    call.listen(group("slow")).await;
    call.say(2, &["two"]).await;
    assert_eq!(call.whole().await, said(2, "two"));
    assert_eq!((fake.asked().sentences.len(), other.asked().sentences.len()), (1, 1));
    call.listen(group("none")).await;
    call.say(3, &["three"]).await;
    let why = call.failure(3).await;
    assert!(why.contains("there is no recogniser `none`: set [speech.asr.none]"), "{why}");
    call.listen(Hearing { finds_ends: true, ..group("slow") }).await;
    call.begin(4).await;
    assert!(call.failure(4).await.contains("use vad_mode 0"));
    assert_eq!(call.hang_up().await.0, []);
}

#[tokio::test]
async fn without_a_recogniser_each_sentence_fails_with_the_remedy() {
    let mut call = Call::new(&recognisers(&[]).unwrap());
    call.listen(hearing()).await;
    for id in 1..=2 {
        call.say(id, &["one"]).await;
        let why = "no recogniser is configured: set [speech.asr.default]";
        assert_eq!(call.failure(id).await, why);
    }
    assert_eq!(call.hang_up().await.0, []);
}

#[test]
fn a_section_that_can_not_be_used_is_named() {
    let error = |asr: Asr| match recognisers(&[("a", asr)]) {
        Ok(_) => panic!("it is used"),
        Err(error) => error.to_string(),
    };
    let fault = error(config(AsrKind::Vosk, "ftp://h"));
    assert!(fault.starts_with("speech.asr.a.url: is no address we can ask"), "{fault}");
    let proxied = Asr { proxy: "p".into(), ..config(AsrKind::Vosk, "ws://h") };
    assert_eq!(error(proxied), "speech.asr.a.proxy: `p` is no proxy");
}
