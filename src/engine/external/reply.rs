//! What the service answers (I15). All of it is data (N10): nothing in it is ever expanded.

use serde::Deserialize;
use serde_json::Value;
use smol_str::{SmolStr, format_smolstr};

use super::super::request::WebAnswer;

/// Entries of one answer: more than anybody listens to, and few enough for a switch's queue.
const PLAYBACKS_MAX: usize = 64;
/// Commands of one answer.
const COMMANDS_MAX: usize = 16;
/// What is kept for the service is part of each input and of the call's kept state, bytes.
const PRIVATE_BYTES_MAX: usize = 16 << 10;

/// An answer; what is absent or null leaves things as they are.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub(super) struct Reply {
    action: Option<SmolStr>,
    argument: Option<SmolStr>,
    playbacks: Option<Vec<String>>,
    sound_file_dir: Option<String>,
    commands: Option<Vec<String>>,
    pub(super) tts: Option<serde_json::Map<String, Value>>,
    pub(super) privatedata: Option<Value>,
    pub(super) dtmf_terminators: Option<SmolStr>,
    pub(super) log: Option<String>,
}

/// Why an answer is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) why: SmolStr,
    /// The service may answer if it is asked again.
    pub(super) is_transient: bool,
}

impl Reply {
    /// # Errors
    /// What the service said instead.
    pub(super) fn read(answer: &WebAnswer) -> Result<Self, Fault> {
        let status = answer.status;
        if !answer.is_success() {
            // 408 and 429 ask for another try.
            let is_transient = matches!(status, 408 | 429 | 500..);
            return Err(Fault { why: format_smolstr!("status {status}"), is_transient });
        }
        let fault = |why| Fault { why, is_transient: false };
        let reply: Self = serde_json::from_str(&answer.body)
            .map_err(|error| fault(format_smolstr!("its answer: {error}")))?;
        match reply.too_much() {
            Some(what) => Err(fault(format_smolstr!("its answer: {what}"))),
            None => Ok(reply),
        }
    }

    /// What passes a limit.
    fn too_much(&self) -> Option<SmolStr> {
        if self.playbacks().len() > PLAYBACKS_MAX {
            return Some(format_smolstr!("more than {PLAYBACKS_MAX} playbacks"));
        }
        if self.commands().len() > COMMANDS_MAX {
            return Some(format_smolstr!("more than {COMMANDS_MAX} commands"));
        }
        let kept = |value: &Value| value.to_string().len();
        let private = self.privatedata.as_ref().map_or(0, kept);
        let voice = self.tts.as_ref().map_or(0, |tts| kept(&Value::Object(tts.clone())));
        (private + voice > PRIVATE_BYTES_MAX).then(|| {
            format_smolstr!("privatedata and tts have more than {PRIVATE_BYTES_MAX} bytes")
        })
    }

    /// What to do; empty = the running action goes on.
    pub(super) fn action(&self) -> SmolStr {
        self.action.clone().unwrap_or_default()
    }

    pub(super) fn argument(&self) -> SmolStr {
        self.argument.clone().unwrap_or_default()
    }

    pub(super) fn playbacks(&self) -> &[String] {
        self.playbacks.as_deref().unwrap_or_default()
    }

    pub(super) fn sound_file_dir(&self) -> &str {
        self.sound_file_dir.as_deref().unwrap_or_default()
    }

    pub(super) fn commands(&self) -> &[String] {
        self.commands.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Reply, Fault> {
        Reply::read(&WebAnswer { status, body: body.into() })
    }

    #[test]
    fn an_answer_may_say_nothing_and_more_than_we_know() {
        assert_eq!(read(200, "{}"), Ok(Reply::default()));
        assert_eq!(
            read(200, r#"{"action":null,"pre_tts_text":["a"],"x":1}"#),
            Ok(Reply::default())
        );
        let reply = read(200, r#"{"action":"playback","playbacks":["a"]}"#).unwrap();
        assert_eq!(
            (reply.action().as_str(), reply.playbacks()),
            ("playback", &["a".to_owned()][..])
        );
    }

    #[test]
    fn what_is_no_answer_says_why_and_whether_to_ask_again() {
        let many = format!("{{\"playbacks\":{}}}", Value::from(vec!["a"; 65]));
        let large = format!("{{\"privatedata\":\"{}\"}}", "x".repeat(16 << 10));
        for (status, body, why, is_transient) in [
            (500, "{}", "status 500", true),
            (429, "{}", "status 429", true),
            (404, "{}", "status 404", false),
            (200, "", "EOF", false),
            (200, "<html>", "expected value", false),
            (200, "[]", "invalid", false),
            (200, r#"{"action":5}"#, "invalid type: integer `5`", false),
            (200, r#"{"playbacks":"a.wav"}"#, "expected a sequence", false),
            (200, &many, "more than 64 playbacks", false),
            (200, &large, "more than 16384 bytes", false),
        ] {
            let fault = read(status, body).unwrap_err();
            assert!(fault.why.contains(why), "{fault:?}");
            assert_eq!(fault.is_transient, is_transient, "{why}");
        }
    }
}
