//! Legs whose u-law says it is 16 bit (S25).

use serde_json::Value;
use telephonist::wire::audiosocket::{Decoder, Message};
use telephonist::wire::g711::ulaw_decode;
use telephonist::wire::mislabelled::{Detector, Encoding};

use crate::captures;

/// S25: as it came from Asterisk, read by read.
#[test]
fn the_captured_leg_is_known_within_200_ms() {
    let stream = captures::one("45", "from-asterisk.bin");
    let reads = String::from_utf8(captures::one("45", "reads.jsonl")).unwrap();
    let (mut decoder, mut detector) = (Decoder::default(), Detector::default());
    let mut known = Vec::new();
    for read in reads.lines() {
        let read: Value = serde_json::from_str(read).unwrap();
        let field = |name: &str| read[name].as_f64().unwrap();
        let (from, bytes) = (field("off") as usize, field("n") as usize);
        let now_ms = (field("t") * 1_000.0) as u64;
        let each = |message: Message<'_>| {
            if let Message::Audio { pcm, .. } = message {
                known.extend(detector.hear(pcm.len(), now_ms).map(|encoding| (now_ms, encoding)));
            }
        };
        decoder.push(&stream[from..from + bytes], each).unwrap();
    }
    assert!(known.len() > 280 && known[0].0 <= 200, "{:?}", known.first());
    assert!(known.iter().all(|(_, encoding)| *encoding == Encoding::Ulaw));
}

/// S25: a usual leg is known by its first frame, whatever its rate.
#[test]
fn usual_legs_are_what_they_say() {
    for (name, stream) in captures::all("from-asterisk.bin") {
        if name.starts_with("45-") {
            continue;
        }
        let mut detector = Detector::default();
        let each = |message: Message<'_>| {
            if let Message::Audio { rate: 8_000, pcm } = message {
                assert_eq!(detector.hear(pcm.len(), 0), Some(Encoding::Linear), "{name}");
            }
        };
        Decoder::default().push(&stream, each).unwrap();
    }
}

/// S25: read as u-law it is speech, whose neighbours are alike; read as 16 bit it is noise.
#[test]
fn decoded_as_ulaw_it_is_a_voice() {
    let mut codes = Vec::new();
    let each = |message: Message<'_>| {
        if let Message::Audio { pcm, .. } = message {
            codes.extend_from_slice(pcm);
        }
    };
    Decoder::default().push(&captures::one("45", "from-asterisk.bin"), each).unwrap();
    let voice: Vec<_> = codes.iter().map(|code| ulaw_decode(*code)).collect();
    let (words, _) = codes.as_chunks();
    let noise: Vec<_> = words.iter().map(|word| i16::from_le_bytes(*word)).collect();
    assert!(likeness(&voice) > 0.7, "{}", likeness(&voice));
    assert!(likeness(&noise) < 0.5, "{}", likeness(&noise));
}

/// How alike neighbouring samples are: 1 the same, 0 as chance would have it.
fn likeness(samples: &[i16]) -> f64 {
    let of = |pairs: &mut dyn Iterator<Item = (i16, i16)>| {
        pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum::<f64>()
    };
    let own = of(&mut samples.iter().map(|sample| (*sample, *sample)));
    of(&mut samples.windows(2).map(|pair| (pair[0], pair[1]))) / own
}
