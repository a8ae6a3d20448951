//! One call's line on the clock: its leg on one side, its ears and mouth on the other.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use smol_str::SmolStr;
use tokio::sync::{mpsc, oneshot};
use tracing::Span;

use super::meter::{self, Meter};
use super::pacer::Pace;
use crate::engine::Tick;
use crate::speech::recorder::ToRecorder;
use crate::switch::{AudioEvents, AudioLeg, AudioLegs, Heard};
use crate::turn::Order;
use crate::voice::{Delivery, FromRecogniser, Ledger, Output, Ticket, ToRecogniser, Voice, Wanted};

/// What a call took and used: filled where it happens, read when the call ends.
pub(in crate::daemon) type Ledgers = Arc<Mutex<Ledger>>;

/// What a line is told from outside of its clock.
#[derive(Debug)]
pub(super) enum ToLine {
    /// The call orders something.
    Order(Order),
    /// Its recogniser says something.
    Recognised(FromRecogniser),
    /// Audio that it asked for.
    Delivered(Ticket, Delivery),
    /// The call has ended.
    Remove,
}

/// A leg that has gone takes what was being said with it after this long, ms: the switch says within
/// it that the caller has hung up, if that is why, and then the words belong to the hang-up (E76).
const LEG_GONE_MS: u64 = 300;

/// Audio that a line wants; given up when the line drops its end of `wanted_still`.
pub(super) struct Fetch {
    pub(super) line: u64,
    pub(super) ticket: Ticket,
    pub(super) wanted: Wanted,
    pub(super) ledger: Ledgers,
    pub(super) wanted_still: oneshot::Receiver<Infallible>,
}

/// Where a line's outputs go.
pub(super) struct Outside {
    pub(super) tell: AudioEvents,
    pub(super) recogniser: mpsc::Sender<ToRecogniser>,
    pub(super) fetches: mpsc::Sender<Fetch>,
    pub(super) recorder: mpsc::Sender<ToRecorder>,
    /// The folder of recordings.
    pub(super) recordings: PathBuf,
    pub(super) ledger: Ledgers,
}

/// One call's line.
pub(super) struct Line {
    id: u64,
    /// For the log.
    span: Span,
    voice: Voice,
    legs: AudioLegs,
    leg: Option<AudioLeg>,
    /// When the last one ended, until that is told or another comes.
    leg_gone: Option<Tick>,
    pace: Pace,
    outside: Outside,
    fetching: BTreeMap<Ticket, oneshot::Sender<Infallible>>,
    is_recording: bool,
    is_warned: bool,
}

impl Line {
    pub(super) fn new(id: u64, voice: Voice, legs: AudioLegs, outside: Outside) -> Self {
        Self {
            id,
            span: Span::current(),
            voice,
            legs,
            leg: None,
            leg_gone: None,
            pace: Pace::new(Duration::ZERO),
            outside,
            fetching: BTreeMap::new(),
            is_recording: false,
            is_warned: false,
        }
    }

    /// Something happened outside of the clock.
    pub(super) fn told(&mut self, told: ToLine, now: Tick) {
        match told {
            ToLine::Order(order) => self.voice.order(order, now),
            ToLine::Recognised(said) => self.voice.recognised(said, now),
            ToLine::Delivered(ticket, delivery) => {
                if !matches!(delivery, Delivery::Piece(_)) {
                    self.fetching.remove(&ticket);
                }
                self.voice.delivered(ticket, delivery, now);
            }
            ToLine::Remove => {
                self.voice.line_ended();
                self.voice.order(Order::Record { file: SmolStr::default() }, now);
            }
        }
        self.perform();
    }

    /// Hears what has come.
    pub(super) fn hear(&mut self, now: Duration) {
        let tick = tick(now);
        let Some(leg) = &mut self.leg else { return };
        let voice = &mut self.voice;
        let goes_on = leg.receive(tick, |heard| match heard {
            Heard::Audio(samples) => voice.hear(samples, tick),
            Heard::Digit(key) => voice.digit(key),
        });
        if leg.is_mislabelled() && !std::mem::replace(&mut self.is_warned, true) {
            let _in_span = self.span.enter();
            tracing::warn!(
                "the audio is u-law and called 16 bit; write Dial(AudioSocket/…/c(slin16)) (S25)"
            );
        }
        if !goes_on {
            self.leg = None;
            self.leg_gone = Some(tick);
        }
        self.perform();
    }

    /// Says the next frame. `due`: when that should be.
    pub(super) fn say(&mut self, due: Duration, now: Duration) {
        let tick = tick(now);
        if self.leg.is_none()
            && let Ok(leg) = self.legs.try_recv()
        {
            self.leg = Some(leg);
            self.leg_gone = None;
            self.pace = Pace::new(due);
        }
        let Some(leg) = &mut self.leg else {
            if self.leg_gone.is_some_and(|since| tick.ms_since(since) >= LEG_GONE_MS) {
                self.leg_gone = None;
                self.voice.line_ended();
                self.perform();
            }
            return;
        };
        let due = self.pace.due(now);
        let mut lost = due.lost;
        for _ in 0..due.frames {
            let frame = self.voice.next_frame(tick);
            lost += u32::from(!leg.send(&frame, tick) && !leg.is_ending());
        }
        if lost > 0 {
            metrics::counter!(Meter::FramesLost.name()).increment(lost.into());
        }
        self.perform();
    }

    fn perform(&mut self) {
        while let Some(output) = self.voice.next_output() {
            match output {
                Output::Tell(event) => {
                    // An error means that the call has ended, and takes this line with it.
                    let _gone = self.outside.tell.tell(event);
                }
                Output::Recogniser(to) => {
                    if self.outside.recogniser.try_send(to).is_err() {
                        metrics::counter!(Meter::AsrOverflow.name()).increment(1);
                    }
                }
                Output::Fetch(ticket, wanted) => self.fetch(ticket, *wanted),
                Output::Forget(ticket) => drop(self.fetching.remove(&ticket)),
                Output::Record(file) => self.record(&file),
                Output::Recorded(interleaved) => {
                    self.tell_recorder(ToRecorder::Samples { id: self.id, interleaved });
                }
                Output::Latency(turn) => {
                    meter::turn(&turn);
                    self.outside.ledger.lock().unwrap_or_else(PoisonError::into_inner).turn(turn);
                }
            }
        }
    }

    fn fetch(&mut self, ticket: Ticket, wanted: Wanted) {
        let (still, wanted_still) = oneshot::channel();
        let ledger = Arc::clone(&self.outside.ledger);
        let fetch = Fetch { line: self.id, ticket, wanted, ledger, wanted_still };
        if self.outside.fetches.try_send(fetch).is_ok() {
            self.fetching.insert(ticket, still);
        } else {
            let why = SmolStr::new_static("too much audio is asked for at once");
            self.voice.delivered(ticket, Delivery::Failed(why), Tick::default());
        }
    }

    fn record(&mut self, file: &str) {
        let id = self.id;
        if std::mem::replace(&mut self.is_recording, !file.is_empty()) {
            self.tell_recorder(ToRecorder::End { id });
        }
        if self.is_recording {
            let file = self.outside.recordings.join(file);
            self.tell_recorder(ToRecorder::Begin { id, file });
        }
    }

    fn tell_recorder(&self, to: ToRecorder) {
        if self.outside.recorder.try_send(to).is_err() {
            metrics::counter!(Meter::RecordOverflow.name()).increment(1);
        }
    }
}

/// A reading of the clock in the ticks of calls.
pub(super) fn tick(now: Duration) -> Tick {
    Tick(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}
