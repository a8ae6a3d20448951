//! What calls did, counted in tables that the store wrote.

use std::process::Command;

use sqlx::Connection as _;
use sqlx::mysql::MySqlConnection;
use telephonist::config::{Config, Secret};
use telephonist::engine::{InputType, ResponseType, Row, Wall};
use telephonist::store::{Counted, Hits, hits, migrate};
use tempfile::tempdir;

use super::rows::{MORNING, destroy, notify, sentence};
use super::running::{Running, config};
use super::shared;

#[tokio::test]
async fn rows_of_a_script_are_counted_in_sqlite() {
    let folder = tempdir().unwrap();
    let mut config = config(folder.path());
    let file = folder.path().join("rows.db");
    config.database.url = Secret(format!("sqlite://{}", file.display()));
    check(&config).await;

    // The command shows them, and `since` leaves them out.
    let loan = concat!(env!("CARGO_MANIFEST_DIR"), "/flows/loan.json");
    let draw = |since: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
        command.args(["graph", loan, "--from", &config.database.url.0, "--since", since]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let drawn = draw("2024-01-01");
    assert!(drawn.contains(", 3 calls\""), "{drawn}");
    assert!(drawn.contains("F4 需要多少资金<br>asks<br>3 times\""), "{drawn}");
    assert!(drawn.contains("3 ended (3 hung up)"), "{drawn}");
    assert!(draw("2024-01-02").contains(", 0 calls\""));
}

#[tokio::test]
async fn rows_of_a_script_are_counted_in_mariadb() {
    let mariadb = shared::mariadb();
    let folder = tempdir().unwrap();
    let mut config = config(folder.path());
    let mut admin = MySqlConnection::connect(&mariadb.url("mysql")).await.unwrap();
    sqlx::raw_sql("CREATE DATABASE hits").execute(&mut admin).await.unwrap();
    config.database.url = Secret(mariadb.url("hits"));
    check(&config).await;
}

/// Three calls of `loan`, one of them of a version, and one of another script.
async fn check(config: &Config) {
    migrate(config).await.unwrap();
    let running = Running::start(config);
    for (call, script) in [("a", "loan"), ("b", "loan:1.2"), ("c", "loan"), ("d", "loans")] {
        for row in [create(call, script), answer(call, 1), other_case(call, 2), destroy(call, 3)] {
            running.store.conversation(row, &notify());
        }
    }
    running.flush().await;
    running.stop().await;
    let url = config.database.url.0.as_str();
    let counted = Counted { url, table: "conversation", script: "loan", since: "" };
    let found = hits(&counted).await.unwrap();
    let of = |input_type: i64, response: &str| {
        let same = |hits: &&Hits| hits.input_type == input_type && hits.response_id == response;
        found.iter().filter(same).map(|hits| hits.rows).collect::<Vec<_>>()
    };
    assert_eq!(of(10, "F1"), [3]);
    assert_eq!(of(0, "F4"), [3]);
    assert_eq!(of(0, "f4"), [3], "ids are told apart by capitals");
    let ended = found.iter().find(|hits| hits.input_type == 11).unwrap();
    assert_eq!((ended.ending.as_str(), ended.current.as_str(), ended.rows), ("recv_bye", "F1", 3));
    assert_eq!(found.len(), 4, "{found:?}");
    for (since, expected) in [("2024-01-01 08:00:00", found), ("2024-01-01 08:00:01", Vec::new())] {
        assert_eq!(hits(&Counted { since, ..counted }).await.unwrap(), expected);
    }
}

fn create(call: &str, script: &str) -> Row {
    Row {
        input_type: InputType::Create,
        input_args: script.into(),
        current_flowid: "Start".into(),
        response_id: "F1".into(),
        condition_id: "".into(),
        createtime: Wall { ..MORNING },
        ..sentence(call, 0)
    }
}

fn answer(call: &str, event_no: u32) -> Row {
    Row { response_type: ResponseType::Flow, ..sentence(call, event_no) }
}

fn other_case(call: &str, event_no: u32) -> Row {
    Row { response_id: "f4".into(), ..answer(call, event_no) }
}
