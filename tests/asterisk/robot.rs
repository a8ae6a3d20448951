//! A robot without a conversation: it does over FastAGI and AudioSocket what a test tells it to (S20 to
//! S24).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use crate::asterisk::Addresses;
use crate::rtp::spawn;

/// Whatever a test waits for is here by now, or never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// 20 ms of sound at 8000 Hz.
const FRAME: Duration = Duration::from_millis(20);
const FRAME_SAMPLES: usize = 160;

/// Kinds of AudioSocket's frames.
const UUID: u8 = 0x01;
const KEY: u8 = 0x03;
const SOUND: u8 = 0x10;

/// Both ports, and the connections that no test has asked for yet.
pub(crate) struct Robot {
    addresses: Addresses,
    desk: Arc<Desk>,
    announced: Mutex<BTreeSet<Uuid>>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Default)]
struct Desk {
    sessions: Mutex<Vec<Session>>,
    links: Mutex<Vec<Link>>,
    came: watch::Sender<()>,
}

impl Robot {
    pub(crate) async fn start() -> Self {
        let fastagi = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let audiosocket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = Addresses {
            fastagi: fastagi.local_addr().unwrap(),
            audiosocket: audiosocket.local_addr().unwrap(),
        };
        let desk = Arc::new(Desk::default());
        let tasks = [
            spawn(take_sessions(fastagi, desk.clone())),
            spawn(take_links(audiosocket, desk.clone())),
        ];
        Self { addresses, desk, announced: Mutex::default(), tasks }
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The dialplan will bring the sound of a call.
    pub(crate) fn announce(&self, uuid: Uuid) {
        self.announced.lock().unwrap().insert(uuid);
    }

    /// `EXEC AudioSocket`, which brings the sound of a call to us.
    pub(crate) fn bring_sound(&self, uuid: Uuid) -> String {
        self.announce(uuid);
        format!("EXEC AudioSocket {uuid},{}", self.addresses.audiosocket)
    }

    /// The next session for a script: `flow/loan`.
    pub(crate) async fn session(&self, script: &str) -> Session {
        let is_it = |session: &Session| session.header("network_script") == script;
        self.desk.take(&self.desk.sessions, is_it).await
    }

    /// The sound of a call.
    pub(crate) async fn link(&self, uuid: Uuid) -> Link {
        self.desk.take(&self.desk.links, |link| link.uuid == uuid).await
    }

    /// The sound of a call whose id the switch made.
    pub(crate) async fn link_nobody_announced(&self) -> Link {
        let is_strange = |link: &Link| !self.announced.lock().unwrap().contains(&link.uuid);
        self.desk.take(&self.desk.links, is_strange).await
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Desk {
    async fn take<T>(&self, waiting: &Mutex<Vec<T>>, is_it: impl Fn(&T) -> bool) -> T {
        let mut came = self.came.subscribe();
        let found = timeout(PATIENCE, async {
            loop {
                {
                    let mut waiting = waiting.lock().unwrap();
                    if let Some(place) = waiting.iter().position(&is_it) {
                        return waiting.remove(place);
                    }
                }
                came.changed().await.unwrap();
            }
        });
        found.await.expect("the switch connects")
    }
}

async fn take_sessions(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        if let Some(session) = Session::open(stream).await {
            desk.sessions.lock().unwrap().push(session);
            desk.came.send_replace(());
        }
    }
}

async fn take_links(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        if let Some(link) = Link::open(stream).await {
            desk.links.lock().unwrap().push(link);
            desk.came.send_replace(());
        }
    }
}

/// An AGI that the dialplan runs. Dropped, it is over, and the dialplan goes on.
pub(crate) struct Session {
    stream: BufStream<TcpStream>,
    headers: BTreeMap<String, String>,
}

impl Session {
    async fn open(stream: TcpStream) -> Option<Self> {
        let mut session = Self { stream: BufStream::new(stream), headers: BTreeMap::new() };
        loop {
            let line = session.line().await?;
            let Some((name, value)) = line.split_once(": ") else { return Some(session) };
            let name = name.trim_start_matches("agi_").to_owned();
            session.headers.insert(name, value.to_owned());
        }
    }

    /// What the switch said of the call, without `agi_`; empty if it did not.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Asks for something and waits for the response. `HANGUP`, when the caller does, comes as a line
    /// of its own before it: all lines are returned.
    pub(crate) async fn ask(&mut self, command: &str) -> String {
        self.send(command).await;
        self.response().await
    }

    pub(crate) async fn send(&mut self, command: &str) {
        self.stream.write_all(format!("{command}\n").as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The response to what was sent; all that came if the switch has gone.
    pub(crate) async fn response(&mut self) -> String {
        let mut lines = Vec::new();
        loop {
            let Some(line) = self.line().await else { return lines.join("\n") };
            let is_last = line.starts_with(|first: char| first.is_ascii_digit())
                && line.as_bytes().get(3) == Some(&b' ');
            lines.push(line);
            if is_last {
                return lines.join("\n");
            }
        }
    }

    /// The value of a variable of the channel.
    pub(crate) async fn variable(&mut self, name: &str) -> String {
        self.ask(&format!("GET VARIABLE {name}")).await
    }

    /// The next line, without its end; `None` after the last.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_until(b'\n', &mut bytes));
        let count = read.await.expect("the switch responds").unwrap_or(0);
        (count > 0).then(|| String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    }
}

/// The sound of one call. Sends 20 ms each 20 ms, silence included, until dropped: then it closes.
pub(crate) struct Link {
    pub(crate) uuid: Uuid,
    state: Arc<Mutex<LinkState>>,
    closed: watch::Receiver<bool>,
    reader: JoinHandle<()>,
    writer: JoinHandle<OwnedWriteHalf>,
    is_ending: watch::Sender<bool>,
}

#[derive(Default)]
struct LinkState {
    /// What is said again and again; silence if empty.
    saying: Vec<i16>,
    heard: Vec<i16>,
    keys: String,
}

impl Link {
    async fn open(mut stream: TcpStream) -> Option<Self> {
        stream.set_nodelay(true).unwrap();
        let (kind, payload) = frame(&mut stream).await?;
        assert_eq!(kind, UUID, "the first frame");
        let state = Arc::new(Mutex::new(LinkState::default()));
        let (closed_sender, closed) = watch::channel(false);
        let is_ending = watch::channel(false).0;
        let (read, write) = stream.into_split();
        Some(Self {
            uuid: Uuid::from_slice(&payload).unwrap(),
            reader: spawn(hear(read, state.clone(), closed_sender)),
            writer: spawn(speak(write, state.clone(), is_ending.subscribe())),
            state,
            closed,
            is_ending,
        })
    }

    /// Says this again and again from now on; silence if it is empty.
    pub(crate) fn say(&self, samples: &[i16]) {
        self.state.lock().unwrap().saying = samples.to_vec();
    }

    /// All that came from the caller.
    pub(crate) fn heard(&self) -> Vec<i16> {
        self.state.lock().unwrap().heard.clone()
    }

    pub(crate) fn keys(&self) -> String {
        self.state.lock().unwrap().keys.clone()
    }

    /// Waits until something has come.
    pub(crate) async fn until(&self, what: &str, is_here: impl Fn(&Self) -> bool) {
        let came = timeout(PATIENCE, async {
            while !is_here(self) {
                sleep(FRAME).await;
            }
        });
        assert!(came.await.is_ok(), "{what} did not come");
    }

    /// Waits until the switch has closed it; `false` if it does not.
    pub(crate) async fn is_closed(&self) -> bool {
        timeout(PATIENCE, self.closed.clone().wait_for(|is| *is)).await.is_ok()
    }

    /// Says that the call goes on elsewhere, and closes (S24).
    pub(crate) async fn end(mut self) {
        self.is_ending.send_replace(true);
        let mut stream = (&mut self.writer).await.unwrap();
        // A caller who has just hung up has closed it first.
        stream.write_all(&[0, 0, 0]).await.unwrap_or_default();
        stream.shutdown().await.unwrap_or_default();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

async fn hear(
    mut stream: OwnedReadHalf,
    state: Arc<Mutex<LinkState>>,
    closed: watch::Sender<bool>,
) {
    while let Some((kind, payload)) = frame(&mut stream).await {
        let mut state = state.lock().unwrap();
        match kind {
            SOUND => {
                let samples =
                    payload.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
                state.heard.extend(samples);
            }
            KEY => state.keys.push(payload[0].into()),
            other => panic!("a frame of kind {other:#x}"),
        }
    }
    closed.send_replace(true);
}

async fn speak(
    mut stream: OwnedWriteHalf,
    state: Arc<Mutex<LinkState>>,
    mut is_ending: watch::Receiver<bool>,
) -> OwnedWriteHalf {
    let mut clock = interval(FRAME);
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut place = 0;
    loop {
        tokio::select! {
            _ = clock.tick() => {}
            _ = is_ending.wait_for(|is| *is) => return stream,
        }
        let mut bytes = vec![SOUND, 1, 64];
        {
            let saying = &state.lock().unwrap().saying;
            for n in place..place + FRAME_SAMPLES {
                let sample = if saying.is_empty() { 0 } else { saying[n % saying.len()] };
                bytes.extend(sample.to_le_bytes());
            }
        }
        place += FRAME_SAMPLES;
        if stream.write_all(&bytes).await.is_err() {
            return stream;
        }
    }
}

/// The next frame; `None` when there are no more.
async fn frame(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut header = [0; 3];
    stream.read_exact(&mut header).await.ok()?;
    let mut payload = vec![0; u16::from_be_bytes([header[1], header[2]]).into()];
    stream.read_exact(&mut payload).await.ok()?;
    Some((header[0], payload))
}
