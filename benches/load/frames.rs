//! Events as bytes: captured ones with holes, so that filling one in costs the load program a few
//! microseconds.

use crate::channel::Execution;
use crate::event::{Event, encoded};

/// What differs between two events of a kind.
pub(crate) struct Values<'a> {
    pub(crate) uuid: &'a str,
    /// The same for an event that comes twice (S9).
    pub(crate) sequence: u64,
    /// The switch's clock, µs.
    pub(crate) at_us: u64,
    pub(crate) about: About<'a>,
}

/// What an event is about, if it is one of these.
#[derive(Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) execution: Option<&'a Execution>,
    /// What a recogniser understood.
    pub(crate) body: &'a str,
}

/// The events this switch sends.
pub(crate) struct Frames {
    pub(crate) parked: Frame,
    pub(crate) unparked: Frame,
    /// An application begins.
    pub(crate) began: Frame,
    /// An application has ended, `playback` apart.
    pub(crate) done: Frame,
    /// `playback` has ended, whoever ended it.
    pub(crate) played: Frame,
    /// A prompt stops by itself or with the call, …
    pub(crate) stopped: Frame,
    /// … or because of `uuid_break`.
    pub(crate) broken: Frame,
    pub(crate) recogniser_started: Frame,
    pub(crate) speech_began: Frame,
    pub(crate) sentence: Frame,
    pub(crate) hung_up: Frame,
}

/// One kind of event.
pub(crate) struct Frame {
    /// Text, and what stands behind it.
    pieces: Vec<(String, Hole)>,
    last: String,
}

#[derive(Clone, Copy)]
enum Hole {
    Uuid,
    Sequence,
    Time,
    Execution,
    Application,
    Argument,
    BodyLength,
    Body,
}

/// What stands for a hole in an event; plain letters, which no encoding changes.
const HOLES: [(&str, Hole); 8] = [
    ("HoleUuid", Hole::Uuid),
    ("HoleSequence", Hole::Sequence),
    ("HoleTime", Hole::Time),
    ("HoleExecution", Hole::Execution),
    ("HoleApplication", Hole::Application),
    ("HoleArgument", Hole::Argument),
    ("HoleBodyLength", Hole::BodyLength),
    ("HoleBody", Hole::Body),
];

impl Frames {
    /// All of them; calls ask for this script.
    pub(crate) fn new(script: &str) -> Self {
        let ours = |kind: &str| {
            Event::captured(kind)
                .channel("HoleUuid")
                .set("Event-Sequence", "HoleSequence")
                .set("Event-Date-Timestamp", "HoleTime")
        };
        let execution = |kind: &str| {
            ours(kind)
                .set("Application", "HoleApplication")
                .set("Application-Data", "HoleArgument")
                .set("Application-UUID", "HoleExecution")
        };
        let completed = |response: &str| {
            let completed = execution("CHANNEL_EXECUTE_COMPLETE");
            Frame::new(&completed.set("Application-Response", response).text())
        };
        let stopped = |status: &str| {
            let stopped = ours("PLAYBACK_STOP").set("Playback-Status", status);
            Frame::new(&stopped.set("variable_playback_last_offset_pos", "8000").text())
        };
        let speech = |kind: &str| ours("DETECTED_SPEECH").set("Speech-Type", kind);
        let sentence = speech("detected-speech").set("Content-Length", "HoleBodyLength");
        Self {
            parked: Frame::new(&ours("CHANNEL_PARK").set("variable_robot_flow", script).text()),
            unparked: Frame::new(&ours("CHANNEL_UNPARK").text()),
            began: Frame::new(&execution("CHANNEL_EXECUTE").text()),
            done: completed("_none_"),
            played: completed("FILE PLAYED"),
            stopped: stopped("done"),
            broken: stopped("break"),
            recogniser_started: Frame::new(&ours("MEDIA_BUG_START").text()),
            speech_began: Frame::new(&speech("begin-speaking").text()),
            sentence: Frame::new(&(sentence.text() + "HoleBody")),
            hung_up: Frame::new(
                &ours("CHANNEL_HANGUP_COMPLETE")
                    .set("variable_sip_hangup_disposition", "recv_bye")
                    .text(),
            ),
        }
    }
}

impl Frame {
    fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        let next = |rest: &str| {
            let found =
                HOLES.iter().filter_map(|(name, hole)| Some((rest.find(name)?, *name, *hole)));
            // Of two names that begin alike the first in the list is the longer.
            found.min_by_key(|(at, ..)| *at)
        };
        while let Some((at, name, hole)) = next(rest) {
            let (before, after) = rest.split_at(at);
            pieces.push((before.to_owned(), hole));
            rest = after.trim_start_matches(name);
        }
        Self { pieces, last: rest.to_owned() }
    }

    /// The event as it comes over the event socket.
    pub(crate) fn bytes(&self, values: &Values<'_>) -> Vec<u8> {
        let text = self.fill(values);
        let length = text.len();
        format!("Content-Length: {length}\nContent-Type: text/event-plain\n\n{text}").into_bytes()
    }

    fn fill(&self, values: &Values<'_>) -> String {
        let About { execution, body } = values.about;
        let of = |part: fn(&Execution) -> &str| execution.map(part).unwrap_or_default();
        let mut text = String::new();
        for (before, hole) in &self.pieces {
            text.push_str(before);
            match hole {
                Hole::Uuid => text.push_str(values.uuid),
                Hole::Sequence => text.push_str(&values.sequence.to_string()),
                Hole::Time => text.push_str(&values.at_us.to_string()),
                Hole::Execution => text.push_str(of(|execution| &execution.id)),
                Hole::Application => text.push_str(of(|execution| &execution.application)),
                Hole::Argument => text.push_str(&encoded(of(|execution| &execution.argument))),
                Hole::BodyLength => text.push_str(&body.len().to_string()),
                Hole::Body => text.push_str(body),
            }
        }
        text + &self.last
    }
}
