//! The program: arguments, one call, an exit code.

use telephonist::cli::{self, Exit};

fn main() -> Exit {
    // The panic's own message has been printed by then.
    std::panic::catch_unwind(|| cli::run(std::env::args_os())).unwrap_or(Exit::Bug)
}
