//! Label rules: what a call is called if no node or prompt said (E82).

use std::cmp::Ordering;

use jsonc_parser::ast::Value;
use smol_str::SmolStr;

use super::check::Loader;
use super::raw::{Fields, span_of};

/// A rule of the top-level `classify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRule {
    /// Its name: `label_hit_id`.
    pub id: SmolStr,
    /// The label it gives.
    pub label: SmolStr,
    /// All of these must hold; none = true.
    pub all: Vec<Test>,
    /// One of these must hold; none = true.
    pub any: Vec<Test>,
}

/// A comparison of something about the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// A column of `classify`, `visited`, `end_reason`, or a call variable.
    pub field: SmolStr,
    /// How it is compared.
    pub op: Op,
    /// With what, as written; several for `in`.
    pub values: Vec<SmolStr>,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `in`: it is one of the values.
    In,
    /// `contains`: the value is in it.
    Contains,
}

/// Something about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A count.
    Number(i64),
    /// A text.
    Text(SmolStr),
    /// Names: the nodes and prompts that were visited.
    Names(Vec<SmolStr>),
}

impl Op {
    /// The comparison that an author writes so.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        Some(match written {
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::More,
            ">=" => Self::AtLeast,
            "in" => Self::In,
            "contains" => Self::Contains,
            _ => return None,
        })
    }
}

impl LabelRule {
    /// Whether the rule holds for a call of which `fact` tells.
    pub fn holds(&self, fact: impl Fn(&str) -> Fact) -> bool {
        let holds = |test: &Test| test.holds(&fact(&test.field));
        self.all.iter().all(holds) && (self.any.is_empty() || self.any.iter().any(holds))
    }
}

impl Test {
    /// Whether it holds for a variable's value. Numbers are compared as numbers; a value that is
    /// none is never less or more than one.
    #[must_use]
    pub fn holds_for_variable(&self, value: &str) -> bool {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        let equals = |wanted: &SmolStr| {
            let same = number(value).zip(number(wanted)).map(|(value, wanted)| value == wanted);
            same.unwrap_or(value == wanted.as_str())
        };
        let Some(first) = self.values.first() else { return false };
        let order = match (number(value), number(first)) {
            (Some(value), Some(wanted)) => value.partial_cmp(&wanted),
            (None, None) => Some(value.cmp(first)),
            _ => None,
        };
        match self.op {
            Op::Equal => equals(first),
            Op::NotEqual => !equals(first),
            Op::In => self.values.iter().any(equals),
            Op::Contains => value.contains(first.as_str()),
            Op::Less => order.is_some_and(Ordering::is_lt),
            Op::AtMost => order.is_some_and(Ordering::is_le),
            Op::More => order.is_some_and(Ordering::is_gt),
            Op::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }

    fn holds(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Names(names) => {
                let has_one = self.values.iter().any(|value| names.contains(value));
                has_one != (self.op == Op::NotEqual)
            }
            Fact::Number(number) => self.holds_for_number(*number),
            Fact::Text(text) => self.holds_for_text(text),
        }
    }

    fn holds_for_number(&self, number: i64) -> bool {
        let mut wanted = self.values.iter().filter_map(|value| value.trim().parse::<i64>().ok());
        if self.op == Op::In {
            return wanted.any(|value| value == number);
        }
        let Some(value) = wanted.next() else { return false };
        match self.op {
            Op::Equal | Op::In | Op::Contains => number == value,
            Op::NotEqual => number != value,
            Op::Less => number < value,
            Op::AtMost => number <= value,
            Op::More => number > value,
            Op::AtLeast => number >= value,
        }
    }

    fn holds_for_text(&self, text: &SmolStr) -> bool {
        let Some(value) = self.values.first() else { return false };
        match self.op {
            Op::Equal => text == value,
            Op::NotEqual => text != value,
            Op::In => self.values.contains(text),
            Op::Contains => text.contains(value.as_str()),
            Op::Less => text < value,
            Op::AtMost => text <= value,
            Op::More => text > value,
            Op::AtLeast => text >= value,
        }
    }
}

/// What a test compares: the key it is named by, and the names there are.
pub(super) struct Subject {
    key: &'static str,
    /// None = any name.
    names: &'static [&'static str],
}

/// A call variable, in `when` of a `branch` node's edges (E20).
pub(super) const VARIABLE: Subject = Subject { key: "var", names: &[] };

/// What a label rule can ask about: the columns of `classify`, and two facts more.
const CALL: Subject = Subject { key: "field", names: &FIELDS };
pub(super) const FIELDS: [&str; 11] = [
    "talk_time",
    "respond_count",
    "positive_respond_count",
    "passive_respond_count",
    "intentional_count",
    "unintentional_count",
    "trigger_kb",
    "trigger_global_flow",
    "proactively_hangup",
    "visited",
    "end_reason",
];

impl<'a> Loader<'_, 'a> {
    /// Reads the top-level `classify`.
    pub(super) fn label_rules(&mut self, fields: &Fields<'a, '_>) -> Vec<LabelRule> {
        let rules = self.list(fields, "classify");
        rules.iter().filter_map(|rule| self.label_rule(rule)).collect()
    }

    fn label_rule(&mut self, value: &Value<'a>) -> Option<LabelRule> {
        let fields = self.reader.object(value, "a rule of classify")?;
        let rule = LabelRule {
            id: self.short(&fields, "id"),
            label: self.short(&fields, "label"),
            all: self.tests(&fields, "all", CALL),
            any: self.tests(&fields, "any", CALL),
        };
        self.unknown(&fields, "a rule of classify");
        if rule.label.is_empty() {
            let hint = "write \"label\": \"A\"";
            self.reader.error(span_of(value), "a rule of classify gives no label", hint);
            return None;
        }
        Some(rule)
    }

    /// Reads a list of comparisons.
    pub(super) fn tests(
        &mut self,
        fields: &Fields<'a, '_>,
        name: &str,
        subject: Subject,
    ) -> Vec<Test> {
        let tests = self.list(fields, name);
        tests.iter().filter_map(|test| self.test(test, &subject)).collect()
    }

    fn test(&mut self, value: &Value<'a>, subject: &Subject) -> Option<Test> {
        let fields = self.reader.object(value, "a test")?;
        let field = self.short(&fields, subject.key);
        let op = self.short(&fields, "op");
        let values = match fields.get("value") {
            Some(list @ Value::Array(_)) => self.reader.texts(Some(list), "value"),
            one => self.reader.text(one, "value").into_iter().collect(),
        };
        let values = values.into_iter().map(|value| value.text.into()).collect();
        self.unknown(&fields, "a test");
        if field.is_empty() {
            let message = format!("a test names no {}", subject.key);
            let hint = format!("write \"{}\": \"…\"", subject.key);
            self.reader.error(span_of(value), message, hint);
            return None;
        }
        if !subject.names.is_empty() && !subject.names.contains(&field.as_str()) {
            let message = format!("a rule asks for \"{field}\", which is nothing of a call");
            let hint = format!("there are: {}", subject.names.join(", "));
            self.reader.error(fields.span(subject.key), message, hint);
            return None;
        }
        let Some(op) = Op::parse(&op) else {
            let message = format!("\"{op}\" is no comparison");
            let hint = "there are: == != < <= > >= in contains";
            self.reader.error(fields.span("op"), message, hint);
            return None;
        };
        Some(Test { field, op, values })
    }

    /// The entries of a list; absent and null have none.
    pub(super) fn list<'b>(&mut self, fields: &Fields<'a, 'b>, name: &str) -> &'b [Value<'a>] {
        match fields.get(name) {
            Some(Value::Array(list)) => &list.elements,
            None | Some(Value::NullKeyword(_)) => &[],
            Some(other) => {
                self.reader.wrong_type(other, name, "a list [ … ]");
                &[]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(field: &str, op: &str, values: &[&str]) -> Test {
        let values = values.iter().map(|value| (*value).into()).collect();
        Test { field: field.into(), op: Op::parse(op).expect("an operator"), values }
    }

    fn fact(field: &str) -> Fact {
        match field {
            "positive_respond_count" => Fact::Number(2),
            "visited" => Fact::Names(["F1", "P2"].map(Into::into).into()),
            _ => Fact::Text("recv_bye".into()),
        }
    }

    /// E82: every operator on counts, texts and names.
    #[test]
    fn tests_compare_counts_texts_and_names() {
        for (field, op, values, expected) in [
            ("positive_respond_count", ">=", &["2"][..], true),
            ("positive_respond_count", ">", &["2"], false),
            ("positive_respond_count", "<", &["3"], true),
            ("positive_respond_count", "<=", &["1"], false),
            ("positive_respond_count", "==", &["2"], true),
            ("positive_respond_count", "!=", &["2"], false),
            ("positive_respond_count", "in", &["1", "2"], true),
            ("positive_respond_count", "==", &["two"], false),
            ("end_reason", "==", &["recv_bye"], true),
            ("end_reason", "in", &["send_bye", "recv_bye"], true),
            ("end_reason", "contains", &["bye"], true),
            ("end_reason", "!=", &["send_bye"], true),
            ("visited", "contains", &["P2"], true),
            ("visited", "in", &["F7", "F1"], true),
            ("visited", "!=", &["F1"], false),
            ("visited", "contains", &["F9"], false),
        ] {
            assert_eq!(test(field, op, values).holds(&fact(field)), expected, "{field} {op}");
        }
    }

    /// E82, R27: `all` and `any` must both hold; an absent one does.
    #[test]
    fn all_and_any_must_both_hold() {
        let (yes, no) = (test("visited", "==", &["F1"]), test("visited", "==", &["F9"]));
        let rule = |all: &[&Test], any: &[&Test]| LabelRule {
            id: "r".into(),
            label: "A".into(),
            all: all.iter().map(|test| (*test).clone()).collect(),
            any: any.iter().map(|test| (*test).clone()).collect(),
        };
        assert!(rule(&[], &[]).holds(fact));
        assert!(rule(&[&yes], &[&no, &yes]).holds(fact));
        assert!(!rule(&[&yes, &no], &[&yes]).holds(fact));
        assert!(!rule(&[&yes], &[&no]).holds(fact));
    }
}
