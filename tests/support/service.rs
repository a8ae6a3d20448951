//! A web service on loopback that answers as a test says and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What it answers.
pub(crate) enum Reply {
    Status(u16, String),
    RedirectTo(String),
    /// Takes the request, and nothing more.
    Never,
}

/// A running service; gone when dropped.
pub(crate) struct Service {
    pub(crate) url: String,
    told: Arc<Told>,
    _serving: JoinSet<()>,
}

struct Told {
    asked: Mutex<Vec<Asked>>,
    reply: Box<Answering>,
}

/// What it answers to a request before which so many came.
type Answering = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

impl Service {
    /// Answers by the request and by how many came before it.
    pub(crate) async fn start(
        reply: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Told { asked: Mutex::default(), reply: Box::new(reply) });
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&told));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, told, _serving: serving }
    }

    /// Answers with these statuses in turn, and then with the last one.
    pub(crate) async fn of_statuses<const N: usize>(statuses: [u16; N]) -> Self {
        Self::start(move |_, before| Reply::Status(statuses[before.min(N - 1)], "{}".into())).await
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.told.asked.lock().unwrap().clone()
    }
}

/// An address at which nobody answers.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn answer(
    State(told): State<Arc<Told>>,
    (method, uri): (Method, Uri),
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let asked = Asked { method, path: uri.to_string(), headers, body };
    let before = {
        let mut all = told.asked.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    match (told.reply)(&asked, before) {
        Reply::Status(status, body) => {
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }
        Reply::RedirectTo(url) => (StatusCode::FOUND, [("location", url)]).into_response(),
        Reply::Never => std::future::pending().await,
    }
}
