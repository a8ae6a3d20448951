//! Events of the event socket as facts about a channel, and requests as its commands. Pure.

use freeswitch_esl_tokio::{EslCommand, EslEvent, EslEventType};
use smol_str::SmolStr;

use super::escape;
use super::recognition::{self, Recognition};

/// Everything we subscribe to, and no more: a call is 27 events and 112 kB with ALL (S2).
pub(super) const SUBSCRIBED: [EslEventType; 14] = [
    EslEventType::ChannelPark,
    EslEventType::ChannelExecute,
    EslEventType::ChannelExecuteComplete,
    EslEventType::PlaybackStop,
    EslEventType::DetectedSpeech,
    EslEventType::Dtmf,
    EslEventType::ChannelHangupComplete,
    EslEventType::RecordStop,
    EslEventType::BackgroundJob,
    EslEventType::Heartbeat,
    EslEventType::ChannelAnswer,
    EslEventType::ChannelUnpark,
    EslEventType::MediaBugStart,
    EslEventType::Shutdown,
];

/// What `myevents` leaves out of these (S15).
pub(super) const BESIDE_MYEVENTS: [EslEventType; 3] =
    [EslEventType::PlaybackStop, EslEventType::RecordStop, EslEventType::MediaBugStart];

/// The channel variable with the number of calls the channel has had: it outlives every daemon, and
/// counts whichever way they came (E16).
pub(super) const ROUND: &str = "robot_round";

/// Samples per second where an event does not say.
const RATE_HZ_DEFAULT: u32 = 8000;

/// One event, as far as it concerns a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    /// The channel.
    pub(super) uuid: SmolStr,
    /// Which run of the switch, and which of its events: a repeated event has the same (S9).
    pub(super) serial: Serial,
    /// When the switch fired it, µs.
    pub(super) at_us: u64,
    /// What happened.
    pub(super) happened: Happened,
}

/// An event's identity: (Core-UUID, Event-Sequence).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Serial {
    /// The run of the switch.
    pub(super) core: SmolStr,
    /// The event's number within it.
    pub(super) sequence: u64,
}

/// What happened to a channel.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Happened {
    /// It waits for somebody to take it.
    Parked(Box<Parked>),
    /// It left park: for another application, or because it hangs up.
    Unparked { hanging_up: bool },
    /// It was answered.
    Answered,
    /// An application begins; the id is the Event-UUID it was ordered with.
    Executing(SmolStr),
    /// An application ended.
    Executed { execution: SmolStr, response: SmolStr, hanging_up: bool },
    /// The file that plays has stopped; `heard_ms` is what the caller heard of it.
    PlaybackStopped { broken: bool, heard_ms: Option<u64> },
    /// A recogniser listens on it.
    RecognizerStarted,
    /// The recogniser says something.
    Speech(Speech),
    /// A key was pressed.
    Digit(char),
    /// It is gone.
    HungUp(Side),
}

/// A channel in park, as an event of it or `uuid_dump` shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parked {
    /// The script, if the dialplan set one; `None` if `robot_flow` is set and empty.
    pub(super) robot_flow: Option<SmolStr>,
    /// Channel variables, then the caller's profile under its usual names.
    pub(super) variables: Vec<(SmolStr, String)>,
    /// Answered already.
    pub(super) answered: bool,
    /// Samples per second of what the caller hears.
    pub(super) rate_hz: u32,
    /// The task of the switch that sends the call to a person if nobody takes it
    /// (`dialplan/freeswitch/cti_robot.xml`).
    pub(super) fallback_task: Option<u32>,
    /// How many calls the channel has had before (E16).
    pub(super) rounds: u32,
}

/// What a recogniser said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// The caller began to speak.
    Began,
    /// What was said so far.
    Partial(SmolStr),
    /// The end of a sentence, or of the engine's patience.
    Ended(Recognition),
    /// It listens no longer.
    Closed,
}

/// Who hung up (S6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The switch: `send_bye`, `send_cancel`, `send_refuse`.
    Switch,
    /// The far end: `recv_bye`, `recv_cancel`, `recv_refuse`.
    Caller,
    /// The event does not say, as on a loopback leg.
    Unknown,
}

/// The event as a fact; `None` if it concerns no call of ours.
pub(super) fn fact(event: &EslEvent) -> Option<Fact> {
    let happened = happened(event)?;
    Some(Fact {
        uuid: event.header_str("Unique-ID")?.into(),
        serial: Serial {
            core: event.header_str("Core-UUID").unwrap_or_default().into(),
            sequence: number(event, "Event-Sequence").unwrap_or_default(),
        },
        at_us: number(event, "Event-Date-Timestamp").unwrap_or_default(),
        happened,
    })
}

fn happened(event: &EslEvent) -> Option<Happened> {
    Some(match event.event_type()? {
        EslEventType::ChannelPark => Happened::Parked(Box::new(parked(event)?)),
        EslEventType::ChannelUnpark => {
            Happened::Unparked { hanging_up: event.header_str("Hangup-Cause").is_some() }
        }
        EslEventType::ChannelAnswer => Happened::Answered,
        EslEventType::ChannelExecute => Happened::Executing(execution(event)?),
        EslEventType::ChannelExecuteComplete => Happened::Executed {
            execution: execution(event)?,
            response: event.header_str("Application-Response").unwrap_or_default().into(),
            hanging_up: event.header_str("Hangup-Cause").is_some(),
        },
        EslEventType::PlaybackStop => Happened::PlaybackStopped {
            broken: event.header_str("Playback-Status") == Some("break"),
            heard_ms: heard_ms(event),
        },
        EslEventType::MediaBugStart
            if event.header_str("Media-Bug-Function") == Some("detect_speech") =>
        {
            Happened::RecognizerStarted
        }
        EslEventType::DetectedSpeech => Happened::Speech(speech(event)?),
        EslEventType::Dtmf => Happened::Digit(digit(event)?),
        EslEventType::ChannelHangupComplete => Happened::HungUp(side(event)),
        _ => return None,
    })
}

/// A channel that asks for a robot; `None` for one that parks for somebody else (S1). One in
/// `socket` parks for whom the socket leads to (S15).
pub(super) fn parked(event: &EslEvent) -> Option<Parked> {
    event.variable_str("robot_flow")?;
    (event.variable_str("current_application") != Some("socket")).then(|| held(event))
}

/// A channel that waits for us, asking for a certain robot or not.
pub(super) fn held(event: &EslEvent) -> Parked {
    let robot_flow = event.variable_str("robot_flow").filter(|name| !name.is_empty());
    Parked {
        robot_flow: robot_flow.map(SmolStr::from),
        variables: variables(event),
        answered: event.header_str("Answer-State") == Some("answered"),
        rate_hz: rate_hz(event),
        fallback_task: event.variable_str("robot_fallback_task").and_then(|id| id.parse().ok()),
        rounds: event.variable_str(ROUND).and_then(|round| round.parse().ok()).unwrap_or_default(),
    }
}

fn variables(event: &EslEvent) -> Vec<(SmolStr, String)> {
    const PROFILE: [(&str, &str); 8] = [
        ("caller_id_number", "Caller-Caller-ID-Number"),
        ("caller_id_name", "Caller-Caller-ID-Name"),
        ("destination_number", "Caller-Destination-Number"),
        ("ani", "Caller-ANI"),
        ("network_addr", "Caller-Network-Addr"),
        ("context", "Caller-Context"),
        ("username", "Caller-Username"),
        ("channel_name", "Channel-Name"),
    ];
    let channel = event.headers().iter().filter_map(|(name, value)| {
        Some((SmolStr::from(name.strip_prefix("variable_")?), value.clone()))
    });
    // A variable of the same name wins, as it does in the dialplan.
    let profile = PROFILE
        .into_iter()
        .filter(|(name, _)| event.variable_str(name).is_none())
        .filter_map(|(name, header)| Some((name.into(), event.header_str(header)?.to_owned())));
    channel.chain(profile).collect()
}

fn digit(event: &EslEvent) -> Option<char> {
    let digit = event.header_str("DTMF-Digit")?.chars().next()?.to_ascii_uppercase();
    "0123456789*#ABCD".contains(digit).then_some(digit)
}

fn execution(event: &EslEvent) -> Option<SmolStr> {
    event.header_str("Application-UUID").map(SmolStr::from)
}

fn speech(event: &EslEvent) -> Option<Speech> {
    let body = event.body().unwrap_or_default();
    Some(match event.header_str("Speech-Type")? {
        "begin-speaking" => Speech::Began,
        "detected-partial-speech" => match recognition::read(body) {
            Recognition::Text(text) => Speech::Partial(text),
            Recognition::NoInput | Recognition::Failed(_) => return None,
        },
        "detected-speech" => Speech::Ended(recognition::read(body)),
        // At a hang-up it is closed with everything else.
        "closed" if event.header_str("Hangup-Cause").is_none() => Speech::Closed,
        _ => return None,
    })
}

/// `variable_playback_ms` counts what was read ahead; the offset is what left for the caller (S5).
fn heard_ms(event: &EslEvent) -> Option<u64> {
    let samples: u64 = event.variable_str("playback_last_offset_pos")?.parse().ok()?;
    Some(samples.saturating_mul(1000) / u64::from(rate_hz(event)))
}

fn rate_hz(event: &EslEvent) -> u32 {
    let rate = event.header_str("Channel-Read-Codec-Rate").and_then(|rate| rate.parse().ok());
    rate.filter(|&rate| rate > 0).unwrap_or(RATE_HZ_DEFAULT)
}

fn side(event: &EslEvent) -> Side {
    let disposition = event.variable_str("sip_hangup_disposition").unwrap_or_default();
    match disposition.split('_').next() {
        Some("send") => Side::Switch,
        Some("recv") => Side::Caller,
        Some(_) | None => Side::Unknown,
    }
}

fn number(event: &EslEvent, header: &str) -> Option<u64> {
    event.header_str(header)?.parse().ok()
}

/// A command for one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Run an application after those sent before; always with `event-lock`, without which it would
    /// run nested inside the one that plays (S4).
    Execute { execution: SmolStr, application: SmolStr, argument: String },
    /// Run an API command at once. Only commands that answer within a media frame (S3).
    Api(String),
    /// Run an API command in a thread of its own, however long it takes (S3).
    Background(String),
    /// Give the connection of an outbound socket back: the dialplan goes on (S15).
    Exit,
}

impl Request {
    /// The command as it is written; every part passes its escape again here, so that no caller
    /// can forget it.
    pub(super) fn command(&self, uuid: &str) -> EslCommand {
        match self {
            Self::Execute { execution, application, argument } => {
                let mut event = EslEvent::new();
                event.set_header("call-command", "execute");
                event.set_header("execute-app-name", escape::argument(application));
                if !argument.is_empty() {
                    event.set_header("execute-app-arg", escape::argument(argument));
                }
                event.set_header("event-lock", "true");
                event.set_header("Event-UUID", escape::argument(execution));
                EslCommand::SendMsg { uuid: Some(escape::argument(uuid)), event }
            }
            Self::Api(command) => EslCommand::Api { command: escape::argument(command) },
            Self::Background(command) => EslCommand::BgApi { command: escape::argument(command) },
            Self::Exit => EslCommand::Exit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EslEventType, headers: &[(&str, &str)]) -> EslEvent {
        let mut event = EslEvent::with_type(kind);
        for (name, value) in headers {
            event.set_header(*name, *value);
        }
        event.set_header("Unique-ID", "u-1");
        event
    }

    #[test]
    fn what_was_heard_is_the_offset_and_not_what_was_read_ahead_s5() {
        let stop = event(
            EslEventType::PlaybackStop,
            &[
                ("Playback-Status", "break"),
                ("variable_playback_ms", "2048"),
                ("variable_playback_last_offset_pos", "16000"),
                ("Channel-Read-Codec-Rate", "16000"),
            ],
        );
        let heard = Happened::PlaybackStopped { broken: true, heard_ms: Some(1000) };
        assert_eq!(fact(&stop).unwrap().happened, heard);
    }

    #[test]
    fn the_side_that_hung_up_is_the_dispositions_s6() {
        for (disposition, expected) in [
            ("send_bye", Side::Switch),
            ("send_refuse", Side::Switch),
            ("recv_bye", Side::Caller),
            ("recv_cancel", Side::Caller),
            ("", Side::Unknown),
        ] {
            let gone = event(
                EslEventType::ChannelHangupComplete,
                &[("variable_sip_hangup_disposition", disposition)],
            );
            assert_eq!(fact(&gone).unwrap().happened, Happened::HungUp(expected), "{disposition}");
        }
    }

    #[test]
    fn a_channel_parked_for_somebody_else_is_not_ours_s1() {
        assert_eq!(fact(&event(EslEventType::ChannelPark, &[])), None);
        let ours = event(EslEventType::ChannelPark, &[("variable_robot_flow", "loan")]);
        let Happened::Parked(parked) = fact(&ours).unwrap().happened else { panic!("not parked") };
        assert_eq!(parked.robot_flow.as_deref(), Some("loan"));
    }

    #[test]
    fn the_number_as_dialled_wins_over_the_one_the_transfer_made_e22() {
        let call = event(
            EslEventType::ChannelPark,
            &[
                ("variable_robot_flow", "loan"),
                ("variable_destination_number", "5000"),
                ("Caller-Destination-Number", "cti_robot/loan"),
                ("Caller-Caller-ID-Number", "777"),
            ],
        );
        let of = |name: &str| -> Vec<String> {
            let variables = parked(&call).unwrap().variables;
            variables.into_iter().filter(|(one, _)| one == name).map(|(_, value)| value).collect()
        };
        assert_eq!(of("destination_number"), ["5000"]);
        assert_eq!(of("caller_id_number"), ["777"]);
    }

    #[test]
    fn every_execute_is_locked_named_and_expands_nothing_s4_n10() {
        let request = Request::Execute {
            execution: "appid-0".into(),
            application: "playback".into(),
            argument: "/srv/${system(touch X)}\r\n\r\napi x".into(),
        };
        let wire = request.command("u-1").to_wire_format().unwrap();
        assert_eq!(
            wire,
            "sendmsg u-1\nCall-Command: execute\nExecute-App-Name: playback\nExecute-App-Arg: \
             /srv/＄{system(touch X)}    api x\nEvent-Lock: true\nEvent-Uuid: appid-0\n\n"
        );
    }

    #[test]
    fn an_api_command_is_one_line() {
        let wire = Request::Api("uuid_break u-1\n\napi system x".into()).command("u-1");
        assert_eq!(wire.to_wire_format().unwrap(), "api uuid_break u-1  api system x\n\n");
    }
}
