//! The words of a sentence that could be keywords, in languages with blanks and without.

use std::collections::BTreeSet;

/// Characters of a keyword in a language without blanks.
const SIGNS: std::ops::RangeInclusive<usize> = 2..=6;
/// Words of a keyword at most.
const WORDS_MAX: usize = 3;
/// A word has a stem if so many letters are left of it.
const STEM_MIN: usize = 5;
/// Letters that an ending has at most.
const ENDING_MAX: usize = 3;

/// Words that say nothing about what is wanted: a keyword is more than these.
const COMMON: [&str; 84] = [
    "the",
    "a",
    "an",
    "is",
    "are",
    "it",
    "i",
    "you",
    "we",
    "to",
    "of",
    "in",
    "on",
    "for",
    "and",
    "or",
    "do",
    "does",
    "can",
    "what",
    "that",
    "this",
    "my",
    "me",
    "please",
    "with",
    "be",
    "have",
    "и",
    "в",
    "на",
    "не",
    "я",
    "вы",
    "мы",
    "он",
    "что",
    "это",
    "как",
    "а",
    "у",
    "с",
    "по",
    "за",
    "мне",
    "вас",
    "вам",
    "меня",
    "есть",
    "ли",
    "можно",
    "бы",
    "же",
    "то",
    "так",
    "ну",
    "пожалуйста",
    "的",
    "了",
    "吗",
    "呢",
    "吧",
    "我",
    "你",
    "您",
    "是",
    "在",
    "就",
    "都",
    "也",
    "这",
    "那",
    "个",
    "一下",
    "什么",
    "怎么",
    "可以",
    "我们",
    "你们",
    "这个",
    "那个",
    "一个",
    "请问",
    "不是",
];

/// Every keyword that would be found in the text, as the text has it.
pub(super) fn candidates(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let runs = runs(text);
    for (at, (from, to, has_blanks)) in runs.iter().enumerate() {
        if !has_blanks {
            found.extend(signs(text.get(*from..*to).unwrap_or_default()));
            continue;
        }
        found.extend(stems(text.get(*from..*to).unwrap_or_default()));
        let next = runs.iter().skip(at).take(WORDS_MAX).take_while(|(_, _, blanks)| *blanks);
        found.extend(next.filter_map(|(_, end, _)| text.get(*from..*end)));
    }
    found.retain(|word| !is_common(word));
    found
}

/// True if a keyword is nothing but common words, or too short to mean anything.
fn is_common(word: &str) -> bool {
    let is_word = |part: &&str| !part.is_empty();
    let mut parts = word.split(|c: char| !c.is_alphanumeric()).filter(is_word);
    let is_short = word.chars().count() < if word.chars().all(is_sign) { 2 } else { 3 };
    is_short || parts.all(|part| COMMON.contains(&part))
}

/// Stretches of letters, each with whether its language puts blanks between words.
fn runs(text: &str) -> Vec<(usize, usize, bool)> {
    let mut runs: Vec<(usize, usize, bool)> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        let (end, blanks) = (at + c.len_utf8(), !is_sign(c));
        match runs.last_mut() {
            Some((_, to, same)) if *to == at && *same == blanks => *to = end,
            _ => runs.push((at, end, blanks)),
        }
    }
    runs
}

/// Chinese characters, and the scripts of Japanese and Thai.
fn is_sign(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0E7F}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

fn signs(run: &str) -> Vec<&str> {
    let mut places: Vec<usize> = run.char_indices().map(|(at, _)| at).collect();
    places.push(run.len());
    let windows = SIGNS.flat_map(|signs| places.windows(signs + 1));
    windows.filter_map(|window| run.get(*window.first()?..*window.last()?)).collect()
}

/// A word without its last letters: what its forms have in common.
fn stems(word: &str) -> Vec<&str> {
    let places: Vec<usize> = word.char_indices().map(|(at, _)| at).collect();
    let shortest = STEM_MIN.max(places.len().saturating_sub(ENDING_MAX));
    places.iter().skip(shortest).filter_map(|end| word.get(..*end)).collect()
}

/// How much two words are alike, 0 to 1: the share of pairs of neighbouring letters that both have.
pub(super) fn likeness(one: &str, other: &str) -> f64 {
    let pairs = |word: &str| {
        let letters: Vec<char> = word.chars().collect();
        letters.windows(2).map(|pair| (pair[0], pair[1])).collect::<BTreeSet<_>>()
    };
    let (one, other) = (pairs(one), pairs(other));
    let all = one.len() + other.len();
    let common = u32::try_from(one.intersection(&other).count()).unwrap_or(u32::MAX);
    let all = u32::try_from(all).unwrap_or(u32::MAX);
    if all == 0 { 0.0 } else { 2.0 * f64::from(common) / f64::from(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_three_languages_are_found() {
        let zh = candidates("可以分期付款吗");
        assert!(zh.contains("分期") && zh.contains("分期付款") && !zh.contains("可以"));
        let ru = candidates("а рассрочку можно, да");
        assert!(ru.contains("рассрочку") && ru.contains("рассрочк") && !ru.contains("можно"));
        let en = candidates("can i pay in instalments");
        assert!(en.contains("instalments") && en.contains("pay in instalments"));
        assert!(!en.contains("can i") && !en.contains("in"));
    }

    #[test]
    fn like_words_are_alike() {
        assert!(likeness("рассрочка", "рассрочку") > 0.8);
        assert!(likeness("贷款", "分期") < 0.1);
        assert!(likeness("", "") < 0.1);
    }
}
