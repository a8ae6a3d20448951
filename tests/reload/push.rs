//! `telephonist push`: what its author sees, and its exit codes.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

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
async fn a_refused_name_is_told_and_is_exit_1() {
    let (redis, folder) = (Redis::start(), tempdir().unwrap());
    let path = folder.path().join("t1.json");
    fs::write(&path, script("A")).unwrap();
    let mut instance = Instance::start(&config(folder.path(), &redis.url())).await;
    push(&path, &redis.url(), &[]).await;
    instance.wait_for("t1", "A").await;
    let refused = push(&path, &redis.url(), &["--name", "../t1"]).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(text(&refused.stdout).starts_with("robot-1: ../t1 is refused\n"), "{refused:?}");
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
