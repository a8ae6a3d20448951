//! Scripts of an instance that runs for the length of a test.

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use telephonist::config::{Config, Secret};
use telephonist::daemon::clock::Clock;
use telephonist::daemon::readiness::Readiness;
use telephonist::daemon::scripts::{Scripts, open};
use telephonist::daemon::tasks::Tasks;
use tokio::time::timeout;

/// Whatever a test waits for is here by now, or never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An instance's scripts.
pub(crate) struct Instance {
    pub(crate) scripts: Scripts,
    /// When this is gone, nothing follows changes any more.
    _tasks: Tasks,
}

/// A script whose one node hangs up with this cause: the cause tells versions apart.
pub(crate) fn script(cause: &str) -> String {
    format!(r#"{{"flow": {{"bye": {{"action": "hangup", "argument": "{cause}"}}}}}}"#)
}

/// A script with an error in its third line.
pub(crate) const BROKEN: &str = "{\n\"flow\": {\n\"bye\": {\"action\": [5]}\n}}";

/// An instance with its folders below this one; an empty URL is no Redis.
pub(crate) fn config(folder: &Path, redis_url: &str) -> Config {
    let mut config = Config { data_dir: folder.join("data"), ..Config::default() };
    config.instance = "robot-1".into();
    config.scripts.dir = folder.join("flows");
    config.redis.url = Secret(redis_url.into());
    std::fs::create_dir_all(&config.scripts.dir).unwrap();
    config
}

impl Instance {
    pub(crate) async fn start(config: &Config) -> Self {
        let (scripts, loader) = open(config).unwrap();
        loader.read().await;
        let tasks = Tasks::default();
        let readiness = Readiness::new(Clock::new(TimeZone::UTC));
        drop(tasks.spawn("scripts", loader.run(readiness)));
        Self { scripts, _tasks: tasks }
    }

    /// The hangup cause of a script, by which the tests tell versions apart; empty if there is none.
    pub(crate) fn cause(&self, name: &str) -> String {
        let Some(script) = self.scripts.get(name) else { return String::new() };
        script.node(script.entry).argument.raw().to_string()
    }

    /// Waits until a script is this version.
    pub(crate) async fn wait_for(&mut self, name: &str, cause: &str) {
        let arrived = timeout(PATIENCE, async {
            while self.cause(name) != cause {
                assert!(self.scripts.changed().await);
            }
        });
        assert!(arrived.await.is_ok(), "{name} is still {:?}, not {cause}", self.cause(name));
    }
}
