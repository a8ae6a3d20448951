//! What comes over a connection that should speak AudioSocket, and when.

use telephonist::wire::audiosocket::{Decoder, FRAME_BYTES_MAX, Message, WireError, samples};
use telephonist::wire::mislabelled::Detector;

/// Kind and length of a frame.
const HEADER: usize = 3;

/// The first byte says how the others are cut, and how many ms pass between the pieces.
pub(crate) fn hold(bytes: &[u8]) {
    let Some((&cut, stream)) = bytes.split_first() else { return };
    let whole = listen(&[stream]);
    let single: Vec<_> = stream.chunks(1).collect();
    assert!(listen(&single) == whole, "byte by byte");
    let pieces: Vec<_> = stream.chunks(usize::from(cut).max(1)).collect();
    assert!(listen(&pieces) == whole, "in pieces of {cut}");
    detect(&pieces, u64::from(cut) / 4);
}

/// All that is said, as text, and how it ends; memory is no more than has come of one frame.
fn listen(pieces: &[&[u8]]) -> (Vec<String>, Result<(), WireError>, usize) {
    let (mut decoder, mut heard) = (Decoder::default(), Vec::new());
    let mut outcome = Ok(());
    for piece in pieces {
        let pushed = decoder.push(piece, |message| {
            if let Message::Audio { pcm, .. } = message {
                assert!((1..=FRAME_BYTES_MAX).contains(&pcm.len()));
                assert_eq!(samples(pcm).len(), pcm.len() / 2);
            }
            heard.push(format!("{message:?}"));
        });
        assert!(outcome.is_ok() || pushed == outcome, "an error stays");
        outcome = pushed;
        assert!(decoder.pending() < HEADER + FRAME_BYTES_MAX);
    }
    (heard, outcome, decoder.pending())
}

/// What was known of a leg stays.
fn detect(pieces: &[&[u8]], each_ms: u64) {
    let (mut decoder, mut detector, mut known) = (Decoder::default(), Detector::default(), None);
    for (now_ms, piece) in (0..).step_by(each_ms.max(1) as usize).zip(pieces) {
        let pushed = decoder.push(piece, |message| {
            if let Message::Audio { pcm, .. } = message {
                let heard = detector.hear(pcm.len(), now_ms);
                assert!(known.is_none() || heard == known);
                known = heard;
            }
        });
        if pushed.is_err() {
            return;
        }
    }
}
