//! Texts with prefix letters, alone and inside a COMPLETE (E40, E75, R24).

use std::fmt;

use smol_str::SmolStr;

/// What kind of result a text is (E40).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Utterance {
    /// `F`: a finished sentence.
    Final,
    /// `S`: the caller is still speaking.
    Partial,
    /// `E`: the recogniser failed.
    Failed,
}

/// A text taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// `P`: it was said while the robot was playing.
    pub over_audio: bool,
    /// What kind of result.
    pub kind: Utterance,
    /// Without its prefix letters.
    pub text: &'a str,
}

/// With its letters, as a service is told of it.
impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over_audio = if self.over_audio { "P" } else { "" };
        write!(f, "{over_audio}{}{}", self.kind.letter(), self.text)
    }
}

impl Utterance {
    /// The letter it begins with.
    fn letter(self) -> char {
        match self {
            Self::Final => 'F',
            Self::Partial => 'S',
            Self::Failed => 'E',
        }
    }
}

impl<'a> Said<'a> {
    /// Takes a text apart; `None` if it begins with none of the letters.
    #[must_use]
    pub fn parse(args: &'a str) -> Option<Self> {
        let (over_audio, rest) = match args.strip_prefix('P') {
            Some(rest) => (true, rest),
            None => (false, args),
        };
        let mut chars = rest.chars();
        let kind = match chars.next()? {
            'F' => Utterance::Final,
            'S' => Utterance::Partial,
            'E' => Utterance::Failed,
            _ => return None,
        };
        Some(Self { over_audio, kind, text: chars.as_str() })
    }

    /// A text without letters, taken as a finished sentence.
    #[must_use]
    pub fn whole(text: &'a str) -> Self {
        Self { over_audio: false, kind: Utterance::Final, text }
    }

    /// True if a node's `filter.text` names one of the text's letters (E42).
    #[must_use]
    pub fn is_filtered(&self, letters: &str) -> bool {
        letters.contains(self.kind.letter()) || (self.over_audio && letters.contains('P'))
    }
}

/// The sentences inside a COMPLETE's parentheses.
pub(super) fn sentences(args: &str) -> Vec<Said<'_>> {
    let Some((word, inner)) = args.split_once('(') else { return Vec::new() };
    let inner = inner.strip_suffix(')').unwrap_or(inner);
    let may_omit_colon = word.trim().eq_ignore_ascii_case("hangup");
    let mut starts = Vec::new();
    for (at, letter) in inner.char_indices() {
        let is_letter = matches!(letter, 'F' | 'S');
        let has_colon = inner.get(at + 1..).is_some_and(|rest| rest.starts_with(':'));
        if is_letter
            && (has_colon || (may_omit_colon && at == 0))
            && can_precede(inner.get(..at).unwrap_or_default())
        {
            starts.push((at, has_colon));
        }
    }
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain(std::iter::once(inner.len()));
    starts
        .iter()
        .zip(ends)
        .filter_map(|((start, has_colon), end)| {
            let said = Said::parse(inner.get(*start..end)?)?;
            let text = if *has_colon { said.text.strip_prefix(':')? } else { said.text };
            Some(Said { text: text.trim(), ..said })
        })
        .collect()
}

/// R24, read so that both published examples come out right (`…first 1F:second`,
/// `…while playingS:spoke`): a mark stands at the start or right behind a sentence, never inside a
/// word in capitals, and behind a blank only if a sentence ends before the blank.
fn can_precede(before: &str) -> bool {
    let sentence = before.trim_end();
    let last = sentence.chars().next_back();
    if sentence.len() == before.len() {
        last.is_none_or(|c| !c.is_uppercase())
    } else {
        last.is_none_or(|c| matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | ')'))
    }
}

/// The word a COMPLETE begins with, in capitals.
pub(super) fn complete_word(args: &str) -> SmolStr {
    args.split('(').next().unwrap_or_default().trim().to_ascii_uppercase().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E40: the first letter is stripped, two if the first is P.
    #[test]
    fn prefix_letters_are_taken_off() {
        let said = |over_audio, kind, text| Some(Said { over_audio, kind, text });
        assert_eq!(Said::parse("F有的。"), said(false, Utterance::Final, "有的。"));
        assert_eq!(Said::parse("PSда"), said(true, Utterance::Partial, "да"));
        assert_eq!(Said::parse("Enetwork"), said(false, Utterance::Failed, "network"));
        assert_eq!(Said::parse("Phone"), None);
        assert_eq!(Said::parse(""), None);
    }

    /// R24 and the published examples of E75.
    #[test]
    fn sentences_inside_a_complete() {
        let texts = |args| sentences(args).into_iter().map(|s| s.text).collect::<Vec<_>>();
        assert_eq!(texts("DONE()"), [""; 0]);
        assert_eq!(texts("DONE(F:first 1F:second)"), ["first 1", "second"]);
        assert_eq!(
            texts("TIMEOUT(F:said while playingS:spoke too long)"),
            ["said while playing", "spoke too long"]
        );
        assert_eq!(texts("HANGUP(F再见。)"), ["再见。"]);
        assert_eq!(texts("HANGUP(F:再见。F:好)"), ["再见。", "好"]);
        assert_eq!(texts("HANGUP(F再见。F好)"), ["再见。F好"]);
        assert_eq!(texts("DONE(F再见)"), [""; 0]);
        assert_eq!(texts("DONE(F:the PDF: see S: it)"), ["the PDF: see S: it"]);
        assert_eq!(texts("DONE(F:Yes. F:No! S: may)"), ["Yes.", "No!", "may"]);
        assert_eq!(texts("ERROR"), [""; 0]);
    }
}
