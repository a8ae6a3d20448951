//! One channel of the switch, with the caller at its far end.

use std::collections::VecDeque;
use std::time::Instant;

use crate::dice::Dice;

/// A caller says at least so many sentences …
const SENTENCES_MIN: usize = 6;
/// … and fewer than so many more: a call of 45 to 90 s.
const SENTENCES_MORE: usize = 9;

/// An application ordered by the daemon.
pub(crate) struct Execution {
    /// Its Event-UUID.
    pub(crate) id: String,
    pub(crate) application: String,
    pub(crate) argument: String,
}

/// What a caller is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Says so many sentences, some of them over a prompt, and hangs up.
    Talks,
    /// Listens to a prompt without end.
    Holds,
}

/// A channel that a robot has.
pub(crate) struct Channel {
    pub(crate) caller: Caller,
    /// What is still to be said before the caller hangs up.
    pub(crate) sentences: usize,
    /// Applications that have not begun.
    pub(crate) queue: VecDeque<Execution>,
    pub(crate) playing: Option<Execution>,
    /// Prompts so far: what was to happen in one that is over does not.
    pub(crate) prompts: u32,
    /// The recogniser listens.
    pub(crate) hears: bool,
    /// The caller is in the middle of a sentence.
    pub(crate) speaks: bool,
    /// Speech began, and nothing has stopped the prompt yet.
    pub(crate) spoke_at: Option<Instant>,
    /// A sentence was said, and no command has come since.
    pub(crate) said_at: Option<Instant>,
    /// A sentence was said, and nothing has been played since.
    pub(crate) unanswered_since: Option<Instant>,
}

impl Channel {
    pub(crate) fn new(caller: Caller, dice: &mut Dice) -> Self {
        let sentences = SENTENCES_MIN + dice.roll(SENTENCES_MORE);
        Self {
            caller,
            sentences,
            queue: VecDeque::new(),
            playing: None,
            prompts: 0,
            hears: false,
            speaks: false,
            spoke_at: None,
            said_at: None,
            unanswered_since: None,
        }
    }

    /// What `show channels` gives as its application.
    pub(crate) fn application(&self) -> &str {
        self.playing.as_ref().map_or("park", |playing| &playing.application)
    }
}
