//! The calls, each with a caller of its own, by whose number the operator knows it.

use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use crate::Rig;
use crate::hearing::{late, longest_gap_ms, longest_wait, missing, played, tone, tone_span};
use crate::robot::{Link, PATIENCE, Session};
use crate::sip::{Call, Outcome, Phone};

/// What the robot, the caller and the operator say, Hz.
const ROBOT: u32 = 400;
const CALLER: u32 = 1000;
const OPERATOR: u32 = 1600;

/// How long a tone is heard until it is believed, ms.
const HEARD_MS: usize = 300;

/// A gap that a caller notices. Robot, switch and caller share a busy machine with other tests.
const GAP_MS: usize = 100;

const OK: &str = "200 result=0";
const SET: &str = "200 result=1";

/// S20 to S24: sound both ways, keys both ways, the transfer, and who the caller is.
pub(crate) async fn a_call_is_heard_both_ways_and_goes_to_a_person(rig: &Rig) {
    let caller = Phone::new("7001").await;
    let (call, (mut session, link)) =
        tokio::join!(call(rig, &caller, "4001"), answer(rig, "flow/4001"));
    assert_eq!(session.header("callerid"), "7001");
    assert_eq!(session.header("dnid"), "4001", "what was dialled; the extension is the script");
    link.say(&tone(ROBOT, 1000));
    call.hears_tone(ROBOT, 1000, PATIENCE).await.expect("the caller hears the robot");

    call.say(&tone(CALLER, 500));
    call.said().await;
    call.press('5');
    call.press('#');
    link.until("two keys", |link| link.keys() == "5#").await;
    let heard = tone_span(&link.heard(), CALLER, 400).expect("the robot hears the caller");
    assert!(heard.end_ms - heard.start_ms <= 540, "{heard:?}");
    let packets = call.heard();
    assert_eq!(missing(&packets), 0);
    assert!(late(&packets, Duration::from_millis(200)) == 0, "{:?}", longest_wait(&packets));

    link.end().await;
    assert_eq!(session.response().await, OK, "the sound's end lets the session go on");
    assert_eq!(session.ask("EXEC SendDTMF 7").await, OK);
    assert_eq!(session.ask("SET VARIABLE ROBOT_DONE 1").await, SET);
    drop(session);

    let other = operator(rig, "7001").await;
    call.hears_tone(OPERATOR, HEARD_MS, PATIENCE).await.expect("the caller hears the operator");
    call.say(&tone(CALLER, 500));
    other.hears_tone(CALLER, HEARD_MS, PATIENCE).await.expect("the operator hears the caller");
    assert_eq!(other.party(), "7001");
    let keys: String = call.keys_heard().into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys, "7");
    other.hang_up().await;
    let ended = call.ended(PATIENCE).await.expect("the operator's hang-up reaches the caller");
    assert!(ended <= call.age());
    let sound = played(&call.heard());
    let robot = tone_span(&sound, ROBOT, HEARD_MS).unwrap();
    assert!(longest_gap_ms(&sound, robot.start_ms, robot.end_ms) <= GAP_MS, "{robot:?}");
}

/// S22: two seconds without sound either way would end the call.
pub(crate) async fn a_caller_who_sends_nothing_is_kept_by_our_silence(rig: &Rig) {
    let caller = Phone::new("7002").await;
    let (call, (_session, link)) =
        tokio::join!(call(rig, &caller, "4002"), answer(rig, "flow/4002"));
    call.mute();
    sleep(Duration::from_millis(500)).await;
    let before = link.heard().len();
    sleep(Duration::from_millis(2500)).await;
    assert_eq!(link.heard().len(), before, "a muted telephone sends nothing");
    call.unmute();
    call.repeat(&tone(CALLER, 100));
    link.until("the caller again", |link| tone_span(&link.heard(), CALLER, HEARD_MS).is_some())
        .await;
    call.repeat(&[]);
    call.hang_up().await;
    assert!(link.is_closed().await);
}

/// S20: five attempts, a second apart; then a person.
pub(crate) async fn without_a_daemon_a_person_answers(rig: &Rig) {
    let caller = Phone::new("7003").await;
    let call = call(rig, &caller, "4300").await;
    let other = operator(rig, "7003").await;
    call.hears_tone(OPERATOR, HEARD_MS, PATIENCE).await.expect("the caller hears the operator");
    drop(call);
    other.ended(PATIENCE).await.expect("a call that is dropped is hung up");
}

/// S20: AGI ends as if all were well, and the dialplan comes back with the call's id.
pub(crate) async fn a_daemon_that_died_finds_its_call_again(rig: &Rig) {
    let caller = Phone::new("7004").await;
    let (call, (mut session, link)) =
        tokio::join!(call(rig, &caller, "4004"), answer(rig, "flow/4004"));
    assert_eq!(session.header("arg_1"), "", "a call that is new");
    let uuid = link.uuid;
    drop(link);
    assert_eq!(session.response().await, OK);
    drop(session);

    let mut session = rig.robot.session("flow/4004").await;
    assert_eq!(session.header("arg_1"), uuid.to_string());
    let link = bring_sound(rig, &mut session, uuid).await;
    link.say(&tone(ROBOT, 1000));
    call.hears_tone(ROBOT, HEARD_MS, PATIENCE).await.expect("the same call, the same id");
}

/// S20, the before/after form.
pub(crate) async fn the_visible_form_asks_before_and_after(rig: &Rig) {
    let caller = Phone::new("7005").await;
    let uuid = Uuid::new_v4();
    rig.robot.announce(uuid);
    let robot = async {
        let mut session = rig.robot.session("start/4105").await;
        assert_eq!(session.ask(&format!("SET VARIABLE CALLID {uuid}")).await, SET);
        drop(session);
        rig.robot.link(uuid).await
    };
    let (call, link) = tokio::join!(call(rig, &caller, "4105"), robot);
    link.say(&tone(ROBOT, 1000));
    call.hears_tone(ROBOT, HEARD_MS, PATIENCE).await.expect("the caller hears the robot");
    link.end().await;
    let mut session = rig.robot.session("next").await;
    let arguments = [session.header("arg_1"), session.header("arg_2")];
    assert_eq!(arguments, [&uuid.to_string(), "SUCCESS"]);
    assert_eq!(session.ask("SET VARIABLE NEXT operator").await, SET);
    drop(session);
    operator(rig, "7005").await;
}

/// S20: a bare AudioSocket; the switch makes the id.
pub(crate) async fn bare_audio_knows_nothing_and_ends(rig: &Rig) {
    let caller = Phone::new("7006").await;
    let (call, link) = tokio::join!(call(rig, &caller, "4200"), rig.robot.link_nobody_announced());
    link.say(&tone(ROBOT, 1000));
    call.hears_tone(ROBOT, HEARD_MS, PATIENCE).await.expect("the caller hears the robot");
    link.end().await;
    call.ended(PATIENCE).await.expect("the robot is through");
}

/// S21: the sound is closed; then the session says so, twice; variables can still be read and set.
pub(crate) async fn a_caller_who_hangs_up_ends_the_sound_first(rig: &Rig) {
    let caller = Phone::new("7007").await;
    let (call, (mut session, link)) =
        tokio::join!(call(rig, &caller, "4007"), answer(rig, "flow/4007"));
    call.hang_up().await;
    assert!(link.is_closed().await);
    assert_eq!(session.response().await, "200 result=-1", "of AudioSocket");
    assert_eq!(session.line().await.as_deref(), Some("HANGUP"), "said without being asked");
    let status = session.ask("CHANNEL STATUS").await;
    assert!(status.starts_with("511 "), "{status}");
    assert_eq!(session.variable("robot_var_branch").await, "200 result=1 (north)");
    assert_eq!(session.ask("SET VARIABLE robot_result hangup").await, SET);
    assert_eq!(session.variable("robot_result").await, "200 result=1 (hangup)");
}

/// HANGUP only marks the call: the caller hears of it when the session ends.
pub(crate) async fn a_hang_up_of_ours_waits_for_the_session_to_end(rig: &Rig) {
    let caller = Phone::new("7008").await;
    let (call, (mut session, link)) =
        tokio::join!(call(rig, &caller, "4008"), answer(rig, "flow/4008"));
    link.end().await;
    assert_eq!(session.response().await, OK);
    assert_eq!(session.ask("HANGUP").await, SET);
    assert_eq!(session.line().await.as_deref(), Some("HANGUP"));
    assert_eq!(call.ended(Duration::from_millis(500)).await, None);
    drop(session);
    call.ended(PATIENCE).await.expect("now it is over");
}

/// A caller who hangs up while it rings.
pub(crate) async fn a_call_that_is_not_answered_is_given_up(rig: &Rig) {
    let caller = Phone::new("7009").await;
    let patience = Duration::from_millis(500);
    let ring = caller.call_as("", rig.asterisk.sip(), "4009", patience);
    let (outcome, mut session) = tokio::join!(ring, rig.robot.session("flow/4009"));
    assert!(matches!(outcome, Outcome::Refused(487)), "{outcome:?}");
    assert_eq!(session.line().await.as_deref(), Some("HANGUP"), "said without being asked");
}

/// An application of a script: sound stops, the application plays to its end, sound starts again with
/// the same id. Nothing on the session interrupts it: the next command waits.
pub(crate) async fn applications_play_between_two_stretches_of_sound(rig: &Rig) {
    let caller = Phone::new("7010").await;
    let (call, (mut session, link)) =
        tokio::join!(call(rig, &caller, "4010"), answer(rig, "flow/4010"));
    let uuid = link.uuid;
    link.end().await;
    assert_eq!(session.response().await, OK);
    session.send("EXEC Playback vm-goodbye").await;
    session.send("EXEC NoOp").await;
    assert_eq!((session.response().await, session.response().await), (OK.into(), OK.into()));
    let before = played(&call.heard()).len();
    let link = bring_sound(rig, &mut session, uuid).await;
    link.say(&tone(ROBOT, 1000));
    let again = call.hears_tone(ROBOT, HEARD_MS, PATIENCE).await.expect("the robot again");
    assert!(again.start_ms * 8 + 160 >= before, "after the application: {again:?}, {before}");
    assert_eq!(session_after(link, session).await, OK);
}

/// A person who is busy.
pub(crate) async fn a_transfer_to_somebody_busy_ends_the_call(rig: &Rig) {
    let caller = Phone::new("7011").await;
    let (call, mut session) =
        tokio::join!(call(rig, &caller, "4011"), answer_without_sound(rig, "flow/4011"));
    transfer(&mut session, "486").await;
    drop(session);
    call.ended(PATIENCE).await.expect("nobody else takes it");
}

/// A person who does not answer, and a caller who does not wait for it.
pub(crate) async fn a_caller_gives_up_while_the_person_is_rung(rig: &Rig, ringing: &Phone) {
    let caller = Phone::new("7012").await;
    let (call, mut session) =
        tokio::join!(call(rig, &caller, "4012"), answer_without_sound(rig, "flow/4012"));
    transfer(&mut session, "180").await;
    drop(session);
    let rung = ringing.incoming("7012", PATIENCE).await.expect("the person is rung");
    call.hang_up().await;
    rung.ended(PATIENCE).await.expect("the person is rung no more");
}

/// N10: what can't be an extension does not become another place of the dialplan.
pub(crate) async fn a_destination_that_is_none_is_the_operator(rig: &Rig) {
    let caller = Phone::new("7013").await;
    let (_call, mut session) =
        tokio::join!(call(rig, &caller, "4013"), answer_without_sound(rig, "flow/4013"));
    transfer(&mut session, "\"486,1:in&180 ${EXTEN}\"").await;
    drop(session);
    operator(rig, "7013").await;
}

/// N10, by a real `${SHELL(…)}`. What an AGI command has in quotes is taken as it is, with `\` before
/// `"` and `\`; only applications that expand by themselves must not be run.
pub(crate) async fn what_callers_and_scripts_say_is_data(rig: &Rig) {
    let planted = rig.asterisk.folder().join("planted");
    let evil = format!("${{SHELL(touch {})}}", planted.display());
    let caller = Phone::new("7014").await;
    // A line end in what is dialled would be one in what AGI says.
    let number = "4414%0Aagi_arg_1%3A%20forged%0A%0A200%20result=0";
    let patience = Duration::from_secs(10);
    let called = caller.call_as(&evil, rig.asterisk.sip(), number, patience);
    let session = answer_without_sound(rig, "flow/debug/hostile");
    let (called, mut session) = tokio::join!(called, session);
    let _call = called.answered();
    assert_eq!(session.header("calleridname"), evil);
    assert_eq!(session.header("arg_1"), "");
    assert_eq!(session.header("dnid"), "4414agi_arg_1: forged200 result=0");

    for application in ["NoOp", "Verbose", "Playback", "Wait", "SendDTMF", "Playtones"] {
        session.ask(&format!("EXEC {application} \"{evil}\"")).await;
    }
    let awkward = format!("{evil} $[1+1] a,b;c|d&e (f) 'g' 新年 \t.");
    assert_eq!(session.ask(&format!("SET VARIABLE robot_label \"{awkward}\"")).await, SET);
    let read = session.variable("robot_label").await;
    assert_eq!(read, format!("200 result=1 ({awkward})"));
    session.ask(r#"SET VARIABLE robot_label "a\"b\\c""#).await;
    assert_eq!(session.variable("robot_label").await, r#"200 result=1 (a"b\c)"#);
    assert_eq!(session.variable("robot_var_none").await, OK, "not set");
    assert!(!planted.exists());

    // The trap works: this is what the daemon must never send, nor an application it may run.
    session.ask(&format!("EXEC TryExec \"NoOp({evil})\"")).await;
    assert!(planted.exists(), "TryExec expands what it is given");
    std::fs::remove_file(&planted).unwrap();
    session.ask(&format!("GET VARIABLE \"SHELL(touch {})\"", planted.display())).await;
    assert!(planted.exists(), "a variable's name can be a function");
}

/// Calls, and is answered.
async fn call(rig: &Rig, caller: &Phone, extension: &str) -> Call {
    caller.call(rig.asterisk.sip(), extension).await.answered()
}

/// Answers a call, and has its sound brought.
async fn answer(rig: &Rig, script: &str) -> (Session, Link) {
    let mut session = answer_without_sound(rig, script).await;
    let uuid = Uuid::new_v4();
    assert_eq!(session.ask(&format!("SET VARIABLE ROBOT_CALLID {uuid}")).await, SET);
    let link = bring_sound(rig, &mut session, uuid).await;
    (session, link)
}

async fn answer_without_sound(rig: &Rig, script: &str) -> Session {
    let mut session = rig.robot.session(script).await;
    assert_eq!(session.ask("ANSWER").await, OK);
    session
}

async fn bring_sound(rig: &Rig, session: &mut Session, uuid: Uuid) -> Link {
    session.send(&rig.robot.bring_sound(uuid)).await;
    rig.robot.link(uuid).await
}

async fn transfer(session: &mut Session, to: &str) {
    assert_eq!(session.ask(&format!("SET VARIABLE NEXT {to}")).await, SET);
    assert_eq!(session.ask("SET VARIABLE ROBOT_DONE 1").await, SET);
}

/// Ends the sound; what the session says then.
async fn session_after(link: Link, mut session: Session) -> String {
    link.end().await;
    session.response().await
}

/// The operator takes the call of this caller.
async fn operator(rig: &Rig, number: &str) -> Call {
    let call = rig.operator.incoming(number, PATIENCE).await.expect("the operator is called");
    call.repeat(&tone(OPERATOR, 100));
    call
}
