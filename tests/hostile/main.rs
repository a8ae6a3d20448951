//! What is made to hurt: script files, floods of inputs, and everything that fuzzing has found.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../../fuzz/src/audiosocket.rs"]
mod audiosocket;
#[path = "../support/conversation.rs"]
mod conversation;
mod corpora;
#[path = "../../fuzz/src/fastagi.rs"]
mod fastagi;
mod files;
mod floods;
#[path = "../support/hostile.rs"]
mod hostile;
#[path = "../../fuzz/src/inputs.rs"]
mod inputs;
#[path = "../sim/laws/mod.rs"]
mod laws;
#[path = "../../fuzz/src/script_file.rs"]
mod script_file;
