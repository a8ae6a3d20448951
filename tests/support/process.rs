//! Services that tests start themselves, and end by their own process id.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// A service that is not ready by now never will be: MariaDB takes two seconds on an idle machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A service that is still there by now is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// How often another port is tried when somebody else took the free one first.
const PORT_ATTEMPTS: usize = 5;

/// Where a program is, or which package brings it.
#[expect(clippy::disallowed_methods, reason = "where programs are is not configuration")]
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join(name))
        .find(|candidate| Path::is_file(candidate))
        .unwrap_or_else(|| panic!("{name} is missing: apt-get install {package}, or run ./test"))
}

/// Starts on a port that was free a moment ago; on another if it was taken meanwhile.
pub(crate) fn on_a_free_port(start: impl Fn(u16) -> Result<Process, String>) -> (u16, Process) {
    let mut complaints = Vec::new();
    for _ in 0..PORT_ATTEMPTS {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        match start(port) {
            Ok(process) => return (port, process),
            Err(complaint) => complaints.push(complaint),
        }
    }
    panic!("the service does not start:\n{}", complaints.join("\n"));
}

/// A running service, ended on drop.
pub(crate) struct Process {
    child: Child,
    /// What it says; disconnected when it has ended. In a mutex so that tests can share it.
    lines: Mutex<Receiver<String>>,
}

impl Process {
    /// Starts it and waits until it says that it is ready: it says so only after it has its port,
    /// so the port is surely its own. An error is what it said instead.
    pub(crate) fn start(mut command: Command, ready: &'static str) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout: Box<dyn Read + Send> = Box::new(child.stdout.take().unwrap());
        let stderr: Box<dyn Read + Send> = Box::new(child.stderr.take().unwrap());
        let process = Self { child, lines: Mutex::new(lines_of([stdout, stderr])) };
        let mut said = Vec::new();
        while let Ok(line) = process.next_line(START_TIMEOUT) {
            if line.contains(ready) {
                return Ok(process);
            }
            said.push(line);
        }
        Err(said.join("\n"))
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line it says; an error when it has ended, or says nothing for so long.
    pub(crate) fn next_line(&self, patience: Duration) -> Result<String, RecvTimeoutError> {
        self.lines.lock().unwrap().recv_timeout(patience)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGTERM, as an operator would: the standard library has only SIGKILL.
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        let ended = loop {
            match self.next_line(STOP_TIMEOUT) {
                Ok(_) => {}
                Err(error) => break error == RecvTimeoutError::Disconnected,
            }
        };
        if !ended {
            self.child.kill().unwrap();
        }
        self.child.wait().unwrap();
    }
}

/// The lines that come out of some pipes. The pipes are read to their end even when nobody listens
/// any more: a full pipe would stop the service.
#[expect(
    clippy::disallowed_methods,
    reason = "a service that talks much must not be stopped by it"
)]
fn lines_of(pipes: [Box<dyn Read + Send>; 2]) -> Receiver<String> {
    let (sender, receiver) = channel();
    for pipe in pipes {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                sender.send(String::from_utf8_lossy(&line).into_owned()).unwrap_or_default();
            }
        });
    }
    receiver
}
