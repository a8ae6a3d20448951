//! Against a real FreeSWITCH, if FREESWITCH_ESL names one: `host:port` or `password@host:port`.
//!
//! It needs an extension 9999 in context `default` that answers, sets `robot_flow` and parks
//! (`dialplan/freeswitch`), mod_loopback, mod_tone_stream, and for recognition mod_test. Callers
//! are made with `originate`; nothing else on the switch is touched.

use std::io::Write;
use std::time::Duration;

use freeswitch_esl_tokio::EslClient;
use telephonist::config::{self, Secret};
use telephonist::engine::{EndReason, Source, Transfer};
use telephonist::turn::{MediaEvent, Order, PlaybackEnd};

use super::driver::{Driver, Rig, entry};

/// A caller who says nothing.
const SILENT: &str = "&endless_playback(silence_stream://-1)";

/// A caller who makes a sound of 1.5 s after each 3 s of silence: mod_test takes it for speech.
const SPEAKS: &str = "&endless_playback(tone_stream://%(1500,3000,440))";

/// A real switch, attached, with a hand of ours on it.
struct Real {
    rig: Rig,
    hand: EslClient,
    /// Calls of others on the same switch: seen, and left alone.
    strangers: Vec<Driver>,
}

/// Says so past the test runner, which hides what a test that passes prints.
fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    std::io::stderr().write_all(format!("SKIPPED: {test}: {why}\n").as_bytes()).unwrap();
}

impl Real {
    /// `None` where there is none to test against, which is then said.
    async fn new() -> Option<Self> {
        let Some((password, address)) = named() else {
            skipped("no real FreeSWITCH (set FREESWITCH_ESL=host:port)");
            return None;
        };
        let (host, port) = address.rsplit_once(':').expect("FREESWITCH_ESL is host:port");
        let connected = EslClient::connect(host, port.parse().unwrap(), &password).await;
        let (hand, _events) = connected.expect("FREESWITCH_ESL answers");
        let mut rig = Rig::attach(&config::Freeswitch {
            address: address.clone(),
            password: Secret(password),
            asr: "test {vad-silence-ms=300,partial=true}builtin".into(),
            tts: "file".into(),
        });
        rig.connected(true).await;
        Some(Self { rig, hand, strangers: Vec::new() })
    }

    /// A call of ours that has reached the robot, taken.
    async fn call(&mut self, caller: &str) -> Driver {
        let name = uuid::Uuid::new_v4().to_string();
        let variables = format!("{{origination_caller_id_name={name}}}");
        let originate = format!("originate {variables}loopback/9999/default {caller}");
        self.hand.bgapi(&originate).await.unwrap().check().unwrap();
        let is_ours = |driver: &Driver| {
            driver.call.variables.contains(&("caller_id_name".into(), name.clone()))
        };
        let driver = self.wait_for(is_ours).await;
        driver.call.handle.take("").unwrap();
        driver
    }

    /// Waits until the list of channels, which lags behind, shows this one.
    async fn lists(&self, uuid: &str) {
        let listed = async {
            let mut often = tokio::time::interval(Duration::from_millis(50));
            while !self.api("show channels as json").await.contains(uuid) {
                often.tick().await;
            }
        };
        super::driver::within(Duration::from_secs(10), "the channel in the list", listed).await;
    }

    async fn wait_for(&mut self, is_ours: impl Fn(&Driver) -> bool) -> Driver {
        loop {
            let driver = self.rig.call_untaken().await;
            if is_ours(&driver) {
                return driver;
            }
            self.strangers.push(driver);
        }
    }

    async fn api(&self, command: &str) -> String {
        let response = self.hand.api(command).await.unwrap();
        response.body().unwrap_or_default().trim().to_owned()
    }
}

#[expect(clippy::disallowed_methods, reason = "the switch to test against is this machine's")]
fn named() -> Option<(String, String)> {
    let named = std::env::var("FREESWITCH_ESL").ok()?;
    Some(match named.rsplit_once('@') {
        Some((password, address)) => (password.into(), address.into()),
        None => ("ClueCon".into(), named),
    })
}

#[tokio::test]
async fn prompts_play_in_order_and_a_stop_spares_what_is_ordered_afterwards_s4_s5() {
    let Some(mut switch) = Real::new().await else { return };
    let mut driver = switch.call(SILENT).await;
    driver.play_source(0, Source::Silence(300));
    driver.play(1);
    driver.play(2);
    let (end, heard_ms) = driver.end_of(0).await;
    assert_eq!(end, PlaybackEnd::Done);
    assert!((280..=340).contains(&heard_ms.unwrap()), "{heard_ms:?}");
    driver.until(&MediaEvent::PlaybackStarted(entry(1))).await;

    driver.order(Order::StopAudio);
    driver.play_source(3, Source::Silence(200));
    assert_eq!(driver.end_of(2).await.0, PlaybackEnd::Stopped);
    assert_eq!(driver.end_of(1).await.0, PlaybackEnd::Stopped);
    assert_eq!(driver.end_of(3).await.0, PlaybackEnd::Done);
    assert_eq!(driver.end().await, Some(MediaEvent::HungUp(EndReason::SendBye)));
}

#[tokio::test]
async fn a_break_before_the_prompt_begins_is_not_lost_s5() {
    let Some(mut switch) = Real::new().await else { return };
    let mut driver = switch.call(SILENT).await;
    for number in 0..10 {
        driver.play(number);
        driver.order(Order::StopAudio);
        let (end, heard_ms) = driver.end_of(number).await;
        assert_eq!(end, PlaybackEnd::Stopped);
        assert!(heard_ms.unwrap() < 200, "entry {number} was heard for {heard_ms:?} ms");
    }
    driver.end().await;
}

#[tokio::test]
async fn a_caller_who_speaks_over_a_prompt_is_heard_sentence_after_sentence_s9() {
    let Some(mut switch) = Real::new().await else { return };
    let mut driver = switch.call(SPEAKS).await;
    driver.listen();
    driver.play_source(0, Source::Silence(60_000));
    driver.until(&MediaEvent::RecognizerReady).await;
    driver.until(&MediaEvent::SpeechStarted { ago_ms: 0 }).await;
    driver.order(Order::StopAudio);
    assert_eq!(driver.end_of(0).await.0, PlaybackEnd::Stopped);
    let sentences = [sentence(&mut driver).await, sentence(&mut driver).await];
    assert_eq!(sentences, ["agent", "agent"]);
    driver.end().await;
}

#[tokio::test]
async fn a_recogniser_that_is_not_there_is_lost_s9() {
    let Some(mut switch) = Real::new().await else { return };
    let (password, address) = named().unwrap();
    let asr = "no_such_engine".into();
    switch.rig = Rig::attach(&config::Freeswitch {
        address,
        password: Secret(password),
        asr,
        tts: "file".into(),
    });
    switch.rig.connected(true).await;
    let mut driver = switch.call(SILENT).await;
    driver.listen();
    let lost = driver.next().await;
    assert!(matches!(lost, MediaEvent::RecognizerLost(_)), "{lost:?}");
    driver.end().await;
}

#[tokio::test]
async fn nothing_planted_is_run_or_expanded_n10() {
    let Some(mut switch) = Real::new().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let planted = folder.path().join("planted");
    let touch = format!("${{system(touch {})}}", planted.display());
    let driver = switch.call(SILENT).await;
    let uuid = driver.call.callid.clone();
    driver.order(Order::SetVariables(vec![("robot_label".into(), touch.clone())]));
    driver.order(Order::Execute {
        entry: entry(0),
        app: "set".into(),
        argument: format!(
            "robot_planted={touch}\r\n\r\napi system touch {}\n\n",
            planted.display()
        ),
    });
    driver.order(Order::Execute {
        entry: entry(1),
        app: "log".into(),
        argument: "INFO $\\'{robot_label} ${robot_label} $${robot_label}".into(),
    });
    let mut driver = driver;
    driver.until(&MediaEvent::ApplicationFinished { entry: entry(1), ok: true }).await;
    let label = switch.api(&format!("uuid_getvar {uuid} robot_label")).await;
    assert_eq!(label, touch.replace('$', "＄"));
    driver.end().await;
    assert!(!planted.exists(), "a planted command ran");
}

#[tokio::test]
async fn an_unknown_application_and_a_missing_file_leave_the_call_alive_s7_s8() {
    let Some(mut switch) = Real::new().await else { return };
    let mut driver = switch.call(SILENT).await;
    let app = "cti_unknown".into();
    driver.order(Order::Execute { entry: entry(0), app, argument: String::new() });
    driver.play_source(1, Source::File("missing.wav".into()));
    driver.until(&MediaEvent::ApplicationFinished { entry: entry(0), ok: false }).await;
    let (end, _) = driver.end_of(1).await;
    assert_eq!(end, PlaybackEnd::Failed("file not found".into()));
    driver.play_source(2, Source::Silence(100));
    assert_eq!(driver.end_of(2).await.0, PlaybackEnd::Done);
    driver.end().await;
}

#[tokio::test]
async fn a_caller_who_hangs_up_ends_everything_outstanding_once_s6() {
    let Some(mut switch) = Real::new().await else { return };
    let mut driver = switch.call(SILENT).await;
    (0..4).for_each(|number| driver.play(number));
    driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
    switch.api(&format!("uuid_kill {}", driver.call.callid)).await;
    let rest = driver.rest().await;
    let stopped = |event: &&MediaEvent| {
        matches!(event, MediaEvent::PlaybackFinished { end: PlaybackEnd::Stopped, .. })
    };
    assert_eq!(rest.iter().filter(stopped).count(), 4, "{rest:?}");
    // A loopback leg does not say who hung up, and it was not us.
    assert_eq!(rest.last(), Some(&MediaEvent::HungUp(EndReason::Hangup)));
}

#[tokio::test]
async fn calls_are_found_again_by_a_daemon_that_starts_anew_s1_n4() {
    let Some(mut switch) = Real::new().await else { return };
    let mut driver = switch.call(SILENT).await;
    driver.play_source(0, Source::Silence(60_000));
    driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
    switch.lists(&driver.call.callid).await;
    let (password, address) = named().unwrap();
    let asr = "test builtin".into();
    let config =
        config::Freeswitch { address, password: Secret(password), asr, tts: "file".into() };
    let mut anew = Real { rig: Rig::attach(&config), ..switch };
    let callid = format!("{}-2", driver.call.callid);
    let found = anew.wait_for(|found| found.call.callid == callid).await;
    assert_eq!(found.call.robot_flow, driver.call.robot_flow);
    driver.end().await;
}

#[tokio::test]
async fn a_robot_sends_the_caller_to_another_robot_over_the_shipped_dialplan_e16() {
    let Some(mut switch) = Real::new().await else { return };
    let installed = switch.api("xml_locate dialplan context name cti_robot").await;
    if !installed.contains("no_such_robot") {
        return skipped("dialplan/freeswitch/cti_robot.xml is not installed there");
    }
    let mut driver = switch.call(SILENT).await;
    driver.order(Order::Transfer(Transfer {
        appid: "appid".into(),
        extension: "cti_robot/debug/loan".into(),
        dialplan: "XML".into(),
        context: "cti_robot".into(),
    }));
    assert_eq!(driver.rest().await, [MediaEvent::Transferred]);
    let second = format!("{}-2", driver.call.callid);
    let mut again = switch.wait_for(|found| found.call.callid == second).await;
    assert_eq!(again.call.robot_flow.as_deref(), Some("debug/loan"));
    let dialled = ("destination_number".into(), "9999".into());
    assert!(again.call.variables.contains(&dialled), "{:?}", again.call.variables);

    again.call.handle.take("").unwrap();
    again.play_source(0, Source::Silence(100));
    assert_eq!(again.end_of(0).await.0, PlaybackEnd::Done);
    let left = switch.api(&format!("sched_del {}", driver.call.callid)).await;
    assert!(!left.contains("Deleted: 1"), "the fallback was still due: {left}");
    again.end().await;
}

/// The next finished sentence; loud silence in between is no sentence.
async fn sentence(driver: &mut Driver) -> String {
    let spoken = async {
        loop {
            if let MediaEvent::Final(text) = driver.next().await
                && !text.is_empty()
            {
                return text.to_string();
            }
        }
    };
    super::driver::within(Duration::from_secs(30), "a sentence", spoken).await
}
