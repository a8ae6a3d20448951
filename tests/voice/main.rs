//! The whole daemon behind a real Asterisk: real calls, judged by what the caller heard and by what is
//! in the tables.
//!
//! The robot's prompts are tones, so that what is heard can be told apart; a caller's sentence is a
//! voice, which our ears must notice, and then a tone, by which the recogniser of these tests knows the
//! word. Nothing can pass that plays, hears or cuts other audio than it should.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sound is numbers"
)]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/asterisk.rs"]
mod asterisk;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/daemon.rs"]
mod daemon;
#[path = "../support/hearing.rs"]
mod hearing;
mod interruptions;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/process.rs"]
mod process;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/recogniser.rs"]
mod recogniser;
mod robot;
#[path = "../support/rtp.rs"]
mod rtp;
mod scenarios;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/service.rs"]
mod service;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/sip.rs"]
mod sip;
#[path = "../support/sip_message.rs"]
mod sip_message;
mod ways;

use robot::Rig;

/// All calls at once: most of the time of each is waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_heard_and_answered() {
    let Some(rig) = Rig::start().await else { return };
    tokio::join!(
        scenarios::a_silent_caller_hears_the_robot(&rig),
        scenarios::a_muted_caller_is_kept_and_heard_again(&rig),
        scenarios::a_caller_hangs_up_in_mid_sentence(&rig),
        scenarios::a_recogniser_that_dies_costs_a_sentence(&rig),
        scenarios::a_voice_that_stalls_costs_an_entry(&rig),
        scenarios::a_key_over_the_prompt_is_an_answer(&rig),
        scenarios::speech_over_the_goodbye_changes_nothing(&rig),
        scenarios::speech_at_the_very_first_frame_is_heard(&rig),
        scenarios::two_callers_have_each_their_script(&rig),
        scenarios::a_text_is_spoken(&rig),
        scenarios::a_recording_has_both_sides_and_a_turn_its_times(&rig),
        interruptions::coughs_are_forgiven(&rig),
        interruptions::each_mode_does_what_its_row_says(&rig),
        ways::a_caller_is_sent_to_a_person(&rig),
        ways::an_application_plays_between_two_legs(&rig),
        ways::variables_go_in_and_results_come_out(&rig),
        ways::the_visible_form_is_the_same_call(&rig),
        ways::bare_audio_gets_the_default_script(&rig),
        ways::an_unknown_script_leaves_the_call_to_a_person(&rig),
        ways::what_is_said_to_the_switch_is_data(&rig),
    );
    assert_eq!(
        rig.asterisk.command("core show channels count").await.lines().next(),
        Some("0 active channels")
    );
}

/// S20: a daemon that is killed in the middle leaves its caller to the dialplan.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_leaves_its_callers_to_a_person() {
    let Some(rig) = Rig::start().await else { return };
    ways::a_killed_daemon_is_a_call_for_a_person(rig).await;
}
