#![no_main]
//! See `src/script_file.rs`.

#[path = "../../tests/support/conversation.rs"]
mod conversation;
#[path = "../src/script_file.rs"]
mod script_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| script_file::load(bytes));
