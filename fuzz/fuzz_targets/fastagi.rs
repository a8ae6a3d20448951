#![no_main]
//! See `src/fastagi.rs`.

#[path = "../src/fastagi.rs"]
mod fastagi;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fastagi::hold(bytes));
