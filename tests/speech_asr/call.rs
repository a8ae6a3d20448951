//! A call that has its recognisers understand what it says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use smol_str::SmolStr;
use telephonist::config::{Asr, AsrKind, Speech};
use telephonist::engine::Tick;
use telephonist::speech::{Net, Recognisers, SpeechError, Usage};
use telephonist::voice::{FromRecogniser, Hearing, SentenceId, ToRecogniser};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::recogniser::{Recogniser, silence, tone};

/// What takes longer does not end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Addresses that the net of these tests lets no script have.
pub(crate) const FORBIDDEN: &str = "169.254.1.1";

pub(crate) fn net() -> Net {
    let check = |url: &reqwest::Url| match url.host_str() {
        Some(FORBIDDEN) => Err(format!("{FORBIDDEN} is a link-local address")),
        _ => Ok(()),
    };
    let proxied = |proxy: &str| match proxy {
        "" => Ok(reqwest::Client::new()),
        proxy => Err(format!("`{proxy}` is no proxy")),
    };
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Net::new(client, check, proxied)
}

/// One recogniser of this kind as `default`.
pub(crate) fn config(kind: AsrKind, url: &str) -> Asr {
    Asr { kind, url: url.into(), connect_ms: 1_000, result_ms: 2_000, ..Asr::default() }
}

pub(crate) fn recognisers(named: &[(&str, Asr)]) -> Result<Recognisers, SpeechError> {
    let asr: BTreeMap<_, _> =
        named.iter().map(|(name, asr)| ((*name).to_owned(), asr.clone())).collect();
    Recognisers::new(&Speech { asr, ..Speech::default() }, net(), || Tick(0))
}

/// How these tests listen if they don't say otherwise.
pub(crate) fn hearing() -> Hearing {
    Hearing { appid: "1".into(), end_silence_ms: 400, ..Hearing::default() }
}

pub(crate) struct Call {
    asked: Option<mpsc::Sender<ToRecogniser>>,
    told: mpsc::Receiver<FromRecogniser>,
    used: Arc<Mutex<Usage>>,
    serving: JoinSet<()>,
}

impl Call {
    /// A call whose recogniser is this one.
    pub(crate) async fn of(asr: Asr) -> Self {
        let call = Self::new(&recognisers(&[("default", asr)]).unwrap());
        call.listen(hearing()).await;
        call
    }

    /// The same over one protocol of a fake.
    pub(crate) async fn over(kind: AsrKind, fake: &Recogniser) -> Self {
        Self::of(config(kind, &fake.url(word(kind)))).await
    }

    pub(crate) fn new(recognisers: &Recognisers) -> Self {
        // Few, so that who does not take what is asked is noticed.
        let (ask, asked) = mpsc::channel(4);
        let (tell, told) = mpsc::channel(10_000);
        let used = Arc::new(Mutex::new(Usage::default()));
        let counted = Arc::clone(&used);
        let recognisers = recognisers.clone();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let count = move |usage: Usage| {
                let mut sum = counted.lock().unwrap();
                sum.requests += usage.requests;
                sum.audio_ms += usage.audio_ms;
            };
            let tell = move |told| tell.try_send(told).unwrap();
            recognisers.serve(SmolStr::new("call"), asked, tell, count).await;
        });
        Self { asked: Some(ask), told, used, serving }
    }

    pub(crate) async fn ask(&self, asked: ToRecogniser) {
        let ask = self.asked.as_ref().unwrap();
        timeout(PATIENCE, ask.send(asked)).await.unwrap().unwrap();
    }

    pub(crate) async fn listen(&self, hearing: Hearing) {
        self.ask(ToRecogniser::Listen(Box::new(hearing))).await;
    }

    pub(crate) async fn begin(&self, id: u32) {
        self.ask(ToRecogniser::Begin(SentenceId(id))).await;
    }

    /// Audio in frames, as fast as it is taken.
    pub(crate) async fn audio(&self, samples: &[i16]) {
        for frame in samples.chunks(160) {
            self.ask(ToRecogniser::Audio(frame.into())).await;
        }
    }

    pub(crate) async fn end(&self, id: u32) {
        self.ask(ToRecogniser::End(SentenceId(id))).await;
    }

    pub(crate) async fn cancel(&self, id: u32) {
        self.ask(ToRecogniser::Cancel(SentenceId(id))).await;
    }

    /// A whole sentence: each word 200 ms, with a pause of 100 ms after it.
    pub(crate) async fn say(&self, id: u32, words: &[&str]) {
        self.begin(id).await;
        for word in words {
            self.audio(&tone(word, 200)).await;
            self.audio(&silence(100)).await;
        }
        self.end(id).await;
    }

    /// The next thing told.
    pub(crate) async fn told(&mut self) -> FromRecogniser {
        timeout(PATIENCE, self.told.recv()).await.unwrap().unwrap()
    }

    /// The next that is no partial text.
    pub(crate) async fn whole(&mut self) -> FromRecogniser {
        loop {
            match self.told().await {
                FromRecogniser::Partial(..) => {}
                other => return other,
            }
        }
    }

    /// Why this sentence failed, which must be what comes next.
    pub(crate) async fn failure(&mut self, id: u32) -> SmolStr {
        match self.whole().await {
            FromRecogniser::Failed(failed, why) if failed == SentenceId(id) => why,
            other => panic!("{other:?}"),
        }
    }

    /// What was not told yet, and what was used, at the end of the call.
    pub(crate) async fn hang_up(mut self) -> (Vec<FromRecogniser>, Usage) {
        self.asked = None;
        timeout(PATIENCE, self.serving.join_next()).await.unwrap().unwrap().unwrap();
        let mut rest = Vec::new();
        while let Some(told) = self.told.recv().await {
            rest.push(told);
        }
        (rest, *self.used.lock().unwrap())
    }
}

pub(crate) fn word(kind: AsrKind) -> &'static str {
    match kind {
        AsrKind::Asrproxy => "asrproxy",
        AsrKind::Vosk => "vosk",
        AsrKind::Openai => "openai",
    }
}

pub(crate) fn said(id: u32, text: &str) -> FromRecogniser {
    FromRecogniser::Final(SentenceId(id), text.into())
}

/// Waits until this is so: the other side of a connection has its own time.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}
