//! What the mouth meets: a service on loopback that speaks, and a program that does.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A running service; gone when dropped.
pub(crate) struct Voicebox {
    pub(crate) url: String,
    told: Arc<Told>,
    _serving: JoinSet<()>,
}

struct Told {
    asked: Mutex<Vec<Asked>>,
    answer: Box<dyn Fn(&Asked) -> Response + Send + Sync>,
}

impl Voicebox {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Told { asked: Mutex::default(), answer: Box::new(answer) });
        let routes = Router::new().fallback(serve).with_state(Arc::clone(&told));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, told, _serving: serving }
    }

    /// Answers everything with this.
    pub(crate) async fn of(content_type: &'static str, body: Vec<u8>) -> Self {
        Self::start(move |_| answer(content_type, body.clone())).await
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.told.asked.lock().unwrap().clone()
    }
}

async fn serve(
    State(told): State<Arc<Told>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let asked = Asked { path: uri.to_string(), headers, body };
    told.asked.lock().unwrap().push(asked.clone());
    (told.answer)(&asked)
}

pub(crate) fn answer(content_type: &str, body: impl Into<Body>) -> Response {
    Response::builder().header("content-type", content_type).body(body.into()).unwrap()
}

/// A body that comes as the test sends it, and ends when the sender is dropped; an error breaks it off.
pub(crate) fn in_pieces() -> (mpsc::Sender<io::Result<Vec<u8>>>, Body) {
    let (sender, receiver) = mpsc::channel::<io::Result<Vec<u8>>>(16);
    let pieces = stream::unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    });
    (sender, Body::from_stream(pieces))
}

/// Samples that are not silence.
pub(crate) fn samples(count: usize) -> Vec<i16> {
    (0..i16::MAX).cycle().step_by(7).take(count).collect()
}

pub(crate) fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// A WAV file at the telephone's rate: what comes out is what is in it.
pub(crate) fn wav(samples: &[i16]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
    file.into_inner()
}

/// A voice's command that is this shell script; `$here` is its folder. The shell reads it: a file that was
/// written a moment ago can't always be run, where other threads start programs.
pub(crate) fn program(folder: &Path, script: &str) -> Vec<String> {
    let path = folder.join("voice.sh");
    fs::write(&path, format!("here=$(dirname \"$0\")\n{script}\n")).unwrap();
    ["/bin/sh", path.to_str().unwrap(), "--voice={voice}", "-"].map(Into::into).into()
}
