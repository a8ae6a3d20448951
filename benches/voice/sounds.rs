//! What callers say, and what our own ears make of it when they have all the time of the world.

use std::error::Error;

use telephonist::media::vad::{Vad, VadEvent, VadSettings};

use crate::prompt::{Prompt, SAMPLES};
use crate::recogniser;

/// A recorded voice that says something.
const VOICE: &[u8] = include_bytes!("../../tests/data/audio/yes.wav");
/// So much of it, samples: a second.
const VOICE_SAMPLES: usize = 8_000;
/// The recogniser knows a word by its tone, of so many ms.
const WORD_MS: usize = 200;
/// How the ears of the script are set, and so these.
pub(crate) const SETTINGS: VadSettings =
    VadSettings { min_active_ms: 150, end_silence_ms: 800, filter: 0.3 };
/// Often enough to see that a call's first sentence is heard as all others are.
const REPETITIONS: usize = 5;
/// Silence around a sentence, frames.
const PAUSE_FRAMES: usize = 75;

/// Bytes of a frame on the wire.
pub(crate) const WIRE_BYTES: usize = 3 + 2 * SAMPLES;
/// A frame on the wire.
pub(crate) type WireFrame = [u8; WIRE_BYTES];

/// A caller's words, each with what answers it. These are words whose end ears notice in the same frame
/// each time, so that it is known to the millisecond what came after it.
pub(crate) const WORDS: [(&str, Prompt); 3] =
    [("one", Prompt::Good), ("two", Prompt::Spoken), ("no", Prompt::Again)];

/// All that callers say, frame by frame.
pub(crate) struct Sounds {
    pub(crate) silence: WireFrame,
    /// A sentence with each of [`WORDS`].
    pub(crate) sentences: [Vec<WireFrame>; WORDS.len()],
    /// What ears make of each, the earliest and the latest of several times: which frame of it, from
    /// 0, lets them notice that it has begun, and which, counted on through the silence behind it,
    /// that it is over.
    pub(crate) heard: [[(usize, usize); 2]; WORDS.len()],
}

impl Sounds {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let samples: Vec<i16> =
            hound::WavReader::new(VOICE)?.into_samples().collect::<Result<_, _>>()?;
        let begins = samples.iter().position(|sample| sample.abs() > 1_000).ok_or("no voice")?;
        let voice = samples.get(begins..begins + VOICE_SAMPLES).ok_or("a short voice")?;
        let sentences = WORDS.map(|(word, _)| [voice, &recogniser::tone(word, WORD_MS)].concat());
        let heard = sentences.each_ref().map(|sentence| heard(sentence));
        Ok(Self {
            silence: wire(&[0; SAMPLES]),
            sentences: sentences.map(|sentence| sentence.chunks(SAMPLES).map(wire).collect()),
            heard,
        })
    }
}

/// Where speech starts and stops in a sentence that is said again and again.
fn heard(sentence: &[i16]) -> [(usize, usize); 2] {
    let mut ears = Vad::new(SETTINGS);
    let pause = vec![0; PAUSE_FRAMES * SAMPLES];
    let mut all = [(usize::MAX, usize::MAX), (0, 0)];
    for _ in 0..REPETITIONS {
        let (mut start, mut stop) = (0, 0);
        for frame in pause.chunks(SAMPLES) {
            ears.push(frame);
        }
        for (at, frame) in sentence.chunks(SAMPLES).chain(pause.chunks(SAMPLES)).enumerate() {
            match ears.push(frame) {
                Some(VadEvent::Started { .. }) => start = at,
                Some(VadEvent::Stopped { .. }) => stop = at,
                None => {}
            }
        }
        let [earliest, latest] = all;
        all = [
            (earliest.0.min(start), earliest.1.min(stop)),
            (latest.0.max(start), latest.1.max(stop)),
        ];
    }
    all
}

fn wire(samples: &[i16]) -> WireFrame {
    let mut frame = [0; WIRE_BYTES];
    let bytes = [0x10, 1, 0x40].into_iter().chain(samples.iter().flat_map(|s| s.to_le_bytes()));
    for (place, byte) in frame.iter_mut().zip(bytes) {
        *place = byte;
    }
    frame
}
