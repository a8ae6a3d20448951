//! A request as the engine asks for it → as it is sent.

use reqwest::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use reqwest::{Method, Request, StatusCode, Url};
use serde_json::Value;
use smol_str::SmolStr;

use super::error::WebError;
use crate::engine::WebRequest;

/// What frames a message is ours to write: a value that disagrees would smuggle a second request.
const OURS: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// # Errors
/// A method, an address or a header that HTTP does not have.
pub(super) fn prepared(request: &WebRequest) -> Result<Request, WebError> {
    let url = Url::parse(&request.url)
        .map_err(|error| WebError::Request(format!("the URL can't be read: {error}")))?;
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| WebError::Request("the method is no word of HTTP".into()))?;
    let mut prepared = Request::new(method, url);
    *prepared.headers_mut() = headers(&request.headers)?;
    if let Some(body) = &request.body {
        // A text goes as it is: it may be a form, XML, or JSON that somebody else wrote.
        let (text, kind) = match body {
            Value::String(text) => (text.clone(), "text/plain; charset=utf-8"),
            json => (json.to_string(), "application/json"),
        };
        let headers = prepared.headers_mut();
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
        *prepared.body_mut() = Some(text.into());
    }
    Ok(prepared)
}

fn headers(written: &[(SmolStr, String)]) -> Result<HeaderMap, WebError> {
    let mut headers = HeaderMap::new();
    for (name, value) in written {
        let fault = |fault| WebError::Request(format!("the header {name:?} {fault}"));
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| fault("has a name that HTTP does not have"))?;
        if OURS.contains(&name) {
            return Err(fault("is written by us"));
        }
        // Refuses control characters: a line break would begin another header (N10).
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| fault("has a line break or another control character"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Whether the same request may be sent again without harm (RFC 9110, 9.2.2).
pub(super) fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::PUT | Method::DELETE)
}

/// Whether a service or what stands before it says that it is away for now.
pub(super) fn is_away(status: u16) -> bool {
    let away =
        [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
    away.iter().any(|away| away.as_u16() == status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn post(headers: &[(&str, &str)], body: Value) -> Result<(String, String), WebError> {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).to_owned()));
        let asked =
            WebRequest { headers: headers.collect(), ..WebRequest::post("http://a/", body, 1) };
        let sent = prepared(&asked)?;
        let kind = sent.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = sent.body().unwrap().as_bytes().unwrap().to_vec();
        Ok((kind, String::from_utf8(body).unwrap()))
    }

    #[test]
    fn json_goes_as_json_and_text_as_it_is() {
        let sent = |kind: &str, body: &str| (kind.to_owned(), body.to_owned());
        assert_eq!(
            post(&[], json!({ "a": "б" })).unwrap(),
            sent("application/json", r#"{"a":"б"}"#)
        );
        assert_eq!(post(&[], json!("a=1&b")).unwrap(), sent("text/plain; charset=utf-8", "a=1&b"));
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        assert_eq!(post(&form, json!("a=1")).unwrap(), sent(form[0].1, "a=1"));
    }

    /// N10: what callers say ends in headers too.
    #[test]
    fn headers_are_one_line_each_and_none_is_ours() {
        for (name, value, fault) in [
            ("X-Said", "yes\r\nX-Admin: 1", "control character"),
            ("X Said", "yes", "a name that HTTP does not have"),
            ("content-length", "0", "is written by us"),
        ] {
            let error = post(&[(name, value)], json!({})).unwrap_err();
            assert!(error.to_string().contains(fault), "{error}");
            assert!(!error.to_string().contains("X-Admin"), "{error}");
        }
        post(&[("X-Said", "да")], json!({})).unwrap();
    }
}
