//! Recognising.

use super::super::super::recognition::Recognition;
use super::super::super::translate::Speech;
use super::*;

#[test]
fn a_result_told_twice_is_told_once_s9() {
    let mut story = Story::new();
    story.listen();
    story.switch(Happened::RecognizerStarted);
    story.complete("u-own-5");
    story.did();
    story.result("agent");
    story.sequence -= 1;
    story.result("agent");
    assert_eq!(story.did(), ["> u-own-6: detect_speech resume", "< Final(\"agent\")"]);
}

#[test]
fn the_engines_own_silence_is_no_failure_and_it_is_resumed_s9() {
    let mut story = Story::new();
    story.listen();
    story.did();
    story.complete("u-own-5");
    story.says(Speech::Ended(Recognition::NoInput));
    assert_eq!(story.did(), ["> u-own-6: detect_speech resume"]);
}

#[test]
fn a_result_during_a_prompt_resumes_before_what_waits_behind_it() {
    let mut story = Story::new();
    story.listen();
    story.complete("u-own-5");
    (0..3).for_each(|number| story.play(number));
    story.executing("a-0");
    story.did();
    story.result("yes");
    story.executed("a-0", "FILE PLAYED");
    story.executing("a-1");
    story.executed("a-1", "FILE PLAYED");
    assert_eq!(
        story.did(),
        [
            "< Final(\"yes\")",
            "< a-0 Done ?",
            "replied after 0",
            "< a-1 started",
            "< a-1 Done ?",
            "> u-own-6: detect_speech resume",
            "> a-2: playback /2.wav",
        ]
    );
}

#[test]
fn whoever_listens_is_heard_before_what_waits_is_played() {
    let mut story = Story::new();
    (0..3).for_each(|number| story.play(number));
    story.listen();
    story.executing("a-0");
    story.executed("a-0", "FILE PLAYED");
    story.executing("a-1");
    story.did();
    story.executed("a-1", "FILE PLAYED");
    assert_eq!(
        story.did(),
        ["< a-1 Done ?", "> u-own-5: detect_speech test builtin robot", "> a-2: playback /2.wav"]
    );
}

#[test]
fn a_recogniser_without_a_sign_of_life_is_lost_s9() {
    let mut story = Story::new();
    story.listen();
    story.complete("u-own-5");
    story.did();
    story.pass(60_000);
    let lost = story.did();
    assert!(lost[0].starts_with("< RecognizerLost"), "{lost:?}");
    assert_eq!(lost.len(), 1);
}

#[test]
fn nobody_hears_what_nobody_listens_to() {
    let mut story = Story::new();
    story.listen();
    story.switch(Happened::RecognizerStarted);
    story.complete("u-own-5");
    story.leg.stop_listening();
    story.did();
    story.says(Speech::Began);
    story.says(Speech::Partial("a".into()));
    story.result("a b");
    assert_eq!(story.did(), NOTHING);
    story.complete("u-own-6");
    story.listen();
    assert_eq!(story.did(), ["> u-own-7: detect_speech resume"]);
}

#[test]
fn the_time_to_the_reply_is_measured() {
    let mut story = Story::new();
    story.listen();
    story.complete("u-own-5");
    story.result("yes");
    story.complete("u-own-6");
    story.play(0);
    story.did();
    story.pass(180);
    story.executing("a-0");
    assert_eq!(story.did(), ["replied after 180", "< a-0 started"]);
}
