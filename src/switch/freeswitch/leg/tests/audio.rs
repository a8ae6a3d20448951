//! Playing and stopping.

use super::*;

#[test]
fn two_prompts_stand_on_the_switch_and_the_third_waits_s4() {
    let mut story = Story::new();
    (0..3).for_each(|number| story.play(number));
    assert_eq!(story.did(), ["> a-0: playback /0.wav", "> a-1: playback /1.wav"]);
    story.executing("a-0");
    story.stopped(false, 700);
    story.executed("a-0", "FILE PLAYED");
    assert_eq!(story.did(), ["< a-0 started", "< a-0 Done 700", "> a-2: playback /2.wav"]);
}

#[test]
fn a_prompt_goes_on_from_where_it_was_cut_t3() {
    let mut story = Story::new();
    let what = Playable::File("/0.wav".into());
    story.leg.work(Work::Play { entry: entry(0), what, offset_ms: 1500 }, story.now);
    assert_eq!(story.did(), ["> a-0: playback /0.wav@@12000"]);
}

#[test]
fn what_can_not_be_played_is_said_to_have_failed_t8() {
    for response in ["FILE NOT FOUND", "PLAYBACK ERROR"] {
        let mut story = Story::new();
        story.play(0);
        story.executing("a-0");
        story.did();
        story.executed("a-0", response);
        let failed = format!("< a-0 Failed({:?}) ?", response.to_lowercase());
        assert_eq!(story.did(), [failed]);
    }
}

#[test]
fn a_voice_that_ends_within_a_frame_said_nothing() {
    let mut story = Story::new();
    story.speak(0);
    story.executing("a-0");
    story.executed("a-0", "_none_");
    assert_eq!(
        story.did()[2..],
        ["< a-0 Failed(\"the switch's voice said nothing\") 0".to_owned()]
    );

    story.speak(1);
    story.executing("a-1");
    story.us += 900_000;
    story.executed("a-1", "_none_");
    assert_eq!(story.did().last().unwrap(), "< a-1 Done 920");
}

#[test]
fn the_end_of_a_prompt_that_was_lost_is_told_when_the_next_begins() {
    let mut story = Story::new();
    story.play(0);
    story.play(1);
    story.did();
    story.executing("a-1");
    assert_eq!(story.did(), ["< a-0 Done ?", "< a-1 started"]);
}

#[test]
fn a_prompt_broken_by_somebody_else_breaks_the_action_t6() {
    let mut story = Story::new();
    story.play(0);
    story.executing("a-0");
    story.stopped(true, 300);
    story.did();
    story.executed("a-0", "FILE PLAYED");
    assert_eq!(story.did(), ["< a-0 Stopped 300", "< Broken"]);
}

#[test]
fn a_prompt_that_the_switch_refuses_fails_once() {
    let mut story = Story::new();
    story.play(0);
    story.did();
    story.leg.replied(Purpose::Execution("a-0".into()), Err("-ERR odd".into()), story.now);
    assert_eq!(story.did(), ["< a-0 Failed(\"-ERR odd\") 0"]);

    story.play(1);
    story.did();
    let gone = Err("-ERR invalid session id [u]".into());
    story.leg.replied(Purpose::Execution("a-1".into()), gone, story.now);
    assert_eq!(story.did(), ["< a-1 Stopped 0"], "the line is gone, the prompt is not at fault");
}

#[test]
fn a_break_waits_until_the_prompt_has_begun_s5() {
    let mut story = Story::new();
    story.play(0);
    story.did();
    story.stop();
    assert_eq!(story.did(), NOTHING);
    story.executing("a-0");
    assert_eq!(story.did(), ["< a-0 started", "> uuid_break u all"]);
}

#[test]
fn a_break_ends_all_audio_and_spares_what_is_ordered_afterwards_s5() {
    let mut story = Story::new();
    (0..3).for_each(|number| story.play(number));
    story.executing("a-0");
    story.did();

    story.stop();
    story.play(3);
    assert_eq!(story.did(), ["< a-2 Stopped 0", "< a-1 Stopped 0", "> uuid_break u all"]);
    story.stopped(true, 1000);
    story.executed("a-0", "FILE PLAYED");
    assert_eq!(story.did(), ["< a-0 Stopped 1000"], "the break has not been answered yet");
    story.ok(Purpose::Break);
    assert_eq!(story.did(), ["> a-3: playback /3.wav"]);
}

#[test]
fn a_break_answered_before_the_prompt_ends_holds_back_the_next_prompt() {
    let mut story = Story::new();
    story.play(0);
    story.executing("a-0");
    story.stop();
    story.play(1);
    story.ok(Purpose::Break);
    story.did();
    story.executed("a-0", "FILE PLAYED");
    assert_eq!(story.did(), ["< a-0 Stopped 20", "> a-1: playback /1.wav"]);
}

#[test]
fn a_prompt_that_begins_in_the_moment_of_the_break_is_broken_too() {
    let mut story = Story::new();
    story.play(0);
    story.play(1);
    story.executing("a-0");
    story.stop();
    story.executed("a-0", "FILE PLAYED");
    story.did();
    story.executing("a-1");
    assert_eq!(story.did(), ["> uuid_break u"], "it was told to have ended, and nothing more");
}

#[test]
fn a_break_with_nothing_to_break_is_not_sent() {
    let mut story = Story::new();
    story.stop();
    story.play(0);
    assert_eq!(story.did(), ["> a-0: playback /0.wav"]);
}

#[test]
fn stopping_twice_breaks_once() {
    let mut story = Story::new();
    story.play(0);
    story.executing("a-0");
    story.did();
    story.stop();
    story.stop();
    assert_eq!(story.did(), ["> uuid_break u all"]);
}

#[test]
fn a_stopped_prompt_whose_end_is_lost_does_not_silence_the_call() {
    let mut story = Story::new();
    story.play(0);
    story.executing("a-0");
    story.stop();
    story.play(1);
    story.ok(Purpose::Break);
    story.did();
    story.pass(STOP_MS_MAX);
    assert_eq!(story.did(), ["< a-0 Stopped ?", "> uuid_break u all"]);
    story.ok(Purpose::Break);
    assert_eq!(story.did(), ["> a-1: playback /1.wav"]);
}
