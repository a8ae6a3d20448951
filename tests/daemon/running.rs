//! The daemon attached to the fake FreeSWITCH.

use std::net::SocketAddr;

use crate::daemon::{Daemon, folder, free_address};
use crate::fake_freeswitch::FakeFreeswitch;

/// The script that all these calls follow.
const SCRIPT: &str = r#"{
    "version": 3,
    "flow": {
        "Start": { "subflow": { "ask": {} } },
        "ask": {
            "action": "cti_play_and_detect_speech", "argument": "'1' '2'", "description": "ask",
            "playbacks": ["Would you like one, ${name}?"],
            "mismatchplaybacks": ["You said ${last_text}."], "mismatchrepetition": 5,
            "subflow": {
                "yes:bye": { "id": "yes", "weight": 1, "condition": { "text": ["yes"] } },
                "person:person": { "condition": { "text": ["person"], "dtmf": ["0"] } },
                "silent:bye": { "condition": { "complete": ["any"] } }
            }
        },
        "person": {
            "action": "transfer", "argument": "${extension}",
            "subflow": { "bye": { "condition": { "complete": ["error"] } } }
        },
        "bye": { "action": "hangup", "playbacks": ["Goodbye."], "potential": "A" }
    }
}"#;

/// A daemon that a fake FreeSWITCH can connect to besides.
pub(crate) struct Attached {
    daemon: Daemon,
    /// Where FreeSWITCHes may connect to.
    pub(crate) outbound: SocketAddr,
}

impl std::ops::Deref for Attached {
    type Target = Daemon;

    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl std::ops::DerefMut for Attached {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

impl Attached {
    /// Attached to the fake, with further lines of configuration.
    pub(crate) fn start(fake: &FakeFreeswitch, more: &str) -> Self {
        Self::start_with(fake, SCRIPT, more)
    }

    /// The same with this script in place of ours; its name is `ask` too.
    pub(crate) fn start_with(fake: &FakeFreeswitch, script: &str, more: &str) -> Self {
        let (folder, outbound) = (folder(), free_address());
        std::fs::write(folder.path().join("flows/ask.json"), script).unwrap();
        let config = format!(
            "timezone = \"UTC\"\n[scripts]\ndefault = \"ask\"\n[[freeswitch]]\naddress = \"{}\"\n\
             password = \"ClueCon\"\nasr = \"test builtin\"\ntts = \"tts_commandline:en\"\n\
             [freeswitch_outbound]\nlisten = \"{outbound}\"\nasr = \"test builtin\"\n\
             tts = \"tts_commandline:en\"\n{more}",
            fake.address
        );
        Self { daemon: Daemon::run(folder, &config), outbound }
    }
}

impl FakeFreeswitch {
    /// A whole sentence, as a recogniser without partial results tells it.
    pub(crate) fn says(&self, uuid: &str, text: &str) {
        let text = serde_json::to_string(text).unwrap();
        self.speech(uuid, "begin-speaking", "");
        self.speech(uuid, "detected-speech", &format!("{{\"text\": {text}}}"));
    }
}
