//! Texts with `${name}` in them (E22).

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use smol_str::SmolStr;

/// Variables of a script that are looked for; a call has no more (spec: limits).
const NAMES_MAX: usize = 256;

/// `${name}` in a text, or `"var": "name"` of a condition. Names with points are ours, never a
/// channel's.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}|"var"\s*:\s*"([A-Za-z_][A-Za-z0-9_]*)""#;
    Regex::new(pattern).expect("the pattern is a constant")
});

/// The names of the variables in the text of a script, each once, in their order.
pub(super) fn variables(text: &str) -> Vec<SmolStr> {
    let mut seen = HashSet::new();
    let names = NAME.captures_iter(text).filter_map(|found| found.get(1).or_else(|| found.get(2)));
    let fresh =
        names.map(|name| SmolStr::new(name.as_str())).filter(|name| seen.insert(name.clone()));
    fresh.take(NAMES_MAX).collect()
}

/// A text in which `${name}` stands for a call variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    raw: SmolStr,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(SmolStr),
    Variable(SmolStr),
}

impl Template {
    /// Reads a text; a `${` that is never closed stands for itself.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = raw;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.into()));
            }
            pieces.push(Piece::Variable(name.trim().into()));
            rest = after;
        }
        if !pieces.is_empty() && !rest.is_empty() {
            pieces.push(Piece::Literal(rest.into()));
        }
        Self { raw: raw.into(), pieces }
    }

    /// The text as written.
    #[must_use]
    pub fn raw(&self) -> &SmolStr {
        &self.raw
    }

    /// True if there is nothing to expand.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.pieces.is_empty()
    }

    /// What stands in it whatever its variables hold.
    pub(super) fn fixed_part(&self) -> String {
        let fixed = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(text) => Some(text.as_str()),
            Piece::Variable(_) => None,
        });
        if self.is_static() { self.raw.to_string() } else { fixed.collect() }
    }

    /// True if nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// True if the first thing in it is a variable.
    #[must_use]
    pub fn starts_with_variable(&self) -> bool {
        matches!(self.pieces.first(), Some(Piece::Variable(_)))
    }

    /// The names of the variables in it.
    pub fn variables(&self) -> impl Iterator<Item = &SmolStr> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name),
            Piece::Literal(_) => None,
        })
    }

    /// The text with every variable replaced by what `value` gives for its name. Values are
    /// data: what they contain is not expanded again.
    #[must_use]
    pub fn expand(&self, value: impl Fn(&str) -> SmolStr) -> SmolStr {
        if self.pieces.is_empty() {
            return self.raw.clone();
        }
        let mut text = smol_str::SmolStrBuilder::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Variable(name) => {
                    write!(text, "{}", value(name)).expect("writing to memory can't fail");
                }
            }
        }
        text.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script asks a switch for.
    #[test]
    fn the_variables_of_a_script_are_known() {
        let text = r#"{ "playbacks": ["Hi ${ name }, ${http.total}, ${name}"], "argument": "${ext}",
            "when": [{ "var" : "vip", "op": "==", "value": 1 }] }"#;
        assert_eq!(variables(text), ["name", "ext", "vip"]);
    }

    /// E22: values are never expanded again; an unknown name is empty.
    #[test]
    fn values_are_data() {
        let template = Template::new("你好 ${name}, ${nobody}${ open");
        let value = |name: &str| match name {
            "name" => SmolStr::new("${system(ls)}"),
            _ => SmolStr::default(),
        };
        assert_eq!(template.expand(value), "你好 ${system(ls)}, ${ open");
        assert_eq!(template.variables().collect::<Vec<_>>(), ["name", "nobody"]);
    }
}
