//! Intent marks and the classify row (E80, E81).

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::input::EndReason;
use super::row::Classify;
use super::time::Now;
use crate::script::{Potential, PotentialKind};

/// What set the call's label: `label_hit_type` (E81).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelledBy {
    Node,
    Prompt,
}

/// What a call's classify row is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    /// The row as it would be written now, but for what only the end knows.
    row: Classify,
}

impl Intent {
    /// A finished sentence or digits reached matching.
    pub(super) fn responded(&mut self) {
        self.row.respond_count += 1;
    }

    /// A condition with this weight was hit.
    pub(super) fn hit(&mut self, weight: i64) {
        let sum = if weight > 0 {
            &mut self.row.positive_respond_count
        } else {
            &mut self.row.passive_respond_count
        };
        *sum = sum.saturating_add(weight.saturating_abs());
    }

    /// A prompt of the knowledge base answered.
    pub(super) fn answered_by_kb(&mut self) {
        self.row.trigger_kb += 1;
    }

    /// A global node answered.
    pub(super) fn answered_by_global(&mut self) {
        self.row.trigger_global_flow += 1;
    }

    /// A node or prompt with this mark was executed.
    pub(super) fn mark(&mut self, potential: &Potential, id: &SmolStr, by: LabelledBy) {
        match potential.kind {
            PotentialKind::None => {}
            PotentialKind::Number(number) => {
                let sum = if number > 0 {
                    &mut self.row.intentional_count
                } else {
                    &mut self.row.unintentional_count
                };
                *sum = sum.saturating_add(number.saturating_abs());
            }
            PotentialKind::Label => {
                self.row.label_result = potential.raw.clone();
                self.row.label_hit_id = id.clone();
                self.row.label_hit_type = match by {
                    LabelledBy::Node => 1,
                    LabelledBy::Prompt => 2,
                };
            }
        }
    }

    /// The call's label so far.
    pub(super) fn label(&self) -> &SmolStr {
        &self.row.label_result
    }

    /// The row so far.
    pub(super) fn so_far(&self) -> &Classify {
        &self.row
    }

    /// The row of a call that ends now.
    pub(super) fn at_end(
        &self,
        callid: &SmolStr,
        started: Now,
        now: Now,
        reason: EndReason,
    ) -> Classify {
        let talk_time = now.tick.ms_since(started.tick) / 1000;
        Classify {
            callid: callid.clone(),
            talk_time: i64::try_from(talk_time).unwrap_or(i64::MAX),
            proactively_hangup: i64::from(reason == EndReason::SendBye),
            ..self.row.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(raw: &str, kind: PotentialKind) -> Potential {
        Potential { raw: raw.into(), kind }
    }

    /// E80, E81: sums of weights and marks by their sign, and the last label with what set it.
    #[test]
    fn sums_and_the_last_label() {
        let mut intent = Intent::default();
        for weight in [2, -3, 1, 0] {
            intent.hit(weight);
        }
        intent.mark(&mark("+4", PotentialKind::Number(4)), &"F1".into(), LabelledBy::Node);
        intent.mark(&mark("-1", PotentialKind::Number(-1)), &"F2".into(), LabelledBy::Node);
        intent.mark(&mark("A", PotentialKind::Label), &"F3".into(), LabelledBy::Node);
        intent.mark(&mark("b", PotentialKind::Label), &"P1".into(), LabelledBy::Prompt);
        let started = Now::default();
        let row = intent.at_end(&"call".into(), started, started.plus_ms(2999), EndReason::SendBye);
        assert_eq!((row.positive_respond_count, row.passive_respond_count), (3, 3));
        assert_eq!((row.intentional_count, row.unintentional_count), (4, 1));
        assert_eq!((row.label_result.as_str(), row.label_hit_id.as_str()), ("b", "P1"));
        assert_eq!((row.label_hit_type, row.talk_time, row.proactively_hangup), (2, 2, 1));
    }
}
