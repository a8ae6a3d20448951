//! SIP messages (RFC 3261), as far as a telephone needs them.

use std::net::SocketAddr;

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
