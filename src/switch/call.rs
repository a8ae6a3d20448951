//! A call as every switch offers it: who calls, a handle that takes orders without ever waiting,
//! and a stream of what happens on the line.

use smol_str::SmolStr;
use thiserror::Error;
use tokio::sync::mpsc;

use super::audio::AudioLegs;
use crate::turn::{MediaEvent, Order};

/// Events of one call that wait for its driver. A driver that is this far behind is stuck: a turn
/// makes about ten.
const EVENTS_MAX: usize = 256;

/// Of these, kept free of what the caller can flood us with (N21), so that the events which other
/// parts count on still fit.
const EVENTS_RESERVED: usize = 64;

/// A call that has reached a robot and waits to be taken or refused.
#[derive(Debug)]
pub struct NewCall {
    /// The channel's id; a channel that comes back after its call ended gets `-2`, `-3`, … (E16).
    pub callid: SmolStr,
    /// Which switch, as the configuration names it.
    pub switch: SmolStr,
    /// The script the dialplan asks for; `None` if it names none.
    pub robot_flow: Option<SmolStr>,
    /// The channel's variables and the caller's profile, in the switch's order (E22).
    pub variables: Vec<(SmolStr, String)>,
    /// True if the call has been answered already.
    pub answered: bool,
    /// Takes orders for the call.
    pub handle: CallHandle,
    /// What happens on the line.
    pub events: SwitchEvents,
    /// Its audio, where the switch brings it to us; `None` = the switch plays and hears itself.
    pub audio: Option<CallAudio>,
}

/// A call's audio as it comes to us: orders to play, to hear and to record are not the switch's then.
#[derive(Debug)]
pub struct CallAudio {
    /// The connections that carry it, one after the other.
    pub legs: AudioLegs,
    /// Tells the call what is heard and said; the switch tells all else.
    pub tell: AudioEvents,
}

/// Tells a call what happens to its audio. Keeps no line alive: that is the switch's.
#[derive(Clone, Debug)]
pub struct AudioEvents(mpsc::WeakSender<MediaEvent>);

impl AudioEvents {
    /// As [`CallLine::tell`].
    ///
    /// # Errors
    /// As there, and if the line has ended.
    pub fn tell(&self, event: MediaEvent) -> Result<(), Unread> {
        let events = self.0.upgrade().ok_or(Unread)?;
        CallLine { events }.tell(event)
    }
}

/// One call's line within its switch; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u64);

/// What a driver says to its switch.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// The call is taken: answer it and make it ready. Said once, before any order but `Hangup`.
    Take {
        /// The folder of the script's audio below the audio root; may be empty.
        voicedir: SmolStr,
    },
    /// Do this.
    Order(Order),
    /// The robot leaves a call that its script has not ended: the dialplan goes on with it where
    /// there is one to go on, else it is hung up with this cause. Ends the line.
    Leave {
        /// Hangup cause, e.g. `SWITCH_CONGESTION`.
        cause: SmolStr,
    },
}

/// The switch can't take the order: it has stopped, or its queue is full. The call is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the switch takes no more orders")]
pub struct SwitchGone;

/// Gives orders to the switch for one call. Never waits.
#[derive(Debug)]
pub struct CallHandle {
    line: LineId,
    said: mpsc::Sender<(LineId, Said)>,
}

impl CallHandle {
    /// Takes the call: the switch answers it if nobody has, and makes it ready for the robot.
    ///
    /// # Errors
    /// If the switch has stopped or is stuck; the call is then over.
    pub fn take(&self, voicedir: &str) -> Result<(), SwitchGone> {
        self.say(Said::Take { voicedir: voicedir.into() })
    }

    /// Gives one order; orders of one call are carried out in the order given.
    ///
    /// # Errors
    /// If the switch has stopped or is stuck; the call is then over.
    pub fn order(&self, order: Order) -> Result<(), SwitchGone> {
        self.say(Said::Order(order))
    }

    /// Leaves a call that its script has not ended: refused, broken, or closed with the daemon.
    ///
    /// # Errors
    /// If the switch has stopped or is stuck; the call is then over.
    pub fn leave(&self, cause: &'static str) -> Result<(), SwitchGone> {
        self.say(Said::Leave { cause: SmolStr::new_static(cause) })
    }

    fn say(&self, said: Said) -> Result<(), SwitchGone> {
        self.said.try_send((self.line, said)).map_err(|_| SwitchGone)
    }
}

/// What happens on one call's line, in order.
#[derive(Debug)]
pub struct SwitchEvents(mpsc::Receiver<MediaEvent>);

impl SwitchEvents {
    /// The next event. `None` after `HungUp` or `Transferred`, and when the switch gave the call
    /// up: nothing more comes then. Cancel safe.
    pub async fn next(&mut self) -> Option<MediaEvent> {
        self.0.recv().await
    }
}

/// The switch's end of a line. Dropping it ends the driver's stream.
#[derive(Debug)]
pub struct CallLine {
    events: mpsc::Sender<MediaEvent>,
}

/// The driver does not read its events, or has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the call's driver does not read its events")]
pub struct Unread;

impl CallLine {
    /// Tells the driver. What a caller can send without end (speech beginnings, partial results,
    /// digits) is dropped while the driver lags.
    ///
    /// # Errors
    /// If an event that must not be lost did not fit, or nobody listens: the call can't go on.
    pub fn tell(&self, event: MediaEvent) -> Result<(), Unread> {
        if is_flood(&event) && self.events.capacity() <= EVENTS_RESERVED {
            metrics::counter!("telephonist_events_dropped_total").increment(1);
            return if self.is_abandoned() { Err(Unread) } else { Ok(()) };
        }
        self.events.try_send(event).map_err(|_| Unread)
    }

    /// For whoever serves the line's audio.
    #[must_use]
    pub fn audio_events(&self) -> AudioEvents {
        AudioEvents(self.events.downgrade())
    }

    /// True once the driver has dropped its stream: nobody drives this call any more (N7).
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.events.is_closed()
    }
}

fn is_flood(event: &MediaEvent) -> bool {
    matches!(
        event,
        MediaEvent::SpeechStarted { .. } | MediaEvent::Partial(_) | MediaEvent::Digit(_)
    )
}

/// Both ends of a new line: the switch keeps the first, the driver gets the others. What the driver
/// says arrives at `said` under `line`.
#[must_use]
pub fn line(
    line: LineId,
    said: mpsc::Sender<(LineId, Said)>,
) -> (CallLine, CallHandle, SwitchEvents) {
    let (events, receiver) = mpsc::channel(EVENTS_MAX);
    (CallLine { events }, CallHandle { line, said }, SwitchEvents(receiver))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EndReason;

    #[test]
    fn a_flood_of_partials_leaves_room_for_the_end_of_the_call() {
        let (said, _orders) = mpsc::channel(1);
        let (switch, _handle, mut events) = line(LineId(1), said);
        for _ in 0..10_000 {
            switch.tell(MediaEvent::Partial("still talking".into())).unwrap();
        }
        switch.tell(MediaEvent::HungUp(EndReason::RecvBye)).unwrap();
        drop(switch);

        let mut received = Vec::new();
        while let Ok(event) = events.0.try_recv() {
            received.push(event);
        }
        assert_eq!(received.len(), EVENTS_MAX - EVENTS_RESERVED + 1);
        assert_eq!(received.last(), Some(&MediaEvent::HungUp(EndReason::RecvBye)));
    }

    #[test]
    fn an_order_never_waits_for_a_switch_that_is_stuck() {
        let (said, _orders) = mpsc::channel(1);
        let (_switch, handle, _events) = line(LineId(7), said);
        handle.order(Order::StopAudio).unwrap();
        assert_eq!(handle.order(Order::StopAudio), Err(SwitchGone));
    }

    #[test]
    fn a_driver_that_has_gone_is_noticed() {
        let (said, _orders) = mpsc::channel(1);
        let (switch, _handle, events) = line(LineId(7), said);
        drop(events);
        assert!(switch.is_abandoned());
        assert_eq!(switch.tell(MediaEvent::SpeechStarted { ago_ms: 0 }), Err(Unread));
    }
}
