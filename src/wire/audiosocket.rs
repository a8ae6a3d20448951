//! AudioSocket, Asterisk's protocol for the audio of one call over one TCP connection (S21, S22, S24).
//!
//! A frame is `kind (1) length (2, big endian) payload`. Which kinds there are, and what Asterisk
//! makes of them, stands in its `res/res_audiosocket.c`.

use thiserror::Error;
use uuid::Uuid;

/// Longest payload that is read, bytes. The widest kind there is, 192 kHz, has 7,680 bytes in 20 ms;
/// this is over four of them, and a third of a second at 48 kHz, when no telephone sends more than
/// 120 ms at once. It is half of what the length could say, so that bytes that are no AudioSocket
/// are mostly found out at once.
pub const FRAME_BYTES_MAX: usize = 32 * 1_024;

/// Samples of 20 ms at 8 kHz, which is what we send (S22).
pub const SAMPLES: usize = 160;

/// Bytes of a frame of ours: kind, length and [`SAMPLES`] of 16 bit.
pub const AUDIO_BYTES: usize = HEADER + 2 * SAMPLES;

/// The frame that ends our part of the call; the dialplan goes on after it (S24).
pub const END: [u8; 3] = [HANGUP, 0, 0];

/// Kind and length.
const HEADER: usize = 3;
/// What a decoder keeps of its memory between frames: a telephone's frame of 20 ms at 16 kHz, and
/// whatever wider frames need is given back.
const KEPT_BYTES: usize = 1_024;

const HANGUP: u8 = 0x00;
const ID: u8 = 0x01;
const DIGIT: u8 = 0x03;
const AUDIO: u8 = 0x10;
const ERROR: u8 = 0xff;

/// Samples a second of the kinds from `10` to `18`.
const RATES: [u32; 9] = [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

/// What Asterisk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Which call this is: the first message, in `ast_audiosocket_init` (kind `01`).
    Id(Uuid),
    /// A key of the caller's telephone, when it is let go: `0`–`9`, `*`, `#`, `A`–`D` (kind `03`).
    Digit(char),
    /// A key that no telephone has: nothing to act upon, and no reason to lose the call.
    OddDigit(u8),
    /// What the caller says (kinds `10`–`18`). Never empty.
    Audio {
        /// Samples a second, as the kind says. Kind `10` may be u-law all the same (S25): see
        /// [`super::mislabelled`].
        rate: u32,
        /// Signed 16 bit, little endian, mono; any length (S21). See [`samples`].
        pcm: &'a [u8],
    },
    /// The call ends (kind `00`). Asterisk closes the connection instead; others may send it.
    Hangup,
    /// The other side has failed (kind `ff`), with its code if it gave one. Asterisk never says so.
    Error(Option<u8>),
}

/// Why bytes are no AudioSocket. The place of the next frame is unknown then: the connection is of
/// no further use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// No kind of [`Message`].
    #[error("unknown frame of kind {kind:#04x} and length {length}")]
    Kind {
        /// The first byte of the frame.
        kind: u8,
        /// Its second and third.
        length: u16,
    },
    /// A length that frames of this kind do not have, or over [`FRAME_BYTES_MAX`].
    #[error("frame of kind {kind:#04x} with length {length}, which it can't have")]
    Length {
        /// The first byte of the frame.
        kind: u8,
        /// Its second and third.
        length: u16,
    },
}

/// Reads what Asterisk writes, however TCP cuts it.
///
/// It keeps what has come of one frame and nothing else: no memory between whole frames of a
/// telephone's rates, at most [`FRAME_BYTES_MAX`] and a header in the midst of one. That memory grows
/// with the bytes that came, not with the length that was announced.
#[derive(Debug, Default)]
pub struct Decoder {
    partial: Vec<u8>,
    failed: Option<WireError>,
}

impl Decoder {
    /// Gives `each` all messages that end within `bytes`, in order; the same ones however the stream
    /// is split.
    ///
    /// # Errors
    ///
    /// [`WireError`], after the messages before it; and the same again for all that follows.
    pub fn push(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Message<'_>),
    ) -> Result<(), WireError> {
        match self.failed {
            Some(error) => Err(error),
            None => self.read(bytes, &mut each).inspect_err(|error| {
                self.failed = Some(*error);
                self.partial = Vec::new();
            }),
        }
    }

    /// Bytes kept of a frame that is not whole: 0 between frames. A connection that ends with some
    /// was cut.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.partial.len()
    }

    fn read(
        &mut self,
        mut bytes: &[u8],
        each: &mut impl FnMut(Message<'_>),
    ) -> Result<(), WireError> {
        if !self.partial.is_empty() {
            while let lacks @ 1.. = lacking(&self.partial)? {
                if bytes.is_empty() {
                    return Ok(());
                }
                let (taken, rest) = bytes.split_at(lacks.min(bytes.len()));
                self.partial.extend_from_slice(taken);
                bytes = rest;
            }
            message(&self.partial).into_iter().for_each(&mut *each);
            self.partial.clear();
            self.partial.shrink_to(KEPT_BYTES);
        }
        while let Some(length) = payload_length(bytes)?
            && let Some((frame, rest)) = bytes.split_at_checked(HEADER + length)
        {
            message(frame).into_iter().for_each(&mut *each);
            bytes = rest;
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }
}

/// Bytes until more is known of a frame that has begun: its length, then its end. 0: it is whole.
fn lacking(partial: &[u8]) -> Result<usize, WireError> {
    let whole = HEADER + payload_length(partial)?.unwrap_or(0);
    Ok(whole.saturating_sub(partial.len()))
}

/// The length of the payload, once kind and length have come and agree.
fn payload_length(frame: &[u8]) -> Result<Option<usize>, WireError> {
    let &[kind, high, low, ..] = frame else { return Ok(None) };
    let length = u16::from_be_bytes([high, low]);
    let bytes = usize::from(length);
    let fits = match kind {
        ID => bytes == size_of::<Uuid>(),
        DIGIT => bytes == 1,
        HANGUP | ERROR => bytes <= FRAME_BYTES_MAX,
        _ if rate(kind).is_some() => bytes <= FRAME_BYTES_MAX,
        _ => return Err(WireError::Kind { kind, length }),
    };
    if fits { Ok(Some(bytes)) } else { Err(WireError::Length { kind, length }) }
}

/// What a whole frame says; nothing, if it is audio of no samples.
fn message(frame: &[u8]) -> Option<Message<'_>> {
    let (&kind, payload) = (frame.first()?, frame.get(HEADER..)?);
    Some(match kind {
        HANGUP => Message::Hangup,
        ERROR => Message::Error(payload.first().copied()),
        ID => Message::Id(Uuid::from_slice(payload).ok()?),
        DIGIT => digit(*payload.first()?),
        _ if payload.is_empty() => return None,
        _ => Message::Audio { rate: rate(kind)?, pcm: payload },
    })
}

fn digit(byte: u8) -> Message<'static> {
    match byte.to_ascii_uppercase() {
        key @ (b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D') => Message::Digit(char::from(key)),
        _ => Message::OddDigit(byte),
    }
}

fn rate(kind: u8) -> Option<u32> {
    RATES.get(usize::from(kind.checked_sub(AUDIO)?)).copied()
}

/// The samples of [`Message::Audio`]. Half a sample at the end of a frame is left out: each frame is
/// one of Asterisk's own, and the next does not go on with it.
pub fn samples(pcm: &[u8]) -> impl ExactSizeIterator<Item = i16> + '_ {
    pcm.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample))
}

/// 20 ms of what the caller hears: a frame of kind `10`, to be written at once (S22).
#[must_use]
pub fn audio_frame(samples: &[i16; SAMPLES]) -> [u8; AUDIO_BYTES] {
    let mut frame = [0; AUDIO_BYTES];
    let (header, payload) = frame.split_at_mut(HEADER);
    let [high, low] = u16::to_be_bytes(2 * SAMPLES as u16);
    header.copy_from_slice(&[AUDIO, high, low]);
    for (bytes, sample) in payload.as_chunks_mut().0.iter_mut().zip(samples) {
        *bytes = sample.to_le_bytes();
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &[u8]) -> (Vec<String>, Result<(), WireError>) {
        let mut heard = Vec::new();
        let outcome = Decoder::default().push(stream, |message| heard.push(format!("{message:?}")));
        (heard, outcome)
    }

    /// S21: keys of telephones, and what is none.
    #[test]
    fn digits_are_keys_of_a_telephone() {
        for key in "0123456789*#ABCD".chars() {
            let frame = [3, 0, 1, key as u8];
            assert_eq!(read(&frame).0, [format!("Digit({key:?})")]);
        }
        assert_eq!(read(&[3, 0, 1, b'd']).0, ["Digit('D')"]);
        assert_eq!(read(&[3, 0, 1, b'X', 3, 0, 1, b'1']).0, ["OddDigit(88)", "Digit('1')"]);
    }

    /// S21: the kind says the rate.
    #[test]
    fn kinds_are_rates() {
        let rates = [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];
        for (kind, rate) in (0x10..=0x18).zip(rates) {
            let frame = [kind, 0, 2, 1, 2];
            assert_eq!(read(&frame).0, [format!("Audio {{ rate: {rate}, pcm: [1, 2] }}")]);
        }
    }

    /// S21: any length; empty audio says nothing, and an odd byte is no sample.
    #[test]
    fn audio_has_any_length() {
        assert_eq!(read(&[0x10, 0, 0, 0x10, 0, 0]), (Vec::new(), Ok(())));
        let widest = [&[0x18, 0x80, 0][..], &vec![7; FRAME_BYTES_MAX]].concat();
        assert_eq!(read(&widest).0.len(), 1);
        assert_eq!(samples(&[0xff, 0x7f, 0, 0x80, 9]).collect::<Vec<_>>(), [i16::MAX, i16::MIN]);
        assert_eq!(samples(&[9]).len(), 0);
    }

    /// N13: what is no AudioSocket is told by kind and length, and nothing is read after it.
    #[test]
    fn nonsense_is_refused_by_name() {
        let cases: [(&[u8], _); 6] = [
            (&[2, 0, 0], "unknown frame of kind 0x02 and length 0"),
            (&[0x19, 1, 0x40], "unknown frame of kind 0x19 and length 320"),
            (b"GET / HTTP/1.1", "unknown frame of kind 0x47 and length 17748"),
            (&[1, 0, 15], "frame of kind 0x01 with length 15, which it can't have"),
            (&[3, 0, 0], "frame of kind 0x03 with length 0, which it can't have"),
            (&[0x10, 0x80, 1], "frame of kind 0x10 with length 32769, which it can't have"),
        ];
        for (bytes, complaint) in cases {
            let mut decoder = Decoder::default();
            let mut heard = 0;
            decoder.push(&[0x10, 0, 1, 0], |_| heard += 1).unwrap();
            let error = decoder.push(bytes, |_| heard += 1).unwrap_err();
            assert_eq!(error.to_string(), complaint);
            assert_eq!(decoder.push(&END, |_| heard += 1), Err(error));
            assert_eq!((heard, decoder.pending()), (1, 0));
        }
    }

    /// S24, and what others than Asterisk may send.
    #[test]
    fn ends_are_messages() {
        let stream = [&END[..], &[0, 0, 1, 5], &[0xff, 0, 0], &[0xff, 0, 1, 4]].concat();
        assert_eq!(read(&stream).0, ["Hangup", "Hangup", "Error(None)", "Error(Some(4))"]);
    }

    /// N21: the memory of a decoder is that of what has come, and is given back.
    #[test]
    fn nothing_is_kept_between_frames() {
        let mut decoder = Decoder::default();
        decoder.push(&[0x18, 0x80, 0], |_| ()).unwrap();
        assert!(decoder.partial.capacity() < 64, "no memory for what is only announced");
        decoder.push(&vec![0; FRAME_BYTES_MAX - 1], |_| ()).unwrap();
        assert_eq!(decoder.pending(), HEADER + FRAME_BYTES_MAX - 1);
        decoder.push(&[0], |_| ()).unwrap();
        assert_eq!(decoder.pending(), 0);
        assert!(decoder.partial.capacity() <= KEPT_BYTES);
    }

    /// S22: kind, length and samples of a frame of ours.
    #[test]
    fn our_frame_has_320_bytes() {
        let mut samples = [0; SAMPLES];
        samples[0] = 0x0102;
        samples[159] = -2;
        let frame = audio_frame(&samples);
        assert_eq!(frame[..5], [0x10, 1, 0x40, 2, 1]);
        assert_eq!(frame[321..], [0xfe, 0xff]);
        assert_eq!(frame.len(), 323);
    }
}
