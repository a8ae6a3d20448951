//! Calls that a service decides (I15), from the dialplan's URL to the last row.

use serde_json::{Value, json};

use crate::fake_freeswitch::FakeFreeswitch;
use crate::running::Attached;
use crate::service::{Asked, Reply, Service};

/// A service that asks for a number and sends the caller on: all of a flow server but its port.
fn menu(asked: &Asked, _: usize) -> Reply {
    let message: Value = serde_json::from_str(&asked.body).unwrap();
    let input = message["input_args"].as_str().unwrap_or_default();
    let play = |text: &str| {
        json!({ "action": "cti_play_and_detect_speech", "argument": "'1' '2'",
            "playbacks": [text], "privatedata": text })
    };
    let answer = match (message["method"].as_str().unwrap(), input) {
        ("create", _) => play("Who is there?"),
        ("destory", _) => json!({}),
        (_, "D0") => json!({ "action": "transfer", "argument": "4000" }),
        (_, "Fbye") => json!({ "action": "hangup", "playbacks": ["Goodbye."] }),
        (_, "Fdie") => return Reply::Status(500, "{}".into()),
        (_, said) => match said.strip_prefix('F') {
            Some(name) => play(&format!("Hello {name}.")),
            None => json!({}),
        },
    };
    Reply::Status(200, answer.to_string())
}

async fn call(more: &str) -> (FakeFreeswitch, Attached, Service) {
    let service = Service::start(menu).await;
    let fake = FakeFreeswitch::start("ClueCon").await;
    let daemon = Attached::start(&fake, more);
    daemon.says("\"ready\":true").await;
    let url = format!("{}/flow?key=1", service.url);
    fake.call("u", &[("robot_flow", &url), ("call_source", "7")]);
    fake.wrote(&["speak", "Who is there?"]).await;
    (fake, daemon, service)
}

impl Service {
    /// A field of each message so far.
    fn told(&self, name: &str) -> Vec<String> {
        let field = |asked: Asked| {
            let message: Value = serde_json::from_str(&asked.body).unwrap();
            message[name].as_str().unwrap_or_default().to_owned()
        };
        self.asked().into_iter().map(field).collect()
    }

    /// Waits until it was told so.
    async fn heard(&self, name: &str, value: &str) {
        let told = async {
            while !self.told(name).iter().any(|told| told == value) {
                tokio::task::yield_now().await;
            }
        };
        let told = tokio::time::timeout(crate::fake_freeswitch::PATIENCE, told).await;
        told.unwrap_or_else(|_| panic!("the service is never told {value}"));
    }
}

/// The rows of a call without the service's address, whose port is another each time.
async fn rows(daemon: &Attached, service: &Service) -> Vec<String> {
    let (rows, classify) = daemon.rows("u").await;
    assert_eq!(classify.len(), 1);
    rows.into_iter().map(|row| row.replace(&service.url, "")).collect()
}

#[tokio::test]
async fn a_service_plays_hears_and_sends_the_caller_on_i15() {
    let (fake, daemon, service) = call("").await;
    fake.says("u", "Ann");
    fake.wrote(&["speak", "Hello Ann."]).await;
    fake.digit("u", '0');
    fake.wrote(&["uuid_transfer u 4000"]).await;
    assert_eq!(
        rows(&daemon, &service).await,
        ["Start /flow?key=1 →  1", " FAnn →  1", " 0 →  1", " transfer →  0"]
    );
    service.heard("method", "destory").await;
    assert_eq!(service.told("method"), ["create", "input", "input", "destory"]);
    assert_eq!(service.told("privatedata")[1..], ["Who is there?", "Hello Ann.", "Hello Ann."]);
    assert_eq!(service.told("call_source")[0], "7");
}

/// T2: the caller speaks over the audio, which stops at once; the service says what follows.
#[tokio::test]
async fn a_caller_interrupts_what_a_service_says_t2() {
    let (fake, daemon, service) = call("").await;
    fake.speech("u", "begin-speaking", "");
    fake.wrote(&["uuid_break u all"]).await;
    fake.speech("u", "detected-speech", r#"{"text":"bye"}"#);
    fake.wrote(&["speak", "Goodbye."]).await;
    fake.finish("u");
    assert_eq!(rows(&daemon, &service).await[1..], [" Fbye →  1", " send_bye →  0"]);
}

/// E76: the caller is gone; the service hears of it, and nothing more is said.
#[tokio::test]
async fn a_service_hears_that_the_caller_hung_up_e76() {
    let (fake, daemon, service) = call("").await;
    fake.hang_up("u");
    let rows = rows(&daemon, &service).await;
    assert_eq!(rows[1], " HANGUP() →  0");
    service.heard("input_args", "hangup()").await;
    service.heard("method", "destory").await;
}

/// I15: the service dies in the middle: it is asked again, then the caller hears an apology, and the
/// call's rows are whole.
#[tokio::test]
async fn a_service_that_dies_is_excused_i15() {
    let more = "[robot.httpflow]\nretries = 1\napology = \"Sorry.\"\n";
    let (fake, daemon, service) = call(more).await;
    fake.says("u", "die");
    fake.wrote(&["speak", "Sorry."]).await;
    fake.finish("u");
    fake.wrote(&["uuid_kill u"]).await;
    assert_eq!(
        rows(&daemon, &service).await[1..],
        [" Fdie →  0", " ERROR() →  10", " send_bye →  0"]
    );
    let asked = service.asked();
    let failed: Vec<_> = asked.iter().filter(|asked| asked.body.contains("Fdie")).collect();
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[0].body, failed[1].body);
}

/// N10, N11: what a service answers runs nothing that the configuration does not name.
#[tokio::test]
async fn a_service_runs_only_what_it_may_n11() {
    let service = Service::start(|asked, before| {
        Reply::Status(200, match before {
            0 => json!({
                "action": "system", "argument": "touch X",
                "commands": ["uuid_display u ok", "system touch X"],
            }),
            1 if asked.body.contains("error()") => {
                json!({ "action": "playback", "playbacks": ["${system(touch X)}", "../etc/x.wav"] })
            }
            _ => json!({ "action": "hangup" }),
        }
        .to_string())
    })
    .await;
    let fake = FakeFreeswitch::start("ClueCon").await;
    let more = "[robot.httpflow]\ncommands = [\"uuid_display [a-z ]+\"]\n";
    let daemon = Attached::start(&fake, more);
    daemon.says("\"ready\":true").await;
    fake.call("u", &[("robot_flow", &service.url)]);
    fake.wrote(&["speak", "system"]).await;
    fake.finish("u");
    fake.wrote(&["uuid_kill u"]).await;
    daemon.rows("u").await;
    assert_eq!(fake.count("bgapi uuid_display u ok"), 1);
    for command in fake.written() {
        assert!(!command.contains("touch X)") || !command.contains('$'), "{command}");
        assert!(!command.contains("execute-app-name: system"), "{command}");
        assert!(!command.starts_with("bgapi system"), "{command}");
        assert!(!command.contains("/etc/x.wav"), "{command}");
    }
}
