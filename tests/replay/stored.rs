//! Calls in SQLite, MariaDB, Redis and files, read back and held again by the program.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use sqlx::Connection as _;
use sqlx::mysql::MySqlConnection;
use telephonist::config::{Config, Secret};
use telephonist::engine::{Field, Row};
use telephonist::store::{Notify, Read, Reader, Wanted};
use tempfile::tempdir;

use crate::callers::{LOAN, callers, load};
use crate::mariadb_server::MariaDb;
use crate::redis_server::Redis;
use crate::running::{Running, config};

const CALLS: u64 = 120;

fn calls() -> Vec<Vec<Row>> {
    callers(&load(LOAN), CALLS).collect()
}

async fn store(config: &Config, calls: &[Vec<Row>]) {
    let running = Running::start(config);
    for row in calls.iter().flatten() {
        running.store.conversation(row.clone(), &Notify::default());
    }
    running.flush().await;
    running.stop().await;
}

fn replay(script: &Path, from: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
    command.arg("replay").arg("--script").arg(script).args(["--from", from]).args(more);
    command.output().unwrap()
}

fn json(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn scripts(folder: &Path) -> [std::path::PathBuf; 2] {
    let other = LOAN.replacen(r#"["有", "需要""#, r#"["需要""#, 1);
    let files = [("loan.json", LOAN), ("other.json", other.as_str())];
    files.map(|(name, text)| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        file
    })
}

#[tokio::test]
async fn calls_in_sqlite_are_held_again() {
    let folder = tempdir().unwrap();
    let [same, other] = scripts(folder.path());
    let mut config = config(folder.path());
    let from = format!("sqlite://{}", folder.path().join("rows.db").display());
    config.database.url = Secret(from.clone());
    let calls = calls();
    store(&config, &calls).await;
    let output = replay(&same, &from, &["--json", "--budget", "0"]);
    let told = json(&output);
    assert_eq!((told["calls"].as_u64(), told["same"].as_u64()), (Some(CALLS), Some(CALLS)));
    assert_eq!(output.status.code(), Some(0));

    let page = folder.path().join("page.html");
    let shown = ["--flow", "loan", "--json", "--budget", "1%", "--html", page.to_str().unwrap()];
    let output = replay(&other, &from, &shown);
    assert_eq!(output.status.code(), Some(1), "more than the budget");
    let hit = |rows: &&Vec<Row>| rows.iter().any(|row| row.matching_keyword == "有");
    let told = json(&output);
    assert_eq!(told["changed"].as_u64().unwrap(), calls.iter().filter(hit).count() as u64);
    let worst = told["worst"][0]["callid"].as_str().unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(worst) && page.contains("mismatch at F1"));
    let one = json(&replay(&other, &from, &["--flow", "*", "--json", "--call", worst]));
    assert_eq!((one["calls"].as_u64(), one["changed"].as_u64()), (Some(1), Some(1)));
    let none = json(&replay(&other, &from, &["--flow", "*", "--json", "--since", "2031-01-01"]));
    assert_eq!(none["calls"], 0);
    let left_out = replay(&other, &from, &[]);
    assert!(String::from_utf8_lossy(&left_out.stdout).contains(&format!("loan {CALLS}")));
}

/// Nothing is pushed that changes more calls than it may.
#[tokio::test]
async fn push_holds_calls_first_if_asked_to() {
    let folder = tempdir().unwrap();
    let [same, other] = scripts(folder.path());
    let file = folder.path().join("calls.jsonl");
    let line = |row: &Row| serde_json::to_string(&row.to_json()).unwrap() + "\n";
    std::fs::write(&file, calls().iter().flatten().map(line).collect::<String>()).unwrap();
    let push = |script: &Path, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
        command.arg("push").arg(script).args(["--replay", "--flow", "loan"]).args(more);
        let output = command.arg("--from").arg(&file).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = push(&other, &[]);
    assert!(code == Some(1) && said.contains("not pushed"), "{said}");
    for (script, more) in [(&same, &[][..]), (&other, &["--budget", "100%"])] {
        let (code, said) = push(script, more);
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains("there is nowhere to push to"), "it comes as far as that: {said}");
    }
}

#[test]
fn what_is_asked_wrongly_is_told() {
    let folder = tempdir().unwrap();
    let [script, _] = scripts(folder.path());
    let codes = [
        ("/nowhere/calls.jsonl", &[][..], 64),
        ("mysql://127.0.0.1:1", &[], 78),
        ("redis://127.0.0.1:1", &[], 78),
        ("sqlite:///nowhere/rows.db", &[], 64),
        ("sqlite:///nowhere/rows.db?mode=ro", &["--since", "yesterday"], 64),
        ("x.jsonl", &["--budget", "many"], 64),
    ];
    for (from, more, code) in codes {
        let output = replay(&script, from, more);
        assert_eq!(output.status.code(), Some(code), "{from}: {output:?}");
        assert!(!output.stderr.is_empty());
    }
}

/// I3: a file of messages, mixed up, with lines that are none and a call of another script.
#[test]
fn a_file_of_messages_is_held_as_far_as_it_goes_i3() {
    let folder = tempdir().unwrap();
    let [script, _] = scripts(folder.path());
    let calls = calls();
    let mut lines: Vec<String> = Vec::new();
    for at in 0..40 {
        let rows = calls.iter().filter_map(|rows| rows.get(at));
        lines.extend(rows.map(|row| serde_json::to_string(&row.to_json()).unwrap()));
    }
    lines.insert(7, "{\"callid\": broken".into());
    lines.insert(9, String::new());
    lines.push(r#"{"callid":"x","sequence":0,"input_type":10,"input_args":"survey:2"}"#.into());
    lines.push(r#"{"callid":"y","sequence":4,"input_type":0,"input_args":"F有"}"#.into());
    let file = folder.path().join("calls.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let from = file.to_str().unwrap();
    let told = json(&replay(&script, from, &["--json"]));
    assert_eq!((told["same"].as_u64(), told["changed"].as_u64()), (Some(CALLS), Some(0)));
    assert_eq!(told["unknown"], 1, "the one without a beginning");
    let said = String::from_utf8(replay(&script, from, &[]).stdout).unwrap();
    assert!(said.contains("1 calls of other scripts") && said.contains("survey:2 1"), "{said}");
    assert!(said.contains("1 messages that are no rows; the first: message 8"), "{said}");
    assert!(said.contains("the row CREATE is missing"), "{said}");
}

#[tokio::test]
async fn a_redis_list_is_read_and_left_as_it_is_i3() {
    let redis = Redis::start();
    let folder = tempdir().unwrap();
    let [script, _] = scripts(folder.path());
    let mut config = config(folder.path());
    config.redis.url = Secret(redis.url());
    config.robot.record.redis.list = "rows".into();
    store(&config, &calls()).await;
    let from = format!("{}#rows", redis.url());
    for _ in 0..2 {
        assert_eq!(json(&replay(&script, &from, &["--json"]))["same"].as_u64(), Some(CALLS));
    }
}

/// I6: the published table has no numbers, no index and no key; and a server that goes away in the
/// middle is asked again where it left off.
#[tokio::test]
async fn a_published_table_is_read_across_a_restart_i6() {
    let mut mariadb = MariaDb::start();
    let mut root = MySqlConnection::connect(&mariadb.url("mysql")).await.unwrap();
    sqlx::raw_sql("CREATE DATABASE calls").execute(&mut root).await.unwrap();
    let folder = tempdir().unwrap();
    let mut config = config(folder.path());
    config.database.url = Secret(mariadb.url("calls"));
    let mut writer = MySqlConnection::connect(&mariadb.url("calls")).await.unwrap();
    sqlx::raw_sql(include_str!("../data/tables.sql")).execute(&mut writer).await.unwrap();
    let calls: Vec<_> = callers(&load(LOAN), 700).collect();
    store(&config, &calls).await;

    let mut reader = Reader::open(None, Wanted::default(), &config).unwrap();
    let (mut read, mut away) = (Vec::new(), 0);
    loop {
        match reader.next().await.unwrap() {
            Read::Calls(page) => read.extend(page),
            Read::Away(why, _) => {
                away += 1;
                assert!(why.contains("127.0.0.1"), "{why}");
                mariadb.start_again();
            }
            Read::End => break,
        }
        if read.len() == 500 && away == 0 {
            mariadb.stop();
        }
    }
    assert!(away > 0);
    let mut ids: Vec<_> = read.iter().map(|(callid, _)| callid.clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), calls.len(), "each call once");
    let rows: usize = read.iter().map(|(_, rows)| rows.len()).sum();
    assert_eq!(rows, calls.iter().map(Vec::len).sum::<usize>());
    let [script, _] = scripts(folder.path());
    let told = json(&replay(&script, &mariadb.url("calls"), &["--json", "--worst", "3"]));
    assert_eq!(told["same"].as_u64(), Some(700), "{told:#}");
    let row = &calls[0][0];
    let began = row.fields()[0];
    assert!(matches!(began, ("createtime", Field::Time(_))));
}
