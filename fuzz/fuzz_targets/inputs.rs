#![no_main]
//! See `src/inputs.rs`.

#[path = "../src/inputs.rs"]
mod inputs;
#[path = "../../tests/sim/laws/mod.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inputs::hold(bytes));
