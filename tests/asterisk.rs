//! A real Asterisk with the shipped dialplan, real calls, and a robot that is a few lines of this test:
//! what the switch does with what a robot says to it, and what the caller hears of it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "support/asterisk.rs"]
mod asterisk;
#[path = "support/hearing.rs"]
mod hearing;
#[path = "asterisk/robot.rs"]
mod robot;
#[path = "support/rtp.rs"]
mod rtp;
#[path = "asterisk/scenarios.rs"]
mod scenarios;
#[path = "support/sip.rs"]
mod sip;
#[path = "support/sip_message.rs"]
mod sip_message;

use std::net::SocketAddr;

use asterisk::{Addresses, Asterisk, Setup, shipped};
use robot::Robot;
use sip::{Manner, Phone};

/// Who calls which form of the shipped dialplan. The scripts go by the dialled number.
const CALLS: &str = "
[in]
exten => _40XX,1,Set(robot_var_branch=north)
 same => n,Goto(telephonist,${EXTEN},1)
exten => _41XX,1,Goto(telephonist-visible,${EXTEN},1)
exten => 4200,1,Goto(telephonist-bare,s,1)
exten => 4300,1,Goto(deserted,loan,1)
exten => _44.,1,Goto(telephonist,debug/hostile,1)
";

/// What all calls of the test share.
pub(crate) struct Rig {
    pub(crate) asterisk: Asterisk,
    pub(crate) robot: Robot,
    /// Takes what goes to `operator`.
    pub(crate) operator: Phone,
}

/// S20 to S24, N10. All calls at once, for most of the time of each is waiting.
#[tokio::test]
async fn calls_reach_the_robot_and_go_on_from_it() {
    let robot = Robot::start().await;
    let operator = Phone::new("operator").await;
    let (busy, ringing) = (Phone::new("busy").await, Phone::new("ringing").await);
    busy.when_called(Manner::Refuse(486));
    ringing.when_called(Manner::Ring);
    let setup = Setup {
        dialplan: format!("{}{}{CALLS}", shipped(robot.addresses()), deserted()),
        people: vec![
            ("operator", operator.address()),
            ("486", busy.address()),
            ("180", ringing.address()),
        ],
    };
    let Some(asterisk) = Asterisk::start(&setup) else { return };
    let rig = Rig { asterisk, robot, operator };
    tokio::join!(
        scenarios::a_call_is_heard_both_ways_and_goes_to_a_person(&rig),
        scenarios::a_caller_who_sends_nothing_is_kept_by_our_silence(&rig),
        scenarios::without_a_daemon_a_person_answers(&rig),
        scenarios::a_daemon_that_died_finds_its_call_again(&rig),
        scenarios::the_visible_form_asks_before_and_after(&rig),
        scenarios::bare_audio_knows_nothing_and_ends(&rig),
        scenarios::a_caller_who_hangs_up_ends_the_sound_first(&rig),
        scenarios::a_hang_up_of_ours_waits_for_the_session_to_end(&rig),
        scenarios::a_call_that_is_not_answered_is_given_up(&rig),
        scenarios::applications_play_between_two_stretches_of_sound(&rig),
        scenarios::a_transfer_to_somebody_busy_ends_the_call(&rig),
        scenarios::a_caller_gives_up_while_the_person_is_rung(&rig, &ringing),
        scenarios::a_destination_that_is_none_is_the_operator(&rig),
        scenarios::what_callers_and_scripts_say_is_data(&rig),
    );
    assert_eq!(
        rig.asterisk.command("core show channels count").await.lines().next(),
        Some("0 active channels")
    );
}

/// The usual form once more, with a robot that is not there.
fn deserted() -> String {
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let all = shipped(&Addresses { fastagi: nobody, audiosocket: nobody });
    let (_, from) = all.split_once("\n[telephonist]\n").unwrap();
    let (context, _) = from.split_once("\n[").unwrap();
    format!("\n[deserted]\n{context}")
}
