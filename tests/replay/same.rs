//! Simulated calls to random scripts: their own script does the same with them.

use telephonist::engine::{Recorded, Row};
use telephonist::replay::{Recording, Replay, Verdict};

use crate::laws::{Case, scripts, whole_call};

/// Calls of a run that says nothing else.
const CALLS: u64 = 200;
/// One of so many calls may be unknown at some point: web services, branches and variables are not in
/// rows.
const UNKNOWN_SHARE: u64 = 20;

/// I6: also as a table or message holds them that has none of our columns.
#[test]
fn the_same_script_does_the_same_with_every_simulated_call_i6() {
    hold_all(&[
        |rows| rows.iter().map(Recorded::from).collect(),
        |rows| {
            let message = |row: &Row| serde_json::to_string(&row.to_json()).unwrap();
            rows.iter().map(|row| serde_json::from_str(&message(row)).unwrap()).collect()
        },
    ]);
}

/// Rows as they are read back.
type ReadBack = fn(&[Row]) -> Vec<Recorded>;

#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment")]
fn hold_all(ways: &[ReadBack]) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (first, calls) = match number("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("SIM_CALLS").unwrap_or(CALLS)),
    };
    let (mut unknown, mut changed) = (0, Vec::new());
    for seed in first..first + calls {
        let case = Case::from(seed);
        let (rows, _) = whole_call(&case, false);
        let callid = rows[0].callid.clone();
        let replay = Replay::new(scripts::load(&case.script), true);
        for read_back in ways {
            let verdict = replay.call(&Recording::new(callid.clone(), read_back(&rows)));
            unknown += u64::from(verdict.unknown.is_some());
            if verdict.kinds.is_change() {
                changed.push(seed);
                if changed.len() == 1 {
                    tell(seed, &verdict);
                }
            }
        }
    }
    println!("{calls} calls, {unknown} of them not known to their end");
    assert!(changed.is_empty(), "{} of {calls}: SIM_SEED={changed:?}", changed.len());
    assert!(unknown * UNKNOWN_SHARE <= 2 * calls, "{unknown} of {calls} are unknown");
}

fn tell(seed: u64, verdict: &Verdict) {
    println!("SIM_SEED={seed}: {} ({:?})", verdict.kinds, verdict.unknown);
    for (at, turn) in verdict.turns.iter().enumerate() {
        println!(
            "{at:>3} {:>4}s type {} {:?} at {}",
            turn.at_s, turn.input_type, turn.input, turn.node
        );
        println!("      old {:?}", turn.old);
        if turn.new.as_ref() != Some(&turn.old) || !turn.kinds.is_empty() {
            println!("      new {:?}  [{}]", turn.new, turn.kinds);
        }
    }
}
