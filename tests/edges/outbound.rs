//! What only the outbound socket does (S15).

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use telephonist::engine::EndReason;
use telephonist::turn::{MediaEvent, PlaybackEnd};

use super::driver::{WayIn, entry, within};
use super::fake::Beside;
use crate::fake_freeswitch::PATIENCE;

#[tokio::test]
async fn the_set_up_is_the_one_that_was_measured_s15() {
    let mut switch = Beside::new(WayIn::Outbound).await;
    let _driver = switch.call("u").await;
    let written = switch.fake.written();
    let set_up = [
        "connect\n\n",
        "linger 5\n\n",
        "filter Unique-ID u\n\n",
        "myevents plain\n\n",
        "event plain PLAYBACK_STOP RECORD_STOP MEDIA_BUG_START\n\n",
    ];
    assert_eq!(written[..set_up.len()], set_up);
    assert_eq!(switch.fake.count("robot_call"), 0, "an attached daemon would adopt it");
}

#[tokio::test]
async fn a_call_that_names_no_script_is_told_so() {
    let mut switch = Beside::new(WayIn::Outbound).await;
    switch.fake.call("u", &[]);
    assert_eq!(switch.rig.call().await.call.robot_flow, None);
}

#[tokio::test]
async fn a_call_that_is_left_goes_on_in_its_dialplan() {
    let mut switch = Beside::new(WayIn::Outbound).await;
    switch.fake.call("refused", &[]);
    let mut driver = switch.rig.call_untaken().await;
    driver.call.handle.leave("SWITCH_CONGESTION").unwrap();
    assert_eq!(driver.rest().await, [MediaEvent::HungUp(EndReason::Hangup)]);
    switch.fake.went_on("refused").await;

    drop(switch.call("driverless").await);
    switch.fake.went_on("driverless").await;
    assert_eq!(switch.fake.count("uuid_kill"), 0);
}

#[tokio::test]
async fn a_call_ends_with_its_connection() {
    let mut switch = Beside::new(WayIn::Outbound).await;
    let mut driver = switch.call("u").await;
    driver.play(0);
    driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
    switch.fake.cut();
    assert_eq!(driver.end_of(0).await.0, PlaybackEnd::Stopped);
    assert_eq!(driver.rest().await, [MediaEvent::HungUp(EndReason::Hangup)]);
}

#[tokio::test]
async fn a_channel_that_comes_over_another_connection_is_another_call_e16() {
    let mut switch = Beside::new(WayIn::Outbound).await;
    let mut first = switch.call("u").await;
    switch.fake.reach_robot("u");
    let second = switch.rig.call().await;
    assert_eq!(second.call.callid, "u-2");
    assert_eq!(first.rest().await, [MediaEvent::HungUp(EndReason::Hangup)]);
    second.play(0);
    switch.fake.wrote(&["appid-0"]).await;
}

/// What a stranger may send: nothing, no header, half a header, one without end, a switch's answer
/// that is not for us.
#[tokio::test]
async fn a_stranger_ends_its_own_connection_only_n13() {
    let mut switch = Beside::new(WayIn::Outbound).await;
    let mut driver = switch.call("u").await;
    let endless = [b"a".repeat(17 * 1024 * 1024), b"\n".to_vec()].concat();
    let sync = b"Content-Type: command/reply\nReply-Text: +OK\nUnique-ID: u\nSocket-Mode: static\n\
                 Control: full\n\n";
    let strangers: [&[u8]; 6] = [
        b"",
        b"GET / HTTP/1.1\r\nHost: robot\r\n\r\n",
        b"\x00\xff\xfe\n\n\x80\n\n",
        b"Content-Type: command/re",
        &endless,
        sync,
    ];
    let address = switch.address();
    let turned_away = strangers.map(|bytes| async move {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        // It may be turned away before it has said all.
        let _cut_short = stranger.write_all(bytes).await;
        let mut answer = Vec::new();
        let ended = within(PATIENCE, "the end", stranger.read_to_end(&mut answer)).await;
        (ended.is_err() || answer.starts_with(b"connect\n\n")).then_some(()).unwrap();
    });
    futures_util::future::join_all(turned_away).await;
    driver.play(0);
    driver.until(&MediaEvent::PlaybackStarted(entry(0))).await;
    assert_eq!(driver.end().await, Some(MediaEvent::HungUp(EndReason::SendBye)));
}
