//! What can go wrong between us and a service.

use super::egress::Refused;

/// An answer may have this many bytes: a hundred times what a service has to say to one sentence.
pub(super) const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Why there is no client, or no answer. None of the texts holds an address, which may carry a token.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// An entry of `egress.allow` can't be understood.
    #[error("egress.allow: `{0}` is no network; write for example 10.0.0.0/8")]
    Network(String),
    /// The client can't be made.
    #[error("no HTTP client: {0}")]
    Client(String),
    /// The request can't be made as it is.
    #[error("{0}")]
    Request(String),
    /// It may not go there (N15).
    #[error(transparent)]
    Egress(#[from] Refused),
    /// There was no whole answer in the request's time.
    #[error("timeout")]
    Timeout,
    /// No answer began.
    #[error("{0}")]
    Away(String),
    /// An answer began and could not be read.
    #[error("the answer breaks off: {0}")]
    Broken(String),
    /// More than anybody answers.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
}

impl WebError {
    /// Whether the same request may have an answer a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Timeout | Self::Away(_) | Self::Broken(_))
    }
}

impl From<reqwest::Error> for WebError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let causes =
            || std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        if let Some(refused) = causes().find_map(|cause| cause.downcast_ref::<Refused>()) {
            return refused.clone().into();
        }
        let innermost = causes().last().map(ToString::to_string).unwrap_or_default();
        if error.is_body() || error.is_decode() {
            return Self::Broken(innermost);
        }
        if error.is_redirect() { Self::Request(innermost) } else { Self::Away(innermost) }
    }
}
