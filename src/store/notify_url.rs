//! The end of a call told to a web service (I4).

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};

use super::delivery::Sink;
use super::error::{SendError, StoreError};
use super::record::Record;

/// As `robot.httpflow` has it by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// As `robot.httpflow` has it by default.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Attempts for one notification: with the waits between them about two seconds when the service
/// refuses connections, about a minute when it does not answer.
const ATTEMPTS_MAX: u32 = 5;

/// The service at `robot.record.notify_url`.
#[derive(Debug)]
pub(super) struct NotifyUrl {
    url: Url,
    client: Client,
}

impl NotifyUrl {
    /// The service; `None` if the URL is empty.
    pub(super) fn new(url: &str) -> Result<Option<Self>, StoreError> {
        if url.is_empty() {
            return Ok(None);
        }
        let refuse = |reason: String| StoreError::NotifyUrl(reason);
        let url = Url::parse(url).map_err(|error| refuse(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse(format!("unknown scheme {}", url.scheme())));
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(RESPONSE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Some(Self { url, client }))
    }
}

impl Sink for NotifyUrl {
    fn name(&self) -> &'static str {
        "notify_url"
    }

    fn records_max(&self) -> usize {
        1
    }

    fn attempts_max(&self) -> Option<u32> {
        Some(ATTEMPTS_MAX)
    }

    async fn send(&mut self, records: &[Record]) -> Result<(), SendError> {
        for record in records {
            let request = self.client.post(self.url.clone());
            let request = request.header(CONTENT_TYPE, "application/json").body(record.to_json());
            let answer = request.send().await.map_err(away)?;
            let status = answer.status();
            if is_refusal(status) {
                return Err(SendError::Refused(format!("the service answered {status}")));
            }
            if !status.is_success() {
                return Err(SendError::Away(format!("the service answered {status}")));
            }
        }
        Ok(())
    }
}

/// Whether asking again can't help: 408 and 429 ask for another try.
fn is_refusal(status: StatusCode) -> bool {
    let try_again = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    status.is_client_error() && !try_again.contains(&status)
}

/// The failure without the URL, which may carry a token.
fn away(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(|source| format!(": {source}"));
    SendError::Away(format!("{error}{}", cause.unwrap_or_default()))
}
