//! A real Redis: on a free port of 127.0.0.1, in a temporary folder.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::process::{Process, on_a_free_port, program};

/// A Redis server without a password.
pub(crate) struct Redis {
    // Before its folder: a service whose folder is gone may refuse to end.
    process: Option<Process>,
    folder: TempDir,
    port: u16,
}

impl Redis {
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

fn start_redis(folder: &TempDir, port: u16) -> Result<Process, String> {
    let mut command = Command::new(redis_program(folder));
    command
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--dir", &folder.path().display().to_string()])
        .args(["--appendonly", "yes", "--save", ""]);
    Process::start(command, "Ready to accept connections")
}

fn redis_program(folder: &TempDir) -> PathBuf {
    folder.path().join("redis-server")
}
