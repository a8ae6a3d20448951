//! Questions to services outside, and their answers.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What may stand in any part of an address as it is (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The number of a question within its call; an answer carries it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RequestId(pub u32);

/// A question to a service. Its answer comes back as `Input::Answer` with the same id; one that
/// nobody waits for any more changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Its id.
    pub id: RequestId,
    /// What it is for.
    pub kind: AskKind,
    /// What to send.
    pub request: WebRequest,
}

/// What a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// Which keyword a sentence means (I10).
    Nlp,
    /// The web request of an `http` node (R29).
    Http,
    /// What an external flow does next (I15).
    Flow,
}

impl AskKind {
    /// As it stands in messages and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nlp => "nlp",
            Self::Http => "http",
            Self::Flow => "flow",
        }
    }
}

/// A web request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebRequest {
    /// `GET`, `POST`, …
    pub method: SmolStr,
    /// Where to.
    pub url: String,
    /// Headers besides those of every request.
    pub headers: Vec<(SmolStr, String)>,
    /// JSON to send; `None` = nothing.
    pub body: Option<serde_json::Value>,
    /// The whole answer is awaited this long, ms.
    pub timeout_ms: u64,
}

impl WebRequest {
    /// JSON to a service.
    #[must_use]
    pub fn post(url: impl Into<String>, body: serde_json::Value, timeout_ms: u64) -> Self {
        let method = SmolStr::new_static("POST");
        Self { method, url: url.into(), headers: Vec::new(), body: Some(body), timeout_ms }
    }
}

/// What a service answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

impl WebAnswer {
    /// True for the statuses of success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// An answer, or why there is none.
pub type Outcome = Result<WebAnswer, SmolStr>;

/// A text as a part of an address or of a form.
pub(super) fn percent_encoded(text: &str) -> SmolStr {
    smol_str::format_smolstr!("{}", utf8_percent_encode(text, ENCODED))
}
