//! The configuration: every key of `telephonist.toml` with its default.
//!
//! This file has the types; [`load()`] reads them from the file and the environment, and
//! `default.toml` beside it is the same written for people.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

mod check;
mod document;
mod load;
mod problem;
mod secret;
mod shape;
mod speech;

pub use check::{network, time_zone};
pub use load::{Loaded, Rejected, Source, check_rules, load};
pub use problem::{Place, Problem, Severity};
pub use secret::Secret;
pub use speech::{Asr, AsrKind, Speech, Tts, TtsKind};

/// The reference: every key with its default, commented. Parses to `Config::default()`.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// All of `telephonist.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// This daemon's name in logs and answers; default: the host name.
    pub instance: String,
    /// Which `cti_robot_flow@<domain>` and `config@<domain>` are ours; empty = none.
    pub domain: String,
    /// The zone of times in rows: `local`, `UTC`, or an IANA name.
    pub timezone: String,
    /// Where caches and other files of our own lie.
    pub data_dir: PathBuf,
    /// Robot scripts.
    pub scripts: Scripts,
    /// The FreeSWITCHes to attach to.
    pub freeswitch: Vec<Freeswitch>,
    /// The port that FreeSWITCHes connect to.
    pub freeswitch_outbound: FreeswitchOutbound,
    /// The Asterisks that connect to us.
    pub asterisk: Asterisk,
    /// Recognisers and voices, where the audio comes to us.
    pub speech: Speech,
    /// Where rows go.
    pub database: Database,
    /// Scripts, reload messages and rows over Redis.
    pub redis: Redis,
    /// The robot's rows and manners, as in the original's `cti.json`.
    pub robot: Robot,
    /// Health, readiness, metrics.
    pub http: Http,
    /// Limits of calls.
    pub calls: Calls,
    /// Recordings of calls whose audio comes to us.
    pub recording: Recording,
    /// Where requests to services may go.
    pub egress: Egress,
    /// What the log may show.
    pub log: Log,
    /// Rules of `telephonist check`, by their names.
    pub check: BTreeMap<String, CheckRule>,
}

/// Section `[check.<rule>]`: how a rule of the prover is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckRule {
    /// `off`, `note`, `warning` or `error`.
    pub severity: String,
    /// Why; needed for `off`.
    pub reason: String,
}

/// Section `[scripts]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scripts {
    /// The scripts folder, watched.
    pub dir: PathBuf,
    /// The script of calls that name none; empty = such calls are refused.
    pub default: String,
    /// Root of relative playback files.
    pub audio_dir: PathBuf,
}

/// One `[[freeswitch]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Freeswitch {
    /// Event socket, `host:port`.
    pub address: String,
    /// Its password: the word itself, `env:NAME` or `file:PATH`.
    pub password: Secret,
    /// The `detect_speech` engine, with grammar if it needs one: `unimrcp`, `test {partial=true}builtin`.
    pub asr: String,
    /// How text is spoken: `file` (entries must be files) or `<engine>:<voice>` of the switch.
    pub tts: String,
}

/// Section `[freeswitch_outbound]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FreeswitchOutbound {
    /// `host:port` for the dialplan's `socket` application; empty = none.
    pub listen: String,
    /// As [`Freeswitch::asr`], for all calls that come this way.
    pub asr: String,
    /// As [`Freeswitch::tts`], for all calls that come this way.
    pub tts: String,
}

/// Section `[asterisk]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asterisk {
    /// `host:port` that the audio of calls comes to, and that Asterisk is told; empty = none.
    pub audiosocket: String,
    /// `host:port` for the dialplan's `AGI(agi://…)`; empty = none.
    pub fastagi: String,
    /// Audio that no FastAGI announced is a call too, for the default script.
    pub bare: bool,
    /// Dialplan applications that a script may have run (N10).
    pub applications: Vec<String>,
}

/// Section `[recording]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recording {
    /// What one file holds.
    pub mode: RecordingMode,
    /// Where the files are.
    pub dir: PathBuf,
    /// A file's name below that, without `.wav`: `%Y`, `%m`, `%d`, `%H`, `%M`, `%S` of the beginning,
    /// `${callid}`, `${appid}`, and the call's variables.
    pub name: String,
}

/// What one recording holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordingMode {
    /// Nothing is recorded.
    Off,
    /// A call.
    Call,
    /// An action.
    Action,
}

/// Section `[database]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Database {
    /// `sqlite://path` or `mysql://user:password@host/database`; empty = none.
    pub url: Secret,
}

/// Section `[redis]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Redis {
    /// `redis://…`; empty = none.
    pub url: Secret,
}

/// Section `[robot]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Robot {
    /// What was being said when the caller hung up is still matched (E76).
    pub event_after_hangup: bool,
    /// Rows of `conversation`.
    pub record: Record,
    /// Rows of `classify`.
    pub statistic: Statistic,
    /// The NLP service.
    pub nlp: Nlp,
    /// Flows that a service decides.
    pub httpflow: HttpFlow,
}

/// Section `[robot.nlp]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nlp {
    /// Requests and answers stand in the log at level debug.
    pub debug: bool,
}

/// Section `[robot.httpflow]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpFlow {
    /// Accepted, without effect: it chose between two ways to do the same.
    pub usecurl: bool,
    /// How often a request that failed is repeated.
    pub retries: u32,
    /// A service is connected to within this time, ms; for all requests to services.
    pub connecttimeout: u64,
    /// How long each attempt may take, ms.
    pub responsetimeout: u64,
    /// Played before the robot hangs up because the service is away; empty = nothing.
    pub apology: String,
    /// API commands of the switch that a service may have run, as patterns of the whole command
    /// (N11).
    pub commands: Vec<String>,
}

/// Section `[robot.record]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Channel variables that go with each row to Redis (I3).
    pub notify_fields: Vec<String>,
    /// The DESTORY row alone is POSTed here; empty = nowhere (I4).
    pub notify_url: String,
    /// Rows to the log as well.
    pub log: bool,
    /// Rows keep what was tried before each answer, in our column `why`.
    pub explain: bool,
    /// Rows to Redis.
    pub redis: RedisTargets,
    /// Rows to the database.
    pub database: Table,
    /// The DESTORY row alone to Redis (I4).
    pub notify_redis: RedisTargets,
}

/// Section `[robot.statistic]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistic {
    /// Rows to the log as well.
    pub log: bool,
    /// Rows to Redis.
    pub redis: RedisTargets,
    /// Rows to the database.
    pub database: Table,
}

/// Where in Redis rows go; an empty name = not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RedisTargets {
    /// PUBLISH.
    pub channel: String,
    /// RPUSH.
    pub list: String,
    /// XADD.
    pub stream: String,
}

/// A table in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    /// Its name, `[A-Za-z0-9_]{1,64}`; empty = not to the database.
    pub table: String,
}

/// Section `[http]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Http {
    /// `host:port`; empty = no HTTP.
    pub listen: String,
}

/// Section `[calls]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calls {
    /// More calls than this are refused (N20).
    pub max: usize,
    /// How long running calls may go on after SIGTERM, s (N5).
    pub drain: u64,
    /// Extensions a script may send a call to, as patterns (N11).
    pub transfer_allow: Vec<String>,
}

/// Section `[egress]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Egress {
    /// Networks that requests may reach besides public ones (N15); empty = all but link-local ones
    /// and metadata services.
    pub allow: Vec<String>,
}

/// Section `[log]`. Which lines there are is `RUST_LOG`'s to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// Telephone numbers and what was said stand also in lines above debug level (N14).
    pub personal: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            instance: String::new(),
            domain: String::new(),
            timezone: "local".into(),
            data_dir: "data".into(),
            scripts: Scripts::default(),
            freeswitch: Vec::new(),
            freeswitch_outbound: FreeswitchOutbound::default(),
            asterisk: Asterisk::default(),
            speech: Speech::default(),
            database: Database::default(),
            redis: Redis::default(),
            robot: Robot::default(),
            http: Http::default(),
            calls: Calls::default(),
            recording: Recording::default(),
            egress: Egress::default(),
            log: Log::default(),
            check: BTreeMap::new(),
        }
    }
}

impl Default for Scripts {
    fn default() -> Self {
        Self { dir: "flows".into(), default: "loan".into(), audio_dir: "audio".into() }
    }
}

impl Default for Freeswitch {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:8021".into(),
            password: Secret("ClueCon".into()),
            asr: "unimrcp".into(),
            tts: "file".into(),
        }
    }
}

impl Default for FreeswitchOutbound {
    fn default() -> Self {
        let Freeswitch { asr, tts, .. } = Freeswitch::default();
        Self { listen: String::new(), asr, tts }
    }
}

impl Default for Asterisk {
    fn default() -> Self {
        // What speaks, waits or makes a sound, and runs no program, sets no variable and calls nobody.
        let applications = [
            "Playback",
            "Background",
            "Wait",
            "Playtones",
            "StopPlaytones",
            "SayAlpha",
            "SayDigits",
            "SayNumber",
            "SayPhonetic",
            "SayUnixTime",
            "SendDTMF",
            "Ringing",
            "Progress",
            "NoOp",
            "Verbose",
        ];
        Self {
            audiosocket: String::new(),
            fastagi: String::new(),
            bare: false,
            applications: applications.map(Into::into).into(),
        }
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            mode: RecordingMode::Off,
            dir: "data/recordings".into(),
            name: "%Y-%m-%d/${callid}".into(),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: Secret("sqlite://telephonist.db".into()) }
    }
}

impl Default for Robot {
    fn default() -> Self {
        Self {
            event_after_hangup: true,
            record: Record::default(),
            statistic: Statistic::default(),
            nlp: Nlp::default(),
            httpflow: HttpFlow::default(),
        }
    }
}

impl Default for HttpFlow {
    fn default() -> Self {
        Self {
            usecurl: false,
            retries: 2,
            connecttimeout: 3_000,
            responsetimeout: 10_000,
            apology: String::new(),
            commands: Vec::new(),
        }
    }
}

impl Default for Record {
    fn default() -> Self {
        let fields = ["caller_id_name", "destination_number", "call_source", "source_name"];
        let mut notify_fields: Vec<String> = fields.map(Into::into).into();
        notify_fields.push("cti_dial_number".into());
        Self {
            notify_fields,
            notify_url: String::new(),
            log: false,
            explain: false,
            redis: RedisTargets::default(),
            database: Table { table: "conversation".into() },
            notify_redis: RedisTargets::default(),
        }
    }
}

impl Default for Statistic {
    fn default() -> Self {
        Self {
            log: false,
            redis: RedisTargets::default(),
            database: Table { table: "classify".into() },
        }
    }
}

impl Default for Table {
    fn default() -> Self {
        Self { table: "conversation".into() }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".into() }
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self { max: 2000, drain: 60, transfer_allow: vec!["^[0-9]{3,6}$".into()] }
    }
}
