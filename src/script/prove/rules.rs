//! The rules of the prover, and who has switched which of them off, and why.

use std::collections::BTreeMap;

use crate::script::problem::Severity;

/// A rule that a script is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, by which it is switched off.
    pub id: &'static str,
    /// How bad a break is, unless somebody says otherwise.
    pub severity: Severity,
    /// What breaks it, in a sentence.
    pub about: &'static str,
}

const fn warning(id: &'static str, about: &'static str) -> Rule {
    Rule { id, severity: Severity::Warning, about }
}

const fn note(id: &'static str, about: &'static str) -> Rule {
    Rule { id, severity: Severity::Note, about }
}

/// Every rule, by name. Those that loading itself tells of are among them.
pub const RULES: [Rule; 22] = [
    Rule {
        id: BAD_SETTING,
        severity: Severity::Error,
        about: "A rule is switched by a name, severity or reason that is none.",
    },
    warning("dead-end", "A node has no way on."),
    warning("empty-pattern", "A pattern fits the empty text, which never counts as a match."),
    warning("loop-without-exit", "Nodes lead to one another and never to an end of the call."),
    warning("missing-audio", "An audio file is named and not there."),
    warning("no-silence-edge", "A node has no edge for a caller who says nothing."),
    warning("orphan-category", "No node that a call reaches links a knowledge category."),
    warning("orphan-prompt", "No knowledge category lists a prompt."),
    note("redundant-keyword", "A keyword contains another one of the same edge or prompt."),
    warning("same-keyword", "Two edges of a node have the same keyword."),
    warning("silent-loop", "A caller who says nothing goes round for ever."),
    note("swallowed-complete", "An end of the action that an earlier edge always takes."),
    warning("swallowed-edge", "Every condition of an edge is taken by earlier ones."),
    note("swallowed-key", "Keys that an earlier edge always takes."),
    note("swallowed-keyword", "A keyword whose every sentence an earlier keyword answers."),
    warning("swallowed-node", "Every keyword of a global node is taken wherever it is linked."),
    warning("swallowed-prompt", "Every keyword of a prompt is taken wherever it is linked."),
    warning("text-too-long", "A text does not fit its column of the rows and is cut."),
    warning(
        "unlinked-global",
        "A global node that is linked nowhere, or a link to no global node.",
    ),
    warning("unreachable-node", "No call ever comes to a node."),
    warning("used-up-way", "All ways on can be used up, and then the robot hangs up."),
    note("unfinished", "The script is too large to be looked at whole."),
];

/// The rule of this name.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// How a rule is to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How bad a break is; `None` = it is not told.
    pub severity: Option<Severity>,
    /// Why.
    pub reason: String,
}

/// How rules are to be taken, by their names.
pub type Settings = BTreeMap<String, Setting>;

/// Reads a setting as it is written: `off`, `note`, `warning` or `error`, and why.
///
/// # Errors
/// What is wrong with it: no such rule, no such severity, no reason for switching it off.
pub fn setting(id: &str, severity: &str, reason: &str) -> Result<Setting, String> {
    if rule(id).is_none_or(|rule| rule.id == BAD_SETTING) {
        let known = RULES.iter().map(|rule| rule.id).filter(|id| *id != BAD_SETTING);
        let known: Vec<_> = known.collect();
        return Err(format!("there is no rule \"{id}\"; there are: {}", known.join(", ")));
    }
    let severity = match severity {
        "off" => None,
        "note" => Some(Severity::Note),
        "warning" => Some(Severity::Warning),
        "error" => Some(Severity::Error),
        other => {
            let known = "off, note, warning, error";
            return Err(format!("\"{other}\" is no severity; there are: {known}"));
        }
    };
    let reason = reason.trim().to_owned();
    if severity.is_none() && reason.is_empty() {
        return Err(format!("{id} is switched off without a reason"));
    }
    Ok(Setting { severity, reason })
}

/// The rule that can't be switched off: how rules are switched.
pub(super) const BAD_SETTING: &str = "bad-setting";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_once_and_settings_need_a_reason() {
        for (at, one) in RULES.iter().enumerate() {
            assert!(RULES[at + 1..].iter().all(|other| other.id != one.id), "{}", one.id);
        }
        let off = setting("silent-loop", "off", "it is a test line").unwrap();
        assert_eq!(off.severity, None);
        assert_eq!(setting("silent-loop", "error", "").unwrap().severity, Some(Severity::Error));
        for (id, severity, reason) in [
            ("silent-loop", "off", " "),
            ("silent-loop", "loud", "why"),
            ("noisy-loop", "off", "why"),
            ("bad-setting", "off", "why"),
        ] {
            assert!(setting(id, severity, reason).is_err(), "{id} {severity}");
        }
    }
}
