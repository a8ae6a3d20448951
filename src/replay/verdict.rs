//! What became of one recorded call with the new script.

use smol_str::SmolStr;

use super::compare::Kinds;
use super::recording::Recording;
use crate::engine::Recorded;

/// What the new script does with one recorded call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The call.
    pub callid: SmolStr,
    /// When it began, in seconds of the local calendar.
    pub began: Option<i64>,
    /// How many rows it has.
    pub rows: usize,
    /// How many of them were compared.
    pub compared: usize,
    /// What surely differs.
    pub kinds: Kinds,
    /// What would differ besides, if the caller had said the same to other words of the same answer.
    pub later: Kinds,
    /// The first row that surely differs.
    pub first: Option<usize>,
    /// The row at which the robot says something else: what the caller did next was no answer to it.
    pub diverged: Option<usize>,
    /// From where on nothing is known, and why.
    pub unknown: Option<Unknown>,
    /// The final label as recorded and with the new script; `None` = nobody knows.
    pub label: [Option<SmolStr>; 2],
    /// Why the call ended, as recorded and with the new script; `None` = nobody knows.
    pub end: [Option<SmolStr>; 2],
    /// The call turn by turn; none if nothing differs.
    pub turns: Vec<Turn>,
}

/// From where on nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The row.
    pub row: usize,
    /// Why, as a sentence without its full stop.
    pub why: String,
}

/// A call in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The new script does the same.
    Same,
    /// Something surely differs.
    Changed,
    /// The same as far as it is known.
    Unknown,
}

/// An input and its two answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Seconds from the beginning of the call.
    pub at_s: i64,
    /// The kind of input, by its published number.
    pub input_type: i64,
    /// The input.
    pub input: SmolStr,
    /// The node it came to.
    pub node: SmolStr,
    /// The recorded answer.
    pub old: Answer,
    /// The new script's; `None` where nobody knows.
    pub new: Option<Answer>,
    /// How they differ.
    pub kinds: Kinds,
    /// Whether the caller would have come here.
    pub sureness: Sureness,
}

/// Whether a turn of the recording would have happened with the new script too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sureness {
    /// All that the caller heard before was the same.
    Sure,
    /// The caller had heard the same answers, one of them in other words.
    OtherWords,
    /// The caller had heard something else, or nobody knows.
    Unknown,
}

/// What the robot answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// `response_type`, by its published number.
    pub kind: i64,
    /// `matching_method`, by its published number.
    pub method: i64,
    /// The node or prompt.
    pub id: SmolStr,
    /// Its name.
    pub description: SmolStr,
    /// Its action.
    pub action: SmolStr,
    /// The keyword that matched.
    pub keyword: SmolStr,
    /// What is said.
    pub text: SmolStr,
    /// The intent mark.
    pub mark: SmolStr,
}

impl From<&Recorded> for Answer {
    fn from(row: &Recorded) -> Self {
        Self {
            kind: row.response_type,
            method: row.matching_method,
            id: row.response_id.clone(),
            description: row.response_description.clone(),
            action: row.response_action.clone(),
            keyword: row.matching_keyword.clone(),
            text: row.response_text.clone(),
            mark: row.potential.clone(),
        }
    }
}

impl Answer {
    /// In a few words: what answers, and by what.
    #[must_use]
    pub fn brief(&self) -> String {
        let named = match self.kind {
            0 => "nothing".into(),
            3 => format!("mismatch at {}", self.id),
            5 => format!("no-input prompt of {}", self.id),
            8 => "noise".into(),
            9 => "nothing, interruption is forbidden".into(),
            10 => "hang-up for want of a way on".into(),
            _ => self.id.to_string(),
        };
        if self.keyword.is_empty() { named } else { format!("{named} by \"{}\"", self.keyword) }
    }
}

impl Verdict {
    /// A call of which nothing is known yet.
    pub(super) fn of(recording: &Recording) -> Self {
        let end = recording.end();
        Self {
            callid: recording.callid.clone(),
            began: recording.began(),
            rows: recording.rows.len(),
            compared: 0,
            kinds: Kinds::default(),
            later: Kinds::default(),
            first: None,
            diverged: None,
            unknown: None,
            label: [end.map(|row| row.potential.clone()), None],
            end: [end.map(|row| row.input_args.clone()), None],
            turns: Vec::new(),
        }
    }

    /// The call in a word.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if self.kinds.is_change() {
            Outcome::Changed
        } else if self.unknown.is_some() {
            Outcome::Unknown
        } else {
            Outcome::Same
        }
    }

    /// How bad it is, for sorting the worst first: by what differs, then by how early it does.
    #[must_use]
    pub fn badness(&self) -> (u64, u64) {
        let weights = [
            (Kinds::LABEL, 64),
            (Kinds::END, 32),
            (Kinds::ANSWER, 16),
            (Kinds::NO_ROW, 8),
            (Kinds::ARGUMENT, 4),
            (Kinds::WORDS, 2),
        ];
        let held = weights.iter().filter(|(kind, _)| self.kinds.any_of(*kind));
        let weight: u64 = held.map(|(_, weight)| weight).sum();
        let early = self.first.and_then(|row| u64::try_from(row).ok()).unwrap_or(u64::MAX);
        (weight + u64::from(self.kinds.is_change()), u64::MAX - early)
    }
}
