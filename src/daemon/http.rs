//! What the daemon says of itself over HTTP: `/healthz`, `/readyz`, `/metrics`.

use std::io;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::connections::LimitedListener;
use super::readiness::Readiness;
use super::telemetry::Metrics;

/// What `/metrics` is written in: Prometheus text format 0.0.4.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the answers are made from.
#[derive(Clone)]
pub struct Sources {
    /// For `/readyz`.
    pub readiness: Readiness,
    /// For `/metrics`.
    pub metrics: Metrics,
}

/// Answers until `stop` resolves, then finishes the answers it has begun.
///
/// - `GET /healthz`: 200 `ok` while the process runs at all.
/// - `GET /readyz`: 200, or 503 if a needed part is away, with each part as JSON.
/// - `GET /metrics`: Prometheus text.
///
/// # Errors
/// The listener can't be used any more.
pub async fn serve(
    listener: TcpListener,
    sources: Sources,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(sources);
    axum::serve(LimitedListener::new(listener), routes).with_graceful_shutdown(stop).await
}

async fn readyz(State(sources): State<Sources>) -> Response {
    let status =
        if sources.readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(sources.readiness.to_json())).into_response()
}

async fn metrics(State(sources): State<Sources>) -> Response {
    ([(CONTENT_TYPE, METRICS_TYPE)], sources.metrics.render()).into_response()
}
