//! One recorded row beside the row that the new script would write.

use std::fmt;

use crate::engine::{InputType, Method, Recorded};

/// Stands for the value of a variable that the rows don't tell: in a text it may be anything. A sign
/// of the private use area, which nobody's script has a use for.
pub const UNKNOWN: char = '\u{E000}';

/// In which ways two rows differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kinds(u16);

impl Kinds {
    /// The script has no row here, or has one for another input.
    pub const NO_ROW: Self = Self(1);
    /// Another node or prompt answers, by another step of the search, or with another action.
    pub const ANSWER: Self = Self(1 << 1);
    /// The same answer in other words.
    pub const WORDS: Self = Self(1 << 2);
    /// The same answer with another argument.
    pub const ARGUMENT: Self = Self(1 << 3);
    /// The same answer by another keyword or condition.
    pub const MATCH: Self = Self(1 << 4);
    /// Another weight.
    pub const WEIGHT: Self = Self(1 << 5);
    /// Another intent mark.
    pub const MARK: Self = Self(1 << 6);
    /// Another final label.
    pub const LABEL: Self = Self(1 << 7);
    /// The call ends otherwise.
    pub const END: Self = Self(1 << 8);
    /// Another node is in force.
    pub const NODE: Self = Self(1 << 9);
    /// Another count in `repetition`; alone it is no change that anybody hears of.
    pub const COUNT: Self = Self(1 << 10);

    /// Every kind with its name, the worst first.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::LABEL, "label"),
        (Self::END, "end"),
        (Self::ANSWER, "answer"),
        (Self::NO_ROW, "row"),
        (Self::ARGUMENT, "argument"),
        (Self::WORDS, "words"),
        (Self::NODE, "node"),
        (Self::MARK, "mark"),
        (Self::WEIGHT, "weight"),
        (Self::MATCH, "match"),
        (Self::COUNT, "count"),
    ];

    /// No difference at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True if any of these is among them.
    #[must_use]
    pub fn any_of(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// These and the others.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These without the others.
    #[must_use]
    pub fn but(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// True if somebody would notice: all but [`Kinds::COUNT`] alone.
    #[must_use]
    pub fn is_change(self) -> bool {
        !self.but(Self::COUNT).is_empty()
    }

    fn when(self, differs: bool) -> Self {
        if differs { self } else { Self::default() }
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().filter(|(kind, _)| self.any_of(*kind));
        f.write_str(&named.map(|(_, name)| *name).collect::<Vec<_>>().join(", "))
    }
}

/// Characters that the published columns hold (E92).
const NAME: usize = 50;
const CONDITION: usize = 256;
const ARGUMENTS: usize = 2_048;
const WORDS: usize = 8_192;
/// The same for `input_args`.
pub(super) const INPUT: usize = 1_024;

/// How the row of the new script differs from the recorded one.
pub(super) fn compare(old: &Recorded, new: &Recorded) -> Kinds {
    let is_first = old.is(InputType::Create) && new.is(InputType::Create);
    let is_last = old.is(InputType::Destroy) && new.is(InputType::Destroy);
    // CREATE names the script and its version, which may be another.
    let same_input = old.input_type == new.input_type
        && (is_first || is_last || same(&old.input_args, &new.input_args, INPUT));
    if !same_input {
        return Kinds::NO_ROW;
    }
    let same_answer = old.response_type == new.response_type
        && same(&old.response_id, &new.response_id, NAME)
        && same(&old.response_action, &new.response_action, NAME);
    let by_pattern = old.matching_method == Method::Regex.number();
    let same_match = old.matching_method == new.matching_method
        && same(&old.matching_keyword, &new.matching_keyword, NAME)
        && same(&old.condition_id, &new.condition_id, NAME)
        && (!by_pattern || same(&old.matching_condition, &new.matching_condition, CONDITION));
    let mark = if is_last { Kinds::LABEL } else { Kinds::MARK };
    Kinds::ANSWER
        .when(!same_answer)
        .and(Kinds::MATCH.when(!same_match))
        .and(Kinds::WORDS.when(!same(&old.response_text, &new.response_text, WORDS)))
        .and(Kinds::ARGUMENT.when(!same(&old.response_args, &new.response_args, ARGUMENTS)))
        .and(Kinds::WEIGHT.when(old.condition_weight != new.condition_weight))
        .and(mark.when(!same(&old.potential, &new.potential, NAME)))
        .and(Kinds::END.when(is_last && old.input_args != new.input_args))
        .and(Kinds::NODE.when(!same(&old.current_flowid, &new.current_flowid, NAME)))
        .and(Kinds::COUNT.when(old.repetition != new.repetition))
}

/// True if a column of so many characters could hold `old` for what is `new`: it may be cut (E92), have
/// U+FFFD for what its character set has not (I7), and a value that nobody knows may be any.
pub(super) fn same(old: &str, new: &str, chars: usize) -> bool {
    if old == new {
        return true;
    }
    let is_cut = old.chars().nth(chars - 1).is_some();
    let is_odd = old.contains(char::REPLACEMENT_CHARACTER) || new.contains(UNKNOWN);
    (is_cut || is_odd) && fits(old, new, is_cut)
}

/// A walk with one place to go back to: the last value that may be any.
fn fits(old: &str, new: &str, is_cut: bool) -> bool {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let (mut at, mut to) = (0, 0);
    let mut back = None;
    loop {
        match (old.get(at), new.get(to)) {
            (None, None) => return true,
            (None, Some(_)) if is_cut => return true,
            (_, Some(&UNKNOWN)) => {
                to += 1;
                back = Some((at, to));
            }
            (Some(old), Some(new)) if is_written_as(*new, *old) => {
                at += 1;
                to += 1;
            }
            _ => match back {
                Some((from, after)) if from < old.len() => {
                    (at, to) = (from + 1, after);
                    back = Some((from + 1, after));
                }
                _ => return false,
            },
        }
    }
}

fn is_written_as(meant: char, written: char) -> bool {
    meant == written || (written == char::REPLACEMENT_CHARACTER && meant.len_utf8() == 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E92, I7, E22: what the table or the unknown made of a text is no difference.
    #[test]
    fn what_a_column_makes_of_a_text_is_the_same_text() {
        assert!(same("有的", "有的", 50));
        assert!(!same("有的", "有的。", 50));
        assert!(same("有的", "有的。", 2), "cut");
        assert!(!same("没有", "有的。", 2));
        assert!(same("好\u{fffd}", "好😀", 50));
        assert!(!same("好\u{fffd}", "好好", 50));
        let unknown = format!("Hello {UNKNOWN}, bye {UNKNOWN}");
        assert!(same("Hello Ann, bye Ann, bye Bo", &unknown, 50));
        assert!(same("Hello , bye ", &unknown, 50), "a variable may be empty");
        assert!(!same("Hallo Ann, bye Ann", &unknown, 50));
        assert!(!same("Hello Ann", &format!("{UNKNOWN}!"), 50));
    }

    #[test]
    fn kinds_are_named_worst_first() {
        let kinds = Kinds::MATCH.and(Kinds::LABEL).and(Kinds::COUNT);
        assert_eq!(kinds.to_string(), "label, match, count");
        assert!(kinds.is_change() && !Kinds::COUNT.is_change());
    }
}
