//! `/healthz`, `/readyz`, `/metrics` over real HTTP.
#![expect(clippy::unwrap_used, reason = "a test that can't go on says so by panicking")]

use std::net::SocketAddr;
use std::time::Duration;

use jiff::tz::TimeZone;
use reqwest::StatusCode;
use serde_json::Value;
use telephonist::daemon::clock::Clock;
use telephonist::daemon::http::{Sources, serve};
use telephonist::daemon::readiness::Readiness;
use telephonist::daemon::tasks::{Ending, Tasks};
use telephonist::daemon::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// One test, because a process has one set of metrics.
#[tokio::test]
async fn the_daemon_says_how_it_is() {
    let server = Server::start().await;

    let (status, body) = server.get("/healthz").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "ok\n"));
    assert_eq!(server.get("/api/calls").await.0, StatusCode::NOT_FOUND);

    ready_until_a_needed_part_is_away(&server).await;
    metrics_say_what_was_recorded(&server).await;

    server.stop.send(()).unwrap();
    server.ended.wait().await.unwrap();
    let gone = reqwest::get(format!("http://{}/healthz", server.address)).await;
    assert!(gone.unwrap_err().is_connect());
}

async fn ready_until_a_needed_part_is_away(server: &Server) {
    let database = server.readiness.part("database");
    let redis = server.readiness.optional_part("redis");
    database.up();
    redis.down("connection refused");
    let (status, body) = server.get("/readyz").await;
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(told["ready"], true);
    assert_eq!(told["parts"]["database"]["up"], true);
    assert_eq!(told["parts"]["redis"]["fault"], "connection refused");

    database.down("disk full");
    let (status, body) = server.get("/readyz").await;
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told["ready"], false);
    assert_eq!(told["parts"]["database"]["fault"], "disk full");
    told["parts"]["database"]["since"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
}

async fn metrics_say_what_was_recorded(server: &Server) {
    let response = reqwest::get(format!("http://{}/metrics", server.address)).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.contains("# TYPE telephonist_part_up gauge"), "{text}");
    assert!(text.contains("telephonist_part_up{part=\"database\"} 0"), "{text}");
    assert!(!text.contains("telephonist_panics_total{"), "{text}");

    let broken = server.tasks.spawn("broken", async { panic!("to be counted") });
    broken.wait().await.unwrap_err();
    let (_, text) = server.get("/metrics").await;
    assert!(text.contains("telephonist_panics_total{task=\"broken\"} 1"), "{text}");
}

/// The daemon's HTTP on a free port; ends with the test.
struct Server {
    address: SocketAddr,
    readiness: Readiness,
    tasks: Tasks,
    stop: oneshot::Sender<()>,
    ended: Ending,
}

impl Server {
    async fn start() -> Self {
        let metrics = Metrics::install().unwrap();
        let readiness = Readiness::new(Clock::new(TimeZone::UTC));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let tasks = Tasks::default();
        let sources = Sources { readiness: readiness.clone(), metrics };
        let ended = tasks.spawn("http", async {
            serve(listener, sources, async { drop(stopped.await) }).await.unwrap();
        });
        Self { address, readiness, tasks, stop, ended }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
        let response = request.get(format!("http://{}{path}", self.address)).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }
}
