//! Compiling the patterns of a script, within bounds (E43).
//!
//! A few signs can ask for a machine that no memory holds: `(a{1,1000}){1,1000}` are a million
//! states. So the states are counted before they are made.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Backtracking steps of a pattern with look-around; past them it counts as not matching (E43).
const BACKTRACK_STEPS_MAX: usize = 100_000;

/// States of one pattern. A class of all letters is about 3,000.
const PATTERN_STATES_MAX: usize = 50_000;

/// States of all patterns of a script: about a third of a second to compile, and 200 MiB.
const STATES_MAX: usize = 500_000;

/// What the smallest pattern costs, in states: so a script has at most 5,000.
const LEAST_STATES: usize = 100;

/// What a pattern with look-around costs at least, in states. Each of them is tried on every text,
/// with up to a hundred thousand steps: so a script has at most 50.
const LOOK_AROUND_STATES: usize = 10_000;

/// What each sign of a pattern with look-around costs, in states: between two look-arounds, of some
/// ten signs, is a machine of its own of up to 256 KiB.
const LOOK_AROUND_SIGN_STATES: usize = 200;
const LOOK_AROUND_BYTES_MAX: usize = 256 << 10;

/// Bytes that a pattern of 50,000 states takes when compiled.
const PATTERN_BYTES_MAX: usize = 16 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub(super) enum Pattern {
    Plain(Regex),
    LookAround(Box<fancy_regex::Regex>),
}

/// Compiles the patterns of one script.
#[derive(Debug, Default)]
pub(super) struct Compiler {
    states: usize,
}

impl Compiler {
    /// True if some patterns were not compiled, because the script's are too many or too large.
    pub(super) fn is_exhausted(&self) -> bool {
        self.states > STATES_MAX
    }

    /// A pattern of keywords; the error says why it can't be one.
    pub(super) fn compile(&mut self, source: &str) -> Result<Pattern, String> {
        match regex_syntax::parse(self.bounded(source)?) {
            Ok(hir) => self.build(source, &hir).map(Pattern::Plain),
            Err(error) => self.look_around(source, &error),
        }
    }

    /// A pattern without look-around; the error says why it can't be one.
    pub(super) fn plain(&mut self, source: &str) -> Result<Regex, String> {
        let hir = regex_syntax::parse(self.bounded(source)?);
        self.build(source, &hir.map_err(|error| last_line(&error.to_string()))?)
    }

    /// A text short enough to be looked at as a pattern; it costs even if it is none.
    fn bounded<'a>(&mut self, source: &'a str) -> Result<&'a str, String> {
        self.charge(LEAST_STATES)?;
        if source.len() > PATTERN_STATES_MAX {
            return Err(too_large());
        }
        self.charge(source.len())?;
        Ok(source)
    }

    fn build(&mut self, source: &str, hir: &Hir) -> Result<Regex, String> {
        let states = states(hir);
        if states > PATTERN_STATES_MAX {
            return Err(too_large());
        }
        self.charge(states)?;
        let mut builder = RegexBuilder::new(source);
        let built = builder.case_insensitive(true).size_limit(PATTERN_BYTES_MAX).build();
        built.map_err(|error| last_line(&error.to_string()))
    }

    /// What the plain syntax lacks may be look-around; else the plain syntax says what is wrong.
    fn look_around(
        &mut self,
        source: &str,
        plain: &regex_syntax::Error,
    ) -> Result<Pattern, String> {
        let is_broken = |_| last_line(&plain.to_string());
        fancy_regex::Expr::parse_tree(source).map_err(is_broken)?;
        self.charge((source.len() * LOOK_AROUND_SIGN_STATES).max(LOOK_AROUND_STATES))?;
        let built = fancy_regex::RegexBuilder::new(source)
            .case_insensitive(true)
            .backtrack_limit(BACKTRACK_STEPS_MAX)
            .delegate_size_limit(LOOK_AROUND_BYTES_MAX)
            .max_prog_size(PATTERN_STATES_MAX)
            .build();
        built.map(|regex| Pattern::LookAround(Box::new(regex))).map_err(|error| error.to_string())
    }

    fn charge(&mut self, states: usize) -> Result<(), String> {
        self.states = self.states.saturating_add(states);
        if self.is_exhausted() { Err(too_large()) } else { Ok(()) }
    }
}

fn too_large() -> String {
    "it is too large".into()
}

/// True if the pattern is not compiled, and so is taken literally.
pub(super) fn is_too_large(hir: &Hir) -> bool {
    states(hir) > PATTERN_STATES_MAX
}

/// About how many states a pattern is compiled to: at least one for every sign and repetition.
fn states(hir: &Hir) -> usize {
    let all = |parts: &[Hir]| parts.iter().map(states).fold(1, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        // A range of Unicode is some ranges of bytes.
        HirKind::Class(Class::Unicode(class)) => 4 * class.ranges().len(),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len(),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            states(&repetition.sub).saturating_add(1).saturating_mul(times as usize)
        }
        HirKind::Capture(capture) => states(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => all(parts),
    }
}

/// What the regex compiler says in the end; the lines before draw the pattern.
fn last_line(message: &str) -> String {
    let last = message.lines().last().unwrap_or(message);
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E43: what a pattern costs is known before it is made.
    #[test]
    fn states_are_counted_before_they_are_made() {
        for (source, least, most) in [
            ("多少.?钱", 9, 30),
            ("a{1,1000}", 1_000, 3_000),
            ("(a{1,1000}){1,1000}", PATTERN_STATES_MAX, usize::MAX),
            (r"\w", 1_000, 5_000),
            (r"\w{10}", 20_000, PATTERN_STATES_MAX),
            ("((((a{999}){999}){999}){999}){999}", PATTERN_STATES_MAX, usize::MAX),
        ] {
            let states = states(&regex_syntax::parse(source).unwrap());
            assert!((least..=most).contains(&states), "{source}: {states}");
        }
    }

    /// Limits: a script has so many patterns and no more, good or broken, with look-around or not.
    #[test]
    fn patterns_come_to_an_end() {
        for (source, most) in [("a(", 5_000), ("(?=a)b", 50), (r"\w{10}", 50)] {
            let mut compiler = Compiler::default();
            let tried = (0..=most).take_while(|_| {
                let _compiled = compiler.compile(source);
                !compiler.is_exhausted()
            });
            let tried = tried.count();
            assert!((most / 4..=most).contains(&tried), "{source}: {tried}");
        }
    }
}
