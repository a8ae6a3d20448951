//! Where the time between a caller's last word and the robot's first goes, and what a call used.

use serde::Serialize;

use super::machine::Ticket;
use crate::engine::Tick;
use crate::turn::EntryId;

/// Turns of one call that are kept; a longer call keeps its first ones.
const TURNS_MAX: usize = 200;

/// From the end of the caller's speech to the first sound of the answer, ms, in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TurnLatency {
    /// Until we were sure that the sentence is over.
    pub endpointing_ms: u64,
    /// Until its text was there.
    pub recognition_ms: u64,
    /// Until the answer was decided, services included.
    pub decision_ms: u64,
    /// Until the first of its audio was there.
    pub synthesis_ms: u64,
    /// Until that was sent.
    pub switch_ms: u64,
}

impl TurnLatency {
    /// All of it.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        self.parts().iter().map(|(_, ms)| ms).sum()
    }

    /// Its parts by name, in the order of time.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, u64); 5] {
        [
            ("endpointing", self.endpointing_ms),
            ("recognition", self.recognition_ms),
            ("decision", self.decision_ms),
            ("synthesis", self.synthesis_ms),
            ("switch", self.switch_ms),
        ]
    }
}

/// What one call took and used (I27); kept with the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// The turns in order.
    pub turns: Vec<TurnLatency>,
    /// Requests to recognisers.
    pub asr_requests: u64,
    /// Speech sent to them, ms.
    pub asr_ms: u64,
    /// Texts that had to be synthesised.
    pub tts_requests: u64,
    /// Characters in them.
    pub tts_characters: u64,
}

impl Ledger {
    /// One more turn.
    pub fn turn(&mut self, turn: TurnLatency) {
        if self.turns.len() < TURNS_MAX {
            self.turns.push(turn);
        }
    }

    /// As it is stored: JSON. `None` if there is nothing to tell.
    #[must_use]
    pub fn to_json(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        serde_json::to_string(self).ok()
    }
}

/// Follows one sentence until its answer is heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopwatch {
    step: Step,
}

#[derive(Clone, Debug, Default)]
enum Step {
    #[default]
    Idle,
    /// The caller fell silent at `spoke_until`, and we noticed at `noticed`.
    Understanding {
        spoke_until: Tick,
        noticed: Tick,
    },
    Deciding {
        spoke_until: Tick,
        noticed: Tick,
        understood: Tick,
    },
    Answering {
        turn: TurnLatency,
        decided: Tick,
        entry: EntryId,
        ticket: Ticket,
        ready: Option<Tick>,
    },
}

impl Stopwatch {
    pub(super) fn silent(&mut self, ago_ms: u64, now: Tick) {
        let spoke_until = Tick(now.0.saturating_sub(ago_ms));
        self.step = Step::Understanding { spoke_until, noticed: now };
    }

    /// The text is there; `at_once` with the end of the sentence. The text of a sentence after which
    /// the caller has gone on counts for nothing: they wait for no answer yet.
    pub(super) fn understood(&mut self, at_once: bool, now: Tick) {
        self.step = match self.step {
            Step::Understanding { spoke_until, noticed } => {
                Step::Deciding { spoke_until, noticed, understood: now }
            }
            _ if at_once => Step::Deciding { spoke_until: now, noticed: now, understood: now },
            _ => Step::Idle,
        };
    }

    /// There were no words, or they answer nothing.
    pub(super) fn reset(&mut self) {
        self.step = Step::Idle;
    }

    pub(super) fn answers(&mut self, entry: &EntryId, ticket: Ticket, now: Tick) {
        let Step::Deciding { spoke_until, noticed, understood } = self.step else { return };
        let turn = TurnLatency {
            endpointing_ms: noticed.ms_since(spoke_until),
            recognition_ms: understood.ms_since(noticed),
            decision_ms: now.ms_since(understood),
            ..TurnLatency::default()
        };
        let entry = entry.clone();
        self.step = Step::Answering { turn, decided: now, entry, ticket, ready: None };
    }

    /// Audio came for this ticket.
    pub(super) fn has_audio(&mut self, for_ticket: Ticket, now: Tick) {
        if let Step::Answering { ticket, ready, .. } = &mut self.step
            && *ticket == for_ticket
        {
            ready.get_or_insert(now);
        }
    }

    /// The first of this entry is sent: the turn's account, if it is the answer.
    pub(super) fn began(&mut self, began: &EntryId, now: Tick) -> Option<TurnLatency> {
        let Step::Answering { turn, decided, entry, ready, .. } = &self.step else { return None };
        if entry != began {
            return None;
        }
        let ready = ready.unwrap_or(*decided);
        let turn = TurnLatency {
            synthesis_ms: ready.ms_since(*decided),
            switch_ms: now.ms_since(ready),
            ..*turn
        };
        self.reset();
        Some(turn)
    }
}
