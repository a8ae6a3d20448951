//! A daemon in a folder of its own, and what it leaves in its database.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};
use tempfile::TempDir;

use crate::fake_freeswitch::FakeFreeswitch;
use crate::process::Process;

/// Rows that are not there by now never will be.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the database is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The script that all these calls follow.
const SCRIPT: &str = r#"{
    "version": 3,
    "flow": {
        "Start": { "subflow": { "ask": {} } },
        "ask": {
            "action": "cti_play_and_detect_speech", "argument": "'1' '2'", "description": "ask",
            "playbacks": ["Would you like one, ${name}?"],
            "mismatchplaybacks": ["You said ${last_text}."], "mismatchrepetition": 5,
            "subflow": {
                "yes:bye": { "id": "yes", "weight": 1, "condition": { "text": ["yes"] } },
                "person:person": { "condition": { "text": ["person"], "dtmf": ["0"] } },
                "silent:bye": { "condition": { "complete": ["any"] } }
            }
        },
        "person": {
            "action": "transfer", "argument": "${extension}",
            "subflow": { "bye": { "condition": { "complete": ["error"] } } }
        },
        "bye": { "action": "hangup", "playbacks": ["Goodbye."], "potential": "A" }
    }
}"#;

/// A running daemon.
pub(crate) struct Daemon {
    process: Option<Process>,
    folder: TempDir,
    http: String,
    /// Where FreeSWITCHes may connect to.
    pub(crate) outbound: SocketAddr,
}

impl Daemon {
    /// Attached to the fake, with further lines of configuration.
    pub(crate) fn start(fake: &FakeFreeswitch, more: &str) -> Self {
        Self::start_with(fake, SCRIPT, more)
    }

    /// The same with this script in place of ours; its name is `ask` too.
    pub(crate) fn start_with(fake: &FakeFreeswitch, script: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (http, outbound) = (free_address(), free_address());
        for name in ["flows", "audio"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("flows/ask.json"), script).unwrap();
        let config = format!(
            "timezone = \"UTC\"\n[scripts]\ndefault = \"ask\"\n[[freeswitch]]\naddress = \"{}\"\n\
             password = \"ClueCon\"\nasr = \"test builtin\"\ntts = \"tts_commandline:en\"\n\
             [freeswitch_outbound]\nlisten = \"{outbound}\"\nasr = \"test builtin\"\n\
             tts = \"tts_commandline:en\"\n[http]\nlisten = \"{http}\"\n{more}",
            fake.address
        );
        std::fs::write(folder.path().join("telephonist.toml"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
        command.arg("run").current_dir(folder.path());
        let process = Process::start(command, "running").unwrap();
        Self { process: Some(process), folder, http: http.to_string(), outbound }
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

    async fn query(&self, callid: &str, query: &'static str) -> Vec<String> {
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
const WHY: &str = "SELECT coalesce(why, '') FROM conversation WHERE callid = ? ORDER BY event_no";
const CLASSIFY: &str = "SELECT label_result || ' ' || positive_respond_count || ' ' || \
     proactively_hangup FROM classify WHERE callid = ?";

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl FakeFreeswitch {
    /// A whole sentence, as a recogniser without partial results tells it.
    pub(crate) fn says(&self, uuid: &str, text: &str) {
        let text = serde_json::to_string(text).unwrap();
        self.speech(uuid, "begin-speaking", "");
        self.speech(uuid, "detected-speech", &format!("{{\"text\": {text}}}"));
    }
}
