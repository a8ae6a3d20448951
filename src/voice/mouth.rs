//! What a call says: entries one after the other, cut into frames.

use std::collections::VecDeque;
use std::sync::Arc;

use super::asked::Delivery;
use super::machine::{Output, Ticket};
use crate::engine::Tick;
use crate::media::{FRAME_SAMPLES, Frame, SILENCE};
use crate::turn::{EntryId, MediaEvent, PlaybackEnd};

/// Samples in a millisecond.
const SAMPLES_PER_MS: u64 = 8;

/// Audio that comes piece by piece begins when so much of it is here, samples: 200 ms, so that a piece
/// that comes a little late is no hole in a word.
const BUFFERED_MIN: usize = 1_600;

/// The audio that was ordered and has not been heard to its end.
#[derive(Debug, Default)]
pub(super) struct Mouth {
    items: VecDeque<Item>,
    /// Its last sample is in the frame that was sent last: heard when the next is sent.
    ending: Vec<(EntryId, u64)>,
    tickets: u32,
    /// How long the caller may hear nothing because audio does not come, ms (T8).
    patience_ms: u64,
}

#[derive(Debug)]
struct Item {
    entry: EntryId,
    ticket: Ticket,
    pieces: VecDeque<Arc<[i16]>>,
    /// Samples of the first piece that have been said or skipped.
    at: usize,
    /// Samples to leave out before the first is heard.
    skip: u64,
    /// Samples said or skipped.
    said: u64,
    is_started: bool,
    /// All of it is here.
    is_whole: bool,
    failed: Option<smol_str::SmolStr>,
    /// Since when it has been its turn, with nothing of it to say.
    missed_since: Option<Tick>,
}

/// What became of the audio in one frame.
pub(super) struct Said {
    pub(super) frame: Frame,
    /// The action whose first sample is in it.
    pub(super) began: Option<EntryId>,
}

impl Mouth {
    /// Waits no longer than this for audio.
    pub(super) fn set_patience(&mut self, ms: u64) {
        self.patience_ms = ms;
    }

    /// Says this after what was ordered before; gives the ticket of its audio.
    pub(super) fn play(&mut self, entry: EntryId, offset_ms: u64) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.items.push_back(Item {
            entry,
            ticket,
            pieces: VecDeque::new(),
            at: 0,
            skip: offset_ms.saturating_mul(SAMPLES_PER_MS),
            said: 0,
            is_started: false,
            is_whole: false,
            failed: None,
            missed_since: None,
        });
        ticket
    }

    /// Audio of a ticket, or why there is none. False if nobody waits for it.
    pub(super) fn delivered(&mut self, ticket: Ticket, delivery: Delivery) -> bool {
        let Some(item) = self.items.iter_mut().find(|item| item.ticket == ticket) else {
            return false;
        };
        match delivery {
            Delivery::Piece(piece) => item.take(piece),
            Delivery::Done => item.is_whole = true,
            Delivery::Failed(why) => item.failed = Some(why),
        }
        true
    }

    /// True if the first audio of this ticket is here.
    pub(super) fn has_audio(&self, ticket: Ticket) -> bool {
        let item = self.items.iter().find(|item| item.ticket == ticket);
        item.is_some_and(|item| !item.pieces.is_empty() || item.is_whole || item.failed.is_some())
    }

    /// Stops all of it; tells each that was not heard to its end, and how far it was.
    pub(super) fn stop(&mut self, outputs: &mut VecDeque<Output>) {
        self.tell_ended(outputs);
        for item in self.items.drain(..) {
            if !item.is_whole && item.failed.is_none() {
                outputs.push_back(Output::Forget(item.ticket));
            }
            let heard_ms = Some(item.said / SAMPLES_PER_MS);
            finished(item.entry, PlaybackEnd::Stopped, heard_ms, outputs);
        }
    }

    /// The next frame: silence where there is nothing to say.
    pub(super) fn next_frame(&mut self, now: Tick, outputs: &mut VecDeque<Output>) -> Said {
        self.tell_ended(outputs);
        let mut said = Said { frame: SILENCE, began: None };
        let mut filled = 0;
        while filled < FRAME_SAMPLES {
            let Some(item) = self.items.front_mut() else { break };
            let written = if item.may_begin() { item.say(&mut said.frame[filled..]) } else { 0 };
            filled += written;
            if written > 0 {
                item.missed_since = None;
                if !std::mem::replace(&mut item.is_started, true) {
                    said.began = Some(item.entry.clone());
                    let started = MediaEvent::PlaybackStarted(item.entry.clone());
                    outputs.push_back(Output::Tell(started));
                }
            }
            if item.has_more() && item.may_begin() {
                continue;
            }
            if !item.is_whole && item.failed.is_none() {
                let since = *item.missed_since.get_or_insert(now);
                if now.ms_since(since) < self.patience_ms {
                    break;
                }
                outputs.push_back(Output::Forget(item.ticket));
                item.failed = Some("its audio does not come".into());
            }
            let Some(item) = self.items.pop_front() else { break };
            let heard_ms = item.said / SAMPLES_PER_MS;
            match item.failed {
                Some(why) => {
                    finished(item.entry, PlaybackEnd::Failed(why), Some(heard_ms), outputs)
                }
                None => self.ending.push((item.entry, heard_ms)),
            }
        }
        said
    }

    fn tell_ended(&mut self, outputs: &mut VecDeque<Output>) {
        for (entry, heard_ms) in self.ending.drain(..) {
            finished(entry, PlaybackEnd::Done, Some(heard_ms), outputs);
        }
    }
}

impl Item {
    /// Takes one more piece, less what is to be left out.
    fn take(&mut self, piece: Arc<[i16]>) {
        let samples = piece.len() as u64;
        if self.skip >= samples {
            self.skip -= samples;
            self.said += samples;
            return;
        }
        if self.skip > 0 {
            self.at = usize::try_from(self.skip).expect("less than the piece has samples");
            self.said += self.skip;
            self.skip = 0;
        }
        self.pieces.push_back(piece);
    }

    /// False while too little of it is here to begin with.
    fn may_begin(&self) -> bool {
        let buffered = || self.pieces.iter().map(|piece| piece.len()).sum::<usize>() - self.at;
        self.is_started || self.is_whole || self.failed.is_some() || buffered() >= BUFFERED_MIN
    }

    fn has_more(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Writes as much of it as fits and is here; says how much that was.
    fn say(&mut self, frame: &mut [i16]) -> usize {
        let mut written = 0;
        while let Some(piece) = self.pieces.front() {
            let count = (piece.len() - self.at).min(frame.len() - written);
            frame[written..written + count].copy_from_slice(&piece[self.at..self.at + count]);
            written += count;
            self.at += count;
            self.said += count as u64;
            if self.at < piece.len() {
                break;
            }
            self.pieces.pop_front();
            self.at = 0;
        }
        written
    }
}

fn finished(
    entry: EntryId,
    end: PlaybackEnd,
    heard_ms: Option<u64>,
    outputs: &mut VecDeque<Output>,
) {
    outputs.push_back(Output::Tell(MediaEvent::PlaybackFinished { entry, end, heard_ms }));
}
