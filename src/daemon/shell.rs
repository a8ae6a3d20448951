//! The daemon as a whole: everything is opened, joined, and closed again in order.

use std::num::NonZero;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::applications;
use super::calls::Calls;
use super::clock::Clock;
use super::http;
use super::readiness::{Part, Readiness};
use super::scripts;
use super::tasks::{Ending, Tasks};
use super::telemetry::Metrics;
use super::voice::{VoiceError, Voices, prepare, recognisers};
use crate::config::{self, Config};
use crate::engine::Tick;
use crate::speech::Net;
use crate::store::{self, Health};
use crate::switch::asterisk::{self, Asterisk};
use crate::switch::freeswitch::{Arrivals, Freeswitch, Outbound, Status};
use crate::web::{self, Web};

/// What is still to be written when the last call has ended gets this long; the store's own limit
/// is shorter.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Why the daemon can't run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configured zone does not exist.
    #[error("timezone: there is no zone {0}")]
    Zone(String),
    /// The store can't be what the configuration says.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// `[redis] url` can't be understood.
    #[error("redis.url: {0}")]
    Redis(#[from] redis::RedisError),
    /// A pattern does not compile.
    #[error("calls.transfer_allow or robot.httpflow.commands: {0}")]
    Transfers(#[from] regex::Error),
    /// Services can't be asked as the configuration says.
    #[error(transparent)]
    Web(#[from] web::WebError),
    /// Recognisers or voices can't be used as the configuration says.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// Somebody else listens there, or nobody may.
    #[error("{key} {address}: {error}; choose another port, or leave it empty for none")]
    Listen {
        /// The key that names the address.
        key: &'static str,
        /// The address.
        address: String,
        /// Why not.
        error: std::io::Error,
    },
    /// Something of the operating system can't be had.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Metrics are installed twice.
    #[error("metrics: {0}")]
    Metrics(String),
}

impl RunError {
    /// True if the configuration is wrong, and no waiting helps.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Zone(_)
                | Self::Store(_)
                | Self::Redis(_)
                | Self::Transfers(_)
                | Self::Web(_)
                | Self::Voice(VoiceError::Speech(_))
        )
    }
}

/// Runs until SIGTERM or SIGINT; a second one does not wait for calls (N5).
///
/// # Errors
/// Only at the start: what can't be had then. Services that are away are waited for.
pub async fn run(config: &Config) -> Result<(), RunError> {
    let zone = config::time_zone(&config.timezone)
        .ok_or_else(|| RunError::Zone(config.timezone.clone()))?;
    let clock = Clock::new(zone);
    let readiness = Readiness::new(clock.clone());
    let tasks = Tasks::default();
    let (stop, stopped) = watch::channel(false);
    let metrics = Metrics::install().map_err(|error| RunError::Metrics(error.to_string()))?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;

    let (store, worker) = store::open(config)?;
    let (scripts, loader) = scripts::open(config)?;
    loader.read().await;
    let ticks = clock.clone();
    let (web, teller) = web::open(config, move || ticks.now().tick)?;
    let voices = open_voices(config, &web, (&clock, &tasks))?;
    let edges = (store.clone(), web, voices.clone());
    let calls = Calls::new(config, scripts.clone(), edges, (clock.clone(), tasks.clone()))?;
    if let Some(voices) = voices {
        tasks.spawn("recognisers", recognisers::watch(voices.clone(), readiness.clone()));
        tasks.spawn("voices", prepare::watch(voices, scripts, readiness.part("voice")));
    }

    serve_http(config, &tasks, (readiness.clone(), metrics.clone()), stopped.clone()).await?;
    tasks.spawn("metrics", async move { metrics.upkeep().await });
    tasks.spawn("scripts", loader.run(readiness.clone()));
    tasks.spawn("health", watch_store(store.health(), readiness.clone()));
    let writing = tasks.spawn("store", worker.run(is_true(stopped.clone())));
    let telling = tasks.spawn("web", teller.run(is_true(stopped.clone())));
    let joint = Joint { calls: &calls, readiness: &readiness, clock: &clock, tasks: &tasks };
    attach(config, &joint);
    let outbound = &config.freeswitch_outbound.listen;
    listen_outbound(config, &joint).await?;
    listen_asterisk(config, &joint).await?;
    let switches = config.freeswitch.len();
    let asterisk = &config.asterisk.fastagi;
    tracing::info!(instance = %config.instance, switches, outbound, asterisk, "running");

    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    tracing::info!(calls = calls.count(), "stopping: no new calls, running ones finish");
    calls.refuse_new();
    tokio::select! {
        () = calls.drain() => {}
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    stop.send_replace(true);
    tokio::join!(
        finish(writing, "rows still waiting are lost"),
        finish(telling, "messages to services still waiting are lost"),
    );
    tracing::info!("stopped");
    Ok(())
}

/// What switches are joined to.
struct Joint<'a> {
    calls: &'a Calls,
    readiness: &'a Readiness,
    clock: &'a Clock,
    tasks: &'a Tasks,
}

impl Joint<'_> {
    fn ticks(&self) -> impl Fn() -> Tick + Send + Sync + 'static {
        let clock = self.clock.clone();
        move || clock.now().tick
    }

    /// Takes a switch's calls, and says how it is.
    fn join(&self, part: &str, address: &str, arrivals: Arrivals) {
        let Arrivals { calls: mut new_calls, status } = arrivals;
        let part = self.readiness.part(&format!("{part} {address}"));
        let comparing =
            applications::watch(address.to_owned(), self.calls.scripts(), status.clone());
        self.tasks.spawn("applications", comparing);
        self.tasks.spawn("freeswitch status", watch_switch(status, part));
        let calls = self.calls.clone();
        self.tasks.spawn("new calls", async move {
            while let Some(call) = new_calls.recv().await {
                calls.take(call);
            }
        });
    }
}

/// Every configured FreeSWITCH gets a task.
fn attach(config: &Config, joint: &Joint<'_>) {
    for switch in &config.freeswitch {
        let audio_dir = &config.scripts.audio_dir;
        let (freeswitch, arrivals) = Freeswitch::new(switch, audio_dir, joint.ticks());
        joint.tasks.spawn("freeswitch", async move { match freeswitch.run().await {} });
        joint.join("freeswitch", &switch.address, arrivals);
    }
}

/// Lets FreeSWITCHes connect to us, if the configuration says where.
async fn listen_outbound(config: &Config, joint: &Joint<'_>) -> Result<(), RunError> {
    let outbound = &config.freeswitch_outbound;
    if outbound.listen.is_empty() {
        return Ok(());
    }
    let listener = listen("freeswitch_outbound.listen", &outbound.listen).await?;
    let audio_dir = &config.scripts.audio_dir;
    let (port, arrivals) = Outbound::new(listener, outbound, audio_dir, joint.ticks());
    joint.tasks.spawn("freeswitch outbound", async move { match port.run().await {} });
    joint.join("freeswitch_outbound", &outbound.listen, arrivals);
    Ok(())
}

/// Lets Asterisks connect to us, if the configuration says where.
async fn listen_asterisk(config: &Config, joint: &Joint<'_>) -> Result<(), RunError> {
    let asterisk = &config.asterisk;
    if asterisk.audiosocket.is_empty() {
        return Ok(());
    }
    let audiosocket = listen("asterisk.audiosocket", &asterisk.audiosocket).await?;
    let fastagi = match asterisk.fastagi.as_str() {
        "" => None,
        address => Some(listen("asterisk.fastagi", address).await?),
    };
    let names = joint.calls.variable_names();
    let (port, arrivals) = Asterisk::new(audiosocket, fastagi, asterisk, names);
    joint.tasks.spawn("asterisk", async move { match port.run().await {} });
    let asterisk::Arrivals { calls: mut new_calls, mut problem } = arrivals;
    let part = joint.readiness.part(&format!("asterisk {}", asterisk.audiosocket));
    joint.tasks.spawn("switch status", async move {
        loop {
            match &*problem.borrow_and_update() {
                Some(problem) => part.down(problem),
                None => part.up(),
            }
            if problem.changed().await.is_err() {
                return;
            }
        }
    });
    let calls = joint.calls.clone();
    joint.tasks.spawn("arrivals", async move {
        while let Some(call) = new_calls.recv().await {
            calls.take(call);
        }
    });
    Ok(())
}

/// Ears and mouths, if a switch brings audio to us.
fn open_voices(
    config: &Config,
    web: &Web,
    (clock, tasks): (&Clock, &Tasks),
) -> Result<Option<Voices>, RunError> {
    if config.asterisk.audiosocket.is_empty() {
        return Ok(None);
    }
    let (check, proxied) = (web.clone(), web.clone());
    let net = Net::new(
        web.client(),
        move |url| check.allows(url),
        move |proxy| proxied.configured_client(proxy),
    );
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Ok(Some(Voices::open(config, cores, net, (clock.clone(), tasks.clone()))?))
}

async fn listen(key: &'static str, address: &str) -> Result<TcpListener, RunError> {
    let failed = |error| RunError::Listen { key, address: address.to_owned(), error };
    TcpListener::bind(address).await.map_err(failed)
}

async fn serve_http(
    config: &Config,
    tasks: &Tasks,
    (readiness, metrics): (Readiness, Metrics),
    stopped: watch::Receiver<bool>,
) -> Result<(), RunError> {
    let address = config.http.listen.clone();
    if address.is_empty() {
        return Ok(());
    }
    let listener = listen("http.listen", &address).await?;
    let sources = http::Sources { readiness, metrics };
    tasks.spawn("http", async move {
        if let Err(error) = http::serve(listener, sources, is_true(stopped)).await {
            tracing::error!(%address, %error, "HTTP has stopped");
        }
    });
    Ok(())
}

/// Tells readiness how the sinks are, whenever one changes.
async fn watch_store(mut health: Health, readiness: Readiness) {
    loop {
        for sink in health.sinks() {
            let part = readiness.part(sink.sink);
            match &sink.away {
                Some(why) => part.down(why),
                None => part.up(),
            }
        }
        if !health.changed().await {
            return;
        }
    }
}

/// Tells readiness how it stands with a switch, whenever that changes.
async fn watch_switch(mut status: watch::Receiver<Status>, part: Part) {
    loop {
        match &status.borrow_and_update().problem {
            Some(problem) => part.down(problem),
            None => part.up(),
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

async fn is_true(mut flag: watch::Receiver<bool>) {
    // An error means that nobody can stop us any more, which is as good as being stopped.
    drop(flag.wait_for(|is| *is).await);
}

async fn finish(ending: Ending, loss: &str) {
    match tokio::time::timeout(STOP_LIMIT, ending.wait()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "stopped uncleanly; {loss}"),
        Err(_) => tracing::error!("not done in time; {loss}"),
    }
}
