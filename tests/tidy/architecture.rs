//! Who may know whom (ARCHITECTURE.md): the conversation decides, the edges perform.

use std::collections::BTreeSet;

use crate::rust::paths;
use crate::tree::{File, files, none};

/// What a module may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It is given time and bytes and returns what to do: no clock, no socket, no file, no task.
    Decides,
    /// It does what was decided.
    Performs,
}
use Kind::{Decides, Performs};

/// Every module, and which others it may name.
const TABLE: [(&str, Kind, &[&str]); 19] = [
    ("pii", Decides, &[]),
    ("script", Decides, &[]),
    ("wire", Decides, &[]),
    ("media", Decides, &[]),
    ("engine", Decides, &["script"]),
    ("graph", Decides, &["script"]),
    ("turn", Decides, &["engine", "script"]),
    ("replay", Decides, &["engine", "script"]),
    ("voice", Decides, &["engine", "media", "script", "turn"]),
    ("config", Performs, &[]),
    ("switch", Performs, EDGE),
    ("speech", Performs, EDGE),
    ("llm", Performs, EDGE),
    ("store", Performs, EDGE),
    ("web", Performs, EDGE),
    (
        "daemon",
        Performs,
        &[
            "config", "engine", "llm", "media", "pii", "script", "speech", "store", "switch",
            "turn", "voice", "web", "wire",
        ],
    ),
    // `migrate` and `push` are a database and a Redis and nothing else: they need no daemon.
    (
        "cli",
        Performs,
        &["config", "daemon", "engine", "graph", "replay", "script", "store", "switch", "turn"],
    ),
    ("main", Performs, &["cli"]),
    ("lib", Decides, &[]),
];

/// What any edge may know; never another edge.
const EDGE: &[&str] = &["config", "engine", "media", "pii", "script", "turn", "voice", "wire"];

/// Paths that lead out of what decides.
const OUTSIDE: [&[&str]; 14] = [
    &["axum"],
    &["clap"],
    &["freeswitch_esl_tokio"],
    &["metrics"],
    &["notify"],
    &["redis"],
    &["reqwest"],
    &["sqlx"],
    &["std", "env"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["tokio"],
];

/// The line that makes clippy hold a module to `.clippy.toml`.
const DENIAL: &str = "#![deny(clippy::disallowed_methods, clippy::disallowed_types)]";

#[test]
fn modules_name_only_whom_they_may() {
    none(&files("src", "rs").iter().flat_map(check_file).collect::<Vec<_>>());
}

#[test]
fn what_decides_is_denied_clocks_and_tasks() {
    none(&files("src", "rs").iter().filter_map(check_denial).collect::<Vec<_>>());
}

#[test]
fn every_name_in_the_table_is_a_row_of_it() {
    let rows: BTreeSet<_> = TABLE.iter().map(|(module, ..)| *module).collect();
    let named: BTreeSet<_> = TABLE.iter().flat_map(|(.., may)| may.iter().copied()).collect();
    assert_eq!(rows.len(), TABLE.len());
    assert_eq!(named.difference(&rows).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn a_module_that_names_a_stranger_is_found() {
    let planted = [
        (
            "src/engine/call.rs",
            "use crate::{engine::Row, store::Sink};",
            "engine may not name store",
        ),
        ("src/engine/action/llm.rs", "use super::super::super::llm;", "engine may not name llm"),
        ("src/store/mysql.rs", "fn f() { crate::switch::stop() }", "store may not name switch"),
        ("src/turn/mod.rs", "mod m { use super::super::config; }", "turn may not name config"),
        ("src/wire/sse.rs", "use crate::script::Script;", "wire may not name script"),
        ("src/main.rs", "use telephonist::daemon;", "main may not name daemon"),
        ("src/extra.rs", "", "extra is not in the table"),
        ("src/media/vad.rs", "use tokio::time;", "media decides, and may not use tokio"),
        ("src/media/vad.rs", "use std::{fmt, fs::File};", "media decides, and may not use std::fs"),
    ];
    for (path, text, complaint) in planted {
        let found = check_file(&file(path, text));
        assert_eq!(found, [format!("{path}:1: {complaint}")], "{text}");
    }
}

#[test]
fn a_module_that_keeps_to_itself_passes() {
    let fine = [
        ("src/engine/call.rs", "use crate::script::Script; use super::row::Row;"),
        ("src/engine/mod.rs", "mod m { use super::row; } // tokio::spawn"),
        ("src/store/mysql.rs", "use tokio::net::TcpStream; use crate::pii::Pii;"),
        ("src/engine/row.rs", "#[cfg(test)] mod tests { use crate::config::Config; }"),
    ];
    for (path, text) in fine {
        assert_eq!(check_file(&file(path, text)), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_missing_denial_is_found() {
    let bare = file("src/turn/mod.rs", "//! One turn.\n\npub mod event;\n");
    assert!(check_denial(&bare).unwrap().starts_with("src/turn/mod.rs: "));
    let denied = file("src/turn/mod.rs", &format!("//! One turn.\n\n{DENIAL}\n"));
    assert_eq!(check_denial(&denied), None);
    assert_eq!(check_denial(&file("src/turn/event.rs", "")), None);
    assert_eq!(check_denial(&file("src/store/mod.rs", "")), None);
}

/// What this file names that it may not, as `path:line: complaint`.
fn check_file(file: &File) -> Vec<String> {
    let module_path = module_path(&file.path);
    let module = module_path.first().map_or("lib", String::as_str);
    let Some((_, kind, may)) = TABLE.iter().find(|(name, ..)| *name == module) else {
        return vec![format!("{}:1: {module} is not in the table", file.path)];
    };
    let complain = |line, complaint: String| format!("{}:{line}: {complaint}", file.path);
    let mut complaints = Vec::new();
    for path in paths(&file.text) {
        let outside = OUTSIDE.iter().find(|start| begins_with(&path.segments, start));
        if let (Decides, Some(outside)) = (kind, outside) {
            let outside = outside.join("::");
            let complaint = format!("{module} decides, and may not use {outside}");
            complaints.push(complain(path.line, complaint));
        }
        let named = resolve(&module_path, path.inline_modules, &path.segments);
        if let Some(named) = named.filter(|named| named != module && is_module(named))
            && !may.contains(&named.as_str())
        {
            complaints.push(complain(path.line, format!("{module} may not name {named}")));
        }
    }
    complaints
}

/// The first file of a module that decides, if it does not deny what the others may do.
fn check_denial(file: &File) -> Option<String> {
    let path = module_path(&file.path);
    let [module] = path.as_slice() else { return None };
    let decides = TABLE.iter().any(|(name, kind, _)| name == module && *kind == Decides);
    let is_folder = file.path.ends_with("/mod.rs");
    (decides && is_folder && !file.text.contains(DENIAL))
        .then(|| format!("{}: {module} decides, and must begin with {DENIAL}", file.path))
}

/// `src/engine/action/set.rs` → `engine`, `action`, `set`.
fn module_path(path: &str) -> Vec<String> {
    let path = path.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').filter(|step| *step != "lib").map(str::to_owned).collect()
}

/// The module below the crate's root that this path leads to; `None` if it leads elsewhere.
fn resolve(module_path: &[String], inline_modules: usize, path: &[String]) -> Option<String> {
    let first = path.first()?.as_str();
    if first == "crate" || first == "telephonist" {
        return path.get(1).cloned();
    }
    let supers = path.iter().take_while(|segment| *segment == "super").count();
    let up = supers.checked_sub(inline_modules).filter(|up| *up > 0)?;
    let kept = module_path.len().checked_sub(up)?;
    module_path[..kept].iter().chain(&path[supers..]).next().cloned()
}

/// True for modules; the root's own items are everybody's.
fn is_module(name: &str) -> bool {
    TABLE.iter().any(|(module, ..)| *module == name)
}

fn begins_with(path: &[String], start: &[&str]) -> bool {
    path.len() >= start.len() && path.iter().zip(start).all(|(step, wanted)| step == wanted)
}

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}
