//! The daemon, the switch and the services of these tests, and what robot and callers can say.

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::asterisk::{Addresses, Asterisk, Setup, shipped};
use crate::daemon::{Daemon, folder, free_address};
use crate::hearing::{Sound, Span, played, spans, tone, tone_span};
use crate::recogniser::{self, Recogniser};
use crate::service::{Reply, Service};
use crate::sip::{Call, Phone};

/// Whatever a test waits for happens by then, or never.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// The prompts: each a tone, Hz, of so many ms.
pub(crate) const ASK: u32 = 450;
pub(crate) const ASK_MS: usize = 5_000;
pub(crate) const AGAIN: u32 = 750;
pub(crate) const GOOD: u32 = 950;
pub(crate) const BYE: u32 = 1_250;
pub(crate) const BYE_MS: usize = 1_000;
/// What an operator says, Hz.
pub(crate) const OPERATOR: u32 = 1_600;

/// How long a tone is heard until it is believed, ms.
pub(crate) const HEARD_MS: usize = 100;

/// Who calls which form of the shipped dialplan: the script is the dialled number.
const CALLS: &str = "
[in]
exten => _5X.,1,Set(robot_var_name=Ann)
 same => n,Goto(telephonist,${EXTEN},1)
exten => _6X.,1,Goto(telephonist-visible,${EXTEN},1)
exten => 7000,1,Goto(telephonist-bare,s,1)
exten => 5031,1,Set(robot_var_name=${CALLERID(name)})
 same => n,Goto(telephonist,${EXTEN},1)
[handover]
exten => 4711,1,Verbose(1,RESULTS ${robot_result} ${robot_label} ${robot_last_node} ${robot_flow_revision} ${ROBOT_CALLID} ${ROBOT_DONE})
 same => n,Hangup()
[elsewhere]
exten => 4712,1,Verbose(1,ELSEWHERE ${ROBOT_CALLID})
 same => n,Hangup()
";

/// What all calls of the test share.
pub(crate) struct Rig {
    // Before the daemon: a switch without calls lets it stop at once.
    pub(crate) asterisk: Asterisk,
    pub(crate) daemon: Daemon,
    _recogniser: Recogniser,
    /// Dies and stalls as one call wants it.
    pub(crate) bad_recogniser: Recogniser,
    /// Takes what goes to `operator`.
    pub(crate) operator: Phone,
    _stalling_voice: Service,
}

impl Rig {
    /// `None` where there is no Asterisk, which is said.
    pub(crate) async fn start() -> Option<Self> {
        let (recogniser, bad_recogniser) = (Recogniser::start().await, Recogniser::start().await);
        let stalling_voice = Service::start(|_, _| Reply::Never).await;
        let operator = Phone::new("operator").await;
        let (fastagi, audiosocket) = (free_address(), free_address());
        let setup = Setup {
            dialplan: format!("{}{CALLS}", shipped(&Addresses { fastagi, audiosocket })),
            people: vec![("operator", operator.address()), ("4000", operator.address())],
        };
        let asterisk = Asterisk::start(&setup)?;
        let folder = folder();
        let audio = |name: &str, hz, ms| {
            write_wav(&folder.path().join(format!("audio/{name}.wav")), &tone(hz, ms));
        };
        audio("ask", ASK, ASK_MS);
        audio("again", AGAIN, 600);
        audio("good", GOOD, 600);
        audio("bye", BYE, BYE_MS);
        for (name, script) in scripts(&bad_recogniser.url("asrproxy"), &stalling_voice.url) {
            let file = folder.path().join(format!("flows/{name}.json"));
            std::fs::write(file, script.to_string()).unwrap();
        }
        let config = format!(
            "timezone = \"UTC\"\n[scripts]\ndefault = \"5000\"\n[asterisk]\n\
             audiosocket = \"{audiosocket}\"\nfastagi = \"{fastagi}\"\nbare = true\n\
             [speech.asr.default]\nkind = \"asrproxy\"\nurl = \"{}\"\n\
             [calls]\ndrain = 1\n[recording]\nmode = \"call\"\nname = \"${{destination_number}}/${{callid}}\"\n",
            recogniser.url("asrproxy")
        );
        let daemon = Daemon::run(folder, &config);
        daemon.says("\"ready\":true").await;
        Some(Self {
            asterisk,
            daemon,
            _recogniser: recogniser,
            bad_recogniser,
            operator,
            _stalling_voice: stalling_voice,
        })
    }

    /// A caller's call to this number, answered.
    pub(crate) async fn call(&self, number: &str) -> (Phone, Call) {
        let phone = Phone::new(&format!("8{number}")).await;
        let call = phone.call(self.asterisk.sip(), number).await.answered();
        (phone, call)
    }

    /// The rows of the one call of this script, each as `node args → response type`, once it has
    /// ended; and its id.
    pub(crate) async fn rows(&self, script: &str) -> (Vec<String>, String) {
        let callid = self.daemon.calls_of(script, 1).await.remove(0);
        (self.daemon.rows(&callid).await.0, callid)
    }
}

/// The scripts by the numbers that are dialled.
fn scripts(bad_recogniser: &str, stalling_voice: &str) -> Vec<(String, Value)> {
    let mut scripts: Vec<(String, Value)> = Vec::new();
    let mut add = |number: usize, script: Value| scripts.push((number.to_string(), script));
    for number in (5_000..5_013).chain([5_027, 5_028, 5_031, 6_000]) {
        add(number, script("2", json!({})));
    }
    for mode in [0, 1, 2, 32, 64, 128, 256] {
        add(5_100 + mode, script(&mode.to_string(), json!({})));
    }
    add(5_004, script("2", json!({ "global": { "asrproxy_addr": bad_recogniser } })));
    add(5_005, {
        let mut stalls = script("2", json!({ "global": { "ttsurl": stalling_voice } }));
        stalls["flow"]["ask"]["playbacks"] = json!(["This never comes.", "again.wav"]);
        stalls["flow"]["ask"]["argument"] = json!("'1' '2' '' '' '' '' '' '2000'");
        stalls
    });
    add(5_010, {
        let mut other = script("2", json!({}));
        other["flow"]["ask"]["playbacks"] = json!(["again.wav"]);
        other
    });
    add(5_011, {
        let mut speaks = script("2", json!({}));
        speaks["flow"]["ask"]["playbacks"] = json!(["Hello, ${name}. This is a robot."]);
        speaks
    });
    add(5_020, ends_with(json!({ "action": "transfer", "argument": "4000", "potential": "A" })));
    add(5_023, ends_with(json!({ "action": "manual", "argument": "4711", "potential": "B" })));
    add(5_024, ends_with(json!({ "action": "transfer", "argument": "4712 XML elsewhere" })));
    add(5_021, {
        let application = json!({ "action": "Playback", "argument": "vm-goodbye",
            "subflow": { "then": { "condition": { "complete": ["done"] } } } });
        let mut plays = ends_with(application);
        plays["flow"]["then"] = plays["flow"]["good"].clone();
        plays
    });
    add(
        5_022,
        ends_with(json!({ "action": "System", "argument": "touch /tmp/telephonist-n10",
        "subflow": { "good": { "condition": { "complete": ["error"] } } } })),
    );
    scripts
}

/// Asks; `yes` or key 5 is good, anything else is asked again; then says goodbye.
fn script(interrupt: &str, more: Value) -> Value {
    let mut script = json!({
        "version": 3,
        "flow": {
            "Start": { "subflow": { "ask": {} } },
            "ask": {
                "action": "cti_play_and_detect_speech", "description": "ask",
                "argument": format!("'1' '{interrupt}' '' '' '' '' '' '1500'"),
                "playbacks": ["ask.wav"], "mismatchplaybacks": ["again.wav"],
                "mismatchrepetition": 5, "filter": { "text": "S" },
                "subflow": {
                    "yes:good": { "condition": { "text": ["yes"], "dtmf": ["5"] } },
                    "silent:bye": { "condition": { "complete": ["any"] } }
                }
            },
            "good": {
                "action": "cti_play_and_detect_speech", "argument": "'1' '2' '' '' '' '' '' '400'",
                "playbacks": ["good.wav"],
                "subflow": { "bye": { "condition": { "complete": ["any"] } } }
            },
            "bye": { "action": "hangup", "playbacks": ["bye.wav"] }
        }
    });
    for (key, value) in more.as_object().unwrap() {
        script[key] = value.clone();
    }
    script
}

/// The same, but the answer leads to this node.
fn ends_with(node: Value) -> Value {
    let mut script = script("2", json!({}));
    script["flow"]["ask"]["subflow"]["yes:good"]["condition"]["text"] = json!(["never"]);
    script["flow"]["ask"]["subflow"]["yes:end"] = json!({ "condition": { "text": ["yes"] } });
    script["flow"]["end"] = node;
    script
}

/// A second of a voice.
pub(crate) static VOICE: LazyLock<Vec<i16>> = LazyLock::new(|| {
    let bytes: &[u8] = include_bytes!("../data/audio/yes.wav");
    let samples = hound::WavReader::new(bytes).unwrap().into_samples();
    let all: Vec<i16> = samples.map(Result::unwrap).collect();
    let begins = all.iter().position(|sample| sample.abs() > 1_000).unwrap();
    all[begins..begins + 8_000].to_vec()
});

/// How long a sentence of `saying` is, ms.
pub(crate) const SENTENCE_MS: usize = 1_240;

/// A sentence with this word in it.
pub(crate) fn saying(word: &str) -> Vec<i16> {
    [&VOICE[..], &recogniser::tone(word, 240)].concat()
}

/// So long of nothing.
pub(crate) fn pause(ms: usize) -> Vec<i16> {
    recogniser::silence(ms)
}

/// The first time this tone was heard for long enough.
pub(crate) fn heard(call: &Call, hz: u32) -> Option<Span> {
    tone_span(&played(&call.heard()), hz, HEARD_MS)
}

/// The pieces in which this tone was heard.
pub(crate) fn pieces(call: &Call, hz: u32) -> Vec<Span> {
    let spans = spans(&played(&call.heard()), &[hz]).into_iter();
    spans.filter(|span| span.sound == Sound::Tone(hz) && span.end_ms - span.start_ms > 20).collect()
}

/// What of a prompt a busy machine may lose to the ear, ms: packets that come late are heard late, and
/// the edges of a gap are no tone.
pub(crate) const LOST_MS: usize = 160;

/// A pause within a prompt that only a busy machine makes, ms: robot, switch and callers share it with
/// other tests. A prompt that is cut is silent for longer.
pub(crate) const GAP_MS: usize = 500;

/// Fails unless this prompt was heard whole, without a pause that somebody made.
#[track_caller]
pub(crate) fn heard_whole(call: &Call, hz: u32, ms: usize) {
    let pieces = pieces(call, hz);
    let heard_ms: usize = pieces.iter().map(|span| span.end_ms - span.start_ms).sum();
    assert!((ms - LOST_MS..ms + 80).contains(&heard_ms), "{heard_ms} of {ms} ms: {pieces:?}");
    let gaps = pieces.windows(2).map(|pair| pair[1].start_ms - pair[0].end_ms);
    assert!(gaps.max().unwrap_or_default() <= GAP_MS, "{pieces:?}");
}

/// Waits until this tone is heard.
pub(crate) async fn hears(call: &Call, hz: u32) -> Span {
    let span = call.hears_tone(hz, HEARD_MS, PATIENCE).await;
    span.unwrap_or_else(|| panic!("{hz} Hz is not heard in the call with {}", call.party()))
}

fn write_wav(path: &std::path::Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|sample| wav.write_sample(*sample).unwrap());
    wav.finalize().unwrap();
}
