//! What a script says of the prover's rules, and what follows from it.

use super::rules::{BAD_SETTING, Settings, rule, setting};
use super::{Case, Finding};
use crate::script::problem::Problem;
use crate::script::raw::Reader;

/// Reads the script's own `check`.
pub(super) fn read<'a>(case: &mut Case<'a>, reader: &mut Reader<'a>, settings: &mut Settings) {
    let source = case.source;
    let Some(check) = &source.check else { return };
    for (name, value) in check.all() {
        let fields = reader.object(value, "");
        let text = |key| {
            let value = fields.as_ref().and_then(|fields| fields.get(key));
            match value {
                Some(jsonc_parser::ast::Value::StringLit(text)) => text.value.to_string(),
                _ => String::new(),
            }
        };
        let unknown = fields.iter().flat_map(|fields| fields.all()).map(|(key, _)| key.text);
        let unknown = unknown.filter(|key| !matches!(*key, "severity" | "reason"));
        let read = match unknown.take(1).next() {
            Some(key) => Err(format!("unknown key \"{key}\" in the setting of {}", name.text)),
            None => setting(name.text, &text("severity"), &text("reason")),
        };
        match read {
            Ok(read) => {
                settings.insert(name.text.to_owned(), read);
            }
            Err(message) => case.say(Finding {
                rule: BAD_SETTING,
                offset: name.span.start,
                message,
                example: String::new(),
                hint: "write { \"severity\": \"off\", \"reason\": \"why it is meant so\" }".into(),
            }),
        }
    }
}

/// The problems as the settings have them. What hinders loading stays as it is.
pub(super) fn apply(problems: Vec<Problem>, settings: &Settings) -> Vec<Problem> {
    let judged = problems.into_iter().filter_map(|problem| {
        let is_ours = rule(problem.rule).is_some_and(|rule| rule.id != BAD_SETTING);
        match settings.get(problem.rule).filter(|_| is_ours) {
            None => Some(problem),
            Some(setting) => setting.severity.map(|severity| Problem { severity, ..problem }),
        }
    });
    judged.collect()
}
