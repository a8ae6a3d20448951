//! The audio of one action: what was ordered, what plays, what was cut.

use smol_str::SmolStr;

use super::event::{EntryId, PlaybackEnd};
use super::order::Order;
use super::speech::Interval;
use crate::engine::{Now, Playback, Source};

/// The entries of one action.
#[derive(Clone, Debug, Default)]
pub(super) struct Audio {
    entries: Vec<Entry>,
    /// When the first entry could be heard.
    pub(super) started: Option<Now>,
    /// When nothing could be heard any more, for whatever reason.
    pub(super) ended: Option<Now>,
    /// How many orders were given; the next one's number.
    ordered: u32,
}

#[derive(Clone, Debug)]
struct Entry {
    source: Source,
    /// The order that is out for it.
    number: u32,
    state: EntryState,
    /// Where the next order for it begins, ms.
    offset_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryState {
    Ordered,
    Done,
    Stopped,
    Failed,
}

impl Audio {
    pub(super) fn new(playbacks: Vec<Playback>) -> Self {
        let entries = playbacks.into_iter().map(|playback| Entry {
            source: playback.source,
            number: 0,
            state: EntryState::Stopped,
            offset_ms: 0,
        });
        Self { entries: entries.collect(), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Orders for everything that was not played to its end, from where it was cut.
    pub(super) fn order(&mut self, appid: &SmolStr) -> Vec<Order> {
        let left = self.entries.iter_mut().filter(|entry| entry.state == EntryState::Stopped);
        let mut orders = Vec::new();
        for entry in left {
            entry.number = self.ordered;
            entry.state = EntryState::Ordered;
            self.ordered += 1;
            orders.push(Order::Play {
                entry: EntryId { appid: appid.clone(), number: entry.number },
                source: entry.source.clone(),
                offset_ms: entry.offset_ms,
            });
        }
        if !orders.is_empty() {
            self.ended = None;
        }
        orders
    }

    /// True while something is ordered that has not finished.
    pub(super) fn is_playing(&self) -> bool {
        self.entries.iter().any(|entry| entry.state == EntryState::Ordered)
    }

    /// True if something was cut and could be gone on with.
    pub(super) fn was_cut(&self) -> bool {
        self.entries.iter().any(|entry| entry.state == EntryState::Stopped)
    }

    /// True if not one entry could be played.
    pub(super) fn all_failed(&self) -> bool {
        !self.is_empty() && self.entries.iter().all(|entry| entry.state == EntryState::Failed)
    }

    /// Notes the end of an entry; false if nobody waits for it.
    pub(super) fn finished(
        &mut self,
        number: u32,
        end: &PlaybackEnd,
        heard_ms: Option<u64>,
    ) -> bool {
        let waiting =
            |entry: &&mut Entry| entry.number == number && entry.state == EntryState::Ordered;
        let Some(entry) = self.entries.iter_mut().find(waiting) else { return false };
        entry.state = match end {
            PlaybackEnd::Done => EntryState::Done,
            PlaybackEnd::Stopped => EntryState::Stopped,
            PlaybackEnd::Failed(_) => EntryState::Failed,
        };
        // The offset is into the entry, whatever part of it this order was.
        entry.offset_ms = heard_ms.unwrap_or(entry.offset_ms);
        true
    }

    /// Whether speech was over this audio, and how long the audio had played when it ended, ms; after
    /// the audio, how long before its beginning that had ended, less than 0 (E91).
    pub(super) fn play_time(&self, speech: &Interval) -> (bool, i64) {
        let Interval { started, ended, over_audio } = speech;
        let is_before = |end: Now| started.tick < end.tick;
        match (self.started, self.ended) {
            (Some(began), ended_at) if *over_audio || ended_at.is_none_or(is_before) => {
                (true, ms(ended.tick.ms_since(began.tick)))
            }
            (_, Some(end)) => (false, -ms(started.tick.ms_since(end.tick))),
            (_, None) => (false, 0),
        }
    }

    /// Gives up on everything that is still ordered (T7).
    pub(super) fn give_up(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.state == EntryState::Ordered) {
            entry.state = EntryState::Done;
        }
    }
}

pub(super) fn ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
