//! What we know of a table in the database: its name, and how wide its columns are.

use std::borrow::Cow;
use std::fmt;

use super::error::StoreError;

/// MySQL's limit for an identifier, in characters.
const TABLE_NAME_CHARS_MAX: usize = 64;

/// A table's name, safe to stand in a statement between backticks (I6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableName(String);

impl TableName {
    /// The table; `None` if the name is empty, which means "not to the database".
    pub(super) fn parse(name: &str) -> Result<Option<Self>, StoreError> {
        if name.is_empty() {
            return Ok(None);
        }
        let allowed = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !allowed || name.len() > TABLE_NAME_CHARS_MAX {
            return Err(StoreError::TableName(name.to_owned()));
        }
        Ok(Some(Self(name.to_owned())))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A column as the database describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name, in lower case.
    pub(super) name: String,
    /// How much text it holds.
    pub(super) width: Width,
    /// Whether its character set has no character of four bytes (`utf8mb3`).
    pub(super) three_bytes: bool,
}

/// How much text a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// `VARCHAR`: so many characters.
    Chars(usize),
    /// The `TEXT` types: so many bytes.
    Bytes(usize),
    /// Any amount, or no text at all.
    Any,
}

impl Column {
    /// The text as the column can hold it: in `utf8mb3` a four-byte character becomes U+FFFD (I7),
    /// and what is too long ends at a character border (E92).
    pub(super) fn fit<'a>(&self, text: Cow<'a, str>) -> Fitted<'a> {
        let text = if self.three_bytes { narrowed(text) } else { text };
        let end = self.end_of(&text);
        if end == text.len() {
            return Fitted { text, is_cut: false };
        }
        let mut cut = text.into_owned();
        cut.truncate(end);
        Fitted { text: cut.into(), is_cut: true }
    }

    /// Where in the text the column is full.
    fn end_of(&self, text: &str) -> usize {
        match self.width {
            Width::Chars(chars) => {
                text.char_indices().nth(chars).map_or(text.len(), |(index, _)| index)
            }
            Width::Bytes(bytes) => text.floor_char_boundary(bytes),
            Width::Any => text.len(),
        }
    }
}

/// A text that its column can hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fitted<'a> {
    pub(super) text: Cow<'a, str>,
    /// Whether the end is missing.
    pub(super) is_cut: bool,
}

/// The text without characters of four bytes.
fn narrowed(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_wide = |char: char| char.len_utf8() > 3;
    if text.contains(is_wide) {
        text.replace(is_wide, char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 4])).into()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(width: Width, three_bytes: bool) -> Column {
        Column { name: "c".into(), width, three_bytes }
    }

    #[test]
    fn a_name_that_could_end_the_quotes_is_refused() {
        for bad in ["a`b", "a b", "a.b", "таблица", "a;--", &"a".repeat(65)] {
            assert!(TableName::parse(bad).is_err(), "{bad}");
        }
        assert!(TableName::parse("").unwrap().is_none());
        assert_eq!(TableName::parse("robot_1").unwrap().unwrap().as_str(), "robot_1");
    }

    /// E92.
    #[test]
    fn text_is_cut_between_characters() {
        let fit = |width, text: &'static str| column(width, false).fit(text.into());
        assert_eq!(fit(Width::Chars(2), "有的。"), Fitted { text: "有的".into(), is_cut: true });
        assert_eq!(fit(Width::Chars(3), "有的。"), Fitted { text: "有的。".into(), is_cut: false });
        assert_eq!(fit(Width::Bytes(5), "有的。"), Fitted { text: "有".into(), is_cut: true });
        assert_eq!(fit(Width::Any, "有的。"), Fitted { text: "有的。".into(), is_cut: false });
    }

    #[test]
    fn a_three_byte_character_set_gets_the_replacement_character() {
        let narrow = column(Width::Chars(3), true).fit("好😀好好".into());
        assert_eq!(narrow, Fitted { text: "好\u{fffd}好".into(), is_cut: true });
        assert_eq!(column(Width::Chars(9), false).fit("好😀".into()).text, "好😀");
    }
}
