//! What is sure of a pattern: which words every text has that it matches.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::script::normal;
use crate::script::pattern;

/// Texts of one pattern; of more nobody could be told which of them are swallowed.
const TEXTS_MAX: usize = 64;

/// Signs of a class that are written out; `[0-9]` has ten.
const CLASS_MAX: usize = 16;

/// Repetitions that are written out.
const TIMES_MAX: u32 = 4;

/// What is sure of a pattern.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Each a list of texts of which every text has one that the pattern matches. All lists hold;
    /// there may be none.
    pub(super) covers: Vec<Vec<String>>,
    /// What it matches in a text it also finds in any longer one.
    pub(super) is_sure: bool,
    /// It fits the empty text.
    pub(super) fits_nothing: bool,
    /// It fits the empty text and no other.
    pub(super) fits_only_nothing: bool,
    /// A text that it is meant for; may be empty.
    pub(super) sample: String,
    /// It is no pattern at all, and is taken literally (E43).
    pub(super) is_broken: bool,
}

impl Shape {
    /// Of a keyword's pattern, as given to the compiler.
    pub(super) fn of(source: &str) -> Self {
        match regex_syntax::parse(source) {
            Ok(hir) if pattern::is_too_large(&hir) => Self { is_broken: true, ..Self::default() },
            Ok(hir) => Self::of_hir(&hir),
            // Look-around has no shape that is sure; what is nothing is text.
            Err(_) => {
                let is_broken = fancy_regex::Expr::parse_tree(source).is_err();
                Self { is_broken, ..Self::default() }
            }
        }
    }

    fn of_hir(hir: &Hir) -> Self {
        let properties = hir.properties();
        let covers = match language(hir) {
            Exact(texts) => vec![texts],
            Covered(covers) => covers,
        };
        let mut sample = String::new();
        sample_into(hir, &mut sample);
        Self {
            covers: covers.into_iter().filter_map(folded).collect(),
            is_sure: properties.look_set().is_empty() && properties.minimum_len() > Some(0),
            fits_nothing: properties.minimum_len() == Some(0),
            fits_only_nothing: properties.maximum_len() == Some(0),
            sample,
            is_broken: false,
        }
    }
}

/// The texts as they stand in what a caller says; `None` if one says nothing, or changes its length.
fn folded(texts: Vec<String>) -> Option<Vec<String>> {
    let fold = |text: String| {
        let folded = normal::fold(&text);
        let is_same = folded.chars().count() == text.chars().count();
        (is_same && !text.is_empty()).then(|| folded.into_owned())
    };
    texts.into_iter().map(fold).collect()
}

enum Language {
    /// It matches these texts and no others.
    Exact(Vec<String>),
    /// Whatever it matches has one text of each of these lists in it.
    Covered(Vec<Vec<String>>),
}
use Language::{Covered, Exact};

fn language(hir: &Hir) -> Language {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Exact(vec![String::new()]),
        HirKind::Literal(literal) => match String::from_utf8(literal.0.to_vec()) {
            Ok(text) => Exact(vec![text]),
            Err(_) => Covered(Vec::new()),
        },
        HirKind::Class(class) => signs(class).map_or(Covered(Vec::new()), Exact),
        HirKind::Capture(capture) => language(&capture.sub),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Concat(parts) => joined(parts),
        HirKind::Alternation(parts) => either(parts),
    }
}

fn signs(class: &Class) -> Option<Vec<String>> {
    let Class::Unicode(class) = class else { return None };
    let count: usize = class.ranges().iter().map(|range| range.len()).sum();
    let signs = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    (count <= CLASS_MAX).then(|| signs.map(String::from).collect())
}

fn repeated(repetition: &Repetition) -> Language {
    let (min, max) = (repetition.min, repetition.max);
    match language(&repetition.sub) {
        Exact(texts) => {
            let least = min.min(TIMES_MAX);
            let Some(mut all) = power(&texts, least) else { return Covered(Vec::new()) };
            let Some(max) = max.filter(|max| *max <= TIMES_MAX) else {
                return Covered(vec![all]);
            };
            let mut last = all.clone();
            for _ in min..max {
                match product(&last, &texts) {
                    Some(longer) if all.len() + longer.len() <= TEXTS_MAX => {
                        all.extend(longer.iter().cloned());
                        last = longer;
                    }
                    _ => return Covered(power(&texts, least).into_iter().collect()),
                }
            }
            Exact(all)
        }
        Covered(covers) => Covered(if min > 0 { covers } else { Vec::new() }),
    }
}

fn power(texts: &[String], times: u32) -> Option<Vec<String>> {
    (0..times).try_fold(vec![String::new()], |all, _| product(&all, texts))
}

fn product(heads: &[String], tails: &[String]) -> Option<Vec<String>> {
    let is_small = heads.len().checked_mul(tails.len())? <= TEXTS_MAX;
    let all = heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}")));
    is_small.then(|| all.collect())
}

fn joined(parts: &[Hir]) -> Language {
    let mut covers = Vec::new();
    let mut run = vec![String::new()];
    let mut is_whole = true;
    for part in parts {
        match language(part) {
            Exact(texts) => match product(&run, &texts) {
                Some(longer) => run = longer,
                None => {
                    covers.push(std::mem::replace(&mut run, texts));
                    is_whole = false;
                }
            },
            Covered(more) => {
                covers.push(std::mem::replace(&mut run, vec![String::new()]));
                covers.extend(more);
                is_whole = false;
            }
        }
    }
    if is_whole {
        return Exact(run);
    }
    covers.push(run);
    covers.retain(|texts| texts.iter().all(|text| !text.is_empty()));
    Covered(covers)
}

fn either(parts: &[Hir]) -> Language {
    let mut all = Vec::new();
    let mut is_exact = true;
    for part in parts {
        match language(part) {
            Exact(texts) => all.extend(texts),
            Covered(covers) => {
                is_exact = false;
                let shortest = |texts: &Vec<String>| texts.iter().map(String::len).min();
                match covers.into_iter().max_by_key(shortest) {
                    Some(best) => all.extend(best),
                    None => return Covered(Vec::new()),
                }
            }
        }
        if all.len() > TEXTS_MAX {
            return Covered(Vec::new());
        }
    }
    if is_exact { Exact(all) } else { Covered(vec![all]) }
}

/// The shortest text along the first alternatives.
fn sample_into(hir: &Hir, text: &mut String) {
    /// A sample is read by people: longer ones show nothing more.
    const SAMPLE_BYTES_MAX: usize = 200;
    if text.len() > SAMPLE_BYTES_MAX {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.extend(likely_sign(class)),
        HirKind::Capture(capture) => sample_into(&capture.sub, text),
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min.min(TIMES_MAX) {
                sample_into(&repetition.sub, text);
            }
        }
        HirKind::Concat(parts) => parts.iter().for_each(|part| sample_into(part, text)),
        HirKind::Alternation(parts) => parts.iter().take(1).for_each(|one| sample_into(one, text)),
    }
}

/// A sign of a class that people can read, if there is one.
fn likely_sign(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else { return None };
    let has = |sign: &char| class.ranges().iter().any(|r| (r.start()..=r.end()).contains(sign));
    ['1', 'a', 'а', '一', ' ']
        .into_iter()
        .find(has)
        .or_else(|| Some(class.ranges().first()?.start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_match_has_one_of_the_texts() {
        for (source, covers, is_sure) in [
            ("贷(款|点|一)", &[&["贷款", "贷点", "贷一"][..]][..], true),
            ("перен(е|о)с", &[&["перенес", "перенос"]], true),
            (r"\bнет\b", &[&["нет"]], false),
            ("(怎么|哪里).*(号码|电话)", &[&["怎么", "哪里"], &["号码", "电话"]], true),
            (
                "[0-9]+ ?万",
                &[&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], &[" 万", "万"]],
                true,
            ),
            ("ДА{2}", &[&["даа"]], true),
            ("(не )?надо", &[&["надо", "не надо"]], true),
            ("x*", &[], false),
            (r"\w+ok", &[&["ok"]], true),
            ("(?=a)b", &[], false),
            ("a|.*", &[], false),
            ("ß", &[], true),
        ] {
            let shape = Shape::of(source);
            let mut found = shape.covers;
            found.iter_mut().for_each(|texts| texts.sort());
            let expected: Vec<Vec<String>> = covers
                .iter()
                .map(|texts| {
                    let mut texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
                    texts.sort();
                    texts
                })
                .collect();
            assert_eq!((found, shape.is_sure), (expected, is_sure), "{source}");
        }
        assert!(Shape::of("да|").fits_nothing && !Shape::of("да|").fits_only_nothing);
        assert!(Shape::of(r"^\b").fits_only_nothing);
        assert!(Shape::of("a(").is_broken);
        assert_eq!(Shape::of("[0-9]+ ?万").sample, "1万");
    }
}
