//! The daemon: a process of its own, so that what it needs is its own.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::prompt::Prompt;
use crate::services::{Services, free_address};
use crate::sounds::{SETTINGS, WORDS};

/// The kernel counts a process's time in these (USER_HZ, the same on all of Linux).
const CPU_TICK: Duration = Duration::from_millis(10);

const START_WITHIN: Duration = Duration::from_secs(20);
/// The store's own limit for what is still to be written is 15 s.
const STOP_WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);

/// Of what it complains about, so many lines are shown.
const LOG_LINES_MAX: usize = 20;

/// The script of all calls.
pub(crate) const SCRIPT: &str = "load";

/// A running daemon in a folder of its own; killed when dropped.
pub(crate) struct Daemon {
    process: Child,
    folder: TempDir,
    http: SocketAddr,
    pub(crate) fastagi: SocketAddr,
}

/// Time on all cores since they began, by the names of threads.
pub(crate) type Threads = BTreeMap<String, Duration>;

/// What calls left in the database.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Rows, and calls that have one.
    pub(crate) created: (i64, i64),
    pub(crate) destroyed: (i64, i64),
    pub(crate) classified: (i64, i64),
    /// How calls ended, and how many did so.
    pub(crate) ends: Vec<(String, i64)>,
    /// The parts of all turns, ms.
    pub(crate) turns: BTreeMap<String, Vec<Duration>>,
}

impl Daemon {
    /// Starts this program, on this core if one is named, and waits until it takes calls.
    pub(crate) async fn start(
        program: &Path,
        core: Option<usize>,
        services: &Services,
        calls_max: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        for name in ["flows", "audio"] {
            fs::create_dir(folder.path().join(name))?;
        }
        for prompt in [Prompt::Ask, Prompt::Good, Prompt::Again] {
            let file = folder.path().join(format!("audio/{}.wav", prompt.name()));
            fs::write(file, prompt.wav(Duration::ZERO)?)?;
        }
        let flow = folder.path().join(format!("flows/{SCRIPT}.json"));
        fs::write(flow, script().to_string())?;
        let (http, fastagi, audiosocket) = (free_address()?, free_address()?, free_address()?);
        let Services { recogniser, voice, .. } = services;
        let config = format!(
            "timezone = \"UTC\"\n[scripts]\ndefault = \"{SCRIPT}\"\n[http]\nlisten = \"{http}\"\n\
             [asterisk]\naudiosocket = \"{audiosocket}\"\nfastagi = \"{fastagi}\"\n\
             [calls]\nmax = {calls_max}\ndrain = 1\n\
             [speech.asr.default]\nkind = \"asrproxy\"\nurl = \"ws://{recogniser}/asr\"\n\
             [speech.tts.default]\nkind = \"http\"\nurl = \"http://{voice}/\"\n"
        );
        fs::write(folder.path().join("telephonist.toml"), config)?;
        let log = File::create(folder.path().join("log"))?;
        let program = std::path::absolute(program)?;
        let mut command = match core {
            None => Command::new(program),
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string()]).arg(program);
                command
            }
        };
        let process = command
            .arg("run")
            .current_dir(folder.path())
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let daemon = Self { process, folder, http, fastagi };
        timeout(START_WITHIN, daemon.ready()).await.map_err(|_| daemon.complaints())?;
        Ok(daemon)
    }

    async fn ready(&self) {
        while !self.get("readyz").await.is_ok_and(|said| said.contains("\"ready\":true")) {
            sleep(LOOK).await;
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> Result<u32, Box<dyn Error>> {
        Ok(self.process.id().ok_or("the daemon has ended")?)
    }

    /// Its metrics of now: the values of lines that begin so, added up.
    pub(crate) async fn metric(&self, line: &str) -> Result<f64, Box<dyn Error>> {
        let metrics = self.get("metrics").await?;
        let lines = metrics.lines().filter(|found| found.starts_with(line));
        let values = lines.filter_map(|found| found.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum())
    }

    /// Ends it as an operator would, and reads what it has written.
    pub(crate) async fn stop(mut self) -> Result<Rows, Box<dyn Error>> {
        // The standard library has only SIGKILL.
        Command::new("kill").arg(self.id()?.to_string()).status().await?;
        let status = timeout(STOP_WITHIN, self.process.wait()).await??;
        if !status.success() {
            return Err(format!("the daemon ended with {status}:\n{}", self.complaints()).into());
        }
        self.rows().await
    }

    /// What it has complained about.
    pub(crate) fn complaints(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
        lines.take(LOG_LINES_MAX).collect::<Vec<_>>().join("\n")
    }

    async fn get(&self, path: &str) -> Result<String, reqwest::Error> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        client.get(format!("http://{}/{path}", self.http)).send().await?.text().await
    }

    async fn rows(&self) -> Result<Rows, Box<dyn Error>> {
        let file = self.folder.path().join("telephonist.db");
        let options = SqliteConnectOptions::new().filename(file);
        let mut database = SqliteConnection::connect_with(&options).await?;
        let mut counts = [(0, 0); 3];
        let counting = [
            "SELECT count(*), count(DISTINCT callid) FROM conversation WHERE input_type = 10",
            "SELECT count(*), count(DISTINCT callid) FROM conversation WHERE input_type = 11",
            "SELECT count(*), count(DISTINCT callid) FROM classify",
        ];
        for (count, query) in counts.iter_mut().zip(counting) {
            *count = sqlx::query_as(query).fetch_one(&mut database).await?;
        }
        let ends = "SELECT input_args, count(*) FROM conversation WHERE input_type = 11 GROUP BY 1";
        let ends = sqlx::query_as(ends).fetch_all(&mut database).await?;
        let ledgers = "SELECT ledger FROM classify WHERE ledger IS NOT NULL";
        let mut turns: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
        for row in sqlx::query(ledgers).fetch_all(&mut database).await? {
            let ledger: Value = serde_json::from_str(row.try_get(0)?)?;
            let all = ledger["turns"].as_array().into_iter().flatten();
            for turn in all.filter_map(Value::as_object) {
                for (part, ms) in turn {
                    let ms = Duration::from_millis(ms.as_u64().unwrap_or(0));
                    turns.entry(part.clone()).or_default().push(ms);
                }
            }
        }
        let [created, destroyed, classified] = counts;
        Ok(Rows { created, destroyed, classified, ends, turns })
    }
}

/// Asks, and answers each word with its prompt, for as long as the caller likes. What is synthesised is
/// another text each time, so that no cache has it.
fn script() -> Value {
    let node = |playbacks: &str| {
        let mut subflow: serde_json::Map<String, Value> = WORDS
            .into_iter()
            .filter(|(_, prompt)| *prompt != Prompt::Again)
            .map(|(word, prompt)| {
                let edge = json!({ "condition": { "text": [word] } });
                (format!("{word}:{}", prompt.name()), edge)
            })
            .collect();
        subflow.insert("else:ask".into(), json!({ "condition": { "complete": ["any"] } }));
        json!({
            "action": "cti_play_and_detect_speech",
            "argument": format!(
                "'1' '2' '0' '{}' '' '{}' '{}' '20000'",
                SETTINGS.filter, SETTINGS.min_active_ms, SETTINGS.end_silence_ms
            ),
            "filter": { "text": "S" },
            "playbacks": [playbacks],
            "mismatchplaybacks": ["again.wav"],
            "mismatchrepetition": 1_000_000,
            "subflow": subflow,
        })
    };
    json!({
        "version": 3,
        "flow": {
            "Start": { "subflow": { "ask": {} } },
            "ask": node("ask.wav"),
            "good": node("good.wav"),
            "spoken": node("This is call ${callid}, answer ${appid}."),
        }
    })
}

/// What the threads of a process have used.
pub(crate) fn threads_of(process: u32) -> Result<Threads, Box<dyn Error>> {
    let mut threads = Threads::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end while it is looked at.
        let Ok(stat) = fs::read_to_string(task?.path().join("stat")) else { continue };
        let (name, cpu) = thread(&stat).ok_or("a strange /proc/…/stat")?;
        *threads.entry(name.to_owned()).or_default() += cpu;
    }
    Ok(threads)
}

/// Name and time. The name, in parentheses, may have blanks; user and system time are fields 14 and
/// 15.
fn thread(stat: &str) -> Option<(&str, Duration)> {
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1;
    let mut fields = after.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?;
    Some((name, CPU_TICK * ticks))
}

/// What a process has in memory, kB.
pub(crate) fn resident_kb(process: u32) -> Result<u64, Box<dyn Error>> {
    number_of(&format!("/proc/{process}/status"), "VmRSS:")
}

/// How many files this process may open.
pub(crate) fn files_max() -> Result<u64, Box<dyn Error>> {
    number_of("/proc/self/limits", "Max open files")
}

fn number_of(file: &str, name: &str) -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    match line.split_whitespace().next() {
        Some("unlimited") => Ok(u64::MAX),
        Some(number) => Ok(number.parse()?),
        None => Err("no number".into()),
    }
}
