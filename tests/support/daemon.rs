//! A daemon in a folder of its own, and what it leaves in its database.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};
use tempfile::TempDir;

use crate::process::Process;

/// Rows that are not there by now never will be.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the database is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A running daemon.
pub(crate) struct Daemon {
    process: Option<Process>,
    folder: TempDir,
    http: String,
}

/// The folder that a daemon is to run in: its `flows` and `audio`, filled by a test.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["flows", "audio"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    folder
}

impl Daemon {
    /// Runs in this folder, with this configuration; section `[http]` is ours.
    pub(crate) fn run(folder: TempDir, config: &str) -> Self {
        let http = free_address();
        let config = format!("{config}\n[http]\nlisten = \"{http}\"\n");
        std::fs::write(folder.path().join("telephonist.toml"), config).unwrap();
        let mut daemon = Self { process: None, folder, http: http.to_string() };
        daemon.start_again();
        daemon
    }

    /// Starts it once more after it has ended.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
        command.arg("run").current_dir(self.folder.path());
        self.process = Some(Process::start(command, "running").unwrap());
    }

    /// Writes a file into its folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Waits until it logs this.
    pub(crate) fn logs(&self, text: &str) {
        let process = self.process.as_ref().unwrap();
        while !process.next_line(PATIENCE).expect("it logs something else").contains(text) {}
    }

    /// Ends it as an operator would, and waits until it has ended.
    pub(crate) fn stop(&mut self) {
        drop(self.process.take());
    }

    /// Status and body of `/readyz`.
    pub(crate) async fn readyz(&self) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}/readyz", self.http)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until `/readyz` says this; its status then.
    pub(crate) async fn says(&self, text: &str) -> u16 {
        let wait = async {
            loop {
                let (status, body) = self.readyz().await;
                if body.contains(text) {
                    return status;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let said = tokio::time::timeout(PATIENCE, wait).await;
        said.unwrap_or_else(|_| panic!("/readyz never says {text}"))
    }

    /// The rows of a call that has ended, each as `node args → response`, and its classify row.
    pub(crate) async fn rows(&self, callid: &str) -> (Vec<String>, Vec<String>) {
        let wait = async {
            loop {
                let classify = self.query(callid, CLASSIFY).await;
                if !classify.is_empty() {
                    return (self.query(callid, CONVERSATION).await, classify);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the call is never classified")
    }

    /// Why the rows of a call that has ended answer as they do.
    pub(crate) async fn whys(&self, callid: &str) -> Vec<String> {
        self.rows(callid).await;
        self.query(callid, WHY).await
    }

    /// The calls that began with this script, once there are so many.
    pub(crate) async fn calls_of(&self, script: &str, count: usize) -> Vec<String> {
        let wait = async {
            loop {
                let calls = self.query(script, CALLS).await;
                if calls.len() >= count {
                    return calls;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, wait).await;
        found.unwrap_or_else(|_| panic!("no call of {script} is written down"))
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The process id, while it runs.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// The first column of what this asks for, with one value bound; nothing while there is no
    /// database.
    pub(crate) async fn query(&self, callid: &str, query: &'static str) -> Vec<String> {
        let file = self.folder.path().join("telephonist.db");
        let options = SqliteConnectOptions::new().filename(file);
        let Ok(mut database) = SqliteConnection::connect_with(&options).await else {
            return Vec::new();
        };
        let rows = sqlx::query(query).bind(callid).fetch_all(&mut database).await;
        rows.unwrap_or_default().iter().map(|row| row.get(0)).collect()
    }
}

const CONVERSATION: &str = "SELECT current_flowid || ' ' || input_args || ' → ' || response_id \
     || ' ' || response_type FROM conversation WHERE callid = ? ORDER BY event_no";
const CALLS: &str =
    "SELECT callid FROM conversation WHERE input_type = 10 AND input_args = ? ORDER BY createtime";
const WHY: &str = "SELECT coalesce(why, '') FROM conversation WHERE callid = ? ORDER BY event_no";
const CLASSIFY: &str = "SELECT label_result || ' ' || positive_respond_count || ' ' || \
     proactively_hangup FROM classify WHERE callid = ?";

/// An address nobody listens on.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
