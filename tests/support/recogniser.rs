//! A recogniser on loopback that understands tones: it speaks all protocols on one port (I25, I26),
//! answers by the audio it got, and misbehaves as a test says.
//!
//! A caller "says" a word of [`WORDS`] by its tone; what is silent is no word. So nothing can pass
//! that sends other audio than the caller's, or too little of it, or in the wrong order.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tokio::{TokioAdapter, accept_hdr_async};
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::handshake::server::{Request, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What can be said; the tone of the first is 400 Hz, of each further one 100 Hz more.
pub(crate) const WORDS: [&str; 10] =
    ["да", "нет", "贷款", "one", "two", "three", "loan", "yes", "no", "repeat"];

const RATE: f64 = 8_000.0;
const FRAME_SAMPLES: usize = 160;
/// A shorter tone is no word.
const WORD_FRAMES_MIN: usize = 3;
/// A caller's tone is louder, silence is not.
const LOUD_MEAN: f64 = 500.0;
/// Silence that ends a sentence for Vosk, frames.
const VOSK_SILENCE_FRAMES: usize = 30;

/// Something a recogniser should not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The next connection: no WebSocket, status 503.
    Refuse,
    /// The next connection: the handshake takes so long, ms.
    SlowHandshake(u64),
    /// The next sentence: the connection dies after so much of it, ms.
    Die(usize),
    /// The next sentence: no result, ever.
    Stall,
    /// The next sentence: the result comes so late, ms.
    Slow(u64),
    /// The next sentence: something that is no answer at all.
    Nonsense,
    /// The next sentence: an answer that says it failed.
    Code500,
    /// The next sentence: the result, and the same again.
    Twice,
    /// The next sentence: the result, and then another one.
    Stray,
    /// The next sentence: the result, and the connection ends.
    HangUp,
    /// The next sentence: so many partial texts, all different.
    Partials(usize),
    /// The next sentence: a message of 2 MiB.
    Huge,
}

impl Fault {
    fn is_of_connection(self) -> bool {
        matches!(self, Self::Refuse | Self::SlowHandshake(_))
    }
}

/// A sentence as it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Understood {
    pub(crate) text: String,
    pub(crate) ms: usize,
}

/// What it was asked so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Path and query of each connection or request.
    pub(crate) paths: Vec<String>,
    /// `Authorization` of each, or nothing.
    pub(crate) authorizations: Vec<String>,
    /// The sentences that ended, whatever was answered.
    pub(crate) sentences: Vec<Understood>,
    /// How often `close` was said.
    pub(crate) goodbyes: usize,
    /// The bodies of requests, without the audio.
    pub(crate) forms: Vec<String>,
    /// Requests on their way at once, at most.
    pub(crate) at_once: usize,
}

#[derive(Default)]
struct State {
    asked: Mutex<Asked>,
    faults: Mutex<VecDeque<Fault>>,
    /// It ends sentences itself, over the protocol of the original too.
    finds_ends: Mutex<bool>,
    running: Mutex<usize>,
}

/// A running recogniser; it and all its connections are gone when dropped.
pub(crate) struct Recogniser {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    serving: JoinSet<()>,
}

impl Recogniser {
    /// On a port of the system's choice.
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    /// On a port where another was before.
    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, serving }
    }

    /// Dies, with all its connections; another can start at its address then.
    pub(crate) async fn kill(mut self) -> SocketAddr {
        self.serving.shutdown().await;
        self.address
    }

    /// The address of one of its protocols: `ws://…/asr`, `ws://…/`, `http://…/v1`.
    pub(crate) fn url(&self, kind: &str) -> String {
        let address = self.address;
        match kind {
            "asrproxy" => format!("ws://{address}/asr"),
            "vosk" => format!("ws://{address}"),
            "openai" => format!("http://{address}/v1"),
            other => panic!("no protocol {other}"),
        }
    }

    /// The next connection or sentence that this can happen to has it happen, after those named
    /// before.
    pub(crate) fn misbehave(&self, fault: Fault) {
        self.state.faults.lock().unwrap().push_back(fault);
    }

    /// From now on it ends sentences itself.
    pub(crate) fn find_ends(&self) {
        *self.state.finds_ends.lock().unwrap() = true;
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Asked {
        self.state.asked.lock().unwrap().clone()
    }
}

impl State {
    fn fault(&self, of_connection: bool) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let is_next = faults.front()?.is_of_connection() == of_connection;
        if is_next { faults.pop_front() } else { None }
    }

    fn note_connection(&self, path: &str, authorization: &str) {
        let mut asked = self.asked.lock().unwrap();
        asked.paths.push(path.to_owned());
        asked.authorizations.push(authorization.to_owned());
    }

    fn note_sentence(&self, ear: &Ear) -> String {
        let text = ear.text();
        let understood = Understood { text: text.clone(), ms: ear.ms() };
        self.asked.lock().unwrap().sentences.push(understood);
        text
    }
}

/// So long of a word's tone.
pub(crate) fn tone(word: &str, ms: usize) -> Vec<i16> {
    let at = WORDS.iter().position(|known| *known == word).unwrap();
    (0..ms * 8).map(|n| (8_000.0 * (TAU * hertz(at) * n as f64 / RATE).sin()) as i16).collect()
}

/// So long of nothing.
pub(crate) fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}

/// The words of these samples.
pub(crate) fn words(samples: &[i16]) -> String {
    let mut ear = Ear::default();
    ear.hear(samples);
    ear.text()
}

/// What it makes of a sentence, frame by frame.
#[derive(Default)]
struct Ear {
    samples: usize,
    /// The beginning of the next frame.
    rest: Vec<i16>,
    said: Vec<&'static str>,
    last: Option<usize>,
    /// Frames that were like the last.
    run: usize,
}

impl Ear {
    fn hear(&mut self, samples: &[i16]) {
        self.samples += samples.len();
        self.rest.extend(samples);
        let rest = std::mem::take(&mut self.rest);
        let frames = rest.chunks_exact(FRAME_SAMPLES);
        self.rest = frames.remainder().to_vec();
        for frame in frames {
            let heard = word_of(frame);
            self.run = if heard == self.last { self.run + 1 } else { 1 };
            self.last = heard;
            if let (Some(at), WORD_FRAMES_MIN) = (heard, self.run) {
                self.said.extend(WORDS.get(at));
            }
        }
    }

    fn text(&self) -> String {
        self.said.join(" ")
    }

    fn ms(&self) -> usize {
        self.samples / 8
    }

    fn silent_frames(&self) -> usize {
        if self.last.is_none() { self.run } else { 0 }
    }
}

fn hertz(at: usize) -> f64 {
    400.0 + 100.0 * at as f64
}

/// A frame is a word if so much of its power is at the word's frequency: a voice never has.
const WORD_SHARE: f64 = 0.6;

/// A voice, and no word of ours.
const VOICE: usize = WORDS.len();

/// The word whose tone has the most power (Goertzel), if the frame is loud; `VOICE` if that is not
/// most of it.
fn word_of(frame: &[i16]) -> Option<usize> {
    let count = frame.len() as f64;
    let mean = frame.iter().map(|s| f64::from(*s).abs()).sum::<f64>() / count;
    if mean < LOUD_MEAN {
        return None;
    }
    let power = |at: usize| {
        let coefficient = 2.0 * (TAU * hertz(at) / RATE).cos();
        let (mut s1, mut s2) = (0.0, 0.0);
        for sample in frame {
            (s1, s2) = (f64::from(*sample) + coefficient * s1 - s2, s1);
        }
        2.0 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2) / (count * count)
    };
    let loudest = (0..WORDS.len()).max_by(|a, b| power(*a).total_cmp(&power(*b)))?;
    let all = frame.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / count;
    Some(if power(loudest) > WORD_SHARE * all { loudest } else { VOICE })
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        connections.spawn(serve(stream, Arc::clone(&state)));
    }
}

/// A connection that breaks is the test's wish or the client's; either way it is over.
#[expect(clippy::result_large_err, reason = "the handshake's callback has this type")]
async fn serve(mut stream: TcpStream, state: Arc<State>) {
    // Heads are short, and come as one.
    let mut head = [0; 2_048];
    let Ok(count) = stream.peek(&mut head).await else { return };
    let head = String::from_utf8_lossy(&head[..count]).to_ascii_lowercase();
    if head.starts_with("post ") {
        drop(transcribe(stream, &state).await);
        return;
    }
    if !head.contains("upgrade: websocket") {
        drop(respond(&mut stream, 404, "").await);
        return;
    }
    match state.fault(true) {
        Some(Fault::Refuse) => {
            drop(respond(&mut stream, 503, "").await);
            return;
        }
        Some(Fault::SlowHandshake(ms)) => tokio::time::sleep(Duration::from_millis(ms)).await,
        _ => {}
    }
    let mut uri = String::new();
    let note = |request: &Request, response: Response| {
        uri = request.uri().to_string();
        let authorization = request.headers().get("authorization");
        let authorization = authorization.and_then(|text| text.to_str().ok()).unwrap_or_default();
        state.note_connection(&uri, authorization);
        Ok(response)
    };
    let Ok(socket) = accept_hdr_async(stream, note).await else { return };
    let talk =
        Talk { socket, state: &state, ear: Ear::default(), fault: None, told: String::new() };
    if uri.starts_with("/asr") {
        talk.asrproxy(&uri).await
    } else {
        talk.vosk().await
    };
}

type Socket = WebSocketStream<TokioAdapter<TcpStream>>;

/// One WebSocket. Its protocols end with `None` when it breaks.
struct Talk<'a> {
    socket: Socket,
    state: &'a State,
    /// Of the sentence that is being said.
    ear: Ear,
    fault: Option<Fault>,
    /// The last partial text.
    told: String,
}

impl Talk<'_> {
    async fn asrproxy(mut self, uri: &str) -> Option<()> {
        let parameter = |name: &str| uri.split(['?', '&']).find_map(|p| p.strip_prefix(name));
        let silence_ms: usize = parameter("end_silence_time=")?.parse().ok()?;
        while let Some(Ok(message)) = self.socket.next().await {
            match message {
                Message::Binary(bytes) => {
                    if self.ear.samples == 0 {
                        self.result("SentenceBegin", "").await?;
                    }
                    self.take(&bytes)?;
                    let text = self.news();
                    if let Some(text) = text {
                        self.result("SentenceStreaming", &text).await?;
                    }
                    let ended = self.ear.silent_frames() >= silence_ms / 20;
                    if *self.state.finds_ends.lock().unwrap() && ended && !self.told.is_empty() {
                        self.end_asrproxy().await?;
                    }
                }
                Message::Text(text) if text.as_str() == "stop" => self.end_asrproxy().await?,
                Message::Text(text) if text.as_str() == "close" => {
                    self.state.asked.lock().unwrap().goodbyes += 1;
                }
                _ => {}
            }
        }
        None
    }

    async fn end_asrproxy(&mut self) -> Option<()> {
        let text = self.state.note_sentence(&std::mem::take(&mut self.ear));
        self.told.clear();
        match self.fault.take() {
            Some(Fault::Stall) => return Some(()),
            Some(Fault::Slow(ms)) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Some(Fault::Nonsense) => return self.send("<html>502</html>").await,
            Some(Fault::Code500) => {
                return self.send(r#"{"code":500,"msg":"no licence"}"#).await;
            }
            Some(Fault::Huge) => return self.send(&"x".repeat(2 << 20)).await,
            Some(Fault::Partials(count)) => {
                for number in 0..count {
                    self.result("SentenceStreaming", &number.to_string()).await?;
                }
            }
            Some(Fault::Twice) => self.result("SentenceEnd", &text).await?,
            Some(Fault::Stray) => {
                self.result("SentenceEnd", &text).await?;
                return self.result("SentenceEnd", "stray").await;
            }
            Some(Fault::HangUp) => {
                self.result("SentenceEnd", &text).await?;
                return None;
            }
            _ => {}
        }
        self.result("SentenceEnd", &text).await
    }

    async fn vosk(mut self) -> Option<()> {
        while let Some(Ok(message)) = self.socket.next().await {
            match message {
                Message::Binary(bytes) => {
                    self.take(&bytes)?;
                    let ended = self.ear.silent_frames() >= VOSK_SILENCE_FRAMES;
                    let partial = self.ear.text();
                    if ended && !partial.is_empty() {
                        self.end_vosk().await?;
                    } else {
                        self.send(&json!({ "partial": partial }).to_string()).await?;
                    }
                }
                Message::Text(text) => {
                    let said: Value = serde_json::from_str(text.as_str()).ok()?;
                    if said["eof"] == 1 {
                        self.end_vosk().await?;
                        drop(self.socket.close(None).await);
                        return None;
                    }
                    assert_eq!(said, json!({ "config": { "sample_rate": 8000 } }));
                }
                _ => {}
            }
        }
        None
    }

    async fn end_vosk(&mut self) -> Option<()> {
        let text = self.state.note_sentence(&std::mem::take(&mut self.ear));
        let text = json!({ "text": text }).to_string();
        match self.fault.take() {
            Some(Fault::Stall) => std::future::pending().await,
            Some(Fault::Slow(ms)) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Some(Fault::Nonsense) => return self.send("<html>502</html>").await,
            Some(Fault::Code500) => return self.send(r#"{"error":"no licence"}"#).await,
            Some(Fault::Twice) => self.send(&text).await?,
            _ => {}
        }
        self.send(&text).await
    }

    /// Takes audio; `None` if it is time to die.
    fn take(&mut self, bytes: &[u8]) -> Option<()> {
        if self.ear.samples == 0 {
            self.fault = self.state.fault(false);
        }
        let samples = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
        self.ear.hear(&samples.collect::<Vec<_>>());
        match self.fault {
            Some(Fault::Die(ms)) if self.ear.ms() >= ms => None,
            _ => Some(()),
        }
    }

    /// What was understood, if that is more than it was.
    fn news(&mut self) -> Option<String> {
        let text = self.ear.text();
        if text.is_empty() || text == self.told {
            return None;
        }
        self.told.clone_from(&text);
        Some(text)
    }

    async fn result(&mut self, name: &str, text: &str) -> Option<()> {
        let result = json!({ "code": 200, "data": { "result": { "name": name, "text": text } } });
        self.send(&result.to_string()).await
    }

    async fn send(&mut self, text: &str) -> Option<()> {
        self.socket.send(Message::text(text)).await.ok()
    }
}

/// One request with a form, the audio in it as a WAV.
async fn transcribe(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut request = Vec::new();
    let head_end = loop {
        if let Some(at) = find(&request, b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&request[..head_end]).into_owned();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length: usize = header("content-length").unwrap().parse().unwrap();
    while request.len() < head_end + length {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let path = head.split(' ').nth(1).unwrap();
    state.note_connection(path, &header("authorization").unwrap_or_default());
    let wav = head_end + find(&request[head_end..], b"RIFF").unwrap();
    let bytes = u32::from_le_bytes(request[wav + 4..wav + 8].try_into().unwrap()) as usize + 8;
    let mut reader = hound::WavReader::new(&request[wav..wav + bytes]).unwrap();
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (8_000, 1));
    let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
    let form = [&request[head_end..wav], &request[wav + bytes..]].concat();
    state.asked.lock().unwrap().forms.push(String::from_utf8_lossy(&form).into_owned());
    let _running = Running::one_more(state);
    let mut ear = Ear::default();
    ear.hear(&samples);
    let text = state.note_sentence(&ear);
    match state.fault(false) {
        Some(Fault::Die(_)) => return Ok(()),
        Some(Fault::Stall) => std::future::pending().await,
        Some(Fault::Slow(ms)) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Some(Fault::Nonsense) => return respond(&mut stream, 200, "<html>").await,
        Some(Fault::Code500) => {
            let refusal = r#"{"error":{"message":"no licence"}}"#;
            return respond(&mut stream, 500, refusal).await;
        }
        Some(Fault::Huge) => return respond(&mut stream, 200, &"x".repeat(2 << 20)).await,
        _ => {}
    }
    respond(&mut stream, 200, &json!({ "text": text }).to_string()).await
}

async fn respond(stream: &mut TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// A request that is being answered.
struct Running<'a>(&'a State);

impl<'a> Running<'a> {
    fn one_more(state: &'a State) -> Self {
        let mut running = state.running.lock().unwrap();
        *running += 1;
        let mut asked = state.asked.lock().unwrap();
        asked.at_once = asked.at_once.max(*running);
        Self(state)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap() -= 1;
    }
}
