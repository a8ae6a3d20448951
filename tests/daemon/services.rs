//! Services that a script asks, in whole calls.

use crate::fake_freeswitch::FakeFreeswitch;
use crate::running::Attached;
use crate::service::{Reply, Service, nobody};

/// A script with an `http` node, an NLP service and a notice; `${…}` of ours is its own.
const SCRIPT: &str = r#"{ "global": { "nlpurl": "NLP" }, "flow": {
    "Start": { "subflow": { "look": {} } },
    "look": {
        "action": "http", "http": { "url": "CRM/customers/${number}", "timeout_ms": 5000 },
        "notify": { "trigger_type": "calculate", "trigger_time": 0, "url": "CRM/told" },
        "subflow": {
            "ask": { "condition": { "complete": ["done"] } },
            "bye": { "condition": { "complete": ["error"] } } } },
    "ask": {
        "action": "cti_play_and_detect_speech", "argument": "'1' '2'", "nlpid": "n1",
        "playbacks": ["Good day, ${http.name}. One more?"],
        "subflow": { "bye": { "id": "yes", "condition": { "text": ["yes"] } } } },
    "bye": { "action": "hangup", "playbacks": ["Goodbye."] } } }"#;

async fn call(nlp: &str, crm: &str) -> (FakeFreeswitch, Attached) {
    let script = SCRIPT.replace("NLP", nlp).replace("CRM", crm);
    let fake = FakeFreeswitch::start("ClueCon").await;
    let daemon = Attached::start_with(&fake, &script, "[robot.nlp]\ndebug = true\n");
    daemon.says("\"ready\":true").await;
    fake.call("u", &[("robot_flow", "ask"), ("robot_var_number", "1/2")]);
    (fake, daemon)
}

/// I10, R29, E85: what a web service answers is spoken, what an NLP service means counts, and a
/// notice is delivered.
#[tokio::test]
async fn what_services_answer_is_what_the_caller_hears_i10() {
    let nlp = Service::start(|_, _| Reply::Status(200, r#"{"keyword":"yes"}"#.into())).await;
    let crm = Service::start(|_, _| Reply::Status(200, r#"{"name":"Ann"}"#.into())).await;
    let (fake, daemon) = call(&nlp.url, &crm.url).await;
    fake.wrote(&["speak", "Good day, Ann. One more?"]).await;
    fake.says("u", "with pleasure");
    fake.wrote(&["speak", "Goodbye."]).await;
    fake.finish("u");
    let (rows, _) = daemon.rows("u").await;
    assert_eq!(
        rows.iter().filter(|row| !row.contains("look {")).collect::<Vec<_>>(),
        [
            "Start ask → look 1",
            "look DONE() → ask 1",
            "ask Fwith pleasure → bye 1",
            "bye send_bye →  0"
        ]
    );
    let asked = nlp.asked();
    assert_eq!(asked.len(), 1);
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!((&body["nlpid"], &body["text"]), (&"n1".into(), &"Fwith%20pleasure".into()));
    let paths: Vec<_> = crm.asked().into_iter().map(|asked| asked.path).collect();
    assert!(paths.contains(&"/customers/1%2F2".to_owned()), "{paths:?}");
    assert!(paths.contains(&"/told".to_owned()), "{paths:?}");
}

/// E50: a service that is away costs a caller nothing but the script's own ways.
#[tokio::test]
async fn with_its_services_away_a_script_goes_on_alone_e50() {
    let crm = Service::start(|_, _| Reply::Status(200, r#"{"name":"Ann"}"#.into())).await;
    let (fake, daemon) = call(&nobody(), &crm.url).await;
    fake.wrote(&["speak", "Good day, Ann. One more?"]).await;
    fake.says("u", "yes");
    fake.wrote(&["speak", "Goodbye."]).await;
    fake.finish("u");
    let (rows, _) = daemon.rows("u").await;
    assert!(rows.contains(&"ask Fyes → bye 1".to_owned()), "{rows:?}");
}

/// A service that is away ends its node, and the caller hears what the script has for that.
#[tokio::test]
async fn a_web_request_without_an_answer_ends_with_error_r29() {
    let (fake, daemon) = call("", &nobody()).await;
    fake.wrote(&["speak", "Goodbye."]).await;
    fake.finish("u");
    let (rows, _) = daemon.rows("u").await;
    assert!(rows.contains(&"look ERROR() → bye 1".to_owned()), "{rows:?}");
}

/// E12: a voice that can't speak is said in `/readyz` and for each script, before a caller finds out.
#[tokio::test]
async fn a_missing_voice_is_said_before_a_caller_hears_nothing_e12() {
    let folder = crate::daemon::folder();
    let script = SCRIPT.replace("NLP", "http://127.0.0.1:1/").replace("CRM", "http://127.0.0.1:1");
    std::fs::write(folder.path().join("flows/ask.json"), script).unwrap();
    let (audiosocket, fastagi) = (crate::daemon::free_address(), crate::daemon::free_address());
    let config = format!(
        "[scripts]\ndefault = \"ask\"\n[asterisk]\naudiosocket = \"{audiosocket}\"\n\
         fastagi = \"{fastagi}\"\n[speech.tts.default]\ncommand = [\"no-such-voice\", \"--stdout\"]\n"
    );
    let daemon = crate::daemon::Daemon::run(folder, &config);
    assert_eq!(daemon.says("no-such-voice").await, 503);
    daemon.write(
        "flows/later.json",
        r#"{ "flow": { "bye": { "action": "hangup", "playbacks": ["Bye."] } } }"#,
    );
    daemon.logs("what the script says can't be made");
}
