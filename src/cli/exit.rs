//! How the program ends.

use std::process::{ExitCode, Termination};

/// An exit code. Numbers above 63 are those of `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Fine = 0,
    /// The thing that was checked is wrong.
    Wrong = 1,
    /// The arguments make no sense (`EX_USAGE`).
    Usage = 64,
    /// A service that is needed is away (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// A bug of ours (`EX_SOFTWARE`).
    Bug = 70,
    /// The configuration is wrong (`EX_CONFIG`).
    Config = 78,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
