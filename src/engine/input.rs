//! What can happen to a call, as the engine sees it.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::request::{Outcome, RequestId};
use super::time::Wall;
use crate::script::DIGITS_MAX;

/// Something that happened to the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// The caller said something, or the recogniser failed to hear it.
    Text(Heard),
    /// The caller pressed a key or several.
    Dtmf {
        /// The action it belongs to; `None` = the one in force.
        appid: Option<SmolStr>,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        digits: SmolStr,
        /// How long the audio had been playing, ms (E91).
        play_time_ms: i64,
    },
    /// The action ended.
    Complete {
        /// The action; `None` = the one in force.
        appid: Option<SmolStr>,
        /// `DONE()`, `TIMEOUT()`, … (E75).
        args: SmolStr,
    },
    /// A service answered, or did not.
    Answer {
        /// The question's id.
        id: RequestId,
        /// The answer, or why there is none.
        outcome: Outcome,
    },
    /// The line is gone. What was being said comes before, as COMPLETE `HANGUP(…)` (E76).
    Ended(EndReason),
}

/// A piece of speech.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The action it was said to; `None` = the one in force.
    pub appid: Option<SmolStr>,
    /// With its prefix letters: `F有的。`, `PSyes` (E40).
    pub text: SmolStr,
    /// When the caller began to speak.
    pub start: Wall,
    /// How long the caller spoke, ms.
    pub duration_ms: i64,
    /// How long the audio had been playing, ms; negative if it had ended before (E91).
    pub play_time_ms: i64,
    /// The recording it is in, or empty.
    pub record: SmolStr,
}

/// Bytes of a text or of a COMPLETE's argument; what is longer nobody can have said in one action,
/// and is cut, so that no flood of words fills rows, variables or the memory (N21).
pub const INPUT_BYTES_MAX: usize = 8 << 10;

impl Input {
    /// The same input, no larger than an input may be.
    pub(super) fn bounded(mut self) -> Self {
        let (text, bytes) = match &mut self {
            Self::Text(heard) => (&mut heard.text, INPUT_BYTES_MAX),
            Self::Dtmf { digits, .. } => (digits, DIGITS_MAX),
            Self::Complete { args, .. } => (args, INPUT_BYTES_MAX),
            // Whoever brings an answer bounds it: it may be longer than what is said.
            Self::Answer { .. } | Self::Ended(_) => return self,
        };
        if text.len() > bytes {
            *text = text.get(..text.floor_char_boundary(bytes)).unwrap_or_default().into();
        }
        self
    }
}

/// Why a call ended: DESTORY's `input_args` (E16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The robot hung up.
    SendBye,
    /// The caller hung up.
    RecvBye,
    /// Somebody did.
    Hangup,
    /// The robot sent the caller elsewhere.
    Transfer,
    /// A limit of ours refused or ended the call.
    Limit,
    /// The robot handed the caller to a person.
    Manual,
}

impl EndReason {
    /// As it stands in the row.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendBye => "send_bye",
            Self::RecvBye => "recv_bye",
            Self::Hangup => "hangup",
            Self::Transfer => "transfer",
            Self::Limit => "limit",
            Self::Manual => "manual",
        }
    }

    /// The reason a switch or a rehearsal names; `None` for any other word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::SendBye, Self::RecvBye, Self::Hangup, Self::Transfer, Self::Limit, Self::Manual]
            .into_iter()
            .find(|reason| reason.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N21: what is too long is cut at a character; what fits is left alone.
    #[test]
    fn an_input_is_bounded_n21() {
        let complete = |args: &str| Input::Complete { appid: None, args: args.into() };
        let fits = complete(&"a".repeat(INPUT_BYTES_MAX));
        assert_eq!(fits.clone().bounded(), fits);
        let long = complete(&"я".repeat(INPUT_BYTES_MAX));
        assert_eq!(long.bounded(), complete(&"я".repeat(INPUT_BYTES_MAX / 2)));
        let keys = |keys: &str| Input::Dtmf { appid: None, digits: keys.into(), play_time_ms: 0 };
        assert_eq!(keys(&"1".repeat(99)).bounded(), keys(&"1".repeat(DIGITS_MAX)));
    }

    /// E16: every reason is read as it is written.
    #[test]
    fn reasons_are_read_as_they_are_written_e16() {
        for word in ["send_bye", "recv_bye", "hangup", "transfer", "limit", "manual"] {
            assert_eq!(EndReason::parse(word).map(EndReason::as_str), Some(word));
        }
        assert_eq!(EndReason::parse("bye"), None);
    }
}
