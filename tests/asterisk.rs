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
#[path = "support/sip.rs"]
mod sip;
#[path = "support/sip_message.rs"]
mod sip_message;

use std::time::Duration;

use hearing::{played, tone, tone_span};
use tokio::time::sleep;
use uuid::Uuid;

use asterisk::{Asterisk, Setup, shipped};
use sip::{Call, Manner, Phone};
use robot::{Robot, PATIENCE};

#[tokio::test]
async fn facts() {
    let robot = Robot::start().await;
    let agent = Phone::new("operator").await;
    let dialplan = format!("{}\n[in]\nexten => 4000,1,Goto(telephonist,transfer,1)\n", shipped(robot.addresses()));
    let setup = Setup { dialplan, people: vec![("operator", agent.address())] };
    let Some(asterisk) = Asterisk::start(&setup) else { return };
    let caller = Phone::new("7001").await;
    let call = tokio::join!(caller.call(asterisk.sip(), "4000"), async {
        let mut s = robot.session("flow/transfer").await;
        eprintln!("{:?}", s.ask("ANSWER").await);
        let uuid = Uuid::new_v4();
        s.send(&robot.bring_sound(uuid)).await;
        let link = robot.link(uuid).await;
        link.say(&tone(400, 1000));
        sleep(Duration::from_secs(1)).await;
        eprintln!("{:?} {:?}", link.keys(), hearing::spans(&link.heard(), &[400, 700]));
        link.end().await;
        eprintln!("{:?}", s.response().await);
        eprintln!("{:?}", s.ask("SET VARIABLE ROBOT_DONE 1").await);
    }).0.answered();
    let other = agent.incoming("7001", PATIENCE).await.unwrap();
    other.repeat(&tone(700, 1000));
    call.hears_tone(700, 300, PATIENCE).await.unwrap();
    other.hang_up().await;
    eprintln!("{:?}", call.ended(PATIENCE).await);
    eprintln!("{:?}", hearing::spans(&played(&call.heard()), &[400, 700]));
    eprintln!("{}", asterisk.log());
}
