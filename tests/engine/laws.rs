//! Laws that hold whatever happens: random callers on the shipped scripts.
//!
//! The conversation checks them at every step: one DESTORY and one classify, last; rows counted
//! without a gap; a call that goes on waits for something; a restored robot does the same.

use std::sync::Arc;

use telephonist::engine::{EndReason, Row};
use telephonist::script::Script;

use crate::conversation::{Conversation, load};
use crate::dice::Dice;

const SCRIPTS: [(&str, &str); 3] = [
    ("loan", include_str!("../../flows/loan.json")),
    ("delivery_ru", include_str!("../../flows/delivery_ru.json")),
    ("survey_en", include_str!("../../flows/survey_en.json")),
];
const CALLS: u64 = 300;
/// Longer than any script's way to its end, short enough for a second in all.
const STEPS_MAX: u32 = 60;

/// House laws 2 to 4: any caller, however odd, on any shipped script.
#[test]
fn random_callers_break_no_law() {
    for (name, text) in SCRIPTS {
        let script = load(name, text);
        let ended = (0..CALLS).map(|seed| random_call(&script, seed));
        let rows: usize = ended.map(|rows| rows.len()).sum();
        assert!(rows > 5 * CALLS as usize, "the callers of {name} said something: {rows} rows");
    }
}

/// House law 5: the same inputs give the same rows, ids included.
#[test]
fn the_same_inputs_give_the_same_rows() {
    let (name, text) = SCRIPTS[0];
    for seed in 0..20 {
        let first = random_call(&load(name, text), seed);
        assert_eq!(first, random_call(&load(name, text), seed), "seed {seed}");
    }
}

/// A call from beginning to end; all its rows.
fn random_call(script: &Arc<Script>, seed: u64) -> Vec<Row> {
    let mut dice = Dice::from(seed);
    let mut call = Conversation::with(script);
    let mut rows = call.rows.clone();
    for _ in 0..STEPS_MAX {
        random_step(&mut call, &mut dice);
        rows.extend(call.rows.iter().cloned());
        if call.robot.has_ended() {
            return rows;
        }
    }
    call.end(EndReason::RecvBye);
    rows.extend(call.rows.iter().cloned());
    rows
}

/// What callers say and switches tell, sense and nonsense alike.
const TEXTS: [&str; 16] = [
    "F有的。",
    "F没有",
    "S有",
    "F公司",
    "F利息",
    "F听不清",
    "F十万",
    "F转接",
    "PF人工",
    "F在忙",
    "F",
    "F。",
    "Enetwork",
    "S",
    "no prefix",
    "Fда, конечно",
];
const ENDS: [&str; 10] = [
    "DONE()",
    "TIMEOUT()",
    "ERROR()",
    "BREAK()",
    "DONE(F:有F:公司)",
    "TIMEOUT(S:",
    "TIMEOUT(F:嗯)",
    "HANGUP(F好的)",
    "",
    "((((",
];

fn random_step(call: &mut Conversation, dice: &mut Dice) {
    match dice.roll(10) {
        0..5 => call.say(dice.pick(&TEXTS)),
        5 => call.say_over(dice.pick(&TEXTS), 700, 400),
        6 => call.press(dice.pick(&["1", "2", "0", "12#", "*", ""])),
        7 | 8 => call.complete(dice.pick(&ENDS)),
        _ => call.advance(dice.roll(12_000) as u64),
    };
}
