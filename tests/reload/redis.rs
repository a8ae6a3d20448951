//! Scripts in Redis: told of, found after an absence, kept for a start without it.

use std::fs;

use futures_util::StreamExt as _;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{Client, cmd};
use telephonist::config::Config;
use telephonist::daemon::scripts::{Change, REPLY_CHANNEL, Reply, channel, hash};
use tempfile::tempdir;
use tokio::time::timeout;

use super::redis_server::Redis;
use super::support::{BROKEN, Instance, PATIENCE, config, script};

#[tokio::test]
async fn a_message_swaps_refuses_and_unloads() {
    let (redis, folder) = (Redis::start(), tempdir().unwrap());
    let mut author = Author::new(&redis).await;
    let mut instance = Instance::start(&config(folder.path(), &redis.url())).await;
    author.wait_for_instances(1).await;

    author.set("", "t1", &script("A")).await;
    let live = author.tell("", "t1").await;
    assert_eq!(instance.cause("t1"), "A", "a reply comes when the script is in force");
    let revision = instance.scripts.get("t1").unwrap().revision.clone();
    assert_eq!((live.accepted, &live.revision), (true, &revision));
    assert_eq!((live.key.as_str(), live.instance.as_str()), ("t1", "robot-1"));

    author.set("", "t1", BROKEN).await;
    let refused = author.tell("", "t1").await;
    assert_eq!((refused.accepted, &refused.revision), (false, &revision), "the old one stays");
    assert_eq!(refused.problems[0].line, 3);
    assert_eq!(refused.problems[0].file, "cti_robot_flow/t1");
    assert_eq!(instance.cause("t1"), "A");

    author.set("", "t1", &script("B")).await;
    assert!(author.tell("", "t1").await.accepted);
    instance.wait_for("t1", "B").await;

    author.delete("", "t1").await;
    let gone = author.tell("", "t1").await;
    assert_eq!((gone.accepted, gone.revision.as_str()), (true, ""));
    assert!(instance.scripts.get("t1").is_none());
}

#[tokio::test]
async fn our_domain_comes_before_all_and_all_before_the_file() {
    let (redis, folder) = (Redis::start(), tempdir().unwrap());
    let mut author = Author::new(&redis).await;
    let config = Config { domain: "site".into(), ..config(folder.path(), &redis.url()) };
    fs::write(config.scripts.dir.join("t1.json"), script("FILE")).unwrap();
    author.set("", "t1", &script("ALL")).await;
    author.set("site", "t1", &script("SITE")).await;
    author.set("other", "t1", &script("OTHER")).await;
    let mut instance = Instance::start(&config).await;
    instance.wait_for("t1", "SITE").await;
    author.wait_for_instances(1).await;

    author.set("", "t1", &script("ALL 2")).await;
    let reply = author.tell("", "t1").await;
    assert_eq!(reply.revision, instance.scripts.get("t1").unwrap().revision);
    assert_eq!(instance.cause("t1"), "SITE");
    author.delete("site", "t1").await;
    author.tell("site", "t1").await;
    assert_eq!(instance.cause("t1"), "ALL 2");
    author.delete("", "t1").await;
    author.tell("", "t1").await;
    assert_eq!(instance.cause("t1"), "FILE");
}

#[tokio::test]
async fn messages_that_make_no_sense_change_nothing() {
    let (redis, folder) = (Redis::start(), tempdir().unwrap());
    let mut author = Author::new(&redis).await;
    let instance = Instance::start(&config(folder.path(), &redis.url())).await;
    author.wait_for_instances(1).await;
    let other_table = r#"{"type":"config_change","table":"cti_gateway","key":"t1"}"#;
    for message in ["", "{", "[]", r#"{"type":5}"#, other_table] {
        author.publish(&channel(""), message).await;
    }
    author.set("", "../../outside", &script("A")).await;
    let refused = author.tell("", "../../outside").await;
    assert!(!refused.accepted, "{refused:?}");
    assert!(instance.scripts.names().is_empty());
    assert!(!folder.path().join("outside.json").exists());
    author.set("", "t1", &script("A")).await;
    assert!(author.tell("", "t1").await.accepted, "it still listens");
}

#[tokio::test]
async fn what_changed_while_we_were_away_is_found() {
    let (mut redis, folder) = (Redis::start(), tempdir().unwrap());
    let mut author = Author::new(&redis).await;
    for name in ["changed", "gone", "same"] {
        author.set("", name, &script("A")).await;
    }
    let mut instance = Instance::start(&config(folder.path(), &redis.url())).await;
    instance.wait_for("same", "A").await;
    let same = instance.scripts.get("same").unwrap();
    redis.stop();
    redis.start_again();
    // Written before the instance is back, or after: it is found either way, and no message is sent.
    let mut author = Author::new(&redis).await;
    author.set("", "changed", &script("B")).await;
    author.delete("", "gone").await;
    redis.stop();
    redis.start_again();
    instance.wait_for("changed", "B").await;
    instance.wait_for("gone", "").await;
    let still = instance.scripts.get("same").unwrap();
    assert!(std::sync::Arc::ptr_eq(&same, &still), "what is the same is not loaded again");
}

#[tokio::test]
async fn a_start_without_redis_has_the_copies() {
    let (mut redis, folder) = (Redis::start(), tempdir().unwrap());
    let mut author = Author::new(&redis).await;
    author.set("", "debug/t1", &script("A")).await;
    author.set("", "gone", &script("A")).await;
    author.set("", "broken", BROKEN).await;
    let config = config(folder.path(), &redis.url());
    let mut instance = Instance::start(&config).await;
    instance.wait_for("gone", "A").await;
    author.wait_for_instances(1).await;
    author.delete("", "gone").await;
    author.tell("", "gone").await;
    drop(instance);
    redis.stop();

    let mut instance = Instance::start(&config).await;
    assert_eq!(instance.scripts.names(), ["debug/t1"]);
    assert_eq!(instance.cause("debug/t1"), "A");
    redis.start_again();
    Author::new(&redis).await.set("", "debug/t1", &script("B")).await;
    redis.stop();
    redis.start_again();
    instance.wait_for("debug/t1", "B").await;
}

/// Somebody who writes scripts and hears what became of them.
struct Author {
    connection: MultiplexedConnection,
    replies: PubSub,
}

impl Author {
    async fn new(redis: &Redis) -> Self {
        let client = Client::open(redis.url()).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut replies = client.get_async_pubsub().await.unwrap();
        replies.subscribe(REPLY_CHANNEL).await.unwrap();
        Self { connection, replies }
    }

    async fn set(&mut self, domain: &str, key: &str, text: &str) {
        let mut command = cmd("HSET");
        command.arg(hash(domain)).arg(key).arg(text);
        let () = command.query_async(&mut self.connection).await.unwrap();
    }

    async fn delete(&mut self, domain: &str, key: &str) {
        let mut command = cmd("HDEL");
        command.arg(hash(domain)).arg(key);
        let () = command.query_async(&mut self.connection).await.unwrap();
    }

    /// Sends the message for a script and waits for the answer.
    async fn tell(&mut self, domain: &str, key: &str) -> Reply {
        let message = serde_json::to_string(&Change::new(key)).unwrap();
        self.publish(&channel(domain), &message).await;
        let reply = timeout(PATIENCE, self.replies.on_message().next()).await.unwrap().unwrap();
        serde_json::from_slice(reply.get_payload_bytes()).unwrap()
    }

    async fn publish(&mut self, channel: &str, message: &str) {
        let mut command = cmd("PUBLISH");
        command.arg(channel).arg(message);
        let () = command.query_async(&mut self.connection).await.unwrap();
    }

    /// Waits until so many instances listen.
    async fn wait_for_instances(&mut self, count: usize) {
        let listening = timeout(PATIENCE, async {
            loop {
                let mut command = cmd("PUBSUB");
                command.arg("NUMSUB").arg(channel(""));
                let (_, found): (String, usize) =
                    command.query_async(&mut self.connection).await.unwrap();
                if found == count {
                    return;
                }
            }
        });
        listening.await.unwrap();
    }
}
