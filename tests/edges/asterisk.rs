//! The two ports of Asterisk, by clients that are no Asterisk or an odd one.

use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;
use telephonist::config;
use telephonist::switch::asterisk::{Arrivals, Asterisk};
use telephonist::switch::{AudioLeg, NewCall};
use telephonist::turn::{MediaEvent, Order};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

/// What is not there by then never will be.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ports, and what comes of them.
struct Ports {
    audiosocket: std::net::SocketAddr,
    fastagi: std::net::SocketAddr,
    arrivals: Arrivals,
    _running: JoinSet<()>,
}

async fn ports(bare: bool) -> Ports {
    let audio = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agi = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (audiosocket, fastagi) = (audio.local_addr().unwrap(), agi.local_addr().unwrap());
    let config = config::Asterisk {
        audiosocket: audiosocket.to_string(),
        fastagi: fastagi.to_string(),
        bare,
        ..config::Asterisk::default()
    };
    let names = Arc::new(|_: &str| vec![SmolStr::new("branch"), SmolStr::new("SHELL(x)")]);
    let (asterisk, arrivals) = Asterisk::new(audio, Some(agi), &config, names);
    let mut running = JoinSet::new();
    running.spawn(async move { match asterisk.run().await {} });
    Ports { audiosocket, fastagi, arrivals, _running: running }
}

impl Ports {
    async fn next_call(&mut self) -> NewCall {
        timeout(PATIENCE, self.arrivals.calls.recv()).await.expect("a call").unwrap()
    }

    async fn bring_audio(&self, id: Uuid) -> TcpStream {
        let mut stream = TcpStream::connect(self.audiosocket).await.unwrap();
        stream.write_all(&[&[1, 0, 16][..], id.as_bytes()].concat()).await.unwrap();
        stream
    }
}

/// A FastAGI session from Asterisk's side.
struct Session(BufReader<TcpStream>);

impl Session {
    async fn open(ports: &Ports, script: &str) -> Self {
        let mut stream = TcpStream::connect(ports.fastagi).await.unwrap();
        let lines = format!(
            "agi_network: yes\nagi_network_script: {script}\nagi_channel: PJSIP/a-1\n\
             agi_callerid: 15550100\nagi_calleridname: unknown\nagi_dnid: 4000\n\
             agi_extension: loan\nagi_context: telephonist\n\n"
        );
        stream.write_all(lines.as_bytes()).await.unwrap();
        Self(BufReader::new(stream))
    }

    /// The next command.
    async fn command(&mut self) -> String {
        let mut line = String::new();
        timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("a command").unwrap();
        line.trim_end().to_owned()
    }

    async fn answer(&mut self, reply: &str) {
        self.0.get_mut().write_all(format!("{reply}\n").as_bytes()).await.unwrap();
    }

    /// Answers everything until this command comes: it is given back, unanswered.
    async fn until(&mut self, start: &str) -> String {
        loop {
            let command = self.command().await;
            if command.starts_with(start) || command.is_empty() {
                return command;
            }
            let reply = match command.as_str() {
                "GET VARIABLE robot_var_branch" => "200 result=1 (north)",
                get if get.starts_with("GET VARIABLE") => "200 result=0",
                set if set.starts_with("SET VARIABLE") => "200 result=1",
                _ => "200 result=0",
            };
            self.answer(reply).await;
        }
    }
}

async fn leg_of(call: &mut NewCall) -> AudioLeg {
    let legs = &mut call.audio.as_mut().unwrap().legs;
    timeout(PATIENCE, legs.recv()).await.expect("audio").unwrap()
}

/// The id in `EXEC AudioSocket "<id>,<address>"`.
fn id_in(exec: &str) -> Uuid {
    let argument = exec.split('"').nth(1).unwrap();
    Uuid::parse_str(argument.split(',').next().unwrap()).unwrap()
}

/// S20: who calls, what the dialplan says, the audio, and a transfer at the end; a name that is a
/// function is never asked for (N10).
#[tokio::test]
async fn a_session_is_a_call_s20() {
    let mut ports = ports(false).await;
    let mut session = Session::open(&ports, "flow/loan").await;
    let (mut call, last) = {
        let asking = session.until("SET VARIABLE ROBOT_CALLID");
        let last = asking.await;
        session.answer("200 result=1").await;
        (ports.next_call().await, last)
    };
    assert!(last.contains(call.callid.as_str()), "{last}");
    assert_eq!(call.robot_flow.as_deref(), Some("loan"));
    let variable = |name: &str| {
        let found = call.variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(variable("caller_id_number"), Some("15550100"));
    assert_eq!(variable("destination_number"), Some("4000"));
    assert_eq!(variable("caller_id_name"), None, "`unknown` is no name");
    assert_eq!(variable("robot_var_branch"), Some("north"));
    call.handle.take("").unwrap();
    assert_eq!(session.until("ANSWER").await, "ANSWER");
    session.answer("200 result=0").await;
    let exec = session.until("EXEC AudioSocket").await;
    let audio = ports.bring_audio(id_in(&exec)).await;
    let mut leg = leg_of(&mut call).await;

    call.handle
        .order(Order::SetVariables(vec![("robot_label".into(), "A\nHANGUP".into())]))
        .unwrap();
    let to = telephonist::engine::Transfer::read(&"a".into(), "4711").unwrap();
    call.handle.order(Order::Transfer(to)).unwrap();
    // The leg is asked to end; a clock would do this.
    let ended = async {
        while !leg.is_ending() {
            leg.send(&telephonist::media::SILENCE, telephonist::engine::Tick(0));
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, ended).await.expect("the leg is asked to end");
    drop(audio);
    session.answer("200 result=0").await;
    assert_eq!(session.until("CHANNEL STATUS").await, "CHANNEL STATUS");
    session.answer("200 result=6").await;
    let mut set = Vec::new();
    for _ in 0..3 {
        set.push(session.command().await);
        session.answer("200 result=1").await;
    }
    assert_eq!(
        set,
        [
            "SET VARIABLE NEXT \"4711\"",
            "SET VARIABLE robot_label \"A HANGUP\"",
            "SET VARIABLE ROBOT_DONE \"1\""
        ],
        "a line break is no second command"
    );
    assert_eq!(call.events.next().await, Some(MediaEvent::Transferred));
}

/// N12: audio that nobody announced is closed, or a call of the default script if that is allowed.
#[tokio::test]
async fn audio_must_be_announced_n12() {
    for bare in [false, true] {
        let mut ports = ports(bare).await;
        let id = Uuid::new_v4();
        let mut stream = ports.bring_audio(id).await;
        if bare {
            let mut call = ports.next_call().await;
            assert_eq!((call.callid.as_str(), call.robot_flow.clone()), (&*id.to_string(), None));
            leg_of(&mut call).await;
        } else {
            let mut byte = [0];
            let read = timeout(PATIENCE, stream.read(&mut byte)).await.expect("it is closed");
            assert!(matches!(read, Ok(0) | Err(_)));
            assert!(ports.arrivals.calls.try_recv().is_err());
        }
    }
}

/// N13: whatever comes on either port ends that connection, and nothing else.
#[tokio::test]
async fn garbage_ends_its_connection_n13() {
    let mut ports = ports(true).await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 40_000], b"agi_network_script: x\n\n"] {
        for address in [ports.audiosocket, ports.fastagi] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // It may be closed before all is written.
            drop(stream.write_all(garbage).await);
            let mut rest = Vec::new();
            let read = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
            assert!(read.is_ok(), "the connection is closed");
        }
    }
    assert!(ports.arrivals.calls.try_recv().is_err());
    let mut session = Session::open(&ports, "flow/loan").await;
    let end = session.until("SET VARIABLE ROBOT_CALLID").await;
    assert!(end.starts_with("SET VARIABLE ROBOT_CALLID"), "others are served");
    session.answer("200 result=1").await;
    assert_eq!(ports.next_call().await.robot_flow.as_deref(), Some("loan"));
}

/// A call that is refused goes on in the dialplan, which is told that the robot is through with it.
#[tokio::test]
async fn a_refused_call_is_the_dialplans_again() {
    let mut ports = ports(false).await;
    let mut session = Session::open(&ports, "flow/loan").await;
    session.until("SET VARIABLE ROBOT_CALLID").await;
    session.answer("200 result=1").await;
    let call = ports.next_call().await;
    call.handle.leave("SWITCH_CONGESTION").unwrap();
    let end = session.until("SET VARIABLE ROBOT_DONE").await;
    assert_eq!(end, "SET VARIABLE ROBOT_DONE \"1\"");
    session.answer("200 result=1").await;
    drop(call);
    assert_eq!(session.command().await, "", "the session ends");
}
