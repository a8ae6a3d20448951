//! Where the channel is, what is said on it, and how the call ends.

use smol_str::SmolStr;

use super::super::recognition::Recognition;
use super::super::translate::{Parked, Request, Serial, Side, Speech};
use super::{AWAY_MS, Hold, KILL_MS, Leg, Place, Purpose, SEEN_MAX, Work};
use crate::engine::EndReason;
use crate::engine::time::Tick;
use crate::turn::{MediaEvent, PlaybackEnd};

impl Leg {
    pub(super) fn parked_again(&mut self, parked: &Parked) {
        self.rate_hz = parked.rate_hz;
        self.fallback_task = parked.fallback_task;
        if self.taken {
            self.drop_fallback();
        }
        if self.place == Place::Away {
            self.place = Place::Here;
            self.look_at = None;
            self.advance();
        }
    }

    pub(super) fn unparked(&mut self, hanging_up: bool, now: Tick) {
        if self.place == Place::Here && !hanging_up {
            self.place = Place::Away;
            self.look_at = Some(now.plus_ms(AWAY_MS));
        }
    }

    pub(super) fn looked(&mut self, exists: bool, now: Tick) {
        match (exists, self.place) {
            (false, _) => self.hung_up(Side::Unknown),
            // Somebody else took the call and has kept it.
            (true, Place::Away) => {
                self.unmark();
                self.over(MediaEvent::HungUp(EndReason::Transfer));
            }
            (true, Place::Killed) => {
                self.send_kill();
                self.look_at = Some(now.plus_ms(KILL_MS));
            }
            (true, Place::Here | Place::Leaving | Place::Over) => {}
        }
    }

    /// The answer to the transfer was lost with the connection. The mark is taken off right before
    /// the transfer: where it still is, neither has reached the switch.
    pub(super) fn left_or_not(&mut self, is_marked: bool) {
        match self.transfer.take() {
            Some(transfer) if is_marked => {
                self.place = Place::Here;
                self.waiting.push_front(Work::Transfer(transfer));
                self.advance();
            }
            Some(_) | None => self.transferred(),
        }
    }

    pub(super) fn hung_up(&mut self, side: Side) {
        let reason = match (side, self.place) {
            (Side::Caller, _) => EndReason::RecvBye,
            (Side::Switch, _) | (Side::Unknown, Place::Killed) => EndReason::SendBye,
            (Side::Unknown, _) => EndReason::Hangup,
        };
        self.over(MediaEvent::HungUp(reason));
    }

    pub(super) fn transfer_failed(&mut self, reason: SmolStr) {
        self.place = Place::Here;
        self.mark();
        self.tell(MediaEvent::TransferFailed(reason));
        self.advance();
    }

    /// Ends everything outstanding, then the call (S6).
    pub(super) fn over(&mut self, last: MediaEvent) {
        for execution in std::mem::take(&mut self.running) {
            self.ended(execution, PlaybackEnd::Stopped, None);
        }
        for work in std::mem::take(&mut self.waiting) {
            self.undone(work, "the line is gone");
        }
        self.tell(last);
        if self.hold == Hold::Socket {
            self.send(Purpose::Aside, Request::Exit);
        }
        self.place = Place::Over;
    }

    pub(super) fn speech(&mut self, speech: Speech, now: Tick) {
        let wanted = self.recognizer.is_wanted();
        match speech {
            Speech::Began if wanted => self.tell(MediaEvent::SpeechStarted { ago_ms: 0 }),
            Speech::Partial(text) if wanted => self.tell(MediaEvent::Partial(text)),
            Speech::Began | Speech::Partial(_) => {}
            Speech::Ended(recognition) => self.recognized(recognition, wanted, now),
            Speech::Closed => {
                if self.recognizer.closed() && self.place == Place::Here {
                    self.tell(MediaEvent::RecognizerLost("the switch closed it".into()));
                }
            }
        }
    }

    fn recognized(&mut self, recognition: Recognition, wanted: bool, now: Tick) {
        if let Some(step) = self.recognizer.gave_result() {
            self.hear(step);
        }
        match recognition {
            Recognition::Text(text) if wanted => {
                self.heard_at = Some(now);
                self.tell(MediaEvent::Final(text));
            }
            Recognition::Failed(error) if wanted => {
                self.tell(MediaEvent::RecognitionFailed(error));
            }
            // The turn has its own timer for silence (T7).
            Recognition::NoInput | Recognition::Text(_) | Recognition::Failed(_) => {}
        }
    }

    pub(super) fn is_repeated(&mut self, serial: Serial) -> bool {
        if self.seen.contains(&serial) {
            return true;
        }
        if self.seen.len() == SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(serial);
        false
    }
}
