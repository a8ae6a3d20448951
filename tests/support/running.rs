//! A store that runs for the length of a test.

use std::path::Path;
use std::time::Duration;

use telephonist::config::{Config, Secret};
use telephonist::daemon::tasks::{Ending, Tasks};
use telephonist::store::{Store, Worker, open};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Whatever a test waits for is here by now, or never comes. A sink that was away is asked again
/// within five seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A store and the task of its worker.
pub(crate) struct Running {
    pub(crate) store: Store,
    stop: oneshot::Sender<()>,
    worker: Ending,
    /// When this is gone, the worker is.
    _tasks: Tasks,
}

/// A configuration without any service.
pub(crate) fn config(data_dir: &Path) -> Config {
    let mut config = Config { data_dir: data_dir.into(), ..Config::default() };
    config.database.url = Secret::default();
    config
}

impl Running {
    pub(crate) fn start(config: &Config) -> Self {
        let (store, worker): (Store, Worker) = open(config).unwrap();
        let (stop, stopped) = oneshot::channel();
        let tasks = Tasks::default();
        let worker = tasks.spawn("store", worker.run(async { stopped.await.unwrap() }));
        Self { store, stop, worker, _tasks: tasks }
    }

    /// Waits until all rows are where they belong.
    pub(crate) async fn flush(&self) {
        let flushed = timeout(PATIENCE, self.store.flush()).await;
        assert!(flushed.is_ok(), "rows still wait: {:?}", self.store.health());
    }

    /// Ends the worker as the daemon does.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.worker.wait()).await.unwrap().unwrap();
    }

    /// Why the first sink is away, once it is.
    pub(crate) async fn why_away(&self) -> String {
        let mut health = self.store.health();
        let away = health.wait_for(|sinks| sinks[0].away.is_some());
        timeout(PATIENCE, away).await.unwrap();
        health.sinks()[0].away.clone().unwrap()
    }

    /// Rows that a sink refused so far.
    pub(crate) fn dead_lettered(&self) -> u64 {
        self.store.health().sinks().iter().map(|sink| sink.dead_lettered).sum()
    }
}

/// The lines of the dead-letter file, none if there is no file.
pub(crate) fn dead_letters(data_dir: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(data_dir.join("dead-letter.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
