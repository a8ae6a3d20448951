//! Requests to services, over real sockets on loopback.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "support/service.rs"]
mod service;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use service::{Reply, Service, nobody};
use telephonist::config::Config;
use telephonist::engine::{AskKind, Outcome, Tick, WebAnswer, WebRequest};
use telephonist::web::{self, Teller, Web};

/// What takes longer does not end: the longest wait here is two pauses of 400 ms at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// Far more than a service on loopback needs.
const ENOUGH_MS: u64 = 5_000;

fn open(allow: &[&str]) -> (Web, Teller) {
    let mut config = Config::default();
    config.egress.allow = allow.iter().map(|network| (*network).to_owned()).collect();
    web::open(&config, || Tick(0)).unwrap()
}

async fn ask(request: WebRequest) -> Outcome {
    ask_with(&[], request).await
}

async fn ask_with(allow: &[&str], request: WebRequest) -> Outcome {
    let (web, _teller) = open(allow);
    tokio::time::timeout(PATIENCE, web.ask(AskKind::Http, request)).await.unwrap()
}

fn request(method: &str, url: &str) -> WebRequest {
    let body = (method == "POST").then(|| json!({ "said": "да" }));
    let (method, url) = (method.into(), url.to_owned());
    WebRequest { method, url, headers: Vec::new(), body, timeout_ms: ENOUGH_MS }
}

fn error(outcome: Outcome) -> String {
    outcome.unwrap_err().into()
}

#[tokio::test]
async fn a_service_is_asked_and_answers() {
    let service = Service::start(|_, _| Reply::Status(201, "{\"a\":\"б\"}".into())).await;
    let mut request = request("POST", &format!("{}/ask?who=1", service.url));
    request.headers.push(("X-Key".into(), "secret".into()));
    let answer = ask(request).await;
    assert_eq!(answer, Ok(WebAnswer { status: 201, body: "{\"a\":\"б\"}".into() }));
    let [asked] = &service.asked()[..] else { panic!("asked once") };
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/ask?who=1"));
    assert_eq!(asked.body, r#"{"said":"да"}"#);
    assert_eq!(asked.headers["content-type"], "application/json");
    assert_eq!(asked.headers["x-key"], "secret");
}

#[tokio::test]
async fn a_slow_service_is_a_timeout() {
    let service = Service::start(|_, _| Reply::Never).await;
    let asked = ask(WebRequest { timeout_ms: 100, ..request("GET", &service.url) }).await;
    assert_eq!(error(asked), "timeout");
}

#[tokio::test]
async fn nobody_there_is_said_as_the_system_says_it() {
    let said = error(ask(request("POST", &nobody())).await);
    assert!(said.starts_with("Connection refused"), "{said}");
}

/// What may be repeated is, twice at most; a POST never.
#[tokio::test]
async fn a_service_that_is_away_is_asked_again_if_that_can_do_no_harm() {
    for (method, statuses, status, times) in [
        ("GET", [503, 200, 200, 200], 200, 2),
        ("PUT", [502, 504, 200, 200], 200, 3),
        ("DELETE", [503, 503, 503, 200], 503, 3),
        ("GET", [500, 200, 200, 200], 500, 1),
        ("POST", [503, 200, 200, 200], 503, 1),
    ] {
        let service = Service::of_statuses(statuses).await;
        let answer = ask(request(method, &service.url)).await.unwrap();
        assert_eq!((answer.status, service.asked().len()), (status, times), "{method}");
    }
}

#[tokio::test]
async fn repetitions_take_no_longer_than_the_request_may() {
    let service = Service::of_statuses([503]).await;
    let asked = ask(WebRequest { timeout_ms: 50, ..request("GET", &service.url) }).await;
    assert_eq!(error(asked), "timeout");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let limit = 1 << 20;
    let service = Service::start(move |asked, _| {
        let more = usize::from(asked.path == "/more");
        Reply::Status(200, "x".repeat(limit + more))
    })
    .await;
    assert_eq!(ask(request("GET", &service.url)).await.unwrap().body.len(), limit);
    let asked = ask(request("GET", &format!("{}/more", service.url))).await;
    assert_eq!(error(asked), "the answer is longer than 1048576 bytes");
}

/// N15: by default this machine and its neighbours may be asked, a cloud's metadata may not, however
/// a request gets there.
#[tokio::test]
async fn metadata_is_out_of_reach_n15() {
    let service = Service::start(|asked, _| {
        Reply::RedirectTo(match asked.path.as_str() {
            "/metadata" => "http://169.254.169.254/latest/meta-data/".into(),
            "/file" => "file:///etc/passwd".into(),
            _ => "/round".into(),
        })
    })
    .await;
    let redirected =
        async |path: &str| error(ask(request("GET", &format!("{}{path}", service.url))).await);
    let straight = error(ask(request("GET", "http://169.254.169.254/")).await);
    assert!(straight.contains("list its network in egress.allow"), "{straight}");
    assert_eq!(redirected("/metadata").await, straight);
    let elsewhere = ask(request("GET", &format!("{}/file", service.url))).await;
    assert_eq!(elsewhere.unwrap().status, 302, "another scheme is not followed");
    assert_eq!(redirected("/round").await, "sent on more than 5 times");
    assert_eq!(service.asked().len(), 1 + 1 + 6);
}

/// N15: with a list, of the own networks only those on it; names are looked up first.
#[tokio::test]
async fn a_list_narrows_what_may_be_reached_n15() {
    let service = Service::of_statuses([200]).await;
    let by_name = service.url.replace("127.0.0.1", "localhost");
    for url in [&service.url, &by_name] {
        ask_with(&["127.0.0.0/8"], request("POST", url)).await.unwrap();
        let refused = error(ask_with(&["10.0.0.0/8"], request("POST", url)).await);
        assert!(refused.contains("egress.allow"), "{url}: {refused}");
    }
    assert_eq!(service.asked().len(), 2);
}

/// Each question is measured, a refused one counted.
#[test]
fn questions_are_measured_by_kind_and_outcome() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let service = Service::of_statuses([200, 404]).await;
            for url in [&service.url, &service.url, &nobody(), "http://169.254.169.254/"] {
                drop(ask(request("POST", url)).await);
            }
        });
    });
    let metrics = handle.render();
    for outcome in ["ok", "status", "failed", "refused"] {
        let line =
            format!("telephonist_web_seconds_count{{kind=\"http\",outcome=\"{outcome}\"}} 1");
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    assert!(metrics.contains("telephonist_web_refused_total{kind=\"http\"} 1"), "{metrics}");
}

/// N14: what an NLP service is asked stands in the log if that is wanted, and is personal data there.
#[tokio::test]
async fn questions_to_an_nlp_service_are_logged_if_wanted_n14() {
    let service = Service::start(|_, _| Reply::Status(200, "{\"keyword\":\"да\"}".into())).await;
    for (debug, kind, lines) in
        [(true, AskKind::Nlp, 2), (true, AskKind::Http, 0), (false, AskKind::Nlp, 0)]
    {
        let page = Page::default();
        let writer = page.clone();
        let log = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        let logging = tracing::subscriber::set_default(log);
        let mut config = Config::default();
        config.robot.nlp.debug = debug;
        let (web, _teller) = web::open(&config, || Tick(0)).unwrap();
        web.ask(kind, request("POST", &service.url)).await.unwrap();
        drop(logging);
        let log = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert_eq!(log.matches(" NLP ").count(), lines, "{log}");
        assert!(!log.contains("да"), "{log}");
    }
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Delivers until `done`.
async fn deliver_until(done: impl Fn() -> bool, teller: Teller) {
    let done = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, teller.run(done)).await.unwrap();
}

#[tokio::test]
async fn a_message_is_sent_until_the_service_takes_it() {
    let service = Service::of_statuses([503, 500, 429, 200]).await;
    let (web, teller) = open(&[]);
    web.tell(request("POST", &service.url));
    deliver_until(|| service.asked().len() == 4, teller).await;
    assert_eq!(service.asked().len(), 4);
    assert!(service.asked().iter().all(|asked| asked.body == r#"{"said":"да"}"#));
}

/// N5: a daemon that stops waits for no service that is away.
#[tokio::test]
async fn a_message_that_nobody_takes_is_sent_once_more_at_the_end() {
    let service = Service::of_statuses([503]).await;
    let (web, teller) = open(&[]);
    web.tell(request("POST", &service.url));
    web.tell(request("POST", &nobody()));
    deliver_until(|| !service.asked().is_empty(), teller).await;
    assert_eq!(service.asked().len(), 2);
}

#[tokio::test]
async fn a_message_that_is_refused_is_not_sent_again_and_holds_up_no_other() {
    let refuses = Service::of_statuses([404]).await;
    let takes = Service::of_statuses([200]).await;
    let (web, teller) = open(&[]);
    for url in [&refuses.url, &nobody(), &takes.url] {
        web.tell(request("POST", url));
    }
    let heard = || refuses.asked().len() + takes.asked().len() == 2;
    deliver_until(heard, teller).await;
    assert_eq!((refuses.asked().len(), takes.asked().len()), (1, 1));
}

/// N21: what was told first is kept.
#[tokio::test]
async fn too_many_messages_lose_the_newest() {
    let service = Service::of_statuses([200]).await;
    let (web, teller) = open(&[]);
    for number in 0..1_030 {
        web.tell(request("GET", &format!("{}/{number}", service.url)));
    }
    deliver_until(|| true, teller).await;
    let asked = service.asked();
    assert_eq!(asked.len(), 1_024);
    assert!(asked.iter().any(|asked| asked.path == "/0"));
    assert!(asked.iter().all(|asked| asked.path != "/1024"));
}

/// A service of the configuration may have a proxy of its own; what it says goes there, whole.
#[tokio::test]
async fn a_configured_service_is_reached_through_its_proxy() {
    let proxy = Service::start(|_, _| Reply::Status(200, "through".into())).await;
    let (web, _teller) = open(&["192.0.2.0/24"]);
    let client = web.configured_client(&proxy.url).unwrap();
    let answer = client.get("http://recogniser.invalid/v1/audio").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "through");
    let [asked] = &proxy.asked()[..] else { panic!("asked once") };
    assert_eq!(asked.path, "http://recogniser.invalid/v1/audio");
    assert!(web.configured_client("no proxy at all").is_err());
}

/// N15: what a script may not have asked for is said, with the remedy.
#[tokio::test]
async fn addresses_of_scripts_are_judged_n15() {
    let (web, _teller) = open(&[]);
    let metadata = "http://169.254.169.254/voice".parse().unwrap();
    assert!(web.allows(&metadata).unwrap_err().contains("egress.allow"));
    assert_eq!(web.allows(&"http://127.0.0.1:2700/".parse().unwrap()), Ok(()));
}
