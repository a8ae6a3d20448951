//! The mouth (E8, I20): files, the web, programs and services, over real sockets on loopback.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod cached;
mod fake;
mod programs;
mod services;
mod sources;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Client, Url};
use telephonist::config::{Config, Tts, TtsKind};
use telephonist::engine::{Source, Tick};
use telephonist::script::VoiceSettings;
use telephonist::speech::{Mouth, Net, Used};
use telephonist::voice::{Delivery, Wanted};

/// What takes longer does not end.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of a fetch.
#[derive(Debug, Default, PartialEq)]
struct Fetched {
    pieces: Vec<Arc<[i16]>>,
    /// `Done`, or why not.
    ended: Option<Result<(), String>>,
    used: Vec<Used>,
}

impl Fetched {
    fn take(&mut self, delivery: Delivery) {
        assert_eq!(self.ended, None, "nothing comes after the end");
        match delivery {
            Delivery::Piece(piece) => self.pieces.push(piece),
            Delivery::Done => self.ended = Some(Ok(())),
            Delivery::Failed(why) => self.ended = Some(Err(why.into())),
        }
    }

    /// All of it; it must have come to its end.
    fn samples(&self) -> Vec<i16> {
        assert_eq!(self.ended, Some(Ok(())));
        self.pieces.concat()
    }

    fn error(&self) -> String {
        self.ended.clone().unwrap().unwrap_err()
    }
}

async fn fetch(mouth: &Mouth, wanted: &Wanted) -> Fetched {
    let mut fetched = Fetched::default();
    let mut used = Vec::new();
    let fetching = mouth.fetch(wanted, |delivery| fetched.take(delivery), |u| used.push(u));
    tokio::time::timeout(PATIENCE, fetching).await.unwrap();
    fetched.used = used;
    fetched
}

fn net() -> Net {
    let check = |url: &Url| match url.host_str() {
        Some("169.254.169.254") => Err("it may not go there".to_owned()),
        _ => Ok(()),
    };
    let client = Client::builder().no_proxy().build().unwrap();
    Net::new(client, check, |proxy| match proxy {
        "" => Ok(Client::new()),
        proxy => Err(format!("{proxy} is no proxy")),
    })
}

/// A configuration whose folders are below this one, and whose default voice is this.
fn config(folder: &Path, default: Tts) -> Config {
    let mut config = Config { data_dir: folder.join("data"), ..Config::default() };
    config.scripts.audio_dir = folder.join("audio");
    config.speech.tts.insert("default".into(), default);
    config
}

fn mouth(config: &Config) -> Mouth {
    Mouth::new(config, net(), || Tick(0)).unwrap()
}

/// A mouth whose clock says what this is set to.
fn mouth_at(config: &Config, now_ms: &Arc<AtomicU64>) -> Mouth {
    let now_ms = Arc::clone(now_ms);
    Mouth::new(config, net(), move || Tick(now_ms.load(Ordering::Relaxed))).unwrap()
}

fn service(kind: TtsKind, url: &str) -> Tts {
    let (url, secret) = (url.to_owned(), telephonist::config::Secret("key".into()));
    Tts { kind, url, secret, voice: "anna".into(), model: "m1".into(), ..Tts::default() }
}

fn wanted(source: Source) -> Wanted {
    Wanted { source, voicedir: "".into(), voice: Arc::default() }
}

fn text(text: &str) -> Wanted {
    wanted(Source::Text(text.into()))
}

fn text_by(said: &str, voice: VoiceSettings) -> Wanted {
    Wanted { voice: Arc::new(voice), ..text(said) }
}
