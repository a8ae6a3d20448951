//! How calls come to the robot and go on from it (S20, E20, N10, N11).

use std::time::Duration;

use crate::hearing::{Sound, played, spans, tone};
use crate::robot::{ASK, BYE, GOOD, OPERATOR, PATIENCE, Rig, heard, hears, saying};

/// A transfer that the script orders and the configuration allows.
pub(crate) async fn a_caller_is_sent_to_a_person(rig: &Rig) {
    let (_phone, call) = rig.call("5020").await;
    hears(&call, ASK).await;
    call.say(&saying("yes"));
    let (rows, callid) = rig.rows("5020").await;
    assert_eq!(rows[1..], ["ask Fyes → end 1", "end transfer →  0"], "{rows:?}");
    assert_eq!(rig.daemon.query(&callid, LABEL).await, ["A"]);
    let person = rig.operator.incoming("85020", PATIENCE).await.expect("the operator is called");
    person.say(&tone(OPERATOR, 1_000));
    hears(&call, OPERATOR).await;
    person.hang_up().await;
    call.ended(PATIENCE).await.expect("the operator's hang-up ends the call");
}

/// E20: an application of the switch, between two stretches of our own audio.
pub(crate) async fn an_application_plays_between_two_legs(rig: &Rig) {
    let (_phone, call) = rig.call("5021").await;
    hears(&call, ASK).await;
    call.say(&saying("yes"));
    let good = hears(&call, GOOD).await;
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let asked = heard(&call, ASK).unwrap();
    let between = spans(&played(&call.heard()), &[ASK, GOOD]).into_iter();
    let spoken_ms: usize = between
        .filter(|span| span.sound == Sound::Other)
        .filter(|span| span.start_ms >= asked.end_ms && span.end_ms <= good.start_ms)
        .map(|span| span.end_ms - span.start_ms)
        .sum();
    assert!(spoken_ms > 400, "the switch says goodbye for longer than {spoken_ms} ms");
    let (rows, _) = rig.rows("5021").await;
    assert_eq!(
        rows[1..],
        ["ask Fyes → end 1", "end DONE() → then 1", "then TIMEOUT() → bye 1", "bye send_bye →  0"]
    );
}

/// Variables of the dialplan in, results out; and a context that the script names.
pub(crate) async fn variables_go_in_and_results_come_out(rig: &Rig) {
    let ((_one, person), (_other, elsewhere)) = tokio::join!(rig.call("5023"), rig.call("5024"));
    tokio::join!(hears(&person, ASK), hears(&elsewhere, ASK));
    person.say(&saying("yes"));
    elsewhere.say(&saying("yes"));
    tokio::join!(person.ended(PATIENCE), elsewhere.ended(PATIENCE));
    let ((rows, callid), (_, other_id)) = tokio::join!(rig.rows("5023"), rig.rows("5024"));
    assert_eq!(rows.last().unwrap(), "end manual →  0");
    let log = rig.asterisk.log();
    let results = log.lines().find_map(|line| line.split_once("] app_verbose.c: RESULTS "));
    let results: Vec<&str> = results.expect("the dialplan goes on").1.split(' ').collect();
    assert_eq!(results[..3], ["manual", "B", "end"], "{results:?}");
    assert_eq!(results[3].len(), 12, "a revision: {results:?}");
    assert_eq!(results[4..], [&*callid, "1"], "{results:?}");
    assert!(log.contains(&format!("ELSEWHERE {other_id}")), "the script's own context");
    let spoken = rig.daemon.calls_of("5011", 1).await.remove(0);
    let said = rig.daemon.query(&spoken, SAID).await;
    assert_eq!(said, ["Hello, Ann. This is a robot."]);
}

/// S20: the form whose AudioSocket stands in the dialplan.
pub(crate) async fn the_visible_form_is_the_same_call(rig: &Rig) {
    let (_phone, call) = rig.call("6000").await;
    hears(&call, ASK).await;
    call.say(&saying("yes"));
    hears(&call, GOOD).await;
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let (rows, _) = rig.rows("6000").await;
    assert_eq!(rows[1], "ask Fyes → good 1");
    assert_eq!(rows.last().unwrap(), "bye send_bye →  0");
}

/// N12: audio that nobody announced is a call only because this configuration says so.
pub(crate) async fn bare_audio_gets_the_default_script(rig: &Rig) {
    let (_phone, call) = rig.call("7000").await;
    hears(&call, ASK).await;
    call.press('5');
    hears(&call, BYE).await;
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let (rows, _) = rig.rows("5000").await;
    assert_eq!(rows[1], "ask 5 → good 1");
    assert_eq!(rows.last().unwrap(), "bye send_bye →  0");
}

/// A script that is not there: a person answers, at once.
pub(crate) async fn an_unknown_script_leaves_the_call_to_a_person(rig: &Rig) {
    let (_phone, call) = {
        let phone = crate::sip::Phone::new("85999").await;
        let sip = rig.asterisk.sip();
        let (outcome, person) =
            tokio::join!(phone.call(sip, "5999"), rig.operator.incoming("85999", PATIENCE));
        person.expect("the operator is called").hang_up().await;
        (phone, outcome.answered())
    };
    call.ended(PATIENCE).await.expect("the operator's hang-up ends the call");
}

/// N10: neither a caller's name nor a script's application is run by anybody.
pub(crate) async fn what_is_said_to_the_switch_is_data(rig: &Rig) {
    let planted = std::path::Path::new("/tmp/telephonist-n10");
    let phone = crate::sip::Phone::new("85031").await;
    let name = "${SHELL(touch /tmp/telephonist-n10)}";
    let call = phone.call_as(name, rig.asterisk.sip(), "5031", PATIENCE).await.answered();
    let (_other, refused) = rig.call("5022").await;
    tokio::join!(hears(&call, ASK), hears(&refused, ASK));
    call.press('5');
    refused.say(&saying("yes"));
    hears(&refused, GOOD).await;
    tokio::join!(call.ended(PATIENCE), refused.ended(PATIENCE));
    let (rows, _) = rig.rows("5022").await;
    assert_eq!(rows[2], "end ERROR() → good 1", "an application that is not listed: {rows:?}");
    assert!(!planted.exists(), "somebody ran what a caller or a script said");
}

/// S20: SIGKILL in mid-call; the dialplan waits for another daemon, and then calls a person.
pub(crate) async fn a_killed_daemon_is_a_call_for_a_person(rig: Rig) {
    let (_phone, call) = rig.call("5000").await;
    hears(&call, ASK).await;
    let id = rig.daemon.id().to_string();
    std::process::Command::new("kill").args(["-9", &id]).status().unwrap();
    let person = rig.operator.incoming("85000", Duration::from_secs(20)).await;
    let person = person.expect("the caller is not left alone");
    person.say(&tone(OPERATOR, 1_000));
    hears(&call, OPERATOR).await;
    person.hang_up().await;
    call.ended(PATIENCE).await.expect("the operator's hang-up ends the call");
}

const LABEL: &str = "SELECT label_result FROM classify WHERE callid = ?";
const SAID: &str = "SELECT response_text FROM conversation WHERE callid = ? AND input_type = 10";
