//! The calls written beside the shipped scripts (`flows/<script>.calls/*.call`) go as written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use telephonist::script;
use telephonist::switch::simulated::{Difference, Rehearsal, rehearse};

/// Every call beside every shipped script, each on the script that its folder is named after.
#[test]
fn shipped_calls_go_as_written() {
    let mut differences = Vec::new();
    for script_file in shipped("json", &flows()) {
        let calls = shipped("call", &script_file.with_extension("calls"));
        assert!(!calls.is_empty(), "{} has rehearsals", script_file.display());
        differences.extend(calls.iter().filter_map(|call| play(&script_file, call).err()));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A call says who the caller is in its first line, and which rules it shows in its second.
#[test]
fn shipped_calls_name_their_rules() {
    let mut rules = BTreeSet::new();
    for call in &shipped("call", &flows()) {
        let text = read(call);
        let mut lines = text.lines();
        let story = lines.next().unwrap_or_default();
        assert!(story.starts_with("# ") && story.len() > 10, "{} has no story", call.display());
        let named = lines.next().and_then(|line| line.strip_prefix("# rule: "));
        let named = named.unwrap_or_else(|| panic!("{} names no rule", call.display()));
        rules.extend(named.split_whitespace().map(str::to_owned));
    }
    let is_id = |rule: &String| {
        rule.starts_with(['E', 'T', 'R', 'N']) && rule.chars().skip(1).all(|c| c.is_ascii_digit())
    };
    assert!(rules.iter().all(is_id), "{rules:?}");
}

/// The published call: the caller who hangs up when a pause ends is before a timer that is due then.
#[test]
fn the_caller_is_first_when_a_pause_ends() {
    let script = r#"{ "version": 3, "flow": {
        "F1": { "playbacks": ["你好,这里是信贷中心"], "subflow": {
            "F4": { "weight": 1, "condition": { "text": ["有"], "complete": ["any"] } } } },
        "F4": { "playbacks": ["多少"], "timeoutplaybacks": ["还在吗"], "subflow": {
            "F5": { "condition": { "complete": ["hangup"] } },
            "F6": { "condition": { "complete": ["any"] } } } },
        "F5": { "action": "hangup", "potential": "A" },
        "F6": { "action": "hangup" } } }"#;
    let call = r#"# a caller who wants a loan
> answered destination_number=4000
< 0.0s play F1 "你好,这里是信贷中心"
> says "有的。" for 1.4s
< play F4
= F4 method 3 keyword 有 weight 1 label ""
+10s
< 5.0s play F4 timeout
> hangup
= classify positive 1 label A
"#;
    assert_eq!(rehearsed(script, call), Ok(()));
    let robot_first = call.replace("> hangup", "< 10.0s hangup").replace("label A", "label \"\"");
    assert_eq!(rehearsed(script, &robot_first), Ok(()));
    let too_late = call.replace("+10s", "+10.1s");
    assert_eq!(rehearsed(script, &too_late).map_err(|difference| difference.line), Err(9));
}

fn rehearsed(script: &str, call: &str) -> Result<(), Difference> {
    let (script, problems) = script::load("loan", "loan.json", script.as_bytes());
    let script = script.unwrap_or_else(|| panic!("{problems:?}"));
    let rehearsal = Rehearsal::parse(call).unwrap_or_else(|faults| panic!("{faults:?}"));
    rehearse(&script, &rehearsal)
}

fn play(script_file: &Path, call: &Path) -> Result<(), String> {
    let name = script_file.strip_prefix(flows()).expect("it is below the folder");
    let (loaded, _) = script::load(
        &name.with_extension("").to_string_lossy(),
        &script_file.to_string_lossy(),
        read(script_file).as_bytes(),
    );
    let script = loaded.ok_or_else(|| format!("{} has errors", script_file.display()))?;
    let rehearsal = Rehearsal::parse(&read(call))
        .map_err(|faults| format!("{}: {}", call.display(), faults[0]))?;
    rehearse(&script, &rehearsal).map_err(|difference| format!("{}: {difference}", call.display()))
}

fn flows() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("flows")
}

/// What a folder and the folders in it have of a kind, in the order of its names.
fn shipped(extension: &str, folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("it was listed").path()) {
        if path.is_dir() {
            found.extend(shipped(extension, &path));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
