//! `telephonist push`: a script to Redis, and what the instances say of it (I2).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Client, RedisError, cmd};
use tokio::time::timeout;

use super::replay::BeforePush;
use super::{ConfigArgs, Exit, page, print, scripts, wait_for};
use crate::daemon::scripts::{Change, REPLY_CHANNEL, Reply, channel, hash, is_name};
use crate::script::{Problem, Script};

/// A Redis that has not answered by now is away.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Put a script into Redis and wait until the instances say that it is in force, or why not
#[derive(clap::Args)]
pub(super) struct Args {
    /// Script file, or name below flows/
    script: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
    /// For the instances of this domain only
    #[arg(long, default_value = "")]
    domain: String,
    /// The script's name [default: its path below flows/ without .json, else its file name]
    #[arg(long)]
    name: Option<String>,
    /// How long to wait for the instances' answers
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    wait: u64,
    #[command(flatten)]
    before: BeforePush,
}

/// What is to be pushed.
struct Push {
    client: Client,
    domain: String,
    name: String,
    text: Vec<u8>,
    wait: Duration,
}

pub(super) fn run(args: &Args) -> Exit {
    let push = match prepare(args) {
        Ok(push) => push,
        Err(exit) => return exit,
    };
    match wait_for(push.run()) {
        Ok(Ok(())) => Exit::Fine,
        Ok(Err(failure)) => {
            eprintln!("{failure}");
            failure.exit()
        }
        Err(exit) => exit,
    }
}

/// Checks everything that can be checked here: nothing is sent that no instance could load.
fn prepare(args: &Args) -> Result<Push, Exit> {
    let config = args.config.load()?;
    let file = scripts::find(&args.script);
    let name = args.name.clone().unwrap_or_else(|| scripts::name_of(&file));
    if !is_name(&name) {
        eprintln!("{name:?} can be no script's name: write a path like debug/loan, without ..");
        return Err(Exit::Usage);
    }
    let script = prove(&file, args)?;
    args.before.check(&config, &script)?;
    let text = std::fs::read(&file).map_err(|error| {
        eprintln!("{}: {error}", file.display());
        Exit::Usage
    })?;
    if config.redis.url.0.is_empty() {
        eprintln!("[redis] url is empty: there is nowhere to push to");
        return Err(Exit::Config);
    }
    let client = Client::open(config.redis.url.0.as_str()).map_err(|error| {
        eprintln!("[redis] url: {error}");
        Exit::Config
    })?;
    let wait = Duration::from_secs(args.wait);
    Ok(Push { client, domain: args.domain.clone(), name, text, wait })
}

/// Tells what can be proved of the script; only what its author raised to an error stops it.
fn prove(file: &Path, args: &Args) -> Result<Arc<Script>, Exit> {
    let settings = scripts::settings(args.config.file())?;
    let (script, proved) = scripts::prove(file, None, &settings)?;
    for problem in &proved.problems {
        eprint!("{}", page::problem(problem));
    }
    let is_wrong = proved.problems.iter().any(Problem::is_error);
    script.filter(|_| !is_wrong).ok_or(Exit::Wrong)
}

/// Why a script is not in force everywhere.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("Redis: {0}; check that it runs, and address and password in [redis] url")]
    Redis(#[from] RedisError),
    #[error("Redis: no answer within {} s", ANSWER_TIMEOUT.as_secs())]
    Silent,
    #[error("{refused} of {listening} instances refused it and keep what they had")]
    Refused { refused: usize, listening: usize },
    #[error("{answered} of {listening} instances answered in time")]
    Unanswered { answered: usize, listening: usize },
    #[error("standard output is gone")]
    Unheard,
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Refused { .. } => Exit::Wrong,
            Self::Redis(_) | Self::Silent | Self::Unanswered { .. } | Self::Unheard => {
                Exit::Unavailable
            }
        }
    }
}

impl Push {
    async fn run(&self) -> Result<(), Failure> {
        let connecting = timeout(ANSWER_TIMEOUT, self.connect());
        let (mut connection, mut replies) = connecting.await.map_err(|_| Failure::Silent)??;
        let listening = self.send(&mut connection).await?;
        if listening == 0 {
            return tell("stored; no instance listens, the next to start will have it");
        }
        let mut answers = Vec::new();
        let hearing = timeout(self.wait, self.hear(&mut replies, listening, &mut answers));
        match hearing.await {
            Ok(heard) => heard?,
            Err(_) => {
                let answered = answers.len();
                return Err(Failure::Unanswered { answered, listening });
            }
        }
        match answers.iter().filter(|reply| !reply.accepted).count() {
            0 => Ok(()),
            refused => Err(Failure::Refused { refused, listening }),
        }
    }

    /// Listens for replies before there can be any.
    async fn connect(&self) -> Result<(MultiplexedConnection, PubSub), RedisError> {
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let connection = self.client.get_multiplexed_async_connection_with_config(&limits).await?;
        let mut replies = self.client.get_async_pubsub().await?;
        replies.subscribe(REPLY_CHANNEL).await?;
        Ok((connection, replies))
    }

    /// Stores the script and tells the instances; gives how many listen.
    async fn send(&self, connection: &mut MultiplexedConnection) -> Result<usize, Failure> {
        let mut store = cmd("HSET");
        store.arg(hash(&self.domain)).arg(&self.name).arg(&self.text);
        let () = store.query_async(connection).await?;
        let change = serde_json::to_string(&Change::new(&self.name)).expect("plain data");
        let mut publish = cmd("PUBLISH");
        publish.arg(channel(&self.domain)).arg(change);
        Ok(publish.query_async(connection).await?)
    }

    /// Prints one reply after the other until every instance has answered.
    async fn hear(
        &self,
        replies: &mut PubSub,
        listening: usize,
        answers: &mut Vec<Reply>,
    ) -> Result<(), Failure> {
        let mut messages = replies.on_message();
        while answers.len() < listening {
            let message = messages.next().await.ok_or(Failure::Silent)?;
            // Others may speak there too, and of other scripts.
            let Ok(reply) = serde_json::from_slice::<Reply>(message.get_payload_bytes()) else {
                continue;
            };
            if reply.key == self.name {
                tell(&describe(&reply))?;
                answers.push(reply);
            }
        }
        Ok(())
    }
}

fn describe(reply: &Reply) -> String {
    let Reply { key, instance, accepted, revision, problems } = reply;
    let verdict = match (accepted, revision.is_empty()) {
        (true, _) => format!("{key} {revision} is in force"),
        (false, true) => format!("{key} is refused"),
        (false, false) => format!("{key} is refused, {revision} stays in force"),
    };
    let problems: String = problems.iter().map(|problem| format!("\n{problem}")).collect();
    format!("{instance}: {verdict}{problems}")
}

fn tell(line: &str) -> Result<(), Failure> {
    match print(&format!("{line}\n")) {
        Exit::Fine => Ok(()),
        _ => Err(Failure::Unheard),
    }
}
