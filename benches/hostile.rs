//! What a hostile script of 8 MiB costs: seconds of a processor, and the most memory the process
//! ever had.
//!
//! Every file is loaded by a process of its own, so that one's memory is not another's. A word
//! after `--` picks the files that have it in their names.

#[path = "../tests/support/hostile.rs"]
mod hostile;

use std::process::Command;
use std::time::Duration;

use hostile::{FILES, LARGE};
use telephonist::script;

/// The environment variable that tells a process which file is its own.
const FILE: &str = "HOSTILE_FILE";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(file) = own_file() {
        return load(file);
    }
    // `cargo test --all-targets` runs this too; it measures nothing then.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let word = arguments.iter().find(|argument| !argument.starts_with("--"));
    let mut lines: Vec<_> = (0..FILES.len())
        .filter(|at| word.is_none_or(|word| FILES[*at].name.contains(word.as_str())))
        .map(measure)
        .collect();
    lines.sort_by(|one, other| other.cmp(one));
    println!("| seconds | MiB | file | it is | problems |\n|--:|--:|---|---|--:|");
    lines.iter().for_each(|line| print!("{line}"));
}

#[expect(clippy::disallowed_methods, reason = "how a process of the benchmark is told its file")]
fn own_file() -> Option<usize> {
    std::env::var(FILE).ok()?.parse().ok()
}

/// A line of the table, from a process that loads this file.
fn measure(file: usize) -> String {
    let program = std::env::current_exe().expect("this program is a file");
    let output = Command::new(program).env(FILE, file.to_string()).output();
    let output = output.expect("this program can be run");
    if output.status.success() {
        String::from_utf8_lossy(&output.stdout).into_owned()
    } else {
        format!("| died | | {} | {} | |\n", FILES[file].name, output.status)
    }
}

fn load(file: usize) {
    let hostile = &FILES[file];
    let bytes = (hostile.file)(LARGE);
    let before = processor_time();
    let (script, problems) = script::load("hostile", "hostile.json", &bytes);
    let took = processor_time().saturating_sub(before);
    assert!(hostile.is_told(LARGE, &problems), "{problems:#?}");
    println!("{}", line(hostile.name, took, script.is_some(), problems.len()));
}

fn line(name: &str, took: Duration, is_loaded: bool, problems: usize) -> String {
    let verdict = if is_loaded { "loaded" } else { "refused" };
    let (seconds, memory) = (took.as_secs_f64(), peak_memory_mib());
    format!("| {seconds:5.2} | {memory:4} | {name} | {verdict} | {problems} |")
}

/// How long this process has run on a processor; what else a shared machine does is not counted.
fn processor_time() -> Duration {
    let times = std::fs::read_to_string("/proc/self/schedstat").expect("Linux counts it");
    let nanoseconds = times.split(' ').next().and_then(|time| time.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first number is the time on a processor"))
}

/// The most memory this process ever had, MiB; 0 where the system does not tell.
fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map_or(0, |kib| kib / 1024)
}
