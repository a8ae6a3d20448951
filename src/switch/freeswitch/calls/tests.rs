//! Which channel becomes which call, and what a comparison asks and concludes.

use freeswitch_esl_tokio::EslEventType;

use super::*;
use crate::engine::EndReason;
use crate::engine::Transfer;
use crate::switch::call::SwitchEvents;
use crate::turn::MediaEvent;

const NOW: Tick = Tick(0);

fn calls() -> Calls {
    let (said, _orders) = mpsc::channel(1);
    let audio = Audio::new(std::path::Path::new("/nowhere"), "file");
    let asr = "test builtin".into();
    Calls::new(Switch { name: "switch".into(), hold: Hold::Park, asr, audio }, said)
}

fn event(kind: EslEventType, uuid: &str) -> EslEvent {
    let mut event = EslEvent::with_type(kind);
    event.set_header("Unique-ID", uuid);
    event.set_header("variable_robot_flow", "loan");
    event.set_header("Answer-State", "answered");
    event
}

fn park(calls: &mut Calls, uuid: &str) -> Option<NewCall> {
    calls.event(&event(EslEventType::ChannelPark, uuid), NOW);
    calls.next_call()
}

fn sent(calls: &mut Calls) -> Vec<String> {
    let commands = std::iter::from_fn(|| calls.next_command());
    commands.map(|(_, command)| command.to_wire_format().unwrap().trim().to_owned()).collect()
}

fn list(calls: &mut Calls, because: Because, rows: &[(&str, &str)]) -> Vec<String> {
    let lines = rows.iter().map(|(uuid, application)| format!("{uuid},{application}\n"));
    let answer = format!("uuid,application\n{}\n{} total.", lines.collect::<String>(), rows.len());
    calls.replied(Errand::List(because), Ok(answer.into()), NOW);
    sent(calls)
}

async fn told(events: &mut SwitchEvents) -> Vec<MediaEvent> {
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        told.push(event);
    }
    told
}

#[test]
fn a_channel_that_is_ours_is_not_started_twice_s1() {
    let mut calls = calls();
    let first = park(&mut calls, "u");
    assert!(first.is_some());
    assert!(park(&mut calls, "u").is_none());
}

#[tokio::test]
async fn a_channel_that_the_list_lacks_is_asked_for_before_it_is_given_up_n4() {
    for (answer, expected) in [("true", None), ("false", Some(EndReason::Hangup))] {
        let mut calls = calls();
        let mut call = park(&mut calls, "u").unwrap();
        let asked = list(&mut calls, Because::EventsWereLost, &[]);
        assert_eq!(asked, ["api uuid_exists u"]);
        calls.replied(Errand::Leg("u".into(), Purpose::Exists), Ok(answer.into()), NOW);
        drop(calls);
        let expected: Vec<_> = expected.into_iter().map(MediaEvent::HungUp).collect();
        assert_eq!(told(&mut call.events).await, expected, "{answer}");
    }
}

#[test]
fn a_lost_event_makes_calls_recover_and_passing_time_does_not() {
    let mut calls = calls();
    let _call = park(&mut calls, "u").unwrap();
    let play = Order::Play {
        entry: crate::turn::EntryId { appid: "a".into(), number: 0 },
        source: crate::engine::Source::Silence(1),
        offset_ms: 0,
    };
    calls.said(LineId(0), Said::Order(play), NOW);
    sent(&mut calls);
    let ours = [("u", "playback")];
    assert_eq!(list(&mut calls, Because::TimePassed, &ours), [""; 0]);
    assert_eq!(list(&mut calls, Because::EventsWereLost, &ours), ["api uuid_break u all"]);
}

#[test]
fn a_call_sent_to_a_person_is_not_taken_back_because_the_list_is_late() {
    let mut calls = calls();
    let _call = park(&mut calls, "u").unwrap();
    let transfer = Transfer {
        appid: "a".into(),
        extension: "1000".into(),
        dialplan: "".into(),
        context: "".into(),
    };
    calls.said(LineId(0), Said::Order(Order::Transfer(transfer)), NOW);
    calls.replied(Errand::Leg("u".into(), Purpose::Transfer), Ok("+OK".into()), NOW);
    sent(&mut calls);
    assert_eq!(list(&mut calls, Because::TimePassed, &[("u", "park")]), [""; 0]);
    assert_eq!(park(&mut calls, "u").unwrap().callid, "u-2", "but an event says so");
}

#[test]
fn only_channels_in_park_or_marked_as_ours_are_calls_s1() {
    let dump = |headers: &[(&str, &str)]| -> String {
        let mut text = "Event-Name: CHANNEL_DATA\nUnique-ID: u\n".to_owned();
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text + "\n"
    };
    let flow = ("variable_robot_flow", "loan");
    let parked = ("variable_current_application", "park");
    let plays = ("variable_current_application", "playback");
    for (headers, callid) in [
        (vec![flow, parked], Some("u")),
        (vec![flow, plays], None),
        (vec![parked], None),
        (vec![flow, plays, ("variable_robot_call", "u")], Some("u-2")),
        (vec![flow, plays, ("variable_robot_call", "u-3")], Some("u-4")),
    ] {
        let mut calls = calls();
        calls.replied(Errand::Dump("u".into()), Ok(dump(&headers).into()), NOW);
        let found = calls.next_call().map(|call| call.callid);
        assert_eq!(found.as_deref(), callid, "{headers:?}");
    }
}

#[test]
fn a_list_is_asked_for_once_at_a_time_and_again_in_time() {
    let mut calls = calls();
    calls.linked(Arc::default(), NOW);
    calls.compare(Because::EventsWereLost);
    calls.wake(Tick(COMPARE_AGAIN_MS));
    assert_eq!(sent(&mut calls), ["api show channels"]);
    assert_eq!(list(&mut calls, Because::EventsWereLost, &[]), [""; 0]);
    calls.wake(Tick(COMPARE_AGAIN_MS + COMPARE_EVERY_MS));
    assert_eq!(sent(&mut calls), ["api show channels"]);
}

#[test]
fn a_list_is_read_whatever_callers_call_themselves() {
    let answer = "uuid,cid_name,application,application_data,dialplan\n\
                  a,Ann,park,,XML\n\
                  b,\"Doe, John\",park,,XML\n\
                  c,Ann,bridge,{a=1,b=2}sofia/internal/1,XML\n\
                  d,Ann,,,\n\
                  \n4 total.";
    let found: Vec<_> = channels(answer).into_iter().collect();
    let channel = |uuid: &str, application: &str| (uuid.into(), application.into());
    assert_eq!(
        found,
        [channel("a", "park"), channel("b", "park"), channel("c", "bridge"), channel("d", "")]
    );
    for none in ["0 total.", "", "-ERR"] {
        assert!(channels(none).is_empty(), "{none}");
    }
}
