//! What is made to hurt: script files, floods of inputs, and everything that fuzzing has found.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../sim/call.rs"]
mod call;
#[path = "../support/conversation.rs"]
mod conversation;
mod corpora;
#[path = "../support/dice.rs"]
mod dice;
mod files;
mod floods;
#[path = "../support/hostile.rs"]
mod hostile;
#[path = "../../fuzz/src/inputs.rs"]
mod inputs;
#[path = "../sim/line.rs"]
mod line;
#[path = "../sim/robot.rs"]
mod robot;
#[path = "../../fuzz/src/script_file.rs"]
mod script_file;
#[path = "../sim/scripts.rs"]
mod scripts;
