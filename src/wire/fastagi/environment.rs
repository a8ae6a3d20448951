//! The first block of a session: who calls, and what the dialplan wants.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// What Asterisk writes for a number or a name that it doesn't have (`setup_env`).
const UNKNOWN: &str = "unknown";

/// The lines `agi_<name>: <value>`, by name; the first of each name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    lines: BTreeMap<String, String>,
}

/// What the address after `agi://host:port/` asks for (S20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// `flow/<script>`: the whole of the call, from here.
    Flow(String),
    /// `start/<script>` or `start?flow=<script>`: only the call's id; the dialplan has an
    /// `AudioSocket()` of its own.
    Start(String),
    /// `next,<call>,<status>`: where that call goes, after its `TryExec(AudioSocket(…))`.
    Next {
        /// The id that `start` gave.
        call: &'a str,
        /// TRYSTATUS: SUCCESS, FAILED, or empty if the dialplan doesn't say.
        status: &'a str,
    },
    /// An address that is none of ours.
    Other(&'a str),
}

impl Environment {
    /// The value of `agi_<name>`, as it came; invalid UTF-8 is replaced. `None`: there is no such line.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.lines.get(name).map(String::as_str)
    }

    /// The caller's number (`agi_callerid`), if there is one.
    #[must_use]
    pub fn caller(&self) -> Option<&str> {
        self.known("callerid")
    }

    /// The caller's name (`agi_calleridname`), if there is one.
    #[must_use]
    pub fn caller_name(&self) -> Option<&str> {
        self.known("calleridname")
    }

    /// The number that was dialled (`agi_dnid`), else the extension that runs (`agi_extension`).
    #[must_use]
    pub fn dialled(&self) -> Option<&str> {
        self.known("dnid").or_else(|| self.known("extension"))
    }

    /// The channel, `PJSIP/…` (`agi_channel`).
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        self.known("channel")
    }

    /// Asterisk's own id of the channel (`agi_uniqueid`).
    #[must_use]
    pub fn unique_id(&self) -> Option<&str> {
        self.known("uniqueid")
    }

    /// An argument of `AGI(address,first,second…)`, from 1 (`agi_arg_1`).
    #[must_use]
    pub fn argument(&self, number: usize) -> Option<&str> {
        self.get(&format!("arg_{number}"))
    }

    /// What is asked for. A script's name may be percent-encoded and may have slashes; it is empty if
    /// the address names none.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        let address = self.get("network_script").unwrap_or_default();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let (verb, name) = path.split_once('/').unwrap_or((path, ""));
        let script = || {
            let asked = query.split('&').find_map(|pair| pair.strip_prefix("flow="));
            let name = if name.is_empty() { asked.unwrap_or_default() } else { name };
            percent_decode_str(name).decode_utf8_lossy().into_owned()
        };
        match verb {
            "flow" => Request::Flow(script()),
            "start" => Request::Start(script()),
            "next" => Request::Next {
                call: self.argument(1).unwrap_or_default(),
                status: self.argument(2).unwrap_or_default(),
            },
            _ => Request::Other(address),
        }
    }

    /// Whether no line was one of AGI's.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether the line is one of AGI's.
    pub(super) fn add(&mut self, line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line);
        let Some((name, value)) = line.strip_prefix("agi_").and_then(|rest| rest.split_once(':'))
        else {
            return false;
        };
        let value = value.strip_prefix(' ').unwrap_or(value);
        // The first counts: a caller's name with a line end can't put another address in its place.
        self.lines.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        true
    }

    fn known(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty() && *value != UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[&str]) -> Environment {
        let mut environment = Environment::default();
        for line in lines {
            assert!(environment.add(line.as_bytes()), "{line}");
        }
        environment
    }

    /// S20: both forms of the dialplan, and what is neither.
    #[test]
    fn addresses_say_what_is_wanted() {
        let flow = |name: &str| Request::Flow(name.to_owned());
        let start = |name: &str| Request::Start(name.to_owned());
        let cases = [
            ("flow/support", flow("support")),
            ("flow/de/loan?x=1", flow("de/loan")),
            ("flow/%E5%80%9F%20a", flow("借 a")),
            ("flow?flow=loan", flow("loan")),
            ("flow", flow("")),
            ("start/support", start("support")),
            ("start?x=1&flow=support", start("support")),
            ("next", Request::Next { call: "", status: "" }),
            ("flows/support", Request::Other("flows/support")),
            ("", Request::Other("")),
        ];
        for (address, request) in cases {
            let environment = asked(&[&format!("agi_network_script: {address}")]);
            assert_eq!(environment.request(), request, "{address}");
        }
        let next = asked(&["agi_network_script: next", "agi_arg_1: 7-a", "agi_arg_2: FAILED"]);
        assert_eq!(next.request(), Request::Next { call: "7-a", status: "FAILED" });
        assert_eq!(asked(&["agi_network: yes"]).request(), Request::Other(""));
    }

    /// N10: `setup_env` escapes nothing, and the address comes before what callers choose.
    #[test]
    fn a_name_of_several_lines_asks_for_nothing() {
        let lines =
            ["agi_network_script: flow/a", "agi_calleridname: x", "agi_network_script: flow/b"];
        assert_eq!(asked(&lines).request(), Request::Flow("a".to_owned()));
    }

    /// S20: what Asterisk doesn't know is not a number.
    #[test]
    fn unknown_is_none() {
        let lines = ["agi_callerid: unknown", "agi_dnid: unknown", "agi_extension: 200"];
        let environment = asked(&lines);
        assert_eq!((environment.caller(), environment.dialled()), (None, Some("200")));
        assert_eq!(environment.get("callerid"), Some("unknown"));
        let empty = asked(&["agi_accountcode: ", "agi_uniqueid:"]);
        assert_eq!((empty.get("accountcode"), empty.unique_id()), (Some(""), None));
    }
}
