//! How a `collect` node takes digits (E20, R29).

use smol_str::SmolStr;

use super::check::Loader;
use super::digits::DIGITS_MAX;
use super::raw::Fields;

/// The first digit is awaited this long after the audio, ms.
const FIRST_DIGIT_MS: u64 = 5_000;
/// Each further digit is awaited this long, ms (E77).
const INTER_DIGIT_MS: u64 = 3_000;

/// What a `collect` node wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    /// Fewer digits are a mismatch.
    pub min: usize,
    /// So many digits end it.
    pub max: usize,
    /// The key that ends it and is no digit of it; `None` = no key does.
    pub terminator: Option<char>,
    /// How long the first digit is awaited after the audio, ms.
    pub first_digit_ms: u64,
    /// How long each further digit is awaited, ms.
    pub inter_digit_ms: u64,
    /// The variable that gets the digits, besides `last_digits`; may be empty.
    pub variable: SmolStr,
}

impl Default for Collect {
    fn default() -> Self {
        Self {
            min: 1,
            max: DIGITS_MAX,
            terminator: Some('#'),
            first_digit_ms: FIRST_DIGIT_MS,
            inter_digit_ms: INTER_DIGIT_MS,
            variable: SmolStr::default(),
        }
    }
}

impl<'a> Loader<'_, 'a> {
    /// Reads `collect` of a `collect` node.
    pub(super) fn collect(&mut self, fields: &Fields<'a, '_>) -> Collect {
        let mut collect = Collect::default();
        let Some(value) = fields.get("collect") else { return collect };
        let Some(written) = self.reader.object(value, "collect") else { return collect };
        let mut count = |name| self.reader.count(written.get(name), name);
        let digits = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let (min, max) = (count("min").map(digits), count("max").map(digits));
        collect.first_digit_ms = count("first_digit_ms").unwrap_or(FIRST_DIGIT_MS);
        collect.inter_digit_ms = count("inter_digit_ms").unwrap_or(INTER_DIGIT_MS);
        collect.min = min.unwrap_or(collect.min);
        collect.max = max.unwrap_or(collect.max);
        if collect.max == 0 || collect.max > DIGITS_MAX || collect.min > collect.max {
            let message = format!("collect wants {} to {} digits", collect.min, collect.max);
            let hint = format!("write min <= max, and max from 1 to {DIGITS_MAX}");
            self.reader.error(written.span("max"), message, hint);
        }
        if written.has("terminator") {
            collect.terminator = self.terminator(&written);
        }
        collect.variable = self.short(&written, "variable");
        self.unknown(&written, "collect");
        collect
    }

    fn terminator(&mut self, collect: &Fields<'a, '_>) -> Option<char> {
        let written = self.short(collect, "terminator");
        let mut keys = written.chars();
        match (keys.next(), keys.next()) {
            (None, _) => None,
            (Some(key), None) if key.is_ascii_digit() || "*#ABCD".contains(key) => Some(key),
            _ if written.eq_ignore_ascii_case("none") => None,
            _ => {
                let message = format!("the terminator \"{written}\" is no key of a telephone");
                let hint = "write one of 0 to 9, *, #, A to D, or \"none\"";
                self.reader.error(collect.span("terminator"), message, hint);
                None
            }
        }
    }
}
