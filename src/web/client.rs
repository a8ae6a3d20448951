//! The one client of all calls.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Request, Response, Url};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::egress::{Egress, Guard};
use super::error::{ANSWER_BYTES_MAX, WebError};
use super::meter;
use super::pause::Pauses;
use super::request::{is_away, is_idempotent, prepared};
use super::tell::{TELLS_MAX, Teller};
use crate::config::Config;
use crate::engine::{AskKind, Outcome, Tick, WebAnswer, WebRequest};
use crate::pii::Pii;

/// A request that may be repeated is sent again so often: a caller waits for its answer.
const RETRIES_MAX: usize = 2;

/// As often a service may send a request on; who needs more sends it in a circle.
const REDIRECTS_MAX: usize = 5;

/// Asks services for all calls, and tells them. Copies are the same client.
#[derive(Clone)]
pub struct Web {
    http: Arc<Http>,
    tells: mpsc::Sender<WebRequest>,
    nlp_debug: bool,
    clock: Arc<dyn Fn() -> Tick + Send + Sync>,
}

/// The client of this configuration, and what delivers its messages. `HTTP_PROXY`, `HTTPS_PROXY` and
/// `NO_PROXY` are heeded; a proxy is what resolves names then, and must keep to N15 for them.
///
/// # Errors
/// An entry of `egress.allow` that is no network; no TLS.
pub fn open(
    config: &Config,
    clock: impl Fn() -> Tick + Send + Sync + 'static,
) -> Result<(Web, Teller), WebError> {
    let http = Arc::new(Http::new(config)?);
    let clock: Arc<dyn Fn() -> Tick + Send + Sync> = Arc::new(clock);
    let (tells, told) = mpsc::channel(TELLS_MAX);
    let teller = Teller::new(Arc::clone(&http), told, Arc::clone(&clock));
    Ok((Web { http, tells, nlp_debug: config.robot.nlp.debug, clock }, teller))
}

impl Web {
    /// A service's answer, or why there is none. Ends in the request's time, repetitions included;
    /// dropped before, the request is given up.
    pub async fn ask(&self, kind: AskKind, request: WebRequest) -> Outcome {
        let shown = self.nlp_debug && kind == AskKind::Nlp;
        if shown {
            let body = request.body.as_ref().map(|body| Pii(body.to_string()));
            tracing::debug!(?body, "NLP request");
        }
        let began = (self.clock)();
        let answer = self.http.ask(&request).await;
        let ended = (self.clock)();
        meter::asked(kind.as_str(), outcome_word(&answer), (began, ended));
        if let Err(WebError::Egress(_)) = &answer {
            meter::refused(kind.as_str());
        }
        let status = answer.as_ref().ok().map(|answer| answer.status);
        let ms = ended.ms_since(began);
        tracing::debug!(kind = kind.as_str(), to = place(&request.url), status, ms, "asked");
        if let (true, Ok(answer)) = (shown, &answer) {
            tracing::debug!(body = %Pii(&answer.body), "NLP answer");
        }
        answer.map_err(|error| error.to_string().into())
    }

    /// The client itself, which goes only where N15 lets it as far as names go; addresses that a script
    /// wrote out are asked about with [`allows`](Self::allows) first.
    #[must_use]
    pub fn client(&self) -> Client {
        self.http.client.clone()
    }

    /// A client for a service of the configuration, which goes wherever that says: through this proxy,
    /// `http://host:port`; empty = as the environment says.
    ///
    /// # Errors
    /// What is wrong with the proxy.
    pub fn configured_client(&self, proxy: &str) -> Result<Client, String> {
        let mut builder = Client::builder().connect_timeout(self.http.connect_timeout);
        if !proxy.is_empty() {
            let proxy = reqwest::Proxy::all(proxy);
            builder = builder.proxy(proxy.map_err(|error| error.without_url().to_string())?);
        }
        builder.build().map_err(|error| error.to_string())
    }

    /// Whether a script may have requests sent there.
    ///
    /// # Errors
    /// Why not, and what would allow it.
    pub fn allows(&self, url: &Url) -> Result<(), String> {
        self.http.egress.check_url(url).map_err(|refused| refused.to_string())
    }

    /// Tells a service; never waits. What was told before goes first: if too much waits, this message
    /// is lost, and the log says so.
    pub fn tell(&self, request: WebRequest) {
        if let Err(unsent) = self.tells.try_send(request) {
            meter::lost("full");
            let to = place(&unsent.into_inner().url);
            tracing::warn!(
                to,
                waiting = TELLS_MAX,
                "a message is lost: too many wait for services"
            );
        }
    }
}

/// Requests and answers.
pub(super) struct Http {
    client: Client,
    egress: Arc<Egress>,
    connect_timeout: Duration,
}

impl Http {
    fn new(config: &Config) -> Result<Self, WebError> {
        let egress = Arc::new(Egress::new(&config.egress.allow)?);
        let connect_timeout = Duration::from_millis(config.robot.httpflow.connecttimeout);
        let client = Client::builder()
            .connect_timeout(connect_timeout)
            .dns_resolver(Guard(Arc::clone(&egress)))
            .redirect(redirects(Arc::clone(&egress)))
            .build()
            .map_err(|error| WebError::Client(error.to_string()))?;
        Ok(Self { client, egress, connect_timeout })
    }

    async fn ask(&self, request: &WebRequest) -> Result<WebAnswer, WebError> {
        let prepared = self.checked(request)?;
        let limit = Duration::from_millis(request.timeout_ms);
        let answer = timeout(limit, self.attempts(&prepared)).await;
        answer.unwrap_or(Err(WebError::Timeout))
    }

    /// One attempt, for a message. It may take the request's time.
    pub(super) async fn tell(&self, request: &WebRequest) -> Result<WebAnswer, WebError> {
        let prepared = self.checked(request)?;
        let limit = Duration::from_millis(request.timeout_ms);
        timeout(limit, self.once(prepared)).await.unwrap_or(Err(WebError::Timeout))
    }

    fn checked(&self, request: &WebRequest) -> Result<Request, WebError> {
        let prepared = prepared(request)?;
        self.egress.check_url(prepared.url())?;
        Ok(prepared)
    }

    async fn attempts(&self, request: &Request) -> Result<WebAnswer, WebError> {
        let retries = if is_idempotent(request.method()) { RETRIES_MAX } else { 0 };
        let mut pauses = Pauses::default();
        for _ in 0..retries {
            match self.once(copy(request)?).await {
                Err(WebError::Away(_)) => {}
                Ok(answer) if is_away(answer.status) => {}
                ended => return ended,
            }
            sleep(pauses.next()).await;
        }
        self.once(copy(request)?).await
    }

    async fn once(&self, request: Request) -> Result<WebAnswer, WebError> {
        let response = self.client.execute(request).await?;
        let status = response.status().as_u16();
        Ok(WebAnswer { status, body: body(response).await? })
    }
}

/// Read in pieces: what is too long is not read to its end.
async fn body(mut response: Response) -> Result<String, WebError> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if bytes.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(WebError::TooLong);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn copy(request: &Request) -> Result<Request, WebError> {
    // Bodies are texts here, never streams, and a text can be copied.
    request.try_clone().ok_or_else(|| WebError::Request("the body can't be sent twice".into()))
}

/// Each place a request is sent on to is checked like the first.
fn redirects(egress: Arc<Egress>) -> Policy {
    let decide = move |attempt: Attempt<'_>| {
        if attempt.previous().len() > REDIRECTS_MAX {
            let fault = format!("sent on more than {REDIRECTS_MAX} times");
            return attempt.error(WebError::Request(fault));
        }
        match egress.check_url(attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(refused) => attempt.error(refused),
        }
    };
    Policy::custom(decide)
}

/// Where a request goes, for the log: scheme, host and port. What else is in an address may be a
/// secret.
#[must_use]
pub fn place(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "?".to_owned(), |url| url.origin().ascii_serialization())
}

/// The word for the metric.
fn outcome_word(answer: &Result<WebAnswer, WebError>) -> &'static str {
    match answer {
        Ok(answer) if answer.is_success() => "ok",
        Ok(_) => "status",
        Err(WebError::Timeout) => "timeout",
        Err(WebError::Egress(_)) => "refused",
        Err(_) => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_shows_a_service_and_no_more_of_its_address() {
        assert_eq!(place("https://user:word@nlp:8443/v1?token=1"), "https://nlp:8443");
        assert_eq!(place("nlp"), "?");
    }
}
