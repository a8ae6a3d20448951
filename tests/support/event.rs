//! Events in the words of a real FreeSWITCH: captured ones, with other values.

use std::fmt::Write as _;

/// One event in the plain format; values are percent-encoded as the switch does.
#[derive(Clone)]
pub(crate) struct Event {
    name: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Event {
    /// The captured event of this name.
    pub(crate) fn captured(name: &str) -> Self {
        let text = match name {
            "CHANNEL_DATA" => include_str!("../data/freeswitch/events/CHANNEL_DATA.txt"),
            "CHANNEL_EXECUTE" => include_str!("../data/freeswitch/events/CHANNEL_EXECUTE.txt"),
            "CHANNEL_EXECUTE_COMPLETE" => {
                include_str!("../data/freeswitch/events/CHANNEL_EXECUTE_COMPLETE.txt")
            }
            "CHANNEL_HANGUP_COMPLETE" => {
                include_str!("../data/freeswitch/events/CHANNEL_HANGUP_COMPLETE.txt")
            }
            "CHANNEL_PARK" => include_str!("../data/freeswitch/events/CHANNEL_PARK.txt"),
            "CHANNEL_UNPARK" => include_str!("../data/freeswitch/events/CHANNEL_UNPARK.txt"),
            "DETECTED_SPEECH" => include_str!("../data/freeswitch/events/DETECTED_SPEECH.txt"),
            "DTMF" => include_str!("../data/freeswitch/events/DTMF.txt"),
            "HEARTBEAT" => include_str!("../data/freeswitch/events/HEARTBEAT.txt"),
            "MEDIA_BUG_START" => include_str!("../data/freeswitch/events/MEDIA_BUG_START.txt"),
            "PLAYBACK_STOP" => include_str!("../data/freeswitch/events/PLAYBACK_STOP.txt"),
            other => panic!("no {other} was captured"),
        };
        let headers = text.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.into(), value.into())).collect();
        Self { name: name.into(), headers, body: String::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is this channel's.
    pub(crate) fn is_of(&self, uuid: &str) -> bool {
        self.headers.iter().any(|(name, value)| name == "Unique-ID" && value == uuid)
    }

    /// The same event of another channel.
    pub(crate) fn channel(self, uuid: &str) -> Self {
        [
            "Unique-ID",
            "Caller-Unique-ID",
            "Channel-Call-UUID",
            "variable_uuid",
            "variable_call_uuid",
        ]
        .into_iter()
        .fold(self, |event, header| event.replace(header, uuid))
    }

    /// The same event with this header, encoded.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        let value = encoded(value);
        match self.headers.iter_mut().find(|(header, _)| header == name) {
            Some(header) => header.1 = value,
            None => self.headers.push((name.into(), value)),
        }
        self
    }

    fn replace(self, name: &str, value: &str) -> Self {
        let has = self.headers.iter().any(|(header, _)| header == name);
        if has { self.set(name, value) } else { self }
    }

    pub(crate) fn remove(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| header != name);
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = body.into();
        self
    }

    /// The event without its frame, as `uuid_dump` prints it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.headers {
            writeln!(text, "{name}: {value}").unwrap();
        }
        if !self.body.is_empty() {
            writeln!(text, "Content-Length: {}", self.body.len()).unwrap();
        }
        text + "\n" + &self.body
    }

    /// The event as it comes over the event socket: the length first, then the type.
    pub(crate) fn framed(&self) -> Vec<u8> {
        let text = self.text();
        let length = text.len();
        format!("Content-Length: {length}\nContent-Type: text/event-plain\n\n{text}").into_bytes()
    }
}

/// As `switch_url_encode`: what is not plain ASCII or would divide the line; comma and slash stay.
pub(crate) fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_graphic() && !b"%+\"#<>[]^`{|}@:;=&?".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
    }
    text
}
