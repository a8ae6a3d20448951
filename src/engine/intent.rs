//! Intent marks and the classify row (E80, E81).

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::input::EndReason;
use super::row::{Classify, Field};
use super::time::Now;
use crate::script::{Fact, LabelRule, Potential, PotentialKind};

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

    /// The row of a call that ends now.
    pub(super) fn at_end(&self, end: &End<'_>) -> Classify {
        let talk_time = end.now.tick.ms_since(end.started.tick) / 1000;
        let mut row = Classify {
            callid: end.callid.clone(),
            talk_time: i64::try_from(talk_time).unwrap_or(i64::MAX),
            proactively_hangup: i64::from(end.reason == EndReason::SendBye),
            ..self.row.clone()
        };
        if row.label_result.is_empty() {
            let rule = end.rules.iter().find(|rule| rule.holds(|field| end.fact(&row, field)));
            if let Some(rule) = rule {
                row.label_result = rule.label.clone();
                row.label_hit_id = rule.id.clone();
                row.label_hit_type = 3;
            }
        }
        row
    }
}

/// What only the end of a call knows.
pub(super) struct End<'a> {
    pub(super) callid: &'a SmolStr,
    pub(super) started: Now,
    pub(super) now: Now,
    pub(super) reason: EndReason,
    pub(super) rules: &'a [LabelRule],
    /// The nodes and prompts that were executed.
    pub(super) visited: Vec<SmolStr>,
}

impl End<'_> {
    /// What a label rule asks for (E82).
    fn fact(&self, row: &Classify, field: &str) -> Fact {
        match field {
            "visited" => Fact::Names(self.visited.clone()),
            "end_reason" => Fact::Text(SmolStr::new_static(self.reason.as_str())),
            _ => {
                let fields = row.fields();
                let column = fields.iter().find(|(name, _)| *name == field);
                match column.map(|(_, value)| *value) {
                    Some(Field::Int(number)) => Fact::Number(number),
                    _ => Fact::Text(SmolStr::default()),
                }
            }
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
        let row = intent.at_end(&End {
            callid: &"call".into(),
            started,
            now: started.plus_ms(2999),
            reason: EndReason::SendBye,
            rules: &[],
            visited: Vec::new(),
        });
        assert_eq!((row.positive_respond_count, row.passive_respond_count), (3, 3));
        assert_eq!((row.intentional_count, row.unintentional_count), (4, 1));
        assert_eq!((row.label_result.as_str(), row.label_hit_id.as_str()), ("b", "P1"));
        assert_eq!((row.label_hit_type, row.talk_time, row.proactively_hangup), (2, 2, 1));
    }
}
