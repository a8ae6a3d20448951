//! Noise rules: what is heard and is no answer (E50 step 1).

use jsonc_parser::ast::Value;
use smol_str::SmolStr;

use super::check::Loader;
use super::matcher::Scope;
use super::raw::Fields;

/// A rule of the top-level `noiserule`; its keywords the matcher has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoiseRule {
    /// Its name: `condition_id`.
    pub id: SmolStr,
    /// Longer sentences are no noise, ms; `None` = of any length.
    pub max_duration_ms: Option<i64>,
}

impl<'a> Loader<'_, 'a> {
    /// Reads the top-level `noiserule`.
    pub(super) fn noise_rules(&mut self, fields: &Fields<'a, '_>) -> Vec<NoiseRule> {
        let mut rules = Vec::new();
        let mut order = 0;
        for value in self.list(fields, "noiserule") {
            rules.extend(self.noise_rule((&mut order, rules.len()), value));
        }
        rules
    }

    fn noise_rule(
        &mut self,
        (order, at): (&mut u32, usize),
        value: &Value<'a>,
    ) -> Option<NoiseRule> {
        let what = "a rule of noiserule";
        let fields = self.reader.object(value, what)?;
        let words = self.reader.texts(fields.get("text"), "text");
        self.keywords(Scope::Noise, order, u32::try_from(at).unwrap_or(u32::MAX), &words);
        let longest = self.reader.count(fields.get("max_duration_ms"), "max_duration_ms");
        let max_duration_ms = longest.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        let rule = NoiseRule { id: self.short(&fields, "id"), max_duration_ms };
        self.unknown(&fields, what);
        Some(rule)
    }
}
