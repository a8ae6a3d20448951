//! Recorded calls held again: how many a second, from a SQLite file to the printed summary.
//!
//! ```text
//! cargo bench --bench replay -- [calls] [file]
//! ```
//!
//! The calls, of 12 sentences each, are written by the engine and the store into the file, unless it is
//! there already; then the program replays them with the script they were made with, and with one that
//! lacks a keyword.

#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on stops")]

use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::sync::Arc;
use std::time::Instant;

use telephonist::config::{Config, Secret};
use telephonist::engine::{Call, Command, EndReason, Heard, Input, Now, Robot, Tick, Wall};
use telephonist::script::{self, Script};
use telephonist::store::{Notify, Store};
use tokio::sync::oneshot;

const CALLS: u64 = 100_000;
const SENTENCES: u64 = 12;
/// Rows offered before it is waited until they are written: fewer than the store's queue holds.
const BURST: u64 = 20_000;
const SAID: [&str; 6] = ["有的。", "没有", "多少钱", "сколько стоит?", "yes, please", "嗯"];
const SCRIPT: &str = r#"{ "version": 3, "flow": {
  "Start": { "subflow": { "A": {} } },
  "A": { "action": "cti_play_and_detect_speech", "playbacks": ["你好,请问你需要资金吗?"],
    "mismatchplaybacks": ["没听懂。"], "mismatchrepetition": 99, "kb": ["k"], "subflow": {
      "yes:B": { "id": "c1", "condition": { "text": ["有", "yes"] } },
      "none:A": { "condition": { "text": ["没有"], "complete": ["any"] }, "priority": -1 } } },
  "B": { "action": "cti_play_and_detect_speech", "playbacks": ["需要多少?"], "kb": ["k"], "subflow": {
      "back:A": { "condition": { "text": ["any"], "complete": ["any"] } } } } },
  "kb": { "k": { "prompts": ["p"] } },
  "prompt": { "p": { "name": "price", "keyworks": ["多少钱", "сколько"], "playbacks": ["一百。"] } } }"#;

#[expect(clippy::disallowed_methods, reason = "a benchmark is there to read the clock")]
fn main() {
    // Cargo adds `--bench`.
    let given: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let calls = given.first().map_or(CALLS, |calls| calls.parse().unwrap());
    let file =
        given.get(1).map_or_else(|| std::env::temp_dir().join("replay-bench.db"), PathBuf::from);
    let folder = tempfile::tempdir().unwrap();
    let scripts = [("loan", SCRIPT.to_owned()), ("less", SCRIPT.replace(r#""有", "#, ""))];
    let scripts = scripts.map(|(name, text)| {
        let path = folder.path().join(format!("{name}.json"));
        std::fs::write(&path, text).unwrap();
        path
    });
    if !file.exists() {
        let begun = Instant::now();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(write(&file, folder.path(), calls));
        println!("{calls} calls written in {:.1} s", begun.elapsed().as_secs_f64());
    }
    for script in &scripts {
        let begun = Instant::now();
        let from = format!("sqlite://{}", file.display());
        let mut program = Program::new(env!("CARGO_BIN_EXE_telephonist"));
        program.arg("replay").arg("--script").arg(script).args(["--from", &from, "--flow", "*"]);
        let output = program.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let took = begun.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{}", said.lines().take(2).collect::<Vec<_>>().join("\n"));
        println!("    {took:.2} s: {:.0} calls/s", calls as f64 / took);
    }
}

async fn write(file: &Path, data: &Path, calls: u64) {
    let mut config = Config { data_dir: data.into(), ..Config::default() };
    config.database.url = Secret(format!("sqlite://{}", file.display()));
    let (store, worker) = telephonist::store::open(&config).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (script, problems) = script::load("loan", "loan.json", SCRIPT.as_bytes());
    let script = script.unwrap_or_else(|| panic!("{problems:?}"));
    let offer = async {
        for seed in 0..calls {
            hold(&script, seed, &store);
            if seed % (BURST / 16) == 0 {
                store.flush().await;
            }
        }
        store.flush().await;
        drop(stop);
    };
    tokio::join!(worker.run(async { drop(stopped.await) }), offer);
}

fn hold(script: &Arc<Script>, seed: u64, store: &Store) {
    let unix_ms = 1_704_067_200_000 + i64::try_from(seed).unwrap() * 900;
    let mut now = Now { tick: Tick(0), wall: Wall { unix_ms, offset_s: 0 } };
    // Ids as a switch makes them: in no order.
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let callid = uuid::Uuid::from_u64_pair(mixed, seed).to_string().into();
    let call = Call { callid, variables: Vec::new(), event_after_hangup: true, explain: false };
    let mut robot = Robot::new(call, Arc::clone(script), now);
    take(&mut robot, store);
    for at in 0..SENTENCES {
        now = now.plus_ms(3_700);
        let said = SAID[usize::try_from((mixed >> (at * 5)) % SAID.len() as u64).unwrap()];
        robot.handle(
            Input::Text(Heard {
                appid: None,
                text: format!("F{said}").into(),
                start: now.wall.minus_ms(900),
                duration_ms: 900,
                play_time_ms: -400,
                record: "".into(),
            }),
            now,
        );
        take(&mut robot, store);
    }
    robot.handle(Input::Complete { appid: None, args: "HANGUP()".into() }, now);
    take(&mut robot, store);
    robot.handle(Input::Ended(EndReason::RecvBye), now);
    take(&mut robot, store);
}

fn take(robot: &mut Robot, store: &Store) {
    while let Some(command) = robot.next_command() {
        if let Command::Row(row) = command {
            store.conversation(*row, &Notify::default());
        }
    }
}
