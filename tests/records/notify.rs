//! The end of a call, told to a web service (I4).

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use telephonist::config::Config;
use telephonist::daemon::tasks::Tasks;
use telephonist::store::open;
use tempfile::tempdir;
use tokio::net::TcpListener;

use super::rows::{destroy, notify, sentence};
use super::running::{Running, config, dead_letters};

#[tokio::test]
async fn the_last_row_is_posted_until_the_service_takes_it() {
    let service = Service::start([503, 429, 200]).await;
    let data = tempdir().unwrap();
    let running = Running::start(&service.config(data.path()));
    running.store.conversation(sentence("call-1", 0), &notify());
    running.store.conversation(destroy("call-1", 1), &notify());
    running.flush().await;
    let message = service.heard().pop().unwrap();
    assert_eq!(service.heard(), vec![message.clone(); 3], "the same message each time");
    let message: serde_json::Value = serde_json::from_str(&message).unwrap();
    assert_eq!(message["input_args"], "recv_bye");
    assert_eq!(message["destination_number"], "4000");
    assert_eq!(running.dead_lettered(), 0);
    running.stop().await;
}

#[tokio::test]
async fn a_service_that_refuses_or_stays_away_is_not_asked_for_ever() {
    let service = Service::start([404, 500, 500, 500, 500, 500, 200]).await;
    let data = tempdir().unwrap();
    let running = Running::start(&service.config(data.path()));
    for call in ["refused", "given-up", "taken"] {
        running.store.conversation(destroy(call, 1), &notify());
    }
    running.flush().await;
    assert_eq!(service.heard().len(), 7);
    let letters = dead_letters(data.path());
    let lost: Vec<_> = letters.iter().map(|letter| letter["event_id"].as_str().unwrap()).collect();
    assert_eq!(lost, ["refused-1", "given-up-1"]);
    assert_eq!(letters[1]["reason"], "the service answered 500 Internal Server Error (5 attempts)");
    running.stop().await;
}

#[test]
fn an_address_that_is_none_is_a_fault_of_the_configuration() {
    let data = tempdir().unwrap();
    let mut config = config(data.path());
    config.robot.record.notify_url = "ftp://127.0.0.1/x".into();
    let error = open(&config).err().unwrap().to_string();
    assert_eq!(
        error,
        "robot.record.notify_url: unknown scheme ftp; write http://host/path or https://host/path"
    );
}

/// A service on a free port that gives one answer after the other.
struct Service {
    url: String,
    state: Arc<Mutex<Exchange>>,
    /// When this is gone, the service is.
    _tasks: Tasks,
}

#[derive(Default)]
struct Exchange {
    answers: Vec<u16>,
    heard: Vec<String>,
}

impl Service {
    async fn start<const N: usize>(mut answers: [u16; N]) -> Self {
        answers.reverse();
        let exchange = Exchange { answers: answers.into(), heard: Vec::new() };
        let state = Arc::new(Mutex::new(exchange));
        let router = Router::new().route("/ends", post(answer)).with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ends", listener.local_addr().unwrap());
        let tasks = Tasks::default();
        drop(tasks.spawn("service", async { axum::serve(listener, router).await.unwrap() }));
        Self { url, state, _tasks: tasks }
    }

    fn config(&self, data_dir: &Path) -> Config {
        let mut config = config(data_dir);
        config.robot.record.notify_url = self.url.clone();
        config
    }

    fn heard(&self) -> Vec<String> {
        self.state.lock().unwrap().heard.clone()
    }
}

async fn answer(State(state): State<Arc<Mutex<Exchange>>>, message: String) -> StatusCode {
    let mut exchange = state.lock().unwrap();
    exchange.heard.push(message);
    StatusCode::from_u16(exchange.answers.pop().unwrap()).unwrap()
}
