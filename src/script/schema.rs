//! s
/// t
#[must_use]
pub fn text() -> String { String::new() }
