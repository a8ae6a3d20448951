//! Callers who use a word that the script lacks: it is proposed, with what it would break.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use telephonist::engine::Row;
use tempfile::tempdir;

use crate::callers::{LOAN, call, load};

/// Callers say what is said in calls about loans, and in one of three sentences at F1 or F4 ask for
/// instalments in words that the script has not.
const SAID: [&str; 12] = [
    "分期行吗",
    "可以啊分期",
    "能不能分期付款",
    "我想分期",
    "有的。",
    "需要一点",
    "没有",
    "十万",
    "五万吧",
    "听不清",
    "今天下雨",
    "你好",
];

fn write(file: &Path, calls: impl Iterator<Item = Vec<Row>>) {
    let line = |row: &Row| serde_json::to_string(&row.to_json()).unwrap() + "\n";
    let lines: String = calls.flat_map(|rows| rows.iter().map(line).collect::<Vec<_>>()).collect();
    std::fs::write(file, lines).unwrap();
}

fn suggest(script: &Path, from: &Path, more: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
    command.arg("suggest").arg("--script").arg(script).arg("--from").arg(from).arg("--json");
    let output = command.args(more).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[test]
fn the_word_that_callers_use_is_proposed_first() {
    let folder = tempdir().unwrap();
    let (script, from) = (folder.path().join("loan.json"), folder.path().join("calls.jsonl"));
    std::fs::write(&script, LOAN).unwrap();
    let loan = load(LOAN);
    let calls: Vec<Vec<Row>> = (0..300).map(|seed| call(&loan, seed, &SAID)).collect();
    write(&from, calls.iter().cloned());
    let patch = folder.path().join("loan.patch");
    let proposals = suggest(&script, &from, &["--write", patch.to_str().unwrap()]);
    let first = &proposals[0];
    assert_eq!(
        (first["word"].as_str(), first["node"].as_str()),
        (Some("分期"), Some("F1")),
        "{first:#}"
    );
    let mismatched = |rows: &&Vec<Row>| {
        rows.iter().any(|row| {
            row.current_flowid == "F1"
                && row.input_args.contains("分期")
                && row.matching_method.number() == 0
                && row.repetition > 0
        })
    };
    let expected = calls.iter().filter(mismatched).count() as u64;
    assert_eq!(first["calls"].as_u64(), Some(expected));
    assert!(first["caught"].as_u64().unwrap() * 2 > expected, "{first:#}");
    assert!(first["votes"].as_u64().unwrap() > 0);
    let into = first["into"].as_str().unwrap();
    assert!(into.contains("F1") || into.contains("synonym") || into.contains("prompt"), "{into}");

    // Applied, it is caught: the same calls no longer ask for it at that node.
    suggest(&script, &from, &["--apply", "1"]);
    let text = std::fs::read_to_string(&script).unwrap();
    assert_eq!(text.lines().count(), LOAN.lines().count());
    assert!(text.contains("\"分期\"") && text.contains("// 等客户把话说完再回答"));
    load(&text);
    let again = suggest(&script, &from, &[]);
    let still = |one: &Value| one["word"] == "分期" && one["node"] == "F1";
    assert!(!again.iter().any(still), "{again:#?}");
}

/// What a proposal changes elsewhere is told: here a word that other sentences have, which an answer
/// later in the file takes.
#[test]
fn what_a_proposal_would_break_is_told() {
    const SCRIPT: &str = r#"{ "version": 3, "flow": {
      "Start": { "subflow": { "A": {} } },
      "A": { "action": "cti_play_and_detect_speech", "playbacks": ["Купите слона?"],
        "mismatchplaybacks": ["Не понял."], "mismatchrepetition": 9, "subflow": {
          "yes:B": { "condition": { "text": ["беру"] } },
          "no:C": { "condition": { "text": ["дорого"], "complete": ["any"] } } } },
      "B": { "action": "hangup", "playbacks": ["Спасибо!"], "potential": "A" },
      "C": { "action": "hangup", "playbacks": ["Жаль."], "potential": "B" } } }"#;
    let folder = tempdir().unwrap();
    let (script, from) = (folder.path().join("loan.json"), folder.path().join("calls.jsonl"));
    std::fs::write(&script, SCRIPT).unwrap();
    let said = ["оформляйте", "давайте оформим, оформляйте", "беру", "оформляйте, но дорого"];
    let loaded = load(SCRIPT);
    let calls: Vec<Vec<Row>> = (0..80).map(|seed| call(&loaded, seed, &said)).collect();
    write(&from, calls.iter().cloned());
    let proposals = suggest(&script, &from, &[]);
    let first = &proposals[0];
    assert_eq!(first["word"], "оформляйте", "{first:#}");
    assert_eq!(first["into"], "the edge yes:B of A", "{first:#}");
    // A call breaks if the dear one is the first to have the word.
    let breaks = |rows: &&Vec<Row>| {
        let word = rows.iter().find(|row| {
            row.input_type.number() == 0
                && row.input_args.contains("оформляйте")
                && row.input_args.starts_with(['F', 'S'])
                && (row.input_args.starts_with('F') || row.matching_method.number() > 0)
        });
        word.is_some_and(|row| row.matching_keyword == "дорого")
    };
    let broken = calls.iter().filter(breaks).count() as u64;
    assert!(broken > 3);
    assert_eq!(first["broken"].as_u64(), Some(broken), "{first:#}");
    assert!(first["caught"].as_u64().unwrap() > 3);
    assert!(!first["broken_calls"].as_array().unwrap().is_empty());
}
