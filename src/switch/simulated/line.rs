//! A line in virtual time: it takes orders and tells what a switch would tell, when.

use std::collections::VecDeque;

use smol_str::SmolStr;

use crate::engine::{EndReason, Tick};
use crate::turn::{EntryId, MediaEvent, Order, PlaybackEnd};

/// One call's line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// How long a piece of audio lasts, ms.
    pub(super) audio_ms: u64,
    pub(super) audio_fails: bool,
    pub(super) transfer_fails: bool,
    playing: Option<Playing>,
    queue: VecDeque<(EntryId, u64)>,
    /// What happened at once, in order.
    happened: VecDeque<MediaEvent>,
    hung_up: bool,
}

#[derive(Debug)]
struct Playing {
    entry: EntryId,
    started: Tick,
    /// Where in the audio it began, ms.
    offset_ms: u64,
    ends: Tick,
}

impl Line {
    /// Carries an order out. True if audio was cut by it.
    pub(super) fn order(&mut self, order: &Order, now: Tick) -> bool {
        if self.hung_up {
            return false;
        }
        match order {
            Order::Play { entry, offset_ms, .. } => {
                self.queue.push_back((entry.clone(), *offset_ms));
                self.play_next(now);
            }
            Order::StopAudio => return self.stop(now),
            Order::Listen(_) => self.happened.push_back(MediaEvent::RecognizerReady),
            Order::Execute { entry, .. } => {
                let event = MediaEvent::ApplicationFinished { entry: entry.clone(), ok: true };
                self.happened.push_back(event);
            }
            Order::Hangup { .. } => self.hang_up(EndReason::SendBye),
            Order::Transfer(_) if self.transfer_fails => {
                let why = SmolStr::new_static("no such extension");
                self.happened.push_back(MediaEvent::TransferFailed(why));
            }
            Order::Transfer(_) => {
                self.stop(now);
                self.happened.push_back(MediaEvent::Transferred);
            }
            Order::StopListening
            | Order::Record { .. }
            | Order::Api(_)
            | Order::SetVariables(_) => {}
        }
        false
    }

    /// The line is gone: what played or waited ends, and nothing comes after.
    pub(super) fn hang_up(&mut self, reason: EndReason) {
        if !std::mem::replace(&mut self.hung_up, true) {
            self.playing = None;
            self.queue.clear();
            self.happened.push_back(MediaEvent::HungUp(reason));
        }
    }

    /// The next thing that has happened by `now`.
    pub(super) fn next(&mut self, now: Tick) -> Option<MediaEvent> {
        if let Some(event) = self.happened.pop_front() {
            return Some(event);
        }
        let done = self.playing.take_if(|playing| playing.ends <= now)?;
        let heard_ms = Some(done.offset_ms + done.ends.ms_since(done.started));
        self.play_next(done.ends);
        Some(MediaEvent::PlaybackFinished { entry: done.entry, end: PlaybackEnd::Done, heard_ms })
    }

    /// When the next thing happens by itself.
    pub(super) fn next_at(&self, now: Tick) -> Option<Tick> {
        if !self.happened.is_empty() {
            return Some(now);
        }
        self.playing.as_ref().map(|playing| playing.ends)
    }

    fn play_next(&mut self, now: Tick) {
        if self.playing.is_some() {
            return;
        }
        let Some((entry, offset_ms)) = self.queue.pop_front() else { return };
        if self.audio_fails {
            let end = PlaybackEnd::Failed("the audio can't be played".into());
            self.happened.push_back(MediaEvent::PlaybackFinished { entry, end, heard_ms: None });
            return self.play_next(now);
        }
        self.happened.push_back(MediaEvent::PlaybackStarted(entry.clone()));
        let ends = now.plus_ms(self.audio_ms.saturating_sub(offset_ms));
        self.playing = Some(Playing { entry, started: now, offset_ms, ends });
    }

    fn stop(&mut self, now: Tick) -> bool {
        let mut cut = false;
        let mut stopped = |entry, heard_ms| {
            cut = true;
            let end = PlaybackEnd::Stopped;
            self.happened.push_back(MediaEvent::PlaybackFinished { entry, end, heard_ms });
        };
        if let Some(playing) = self.playing.take() {
            stopped(playing.entry, Some(playing.offset_ms + now.ms_since(playing.started)));
        }
        for (entry, offset_ms) in self.queue.drain(..) {
            stopped(entry, Some(offset_ms));
        }
        cut
    }
}
