//! Against the fake.

use std::net::SocketAddr;

use telephonist::config::{self, Secret};
use telephonist::engine::{EndReason, Source, Transfer};
use telephonist::turn::{MediaEvent, Order, PlaybackEnd};

use super::driver::{Driver, Rig, WayIn, entry};
use crate::fake_freeswitch::FakeFreeswitch;

const AGENT: &str = r#"{"grammar": "builtin", "text": "agent", "confidence": 87.300000}"#;
const NO_INPUT: &str =
    r#"{"grammar": "builtin", "text": "", "confidence": 0, "error": "no_input"}"#;

/// The fake, with us beside it. When it goes, all that was written to the switch is looked at.
pub(crate) struct Beside {
    pub(crate) fake: FakeFreeswitch,
    pub(crate) rig: Rig,
}

impl Beside {
    pub(crate) async fn new(way: WayIn) -> Self {
        let fake = FakeFreeswitch::start("ClueCon").await;
        let rig = match way {
            WayIn::Attached => {
                let mut rig = Rig::attach(&configured(&fake));
                rig.connected(true).await;
                rig
            }
            WayIn::Outbound => {
                let (rig, address) = Rig::listen(&outbound()).await;
                fake.connect_to(address);
                rig
            }
        };
        Self { fake, rig }
    }

    /// A call that has been taken and set up.
    pub(crate) async fn call(&mut self, uuid: &str) -> Driver {
        self.fake.call(uuid, &[("robot_flow", "loan")]);
        let driver = self.rig.call().await;
        self.fake.wrote(&[uuid, "robot_round="]).await;
        driver
    }

    /// Where the fake connects to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.fake.socket().unwrap()
    }

    /// Waits until all orders given so far have been seen: the orders of all calls are one queue.
    async fn seen(&mut self, witness: &Driver) {
        let times = self.fake.count("witness") + 1;
        witness.order(Order::SetVariables(vec![("witness".into(), "here".into())]));
        self.fake.wrote_times(&["witness"], times).await;
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for command in self.fake.written() {
            assert!(!command.contains('$'), "an expansion on the wire: {command}");
            if command.starts_with("sendmsg") {
                assert!(command.contains("\nEvent-Lock: true\n"), "not locked: {command}");
                assert!(command.contains("\nEvent-Uuid: "), "not named: {command}");
            }
        }
    }
}

fn configured(fake: &FakeFreeswitch) -> config::Freeswitch {
    config::Freeswitch {
        address: fake.address.to_string(),
        password: Secret("ClueCon".into()),
        asr: "test builtin".into(),
        tts: "tts_commandline:default".into(),
    }
}

fn outbound() -> config::FreeswitchOutbound {
    config::FreeswitchOutbound {
        listen: "127.0.0.1:0".into(),
        asr: "test builtin".into(),
        tts: "tts_commandline:default".into(),
    }
}

/// The same conversations over both ways in (S15).
macro_rules! both_ways {
    ($($scenario:ident,)*) => {
        mod attached {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(super::WayIn::Attached).await;
            })*
        }
        mod outbound_socket {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(super::WayIn::Outbound).await;
            })*
        }
    };
}

both_ways! {
    a_parked_call_is_told_answered_and_set_up_s1_s8_s9,
    a_call_that_is_refused_is_never_answered_n20,
    prompts_play_one_after_the_other_and_each_ends_once_s4,
    a_break_is_held_back_until_the_prompt_has_begun_s5,
    a_break_from_outside_breaks_the_action_t6,
    an_entry_that_can_not_be_played_is_skipped_and_the_next_is_played_t8,
    a_text_is_spoken_by_the_switchs_voice,
    speech_told_twice_is_delivered_once_and_the_recogniser_resumed_s9,
    speech_over_a_prompt_is_heard_and_the_prompt_stopped_s9,
    an_application_is_run_unless_it_would_hang_up_or_run_a_program_s7_n10,
    a_caller_who_hangs_up_ends_everything_outstanding_once_s6,
    the_robot_hangs_up_at_once_and_its_variables_are_there_before_s6,
    a_transferred_channel_that_comes_back_is_another_call_e16,
    a_lost_hang_up_is_found_when_the_switch_denies_the_channel,
}

// ---- taking a call ----

async fn a_parked_call_is_told_answered_and_set_up_s1_s8_s9(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let variables = [("robot_flow", "loan"), ("unanswered", ""), ("cti_dial_number", "Иван 5%")];
    switch.fake.call("u", &variables);
    let driver = switch.rig.call().await;
    switch.fake.wrote(&["robot_round=1"]).await;

    assert_eq!(driver.call.callid, "u");
    assert_eq!(driver.call.robot_flow.as_deref(), Some("loan"));
    assert!(!driver.call.answered);
    let of = |name: &str| {
        let found = driver.call.variables.iter().find(|(variable, _)| variable == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(of("cti_dial_number"), Some("Иван 5%"));
    assert_eq!(of("destination_number"), Some("9999"));

    let written = switch.fake.written();
    let place = |text: &str| written.iter().position(|command| command.contains(text)).unwrap();
    assert!(place("answer") < place("fire_asr_events=true"));
    assert!(place("fire_asr_events=true") < place("robot_round=1"));
    assert!(written.iter().any(|command| command.contains("playback_terminators=none")));
}

#[tokio::test]
async fn only_the_events_that_are_used_are_asked_for_s2() {
    let switch = Beside::new(WayIn::Attached).await;
    let subscribed = switch.fake.wrote(&["event plain"]).await;
    let mut names: Vec<_> =
        subscribed.trim().strip_prefix("event plain ").unwrap().split(' ').collect();
    names.sort_unstable();
    let mut expected = [
        "CHANNEL_PARK",
        "CHANNEL_EXECUTE",
        "CHANNEL_EXECUTE_COMPLETE",
        "PLAYBACK_STOP",
        "DETECTED_SPEECH",
        "DTMF",
        "CHANNEL_HANGUP_COMPLETE",
        "RECORD_STOP",
        "BACKGROUND_JOB",
        "HEARTBEAT",
        "CHANNEL_ANSWER",
        "CHANNEL_UNPARK",
        "MEDIA_BUG_START",
        "SHUTDOWN",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
}

async fn a_call_that_is_refused_is_never_answered_n20(way: WayIn) {
    let mut switch = Beside::new(way).await;
    switch.fake.call("u", &[("robot_flow", "loan"), ("unanswered", "")]);
    let mut driver = switch.rig.call_untaken().await;
    driver.order(Order::Hangup { cause: "SWITCH_CONGESTION".into() });
    switch.fake.wrote(&["api uuid_kill u SWITCH_CONGESTION\n\n"]).await;
    assert_eq!(driver.rest().await, [MediaEvent::HungUp(EndReason::SendBye)]);
    assert_eq!(switch.fake.count("Execute-App-Name: answer"), 0);
}

// ---- audio ----

async fn prompts_play_one_after_the_other_and_each_ends_once_s4(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    (0..3).for_each(|number| driver.play(number));
    for number in 0..3 {
        driver.until(&MediaEvent::PlaybackStarted(entry(number))).await;
        switch.fake.finish("u");
        assert_eq!(driver.end_of(number).await, (PlaybackEnd::Done, Some(1000)));
    }
    let playback = switch.fake.wrote(&["appid-0"]).await;
    assert_eq!(
        playback,
        "sendmsg u\nCall-Command: execute\nExecute-App-Name: playback\nExecute-App-Arg: \
         tone_stream://%(10000,0,440)\nEvent-Lock: true\nEvent-Uuid: appid-0\n\n"
    );
}

async fn a_break_is_held_back_until_the_prompt_has_begun_s5(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let witness = switch.call("witness-call").await;
    let mut driver = switch.call("u").await;
    switch.fake.hold("u");
    driver.play(0);
    driver.play(1);
    switch.fake.wrote(&["appid-1"]).await;
    driver.order(Order::StopAudio);
    driver.play(2);
    switch.seen(&witness).await;
    assert_eq!(switch.fake.count("uuid_break"), 0, "it would be lost");

    switch.fake.release("u");
    switch.fake.wrote(&["api uuid_break u all\n\n"]).await;
    assert_eq!(driver.end_of(1).await, (PlaybackEnd::Stopped, Some(0)));
    assert_eq!(driver.end_of(0).await, (PlaybackEnd::Stopped, Some(1000)));
    driver.until(&MediaEvent::PlaybackStarted(entry(2))).await;
    assert_eq!(switch.fake.count("uuid_break"), 1);
}

async fn a_break_from_outside_breaks_the_action_t6(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    driver.play(0);
    driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
    switch.fake.break_from_outside("u");
    assert_eq!(driver.end_of(0).await, (PlaybackEnd::Stopped, Some(1000)));
    assert_eq!(driver.next().await, MediaEvent::Broken);
}

async fn an_entry_that_can_not_be_played_is_skipped_and_the_next_is_played_t8(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    driver.play_source(0, Source::File("missing.wav".into()));
    driver.play_source(1, Source::File("../../etc/passwd".into()));
    driver.play_source(2, Source::Url("http://127.0.0.1/a.wav".into()));
    driver.play(3);
    let mut failed = Vec::new();
    while failed.len() < 3 {
        if let MediaEvent::PlaybackFinished { entry, end: PlaybackEnd::Failed(reason), .. } =
            driver.next().await
        {
            failed.push((entry.number, reason));
        }
    }
    failed.sort();
    assert!(failed[0].1.contains("file not found"), "{failed:?}");
    assert!(failed[1].1.contains("audio folder"), "{failed:?}");
    assert!(failed[2].1.contains("no URLs"), "{failed:?}");
    driver.until(&MediaEvent::PlaybackStarted(entry(3))).await;
    assert_eq!(switch.fake.count("passwd"), 0);
}

async fn a_text_is_spoken_by_the_switchs_voice(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    driver.play_source(0, Source::Text("您好|it's ${x}".into()));
    let speak = switch.fake.wrote(&["Execute-App-Name: speak"]).await;
    assert!(
        speak.contains("Execute-App-Arg: tts_commandline|default|您好 it’s ＄(x)\n"),
        "{speak}"
    );
    driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
    switch.fake.finish("u");
    assert_eq!(driver.end_of(0).await.0, PlaybackEnd::Done);
}

// ---- recognition ----

async fn speech_told_twice_is_delivered_once_and_the_recogniser_resumed_s9(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    driver.listen();
    driver.until(&MediaEvent::RecognizerReady).await;
    switch.fake.speech("u", "begin-speaking", "");
    switch.fake.speech("u", "detected-partial-speech", AGENT);
    switch.fake.speech("u", "detected-speech", AGENT);
    assert_eq!(driver.next().await, MediaEvent::SpeechStarted { ago_ms: 0 });
    assert_eq!(driver.next().await, MediaEvent::Partial("agent".into()));
    assert_eq!(driver.next().await, MediaEvent::Final("agent".into()));

    switch.fake.wrote_times(&["Execute-App-Arg: resume"], 1).await;
    switch.fake.speech("u", "detected-speech", NO_INPUT);
    switch.fake.wrote_times(&["Execute-App-Arg: resume"], 2).await;
    switch.fake.digit("u", '7');
    assert_eq!(driver.next().await, MediaEvent::Digit('7'), "no repetition, no input");
}

async fn speech_over_a_prompt_is_heard_and_the_prompt_stopped_s9(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    driver.listen();
    driver.play(0);
    driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
    switch.fake.speech("u", "begin-speaking", "");
    driver.until(&MediaEvent::SpeechStarted { ago_ms: 0 }).await;
    driver.order(Order::StopAudio);
    assert_eq!(driver.end_of(0).await, (PlaybackEnd::Stopped, Some(1000)));
    switch.fake.speech("u", "detected-speech", AGENT);
    assert_eq!(driver.next().await, MediaEvent::Final("agent".into()));
}

// ---- applications ----

async fn an_application_is_run_unless_it_would_hang_up_or_run_a_program_s7_n10(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    let execute = |number, app: &str, argument: &str| Order::Execute {
        entry: entry(number),
        app: app.into(),
        argument: argument.into(),
    };
    driver.order(execute(0, "cti_unknown", "x"));
    driver.order(execute(1, "system", "touch X"));
    driver.order(execute(2, "send_dtmf", "12${system(touch X)}\r\n\r\napi system touch X\n\n"));
    for (number, ok) in [(0, false), (1, false), (2, true)] {
        let finished = MediaEvent::ApplicationFinished { entry: entry(number), ok };
        assert_eq!(driver.next().await, finished);
    }
    assert_eq!(switch.fake.count("cti_unknown"), 0);
    let lines = switch.fake.written().concat();
    assert!(!lines.lines().any(|line| line.starts_with("api system")), "{lines}");
    assert_eq!(switch.fake.channels(), ["u"]);
}

// ---- ends ----

async fn a_caller_who_hangs_up_ends_everything_outstanding_once_s6(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    driver.listen();
    (0..4).for_each(|number| driver.play(number));
    driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
    switch.fake.wrote(&["appid-1"]).await;
    switch.fake.hang_up("u");
    let rest = driver.rest().await;
    let stopped = |event: &&MediaEvent| {
        matches!(event, MediaEvent::PlaybackFinished { end: PlaybackEnd::Stopped, .. })
    };
    assert_eq!(rest.iter().filter(stopped).count(), 4, "{rest:?}");
    assert_eq!(rest.last(), Some(&MediaEvent::HungUp(EndReason::RecvBye)));
    assert_eq!(rest.len(), 5, "{rest:?}");
}

async fn the_robot_hangs_up_at_once_and_its_variables_are_there_before_s6(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    driver.play(0);
    driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
    driver.order(Order::SetVariables(vec![("robot_label".into(), "A ${x}".into())]));
    driver.hang_up();
    assert_eq!(driver.rest().await.last(), Some(&MediaEvent::HungUp(EndReason::SendBye)));
    let written = switch.fake.written();
    let place = |text: &str| written.iter().position(|command| command == text).unwrap();
    let variable = place("api uuid_setvar u robot_label A ＄{x}\n\n");
    assert!(variable < place("api uuid_kill u NORMAL_CLEARING\n\n"));
}

async fn a_transferred_channel_that_comes_back_is_another_call_e16(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    let transfer = |extension: &str| {
        Order::Transfer(Transfer {
            appid: "appid".into(),
            extension: extension.into(),
            dialplan: "".into(),
            context: "".into(),
        })
    };
    driver.order(transfer("nowhere"));
    let failed = driver.next().await;
    assert!(matches!(failed, MediaEvent::TransferFailed(_)), "{failed:?}");

    driver.order(transfer("9999"));
    assert_eq!(driver.rest().await, [MediaEvent::Transferred]);
    let again = switch.rig.call().await;
    assert_eq!(again.call.callid, "u-2");
}

#[tokio::test]
async fn a_call_whose_driver_is_gone_is_hung_up_n7() {
    let mut switch = Beside::new(WayIn::Attached).await;
    drop(switch.call("u").await);
    switch.fake.wrote(&["api uuid_kill u NORMAL_TEMPORARY_FAILURE\n\n"]).await;
}

async fn a_lost_hang_up_is_found_when_the_switch_denies_the_channel(way: WayIn) {
    let mut switch = Beside::new(way).await;
    let mut driver = switch.call("u").await;
    switch.fake.lose("CHANNEL_HANGUP_COMPLETE");
    switch.fake.lose("CHANNEL_UNPARK");
    switch.fake.hang_up("u");
    driver.play(0);
    let rest = driver.rest().await;
    assert!(matches!(rest[0], MediaEvent::PlaybackFinished { end: PlaybackEnd::Stopped, .. }));
    assert_eq!(rest[1..], [MediaEvent::HungUp(EndReason::Hangup)]);
}

// ---- the connection ----

#[tokio::test]
async fn a_call_that_parked_before_we_came_is_found_s1() {
    let fake = FakeFreeswitch::start("ClueCon").await;
    fake.call_unseen("early", &[("robot_flow", "loan")]);
    fake.call_unseen("other", &[("for_somebody", "else")]);
    let mut rig = Rig::attach(&configured(&fake));
    assert_eq!(rig.call().await.call.callid, "early");
    fake.call("late", &[("robot_flow", "loan")]);
    assert_eq!(rig.call().await.call.callid, "late", "the other is not ours");
}

#[tokio::test]
async fn a_channel_found_twice_is_one_call_s1() {
    let mut switch = Beside::new(WayIn::Attached).await;
    let _driver = switch.call("u").await;
    switch.fake.call("u", &[("robot_flow", "loan")]);
    switch.fake.call("v", &[("robot_flow", "loan")]);
    assert_eq!(switch.rig.call().await.call.callid, "v");
}

#[tokio::test]
async fn after_a_reconnect_the_channels_are_compared_n4() {
    let mut switch = Beside::new(WayIn::Attached).await;
    let mut living = switch.call("living").await;
    let mut dying = switch.call("dying").await;
    living.play(0);
    living.until(&MediaEvent::PlaybackStarted(entry(0))).await;

    switch.fake.cut();
    switch.fake.hang_up("dying");
    switch.fake.call_unseen("unseen", &[("robot_flow", "loan")]);
    living.play(1);

    assert_eq!(dying.rest().await, [MediaEvent::HungUp(EndReason::Hangup)]);
    assert_eq!(switch.rig.call().await.call.callid, "unseen");
    assert_eq!(living.end_of(0).await.0, PlaybackEnd::Stopped);
    living.until(&MediaEvent::PlaybackStarted(entry(1))).await;
    assert_eq!(switch.fake.count("robot_call=living"), 1, "not started twice");
}

#[tokio::test]
async fn a_call_of_a_daemon_that_died_begins_anew_e16() {
    let fake = FakeFreeswitch::start("ClueCon").await;
    fake.call_unseen("u", &[("robot_flow", "loan"), ("robot_call", "u-2")]);
    let mut rig = Rig::attach(&configured(&fake));
    assert_eq!(rig.call_untaken().await.call.callid, "u-3");
}

#[tokio::test]
async fn a_wrong_password_is_said_with_its_remedy_and_tried_again() {
    let fake = FakeFreeswitch::start("another").await;
    let mut rig = Rig::attach(&configured(&fake));
    let status = rig.arrivals.status.wait_for(|status| {
        status.problem.as_ref().is_some_and(|problem| problem.contains("event_socket.conf.xml"))
    });
    super::driver::within(crate::fake_freeswitch::PATIENCE, "the remedy", status).await.unwrap();
    fake.set_password("ClueCon");
    rig.connected(true).await;
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_n4() {
    let mut switch = Beside::new(WayIn::Attached).await;
    switch.fake.freeze();
    let problem = switch.rig.connected(false).await;
    assert!(problem.contains("no answer"), "{problem}");
    switch.fake.thaw();
    switch.rig.connected(true).await;
}

#[tokio::test]
async fn a_flood_of_events_is_read_and_calls_go_on_s2() {
    let mut switch = Beside::new(WayIn::Attached).await;
    let mut driver = switch.call("u").await;
    for _ in 0..10 {
        switch.fake.flood(10_000);
        driver.play(0);
        driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
        switch.fake.finish("u");
        assert_eq!(driver.end_of(0).await.0, PlaybackEnd::Done);
    }
}
