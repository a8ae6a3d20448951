//! The daemon under load: a process of its own, so that what it needs is its own.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The kernel counts a process's time in these (USER_HZ, the same on all of Linux).
const CPU_TICK: Duration = Duration::from_millis(10);

/// Linux on x86-64 and most others.
const PAGE_BYTES: u64 = 4096;

/// The store's own limit for what is still to be written is 15 s.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The script, in the daemon's folder.
const SCRIPT: &str = "flows/load.json";

/// Of what it complains about, so many lines are shown.
const LOG_LINES_MAX: usize = 20;

/// A running daemon in a folder of its own; killed when dropped.
pub(crate) struct Daemon {
    process: Child,
    folder: TempDir,
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// On all cores, since it began.
    pub(crate) cpu: Duration,
    /// In memory now.
    pub(crate) resident_bytes: u64,
}

/// What calls left in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) created: u64,
    pub(crate) destroyed: u64,
    pub(crate) classified: u64,
    /// Rows of things said.
    pub(crate) sentences: u64,
}

impl Daemon {
    /// Starts this program; it will connect to the switch and take calls with the script.
    pub(crate) fn start(
        program: &Path,
        switch: SocketAddr,
        script: &str,
        calls_max: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        for name in ["flows", "audio"] {
            fs::create_dir(folder.path().join(name))?;
        }
        fs::write(folder.path().join("audio/prompt.wav"), "")?;
        let config = format!(
            "timezone = \"UTC\"\n[[freeswitch]]\naddress = \"{switch}\"\npassword = \"ClueCon\"\n\
             asr = \"test\"\ntts = \"file\"\n[calls]\nmax = {calls_max}\n[http]\nlisten = \"\"\n"
        );
        fs::write(folder.path().join("telephonist.toml"), config)?;
        fs::write(folder.path().join(SCRIPT), script)?;
        let log = File::create(folder.path().join("log"))?;
        let process = Command::new(std::path::absolute(program)?)
            .arg("run")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { process, folder })
    }

    /// Puts a script in the place of the one before, at one stroke, as a deployment does.
    pub(crate) fn put_script(&self, text: &str) -> io::Result<()> {
        let beside = self.file("new.json");
        fs::write(&beside, text)?;
        fs::rename(beside, self.file(SCRIPT))
    }

    /// What it uses now.
    pub(crate) fn usage(&self) -> Result<Usage, Box<dyn Error>> {
        usage_of(&self.process.id().ok_or("the daemon has ended")?.to_string())
    }

    /// Ends it as an operator would, and counts what it has written.
    pub(crate) async fn stop(mut self) -> Result<Rows, Box<dyn Error>> {
        let id = self.process.id().ok_or("the daemon has ended")?;
        // The standard library has only SIGKILL.
        Command::new("kill").arg(id.to_string()).status().await?;
        let status = timeout(STOP_WITHIN, self.process.wait()).await??;
        if !status.success() {
            return Err(format!("the daemon ended with {status}:\n{}", self.complaints()?).into());
        }
        self.rows().await
    }

    /// What it has complained about.
    pub(crate) fn complaints(&self) -> io::Result<String> {
        let log = self.log()?;
        let lines = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
        Ok(lines.take(LOG_LINES_MAX).collect::<Vec<_>>().join("\n"))
    }

    /// How many versions of scripts it has loaded.
    pub(crate) fn scripts_loaded(&self) -> io::Result<usize> {
        Ok(self.log()?.lines().filter(|line| line.contains("script loaded")).count())
    }

    fn log(&self) -> io::Result<String> {
        fs::read_to_string(self.file("log"))
    }

    async fn rows(&self) -> Result<Rows, Box<dyn Error>> {
        let options = SqliteConnectOptions::new().filename(self.file("telephonist.db"));
        let mut database = SqliteConnection::connect_with(&options).await?;
        let (created, destroyed, sentences) = sqlx::query_as::<_, (i64, i64, i64)>(
            "SELECT count(DISTINCT callid) FILTER (WHERE input_type = 10), \
             count(DISTINCT callid) FILTER (WHERE input_type = 11), \
             count(*) FILTER (WHERE input_type = 0) FROM conversation",
        )
        .fetch_one(&mut database)
        .await?;
        let (classified,) =
            sqlx::query_as::<_, (i64,)>("SELECT count(DISTINCT callid) FROM classify")
                .fetch_one(&mut database)
                .await?;
        let [created, destroyed, classified, sentences] =
            [created, destroyed, classified, sentences].map(i64::unsigned_abs);
        Ok(Rows { created, destroyed, classified, sentences })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What a process uses, by its id or `self`.
pub(crate) fn usage_of(process: &str) -> Result<Usage, Box<dyn Error>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may have blanks; user and system time are fields 14 and 15.
    let after_name = stat.rsplit_once(')').ok_or("a strange /proc/…/stat")?.1;
    let fields = after_name.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks: u32 = fields.sum::<Result<u32, _>>()?;
    let statm = fs::read_to_string(format!("/proc/{process}/statm"))?;
    let pages: u64 = statm.split_whitespace().nth(1).ok_or("a strange /proc/…/statm")?.parse()?;
    Ok(Usage { cpu: CPU_TICK * ticks, resident_bytes: pages * PAGE_BYTES })
}
