//! The recogniser and the voice of all calls: a process of its own, so that what they need is theirs,
//! and so that it can be killed.

use std::error::Error;
use std::io::Read as _;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::clock::now;
use crate::prompt::Prompt;
use crate::recogniser::Recogniser;

/// The voice takes so long for anything; what it took in truth stands in what it says.
const VOICE_TAKES: Duration = Duration::from_millis(30);

/// Said once both can be reached.
const READY: &str = "ready";

/// It begins within this time, or never.
const START_WITHIN: Duration = Duration::from_secs(10);

/// Both as a process; gone when dropped.
pub(crate) struct Services {
    process: Child,
    pub(crate) recogniser: SocketAddr,
    pub(crate) voice: SocketAddr,
}

impl Services {
    /// On free ports.
    pub(crate) async fn start() -> Result<Self, Box<dyn Error>> {
        Self::start_at(free_address()?, free_address()?).await
    }

    /// Where others were before.
    pub(crate) async fn start_at(
        recogniser: SocketAddr,
        voice: SocketAddr,
    ) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--services", &recogniser.to_string(), &voice.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        let mut line = String::new();
        timeout(START_WITHIN, said.read_line(&mut line)).await??;
        if line.trim() != READY {
            return Err("the recogniser and the voice do not start".into());
        }
        Ok(Self { process, recogniser, voice })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Ends it at once, with all its connections.
    pub(crate) async fn kill(mut self) -> Result<(SocketAddr, SocketAddr), Box<dyn Error>> {
        self.process.kill().await?;
        Ok((self.recogniser, self.voice))
    }
}

/// The process itself: serves until its standard input ends, as it does when who started it is gone.
pub(crate) async fn serve(recogniser: SocketAddr, voice: SocketAddr) -> Result<(), Box<dyn Error>> {
    let _recogniser = Recogniser::start_at(recogniser).await;
    let listener = TcpListener::bind(voice).await?;
    println!("{READY}");
    let end_of_input = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    tokio::select! {
        served = axum::serve(listener, Router::new().fallback(speak)) => served?,
        ended = end_of_input => drop(ended??),
    }
    Ok(())
}

async fn speak() -> impl IntoResponse {
    let asked = now();
    tokio::time::sleep(VOICE_TAKES).await;
    match Prompt::Spoken.wav(now().duration_since(asked)) {
        Ok(wav) => (StatusCode::OK, [("content-type", "audio/wav")], wav).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// An address nobody listens on.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
}
