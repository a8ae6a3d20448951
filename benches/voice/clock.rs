//! Time, as this program reads it.

use std::time::Instant;

/// This moment.
#[expect(clippy::disallowed_methods, reason = "a program that measures time reads a clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
