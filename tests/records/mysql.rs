//! MariaDB, by the tables of the migrations and by the published ones.

use std::path::Path;

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Row as _};
use telephonist::config::{Config, Secret};
use telephonist::engine::{Classify, Row, Wall};
use telephonist::store::migrate;
use tempfile::tempdir;

use super::mariadb_server::MariaDb;
use super::rows::{classify, notify, sentence};
use super::running::{Running, config, dead_letters};
use super::shared;

/// The matched system's tables, as it publishes them.
const PUBLISHED: &str = include_str!("../data/tables.sql");

#[tokio::test]
async fn a_row_is_in_the_table_as_it_was_written() {
    let mariadb = shared::mariadb();
    let data = tempdir().unwrap();
    let config = database(&mariadb, "as_written", data.path()).await;
    migrate(&config).await.unwrap();
    let running = Running::start(&config);
    running.store.conversation(sentence("call-1", 7), &notify());
    running.store.classify(classify("call-1"), &notify());
    running.flush().await;

    let mut reader = connect(&config).await;
    let row = only_row(&mut reader, "conversation").await;
    assert_eq!(text(&row, "createtime"), "2024-01-01 08:00:00");
    assert_eq!(text(&row, "input_start_time"), "2024-01-01 07:59:58");
    assert_eq!(text(&row, "event_no"), "7");
    assert_eq!(text(&row, "event_id"), "call-1-7");
    assert_eq!(text(&row, "heard_ms"), "1250");
    assert_eq!(text(&row, "heard_text"), "请稍");
    assert_eq!(text(&row, "why"), "noise rules; any: F4");
    let written = sentence("call-1", 7);
    assert_columns(&row, &written.to_json());
    assert_columns(&only_row(&mut reader, "classify").await, &classify("call-1").to_json());
    assert_eq!(text(&only_row(&mut reader, "classify").await, "comment"), "перезвонить");
    running.stop().await;
}

#[tokio::test]
async fn the_published_tables_work_untouched() {
    let mariadb = shared::mariadb();
    let data = tempdir().unwrap();
    let config = database(&mariadb, "published", data.path()).await;
    let mut reader = connect(&config).await;
    sqlx::raw_sql(PUBLISHED).execute(&mut reader).await.unwrap();
    let columns = count(&mut reader, COLUMNS_OF_CONVERSATION).await;

    let running = Running::start(&config);
    let long = "好".repeat(9_000);
    let row = Row {
        input_args: "F😀好".into(),
        response_text: long.into(),
        matching_keyword: "好".repeat(51).into(),
        ..sentence("call-1", 0)
    };
    running.store.conversation(row, &notify());
    running.store.classify(classify("call-1"), &notify());
    running.store.classify(classify("call-1"), &notify());
    running.flush().await;

    let row = only_row(&mut reader, "conversation").await;
    assert_eq!(text(&row, "input_args"), "F\u{fffd}好", "utf8mb3 has no emoji");
    assert_eq!(text(&row, "response_text"), "好".repeat(8_192));
    assert_eq!(text(&row, "matching_keyword"), "好".repeat(50));
    assert_eq!(text(&only_row(&mut reader, "classify").await, "talk_time"), "61");
    assert_eq!(count(&mut reader, COLUMNS_OF_CONVERSATION).await, columns, "nothing was altered");
    assert_eq!(running.dead_lettered(), 0);
    running.stop().await;
}

#[tokio::test]
async fn a_row_sent_again_is_not_inserted_again() {
    let mariadb = shared::mariadb();
    let data = tempdir().unwrap();
    let config = database(&mariadb, "again", data.path()).await;
    migrate(&config).await.unwrap();
    let running = Running::start(&config);
    for event_no in [0, 1, 0, 1, 2] {
        running.store.conversation(sentence("call-1", event_no), &notify());
    }
    running.flush().await;
    let altered = Row { response_id: "F9".into(), ..sentence("call-1", 1) };
    running.store.conversation(altered, &notify());
    running.flush().await;

    let mut reader = connect(&config).await;
    assert_eq!(event_ids(&mut reader).await, ["call-1-0", "call-1-1", "call-1-2"]);
    let changed = "SELECT COUNT(*) FROM conversation WHERE response_id = 'F9'";
    assert_eq!(count(&mut reader, changed).await, 0, "the first row stays as it was");
    assert_eq!(running.dead_lettered(), 0);
    running.stop().await;
}

#[tokio::test]
async fn a_refused_row_leaves_its_neighbours_alone() {
    let mariadb = shared::mariadb();
    let data = tempdir().unwrap();
    let config = database(&mariadb, "refused", data.path()).await;
    migrate(&config).await.unwrap();
    let running = Running::start(&config);
    for event_no in 0..500 {
        let row = sentence("call-1", event_no);
        // A time before the calendar of MariaDB begins.
        let createtime =
            if event_no == 317 { Wall { unix_ms: i64::MIN, offset_s: 0 } } else { row.createtime };
        running.store.conversation(Row { createtime, ..row }, &notify());
    }
    running.store.classify(classify("call-1"), &notify());
    running.flush().await;

    let mut reader = connect(&config).await;
    let expected: Vec<_> =
        (0..500).filter(|no| *no != 317).map(|no| format!("call-1-{no}")).collect();
    assert_eq!(event_ids(&mut reader).await, expected, "499 rows, in their order");
    assert_eq!(count(&mut reader, "SELECT COUNT(*) FROM classify").await, 1);
    let letters = dead_letters(data.path());
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["sink"], "mysql");
    assert_eq!(letters[0]["event_id"], "call-1-317");
    let kept: Row = serde_json::from_value(letters[0]["row"].clone()).unwrap();
    assert_eq!(kept.response_text, sentence("call-1", 317).response_text);
    assert_eq!(running.dead_lettered(), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_database_that_goes_away_loses_nothing() {
    let mut mariadb = MariaDb::start();
    let data = tempdir().unwrap();
    let config = database(&mariadb, "away", data.path()).await;
    migrate(&config).await.unwrap();
    let running = Running::start(&config);
    let write = |numbers: std::ops::Range<u32>| {
        for event_no in numbers {
            running.store.conversation(sentence("call-1", event_no), &notify());
            running.store.conversation(sentence("call-2", event_no), &notify());
        }
    };
    write(0..300);
    running.flush().await;
    mariadb.stop();
    write(300..900);
    let away = running.why_away().await;
    assert!(away.contains("check that it runs"), "{away}");
    assert!(away.contains("127.0.0.1") && !away.contains("root"), "{away}");
    mariadb.start_again();
    write(900..1_000);
    running.flush().await;

    assert!(running.store.health().is_ready());
    let mut reader = connect(&config).await;
    for call in ["call-1", "call-2"] {
        let sql = format!("SELECT event_no FROM conversation WHERE callid = '{call}' ORDER BY id");
        let order: Vec<u32> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut reader).await.unwrap();
        assert_eq!(order, Vec::from_iter(0..1_000), "{call}");
    }
    running.stop().await;
}

#[tokio::test]
async fn what_waits_is_written_at_the_end() {
    let mariadb = shared::mariadb();
    let data = tempdir().unwrap();
    let config = database(&mariadb, "end", data.path()).await;
    migrate(&config).await.unwrap();
    let running = Running::start(&config);
    for event_no in 0..2_000 {
        running.store.conversation(sentence("call-1", event_no), &notify());
    }
    running.stop().await;
    let mut reader = connect(&config).await;
    assert_eq!(count(&mut reader, "SELECT COUNT(*) FROM conversation").await, 2_000);
}

#[tokio::test]
async fn missing_tables_are_named_with_the_remedy_and_awaited() {
    let mariadb = shared::mariadb();
    let data = tempdir().unwrap();
    let config = database(&mariadb, "no_tables", data.path()).await;
    let running = Running::start(&config);
    let away = running.why_away().await;
    assert!(away.contains("telephonist migrate"), "said before a row needs them: {away}");
    running.store.conversation(sentence("call-1", 0), &notify());
    migrate(&config).await.unwrap();
    running.flush().await;
    assert_eq!(event_ids(&mut connect(&config).await).await, ["call-1-0"]);
    running.stop().await;
}

#[tokio::test]
async fn migrations_upgrade_the_published_tables_once() {
    let mariadb = shared::mariadb();
    let data = tempdir().unwrap();
    let mut config = database(&mariadb, "upgrade", data.path()).await;
    let mut reader = connect(&config).await;
    sqlx::raw_sql(PUBLISHED).execute(&mut reader).await.unwrap();
    let old = "INSERT INTO conversation (callid, sequence) VALUES ('old', 1), ('old', 2)";
    sqlx::raw_sql(old).execute(&mut reader).await.unwrap();

    let applied = migrate(&config).await.unwrap();
    assert_eq!(applied.len(), 6);
    assert_eq!(migrate(&config).await.unwrap(), [], "the second time there is nothing to do");
    let running = Running::start(&config);
    let row = Row { input_args: "F😀".into(), ..sentence("call-1", 0) };
    running.store.conversation(row, &notify());
    running.store.classify(Classify { comment: "😀".into(), ..classify("call-1") }, &notify());
    running.flush().await;
    running.stop().await;
    assert_eq!(count(&mut reader, "SELECT COUNT(*) FROM conversation").await, 3);
    let emoji = "SELECT COUNT(*) FROM conversation WHERE input_args = 'F😀' AND id = 3";
    assert_eq!(count(&mut reader, emoji).await, 1);

    config.robot.record.database.table = "calls_2".into();
    let names: Vec<_> = migrate(&config).await.unwrap().into_iter().map(|a| a.table).collect();
    assert_eq!(names, ["calls_2"; 3], "another name is another table");
}

#[tokio::test]
async fn a_table_name_can_not_carry_a_statement() {
    let data = tempdir().unwrap();
    let mut config = config(data.path());
    config.database.url = Secret("mysql://root@127.0.0.1:1/x".into());
    config.robot.record.database.table = "a`; DROP TABLE b".into();
    let error = migrate(&config).await.unwrap_err();
    assert!(!error.is_transient());
    assert!(error.to_string().contains("table name"), "{error}");
}

const COLUMNS_OF_CONVERSATION: &str = "SELECT COUNT(*) FROM information_schema.columns \
    WHERE table_schema = DATABASE() AND table_name = 'conversation'";

/// A fresh database of that name, and a configuration for it.
async fn database(mariadb: &MariaDb, name: &str, data_dir: &Path) -> Config {
    let mut admin = MySqlConnection::connect(&mariadb.url("mysql")).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut admin)
        .await
        .unwrap();
    let mut config = config(data_dir);
    config.database.url = Secret(mariadb.url(name));
    config
}

async fn connect(config: &Config) -> MySqlConnection {
    MySqlConnection::connect(&config.database.url.0).await.unwrap()
}

async fn count(reader: &mut MySqlConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(reader).await.unwrap()
}

async fn event_ids(reader: &mut MySqlConnection) -> Vec<String> {
    let sql = "SELECT event_id FROM conversation ORDER BY id";
    sqlx::query_scalar(sql).fetch_all(reader).await.unwrap()
}

/// The only row of a table, every column as text.
async fn only_row(reader: &mut MySqlConnection, table: &str) -> sqlx::mysql::MySqlRow {
    let names = format!(
        "SELECT GROUP_CONCAT(CONCAT('CAST(`', column_name, '` AS CHAR) AS `', column_name, '`')) \
         FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '{table}'"
    );
    let columns: String =
        sqlx::query_scalar(AssertSqlSafe(names)).fetch_one(&mut *reader).await.unwrap();
    let sql = format!("SELECT {columns} FROM `{table}`");
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(reader).await.unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn text(row: &sqlx::mysql::MySqlRow, column: &str) -> String {
    row.get(column)
}

/// Every published column has the value that was written.
fn assert_columns(
    row: &sqlx::mysql::MySqlRow,
    written: &serde_json::Map<String, serde_json::Value>,
) {
    for (column, value) in written {
        let expected = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        assert_eq!(text(row, column), expected, "{column}");
    }
}
