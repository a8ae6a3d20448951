//! The program as a shell sees it: what it prints and its exit codes.
#![expect(clippy::unwrap_used, reason = "a test that can't go on says so by panicking")]

mod check;
mod jsonl;

use std::io::Write;
use std::process::{Command, Output, Stdio};

#[test]
fn wrong_arguments_are_a_usage_error() {
    for arguments in [&["sing"][..], &[], &["show-config", "--colour"]] {
        let output = telephonist(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert_eq!(output.stdout, b"");
        assert_ne!(output.stderr, b"");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for argument in ["--help", "--version"] {
        let output = telephonist(&[argument]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{argument}");
        assert!(text(&output).contains("telephonist"));
    }
}

#[test]
fn show_config_prints_what_is_in_force_and_no_secret() {
    let output = telephonist(&["show-config"])
        .env("TELEPHONIST__INSTANCE", "robot-7")
        .env("TELEPHONIST__FREESWITCH__0__PASSWORD", "env:ESL_PASSWORD")
        .env("ESL_PASSWORD", "tell-nobody")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let shown: toml::Table = text(&output).parse().unwrap();
    assert_eq!(shown["instance"].as_str(), Some("robot-7"));
    assert_eq!(shown["freeswitch"][0]["password"].as_str(), Some("***"));
    assert_eq!(shown["calls"]["max"].as_integer(), Some(2000));
    assert!(!text(&output).contains("tell-nobody"));
}

#[test]
fn show_config_default_prints_the_reference() {
    let output = telephonist(&["show-config", "--default"]).output().unwrap();
    assert_eq!(text(&output), telephonist::config::DEFAULT_TOML);
}

#[test]
fn a_wrong_configuration_says_what_to_mend_and_exits_78() {
    let output =
        telephonist(&["show-config"]).env("TELEPHONIST__CALLS__MAX", "lots").output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "TELEPHONIST__CALLS__MAX: error: calls.max: is a text in quotes, and must be a whole \
         number; write for example 2000\n"
    );
    assert_eq!(output.stdout, b"");
}

#[test]
fn an_unknown_key_is_told_beside_the_configuration() {
    let output = telephonist(&["show-config"]).env("TELEPHONIST__COLOUR", "red").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.starts_with("TELEPHONIST__COLOUR: warning: colour: unknown key"), "{told}");
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let mut child =
        telephonist(&["show-config", "--default"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn check_tells_of_every_file_though_one_is_missing() {
    let files = ["missing.json", "empty.json", "list.json"];
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("empty.json"), "").unwrap();
    std::fs::write(folder.join("list.json"), "[1]").unwrap();
    let output = telephonist(&[&["check"][..], &files].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("missing.json: "));
    assert!(text(&output).contains("empty.json:1:1: error: the file is empty"));
    assert!(text(&output).contains("list.json:1:1: error: the file is a list"));
}

/// A terminal may send what is no UTF-8; the call goes on with what can be read.
#[test]
fn talk_hears_a_line_that_is_no_utf8() {
    let shown = piped(&["talk", &yes_or_no()], b"yes\xff\n");
    assert_eq!(shown.status.code(), Some(0));
    assert!(text(&shown).contains("“yes\u{fffd}”"), "{}", text(&shown));
}

/// A rehearsal that is too long is refused, not cut: what is cut off would seem to go as written.
#[test]
fn a_rehearsal_that_is_too_long_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.call");
    std::fs::write(&file, "# nothing but this\n".repeat(70_000)).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/flows/loan.json");
    let arguments = ["rehearse", "--script", script, file.to_str().unwrap()];
    let output = telephonist(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("longer than 1 MiB"));
}

/// A script that protects its question for a second and then takes a yes; the file's path.
fn yes_or_no() -> String {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("yes_or_no.json");
    let script = r#"{ "flow": {
        "F1": { "playbacks": ["Yes?"], "disablebreak": 1000, "subflow": {
            "F2": { "condition": { "text": ["yes"], "complete": ["any"] } } } },
        "F2": { "playbacks": ["Fine."] } } }"#;
    std::fs::write(&file, script).unwrap();
    file.to_str().unwrap().to_owned()
}

/// The program with this as its standard input.
fn piped(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = telephonist(arguments);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// The program in an empty folder and environment, so that no file or variable of the machine counts.
fn telephonist(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
    command.args(arguments).env_clear().current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

fn text(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}
