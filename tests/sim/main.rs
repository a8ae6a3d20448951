//! Simulated calls: random scripts, random callers in three languages, a switch that loses, repeats
//! and delays, services that lie, and the laws of the house after every step.
//!
//! ```text
//! SIM_CALLS=1000000 cargo test --release --test sim     many more calls
//! SIM_SEED=7 cargo test --test sim                      one call, made small if it breaks a law
//! ```

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod laws;
mod shrink;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use laws::{Case, scripts};
use telephonist::engine::{Command, Input, Robot};

/// Calls of a run that says nothing else.
const CALLS: u64 = 1_000;

#[test]
fn whatever_callers_switches_and_services_do_the_laws_hold() {
    simulate(|case, tells| drop(laws::whole_call(case, tells)));
}

#[test]
fn the_laws_hold_too_if_a_service_decides() {
    simulate(|case, tells| drop(laws::flow_call(case, tells)));
}

#[test]
fn a_robot_that_is_restored_anywhere_writes_the_same_rows() {
    simulate(laws::restored);
}

#[test]
fn every_action_completes_once_whatever_the_switch_does() {
    simulate(laws::turn);
}

/// Plays many calls, or the one that is asked for. The first that breaks a law is made small and told.
fn simulate(law: fn(&Case, bool)) {
    let (first, calls) = match number("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("SIM_CALLS").unwrap_or(CALLS)),
    };
    for seed in first..first + calls {
        let case = Case::from(seed);
        if catch_unwind(AssertUnwindSafe(|| law(&case, false))).is_err() {
            report(seed, case, law);
        }
    }
    println!("{calls} calls held");
}

fn report(seed: u64, case: Case, law: fn(&Case, bool)) {
    let fails = |case: &Case| catch_unwind(AssertUnwindSafe(|| law(case, false))).is_err();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let small = shrink::shrink(case, fails);
    std::panic::set_hook(hook);
    println!("SIM_SEED={seed} breaks a law; what matters of it:\n{:#}", small.script);
    // It panics where the law breaks.
    law(&small, true);
    panic!("SIM_SEED={seed} breaks a law only at times: something in it is left to chance");
}

#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment")]
fn number(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().expect("a number"))
}

/// What is never simulated is never proved: every kind of input, match, answer and question occurs.
#[test]
fn everything_occurs() {
    let mut seen = BTreeSet::new();
    for seed in 0_u64..300 {
        let (mut rows, mut asked) = laws::whole_call(&Case::from(seed), false);
        let (more_rows, more_asked) = laws::flow_call(&Case::from(seed), false);
        rows.extend(more_rows);
        asked.extend(more_asked);
        seen.extend(rows.iter().flat_map(|row| {
            let (input, method) = (row.input_type, row.matching_method);
            [format!("{input:?}"), format!("by {method:?}"), format!("to {:?}", row.response_type)]
        }));
        seen.extend(asked.iter().map(|kind| format!("ask {kind:?}")));
    }
    let all = "Text Dtmf Complete Create Destroy Flowid Error Notify \
               by:Mismatch by:Boot by:Regex by:Full by:Any by:Flowid \
               to:None to:Flow to:Kb to:Mismatch to:SwitchFlow to:Timeout to:GlobalFlow \
               to:BrotherFlow to:NoiseRule to:DisableBreak to:Hangup ask:Nlp ask:Http ask:Flow";
    let missing = all.split_whitespace().map(|kind| kind.replace(':', " "));
    let missing: Vec<_> = missing.filter(|kind| !seen.contains(kind)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// A law that says callers never press 1 in a call that has spoken of `нет`: what is left of a
/// failing call is one step, and a script with little else than the way there.
#[test]
fn a_failing_call_is_made_small() {
    let presses_one = |case: &Case| {
        let Some(script) = scripts::try_load(&case.script) else { return false };
        let mut robot = Robot::new(scripts::incoming(), script, Default::default());
        while robot.next_command().is_some() {}
        case.steps.iter().any(|dice| {
            let input = scripts::input(&mut dice.clone(), &[]);
            let is_one = matches!(&input, Input::Dtmf { digits, .. } if digits == "1");
            robot.handle(input, Default::default());
            let rows = std::iter::from_fn(|| robot.next_command());
            rows.filter(|command| matches!(command, Command::Row(_))).count() > 0 && is_one
        })
    };
    let case = (0_u64..).map(Case::from).find(presses_one).unwrap();
    let small = shrink::shrink(case.clone(), presses_one);
    assert!(presses_one(&small));
    assert_eq!(small.steps.len(), 1, "one step presses the key");
    let length = |case: &Case| case.script.to_string().len();
    assert!(length(&small) * 4 < length(&case), "{:#}", small.script);
}
