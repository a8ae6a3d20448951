//! What `tests/data/asterisk` holds, and ways to cut it.

use std::path::{Path, PathBuf};

/// Cut at each position up to here: no place within a frame or a line is left out.
const EACH_POSITION_BYTES: usize = 2_048;
/// Cut at random so often.
const RANDOM_CUTS: usize = 10;

/// The captures that have this file, by name, with its bytes.
pub(crate) fn all(file: &str) -> Vec<(String, Vec<u8>)> {
    let mut captures: Vec<_> = folder()
        .read_dir()
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let bytes = std::fs::read(entry.path().join(file)).ok()?;
            Some((entry.file_name().into_string().unwrap(), bytes))
        })
        .collect();
    captures.sort();
    assert!(!captures.is_empty(), "there is no {file}");
    captures
}

/// One file of the capture with this number.
pub(crate) fn one(number: &str, file: &str) -> Vec<u8> {
    let found = all(file).into_iter().find(|(name, _)| name.starts_with(number));
    found.unwrap().1
}

/// Fails unless the stream says the same however it is cut: byte by byte, at random, and its first
/// bytes in two at each position.
pub(crate) fn agree<T: PartialEq>(name: &str, stream: &[u8], listen: impl Fn(&[&[u8]]) -> T) {
    let whole = listen(&[stream]);
    let bytes: Vec<_> = stream.chunks(1).collect();
    assert!(listen(&bytes) == whole, "{name}, byte by byte");
    for seed in 1..=RANDOM_CUTS {
        assert!(listen(&pieces(stream, seed)) == whole, "{name}, seed {seed}");
    }
    let start = stream.get(..EACH_POSITION_BYTES).unwrap_or(stream);
    let whole = listen(&[start]);
    for at in 0..start.len() {
        assert!(listen(&<[_; 2]>::from(start.split_at(at))) == whole, "{name}, at {at}");
    }
}

/// Pieces of 0 to 1,500 bytes.
fn pieces(mut stream: &[u8], seed: usize) -> Vec<&[u8]> {
    let (mut pieces, mut state) = (Vec::new(), seed);
    while !stream.is_empty() {
        state = (state * 8_121 + 28_411) % 134_456;
        let (piece, rest) = stream.split_at((state % 1_501).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/asterisk")
}
