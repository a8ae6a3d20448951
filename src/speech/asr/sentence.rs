//! A sentence of the caller's on its way to text.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::AbortHandle;
use reqwest_websocket::Bytes;

use super::heard::joined;
use super::service::Service;
use crate::engine::Tick;
use crate::media::RATE;
use crate::voice::{Hearing, SentenceId};

/// The audio of a sentence that is kept, s: what `max_speech_time_ms` is by default (T1), and a
/// quarter for what was heard before and after.
pub(super) const SENTENCE_S_MAX: u64 = 25;

/// The same in bytes.
#[expect(clippy::cast_possible_truncation, reason = "25 s of audio are 400 kB")]
const SENTENCE_BYTES_MAX: usize = (SENTENCE_S_MAX * RATE as u64 * 2) as usize;

/// Partial texts of one sentence: a recogniser that gives one for each frame of the longest sentence
/// stays below it (N21).
const PARTIALS_MAX: u32 = 2_000;

/// A sentence that has neither its text nor a failure.
pub(super) struct Sentence {
    pub(super) id: SentenceId,
    pub(super) hearing: Arc<Hearing>,
    pub(super) service: Arc<Service>,
    audio: VecDeque<Bytes>,
    audio_bytes: usize,
    /// All that was heard of it, bytes.
    heard_bytes: u64,
    /// Since when its text is wanted.
    pub(super) ended: Option<Tick>,
    /// It was told that somebody speaks.
    pub(super) began: bool,
    /// What the recogniser gave before we ended the sentence, or after and may go on.
    pub(super) text: String,
    /// There was a text after the end.
    pub(super) answered: bool,
    partial: String,
    partials: u32,
    /// It was sent again after a connection died.
    pub(super) replayed: bool,
    /// A service has it, or had.
    pub(super) reached: bool,
    /// The request that it became.
    pub(super) request: Option<AbortHandle>,
}

impl Sentence {
    pub(super) fn new(id: SentenceId, hearing: Arc<Hearing>, service: Arc<Service>) -> Self {
        Self {
            id,
            hearing,
            service,
            audio: VecDeque::new(),
            audio_bytes: 0,
            heard_bytes: 0,
            ended: None,
            began: false,
            text: String::new(),
            answered: false,
            partial: String::new(),
            partials: 0,
            replayed: false,
            reached: false,
            request: None,
        }
    }

    /// Keeps more of it; false if that is more than a sentence may have. Where the recogniser finds
    /// the ends, what was heard long ago is forgotten instead: nobody may have spoken yet.
    pub(super) fn keep(&mut self, audio: Bytes) -> bool {
        self.audio_bytes += audio.len();
        self.heard_bytes += audio.len() as u64;
        self.audio.push_back(audio);
        while self.audio_bytes > SENTENCE_BYTES_MAX {
            let Some(oldest) = self.audio.front().filter(|_| self.hearing.finds_ends) else {
                return false;
            };
            self.audio_bytes -= oldest.len();
            self.audio.pop_front();
        }
        true
    }

    /// What is kept, in pieces of a second at most.
    pub(super) fn audio(&self) -> Vec<Bytes> {
        let whole: Vec<u8> = self.audio.iter().flatten().copied().collect();
        whole.chunks(RATE as usize * 2).map(Bytes::copy_from_slice).collect()
    }

    /// What is kept, as samples.
    pub(super) fn samples(&self) -> Vec<i16> {
        let whole: Vec<u8> = self.audio.iter().flatten().copied().collect();
        whole.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
    }

    /// How long it is, ms.
    pub(super) fn audio_ms(&self) -> u64 {
        self.heard_bytes / 2 * 1_000 / u64::from(RATE)
    }

    /// The text so far with this partial text; `None` if that says nothing new.
    pub(super) fn partial(&mut self, partial: &str) -> Option<String> {
        let whole = joined(&self.text, partial);
        if whole.is_empty() || whole == self.partial || self.partials >= PARTIALS_MAX {
            return None;
        }
        self.partials += 1;
        self.partial.clone_from(&whole);
        Some(whole)
    }

    /// Adds a text that the recogniser gave as a whole.
    pub(super) fn add(&mut self, text: &str) {
        self.text = joined(&self.text, text);
        self.answered |= self.ended.is_some();
    }

    /// Forgets what another connection made of it. `its_chance` is true if that is its second.
    pub(super) fn begin_again(&mut self, its_chance: bool) {
        self.replayed |= its_chance;
        self.text.clear();
        self.answered = false;
    }

    /// What it would be if nothing more came; `None` if that is not known.
    pub(super) fn settled(&self) -> Option<&str> {
        let known = self.ended.is_some() && (self.answered || !self.text.is_empty());
        known.then_some(self.text.as_str())
    }
}
