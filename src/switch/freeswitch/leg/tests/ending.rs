//! Ends, transfers and lost connections.

use super::super::super::translate::{Parked, Side};
use super::*;
use crate::engine::EndReason;

#[test]
fn a_hang_up_ends_everything_outstanding_once_s6() {
    let mut story = Story::new();
    (0..3).for_each(|number| story.play(number));
    story.executing("a-0");
    story.did();
    story.switch(Happened::HungUp(Side::Caller));
    assert_eq!(
        story.did(),
        ["< a-0 Stopped ?", "< a-1 Stopped ?", "< a-2 Stopped 0", "< HungUp(RecvBye)"]
    );
    story.executed("a-0", "FILE PLAYED");
    story.play(9);
    assert_eq!(story.did(), NOTHING, "after HungUp nothing more comes");
}

#[test]
fn who_hung_up_is_told_by_the_disposition_or_by_our_own_kill_s6() {
    for (side, killed, reason) in [
        (Side::Caller, true, EndReason::RecvBye),
        (Side::Switch, false, EndReason::SendBye),
        (Side::Unknown, true, EndReason::SendBye),
        (Side::Unknown, false, EndReason::Hangup),
    ] {
        let mut story = Story::new();
        if killed {
            story.leg.hang_up("NORMAL_CLEARING", story.now);
        }
        story.switch(Happened::HungUp(side));
        let last = story.did().pop().unwrap();
        assert_eq!(last, format!("< HungUp({reason:?})"), "{side:?} {killed}");
    }
}

#[test]
fn variables_are_set_before_the_line_is_dropped() {
    let mut story = Story::new();
    let variable = Work::Variable { name: "robot_label".into(), value: "it's ${x}\n A".into() };
    story.leg.work(variable, story.now);
    story.leg.hang_up("bad cause\n\napi x", story.now);
    assert_eq!(
        story.did(),
        ["> uuid_setvar u robot_label it’s ＄{x}  A", "> uuid_kill u NORMAL_CLEARING"]
    );
}

#[test]
fn a_lost_hang_up_is_found_by_asking() {
    let mut story = Story::new();
    story.play(0);
    story.did();
    story.denied(Purpose::Aside);
    story.pass(DENIED_MS - 1);
    assert_eq!(story.did(), NOTHING, "the event may still be on its way");
    story.pass(1);
    assert_eq!(story.did(), ["> uuid_exists u"]);
    story.exists("false");
    assert_eq!(story.did(), ["< a-0 Stopped ?", "< HungUp(Hangup)"]);
}

#[test]
fn a_kill_that_does_nothing_is_sent_again() {
    let mut story = Story::new();
    story.leg.hang_up("USER_BUSY", story.now);
    story.did();
    story.pass(KILL_MS);
    assert_eq!(story.did(), ["> uuid_exists u"]);
    story.exists("true");
    assert_eq!(story.did(), ["> uuid_kill u USER_BUSY"]);
}

fn transfer(extension: &str, dialplan: &str, context: &str) -> Work {
    Work::Transfer(Transfer {
        appid: "a".into(),
        extension: extension.into(),
        dialplan: dialplan.into(),
        context: context.into(),
    })
}

#[test]
fn a_transfer_is_told_when_the_switch_has_taken_it() {
    let mut story = Story::new();
    story.leg.work(transfer("4000", "", "public"), story.now);
    assert_eq!(story.did(), ["> uuid_setvar u robot_call", "> uuid_transfer u 4000 XML public"]);
    story.ok(Purpose::Transfer);
    assert_eq!(story.did(), ["< Transferred"]);
    assert!(story.leg.is_over());
}

#[test]
fn a_transfer_lost_with_the_connection_is_sent_again_and_one_that_was_done_is_not() {
    let asked = "> uuid_getvar u robot_call";
    let again = ["> uuid_setvar u robot_call", "> uuid_transfer u 4000"];
    for (mark, done) in [("u", again.to_vec()), ("_undef_", vec!["< Transferred"])] {
        let mut story = Story::new();
        story.leg.work(transfer("4000", "", ""), story.now);
        story.leg.unlinked();
        story.did();
        story.leg.relinked();
        story.leg.recover(story.now);
        assert_eq!(story.did(), [asked]);
        story.leg.replied(Purpose::Marked, Ok(mark.into()), story.now);
        assert_eq!(story.did(), done, "{mark}");
    }
}

#[test]
fn a_transfer_that_is_refused_leaves_the_call_with_us() {
    let mut story = Story::new();
    story.leg.work(transfer("4000", "", ""), story.now);
    story.did();
    story.leg.replied(Purpose::Transfer, Err("-ERR no such context".into()), story.now);
    let kept = ["> uuid_setvar u robot_call u", "< TransferFailed(\"-ERR no such context\")"];
    assert_eq!(story.did(), kept);
    story.play(0);
    assert_eq!(story.did(), ["> a-0: playback /0.wav"]);
}

#[test]
fn a_transfer_never_runs_what_the_extension_says_n10() {
    for (extension, dialplan) in
        [("system:touch,X", ""), ("4000", "inline"), ("-both", ""), ("${x}", ""), ("", "")]
    {
        let mut story = Story::new();
        story.leg.work(transfer(extension, dialplan, ""), story.now);
        let told = story.did();
        assert!(told[0].starts_with("< TransferFailed"), "{extension} {dialplan}: {told:?}");
        assert_eq!(told.len(), 1);
    }
}

#[test]
fn a_channel_that_parks_again_goes_on_and_one_that_stays_away_was_taken_s1_s2() {
    let away = Happened::Unparked { hanging_up: false };
    let mut story = Story::new();
    story.switch(away.clone());
    story.play(0);
    assert_eq!(story.did(), NOTHING);
    story.switch(Happened::Parked(Box::new(Parked {
        robot_flow: None,
        variables: Vec::new(),
        answered: true,
        rate_hz: 8000,
        fallback_task: Some(18),
        rounds: 1,
    })));
    assert_eq!(story.did(), ["> sched_del 18", "> a-0: playback /0.wav"]);

    story.switch(away);
    story.pass(AWAY_MS);
    story.did();
    story.exists("true");
    let taken = ["> uuid_setvar u robot_call", "< a-0 Stopped ?", "< HungUp(Transfer)"];
    assert_eq!(story.did(), taken);
}

#[test]
fn after_a_reconnect_what_was_on_the_switch_is_ended_and_what_waited_goes_on_n4() {
    let mut story = Story::new();
    story.listen();
    story.switch(Happened::RecognizerStarted);
    story.complete("u-own-5");
    story.play(0);
    story.executing("a-0");
    story.did();
    story.leg.unlinked();
    story.play(1);
    assert_eq!(story.did(), NOTHING);

    story.leg.relinked();
    story.leg.recover(story.now);
    assert_eq!(story.did(), ["> uuid_break u all", "< a-0 Stopped ?"]);
    story.ok(Purpose::Break);
    assert_eq!(story.did(), ["> u-own-6: detect_speech resume", "> a-1: playback /1.wav"]);
}

#[test]
fn what_was_sent_and_had_not_begun_when_the_connection_went_is_sent_again() {
    let mut story = Story::fresh(Hold::Park, false);
    story.leg.take(story.now);
    story.listen();
    story.play(0);
    story.complete("u-own-1");
    story.did();
    story.leg.unlinked();
    story.leg.relinked();
    story.leg.recover(story.now);
    story.ok(Purpose::Break);
    assert_eq!(
        story.did(),
        [
            "> uuid_break u all",
            "> u-own-7: set fire_asr_events=true",
            "> u-own-8: set playback_terminators=none",
            "> u-own-9: set robot_round=1",
            "> u-own-10: set robot_call=u",
            "> u-own-11: detect_speech test builtin robot",
            "> a-0: playback /0.wav",
        ]
    );
}

#[test]
fn a_call_hung_up_without_a_connection_is_hung_up_after_it() {
    let mut story = Story::new();
    story.leg.unlinked();
    let variable = Work::Variable { name: "robot_result".into(), value: "send_bye".into() };
    story.leg.work(variable, story.now);
    story.leg.hang_up("NORMAL_CLEARING", story.now);
    assert_eq!(story.did(), NOTHING);
    story.leg.relinked();
    story.leg.recover(story.now);
    let sent = ["> uuid_setvar u robot_result send_bye", "> uuid_kill u NORMAL_CLEARING"];
    assert_eq!(story.did(), sent);
}

#[test]
fn a_driver_that_orders_without_end_ends_its_call_only_n21() {
    let mut story = Story::new();
    story.leg.unlinked();
    let (mut failed, mut orders) = (0, 0);
    while !story.did().iter().any(|told| told.contains("Stopped")) {
        story.play(orders);
        orders += 1;
        assert!(orders < 1000, "no limit");
        failed = orders;
    }
    assert_eq!(failed, u32::try_from(WAITING_MAX).unwrap() + 1);
}

#[test]
fn a_socket_is_left_to_its_dialplan_and_a_parked_call_is_hung_up_s15() {
    let leave = |mut story: Story| {
        story.play(0);
        story.executing("a-0");
        story.did();
        story.leg.leave("SWITCH_CONGESTION", story.now);
        story.did()
    };
    assert_eq!(leave(Story::new()), ["> uuid_kill u SWITCH_CONGESTION"]);
    let left = ["> uuid_break u all", "< a-0 Stopped ?", "< HungUp(Hangup)", "> exit"];
    assert_eq!(leave(Story::on_socket()), left);
}

#[test]
fn a_refused_socket_counts_as_a_call_of_its_channel_e16() {
    let mut story = Story::fresh(Hold::Socket, false);
    story.leg.leave("SWITCH_CONGESTION", story.now);
    let left = ["> uuid_setvar u robot_round 1", "< HungUp(Hangup)", "> exit"];
    assert_eq!(story.did(), left);
}

#[test]
fn a_call_ends_with_its_connection_as_what_was_under_way_says_s15() {
    let ended = |under_way: &dyn Fn(&mut Story)| {
        let mut story = Story::on_socket();
        under_way(&mut story);
        story.did();
        story.leg.disconnected();
        story.did()
    };
    assert_eq!(ended(&|_| {}), ["< HungUp(Hangup)"]);
    let hang_up = |story: &mut Story| story.leg.hang_up("NORMAL_CLEARING", story.now);
    assert_eq!(ended(&hang_up), ["< HungUp(SendBye)"]);
    let taken = |story: &mut Story| story.switch(Happened::Unparked { hanging_up: false });
    assert_eq!(ended(&taken), ["< HungUp(Transfer)"]);
    let to = |extension: &str| Transfer {
        appid: "a".into(),
        extension: extension.into(),
        dialplan: "".into(),
        context: "".into(),
    };
    let transfer = |story: &mut Story| story.leg.work(Work::Transfer(to("4000")), story.now);
    assert_eq!(ended(&transfer), ["< Transferred"]);
}
