//! Words of a script in a picture: measured, cut, without what a picture can't show.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How many columns of a terminal a text takes; a Chinese sign takes two.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// The text in so many columns, with `…` for what is left out.
pub(super) fn cut(text: &str, columns: usize) -> String {
    let text = clean(text);
    if text.width() <= columns {
        return text;
    }
    let mut left = columns.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if width > left {
            break;
        }
        left -= width;
        kept.push(c);
    }
    format!("{}…", kept.trim_end_matches([' ', '…']))
}

/// The text as one line, without signs that are not seen but change what is seen: controls, and
/// those that turn the direction of writing.
pub(super) fn clean(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.filter(|c| !is_turning(*c)).collect()
}

fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

/// Words, separated by commas, as many as fit.
pub(super) fn joined<T: AsRef<str>>(words: &[T], columns: usize) -> String {
    let mut shown = String::new();
    for word in words {
        if !shown.is_empty() {
            shown.push_str(", ");
        }
        shown.push_str(word.as_ref());
        if shown.width() > columns {
            break;
        }
    }
    cut(&shown, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_what_they_take_on_a_screen() {
        assert_eq!(cut("贷款贷款", 8), "贷款贷款");
        assert_eq!(cut("贷款贷款", 7), "贷款贷…");
        assert_eq!(cut("сколько лет", 8), "сколько…");
        assert_eq!(cut("a\u{202e}b\nc", 8), "ab c");
        assert_eq!(joined(&["да", "нет", "не знаю"], 9), "да, нет,…");
    }
}
