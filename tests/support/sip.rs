//! Telephones: they call and are called by SIP (RFC 3261) over UDP on 127.0.0.1, one codec, no
//! registration, no authentication.
//!
//! ```text
//! let caller = Phone::new("7001").await;
//! let call = caller.call(asterisk.sip(), "4000").await.answered();
//! call.say(&hearing::tone(400, 500));
//! call.press('5');
//! let sound = hearing::played(&call.heard());
//! let when = call.ended(Duration::from_secs(5)).await;      // the other side hung up
//! ```
//!
//! All of it lives in the runtime that made it, which must not be held up by anything that blocks: the
//! caller would stutter.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::hearing::{Packet, Span, played, tone_span};
use crate::rtp::{Audio, spawn};
use crate::sip_message::{Message, address_in, sdp, token, user_of, with_length};

/// A call that nobody has answered by then is cancelled, unless the test says how long.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);

/// A request without any response is sent again after this (T1 of RFC 3261).
const RESEND: Duration = Duration::from_millis(500);

/// So often, then nobody is there.
const SENDS_MAX: usize = 6;

/// How often a test looks whether a caller hears what it waits for.
const LOOK: Duration = Duration::from_millis(20);

/// No datagram is longer.
const MESSAGE_BYTES_MAX: usize = 65_536;

/// What a telephone does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answers at once.
    Answer,
    /// Rings until the caller gives up.
    Ring,
    /// Refuses with this code: 486 is busy.
    Refuse(u16),
}

/// How a call that was made went.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answered(Call),
    /// With this SIP code; 487 if the caller gave up.
    Refused(u16),
    /// No response at all.
    Nothing,
}

impl Outcome {
    /// The call; fails if it was not answered.
    #[track_caller]
    pub(crate) fn answered(self) -> Call {
        match self {
            Self::Answered(call) => call,
            Self::Refused(code) => panic!("the call was refused with {code}"),
            Self::Nothing => panic!("nobody responded to the call"),
        }
    }
}

/// A telephone with a number. Dropped, it is dead, and so are its calls.
pub(crate) struct Phone {
    line: Arc<Line>,
    task: JoinHandle<()>,
}

struct Line {
    socket: UdpSocket,
    address: SocketAddr,
    number: String,
    state: Mutex<LineState>,
    /// Changes with each call that comes.
    rung: watch::Sender<()>,
}

struct LineState {
    manner: Manner,
    /// By Call-ID; those that ended too, for their last messages may come again.
    legs: BTreeMap<String, Arc<Leg>>,
    /// Calls that came and that no test has asked for yet.
    incoming: Vec<Arc<Leg>>,
}

impl Phone {
    /// A telephone on a free port.
    pub(crate) async fn new(number: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let state =
            LineState { manner: Manner::Answer, legs: BTreeMap::new(), incoming: Vec::new() };
        let line = Arc::new(Line {
            address: socket.local_addr().unwrap(),
            socket,
            number: number.to_owned(),
            state: Mutex::new(state),
            rung: watch::channel(()).0,
        });
        Self { task: spawn(serve(line.clone())), line }
    }

    /// Where it can be called.
    pub(crate) fn address(&self) -> SocketAddr {
        self.line.address
    }

    /// What it does with the calls that come from now on.
    pub(crate) fn when_called(&self, manner: Manner) {
        self.line.state.lock().unwrap().manner = manner;
    }

    /// Calls an extension of a switch.
    pub(crate) async fn call(&self, switch: SocketAddr, extension: &str) -> Outcome {
        self.call_as("", switch, extension, ANSWER_PATIENCE).await
    }

    /// The same with a name that the called side sees, put on the wire as it is, and for so long:
    /// then the caller gives up.
    pub(crate) async fn call_as(
        &self,
        name: &str,
        switch: SocketAddr,
        extension: &str,
        patience: Duration,
    ) -> Outcome {
        let line = &self.line;
        let display = if name.is_empty() { String::new() } else { format!("\"{name}\" ") };
        let dialog = Dialog {
            call_id: Uuid::new_v4().to_string(),
            local: format!("{display}<sip:{}@{}>;tag={}", line.number, line.address, token()),
            remote: format!("<sip:{extension}@{switch}>"),
            target: format!("sip:{extension}@{switch}"),
            peer: switch,
            cseq: 1,
            invite: None,
        };
        let leg = Arc::new(Leg::new(line.clone(), dialog, extension, Audio::open().await));
        line.state.lock().unwrap().legs.insert(leg.call_id(), leg.clone());
        let call = Call { leg };
        let answer = timeout(patience, call.leg.invite()).await;
        let progress = match answer {
            Ok(progress) => progress,
            Err(_) => call.leg.cancel().await,
        };
        match progress {
            Progress::Answered => Outcome::Answered(call),
            Progress::Refused(code) => Outcome::Refused(code),
            Progress::Sent | Progress::Ringing | Progress::Ended(_) => Outcome::Nothing,
        }
    }

    /// The next call that comes from this number, answered or not as the telephone's manner is; `None`
    /// if none comes in time. Other calls are left to other tests.
    pub(crate) async fn incoming(&self, number: &str, patience: Duration) -> Option<Call> {
        let mut rung = self.line.rung.subscribe();
        let found = timeout(patience, async {
            loop {
                if let Some(leg) = self.take_incoming(number) {
                    return Call { leg };
                }
                rung.changed().await.unwrap();
            }
        });
        found.await.ok()
    }

    fn take_incoming(&self, number: &str) -> Option<Arc<Leg>> {
        let incoming = &mut self.line.state.lock().unwrap().incoming;
        let place = incoming.iter().position(|leg| leg.party == number)?;
        Some(incoming.remove(place))
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A call of a telephone. Dropped, it is hung up.
pub(crate) struct Call {
    leg: Arc<Leg>,
}

impl Call {
    /// Says this after what it says already; 8000 samples a second. Otherwise it is silent.
    pub(crate) fn say(&self, samples: &[i16]) {
        self.leg.audio.say(samples);
    }

    /// Says this again and again; nothing more if it is empty.
    pub(crate) fn repeat(&self, samples: &[i16]) {
        self.leg.audio.repeat(samples);
    }

    /// Waits until all is said.
    pub(crate) async fn said(&self) {
        sleep(self.leg.audio.still_to_say()).await;
    }

    /// Sends no sound at all any more, not even silence.
    pub(crate) fn mute(&self) {
        self.leg.audio.set_muted(true);
    }

    pub(crate) fn unmute(&self) {
        self.leg.audio.set_muted(false);
    }

    /// Presses a key for 100 ms, after those it presses already. Meanwhile no sound is sent.
    pub(crate) fn press(&self, key: char) {
        self.leg.audio.press(key);
    }

    /// Everything heard since the answer.
    pub(crate) fn heard(&self) -> Vec<Packet> {
        self.leg.audio.heard()
    }

    /// The keys the other side pressed, and when they began.
    pub(crate) fn keys_heard(&self) -> Vec<(Duration, char)> {
        self.leg.audio.keys_heard()
    }

    /// Waits until a tone is heard for so long; `None` if it is not in time.
    pub(crate) async fn hears_tone(
        &self,
        hz: u32,
        shortest_ms: usize,
        patience: Duration,
    ) -> Option<Span> {
        let heard = timeout(patience, async {
            loop {
                if let Some(span) = tone_span(&played(&self.heard()), hz, shortest_ms) {
                    return span;
                }
                sleep(LOOK).await;
            }
        });
        heard.await.ok()
    }

    /// How long the call has been answered.
    pub(crate) fn age(&self) -> Duration {
        self.leg.audio.since_answer()
    }

    /// The number at the other side, as SIP said it.
    pub(crate) fn party(&self) -> &str {
        &self.leg.party
    }

    /// Waits until the other side has hung up, or given up before the answer. When that was, from the
    /// answer on; `None` if it does not in time.
    pub(crate) async fn ended(&self, patience: Duration) -> Option<Duration> {
        let mut progress = self.leg.progress.subscribe();
        let ended = timeout(patience, progress.wait_for(|now| matches!(now, Progress::Ended(_))));
        match *ended.await.ok()?.unwrap() {
            Progress::Ended(at) => Some(at),
            Progress::Sent | Progress::Ringing | Progress::Answered | Progress::Refused(_) => None,
        }
    }

    /// Hangs up, and waits until the other side knows.
    pub(crate) async fn hang_up(&self) {
        self.leg.bye().await;
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "call with {}", self.leg.party)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.leg.is_up() {
            let bye = self.leg.request("BYE", "");
            // Whoever drops a call cares no more whether the other side hears of it.
            self.leg.line.socket.try_send_to(bye.as_bytes(), self.leg.peer()).unwrap_or_default();
            self.leg.end();
        }
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Sent,
    Ringing,
    Answered,
    Refused(u16),
    /// So long after the answer.
    Ended(Duration),
}

/// One telephone's part in a call.
struct Leg {
    line: Arc<Line>,
    party: String,
    audio: Audio,
    dialog: Mutex<Dialog>,
    progress: watch::Sender<Progress>,
    /// Whether the other side has confirmed that we hung up.
    is_bye_confirmed: watch::Sender<bool>,
}

/// What the messages of a call have in common (RFC 3261, 12).
struct Dialog {
    call_id: String,
    /// From, in our requests; with our tag.
    local: String,
    /// To, in our requests; with the other side's tag once there is one.
    remote: String,
    /// Where requests go: the other side's Contact.
    target: String,
    peer: SocketAddr,
    cseq: u32,
    /// The INVITE that began the call: ours, or theirs and what we last responded.
    invite: Option<(Message, String)>,
}

impl Leg {
    fn new(line: Arc<Line>, dialog: Dialog, party: &str, audio: Audio) -> Self {
        Self {
            line,
            party: party.to_owned(),
            audio,
            dialog: Mutex::new(dialog),
            progress: watch::channel(Progress::Sent).0,
            is_bye_confirmed: watch::channel(false).0,
        }
    }

    fn call_id(&self) -> String {
        self.dialog.lock().unwrap().call_id.clone()
    }

    fn peer(&self) -> SocketAddr {
        self.dialog.lock().unwrap().peer
    }

    fn is_up(&self) -> bool {
        *self.progress.borrow() == Progress::Answered
    }

    fn end(&self) {
        self.progress.send_replace(Progress::Ended(self.audio.since_answer()));
    }

    /// Sends the INVITE until somebody responds; returns when the call is answered or refused.
    async fn invite(&self) -> Progress {
        let invite = self.request("INVITE", &sdp(self.audio.port()));
        let sent = (Message::parse(invite.as_bytes()).unwrap(), String::new());
        self.dialog.lock().unwrap().invite = Some(sent);
        let mut progress = self.progress.subscribe();
        for _ in 0..SENDS_MAX {
            self.send(&invite).await;
            let responded =
                timeout(RESEND, progress.wait_for(|now| *now != Progress::Sent)).await.is_ok();
            if responded {
                let is_decided = |now: &Progress| *now != Progress::Ringing;
                return *progress.wait_for(is_decided).await.unwrap();
            }
        }
        Progress::Sent
    }

    /// Gives up.
    async fn cancel(&self) -> Progress {
        let invite = self.dialog.lock().unwrap().invite.as_ref().unwrap().0.clone();
        self.send(&invite.cancel()).await;
        let mut progress = self.progress.subscribe();
        let is_decided = |now: &Progress| !matches!(now, Progress::Sent | Progress::Ringing);
        let decided = timeout(RESEND * SENDS_MAX as u32, progress.wait_for(is_decided)).await;
        decided.map_or(Progress::Sent, |progress| *progress.unwrap())
    }

    async fn bye(&self) {
        if !self.is_up() {
            return;
        }
        let bye = self.request("BYE", "");
        self.end();
        let mut confirmed = self.is_bye_confirmed.subscribe();
        for _ in 0..SENDS_MAX {
            self.send(&bye).await;
            if timeout(RESEND, confirmed.wait_for(|is| *is)).await.is_ok() {
                return;
            }
        }
        panic!("the other side does not respond to a BYE");
    }

    /// A new request of this dialog.
    fn request(&self, method: &str, body: &str) -> String {
        let mut dialog = self.dialog.lock().unwrap();
        let sequence = dialog.cseq;
        dialog.cseq += 1;
        self.line.request(&dialog, method, sequence, body)
    }

    async fn acknowledge(&self, sequence: u32) {
        let ack = self.line.request(&self.dialog.lock().unwrap(), "ACK", sequence, "");
        self.send(&ack).await;
    }

    /// Responds to their INVITE, and remembers what, for it may come again.
    async fn respond(&self, invite: &Message, status: &str, body: &str) {
        let response = {
            let mut dialog = self.dialog.lock().unwrap();
            let response = self.line.response(invite, status, &dialog.local, body);
            dialog.invite = Some((invite.clone(), response.clone()));
            response
        };
        self.send(&response).await;
    }

    async fn send(&self, message: &str) {
        self.line.send(message, self.peer()).await;
    }

    /// The other side of the call as a message of theirs has it: where it is, and where its sound goes.
    fn learn(&self, message: &Message, remote: &str) {
        let mut dialog = self.dialog.lock().unwrap();
        dialog.remote = remote.to_owned();
        if let Some(contact) = message.header("contact").and_then(address_in) {
            dialog.target = contact.to_owned();
        }
        if let Some(sound) = message.sound_address() {
            self.audio.send_to(sound);
        }
    }

    async fn on_response(&self, message: &Message, code: u16) {
        let (sequence, method) = message.cseq();
        match (method, code) {
            ("INVITE", 100..200) => {
                self.progress.send_if_modified(|now| {
                    let is_first = *now == Progress::Sent;
                    if is_first {
                        *now = Progress::Ringing;
                    }
                    is_first
                });
            }
            ("INVITE", 200..300) => {
                self.learn(message, message.header("to").unwrap_or_default());
                self.acknowledge(sequence).await;
                if matches!(*self.progress.borrow(), Progress::Sent | Progress::Ringing) {
                    self.audio.answered();
                    self.progress.send_replace(Progress::Answered);
                }
            }
            ("INVITE", 300..) => {
                let invite = self.dialog.lock().unwrap().invite.as_ref().unwrap().0.clone();
                self.send(&invite.ack(message)).await;
                self.progress.send_replace(Progress::Refused(code));
            }
            ("BYE", 200..) => {
                self.is_bye_confirmed.send_replace(true);
            }
            _ => {}
        }
    }

    async fn on_request(&self, message: &Message) {
        let ours = self.dialog.lock().unwrap().local.clone();
        match message.method() {
            "ACK" => {}
            "INVITE" => {
                let first = self.dialog.lock().unwrap().invite.clone();
                match first {
                    Some((first, response)) if first.cseq() == message.cseq() => {
                        self.send(&response).await;
                    }
                    _ => {
                        self.learn(message, message.header("from").unwrap_or_default());
                        self.respond(message, "200 OK", &sdp(self.audio.port())).await;
                    }
                }
            }
            "BYE" => {
                self.send(&self.line.response(message, "200 OK", &ours, "")).await;
                if self.is_up() {
                    self.end();
                }
            }
            "CANCEL" => {
                self.send(&self.line.response(message, "200 OK", &ours, "")).await;
                let invite = self.dialog.lock().unwrap().invite.clone();
                if let (false, Some((invite, _))) = (self.is_up(), invite) {
                    self.respond(&invite, "487 Request Terminated", "").await;
                    self.end();
                }
            }
            _ => self.send(&self.line.response(message, "200 OK", &ours, "")).await,
        }
    }
}

impl Line {
    fn request(&self, dialog: &Dialog, method: &str, sequence: u32, body: &str) -> String {
        let Dialog { call_id, local, remote, target, .. } = dialog;
        let (number, address) = (&self.number, self.address);
        format!(
            "{method} {target} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {address};branch=z9hG4bK{};rport\r\n\
             From: {local}\r\nTo: {remote}\r\nCall-ID: {call_id}\r\nCSeq: {sequence} {method}\r\n\
             Contact: <sip:{number}@{address}>\r\nMax-Forwards: 70\r\n{}",
            token(),
            with_length(body)
        )
    }

    /// A response to a request of theirs; `to` has our tag.
    fn response(&self, request: &Message, status: &str, to: &str, body: &str) -> String {
        request.response(status, to, &format!("sip:{}@{}", self.number, self.address), body)
    }

    async fn send(&self, message: &str, peer: SocketAddr) {
        // A switch that is gone shows in what does not come back.
        self.socket.send_to(message.as_bytes(), peer).await.unwrap_or_default();
    }
}

/// Takes whatever comes to a telephone.
async fn serve(line: Arc<Line>) {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    loop {
        let Ok((count, peer)) = line.socket.recv_from(&mut buffer).await else { continue };
        let Some(message) = Message::parse(&buffer[..count]) else { continue };
        let call_id = message.header("call-id").unwrap_or_default();
        let leg = line.state.lock().unwrap().legs.get(call_id).cloned();
        match (leg, message.code()) {
            (Some(leg), Some(code)) => leg.on_response(&message, code).await,
            (Some(leg), None) => leg.on_request(&message).await,
            (None, None) if message.method() == "INVITE" => ring(&line, &message, peer).await,
            (None, None) if message.method() != "ACK" => {
                let to = message.header("to").unwrap_or_default();
                line.send(&line.response(&message, "200 OK", to, ""), peer).await;
            }
            (None, _) => {}
        }
    }
}

/// A call that comes.
async fn ring(line: &Arc<Line>, invite: &Message, peer: SocketAddr) {
    let caller = invite.header("from").unwrap_or_default();
    let dialog = Dialog {
        call_id: invite.header("call-id").unwrap_or_default().to_owned(),
        local: format!("{};tag={}", invite.header("to").unwrap_or_default(), token()),
        remote: caller.to_owned(),
        target: String::new(),
        peer,
        cseq: 1,
        invite: None,
    };
    let number = address_in(caller).and_then(user_of).unwrap_or_default();
    let leg = Arc::new(Leg::new(line.clone(), dialog, number, Audio::open().await));
    leg.learn(invite, caller);
    let manner = line.state.lock().unwrap().manner;
    match manner {
        Manner::Answer => {
            leg.audio.answered();
            leg.progress.send_replace(Progress::Answered);
            leg.respond(invite, "200 OK", &sdp(leg.audio.port())).await;
        }
        Manner::Ring => leg.respond(invite, "180 Ringing", "").await,
        Manner::Refuse(code) => {
            leg.progress.send_replace(Progress::Refused(code));
            leg.respond(invite, &format!("{code} Refused"), "").await;
        }
    }
    let mut state = line.state.lock().unwrap();
    state.legs.insert(leg.call_id(), leg.clone());
    state.incoming.push(leg);
    line.rung.send_replace(());
}
