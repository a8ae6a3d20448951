//! Random scripts, and what random callers do.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use telephonist::engine::{AskKind, Call, EndReason, Heard, Input, Now, RequestId};
use telephonist::script::{self, Script};
use telephonist::turn::MediaEvent;

use super::dice::Dice;
use super::services;

pub(crate) const WORDS: [&str; 12] = [
    "有",
    "没有",
    "听不清",
    "多少钱",
    "да",
    "нет",
    "сколько стоит",
    "yes",
    "no",
    "repeat",
    "any",
    "{loan}",
];
const SAID: [&str; 14] = [
    "有的。",
    "没有",
    "听不清",
    "多少钱",
    "贷款",
    "Да!",
    "нет",
    "Сколько стоит?",
    "yes",
    "No.",
    "repeat",
    "。",
    "嗯",
    "${name}|\r\n",
];
const COMPLETES: [&str; 11] = [
    "DONE()",
    "DONE(F:有的。)",
    "TIMEOUT()",
    "TIMEOUT(F:daS:нет)",
    "ERROR()",
    "BREAK()",
    "HANGUP()",
    "HANGUP(F听不清)",
    "DONE",
    "",
    "(F:",
];

/// The shipped scripts, one in ten calls.
const SHIPPED: [&str; 3] = [
    include_str!("../../../flows/loan.json"),
    include_str!("../../../flows/delivery_ru.json"),
    include_str!("../../../flows/survey_en.json"),
];

/// What a call begins with.
pub(crate) fn incoming() -> Call {
    Call {
        callid: "dfd3585d-1209-4c69-bb5f-777a48a66321".into(),
        variables: vec![("name".into(), "Ann".into())],
        event_after_hangup: true,
        explain: false,
    }
}

/// A script that has to load.
pub(crate) fn load(text: &Value) -> Arc<Script> {
    try_load(text).unwrap_or_else(|| panic!("the script has errors:\n{text:#}"))
}

/// A script, unless it has errors.
pub(crate) fn try_load(text: &Value) -> Option<Arc<Script>> {
    script::load("sim", "sim.json", text.to_string().as_bytes()).0
}

/// A shipped script, or one of a few nodes that lead anywhere.
pub(crate) fn script(dice: &mut Dice) -> Value {
    if dice.roll(10) == 0 {
        let text = dice.pick(&SHIPPED);
        return jsonc_parser::parse_to_serde_value(text, &Default::default()).unwrap();
    }
    random(dice)
}

fn random(dice: &mut Dice) -> Value {
    let count = 2 + dice.roll(8);
    let mut flow = Map::new();
    flow.insert("Start".into(), json!({ "subflow": { "n0": {} } }));
    for at in 0..count {
        flow.insert(format!("n{at}"), node(dice, count));
    }
    let prompts: Map<String, Value> =
        (0..4).map(|at| (format!("p{at}"), prompt(dice, count))).collect();
    json!({
        "version": 3, "flow": flow, "prompt": prompts,
        "kb": { "k": { "prompts": ["p0", "p1"] }, "l": { "prompts": ["p1", "p2", "p3"] } },
        "synonym": { "loan": ["贷款", "кредит"] },
        "noiserule": [{ "id": "noise", "text": ["嗯"], "max_duration_ms": 1_000 }],
        "classify": [{ "id": "r", "label": "R", "all": [
            { "field": "visited", "op": "contains", "value": "n1" }] }],
        "global": {
            "interrupt": dice.pick(&[0, 1, 2, 32, 64, 128, 256]),
            "nlpurl": dice.pick(&["", "http://nlp.example/"]),
        },
    })
}

fn node(dice: &mut Dice, count: usize) -> Value {
    const ACTIONS: [&str; 16] = [
        "cti_play_and_detect_speech",
        "cti_play_and_detect_speech",
        "cti_play_and_detect_speech",
        "cti_play_and_detect_speech",
        "playback",
        "hangup",
        "return",
        "return",
        "transfer",
        "manual",
        "set",
        "branch",
        "collect",
        "http",
        "http",
        "sched_hangup",
    ];
    let action = dice.pick(&ACTIONS);
    let target = format!("n{}", dice.roll(count));
    let argument = match action {
        "return" => dice.pick(&["", "top", "${name}", target.as_str()]).to_owned(),
        "transfer" | "manual" => dice.pick(&["4000 XML default", "", "${name}"]).to_owned(),
        "cti_play_and_detect_speech" => dice.pick(&["", "'0'", "'1' '2'"]).to_owned(),
        _ => String::new(),
    };
    let edges: Map<String, Value> = (0..dice.roll(4))
        .map(|at| (format!("e{at}:n{}", dice.roll(count)), json!({ "condition": condition(dice) })))
        .collect();
    let globals: Vec<String> =
        (0..dice.roll(3)).map(|_| format!("n{}", dice.roll(count))).collect();
    json!({
        "action": action, "argument": argument,
        "playbacks": playbacks(dice), "mismatchplaybacks": playbacks(dice),
        "mismatchrepetition": dice.roll(3), "timeoutplaybacks": playbacks(dice),
        "timeoutrepetition": dice.roll(3), "repetition": dice.pick(&[0, 0, 1, 3]),
        "potential": dice.pick(&["", "1", "-1", "A"]), "kb": dice.pick(&["", "k", "k,l"]),
        "globalflow": globals, "sourceflowdepth": dice.roll(3),
        "global": dice.roll(3) == 0, "condition": condition(dice),
        "disablebreak": dice.pick(&[0, 0, 1_000]), "set": { "name": "${last_text}" },
        "nlpid": dice.pick(&["", "7"]),
        "http": { "url": "http://${name}/?q=${last_text}", "body": { "said": "${last_text}" } },
        "collect": { "min": 2, "max": 2 + dice.roll(3), "variable": "name" },
        "notify": notify(dice),
        "filter": { "text": dice.pick(&["", "S", "none"]) }, "subflow": edges,
    })
}

fn notify(dice: &mut Dice) -> Value {
    if dice.roll(4) > 0 {
        return Value::Null;
    }
    json!({
        "trigger_time": dice.roll(20), "url": dice.pick(&["", "http://crm.example/"]),
        "linegroup": dice.pick(&["", "8000"]), "stop_robot": dice.roll(2),
    })
}

fn prompt(dice: &mut Dice, count: usize) -> Value {
    let node = format!("n{}", dice.roll(count));
    let leads = ["", "", "return", "text:yes", "dtmf:1", "complete:done", node.as_str()];
    json!({
        "name": "p", "keyworks": [dice.pick(&WORDS), dice.pick(&WORDS)],
        "playbacks": playbacks(dice), "repetition": dice.pick(&[0, 1]),
        "switchflow": dice.pick(&leads), "ignorereturnplayback": dice.roll(2),
    })
}

fn condition(dice: &mut Dice) -> Value {
    json!({
        "text": (0..dice.roll(3)).map(|_| dice.pick(&WORDS)).collect::<Vec<_>>(),
        "dtmf": (0..dice.roll(2)).map(|_| dice.pick(&["1", "12", "[0-9]{2,3}", "any"])).collect::<Vec<_>>(),
        "when": (0..dice.roll(2)).map(|_| json!({
            "var": dice.pick(&["name", "http.status"]), "op": dice.pick(&["==", "!=", ">", "contains"]),
            "value": dice.pick(&["Ann", "200", "12"]) })).collect::<Vec<_>>(),
        "complete": (0..dice.roll(2)).map(|_| dice.pick(&["any", "done", "timeout", "F:"])).collect::<Vec<_>>(),
    })
}

fn playbacks(dice: &mut Dice) -> Vec<&'static str> {
    (0..dice.roll(3))
        .map(|_| dice.pick(&["你好", "hello ${name}", "a.wav", "silence_stream://100"]))
        .collect()
}

/// Something a caller, a recogniser or somebody outside does.
pub(crate) fn caller(dice: &mut Dice) -> MediaEvent {
    match dice.roll(24) {
        0..=4 => MediaEvent::SpeechStarted { ago_ms: 0 },
        5 => MediaEvent::SpeechStopped { ago_ms: 0 },
        6..=8 => MediaEvent::Partial(dice.pick(&SAID).into()),
        9..=16 => MediaEvent::Final(dice.pick(&SAID).into()),
        17 => MediaEvent::Final("".into()),
        18 => MediaEvent::RecognitionFailed("network".into()),
        19..=21 => MediaEvent::Digit(dice.pick(&['1', '2', '#', '*'])),
        22 => MediaEvent::Broken,
        _ if dice.roll(4) == 0 => MediaEvent::HungUp(EndReason::RecvBye),
        _ => MediaEvent::RecognizerLost("gone".into()),
    }
}

/// Something that reaches the engine, however odd.
pub(crate) fn input(dice: &mut Dice, started: &[String]) -> Input {
    let appid = match dice.roll(4) {
        0 if !started.is_empty() => Some(started[dice.roll(started.len())].as_str().into()),
        1 => Some("nobody".into()),
        _ => None,
    };
    match dice.roll(10) {
        8 | 9 => {
            let kind = dice.pick(&[AskKind::Nlp, AskKind::Http]);
            let id = RequestId(u32::try_from(dice.roll(12)).unwrap());
            Input::Answer { id, outcome: services::outcome(dice, kind) }
        }
        0..=3 => {
            let letter = dice.pick(&["F", "F", "F", "S", "E", "PF", "PS", ""]);
            let said = dice.pick(&SAID);
            let text = if dice.roll(200) == 199 { said.repeat(50_000) } else { said.to_owned() };
            let duration_ms = i64::try_from(dice.roll(3_000)).unwrap();
            let play_time_ms = duration_ms + dice.pick(&[-5_000, 0, 500]);
            let start = Now::default().wall;
            let record = "".into();
            let text = format!("{letter}{text}").into();
            Input::Text(Heard { appid, text, start, duration_ms, play_time_ms, record })
        }
        4 => Input::Dtmf {
            appid,
            digits: dice.pick(&["1", "12", "#", "9*"]).into(),
            play_time_ms: 0,
        },
        5 | 6 => Input::Complete { appid, args: dice.pick(&COMPLETES).into() },
        7 if dice.roll(6) == 0 => Input::Ended(EndReason::RecvBye),
        _ => Input::Complete { appid: None, args: "DONE()".into() },
    }
}
