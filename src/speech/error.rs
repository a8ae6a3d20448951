//! What can go wrong between us and recognisers and voices.

/// Why speech services can't be used as they are configured, or one of them can't be reached. None of
/// the texts holds an address, which may carry a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpeechError {
    /// A section can't be used; its key, and what is wrong.
    #[error("speech.{key}: {fault}")]
    Config {
        /// Below `speech`: `asr.default.url`.
        key: String,
        /// What is wrong with it, and what to write instead.
        fault: String,
    },
    /// A service can't be reached.
    #[error("{0}")]
    Away(String),
    /// A service answers, and not as it should.
    #[error("{0}")]
    Answer(String),
    /// There was nothing in the time that the configuration gives.
    #[error("{what} within {ms} ms")]
    Timeout {
        /// What there was not: `no connection`.
        what: &'static str,
        /// The time.
        ms: u64,
    },
}

impl From<reqwest::Error> for SpeechError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let innermost = innermost(&error);
        if error.is_body() || error.is_decode() {
            return Self::Answer(format!("the answer breaks off: {innermost}"));
        }
        Self::Away(innermost)
    }
}

/// What the last of the causes says: the system's or the guard's own words.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}
