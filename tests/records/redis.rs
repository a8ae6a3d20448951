//! Redis: channel, list and stream get every column and the call's variables (I3, I4).

use std::path::Path;

use futures_util::StreamExt as _;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{Client, cmd};
use serde_json::{Map, Value};
use telephonist::config::{Config, RedisTargets, Secret};
use tempfile::tempdir;
use tokio::time::timeout;

use super::redis_server::Redis;
use super::rows::{classify, destroy, notify, sentence};
use super::running::{PATIENCE, Running, config};
use super::shared;

#[tokio::test]
async fn channel_list_and_stream_get_all_columns_and_the_variables() {
    let redis = shared::redis();
    let data = tempdir().unwrap();
    let mut config = with_redis(&redis, data.path());
    config.robot.record.redis = targets("rows");
    config.robot.statistic.redis = targets("statistics");
    let mut subscription = subscribe(&redis, &["rows.channel", "statistics.channel"]).await;
    let running = Running::start(&config);
    running.store.conversation(sentence("call-1", 0), &notify());
    running.store.classify(classify("call-1"), &notify());
    running.flush().await;

    let row = expected(sentence("call-1", 0).to_json());
    let statistic = expected(classify("call-1").to_json());
    assert_eq!(next_message(&mut subscription).await, row);
    assert_eq!(next_message(&mut subscription).await, statistic);
    let mut reader = connect(&redis).await;
    assert_eq!(list(&mut reader, "rows.list").await, [row.as_str()]);
    assert_eq!(list(&mut reader, "statistics.list").await, [statistic.as_str()]);
    assert_eq!(stream(&mut reader, "rows.stream").await, [entry("call-1-0", &row)]);
    assert_eq!(stream(&mut reader, "statistics.stream").await, [entry("call-1", &statistic)]);
    running.stop().await;
}

#[tokio::test]
async fn the_end_of_a_call_is_told_alone() {
    let redis = shared::redis();
    let data = tempdir().unwrap();
    let mut config = with_redis(&redis, data.path());
    config.robot.record.notify_redis = targets("ends");
    let running = Running::start(&config);
    running.store.conversation(sentence("call-1", 0), &notify());
    running.store.conversation(destroy("call-1", 1), &notify());
    running.store.classify(classify("call-1"), &notify());
    running.flush().await;
    let ends = list(&mut connect(&redis).await, "ends.list").await;
    assert_eq!(ends, [expected(destroy("call-1", 1).to_json())]);
    running.stop().await;
}

#[tokio::test]
async fn a_redis_that_goes_away_loses_nothing_and_keeps_the_order() {
    let mut redis = Redis::start();
    let data = tempdir().unwrap();
    let mut config = with_redis(&redis, data.path());
    config.robot.record.redis = targets("rows");
    let running = Running::start(&config);
    for event_no in 0..700 {
        running.store.conversation(sentence("call-1", event_no), &notify());
    }
    running.flush().await;
    redis.stop();
    for event_no in 700..1_500 {
        running.store.conversation(sentence("call-1", event_no), &notify());
    }
    let away = running.why_away().await;
    assert!(away.contains("check that it runs"), "{away}");
    redis.start_again();
    running.flush().await;

    let expected: Vec<_> = (0..1_500).collect();
    let rows = list(&mut connect(&redis).await, "rows.list").await;
    let sequences: Vec<_> = rows
        .iter()
        .map(|row| serde_json::from_str::<Value>(row).unwrap()["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, expected);
    running.stop().await;
}

#[tokio::test]
async fn a_key_of_another_type_is_named() {
    let redis = shared::redis();
    let mut admin = connect(&redis).await;
    let () = cmd("SET").arg("taken.list").arg("a text").query_async(&mut admin).await.unwrap();
    let data = tempdir().unwrap();
    let mut config = with_redis(&redis, data.path());
    config.robot.record.redis = targets("taken");
    let running = Running::start(&config);
    running.store.conversation(sentence("call-1", 0), &notify());
    let away = running.why_away().await;
    assert!(away.contains("taken.list is a string, not a list"), "{away}");
    let () = cmd("DEL").arg("taken.list").query_async(&mut admin).await.unwrap();
    running.flush().await;
    running.stop().await;
}

#[tokio::test]
async fn a_database_that_is_away_does_not_stop_redis() {
    let redis = shared::redis();
    let data = tempdir().unwrap();
    let mut config = with_redis(&redis, data.path());
    config.robot.record.redis = targets("beside");
    config.database.url = Secret(format!("sqlite://{}/missing/x.db", data.path().display()));
    let mut subscription = subscribe(&redis, &["beside.channel"]).await;
    let running = Running::start(&config);
    running.store.conversation(sentence("call-1", 0), &notify());
    running.why_away().await;
    assert_eq!(next_message(&mut subscription).await, expected(sentence("call-1", 0).to_json()));
    std::fs::create_dir(data.path().join("missing")).unwrap();
    running.flush().await;
    running.stop().await;
}

fn with_redis(redis: &Redis, data_dir: &Path) -> Config {
    let mut config = config(data_dir);
    config.redis.url = Secret(redis.url());
    config
}

fn targets(prefix: &str) -> RedisTargets {
    RedisTargets {
        channel: format!("{prefix}.channel"),
        list: format!("{prefix}.list"),
        stream: format!("{prefix}.stream"),
    }
}

/// The message for a row: its columns in their order, then the variable that is no column.
fn expected(mut columns: Map<String, Value>) -> String {
    columns.insert("destination_number".into(), "4000".into());
    Value::Object(columns).to_string()
}

fn entry(event_id: &str, row: &str) -> Vec<String> {
    ["event_id", event_id, "row", row].map(Into::into).into()
}

async fn connect(redis: &Redis) -> MultiplexedConnection {
    Client::open(redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn subscribe(redis: &Redis, channels: &[&str]) -> PubSub {
    let mut subscription = Client::open(redis.url()).unwrap().get_async_pubsub().await.unwrap();
    subscription.subscribe(channels).await.unwrap();
    subscription
}

async fn next_message(subscription: &mut PubSub) -> String {
    let message = timeout(PATIENCE, subscription.on_message().next()).await.unwrap();
    message.unwrap().get_payload().unwrap()
}

async fn list(reader: &mut MultiplexedConnection, key: &str) -> Vec<String> {
    cmd("LRANGE").arg(key).arg(0).arg(-1).query_async(reader).await.unwrap()
}

/// The fields of each entry of a stream.
async fn stream(reader: &mut MultiplexedConnection, key: &str) -> Vec<Vec<String>> {
    let entries: Vec<(String, Vec<String>)> =
        cmd("XRANGE").arg(key).arg("-").arg("+").query_async(reader).await.unwrap();
    entries.into_iter().map(|(_, fields)| fields).collect()
}
