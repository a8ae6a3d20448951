//! The program: arguments, one call, an exit code.

fn main() {}
