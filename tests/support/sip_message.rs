//! SIP messages (RFC 3261), as far as a telephone needs them.

use std::net::SocketAddr;

use uuid::Uuid;

use crate::rtp::KEYS;

/// A SIP message, as far as a telephone needs it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) start: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let start = lines.next()?.to_owned();
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_lowercase(), value.trim().to_owned()))
        });
        Some(Self { start, headers: headers.collect(), body: body.to_owned() })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// These headers, each as often as it is there, as lines of another message.
    pub(crate) fn copied(&self, names: &[&str]) -> String {
        let headers = self.headers.iter().filter(|(name, _)| names.contains(&name.as_str()));
        headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect()
    }

    pub(crate) fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// Of a response.
    pub(crate) fn code(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
    }

    pub(crate) fn cseq(&self) -> (u32, &str) {
        let (number, method) =
            self.header("cseq").and_then(|v| v.split_once(' ')).unwrap_or_default();
        (number.parse().unwrap_or_default(), method)
    }

    /// A response to this request; `to` is its To with a tag of ours.
    pub(crate) fn response(&self, status: &str, to: &str, contact: &str, body: &str) -> String {
        let copied = self.copied(&["via", "from", "call-id", "cseq"]);
        format!(
            "SIP/2.0 {status}\r\n{copied}To: {to}\r\nContact: <{contact}>\r\n{}",
            with_length(body)
        )
    }

    /// The CANCEL of this INVITE, which is its own in all but the method (RFC 3261, 9.1).
    pub(crate) fn cancel(&self) -> String {
        self.again("CANCEL", &self.copied(&["via", "from", "to", "call-id"]))
    }

    /// The ACK of this INVITE's refusal, which has the INVITE's branch (RFC 3261, 17.1.1.3).
    pub(crate) fn ack(&self, refusal: &Self) -> String {
        let copied = self.copied(&["via", "from", "call-id"]) + &refusal.copied(&["to"]);
        self.again("ACK", &copied)
    }

    /// Another method to the same address with the same number.
    fn again(&self, method: &str, headers: &str) -> String {
        let address = self.start.split(' ').nth(1).unwrap_or_default();
        let sequence = self.cseq().0;
        format!(
            "{method} {address} SIP/2.0\r\n{headers}CSeq: {sequence} {method}\r\n\
             Max-Forwards: 70\r\n{}",
            with_length("")
        )
    }

    /// Where the other side takes its sound, if SDP says so.
    pub(crate) fn sound_address(&self) -> Option<SocketAddr> {
        let line = |prefix| self.body.lines().find_map(move |line| line.strip_prefix(prefix));
        let port = line("m=audio ")?.split(' ').next()?.parse().ok()?;
        Some(SocketAddr::new(line("c=IN IP4 ")?.trim().parse().ok()?, port))
    }
}

/// The address of a From, To or Contact.
pub(crate) fn address_in(header: &str) -> Option<&str> {
    let (_, rest) = header.rsplit_once('<')?;
    Some(rest.split_once('>')?.0)
}

pub(crate) fn user_of(address: &str) -> Option<&str> {
    Some(address.strip_prefix("sip:")?.split_once('@')?.0)
}

/// What we take: PCMU and keys, at this port (RFC 8866, RFC 3264).
pub(crate) fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 {KEYS}\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:{KEYS} telephone-event/8000\r\na=fmtp:{KEYS} 0-15\r\na=ptime:20\r\n\
         a=sendrecv\r\n"
    )
}

/// The last headers and the body, which is SDP if there is one.
pub(crate) fn with_length(body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!("{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A text that nobody else makes, for tags and branches.
pub(crate) fn token() -> String {
    Uuid::new_v4().simple().to_string()
}

mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_apart() {
        let text = "SIP/2.0 200 OK\r\nVia: a\r\nv1: x\r\nVia: b\r\nCSeq: 7 INVITE\r\n\
                    Contact: \"<a>\" <sip:4000@127.0.0.1:5060>;x=1\r\n\r\n\
                    v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n";
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!((message.code(), message.cseq()), (Some(200), (7, "INVITE")));
        assert_eq!(message.copied(&["via"]), "via: a\r\nvia: b\r\n");
        assert_eq!(message.sound_address(), Some("127.0.0.1:5004".parse().unwrap()));
        let address = address_in(message.header("contact").unwrap()).unwrap();
        assert_eq!((address, user_of(address)), ("sip:4000@127.0.0.1:5060", Some("4000")));
    }

    #[test]
    fn what_is_no_message_is_none() {
        assert!(Message::parse(b"\r\n").is_none());
        let request = Message::parse(b"BYE sip:a SIP/2.0\r\n\r\n").unwrap();
        assert_eq!(
            (request.method(), request.code(), request.sound_address()),
            ("BYE", None, None)
        );
    }
}
