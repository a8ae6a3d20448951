//! A switch that mostly does what it is told, and sometimes loses, repeats or delays.

use telephonist::engine::EndReason;
use telephonist::turn::{EntryId, MediaEvent, Order, PlaybackEnd};

use super::dice::Dice;

/// What is ordered and not yet told of.
#[derive(Debug, Default)]
pub(crate) struct Line {
    open: Vec<Open>,
    told: Vec<MediaEvent>,
}

#[derive(Debug)]
enum Open {
    Play { entry: EntryId, started: bool, stopped: bool },
    Execute(EntryId),
    Listen,
    Hangup,
    Transfer,
}

impl Line {
    pub(crate) fn order(&mut self, order: Order) {
        match order {
            Order::Play { entry, .. } => {
                self.open.push(Open::Play { entry, started: false, stopped: false });
            }
            Order::StopAudio => {
                for open in &mut self.open {
                    if let Open::Play { stopped, .. } = open {
                        *stopped = true;
                    }
                }
            }
            Order::Listen(_) => self.open.push(Open::Listen),
            Order::Execute { entry, .. } => self.open.push(Open::Execute(entry)),
            Order::Hangup { .. } => self.open.push(Open::Hangup),
            Order::Transfer(_) => self.open.push(Open::Transfer),
            Order::StopListening
            | Order::Record { .. }
            | Order::Api(_)
            | Order::SetVariables(_) => {}
        }
    }

    /// The next thing the switch tells, if it tells anything.
    pub(crate) fn next(&mut self, dice: &mut Dice) -> Option<MediaEvent> {
        if dice.roll(12) == 0 && !self.told.is_empty() {
            let at = dice.roll(self.told.len());
            return Some(self.told[at].clone());
        }
        if self.open.is_empty() {
            return None;
        }
        let at = if dice.roll(5) == 0 { dice.roll(self.open.len()) } else { 0 };
        if dice.roll(20) == 0 {
            self.open.remove(at);
            return None;
        }
        if let Open::Play { entry, started: started @ false, stopped: false } = &mut self.open[at] {
            *started = true;
            return Some(MediaEvent::PlaybackStarted(entry.clone()));
        }
        let event = match self.open.remove(at) {
            Open::Play { entry, stopped, .. } => {
                let end = match (stopped, dice.roll(10)) {
                    (_, 0) => PlaybackEnd::Failed("lost".into()),
                    (true, _) => PlaybackEnd::Stopped,
                    (false, _) => PlaybackEnd::Done,
                };
                let heard_ms = dice.pick(&[None, Some(0), Some(1_500)]);
                MediaEvent::PlaybackFinished { entry, end, heard_ms }
            }
            Open::Execute(entry) => MediaEvent::ApplicationFinished { entry, ok: dice.roll(4) > 0 },
            Open::Listen if dice.roll(6) == 0 => MediaEvent::RecognizerLost("refused".into()),
            Open::Listen => MediaEvent::RecognizerReady,
            Open::Hangup => MediaEvent::HungUp(EndReason::SendBye),
            Open::Transfer if dice.roll(2) == 0 => MediaEvent::TransferFailed("no".into()),
            Open::Transfer => MediaEvent::Transferred,
        };
        self.told.push(event.clone());
        Some(event)
    }
}
