//! A call's side of one link: which sentences are on it, and in which order.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::heard::{Heard, Repeats};
use super::link::Say;
use super::service::Service;
use crate::voice::{Hearing, SentenceId};

/// Messages between two sentences of a recogniser that finds ends; the call begins the next sentence
/// as soon as it knows of the last one's end.
const HELD_MAX: usize = 16;

/// A link as its call sees it.
pub(super) struct Line {
    pub(super) id: u64,
    pub(super) hearing: Arc<Hearing>,
    pub(super) service: Arc<Service>,
    /// `None` once nothing more is said; the link then hangs up.
    said: Option<mpsc::Sender<Say>>,
    /// Sentences whose texts are still to come, in order; those that nobody waits for too.
    pub(super) order: VecDeque<SentenceId>,
    /// What the recogniser said between two sentences.
    pub(super) held: VecDeque<Heard>,
    pub(super) repeats: Repeats,
    /// The address that took the connection.
    pub(super) connected: Option<usize>,
}

impl Line {
    pub(super) fn new(
        id: u64,
        (hearing, service): (Arc<Hearing>, Arc<Service>),
        said: mpsc::Sender<Say>,
    ) -> Self {
        Self {
            id,
            hearing,
            service,
            said: Some(said),
            order: VecDeque::new(),
            held: VecDeque::new(),
            repeats: Repeats::default(),
            connected: None,
        }
    }

    /// Has it sent; false if too much waits already.
    pub(super) fn say(&self, say: Say) -> bool {
        // Of a link that is gone its own event tells.
        !matches!(
            self.said.as_ref().map(|said| said.try_send(say)),
            Some(Err(mpsc::error::TrySendError::Full(_)))
        )
    }

    /// Says nothing more: what was said goes out, and the link hangs up.
    pub(super) fn hang_up(&mut self) {
        self.said = None;
    }

    /// Keeps a message for the next sentence; false if it was let go.
    pub(super) fn hold(&mut self, heard: Heard) -> bool {
        if matches!(heard, Heard::Partial(_)) {
            self.held.retain(|held| !matches!(held, Heard::Partial(_)));
        }
        let fits = self.held.len() < HELD_MAX;
        if fits {
            self.held.push_back(heard);
        }
        fits
    }
}
