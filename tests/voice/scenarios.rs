//! Callers as they are, and services as they are. Each has a script of its own, by whose number its
//! call is found in the tables.

use std::time::Duration;

use tokio::time::sleep;

use crate::hearing::{Sound, longest_gap_ms, missing, played, spans};
use crate::recogniser::{Fault, words};
use crate::robot::{
    AGAIN, ASK, ASK_MS, BYE, BYE_MS, GOOD, PATIENCE, Rig, SENTENCE_MS, VOICE, heard, heard_whole,
    hears, pause, pieces, saying,
};

/// S22: a caller who says nothing from the start hears the robot from the start.
pub(crate) async fn a_silent_caller_hears_the_robot(rig: &Rig) {
    let (_phone, call) = rig.call("5001").await;
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let packets = call.heard();
    heard_whole(&call, ASK, ASK_MS);
    heard_whole(&call, BYE, BYE_MS);
    let (ask, bye) = (pieces(&call, ASK), pieces(&call, BYE));
    assert!(ask[0].start_ms < 1_000, "{ask:?}");
    let waited_ms = bye[0].start_ms - ask.last().unwrap().end_ms;
    assert!((1_400..2_200).contains(&waited_ms), "silence counts from the end: {waited_ms} ms");
    assert_eq!(missing(&packets), 0);
    let (rows, _) = rig.rows("5001").await;
    assert_eq!(rows, ["Start 5001 → ask 1", "ask TIMEOUT() → bye 1", "bye send_bye →  0"]);
}

/// S22: ten seconds in which nothing comes from the caller, and then they speak.
pub(crate) async fn a_muted_caller_is_kept_and_heard_again(rig: &Rig) {
    let (_phone, call) = rig.call("5002").await;
    call.mute();
    // The question takes five seconds, and waits for one and a half.
    sleep(Duration::from_millis(4_000)).await;
    assert!(call.ended(Duration::ZERO).await.is_none(), "still there");
    call.unmute();
    call.say(&saying("yes"));
    hears(&call, GOOD).await;
    call.mute();
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let (rows, _) = rig.rows("5002").await;
    assert_eq!(rows[1], "ask Fyes → good 1", "{rows:?}");
    heard_whole(&call, BYE, BYE_MS);
}

/// E76: what was said when the caller hung up is understood all the same.
pub(crate) async fn a_caller_hangs_up_in_mid_sentence(rig: &Rig) {
    let (_phone, call) = rig.call("5003").await;
    hears(&call, ASK).await;
    call.say(&saying("no"));
    call.said().await;
    call.hang_up().await;
    let (rows, _) = rig.rows("5003").await;
    assert_eq!(rows[1..], ["ask HANGUP(Fno) → bye 1", "bye recv_bye →  0"], "{rows:?}");
}

/// A recogniser that dies in mid-sentence, twice: the sentence is lost, the call is not.
pub(crate) async fn a_recogniser_that_dies_costs_a_sentence(rig: &Rig) {
    for _ in 0..2 {
        rig.bad_recogniser.misbehave(Fault::Die(600));
    }
    let (_phone, call) = rig.call("5004").await;
    hears(&call, ASK).await;
    call.say(&saying("yes"));
    hears(&call, AGAIN).await;
    call.say(&saying("yes"));
    hears(&call, GOOD).await;
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let (rows, _) = rig.rows("5004").await;
    assert!(rows[1].starts_with("ask E") && rows[1].ends_with(" → ask 3"), "{rows:?}");
    // What is left of a sentence whose recogniser died is one of its own.
    assert!(rows[2].ends_with("yes → good 1"), "{rows:?}");
}

/// T8: a voice that never answers: the next entry is heard, no later than the caller would have been
/// waited for.
pub(crate) async fn a_voice_that_stalls_costs_an_entry(rig: &Rig) {
    let (_phone, call) = rig.call("5005").await;
    let next = hears(&call, AGAIN).await;
    assert!(next.start_ms < 4_000, "{next:?}");
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let (rows, _) = rig.rows("5005").await;
    assert_eq!(rows[1], "ask TIMEOUT() → bye 1", "{rows:?}");
}

/// E77: the first key stops the audio.
pub(crate) async fn a_key_over_the_prompt_is_an_answer(rig: &Rig) {
    let (_phone, call) = rig.call("5006").await;
    let ask = hears(&call, ASK).await;
    call.press('5');
    hears(&call, GOOD).await;
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let stopped = pieces(&call, ASK);
    assert!(stopped.last().unwrap().end_ms - ask.start_ms < 2_000, "{stopped:?}");
    let (rows, _) = rig.rows("5006").await;
    assert_eq!(rows[1], "ask 5 → good 1", "{rows:?}");
}

/// T12: a goodbye can't be talked away.
pub(crate) async fn speech_over_the_goodbye_changes_nothing(rig: &Rig) {
    let (_phone, call) = rig.call("5007").await;
    hears(&call, ASK).await;
    call.press('5');
    hears(&call, BYE).await;
    call.say(&saying("yes"));
    call.ended(PATIENCE).await.expect("the robot hangs up");
    heard_whole(&call, BYE, BYE_MS);
    let (rows, _) = rig.rows("5007").await;
    assert_eq!(rows.last().unwrap(), "bye send_bye →  0", "{rows:?}");
}

/// A caller who speaks before the robot does.
pub(crate) async fn speech_at_the_very_first_frame_is_heard(rig: &Rig) {
    let (_phone, call) = rig.call("5008").await;
    call.say(&saying("yes"));
    hears(&call, GOOD).await;
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let (rows, _) = rig.rows("5008").await;
    assert_eq!(rows[1], "ask Fyes → good 1", "{rows:?}");
}

/// Two callers at once: each hears their own script, and is heard by it.
pub(crate) async fn two_callers_have_each_their_script(rig: &Rig) {
    let ((_one, first), (_other, second)) = tokio::join!(rig.call("5009"), rig.call("5010"));
    tokio::join!(hears(&first, ASK), hears(&second, AGAIN));
    first.say(&saying("no"));
    second.say(&saying("yes"));
    tokio::join!(first.ended(PATIENCE), second.ended(PATIENCE));
    assert_eq!(heard(&second, ASK), None, "nobody hears the other's robot");
    let ((first, _), (second, _)) = tokio::join!(rig.rows("5009"), rig.rows("5010"));
    assert_eq!((&*first[1], &*second[1]), ("ask Fno → ask 3", "ask Fyes → good 1"));
}

/// I20: words with a variable in them, from the voice of this machine.
pub(crate) async fn a_text_is_spoken(rig: &Rig) {
    let (_phone, call) = rig.call("5011").await;
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let before_goodbye = heard(&call, BYE).unwrap().start_ms;
    let spoken = spans(&played(&call.heard()), &[BYE]).into_iter();
    let spoken_ms: usize = spoken
        .filter(|span| span.sound == Sound::Other && span.end_ms <= before_goodbye)
        .map(|span| span.end_ms - span.start_ms)
        .sum();
    assert!(spoken_ms > 800, "a sentence of six words takes longer than {spoken_ms} ms");
}

/// E91, I27: the caller left, the robot right, at their times; and where a turn's time went.
pub(crate) async fn a_recording_has_both_sides_and_a_turn_its_times(rig: &Rig) {
    let (_phone, call) = rig.call("5012").await;
    hears(&call, ASK).await;
    call.say(&pause(400));
    call.say(&saying("yes"));
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let (rows, callid) = rig.rows("5012").await;
    assert_eq!(rows[1], "ask Fyes → good 1");

    let named = rig.daemon.query(&callid, RECORD).await;
    assert_eq!(named, [format!("5012/{callid}.wav")]);
    let file = rig.daemon.folder().join("data/recordings").join(&named[0]);
    let mut wav = hound::WavReader::open(file).unwrap();
    assert_eq!((wav.spec().channels, wav.spec().sample_rate), (2, 8_000));
    let both: Vec<i16> = wav.samples().map(Result::unwrap).collect();
    let side = |side: usize| both.iter().skip(side).step_by(2).copied().collect::<Vec<i16>>();
    let (caller, robot) = (side(0), side(1));
    assert_eq!(words(&caller), "yes", "the caller is left");
    let said = spans(&robot, &[ASK, GOOD, BYE]);
    let tones: Vec<Sound> = said
        .iter()
        .filter(|span| span.end_ms - span.start_ms >= 100 && span.sound != Sound::Silence)
        .map(|span| span.sound)
        .collect();
    assert_eq!(tones, [Sound::Tone(ASK), Sound::Tone(GOOD), Sound::Tone(BYE)], "{said:?}");
    let bye = said.iter().find(|span| span.sound == Sound::Tone(BYE)).unwrap();
    assert!(longest_gap_ms(&robot, bye.start_ms, bye.end_ms) < 20, "no gap in what was said");
    let sentence_ms = both.len() / 16;
    assert!(sentence_ms > SENTENCE_MS + BYE_MS + VOICE.len() / 8, "{sentence_ms} ms");

    let ledger = rig.daemon.query(&callid, LEDGER).await.remove(0);
    let ledger: serde_json::Value = serde_json::from_str(&ledger).unwrap();
    let turn = &ledger["turns"][0];
    let endpointing = turn["endpointing_ms"].as_u64().unwrap();
    assert!((700..1_100).contains(&endpointing), "{ledger}");
    assert_eq!(ledger["asr_requests"], 1, "{ledger}");
    assert!(ledger["asr_ms"].as_u64().unwrap() as usize > SENTENCE_MS, "{ledger}");
}

const RECORD: &str = "SELECT record FROM conversation WHERE callid = ? AND input_type = 0";
const LEDGER: &str = "SELECT coalesce(ledger, '') FROM classify WHERE callid = ?";
