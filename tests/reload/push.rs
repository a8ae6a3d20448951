//! `telephonist push`: what its author sees, and its exit codes.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use futures_util::StreamExt as _;
use redis::aio::PubSub;
use redis::{Client, cmd};
use telephonist::daemon::scripts::{REPLY_CHANNEL, channel};
use tempfile::tempdir;
use tokio::process::Command;
use tokio::time::timeout;

use super::redis_server::Redis;
use super::support::{BROKEN, Instance, PATIENCE, config, script};

#[tokio::test]
async fn a_pushed_script_is_in_force_when_push_ends() {
    let (redis, folder) = (Redis::start(), tempdir().unwrap());
    let mut instance = Instance::start(&config(folder.path(), &redis.url())).await;
    let path = folder.path().join("t1.json");
    fs::write(&path, script("A")).unwrap();
    let first = push(&path, &redis.url(), &[]).await;
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    // The instance may not have listened yet; it is told then, or reads it at its start.
    instance.wait_for("t1", "A").await;

    fs::write(&path, script("B")).unwrap();
    let second = push(&path, &redis.url(), &[]).await;
    assert_eq!(instance.cause("t1"), "B");
    let revision = instance.scripts.get("t1").unwrap().revision.clone();
    assert_eq!(text(&second.stdout), format!("robot-1: t1 {revision} is in force\n"));
    let named = push(&path, &redis.url(), &["--name", "debug/t2"]).await;
    assert_eq!(named.status.code(), Some(0));
    assert_eq!(instance.cause("debug/t2"), "B");
}

#[tokio::test]
async fn a_refusal_is_told_and_is_exit_1() {
    let (redis, folder) = (Redis::start(), tempdir().unwrap());
    let path = folder.path().join("t1.json");
    fs::write(&path, script("A")).unwrap();
    let strange = r#"{"key":"t1","instance":"old","accepted":false,"revision":"0","problems":[
        {"severity":"error","file":"cti_robot_flow/t1","line":1,"column":2,"message":"too new",
         "hint":"update"}]}"#;
    let url = redis.url();
    let mut ear = listen(&redis).await;
    let replies = ["{", strange];
    let (refused, ()) = tokio::join!(push(&path, &url, &[]), answer(&mut ear, &redis, &replies));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert_eq!(
        text(&refused.stdout),
        "old: t1 is refused, 0 stays in force\ncti_robot_flow/t1:1:2: error: too new (update)\n"
    );
}

#[tokio::test]
async fn an_instance_that_says_nothing_is_exit_69() {
    let (redis, folder) = (Redis::start(), tempdir().unwrap());
    let path = folder.path().join("t1.json");
    fs::write(&path, script("A")).unwrap();
    let (url, wait) = (redis.url(), ["--wait", "1"]);
    let mut ear = listen(&redis).await;
    let (unanswered, ()) = tokio::join!(push(&path, &url, &wait), answer(&mut ear, &redis, &[]));
    assert_eq!(unanswered.status.code(), Some(69), "{unanswered:?}");
    assert!(text(&unanswered.stderr).contains("0 of 1 instances"), "{unanswered:?}");
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_a_usage_error() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t1.json");
    fs::write(&path, script("A")).unwrap();
    let output = push(&path, "redis://127.0.0.1:1/", &["--name", "../t1"]).await;
    assert_eq!(output.status.code(), Some(64), "{output:?}");
}

#[tokio::test]
async fn a_broken_script_is_not_sent_and_is_exit_1() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t1.json");
    fs::write(&path, BROKEN).unwrap();
    // Nobody listens at this port: a push that tried to connect would end with 69.
    let refused = push(&path, "redis://127.0.0.1:1/", &[]).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(text(&refused.stderr).contains("t1.json:3:"), "{refused:?}");
}

#[tokio::test]
async fn without_a_redis_the_exit_code_says_why() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t1.json");
    fs::write(&path, script("A")).unwrap();
    let away = push(&path, "redis://:secret@127.0.0.1:1/", &[]).await;
    assert_eq!(away.status.code(), Some(69), "{away:?}");
    assert!(!text(&away.stderr).contains("secret"), "{away:?}");
    assert_eq!(push(&path, "", &[]).await.status.code(), Some(78));
}

#[tokio::test]
async fn without_instances_a_script_is_stored() {
    let (redis, folder) = (Redis::start(), tempdir().unwrap());
    let path = folder.path().join("t1.json");
    fs::write(&path, script("A")).unwrap();
    let stored = push(&path, &redis.url(), &[]).await;
    assert_eq!(stored.status.code(), Some(0));
    assert!(text(&stored.stdout).contains("no instance listens"), "{stored:?}");
    Instance::start(&config(folder.path(), &redis.url())).await.wait_for("t1", "A").await;
}

/// The ear of somebody who passes for an instance.
async fn listen(redis: &Redis) -> PubSub {
    let mut ear = Client::open(redis.url()).unwrap().get_async_pubsub().await.unwrap();
    ear.subscribe(channel("")).await.unwrap();
    ear
}

/// Hears one message and says these things.
async fn answer(ear: &mut PubSub, redis: &Redis, replies: &[&str]) {
    timeout(PATIENCE, ear.on_message().next()).await.unwrap().unwrap();
    let client = Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for reply in replies {
        let mut publish = cmd("PUBLISH");
        publish.arg(REPLY_CHANNEL).arg(*reply);
        let () = publish.query_async(&mut connection).await.unwrap();
    }
}

async fn push(path: &Path, redis_url: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
    command
        .arg("push")
        .arg(path)
        .args(more)
        .env("TELEPHONIST__REDIS__URL", redis_url)
        .current_dir(path.parent().unwrap())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    timeout(PATIENCE, command.output()).await.unwrap().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
