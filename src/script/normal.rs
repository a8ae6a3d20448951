//! The one form in which texts and keywords meet (E41, R6).

use std::borrow::Cow;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};

const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfkc();
const CASE: CaseMapperBorrowed<'static> = CaseMapper::new();

/// Unicode NFKC, case-folded. Keywords are kept in this form; their punctuation stays (R6).
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    match NFKC.normalize(text) {
        Cow::Borrowed(same) => CASE.fold_string(same),
        Cow::Owned(normal) => Cow::Owned(CASE.fold_string(&normal).into_owned()),
    }
}

/// Unicode NFKC with letter case kept, for the literal parts of patterns.
#[must_use]
pub(super) fn compose(text: &str) -> Cow<'_, str> {
    NFKC.normalize(text)
}

/// Bytes of a text in which keywords are looked for: the longest sentence, 20 s of speech (T1), has
/// not a tenth of them.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// What the caller said, as keywords are looked for in it: folded, without trailing punctuation
/// and surrounding white space (E41). A text of nothing but punctuation becomes empty.
/// Of a text that nobody can have said in one breath it is the beginning.
#[must_use]
pub fn normalize(text: &str) -> Cow<'_, str> {
    let text = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default();
    match fold(text) {
        Cow::Borrowed(same) => Cow::Borrowed(trim(same)),
        Cow::Owned(folded) => Cow::Owned(trim(&folded).to_owned()),
    }
}

fn trim(text: &str) -> &str {
    text.trim_start().trim_end_matches(|c: char| c.is_whitespace() || is_punctuation(c))
}

/// Signs that end sentences or clauses or close quotes, after NFKC.
fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '。' | '、' | '…' | '—' | '–' | '·' | '«' | '»' | '¡' | '¿')
        || matches!(c, '\u{2018}'..='\u{201F}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E41: NFKC, case folding, trailing punctuation and white space.
    #[test]
    fn texts_meet_keywords_in_one_form() {
        for (said, expected) in [
            ("有的。", "有的"),
            (" ＹＥＳ！ ", "yes"),
            ("Да, конечно…", "да, конечно"),
            ("STRASSE?!", "strasse"),
            ("Straße", "strasse"),
            ("ｶﾞ", "ガ"),
            ("。。。", ""),
            ("«Нет»", "«нет"),
        ] {
            assert_eq!(normalize(said), expected, "{said}");
        }
    }
}
