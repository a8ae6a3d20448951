//! Services that answer, answer late, again, with lies, or never.

use telephonist::engine::{Ask, AskKind, Outcome, RequestId, WebAnswer};

use super::dice::Dice;
use super::scripts::WORDS;

/// What was asked in one call.
#[derive(Debug, Default)]
pub(crate) struct Services {
    asked: Vec<Ask>,
}

impl Services {
    pub(crate) fn ask(&mut self, ask: Ask) {
        let known = self.asked.iter().any(|other| other.id == ask.id);
        assert!(!known, "every question has a number of its own");
        self.asked.push(ask);
    }

    pub(crate) fn kinds(&self) -> Vec<AskKind> {
        self.asked.iter().map(|ask| ask.kind).collect()
    }

    /// The next answer, if any comes: mostly to the newest question, sometimes to one that has been
    /// answered or that nobody asked.
    pub(crate) fn next(&self, dice: &mut Dice) -> Option<(RequestId, Outcome)> {
        let newest = self.asked.last()?;
        let ask = match dice.roll(6) {
            0 => &self.asked[dice.roll(self.asked.len())],
            _ => newest,
        };
        let id = if dice.roll(12) == 0 { RequestId(99) } else { ask.id };
        Some((id, outcome(dice, ask.kind)))
    }
}

/// Any answer to such a question, sense and nonsense alike.
pub(crate) fn outcome(dice: &mut Dice, kind: AskKind) -> Outcome {
    let status = dice.pick(&[200, 200, 200, 204, 404, 500]);
    let body = match (kind, dice.roll(8)) {
        (_, 0) => return Err(dice.pick(&["timeout", "refused", ""]).into()),
        (_, 1) => {
            dice.pick(&["", "not json", "[[[[", "{\"keyword\":7}", "null", "\"x\""]).to_owned()
        }
        (_, 2) => format!("{{\"a\":\"{}\"}}", "я".repeat(dice.roll(9_000))),
        (AskKind::Nlp, _) => {
            format!("{{\"keyword\":\"{}\",\"description\":\"d\"}}", dice.pick(&WORDS))
        }
        (AskKind::Http, _) => {
            format!(
                "{{\"name\":\"{}\",\"n\":{},\"list\":[1,{{\"x\":null}}]}}",
                dice.pick(&WORDS),
                dice.roll(4)
            )
        }
        (AskKind::Flow, _) => {
            let action = dice.pick(&[
                "\"\"",
                "null",
                "\"cti_play_and_detect_speech\"",
                "\"cti_play_and_detect_speech\"",
                "\"playback\"",
                "\"transfer\"",
                "\"hangup\"",
                "\"odd\"",
            ]);
            let playbacks = dice.pick(&["[]", "[\"a.wav\"]", "[\"a\",\"b\"]", "null"]);
            format!("{{\"action\":{action},\"argument\":\"1 2\",\"playbacks\":{playbacks}}}")
        }
    };
    Ok(WebAnswer { status, body })
}
