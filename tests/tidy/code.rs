//! What no file of code has.

use crate::tree::{File, files, none};

/// A longer file holds more than one idea.
const LINES_MAX: usize = 600;

/// Files that are longer, and why.
const LONGER: [(&str, &str); 0] = [];

/// What is not finished, was left from debugging, or silences a check without a reason.
const BANNED: [&str; 9] =
    ["todo!", "unimplemented!", "dbg!", "TODO", "FIXME", "XXX", "#[allow", "#![allow", "#[ignore]"];

#[test]
fn files_hold_one_idea_each() {
    none(&files("src", "rs").iter().filter_map(check_length).collect::<Vec<_>>());
}

#[test]
fn the_list_of_longer_files_has_no_others() {
    let files = files("src", "rs");
    let is_longer = |path: &str| files.iter().any(|file| file.path == path && is_long(file));
    let others = LONGER.iter().filter(|(path, _)| !is_longer(path));
    none(&others.map(|(path, _)| format!("{path} need not be listed")).collect::<Vec<_>>());
}

/// Tests build the benchmarks and run them too: one that measures all the same would take minutes.
#[test]
fn benchmarks_measure_only_when_asked() {
    let manifest = crate::tree::read("Cargo.toml").unwrap();
    let programs = manifest.split("[[bench]]").skip(1).filter(|bench| bench.contains("harness"));
    let named = programs.filter_map(|bench| bench.split('"').nth(1));
    let asks = |name: &str| {
        let files = [format!("benches/{name}.rs"), format!("benches/{name}/main.rs")];
        let text = files.iter().find_map(|file| crate::tree::read(file)).unwrap();
        ["\"--bench\"", "criterion", "println!(\"{HELP}\")"].iter().any(|sign| text.contains(sign))
    };
    let complaints = named.filter(|name| !asks(name));
    none(
        &complaints
            .map(|name| format!("benches/{name} measures without `--bench`"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn nothing_unfinished_is_kept() {
    let code = files("src", "rs").into_iter().chain(files("tests", "rs"));
    // This file names them all.
    let code = code.filter(|file| file.path != "tests/tidy/code.rs");
    none(&code.flat_map(|file| check_words(&file)).collect::<Vec<_>>());
}

#[test]
fn a_long_file_is_found() {
    let lines = |count: usize| File { path: "src/a.rs".into(), text: "//\n".repeat(count) };
    assert_eq!(check_length(&lines(LINES_MAX)), None);
    assert_eq!(check_length(&lines(LINES_MAX + 1)).unwrap(), "src/a.rs: 601 lines, more than 600");
}

#[test]
fn every_banned_word_is_found() {
    for word in BANNED {
        let text = format!("fn f() {{}}\n{word}\n");
        let found = check_words(&File { path: "src/a.rs".into(), text });
        assert!(found.contains(&format!("src/a.rs:2: {word}")), "{word}: {found:?}");
    }
    let fine = File { path: "src/a.rs".into(), text: "#[expect(lint, reason = \"…\")]".into() };
    assert_eq!(check_words(&fine), Vec::<String>::new());
}

fn check_length(file: &File) -> Option<String> {
    let is_listed = LONGER.iter().any(|(path, _)| *path == file.path);
    let lines = file.text.lines().count();
    (is_long(file) && !is_listed)
        .then(|| format!("{}: {lines} lines, more than {LINES_MAX}", file.path))
}

fn is_long(file: &File) -> bool {
    file.text.lines().count() > LINES_MAX
}

fn check_words(file: &File) -> Vec<String> {
    let lines = file.text.lines().enumerate();
    lines.flat_map(|(number, line)| words_in(&file.path, number + 1, line)).collect()
}

fn words_in(path: &str, number: usize, line: &str) -> Vec<String> {
    let found = BANNED.iter().filter(|word| line.contains(**word));
    found.map(|word| format!("{path}:{number}: {word}")).collect()
}
