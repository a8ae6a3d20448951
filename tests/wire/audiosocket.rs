//! AudioSocket (S21–S24).

use telephonist::wire::audiosocket::{self, Decoder, Message, WireError, samples};
use uuid::Uuid;

use crate::captures;

/// A message that outlives its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Id(Uuid),
    Digit(char),
    Audio { rate: u32, pcm: Vec<u8> },
    Other(String),
}

fn listen(pieces: &[&[u8]]) -> (Vec<Heard>, Result<(), WireError>, usize) {
    let mut heard = Vec::new();
    let mut decoder = Decoder::default();
    let outcome = pieces.iter().try_for_each(|piece| {
        decoder.push(piece, |message| {
            heard.push(match message {
                Message::Id(id) => Heard::Id(id),
                Message::Digit(digit) => Heard::Digit(digit),
                Message::Audio { rate, pcm } => Heard::Audio { rate, pcm: pcm.to_vec() },
                other => Heard::Other(format!("{other:?}")),
            });
        })
    });
    (heard, outcome, decoder.pending())
}

fn capture(number: &str) -> Vec<Heard> {
    listen(&[&captures::one(number, "from-asterisk.bin")]).0
}

fn digits(heard: &[Heard]) -> String {
    let digit = |message: &Heard| match message {
        Heard::Digit(digit) => Some(*digit),
        _ => None,
    };
    heard.iter().filter_map(digit).collect()
}

/// Rates and lengths of the audio, each once.
fn kinds(heard: &[Heard]) -> Vec<(u32, usize)> {
    let mut kinds: Vec<_> = heard
        .iter()
        .filter_map(|message| match message {
            Heard::Audio { rate, pcm } => Some((*rate, pcm.len())),
            _ => None,
        })
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// N13: TCP cuts where it likes.
#[test]
fn captures_say_the_same_however_they_are_cut() {
    for (name, stream) in captures::all("from-asterisk.bin") {
        let whole = listen(&[&stream]);
        assert_eq!((&whole.1, whole.2), (&Ok(()), 0), "{name}");
        captures::agree(&name, &stream, listen);
    }
}

/// S21: the uuid, alone and first; then nothing but audio and digits.
#[test]
fn the_uuid_comes_first() {
    for (name, stream) in captures::all("from-asterisk.bin") {
        let heard = listen(&[&stream]).0;
        match heard.split_first() {
            Some((Heard::Id(id), rest)) => {
                let said =
                    |message: &Heard| matches!(message, Heard::Audio { .. } | Heard::Digit(_));
                assert!(!id.is_nil() && rest.iter().all(said), "{name}");
            }
            // Not answered: Asterisk connects and closes.
            other => assert!(name.starts_with("33-") && other.is_none(), "{name}"),
        }
    }
    let id = Uuid::parse_str("898cada3-287e-4edf-8632-d0465514efc7").unwrap();
    assert_eq!(capture("45").first(), Some(&Heard::Id(id)));
}

/// S21: one digit, when the key is let go.
#[test]
fn keys_are_digits() {
    assert_eq!(digits(&capture("09")), "1");
    assert_eq!(digits(&capture("30")), "15#0*");
    assert_eq!(digits(&capture("40")), "7");
    assert_eq!(digits(&capture("02")), "");
}

/// S21: kinds are rates, lengths are whatever they are.
#[test]
fn audio_has_the_rate_of_its_kind() {
    assert_eq!(kinds(&capture("02")), [(8_000, 320)]);
    assert_eq!(kinds(&capture("40")), [(16_000, 640)], "Dial with c(slin16)");
    assert_eq!(kinds(&capture("74")), [(16_000, 640)], "ARI's external media");
    assert_eq!(kinds(&capture("45")), [(8_000, 160)], "u-law that says it is not (S25)");
    assert_eq!(kinds(&capture("46")), [(8_000, 320)], "Dial with c(slin)");
    assert_eq!(kinds(&capture("52")), [(8_000, 208), (8_000, 320)], "the last of a Local channel");
}

/// S22: what a real Asterisk played is what our frames are made of.
#[test]
fn our_frames_are_those_that_asterisk_took() {
    let taken = captures::one("02", "to-asterisk.bin");
    let (heard, outcome, pending) = listen(&[&taken]);
    assert_eq!((heard.len(), outcome, pending), (11, Ok(()), 0));
    let ours: Vec<u8> = heard
        .iter()
        .flat_map(|message| {
            let Heard::Audio { rate: 8_000, pcm } = message else { panic!("{message:?}") };
            let samples: Vec<i16> = samples(pcm).collect();
            audiosocket::audio_frame(samples.as_slice().try_into().unwrap())
        })
        .collect();
    assert!(ours == taken);
    assert!(taken.iter().any(|byte| *byte > 1), "somebody speaks");
}

/// S24, N13: a frame of more than can be is an error at its third byte, wherever it is cut.
#[test]
fn errors_come_at_the_same_place_however_they_are_cut() {
    let good = captures::one("09", "from-asterisk.bin");
    for bad in [[0x10, 0xff, 0xff], [0x02, 0, 0], [0x01, 0, 15], [0x03, 0, 2], [0x7f, 0, 1]] {
        let stream = [&good[..19 + 5 * 323], &bad, &good].concat();
        let whole = listen(&[&stream]);
        assert!(whole.1.is_err());
        assert_eq!(whole.0.len(), 6);
        captures::agree(&format!("{bad:x?}"), &stream, listen);
    }
}
