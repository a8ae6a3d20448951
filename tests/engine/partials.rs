//! Sentences that are not finished yet, and results that a node does not want (E42, R2, R8).

use telephonist::engine::EndReason;

use crate::play::call;

const NODES: &str = r#"
    "F1": { "mismatchplaybacks": ["什么"], "subflow": {
        "F2": { "condition": { "text": ["有", "any"] } } } },
    "F2": { "mismatchplaybacks": ["什么"], "subflow": {
        "F3": { "condition": { "text": ["万"], "complete": ["any"] } } } },
    "F3": {}"#;

/// E42: a partial matches concrete keywords only, is never a mismatch, and is recorded only if it
/// matched.
#[test]
fn partials_match_or_leave_no_row() {
    let mut call = call(NODES);
    assert!(call.say("S我").rows.is_empty());
    assert!(call.commands.is_empty());
    assert_eq!(call.say("S我有").line(), "1 F1 Text S我有 | Full 有 | Flow F2 x1");
}

/// E42, R2: the rest of a matched sentence is spent; its `F` is recorded, counts nothing, and ends
/// it.
#[test]
fn a_matched_sentence_is_spent() {
    let mut call = call(NODES);
    call.say("S我有");
    assert!(call.say("S我有十万").rows.is_empty(), "a later partial of it is dropped");
    assert_eq!(call.say("F我有十万").line(), "2 F2 Text F我有十万 | Mismatch | None");
    assert_eq!(call.say("F十万").line(), "2 F2 Text F十万 | Full 万 | Flow F3 x1");
    call.end(EndReason::RecvBye);
    assert_eq!(call.classify().respond_count, 1);
}

/// R2: the spent `F` resets no counter; nothing but an `F` ends the sentence.
#[test]
fn a_spent_sentence_changes_nothing() {
    let mut call = call(NODES);
    call.say("S有");
    assert_eq!(call.say("Enoise").line(), "2 F2 Text Enoise | Mismatch | Mismatch F2 x1");
    assert_eq!(call.say("F有").row().repetition, 0);
    assert_eq!(call.say("F嗯").line(), "3 F2 Text F嗯 | Mismatch | None x2");
}

/// R2: the spent `F` is no speech to the time-outs either.
#[test]
fn a_spent_sentence_leaves_the_time_outs_r2() {
    let mut call = call(
        r#"
        "F1": { "timeoutplaybacks": ["喂"], "timeoutrepetition": 9, "subflow": {
            "F1": { "condition": { "text": ["有"] } } } }"#,
    );
    call.say("S有").complete("TIMEOUT()").say("F有");
    assert_eq!(call.complete("TIMEOUT()").row().repetition, 2);
}

/// E42, E75: the end of a spent sentence may come inside a COMPLETE; it is not matched again.
#[test]
fn a_spent_sentence_is_not_matched_in_a_complete() {
    let mut call = call(NODES);
    call.say("S有");
    assert_eq!(
        call.complete("DONE(F:我有十万)").line(),
        "2 F2 Complete DONE(F:我有十万) | Any | Flow F3 x1"
    );
    let mut call = self::call(NODES);
    call.say("S有");
    let both = "DONE(F:我有十万F:二十万)";
    assert_eq!(call.complete(both).line(), format!("2 F2 Complete {both} | Full 万 | Flow F3 x1"));
}

/// E42: results that `filter.text` names are dropped and not recorded; `none` drops nothing.
#[test]
fn filtered_results_leave_no_trace() {
    let nodes = |filter: &str| {
        format!(
            r#""F1": {{ "filter": {{ "text": "{filter}" }}, "subflow": {{
                "F2": {{ "condition": {{ "text": ["有"] }} }} }} }}, "F2": {{}}"#
        )
    };
    for (filter, dropped, kept) in
        [("S", "S有", "F有"), ("SE", "E有", "F有"), ("F", "F有", "S有"), ("P", "PF有", "F有")]
    {
        let mut call = call(&nodes(filter));
        assert!(call.say(dropped).rows.is_empty(), "{filter} drops {dropped}");
        assert_eq!(call.say(kept).row().response_id, "F2", "{filter} keeps {kept}");
    }
    for (filter, kept) in [("none", "S有"), ("", "S有"), ("NONE", "E有")] {
        assert_eq!(call(&nodes(filter)).say(kept).row().response_id, "F2", "{filter}");
    }
}

/// E42, R13: the filter holds for sentences inside a COMPLETE.
#[test]
fn the_filter_holds_inside_a_complete() {
    let mut call = call(
        r#"
        "F1": { "filter": { "text": "S" }, "subflow": {
            "F2": { "condition": { "text": ["有"] } }, "F3": { "condition": { "complete": ["any"] } } } },
        "F2": {}, "F3": {}"#,
    );
    let args = "TIMEOUT(S:有)";
    assert_eq!(call.complete(args).line(), format!("1 F1 Complete {args} | Any | Flow F3 x1"));
}
