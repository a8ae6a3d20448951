//! SQLite, the embedded default: nothing has to be there first.

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use telephonist::config::{Config, Secret};
use telephonist::store::migrate;
use tempfile::tempdir;

use super::rows::{classify, notify, sentence};
use super::running::{PATIENCE, Running, config, dead_letters};

#[tokio::test]
async fn file_and_tables_are_made_at_the_start() {
    let folder = tempdir().unwrap();
    let config = database(folder.path());
    let running = Running::start(&config);
    for event_no in [0, 1, 1, 2] {
        running.store.conversation(sentence("call-1", event_no), &notify());
    }
    running.store.classify(classify("call-1"), &notify());
    running.flush().await;

    let mut reader = connect(folder.path()).await;
    let order: Vec<String> = sqlx::query_scalar("SELECT event_id FROM conversation ORDER BY id")
        .fetch_all(&mut reader)
        .await
        .unwrap();
    assert_eq!(order, ["call-1-0", "call-1-1", "call-1-2"]);
    let row = "SELECT createtime || response_text || heard_text FROM conversation LIMIT 1";
    assert_eq!(
        one(&mut reader, row).await,
        "2024-01-01 08:00:00请稍等 O'Brien; DROP TABLE conversation; -- \\请稍"
    );
    assert_eq!(
        one(&mut reader, "SELECT label_result || comment FROM classify").await,
        "Aперезвонить"
    );
    assert_eq!(migrate(&config).await.unwrap(), [], "made at the start means up to date");
    running.stop().await;
}

#[tokio::test]
async fn the_tables_are_there_before_the_first_row() {
    let folder = tempdir().unwrap();
    let config = database(folder.path());
    let running = Running::start(&config);
    running.flush().await;
    running.stop().await;
    assert_eq!(migrate(&config).await.unwrap(), []);
}

#[tokio::test]
async fn texts_are_cut_as_in_mysql() {
    let folder = tempdir().unwrap();
    let running = Running::start(&database(folder.path()));
    let mut row = sentence("call-1", 0);
    row.matching_keyword = "好😀".repeat(40).into();
    running.store.conversation(row, &notify());
    running.flush().await;
    let mut reader = connect(folder.path()).await;
    let keyword = one(&mut reader, "SELECT matching_keyword FROM conversation").await;
    assert_eq!(keyword, "好😀".repeat(25));
    running.stop().await;
}

#[tokio::test]
async fn a_refused_row_leaves_its_neighbours_alone() {
    let folder = tempdir().unwrap();
    let config = database(folder.path());
    migrate(&config).await.unwrap();
    let mut reader = connect(folder.path()).await;
    let rule = "CREATE TRIGGER rule BEFORE INSERT ON conversation WHEN new.sequence = 5 \
                BEGIN SELECT RAISE(ABORT, 'five is refused'); END";
    sqlx::raw_sql(rule).execute(&mut reader).await.unwrap();
    let running = Running::start(&config);
    for event_no in 0..20 {
        running.store.conversation(sentence("call-1", event_no), &notify());
    }
    running.flush().await;
    assert_eq!(one(&mut reader, "SELECT COUNT(*) || '' FROM conversation").await, "19");
    let letters = dead_letters(folder.path());
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["event_id"], "call-1-5");
    assert!(letters[0]["reason"].as_str().unwrap().contains("five is refused"));
    running.stop().await;
}

#[tokio::test]
async fn a_file_that_can_not_be_made_is_named() {
    let folder = tempdir().unwrap();
    let running = Running::start(&database(&folder.path().join("missing")));
    running.store.conversation(sentence("call-1", 0), &notify());
    let away = running.why_away().await;
    assert!(away.contains("missing") && away.contains("can be written"), "{away}");
    std::fs::create_dir(folder.path().join("missing")).unwrap();
    running.flush().await;
    running.stop().await;
}

#[tokio::test]
async fn the_command_migrate_says_what_it_did() {
    let folder = tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rows.db").display());
    let made = run_migrate(&url).await;
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert_eq!(String::from_utf8_lossy(&made.stdout).lines().count(), 6, "{made:?}");
    assert_eq!(run_migrate(&url).await.stdout, b"the tables are up to date\n");
    let away = run_migrate("mysql://robot:secret@127.0.0.1:1/calls").await;
    assert_eq!(away.status.code(), Some(69));
    let said = String::from_utf8_lossy(&away.stderr);
    assert!(said.contains("127.0.0.1:1/calls") && !said.contains("secret"), "{said}");
    assert_eq!(run_migrate("").await.status.code(), Some(78));
}

async fn run_migrate(url: &str) -> std::process::Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_telephonist"));
    command.arg("migrate").env("TELEPHONIST__DATABASE__URL", url).kill_on_drop(true);
    tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap()
}

fn database(folder: &std::path::Path) -> Config {
    let mut config = config(folder);
    config.database.url = Secret(format!("sqlite://{}", folder.join("rows.db").display()));
    config
}

async fn connect(folder: &std::path::Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(folder.join("rows.db")).connect().await.unwrap()
}

async fn one(reader: &mut SqliteConnection, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(reader).await.unwrap()
}
