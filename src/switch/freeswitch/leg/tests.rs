//! Each test is a story: what the driver wants (`want`), what the switch tells (`switch`), what the
//! leg then does, as text: `>` sent, `<` told.

use super::super::recognition::Recognition;
use super::super::translate::{Parked, Side, Speech};
use super::*;
use crate::engine::EndReason;

const UUID: &str = "u";

/// A leg that has been taken and set up, and a switch that numbers its events.
struct Story {
    leg: Leg,
    now: Tick,
    sequence: u64,
    us: u64,
}

impl Story {
    fn new() -> Self {
        let mut story = Self::fresh(true);
        story.leg.take(story.now);
        story.did();
        for number in 1..=3 {
            story.complete(&format!("u-own-{number}"));
        }
        assert_eq!(story.did(), NOTHING);
        story
    }

    fn fresh(answered: bool) -> Self {
        let leg = Leg::new(NewLeg {
            uuid: UUID.into(),
            callid: UUID.into(),
            rate_hz: 8000,
            answered,
            asr: "test builtin".into(),
            applications: Arc::new(Applications::read(
                r#"{"rows":[{"name":"send_dtmf"},{"name":"sleep"},{"name":"system"}]}"#,
            )),
        });
        Self { leg, now: Tick(1000), sequence: 0, us: 1_000_000 }
    }

    fn switch(&mut self, happened: Happened) {
        self.sequence += 1;
        self.us += 20_000;
        let serial = Serial { core: "core".into(), sequence: self.sequence };
        self.leg.happened(serial, self.us, happened, self.now);
    }

    fn executing(&mut self, id: &str) {
        self.switch(Happened::Executing(id.into()));
    }

    fn executed(&mut self, id: &str, response: &str) {
        let (execution, response) = (id.into(), response.into());
        self.switch(Happened::Executed { execution, response, hanging_up: false });
    }

    fn complete(&mut self, id: &str) {
        self.executing(id);
        self.executed(id, "_none_");
    }

    fn stopped(&mut self, broken: bool, heard_ms: u64) {
        self.switch(Happened::PlaybackStopped { broken, heard_ms: Some(heard_ms) });
    }

    fn says(&mut self, speech: Speech) {
        self.switch(Happened::Speech(speech));
    }

    fn result(&mut self, text: &str) {
        self.says(Speech::Ended(Recognition::Text(text.into())));
    }

    fn play(&mut self, number: u32) {
        let what = Playable::File(format!("/{number}.wav"));
        self.leg.work(Work::Play { entry: entry(number), what, offset_ms: 0 }, self.now);
    }

    fn speak(&mut self, number: u32) {
        let what = Playable::Speech("engine|voice|hello".into());
        self.leg.work(Work::Play { entry: entry(number), what, offset_ms: 0 }, self.now);
    }

    fn stop(&mut self) {
        self.leg.stop_audio(self.now);
    }

    fn listen(&mut self) {
        self.leg.listen(&Listen::default(), self.now);
    }

    fn ok(&mut self, purpose: Purpose) {
        self.leg.replied(purpose, Ok("+OK".into()), self.now);
    }

    fn denied(&mut self, purpose: Purpose) {
        self.leg.replied(purpose, Err("-ERR No such channel!".into()), self.now);
    }

    fn exists(&mut self, answer: &str) {
        self.leg.replied(Purpose::Exists, Ok(answer.into()), self.now);
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.leg.wake(self.now);
    }

    /// What the leg did since the last look.
    fn did(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.leg.next_output()).map(shown).collect()
    }
}

const NOTHING: [&str; 0] = [];

fn entry(number: u32) -> EntryId {
    EntryId { appid: "a".into(), number }
}

fn shown(output: Output) -> String {
    match output {
        Output::Send(_, Request::Execute { execution, application, argument }) => {
            format!("> {execution}: {application} {argument}").trim_end().to_owned()
        }
        Output::Send(_, Request::Api(command)) => format!("> {command}"),
        Output::Replied { after_ms } => format!("replied after {after_ms}"),
        Output::Tell(event) => match event {
            MediaEvent::PlaybackStarted(entry) => format!("< {} started", event_name(&entry)),
            MediaEvent::PlaybackFinished { entry, end, heard_ms } => {
                let heard = heard_ms.map_or("?".to_owned(), |ms| ms.to_string());
                format!("< {} {end:?} {heard}", event_name(&entry))
            }
            MediaEvent::ApplicationFinished { entry, ok } => {
                format!("< {} {}", event_name(&entry), if ok { "ran" } else { "did not run" })
            }
            other => format!("< {other:?}"),
        },
    }
}

fn event_name(entry: &EntryId) -> String {
    format!("{}-{}", entry.appid, entry.number)
}

// ---- taking a call ----

#[test]
fn a_call_is_answered_and_set_up_before_anything_else_s8_s9() {
    let mut story = Story::fresh(false);
    story.leg.take(story.now);
    story.listen();
    assert_eq!(
        story.did(),
        [
            "> u-own-1: answer",
            "> u-own-2: set fire_asr_events=true",
            "> u-own-3: set playback_terminators=none",
            "> u-own-4: set robot_call=u",
            "> u-own-5: detect_speech test builtin robot",
        ]
    );
}

// ---- playing ----

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
    let denied = Err("-ERR invalid session id [u]".into());
    story.leg.replied(Purpose::Execution("a-0".into()), denied, story.now);
    assert_eq!(story.did(), ["< a-0 Failed(\"-ERR invalid session id [u]\") 0"]);
}

// ---- stopping ----

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

// ---- recognising ----

#[test]
fn a_result_told_twice_is_told_once_s9() {
    let mut story = Story::new();
    story.listen();
    story.switch(Happened::RecognizerStarted);
    story.complete("u-own-4");
    story.did();
    story.result("agent");
    story.sequence -= 1;
    story.result("agent");
    assert_eq!(story.did(), ["> u-own-5: detect_speech resume", "< Final(\"agent\")"]);
}

#[test]
fn the_engines_own_silence_is_no_failure_and_it_is_resumed_s9() {
    let mut story = Story::new();
    story.listen();
    story.did();
    story.complete("u-own-4");
    story.says(Speech::Ended(Recognition::NoInput));
    assert_eq!(story.did(), ["> u-own-5: detect_speech resume"]);
}

#[test]
fn a_result_during_a_prompt_resumes_before_what_waits_behind_it() {
    let mut story = Story::new();
    story.listen();
    story.complete("u-own-4");
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
            "> u-own-5: detect_speech resume",
            "> a-2: playback /2.wav",
        ]
    );
}

#[test]
fn a_recogniser_without_a_sign_of_life_is_lost_s9() {
    let mut story = Story::new();
    story.listen();
    story.complete("u-own-4");
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
    story.complete("u-own-4");
    story.leg.stop_listening();
    story.did();
    story.says(Speech::Began);
    story.says(Speech::Partial("a".into()));
    story.result("a b");
    assert_eq!(story.did(), NOTHING);
    story.complete("u-own-5");
    story.listen();
    assert_eq!(story.did(), ["> u-own-6: detect_speech resume"]);
}

#[test]
fn the_time_to_the_reply_is_measured() {
    let mut story = Story::new();
    story.listen();
    story.complete("u-own-4");
    story.result("yes");
    story.complete("u-own-5");
    story.play(0);
    story.did();
    story.pass(180);
    story.executing("a-0");
    assert_eq!(story.did(), ["replied after 180", "< a-0 started"]);
}

// ---- applications ----

#[test]
fn an_application_that_would_hang_up_or_run_a_program_is_not_sent_s7_n10() {
    for application in ["cti_play", "system", "a b"] {
        let mut story = Story::new();
        let execute = Work::Execute {
            entry: entry(0),
            application: application.into(),
            argument: String::new(),
        };
        story.leg.work(execute, story.now);
        assert_eq!(story.did(), ["< a-0 did not run"], "{application}");
    }
}

#[test]
fn an_application_runs_after_the_audio_so_that_a_break_never_drops_it() {
    let mut story = Story::new();
    story.play(0);
    let execute =
        Work::Execute { entry: entry(1), application: "sleep".into(), argument: "10".into() };
    story.leg.work(execute, story.now);
    story.executing("a-0");
    story.did();
    story.executed("a-0", "FILE PLAYED");
    assert_eq!(story.did(), ["< a-0 Done ?", "> a-1: sleep 10"]);
    story.complete("a-1");
    assert_eq!(story.did(), ["< a-1 ran"]);
}

// ---- ends ----

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

// ---- elsewhere ----

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
    })));
    assert_eq!(story.did(), ["> a-0: playback /0.wav"]);

    story.switch(away);
    story.pass(AWAY_MS);
    story.did();
    story.exists("true");
    assert_eq!(story.did(), ["< a-0 Stopped ?", "< HungUp(Transfer)"]);
}

// ---- without a connection ----

#[test]
fn after_a_reconnect_what_was_on_the_switch_is_ended_and_what_waited_goes_on_n4() {
    let mut story = Story::new();
    story.listen();
    story.switch(Happened::RecognizerStarted);
    story.complete("u-own-4");
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
    assert_eq!(story.did(), ["> u-own-5: detect_speech resume", "> a-1: playback /1.wav"]);
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
    while !story.did().iter().any(|told| told.contains("Failed")) {
        story.play(orders);
        orders += 1;
        assert!(orders < 1000, "no limit");
        failed = orders;
    }
    assert_eq!(failed, u32::try_from(WAITING_MAX).unwrap() + 1);
}
