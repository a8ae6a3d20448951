//! A Vosk server (I26).

use serde_json::Value;

use super::heard::{Heard, cut};

/// The first message: what the audio is.
pub(super) const GREETING: &str = r#"{"config":{"sample_rate":8000}}"#;
/// The end of the audio: the last text comes, and the server closes.
pub(super) const END: &str = r#"{"eof":1}"#;

/// One message.
///
/// # Errors
/// What it has that can't be understood.
pub(super) fn parse(message: &str) -> Result<Heard, String> {
    let value: Value = serde_json::from_str(message).map_err(|_| "no JSON".to_owned())?;
    let object = value.as_object().ok_or("no object")?;
    let field = |name: &str| object.get(name).map(|text| text.as_str().ok_or("no text"));
    if let Some(text) = field("text") {
        return Ok(Heard::Text(cut(text?)));
    }
    if let Some(text) = field("partial") {
        return Ok(Heard::Partial(cut(text?)));
    }
    // Models with alternatives give several texts, the best first.
    if let Some(best) = value.pointer("/alternatives/0/text") {
        return Ok(Heard::Text(cut(best.as_str().ok_or("no text")?)));
    }
    match object.get("error").and_then(Value::as_str) {
        Some(error) => Ok(Heard::Failure(cut(error))),
        None => Ok(Heard::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::RATE;

    #[test]
    fn the_rate_told_is_the_rate_of_our_audio() {
        let greeting: Value = serde_json::from_str(GREETING).unwrap();
        assert_eq!(greeting["config"]["sample_rate"], RATE);
    }

    #[test]
    fn texts_and_partial_texts_are_read_i26() {
        assert_eq!(parse(r#"{"partial":"да"}"#), Ok(Heard::Partial("да".into())));
        assert_eq!(parse(r#"{"text":" да ","result":[]}"#), Ok(Heard::Text("да".into())));
        let several = r#"{"alternatives":[{"text":"a","confidence":1},{"text":"b"}]}"#;
        assert_eq!(parse(several), Ok(Heard::Text("a".into())));
        assert_eq!(parse("{}"), Ok(Heard::Nothing));
        assert_eq!(parse(r#"{"error":"busy"}"#), Ok(Heard::Failure("busy".into())));
    }

    /// N13.
    #[test]
    fn junk_is_an_error_and_no_more() {
        for junk in ["", "[]", "\"x\"", "{", r#"{"text":7}"#, r#"{"partial":null}"#] {
            assert!(parse(junk).is_err(), "{junk}");
        }
    }
}
