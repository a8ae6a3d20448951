//! A FreeSWITCH that answers as the captures show, as far as a daemon beside it can tell: the event
//! socket, channels in park, applications one after the other or nested, the recogniser's manners,
//! the order of a hang-up, and what gets lost.
//!
//! Nothing in it takes time: audio plays until the test ends it, an application begins at once
//! unless the test holds it back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::event::Event;

/// What the real switch queues for a client that does not read, before it cuts it off.
const QUEUE_MAX: usize = 100_000;

/// Longest wait for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The applications this switch has.
const APPLICATIONS: [&str; 9] =
    ["answer", "set", "playback", "speak", "detect_speech", "park", "sleep", "send_dtmf", "break"];

/// A FreeSWITCH on a port of its own; stops when dropped.
pub(crate) struct FakeFreeswitch {
    pub(crate) address: SocketAddr,
    switch: Arc<Mutex<Switch>>,
    changed: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

/// What runs on a channel.
#[derive(Clone)]
struct Execution {
    uuid: String,
    application: String,
    argument: String,
    locked: bool,
}

#[derive(Default)]
struct Channel {
    variables: BTreeMap<String, String>,
    answered: bool,
    /// Executes wait although nothing runs, as they do for one media frame.
    held: bool,
    queue: VecDeque<Execution>,
    /// The innermost is last.
    running: Vec<Execution>,
    /// Whether the recogniser listens; `None` = none was started.
    recognizer: Option<bool>,
    /// Where the dialplan has it: `park`, `bridge`.
    place: String,
}

struct Connection {
    out: mpsc::Sender<Vec<u8>>,
    authenticated: bool,
    subscribed: BTreeSet<String>,
    /// The channel whose `socket` application made it; `None` = a client made it.
    session: Option<String>,
}

/// What `myevents` subscribes to (S15).
const MYEVENTS: [&str; 8] = [
    "CHANNEL_PARK",
    "CHANNEL_UNPARK",
    "CHANNEL_ANSWER",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HANGUP_COMPLETE",
    "DETECTED_SPEECH",
    "DTMF",
];

struct Switch {
    password: String,
    /// Where the `socket` application of the dialplan leads to.
    socket: Option<SocketAddr>,
    /// Channels whose `socket` application wants a connection.
    dialling: mpsc::Sender<(SocketAddr, String)>,
    sequence: u64,
    us: u64,
    frozen: bool,
    /// Events that are not sent although they happen.
    lost: BTreeSet<String>,
    connections: BTreeMap<u64, Connection>,
    channels: BTreeMap<String, Channel>,
    written: Vec<String>,
    written_count: watch::Sender<usize>,
}

// ---- what a test does ----

impl FakeFreeswitch {
    pub(crate) async fn start(password: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (written_count, changed) = watch::channel(0);
        let (dialling, to_dial) = mpsc::channel(QUEUE_MAX);
        let switch = Arc::new(Mutex::new(Switch {
            password: password.into(),
            socket: None,
            dialling,
            sequence: 1000,
            us: 1_795_231_527_577_776,
            frozen: false,
            lost: BTreeSet::new(),
            connections: BTreeMap::new(),
            channels: BTreeMap::new(),
            written: Vec::new(),
            written_count,
        }));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, switch.clone()));
        tasks.spawn(dial(to_dial, switch.clone()));
        Self { address, switch, changed, _tasks: tasks }
    }

    fn switch(&self) -> MutexGuard<'_, Switch> {
        self.switch.lock().unwrap()
    }

    /// From now on the robot's extension runs `socket` with this address instead of `park`.
    pub(crate) fn connect_to(&self, address: SocketAddr) {
        self.switch().socket = Some(address);
    }

    pub(crate) fn socket(&self) -> Option<SocketAddr> {
        self.switch().socket
    }

    /// A channel that there is is sent to the robot's extension.
    pub(crate) fn reach_robot(&self, uuid: &str) {
        self.switch().reach_robot(uuid);
    }

    /// A call reaches the robot's extension.
    pub(crate) fn call(&self, uuid: &str, variables: &[(&str, &str)]) {
        let mut switch = self.switch();
        switch.create(uuid, variables);
        switch.reach_robot(uuid);
    }

    /// Waits until the dialplan has gone on behind the `socket` application.
    pub(crate) async fn went_on(&self, uuid: &str) {
        let gone_on = async {
            while self.switch().channels.get(uuid).is_some_and(|one| one.place == "socket") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone_on).await.expect("the socket is never given back");
        assert_eq!(self.switch().channel(uuid).place, "behind the socket");
    }

    /// The same, unseen: the event is lost, or came before anybody listened.
    pub(crate) fn call_unseen(&self, uuid: &str, variables: &[(&str, &str)]) {
        self.switch().create(uuid, variables);
    }

    /// Executes sent to the channel do not begin until `release`.
    pub(crate) fn hold(&self, uuid: &str) {
        self.switch().channel(uuid).held = true;
    }

    pub(crate) fn release(&self, uuid: &str) {
        let mut switch = self.switch();
        switch.channel(uuid).held = false;
        switch.start(uuid);
    }

    /// What runs comes to its end by itself.
    pub(crate) fn finish(&self, uuid: &str) {
        let mut switch = self.switch();
        switch.us += 1_000_000;
        switch.stop(uuid, "done", 8000);
        switch.start(uuid);
    }

    /// Somebody else sends `uuid_break`.
    pub(crate) fn break_from_outside(&self, uuid: &str) {
        self.switch().api(&format!("uuid_break {uuid}"));
    }

    /// The recogniser says something: `begin-speaking`, `detected-partial-speech`,
    /// `detected-speech`.
    pub(crate) fn speech(&self, uuid: &str, kind: &str, body: &str) {
        self.switch().speech(uuid, kind, body);
    }

    pub(crate) fn digit(&self, uuid: &str, digit: char) {
        let mut switch = self.switch();
        let event = switch.event("DTMF", uuid).set("DTMF-Digit", &digit.to_string());
        switch.tell(&event);
    }

    /// The far end hangs up.
    pub(crate) fn hang_up(&self, uuid: &str) {
        self.switch().end(uuid, "recv_bye", "PLAYBACK ERROR");
    }

    /// From now on events of this name are lost.
    pub(crate) fn lose(&self, event: &str) {
        self.switch().lost.insert(event.into());
    }

    /// The password is another one now.
    pub(crate) fn set_password(&self, password: &str) {
        self.switch().password = password.into();
    }

    /// All connections end.
    pub(crate) fn cut(&self) {
        self.switch().connections.clear();
    }

    /// Connections stay open, and nothing is read or answered any more.
    pub(crate) fn freeze(&self) {
        self.switch().frozen = true;
    }

    pub(crate) fn thaw(&self) {
        let mut switch = self.switch();
        switch.frozen = false;
        switch.connections.clear();
    }

    /// Heartbeats faster than anybody reads them.
    pub(crate) fn flood(&self, events: usize) {
        let mut switch = self.switch();
        for _ in 0..events {
            let event = switch.event("HEARTBEAT", "");
            switch.tell(&event);
        }
    }

    /// The channels there are.
    pub(crate) fn channels(&self) -> Vec<String> {
        self.switch().channels.keys().cloned().collect()
    }

    /// All commands received so far, each as it was written.
    pub(crate) fn written(&self) -> Vec<String> {
        self.switch().written.clone()
    }

    /// Waits until a command that holds all these texts has been received, and returns it.
    pub(crate) async fn wrote(&self, texts: &[&str]) -> String {
        self.wrote_times(texts, 1).await
    }

    /// Waits until so many such commands have been received, and returns the last.
    pub(crate) async fn wrote_times(&self, texts: &[&str], times: usize) -> String {
        let mut changed = self.changed.clone();
        let found = async {
            loop {
                changed.borrow_and_update();
                let written = self.written();
                let holds = |command: &&String| texts.iter().all(|text| command.contains(text));
                if let Some(found) = written.iter().filter(holds).nth(times - 1) {
                    return found.clone();
                }
                changed.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(found) => found,
            Err(_) => panic!("{times} × {texts:?} was not written, but {:#?}", self.written()),
        }
    }

    /// How often a command that holds this text has been received.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.written().iter().filter(|command| command.contains(text)).count()
    }
}

// ---- the event socket ----

async fn accept(listener: TcpListener, switch: Arc<Mutex<Switch>>) {
    let mut connections = JoinSet::new();
    for number in 0.. {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (out, to_send) = mpsc::channel(QUEUE_MAX);
        let connection =
            Connection { out, authenticated: false, subscribed: BTreeSet::new(), session: None };
        connection.out.try_send(b"Content-Type: auth/request\n\n".to_vec()).unwrap();
        switch.lock().unwrap().connections.insert(number, connection);
        connections.spawn(serve(number, stream, to_send, switch.clone()));
    }
}

/// The `socket` application: one connection per channel, which begins with our `connect`.
async fn dial(mut to_dial: mpsc::Receiver<(SocketAddr, String)>, switch: Arc<Mutex<Switch>>) {
    let mut connections = JoinSet::new();
    // Connections that clients make are numbered from 0.
    for number in 1_000_000.. {
        let Some((address, uuid)) = to_dial.recv().await else { return };
        let Ok(stream) = TcpStream::connect(address).await else {
            switch.lock().unwrap().go_on(&uuid);
            continue;
        };
        let (out, to_send) = mpsc::channel(QUEUE_MAX);
        let connection = Connection {
            out,
            authenticated: true,
            subscribed: BTreeSet::new(),
            session: Some(uuid.clone()),
        };
        switch.lock().unwrap().connections.insert(number, connection);
        let served = serve(number, stream, to_send, switch.clone());
        let switch = switch.clone();
        connections.spawn(async move {
            served.await;
            switch.lock().unwrap().go_on(&uuid);
        });
    }
}

async fn serve(
    number: u64,
    stream: TcpStream,
    mut to_send: mpsc::Receiver<Vec<u8>>,
    switch: Arc<Mutex<Switch>>,
) {
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        while let Some(bytes) = to_send.recv().await {
            writer.write_all(&bytes).await?;
        }
        Ok::<(), std::io::Error>(())
    };
    let read = async {
        let mut input = Vec::new();
        while reader.read_buf(&mut input).await? > 0 {
            while let Some(command) = next_command(&mut input) {
                switch.lock().unwrap().command(number, &command);
            }
        }
        Ok::<(), std::io::Error>(())
    };
    // Whichever side ends first ends the connection; a broken pipe is such an end.
    tokio::select! { _ = write => {}, _ = read => {} }
    switch.lock().unwrap().connections.remove(&number);
}

fn next_command(input: &mut Vec<u8>) -> Option<String> {
    let end = input.windows(2).position(|pair| pair == b"\n\n")? + 2;
    let command: Vec<u8> = input.drain(..end).collect();
    Some(String::from_utf8(command).unwrap())
}

impl Switch {
    fn command(&mut self, number: u64, command: &str) {
        self.written.push(command.to_owned());
        let count = self.written.len();
        self.written_count.send_replace(count);
        if self.frozen {
            return;
        }
        let line = command.lines().next().unwrap_or_default();
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let authenticated = self.connections.get(&number).is_some_and(|one| one.authenticated);
        match verb {
            "auth" => self.auth(number, rest),
            _ if !authenticated => self.reply(number, "-ERR command not found"),
            "connect" => self.connect(number),
            "myevents" => {
                let connection = self.connections.get_mut(&number).unwrap();
                connection.subscribed.extend(MYEVENTS.map(str::to_owned));
                self.reply(number, "+OK Events Enabled");
            }
            "linger" => self.reply(number, &format!("+OK will linger {rest} seconds")),
            "filter" => {
                let (name, value) = rest.split_once(' ').unwrap();
                self.reply(number, &format!("+OK filter added. [{name}]=[{value}]"));
            }
            "exit" => {
                self.reply(number, "+OK bye");
                self.disconnect(number);
            }
            "event" => {
                let names = rest.strip_prefix("plain ").unwrap_or_default().split(' ');
                let connection = self.connections.get_mut(&number).unwrap();
                connection.subscribed.extend(names.map(str::to_owned));
                self.reply(number, "+OK event listener enabled plain");
            }
            "api" => {
                let answer = self.api(rest);
                let length = answer.len();
                self.send(
                    number,
                    format!("Content-Type: api/response\nContent-Length: {length}\n\n{answer}"),
                );
            }
            "bgapi" => self.reply(number, "+OK Job-UUID: 7f4de4bc-17d7-11dd-b7a0-db4edd065621"),
            "sendmsg" => self.sendmsg(number, rest, command),
            _ => self.reply(number, "-ERR command not found"),
        }
    }

    fn auth(&mut self, number: u64, password: &str) {
        if password == self.password {
            self.connections.get_mut(&number).unwrap().authenticated = true;
            return self.reply(number, "+OK accepted");
        }
        self.reply(number, "-ERR invalid");
        self.disconnect(number);
    }

    /// Says goodbye and closes.
    fn disconnect(&mut self, number: u64) {
        let notice = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n";
        let length = notice.len();
        let head = format!("Content-Type: text/disconnect-notice\nContent-Length: {length}\n\n");
        self.send(number, head + notice);
        self.connections.remove(&number);
    }

    /// The channel's data as headers of one reply, values encoded; then it parks.
    fn connect(&mut self, number: u64) {
        let Some(uuid) = self.connections.get(&number).and_then(|one| one.session.clone()) else {
            return self.reply(number, "-ERR command not found");
        };
        let data = self.event("CHANNEL_DATA", &uuid).text();
        let head = data.trim_end();
        self.send(
            number,
            format!(
                "{head}\nContent-Type: command/reply\nReply-Text: %2BOK%0A\nSocket-Mode: async\n\
                 Control: full\n\n"
            ),
        );
        let parked = self.event("CHANNEL_PARK", &uuid);
        self.tell(&parked);
    }

    /// The `socket` application of a channel is over, and the dialplan goes on behind it.
    fn go_on(&mut self, uuid: &str) {
        if let Some(channel) = self.channels.get_mut(uuid).filter(|one| one.place == "socket") {
            channel.place = "behind the socket".into();
        }
    }

    fn reply(&mut self, number: u64, text: &str) {
        self.send(number, format!("Content-Type: command/reply\nReply-Text: {text}\n\n"));
    }

    fn send(&mut self, number: u64, text: String) {
        let Some(connection) = self.connections.get(&number) else { return };
        if connection.out.try_send(text.into_bytes()).is_err() {
            self.connections.remove(&number);
        }
    }

    fn sendmsg(&mut self, number: u64, uuid: &str, command: &str) {
        if !self.channels.contains_key(uuid) {
            return self.reply(number, &format!("-ERR invalid session id [{uuid}]"));
        }
        self.reply(number, "+OK");
        let header = |name: &str| {
            command.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim_start().to_owned())
            })
        };
        let execution = Execution {
            uuid: header("Event-UUID").unwrap_or_else(|| "random".into()),
            application: header("execute-app-name").unwrap_or_default(),
            argument: header("execute-app-arg").unwrap_or_default(),
            locked: header("event-lock").as_deref() == Some("true"),
        };
        self.channel(uuid).queue.push_back(execution);
        self.start(uuid);
    }

    fn api(&mut self, command: &str) -> String {
        let mut words = command.splitn(4, ' ');
        let (name, uuid) = (words.next().unwrap(), words.next().unwrap_or_default());
        let (third, fourth) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let exists = self.channels.contains_key(uuid);
        match name {
            "show" if uuid == "channels" => self.show_channels(),
            "show" => {
                let rows = APPLICATIONS.map(|name| serde_json::json!({ "name": name }));
                serde_json::json!({ "row_count": rows.len(), "rows": rows }).to_string()
            }
            "uuid_exists" => exists.to_string(),
            _ if !name.starts_with("uuid_") => "-ERR nosuchcommand Command not found!\n".into(),
            _ if !exists => "-ERR No such channel!\n".into(),
            "uuid_dump" => self.dump(uuid),
            "uuid_setvar" => {
                self.channel(uuid).variables.insert(third.into(), fourth.into());
                "+OK\n".into()
            }
            "uuid_break" => {
                if third == "all" {
                    self.channel(uuid).queue.clear();
                }
                // With nothing running it is forgotten (S5).
                self.stop(uuid, "break", 8000);
                self.start(uuid);
                "+OK\n".into()
            }
            "uuid_kill" => {
                self.end(uuid, "send_bye", "FILE PLAYED");
                "+OK\n".into()
            }
            "uuid_transfer" => self.transfer(uuid, third),
            _ => "-ERR nosuchcommand Command not found!\n".into(),
        }
    }

    fn show_channels(&self) -> String {
        if self.channels.is_empty() {
            return "\n0 total.\n".into();
        }
        let mut list = "uuid,direction,cid_name,application,application_data\n".to_owned();
        for (uuid, channel) in &self.channels {
            let application = match channel.running.last() {
                Some(running) => &running.application,
                None => &channel.place,
            };
            list += &format!("{uuid},inbound,\"Doe, Ann\",{application},\n");
        }
        list + &format!("\n{} total.\n", self.channels.len())
    }

    fn dump(&mut self, uuid: &str) -> String {
        self.event("CHANNEL_DATA", uuid).text()
    }
}

// ---- channels ----

impl Switch {
    fn create(&mut self, uuid: &str, variables: &[(&str, &str)]) {
        let mut channel = Channel { place: "park".into(), answered: true, ..Channel::default() };
        for (name, value) in variables {
            channel.variables.insert((*name).into(), (*value).into());
        }
        channel.answered = channel.variables.remove("unanswered").is_none();
        self.channels.insert(uuid.into(), channel);
    }

    fn channel(&mut self, uuid: &str) -> &mut Channel {
        self.channels.get_mut(uuid).expect("the channel is there")
    }

    /// The robot's extension: `park`, or `socket`.
    fn reach_robot(&mut self, uuid: &str) {
        let Some(address) = self.socket else { return self.park(uuid) };
        self.channel(uuid).place = "socket".into();
        self.dialling.try_send((address, uuid.into())).unwrap();
    }

    fn park(&mut self, uuid: &str) {
        self.channel(uuid).place = "park".into();
        let event = self.event("CHANNEL_PARK", uuid);
        self.tell(&event);
    }

    /// Begins what waits, as far as it may.
    fn start(&mut self, uuid: &str) {
        loop {
            let Some(channel) = self.channels.get_mut(uuid) else { return };
            // A locked one holds off all others; an unlocked one is interrupted by a newcomer (S4).
            let may_run = !channel.held && channel.running.last().is_none_or(|one| !one.locked);
            let Some(execution) = channel.queue.pop_front_if(|_| may_run) else { return };
            self.execute(uuid, execution);
        }
    }

    fn execute(&mut self, uuid: &str, execution: Execution) {
        if !APPLICATIONS.contains(&execution.application.as_str()) {
            return self.end(uuid, "send_bye", "FILE PLAYED");
        }
        let event = self.execution_event("CHANNEL_EXECUTE", uuid, &execution);
        self.tell(&event);
        let argument = execution.argument.clone();
        let application = execution.application.clone();
        self.channel(uuid).running.push(execution);
        match application.as_str() {
            "playback" if argument.contains("missing") => self.complete(uuid, "FILE NOT FOUND"),
            "playback" | "speak" | "sleep" => {}
            "set" => {
                let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
                self.channel(uuid).variables.insert(name.into(), value.into());
                self.complete(uuid, "_none_");
            }
            "answer" => {
                self.channel(uuid).answered = true;
                self.complete(uuid, "_none_");
            }
            "detect_speech" => {
                self.detect_speech(uuid, &argument);
                self.complete(uuid, "_none_");
            }
            _ => self.complete(uuid, "_none_"),
        }
    }

    fn detect_speech(&mut self, uuid: &str, argument: &str) {
        match argument {
            "resume" => self.channel(uuid).recognizer = Some(true),
            "pause" => self.channel(uuid).recognizer = Some(false),
            "stop" => self.channel(uuid).recognizer = None,
            // Errors are silent: an engine that is not there just gives no sign (S9).
            _ if !argument.starts_with("test ") => {}
            _ => {
                self.channel(uuid).recognizer = Some(true);
                let event = self.event("MEDIA_BUG_START", uuid);
                self.tell(&event);
            }
        }
    }

    /// Ends what runs; audio with a PLAYBACK_STOP before it.
    fn stop(&mut self, uuid: &str, status: &str, samples: u32) {
        let Some(running) = self.channel(uuid).running.last().cloned() else { return };
        match running.application.as_str() {
            "playback" => {
                let event = self
                    .event("PLAYBACK_STOP", uuid)
                    .set("Playback-Status", status)
                    .set("Playback-File-Path", &running.argument)
                    .set("variable_playback_last_offset_pos", &samples.to_string());
                self.tell(&event);
                self.complete(uuid, "FILE PLAYED");
            }
            _ => self.complete(uuid, "_none_"),
        }
    }

    fn complete(&mut self, uuid: &str, response: &str) {
        let Some(execution) = self.channel(uuid).running.pop() else { return };
        let event = self
            .execution_event("CHANNEL_EXECUTE_COMPLETE", uuid, &execution)
            .set("Application-Response", response);
        self.tell(&event);
    }

    fn speech(&mut self, uuid: &str, kind: &str, body: &str) {
        let channel = self.channel(uuid);
        let plays = channel.running.iter().any(|one| one.application == "playback");
        let fires = channel.variables.get("fire_asr_events").is_some_and(|value| value == "true");
        if channel.recognizer != Some(true) || (plays && !fires) {
            return;
        }
        if kind == "detected-speech" {
            channel.recognizer = Some(false);
        }
        let event = self.event("DETECTED_SPEECH", uuid).set("Speech-Type", kind).body(body);
        // On an idle channel it comes twice, the same event (S9).
        for _ in 0..if fires && !plays { 2 } else { 1 } {
            self.tell(&event);
        }
    }

    fn transfer(&mut self, uuid: &str, extension: &str) -> String {
        if extension == "nowhere" {
            return "-ERR no such extension\n".into();
        }
        while !self.channel(uuid).running.is_empty() {
            self.stop(uuid, "done", 8000);
        }
        for execution in std::mem::take(&mut self.channel(uuid).queue) {
            self.execute(uuid, execution);
            self.complete(uuid, "PLAYBACK ERROR");
        }
        let event = self.event("CHANNEL_UNPARK", uuid).remove("Hangup-Cause");
        self.tell(&event);
        self.channel(uuid).place = "bridge".into();
        if extension == "9999" {
            self.reach_robot(uuid);
        }
        "+OK\n".into()
    }

    /// The order of a hang-up: what runs completes, what waits gives no event, unpark, the
    /// recogniser closes, the end.
    fn end(&mut self, uuid: &str, disposition: &str, response: &str) {
        let channel = self.channel(uuid);
        channel.queue.clear();
        let had_recognizer = channel.recognizer.take().is_some();
        while let Some(execution) = self.channel(uuid).running.pop() {
            if execution.application == "playback" {
                let stop = self.event("PLAYBACK_STOP", uuid).set("Playback-Status", "done");
                self.tell(&stop.set("Hangup-Cause", "NORMAL_CLEARING"));
            }
            let event = self
                .execution_event("CHANNEL_EXECUTE_COMPLETE", uuid, &execution)
                .set("Application-Response", response)
                .set("Hangup-Cause", "NORMAL_CLEARING");
            self.tell(&event);
        }
        let unpark = self.event("CHANNEL_UNPARK", uuid);
        self.tell(&unpark);
        if had_recognizer {
            let closed = self.event("DETECTED_SPEECH", uuid).set("Speech-Type", "closed");
            self.tell(&closed.set("Hangup-Cause", "NORMAL_CLEARING"));
        }
        let gone = self
            .event("CHANNEL_HANGUP_COMPLETE", uuid)
            .set("variable_sip_hangup_disposition", disposition);
        self.tell(&gone);
        self.channels.remove(uuid);
        self.linger(uuid);
    }

    /// A socket with `linger` stays open for a while after the hang-up.
    fn linger(&mut self, uuid: &str) {
        let ours = self.connections.iter().filter(|(_, one)| one.session.as_deref() == Some(uuid));
        let numbers: Vec<_> = ours.map(|(number, _)| *number).collect();
        for number in numbers {
            self.send(
                number,
                "Content-Type: text/disconnect-notice\nContent-Disposition: linger\n\
                 Linger-Time: 5\nContent-Length: 0\n\n"
                    .into(),
            );
        }
    }

    fn execution_event(&mut self, name: &str, uuid: &str, execution: &Execution) -> Event {
        self.event(name, uuid)
            .set("Application", &execution.application)
            .set("Application-Data", &execution.argument)
            .set("Application-UUID", &execution.uuid)
    }

    /// An event as it was captured, with this channel's id and variables and the next number.
    fn event(&mut self, name: &str, uuid: &str) -> Event {
        self.sequence += 1;
        self.us += 20_000;
        let mut event = Event::captured(name)
            .channel(uuid)
            .set("Event-Sequence", &self.sequence.to_string())
            .set("Event-Date-Timestamp", &self.us.to_string());
        if let Some(channel) = self.channels.get(uuid) {
            let application = channel.running.last().map_or(&channel.place, |one| &one.application);
            event = event.remove("variable_robot_flow");
            event = event.set("variable_current_application", application);
            for (name, value) in &channel.variables {
                event = event.set(&format!("variable_{name}"), value);
            }
            event =
                event.set("Answer-State", if channel.answered { "answered" } else { "ringing" });
        }
        event
    }

    fn tell(&mut self, event: &Event) {
        if self.frozen || self.lost.contains(event.name()) {
            return;
        }
        let bytes = event.framed();
        let listens = |connection: &Connection| {
            let is_its_own = |uuid: &String| event.is_of(uuid);
            connection.subscribed.contains(event.name())
                && connection.session.as_ref().is_none_or(is_its_own)
        };
        // A client that does not read is cut off.
        self.connections.retain(|_, connection| {
            !listens(connection) || connection.out.try_send(bytes.clone()).is_ok()
        });
    }
}
