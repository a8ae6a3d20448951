//! A real MariaDB: on a free port of 127.0.0.1, in a temporary folder.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::process::{Process, on_a_free_port, program};

/// MariaDB runs as root only if told so; told so by anybody else it only warns.
const AS_ROOT: &str = "--user=root";

/// A MariaDB server with the user `root` and no password.
pub(crate) struct MariaDb {
    // Before its folder: a service whose folder is gone may refuse to end.
    process: Option<Process>,
    folder: TempDir,
    port: u16,
}

impl MariaDb {
    /// A server of the test's own, to be stopped and started again.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let installer = program("mariadb-install-db", "mariadb-server-core");
        let installed = Command::new(installer)
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", data_dir(&folder).display()))
            .arg(AS_ROOT)
            .arg("--innodb-log-file-size=8M")
            .env("TMPDIR", folder.path())
            .output()
            .unwrap();
        assert!(installed.status.success(), "{installed:?}");
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

fn start_mariadb(folder: &TempDir, port: u16) -> Result<Process, String> {
    let mut command = Command::new(program("mariadbd", "mariadb-server-core"));
    command
        // A server that starts removes what others have among its temporary files.
        .env("TMPDIR", folder.path())
        .args(["--no-defaults", "--skip-name-resolve", "--innodb-log-file-size=8M"])
        .arg(AS_ROOT)
        .args(["--bind-address=127.0.0.1", &format!("--port={port}")])
        .arg(format!("--datadir={}", data_dir(folder).display()))
        // A socket's path has at most 107 bytes: a temporary folder's is short enough.
        .arg(format!("--socket={}", folder.path().join("s").display()))
        .arg(format!("--pid-file={}", folder.path().join("pid").display()));
    Process::start(command, "ready for connections")
}

fn data_dir(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}
