//! What another script changes is found, all of it and nothing else; what is not known is said.

use telephonist::engine::{InputType, Recorded, Row};
use telephonist::replay::{Fault, Kinds, Outcome, Recording, Replay, Summary, Verdict};

use crate::callers::{LOAN, callers, load};

fn recording(rows: &[Row]) -> Recording {
    Recording::new(rows[0].callid.clone(), rows.iter().map(Recorded::from).collect())
}

fn replay(text: &str) -> Replay {
    Replay::new(load(text), true)
}

#[test]
fn ten_thousand_calls_are_the_same_with_their_own_script() {
    let replay = replay(LOAN);
    let mut summary = Summary::keeping(1);
    for rows in callers(replay.script(), 10_000) {
        let verdict = replay.call(&recording(&rows));
        assert!(verdict.kinds.is_empty() && verdict.compared == rows.len(), "{verdict:?}");
        assert_eq!(verdict.label[0], verdict.label[1]);
        summary.add(verdict);
    }
    assert_eq!((summary.calls, summary.same), (10_000, 10_000));
}

/// With one keyword less, exactly the calls differ that had hit it.
#[test]
fn a_keyword_less_changes_the_calls_that_had_hit_it() {
    let old = load(LOAN);
    let without = replay(&LOAN.replacen(r#"["有", "需要""#, r#"["需要""#, 1));
    let (mut hit, mut diverged) = (0, 0);
    for rows in callers(&old, 2_000) {
        let has_hit =
            rows.iter().position(|row| row.condition_id == "test1" && row.matching_keyword == "有");
        let verdict = without.call(&recording(&rows));
        assert_eq!(verdict.first, has_hit, "{verdict:?}");
        assert_eq!(verdict.outcome() == Outcome::Changed, has_hit.is_some());
        hit += u32::from(has_hit.is_some());
        diverged += u32::from(verdict.diverged.is_some());
    }
    assert!(hit > 100 && diverged > 50, "{hit} {diverged}");
}

/// A prompt in other words: the caller is assumed to have said the same, and that is told apart.
#[test]
fn other_words_of_the_same_answer_are_told_apart() {
    let old = load(LOAN);
    let other = replay(&LOAN.replace("请问你需要多少资金呢?", "请问需要多少?"));
    let words = callers(&old, 300).map(|rows| other.call(&recording(&rows)));
    let words: Vec<Verdict> = words.filter(|verdict| verdict.kinds.is_change()).collect();
    assert!(words.len() > 20);
    for verdict in words {
        assert_eq!(verdict.kinds, Kinds::WORDS, "{verdict:?}");
        assert!(verdict.diverged.is_none());
    }
}

/// R22: a mark of a node alone changes labels and nothing that is said.
#[test]
fn another_mark_changes_the_label_alone() {
    let old = load(LOAN);
    let marked = replay(&LOAN.replacen(r#""potential": "1""#, r#""potential": "Z""#, 1));
    let mut changed = 0;
    for rows in callers(&old, 200) {
        let verdict = marked.call(&recording(&rows));
        if verdict.kinds.is_change() {
            assert!(verdict.kinds.but(Kinds::MARK.and(Kinds::LABEL)).is_empty(), "{verdict:?}");
            assert_eq!(verdict.compared, rows.len());
            changed += 1;
        }
    }
    assert!(changed > 20);
}

#[test]
fn rows_with_holes_are_held_as_far_as_is_sure() {
    let replay = replay(LOAN);
    let calls: Vec<_> = callers(replay.script(), 50).filter(|rows| rows.len() > 6).collect();
    assert!(calls.len() > 20);
    for rows in calls {
        let rows: Vec<Recorded> = rows.iter().map(Recorded::from).collect();
        let callid = rows[0].callid.clone();
        let held = |rows: Vec<Recorded>| replay.call(&Recording::new(callid.clone(), rows));
        let without = |at: usize| {
            let kept = rows.iter().enumerate().filter(|(row, _)| *row != at);
            kept.map(|(_, row)| row.clone()).collect::<Vec<_>>()
        };
        let hole = held(without(3));
        assert_eq!((hole.outcome(), hole.compared), (Outcome::Unknown, 3));
        assert_eq!(hole.unknown.unwrap().why, Fault::Hole.to_string());
        let headless = held(without(0));
        assert_eq!((headless.outcome(), headless.compared), (Outcome::Unknown, 0));
        let cut = held(rows[..rows.len() - 1].to_vec());
        assert_eq!((cut.outcome(), cut.compared), (Outcome::Unknown, rows.len() - 1));
        let mut mixed = rows.clone();
        mixed.reverse();
        assert_eq!(held(mixed).outcome(), Outcome::Same);
        let twice = rows.iter().flat_map(|row| [row.clone(), row.clone()]).collect();
        assert_eq!(held(twice).outcome(), Outcome::Same);
        assert_eq!(held(Vec::new()).outcome(), Outcome::Unknown);
        let mut odd = rows.clone();
        odd[2].input_type = 77;
        assert_ne!(held(odd).outcome(), Outcome::Changed, "a kind that nobody knows is no change");
    }
}

/// I15: what a service decided, no script can be asked about.
#[test]
fn a_call_of_a_service_is_unknown_i15() {
    let replay = replay(LOAN);
    let mut rows: Vec<Recorded> =
        callers(replay.script(), 1).next().unwrap().iter().map(Recorded::from).collect();
    rows[0].input_args = "http://flow.example/".into();
    let verdict = replay.call(&Recording::new("c".into(), rows));
    assert_eq!((verdict.outcome(), verdict.compared), (Outcome::Unknown, 0));
}

/// A call that ends where the recorded one went on, and the other way round.
#[test]
fn another_end_is_found() {
    let old = load(LOAN);
    let ends = replay(&LOAN.replacen(
        r#""action": "cti_play_and_detect_speech",
      "description": "需要多少资金""#,
        r#""action": "hangup",
      "description": "需要多少资金""#,
        1,
    ));
    let mut found = 0;
    for rows in callers(&old, 300) {
        let verdict = ends.call(&recording(&rows));
        let came =
            rows.iter().any(|row| row.response_id == "F4" && row.input_type != InputType::Create);
        assert_eq!(verdict.kinds.is_change(), came, "{verdict:?}");
        if verdict.kinds.any_of(Kinds::END) {
            assert_eq!(verdict.end[1].as_deref(), Some("send_bye"));
            assert!(verdict.label[1].is_some(), "a call that ends has its label");
            found += 1;
        }
    }
    assert!(found > 20);
}
