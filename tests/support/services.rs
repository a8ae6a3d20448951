//! A real MariaDB and a real Redis for one test binary: on free ports of 127.0.0.1, in a temporary
//! folder, ended by their own process id when the last test lets go of them.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// A service that is not ready by now never will be: MariaDB takes two seconds on an idle machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A service that is still there by now is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// How often another port is tried when somebody else took the free one first.
const PORT_ATTEMPTS: usize = 5;

/// MariaDB runs as root only if told so; told so by anybody else it only warns.
const AS_ROOT: &str = "--user=root";

/// A MariaDB server with the user `root` and no password.
pub(crate) struct MariaDb {
    // Before its folder: a service whose folder is gone may refuse to end.
    process: Option<Process>,
    folder: TempDir,
    port: u16,
}

/// A Redis server without a password.
pub(crate) struct Redis {
    // Before its folder: a service whose folder is gone may refuse to end.
    process: Option<Process>,
    folder: TempDir,
    port: u16,
}

impl MariaDb {
    /// The server that the tests of this binary share, started if none of them holds it.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<MariaDb>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// A server of the test's own, to be stopped and started again.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let installer = program("mariadb-install-db", "mariadb-server-core");
        let installed = Command::new(installer)
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", data_dir(&folder).display()))
            .arg(AS_ROOT)
            .arg("--innodb-log-file-size=8M")
            .output()
            .unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let (port, process) = on_a_free_port(|port| start_mariadb(&folder, port));
        Self { folder, port, process: Some(process) }
    }

    /// The URL of a database of this server.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.port)
    }

    /// Ends the server as an operator would.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port with the same data.
    pub(crate) fn start_again(&mut self) {
        self.process = Some(start_mariadb(&self.folder, self.port).unwrap());
    }
}

impl Redis {
    /// The server that the tests of this binary share, started if none of them holds it.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Redis>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// A server of the test's own, to be stopped and started again.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server is the same program as the checker, which Debian puts into another package:
        // it goes by the name it was started with.
        symlink(program("redis-check-rdb", "redis-tools"), redis_program(&folder)).unwrap();
        let (port, process) = on_a_free_port(|port| start_redis(&folder, port));
        Self { folder, port, process: Some(process) }
    }

    /// The server's URL.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Ends the server; it saves its data first.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port with the same data.
    pub(crate) fn start_again(&mut self) {
        self.process = Some(start_redis(&self.folder, self.port).unwrap());
    }
}

fn start_mariadb(folder: &TempDir, port: u16) -> Result<Process, String> {
    let mut command = Command::new(program("mariadbd", "mariadb-server-core"));
    command
        .args(["--no-defaults", "--skip-name-resolve", "--innodb-log-file-size=8M"])
        .arg(AS_ROOT)
        .args(["--bind-address=127.0.0.1", &format!("--port={port}")])
        .arg(format!("--datadir={}", data_dir(folder).display()))
        // A socket's path has at most 107 bytes: a temporary folder's is short enough.
        .arg(format!("--socket={}", folder.path().join("s").display()))
        .arg(format!("--pid-file={}", folder.path().join("pid").display()));
    Process::start(command, "ready for connections")
}

fn start_redis(folder: &TempDir, port: u16) -> Result<Process, String> {
    let mut command = Command::new(redis_program(folder));
    command
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--dir", &folder.path().display().to_string()])
        .args(["--appendonly", "yes", "--save", ""]);
    Process::start(command, "Ready to accept connections")
}

fn data_dir(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

fn redis_program(folder: &TempDir) -> PathBuf {
    folder.path().join("redis-server")
}

/// Where a program is, or which package brings it.
#[expect(clippy::disallowed_methods, reason = "where programs are is not configuration")]
fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join(name))
        .find(|candidate| Path::is_file(candidate))
        .unwrap_or_else(|| panic!("{name} is missing: apt-get install {package}, or run ./test"))
}

/// Starts on a port that was free a moment ago; on another if it was taken meanwhile.
fn on_a_free_port(start: impl Fn(u16) -> Result<Process, String>) -> (u16, Process) {
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
struct Process {
    child: Child,
    /// What it says; disconnected when it has ended. In a mutex so that tests can share it.
    lines: Mutex<Receiver<String>>,
}

impl Process {
    /// Starts it and waits until it says that it is ready: it says so only after it has its port,
    /// so the port is surely its own. An error is what it said instead.
    fn start(mut command: Command, ready: &'static str) -> Result<Self, String> {
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

    fn next_line(&self, patience: Duration) -> Result<String, RecvTimeoutError> {
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
