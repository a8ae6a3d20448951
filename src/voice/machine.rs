//! The ears and the mouth of one call, joined.

use std::collections::VecDeque;
use std::sync::Arc;

use smol_str::SmolStr;

use super::asked::{Delivery, FromRecogniser, ToRecogniser, Wanted};
use super::ear::{Ear, Noticed};
use super::ledger::{Stopwatch, TurnLatency};
use super::mouth::Mouth;
use super::tape::Tape;
use crate::engine::Tick;
use crate::media::{FRAME_MS, FRAME_SAMPLES, Frame, SILENCE};
use crate::script::VoiceSettings;
use crate::turn::{MediaEvent, Order};

/// A caller of whom nothing comes for so long is silent, ms: muted, or the network loses all. Three
/// frames late are a jitter that Asterisk passes on.
const NOTHING_HEARD_MS: u64 = 60;

/// How long the caller may hear nothing because audio does not come, before the script says how long
/// it waits for speech, ms (T8).
const PATIENCE_MS: u64 = 5_000;

/// However short that is, a voice gets so long, ms: a sentence takes most of it.
const PATIENCE_MS_MIN: u64 = 1_500;

/// Audio that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u32);

/// One thing to be done for a call, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Tell the call.
    Tell(MediaEvent),
    /// Tell its recogniser.
    Recogniser(ToRecogniser),
    /// Get audio; what comes of it goes to `delivered`.
    Fetch(Ticket, Box<Wanted>),
    /// Nobody waits for this audio any more.
    Forget(Ticket),
    /// Record in this file from now on, in place of the one before; empty = no more.
    Record(SmolStr),
    /// More of the recording: a sample of the caller, one of the robot, and so on.
    Recorded(Box<[i16]>),
    /// The caller hears an answer; what the time went to.
    Latency(TurnLatency),
}

/// The ears and the mouth of one call.
#[derive(Debug)]
pub struct Voice {
    ear: Ear,
    mouth: Mouth,
    tape: Option<Tape>,
    stopwatch: Stopwatch,
    voicedir: SmolStr,
    settings: Arc<VoiceSettings>,
    /// What was heard and is no whole frame yet.
    rest: Vec<i16>,
    last_heard: Option<Tick>,
    outputs: VecDeque<Output>,
}

impl Voice {
    /// For a call whose script has its audio in this folder and speaks so.
    #[must_use]
    pub fn new(voicedir: SmolStr, settings: Arc<VoiceSettings>) -> Self {
        let mut mouth = Mouth::default();
        mouth.set_patience(PATIENCE_MS);
        Self {
            ear: Ear::new(),
            mouth,
            tape: None,
            stopwatch: Stopwatch::default(),
            voicedir,
            settings,
            rest: Vec::new(),
            last_heard: None,
            outputs: VecDeque::new(),
        }
    }

    /// Carries an order out. Orders that are the switch's do nothing.
    pub fn order(&mut self, order: Order, now: Tick) {
        match order {
            Order::Play { entry, source, offset_ms } => {
                let ticket = self.mouth.play(entry.clone(), offset_ms);
                self.stopwatch.answers(&entry, ticket, now);
                let (voicedir, voice) = (self.voicedir.clone(), Arc::clone(&self.settings));
                let wanted = Box::new(Wanted { source, voicedir, voice });
                self.outputs.push_back(Output::Fetch(ticket, wanted));
            }
            Order::StopAudio => self.mouth.stop(&mut self.outputs),
            Order::Listen(listen) => {
                let patience_ms = listen.wait_speech_ms.clamp(PATIENCE_MS_MIN, PATIENCE_MS);
                self.mouth.set_patience(patience_ms);
                self.ear.listen(listen, &mut self.outputs);
            }
            Order::StopListening => self.ear.stop(&mut self.outputs),
            Order::Record { file } => self.record(file),
            Order::Execute { .. }
            | Order::Hangup { .. }
            | Order::Transfer(_)
            | Order::Api(_)
            | Order::SetVariables(_) => {}
        }
    }

    /// What the caller says, in pieces of any length.
    pub fn hear(&mut self, samples: &[i16], now: Tick) {
        self.last_heard = Some(now);
        if let Some(tape) = &mut self.tape {
            tape.heard(samples);
        }
        if self.rest.is_empty() && samples.len() == FRAME_SAMPLES {
            return self.hear_frame(samples, now);
        }
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(samples);
        let mut frames = rest.chunks_exact(FRAME_SAMPLES);
        for frame in &mut frames {
            self.hear_frame(frame, now);
        }
        self.rest = frames.remainder().to_vec();
    }

    /// The caller pressed a key.
    pub fn digit(&mut self, key: char) {
        self.outputs.push_back(Output::Tell(MediaEvent::Digit(key)));
    }

    /// The next frame for the caller; asked for each 20 ms, for as long as there is a line.
    pub fn next_frame(&mut self, now: Tick) -> Frame {
        let since = *self.last_heard.get_or_insert(now);
        if now.ms_since(since) >= NOTHING_HEARD_MS {
            // The next missing frame is missed a frame later.
            self.last_heard = Some(Tick(since.0 + FRAME_MS));
            self.hear_frame(&SILENCE, now);
        }
        let said = self.mouth.next_frame(now, &mut self.outputs);
        if let Some(turn) = said.began.and_then(|entry| self.stopwatch.began(&entry, now)) {
            self.outputs.push_back(Output::Latency(turn));
        }
        if let Some(second) = self.tape.as_mut().and_then(|tape| tape.said(&said.frame)) {
            self.outputs.push_back(Output::Recorded(second));
        }
        said.frame
    }

    /// Audio that was asked for, or why there is none.
    pub fn delivered(&mut self, ticket: Ticket, delivery: Delivery, now: Tick) {
        if self.mouth.delivered(ticket, delivery) && self.mouth.has_audio(ticket) {
            self.stopwatch.has_audio(ticket, now);
        }
    }

    /// The recogniser says something.
    pub fn recognised(&mut self, said: FromRecogniser, now: Tick) {
        let noticed = self.ear.recognised(said, now, &mut self.outputs);
        self.measure(noticed, now);
    }

    /// The line is gone: nothing more is heard, and what was being said is over.
    pub fn line_ended(&mut self) {
        self.last_heard = None;
        self.rest.clear();
        self.ear.line_ended(&mut self.outputs);
        self.record_rest();
    }

    /// The next thing to do, in order; `None` until something happens.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn hear_frame(&mut self, frame: &[i16], now: Tick) {
        let noticed = self.ear.hear(frame, now, &mut self.outputs);
        self.measure(noticed, now);
    }

    fn measure(&mut self, noticed: Option<Noticed>, now: Tick) {
        match noticed {
            Some(Noticed::Began | Noticed::NoWords) => self.stopwatch.reset(),
            Some(Noticed::Silent { ago_ms }) => self.stopwatch.silent(ago_ms, now),
            Some(Noticed::Understood { at_once }) => self.stopwatch.understood(at_once, now),
            None => {}
        }
    }

    fn record(&mut self, file: SmolStr) {
        self.record_rest();
        self.tape = (!file.is_empty()).then(Tape::default);
        self.outputs.push_back(Output::Record(file));
    }

    fn record_rest(&mut self) {
        let rest = self.tape.as_mut().map(Tape::rest).filter(|rest| !rest.is_empty());
        self.outputs.extend(rest.map(Output::Recorded));
    }
}
