//! A call's audio, where its switch brings it to us: one connection after the other, each a leg.
//!
//! A leg is owned by whoever paces the audio of calls: it reads what has come and writes a frame each
//! 20 ms, and never waits. The switch keeps the other end: it asks a leg to end, and hears that it
//! has.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::engine::Tick;
use crate::media::resample::Resampler;
use crate::media::{Frame, RATE};
use crate::wire::audiosocket::{self, Decoder, Message};
use crate::wire::g711::ulaw_decode;
use crate::wire::mislabelled::{Detector, Encoding};

/// Bytes read at once: a quarter of a second, of which a frame each 20 ms is the rule.
const READ_BYTES: usize = 4_096;

/// What is read in one go, so that nobody who floods a leg holds up the others; the rest comes with
/// the next frame, and more than so much each 20 ms is no telephone (N21).
const READS_MAX: usize = 16;

/// A leg that we have ended is closed by the other side at once; we close it after this long, ms.
const LINGER_MS: u64 = 2_000;

/// The legs of one call, one after the other.
pub type AudioLegs = mpsc::Receiver<AudioLeg>;

/// What comes over a leg.
#[derive(Debug)]
pub enum Heard<'a> {
    /// More of the caller: mono at `media::RATE`, any length.
    Audio(&'a [i16]),
    /// The caller pressed a key.
    Digit(char),
}

/// How a leg ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegEnd {
    /// We ended it.
    Ours,
    /// The other side did, as when a caller hangs up (S21).
    Theirs,
    /// What came was no audio; the text says what.
    Broken(String),
}

/// One connection that carries the audio of a call, as AudioSocket (S21 to S25).
#[derive(Debug)]
pub struct AudioLeg {
    stream: TcpStream,
    decoder: Decoder,
    detector: Detector,
    /// For frames of another rate, and that rate.
    resampler: Option<(u32, Resampler)>,
    /// Samples at our rate.
    samples: Vec<i16>,
    /// What is left of a frame that did not fit into the socket.
    unsent: Vec<u8>,
    ending: Option<Tick>,
    to_end: Arc<AtomicBool>,
    over: Option<oneshot::Sender<LegEnd>>,
    is_ulaw: bool,
}

/// The switch's end of a leg.
#[derive(Debug)]
pub struct LegControl {
    to_end: Arc<AtomicBool>,
    over: oneshot::Receiver<LegEnd>,
}

impl AudioLeg {
    /// A leg over this connection, of which `decoder` has read the id. What came behind the id is
    /// still in `decoder`'s stream: `rest`.
    ///
    /// # Errors
    /// The connection can't be made ready.
    pub fn new(stream: TcpStream, decoder: Decoder) -> std::io::Result<(Self, LegControl)> {
        stream.set_nonblocking(true)?;
        // A frame is a message of its own; held back, it comes late.
        stream.set_nodelay(true)?;
        let to_end = Arc::new(AtomicBool::new(false));
        let (tell, over) = oneshot::channel();
        let leg = Self {
            stream,
            decoder,
            detector: Detector::default(),
            resampler: None,
            samples: Vec::new(),
            unsent: Vec::new(),
            ending: None,
            to_end: Arc::clone(&to_end),
            over: Some(tell),
            is_ulaw: false,
        };
        Ok((leg, LegControl { to_end, over }))
    }

    /// Hands on everything that has come. False once the leg is over: it says and hears nothing more.
    pub fn receive(&mut self, now: Tick, mut each: impl FnMut(Heard<'_>)) -> bool {
        let mut buffer = [0; READ_BYTES];
        for _ in 0..READS_MAX {
            match self.stream.read(&mut buffer) {
                Ok(0) => return self.end(LegEnd::Theirs),
                Ok(_) if self.ending.is_some() => {}
                Ok(count) => {
                    if let Err(fault) = self.decode(&buffer[..count], now, &mut each) {
                        return self.end(LegEnd::Broken(fault));
                    }
                    if count < READ_BYTES {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Reset by a peer that closed with something of ours unread: an end like another.
                Err(_) => return self.end(LegEnd::Theirs),
            }
        }
        let is_late = self.ending.is_some_and(|since| now.ms_since(since) >= LINGER_MS);
        if is_late { self.end(LegEnd::Ours) } else { true }
    }

    /// Sends a frame. One that finds a frame before it half sent is dropped: never is a second one
    /// begun (S30). True if it was sent, all of it or in part.
    pub fn send(&mut self, frame: &Frame, now: Tick) -> bool {
        if self.ending.is_some() {
            self.flush();
            return false;
        }
        if self.to_end.load(Ordering::Relaxed) {
            self.ending = Some(now);
            self.unsent.extend(audiosocket::END);
            self.flush();
            return false;
        }
        if !self.unsent.is_empty() {
            self.flush();
            return false;
        }
        let bytes = audiosocket::audio_frame(frame);
        match self.stream.write(&bytes) {
            Ok(count) => self.unsent.extend_from_slice(&bytes[count..]),
            // What can't be written now is late already; that the leg is over is read.
            Err(_) => return false,
        }
        true
    }

    /// True once we have ended it: what is said is heard by nobody.
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// True if what comes is u-law although it is called something else; to be warned of once (S25).
    pub fn is_mislabelled(&self) -> bool {
        self.is_ulaw
    }

    fn flush(&mut self) {
        if self.unsent.is_empty() {
            return;
        }
        if let Ok(count) = self.stream.write(&self.unsent) {
            self.unsent.drain(..count);
        }
    }

    fn decode(
        &mut self,
        bytes: &[u8],
        now: Tick,
        each: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), String> {
        let Self { decoder, detector, resampler, samples, is_ulaw, .. } = self;
        let mut fault = None;
        let decoded = decoder.push(bytes, |message| match message {
            Message::Audio { rate: RATE, pcm } => {
                samples.clear();
                match detector.hear(pcm.len(), now.0) {
                    Some(Encoding::Linear) => samples.extend(audiosocket::samples(pcm)),
                    Some(Encoding::Ulaw) => {
                        *is_ulaw = true;
                        samples.extend(pcm.iter().map(|code| ulaw_decode(*code)));
                    }
                    // Either, for the first 200 ms: better nothing than noise.
                    None => samples.resize(pcm.len() / 2, 0),
                }
                each(Heard::Audio(samples));
            }
            Message::Audio { rate, pcm } => {
                samples.clear();
                match resampled(resampler, rate, pcm, samples) {
                    Ok(()) => each(Heard::Audio(samples)),
                    Err(why) => fault = Some(why),
                }
            }
            Message::Digit(key) => each(Heard::Digit(key)),
            Message::Error(code) => fault = Some(format!("the other side failed: {code:?}")),
            Message::Id(_) | Message::OddDigit(_) | Message::Hangup => {}
        });
        decoded.map_err(|error| error.to_string())?;
        fault.map_or(Ok(()), Err)
    }

    /// Tells the switch, once; always false.
    fn end(&mut self, how: LegEnd) -> bool {
        let how = if self.ending.is_some() { LegEnd::Ours } else { how };
        if let Some(over) = self.over.take() {
            // The switch may have gone before.
            drop(over.send(how));
            // Whatever is unread makes this a reset; the other side has gone already.
            drop(self.stream.shutdown(Shutdown::Both));
        }
        false
    }
}

impl LegControl {
    /// Asks for its end: what is being sent is sent, then the frame that lets the dialplan go on
    /// (S24).
    pub fn end(&self) {
        self.to_end.store(true, Ordering::Relaxed);
    }

    /// Waits for its end. Cancel safe; a leg that nobody paces any more has ended.
    pub async fn over(&mut self) -> LegEnd {
        let gone = LegEnd::Broken("nobody serves its audio".into());
        (&mut self.over).await.unwrap_or(gone)
    }
}

fn resampled(
    resampler: &mut Option<(u32, Resampler)>,
    rate: u32,
    pcm: &[u8],
    samples: &mut Vec<i16>,
) -> Result<(), String> {
    if resampler.as_ref().is_none_or(|(from, _)| *from != rate) {
        let new = Resampler::new(rate, RATE).map_err(|error| error.to_string())?;
        *resampler = Some((rate, new));
    }
    let Some((_, resampler)) = resampler else { return Ok(()) };
    let wide: Vec<i16> = audiosocket::samples(pcm).collect();
    resampler.push(&wide, samples);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::media::FRAME_SAMPLES;

    /// A leg and the other side of it, which has said its id.
    fn leg() -> (AudioLeg, LegControl, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        other.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let (leg, control) =
            AudioLeg::new(listener.accept().unwrap().0, Decoder::default()).unwrap();
        (leg, control, other)
    }

    /// What has come within a moment: loopback brings it at once, or a little later.
    fn received(leg: &mut AudioLeg, samples: usize, now: Tick) -> (bool, Vec<i16>, String) {
        let (mut heard, mut keys, mut goes_on) = (Vec::new(), String::new(), true);
        for _ in 0..100_000 {
            goes_on = leg.receive(now, |what| match what {
                Heard::Audio(audio) => heard.extend(audio),
                Heard::Digit(key) => keys.push(key),
            });
            if !goes_on || heard.len() >= samples {
                break;
            }
            std::thread::yield_now();
        }
        (goes_on, heard, keys)
    }

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind][..], &length, payload].concat()
    }

    fn over(control: &mut LegControl) -> LegEnd {
        control.over.try_recv().unwrap()
    }

    /// S21: audio of any length, of wider rates too, and keys.
    #[test]
    fn what_the_caller_says_and_presses_is_heard_s21() {
        let (mut leg, _control, mut other) = leg();
        let id = frame(1, Uuid::nil().as_bytes());
        let narrow: Vec<u8> = [1, 0].repeat(100);
        let said = [id, frame(0x10, &narrow), frame(3, b"5"), frame(0x10, &narrow)].concat();
        other.write_all(&said).unwrap();
        let (goes_on, heard, keys) = received(&mut leg, 200, Tick(0));
        // 100 samples are short enough to be u-law of 10 ms more; by then nobody knows.
        assert_eq!((goes_on, heard.len(), &*keys), (true, 200, "5"));
        other.write_all(&frame(0x12, &[0; 640])).unwrap();
        let (_, heard, _) = received(&mut leg, 100, Tick(20));
        assert!((100..=160).contains(&heard.len()), "16 kHz is halved: {}", heard.len());
    }

    /// S25: u-law under another name is known by its pace, told of, and heard as what it is.
    #[test]
    fn ulaw_under_another_name_is_decoded_s25() {
        let (mut leg, _control, mut other) = leg();
        let loud = crate::wire::g711::ulaw_encode(8_000);
        let mut heard = Vec::new();
        for number in 0..20 {
            other.write_all(&frame(0x10, &[loud; 160])).unwrap();
            heard = received(&mut leg, 80, Tick(number * 20)).1;
        }
        assert!(leg.is_mislabelled());
        assert_eq!(heard.len(), 160);
        assert!(heard.iter().all(|sample| (7_500..8_500).contains(sample)), "{heard:?}");
    }

    /// S22, S30: a peer that does not read gets whole frames later, or none; never a part of one.
    #[test]
    fn a_peer_that_does_not_read_never_gets_half_a_frame_s30() {
        let (mut leg, _control, mut other) = leg();
        let mut sent = 0;
        let mut dropped = 0;
        while dropped < 10 {
            let number = i16::try_from(sent % 1_000).unwrap();
            if leg.send(&[number; FRAME_SAMPLES], Tick(0)) {
                sent += 1;
            } else {
                dropped += 1;
            }
        }
        other.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut bytes = Vec::new();
        // Ends when nothing more comes: what is left of the last frame follows with the next send.
        drop(other.read_to_end(&mut bytes));
        leg.send(&[0; FRAME_SAMPLES], Tick(20));
        drop(other.read_to_end(&mut bytes));
        let mut frames = Vec::new();
        Decoder::default()
            .push(&bytes, |message| match message {
                Message::Audio { pcm, .. } => frames.push(pcm.to_vec()),
                other => panic!("{other:?}"),
            })
            .unwrap();
        assert_eq!(frames.len(), sent, "every frame that was begun is whole");
        assert!(frames.iter().all(|pcm| pcm.len() == 320));
    }

    /// S24: asked to end, it sends the end, reads until the other side has closed, and says so.
    #[test]
    fn a_leg_ends_as_asked_s24() {
        let (mut leg, mut control, mut other) = leg();
        assert!(leg.send(&[7; FRAME_SAMPLES], Tick(0)));
        control.end();
        assert!(!leg.send(&[7; FRAME_SAMPLES], Tick(20)));
        assert!(leg.is_ending());
        let mut bytes = vec![0; 323 + 3];
        other.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes[323..], audiosocket::END);
        other.write_all(&frame(0x10, &[1; 320])).unwrap();
        drop(other);
        let (goes_on, heard, _) = received(&mut leg, usize::MAX, Tick(40));
        assert_eq!((goes_on, heard.len()), (false, 0), "what comes after the end is nobody's");
        assert_eq!(over(&mut control), LegEnd::Ours);

        let (mut silent, mut control, _other) = self::leg();
        control.end();
        silent.send(&[0; FRAME_SAMPLES], Tick(0));
        assert!(silent.receive(Tick(LINGER_MS - 1), |_| {}));
        assert!(!silent.receive(Tick(LINGER_MS), |_| {}), "who never closes is closed");
        assert_eq!(over(&mut control), LegEnd::Ours);
    }

    /// N13, S21: a caller's hang-up is the connection's end; what is no audio ends the leg and says why.
    #[test]
    fn a_leg_says_how_it_ended_n13() {
        let (mut leg, mut control, other) = leg();
        drop(other);
        assert!(!received(&mut leg, usize::MAX, Tick(0)).0);
        assert_eq!(over(&mut control), LegEnd::Theirs);
        for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff, 0, 1, 4], &[0x10, 0xff, 0xff]] {
            let (mut leg, mut control, mut other) = self::leg();
            other.write_all(garbage).unwrap();
            assert!(!received(&mut leg, usize::MAX, Tick(0)).0, "{garbage:?}");
            assert!(matches!(over(&mut control), LegEnd::Broken(_)), "{garbage:?}");
        }
        let (leg, mut control, _other) = self::leg();
        drop(leg);
        assert!(control.over.try_recv().is_err(), "nobody serves it any more");
    }
}
