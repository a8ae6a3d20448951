//! Scripts in the house style: written once, the same ever after, and the same to a caller.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jsonc_parser::tokens::Token;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use telephonist::script::{self, LINE_COLUMNS_MAX, format};
use telephonist::switch::simulated::{Rehearsal, rehearse};
use unicode_width::UnicodeWidthStr as _;

#[test]
fn golden_files() {
    for name in ["editor", "comments"] {
        let folder = root().join("tests/data/fmt");
        let written = read(&folder.join(format!("{name}.in.json")));
        let wanted = read(&folder.join(format!("{name}.out.json")));
        assert_eq!(format(&written).unwrap(), wanted, "{name}");
    }
}

/// Everything there is that is JSON: formatted twice is formatted once, and says the same.
#[test]
fn formatting_is_settled_after_once_and_loses_nothing() {
    let corpus = files(&root().join("fuzz/corpus/script_file"));
    let written = texts().into_iter().chain(
        corpus.iter().filter_map(|file| String::from_utf8(std::fs::read(file).unwrap()).ok()),
    );
    let mut count = 0;
    for text in written {
        let Some(formatted) = format(&text) else { continue };
        count += 1;
        assert_eq!(format(&formatted).as_ref(), Some(&formatted), "{text}");
        assert_eq!(comments(&formatted), comments(&text), "{text}");
        assert_eq!(leaves(&formatted), leaves(&text), "{text}");
        assert!(!formatted.contains(" \n") || text.contains(" \n"), "{text}");
    }
    assert!(count > 50, "{count} files of the corpus are JSON");
}

/// Comments at every place where one can stand stay, once each.
#[test]
fn a_comment_survives_between_any_two_signs() {
    let text = read(&root().join("tests/data/fmt/editor.in.json"));
    let text = text.replace("[]", "[\"\"]");
    for comment in ["/* note */", "// note\n", "/* no\nte */", "\n// note\n\n/* and */"] {
        for (at, _) in text.match_indices(['{', '}', '[', ']', ',', ':']) {
            if is_inside_quotes(&text, at) {
                continue;
            }
            for place in [at, at + 1] {
                let (before, behind) = text.split_at(place);
                let noted = format!("{before} {comment} {behind}");
                let formatted = format(&noted).unwrap();
                assert_eq!(comments(&formatted), comments(&noted), "{noted}");
                assert_eq!(format(&formatted).unwrap(), formatted, "{noted}");
            }
        }
    }
}

#[test]
fn shipped_lines_fit() {
    for text in texts() {
        let formatted = format(&text).unwrap();
        let long = formatted.lines().find(|line| {
            let code = line.split(" //").next().unwrap_or_default();
            code.width() > LINE_COLUMNS_MAX && code.matches('"').count() > 4
        });
        assert_eq!(long, None);
    }
}

/// Every shipped call goes as written on the formatted script, too.
#[test]
fn a_formatted_script_means_the_same() {
    let mut calls = 0;
    for file in shipped() {
        let formatted = format(&read(&file)).unwrap();
        let name = file.strip_prefix(root().join("flows")).unwrap().with_extension("");
        let (script, problems) = script::load(name.to_str().unwrap(), "", formatted.as_bytes());
        let script = script.unwrap_or_else(|| panic!("{problems:?}"));
        assert_eq!(problems, []);
        for call in files(&file.with_extension("calls")) {
            let rehearsal = Rehearsal::parse(&read(&call)).unwrap();
            rehearse(&script, &rehearsal).unwrap_or_else(|d| panic!("{}: {d}", call.display()));
            calls += 1;
        }
    }
    assert!(calls > 100, "{calls}");
}

#[test]
fn the_command_checks_changes_and_then_is_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loan.json");
    std::fs::write(&file, r#"{"flow":{"a":{"action":"hangup"}}}"#).unwrap();
    set_mode(&file, 0o640);
    let named = file.to_str().unwrap();
    let checked = telephonist(&["fmt", "--check", named]);
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    assert!(
        String::from_utf8_lossy(&checked.stdout).ends_with("loan.json:1: not in the house style\n")
    );
    assert_eq!(telephonist(&["fmt", named]).status.code(), Some(0));
    assert_eq!(read(&file), "{\n  \"flow\": {\n    \"a\": { \"action\": \"hangup\" }\n  }\n}\n");
    assert_eq!(mode(&file), 0o640);
    let again = telephonist(&["fmt", "--check", named]);
    assert_eq!((again.status.code(), again.stdout), (Some(0), Vec::new()));
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing is left beside it");
}

/// A link stays one, and what it points to is formatted.
#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("a.json"), folder.path().join("b.json"));
    std::fs::write(&file, r#"{"flow":{"a":{"action":"hangup"}}}"#).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(telephonist(&["fmt", link.to_str().unwrap()]).status.code(), Some(0));
    assert!(link.is_symlink());
    assert!(read(&file).starts_with("{\n"));
}

#[test]
fn a_broken_script_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.json");
    for (text, place) in [
        ("{\"flow\": {\n", ":1:10: error: not JSON"),
        ("{\"flow\":{\"a\":{\"subflow\":{\"b\":{}}}}}", ":1:26: error: an edge leads to \"b\""),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = telephonist(&["fmt", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(place) && told.contains("left as it is"), "{told}");
        assert_eq!(read(&file), text);
    }
}

#[test]
fn check_fix_mends_what_is_sure_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    let text = "{ \"version\": 3, \"flow\": { \"a\": { \"repetition\": \"2 \", \"subflow\": {\n\
                \"b\": { \"condition\": { \"text\": [\"да\", \"\", \"да\"], \"complete\": [\"any\"] } } } },\n\
                \"b\": { \"action\": \"hangup\", \"colour\": \"red\" } } }\n";
    std::fs::write(&file, text).unwrap();
    let output = telephonist(&["check", "--fix", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told.matches("mended: ").count(), 3, "{told}");
    assert!(told.contains("a.json:1: mended: repetition is \"2\" without blanks"), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("unknown key \"colour\""));
    let mended = text.replace("\"2 \"", "\"2\"").replace("[\"да\", \"\", \"да\"]", "[\"да\"]");
    assert_eq!(read(&file), mended);
}

/// Every text and number with the keys that lead to it, sorted: the same in any order of keys.
fn leaves(text: &str) -> Vec<String> {
    fn walk(path: &str, value: &serde_json::Value, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                into.push(format!("{path}{{"));
                for (key, value) in fields {
                    walk(&format!("{path}/{key:?}"), value, into);
                }
            }
            serde_json::Value::Array(values) => {
                into.push(format!("{path}["));
                for (at, value) in values.iter().enumerate() {
                    walk(&format!("{path}/{at}"), value, into);
                }
            }
            other => into.push(format!("{path}={other}")),
        }
    }
    let text = text.trim_start_matches('\u{FEFF}');
    let value = jsonc_parser::parse_to_serde_value(text, &ParseOptions::default()).unwrap();
    let mut found = Vec::new();
    walk("", &value, &mut found);
    found.sort();
    found
}

/// The comments, sorted, without the blanks at the ends of lines.
fn comments(text: &str) -> Vec<String> {
    let options = CollectOptions { comments: CommentCollectionStrategy::AsTokens, tokens: true };
    let text = text.trim_start_matches('\u{FEFF}');
    let parsed = parse_to_ast(text, &options, &ParseOptions::default()).unwrap();
    let found = parsed.tokens.unwrap().into_iter().filter_map(|token| match token.token {
        Token::CommentLine(text) | Token::CommentBlock(text) => Some(
            text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned(),
        ),
        _ => None,
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    found
}

fn is_inside_quotes(text: &str, at: usize) -> bool {
    text.split_at(at).0.matches('"').count() % 2 == 1
}

fn texts() -> Vec<String> {
    shipped().iter().map(|file| read(file)).collect()
}

fn shipped() -> Vec<PathBuf> {
    let folders = [root().join("flows"), root().join("flows/rules")];
    let all = folders.iter().flat_map(|folder| files(folder));
    all.filter(|file| file.extension().is_some_and(|ending| ending == "json")).collect()
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.filter(|path| path.is_file()).collect();
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn telephonist(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
    command.args(arguments).env_clear().current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.output().unwrap()
}

#[cfg(unix)]
fn set_mode(file: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn mode(file: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}
