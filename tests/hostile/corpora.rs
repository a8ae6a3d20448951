//! Replays the corpora of the fuzz targets: every file that once showed something new (N13).

use std::path::Path;

#[test]
fn script_files_break_no_promise() {
    replay("script_file", crate::script_file::load);
}

#[test]
fn inputs_break_no_law() {
    replay("inputs", crate::inputs::hold);
}

#[test]
fn audiosocket_streams_break_no_promise() {
    replay("audiosocket", crate::audiosocket::hold);
}

#[test]
fn fastagi_sessions_break_no_promise() {
    replay("fastagi", crate::fastagi::hold);
}

fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = corpus.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {target} is missing");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&bytes));
        assert!(outcome.is_ok(), "{} breaks a promise, see above", file.display());
    }
}
