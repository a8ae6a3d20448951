#![no_main]
//! See `src/inputs.rs`.

#[path = "../../tests/sim/call.rs"]
mod call;
#[path = "../../tests/support/dice.rs"]
mod dice;
#[path = "../src/inputs.rs"]
mod inputs;
#[path = "../../tests/sim/line.rs"]
mod line;
#[path = "../../tests/sim/robot.rs"]
mod robot;
#[path = "../../tests/sim/scripts.rs"]
mod scripts;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inputs::hold(bytes));
