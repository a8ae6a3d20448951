//! What a proposal would have done to recorded calls.

use smol_str::SmolStr;

use super::super::{Recording, Replay};
use super::mine::unmatched;
use crate::engine::{InputType, Recorded};
use crate::script::fold;

/// Calls that are named of those a proposal would break.
const NAMED_MAX: usize = 5;

/// A proposal as a script, beside the script as it is.
#[derive(Debug)]
pub struct Trial {
    word: String,
    replay: Replay,
}

/// What a proposal does to calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gain {
    /// Calls in which something is answered that nothing matched.
    pub caught: u64,
    /// Calls in which something is answered otherwise that was answered before.
    pub broken: u64,
    /// Some of these.
    pub named: Vec<SmolStr>,
}

impl Trial {
    /// The script with the proposal in it.
    #[must_use]
    pub fn new(word: &str, replay: Replay) -> Self {
        Self { word: fold(word).into_owned(), replay }
    }

    /// Holds one call with both scripts. What changes first decides whether it is caught or broken.
    pub fn add(&self, base: &Replay, recording: &Recording, gain: &mut Gain) {
        let is_said = |row: &Recorded| {
            let has_words = row.is(InputType::Text) || row.is(InputType::Complete);
            has_words && fold(&row.input_args).contains(&self.word)
        };
        if !recording.rows.iter().any(is_said) {
            return;
        }
        let [before, after] = [base, &self.replay].map(|replay| answers(replay, recording));
        let differs = |(old, new): &(&Recorded, &Recorded)| {
            old.response_id != new.response_id
                || old.response_type != new.response_type
                || old.condition_id != new.condition_id
        };
        let Some((old, _)) = before.iter().zip(&after).find(differs) else { return };
        if unmatched(old).is_some() {
            gain.caught += 1;
        } else {
            gain.broken += 1;
            if gain.named.len() < NAMED_MAX {
                gain.named.push(recording.callid.clone());
            }
        }
    }
}

impl Gain {
    /// All of another one too.
    pub fn merge(&mut self, other: Self) {
        self.caught += other.caught;
        self.broken += other.broken;
        self.named.extend(other.named);
        self.named.sort();
        self.named.truncate(NAMED_MAX);
    }
}

/// The rows of the script, up to the first that answers otherwise than was recorded.
fn answers(replay: &Replay, recording: &Recording) -> Vec<Recorded> {
    let mut rows = Vec::with_capacity(recording.rows.len());
    let _verdict = replay.watch(recording, |_, row| rows.push(row.clone()));
    rows
}
