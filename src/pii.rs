//! Telephone numbers and what was said: shown in the log only where nobody looks by chance (N14).

use std::cell::Cell;
use std::fmt;

thread_local! {
    /// Whether the line being written may show them. Nothing else changes it than [`showing`].
    static SHOWN: Cell<bool> = const { Cell::new(false) };
}

/// Something about a person. Written to the log it is `[11 characters]`, unless the line is of
/// level debug or trace, or `log.personal` is set: the log's formatter decides, not the place that
/// logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pii<T>(pub T);

impl<T: fmt::Display> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if SHOWN.get() {
            return escaped(&self.0.to_string(), f);
        }
        write!(f, "[{} characters]", self.0.to_string().chars().count())
    }
}

/// What a caller says or sends never begins a line of the log, nor colours one (N10).
fn escaped(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for c in text.chars() {
        if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
    }
    Ok(())
}

impl<T: fmt::Display> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Runs `write`; what it formats on this thread shows personal data if `shown`.
pub fn showing<R>(shown: bool, write: impl FnOnce() -> R) -> R {
    let _restore = Restore(SHOWN.replace(shown));
    write()
}

/// Puts the former answer back, also when the writing panics.
struct Restore(bool);

impl Drop for Restore {
    fn drop(&mut self) {
        SHOWN.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shown_only_where_it_is_said_to_be() {
        let number = Pii("13800138000");
        assert_eq!(format!("{number} {number:?}"), "[11 characters] [11 characters]");
        assert_eq!(showing(true, || number.to_string()), "13800138000");
        assert_eq!(showing(true, || showing(false, || number.to_string())), "[11 characters]");
        assert_eq!(number.to_string(), "[11 characters]");
    }

    /// N10.
    #[test]
    fn what_is_said_forges_no_line_of_the_log() {
        let said = Pii("да\n2026 ERROR all is lost\x1b[31m");
        assert_eq!(showing(true, || said.to_string()), "да\\n2026 ERROR all is lost\\u{1b}[31m");
    }

    #[test]
    fn a_panic_while_writing_leaves_nothing_shown() {
        let writing = std::panic::catch_unwind(|| showing(true, || panic!("while writing")));
        assert!(writing.is_err());
        assert_eq!(Pii("有的").to_string(), "[2 characters]");
    }
}
