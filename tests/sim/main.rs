//! Simulated callers: random scripts, random callers in three languages, a switch that loses,
//! repeats and delays, and the laws of the engine after every step.
//!
//! `SIM_CALLS=1000000 cargo test --release --test sim` runs more; `SIM_SEED=7` replays one call.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod call;
#[path = "../support/dice.rs"]
mod dice;
mod line;
mod robot;
mod scripts;

use std::sync::Arc;

use dice::Dice;
use telephonist::script::Script;

/// Calls of a run that says nothing else.
const CALLS: u64 = 2_000;

#[test]
fn the_laws_hold_whatever_callers_and_switches_do() {
    for_every_seed(call::hold);
}

/// A robot that is restored anywhere writes the same rows.
#[test]
fn a_robot_that_is_restored_anywhere_writes_the_same_rows() {
    for_every_seed(robot::restore);
}

fn for_every_seed(hold: fn(&Arc<Script>, Dice)) {
    let (first, calls) = match number("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("SIM_CALLS").unwrap_or(CALLS)),
    };
    for seed in first..first + calls {
        let outcome = std::panic::catch_unwind(|| {
            let mut dice = Dice::from(seed);
            hold(&scripts::script(&mut dice), dice);
        });
        assert!(outcome.is_ok(), "the call of SIM_SEED={seed} breaks a law, see above");
    }
    println!("{calls} calls held");
}

#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment")]
fn number(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().expect("a number"))
}
