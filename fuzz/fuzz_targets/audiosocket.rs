#![no_main]
//! See `src/audiosocket.rs`.

#[path = "../src/audiosocket.rs"]
mod audiosocket;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| audiosocket::hold(bytes));
