//! The recogniser plug-ins of the original (I25).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde_json::Value;

use super::heard::{Heard, cut};
use super::parameters;
use crate::media::RATE;
use crate::voice::Hearing;

/// The end of speech.
pub(super) const END: &str = "stop";
/// The end of the connection.
pub(super) const GOODBYE: &str = "close";

/// What stands in a query as it is (RFC 3986, unreserved).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Parameters that are ours to give.
const OURS: [&str; 4] = ["samples_per_second", "end_silence_time", "callid", "hot_word"];

/// What an error message may have of the recogniser's own words, bytes.
const SHOWN_BYTES_MAX: usize = 200;

/// Where to connect to for one action of a call.
pub(super) fn url(address: &Url, callid: &str, hearing: &Hearing) -> Url {
    let mut pairs = vec![
        ("samples_per_second".to_owned(), RATE.to_string()),
        ("end_silence_time".to_owned(), hearing.end_silence_ms.to_string()),
        ("callid".to_owned(), format!("{callid}_{}", hearing.appid)),
    ];
    if !hearing.hot_word.is_empty() {
        pairs.push(("hot_word".to_owned(), hearing.hot_word.to_string()));
    }
    let theirs = parameters::scalars(&hearing.asr_params).into_iter();
    pairs.extend(theirs.filter(|(name, _)| !OURS.contains(&name.as_str())));
    let escaped = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let query: Vec<_> =
        pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let written = address.query().filter(|query| !query.is_empty());
    let query: Vec<&str> = written.into_iter().chain(query.iter().map(String::as_str)).collect();
    let mut url = address.clone();
    url.set_query(Some(&query.join("&")));
    url
}

/// One message.
///
/// # Errors
/// What it has that can't be understood.
pub(super) fn parse(message: &str) -> Result<Heard, String> {
    let value: Value = serde_json::from_str(message).map_err(|_| "no JSON".to_owned())?;
    let code = value.get("code").and_then(number).ok_or("no code")?;
    if code != 200 {
        return Ok(Heard::Failure(failure(code, &value)));
    }
    // An answer without a result confirms something; `start` of some plug-ins.
    let Some(result) = value.pointer("/data/result").filter(|result| result.is_object()) else {
        return Ok(Heard::Nothing);
    };
    let text = result.get("text").and_then(Value::as_str).map(cut).unwrap_or_default();
    match result.get("name").and_then(Value::as_str) {
        Some("SentenceBegin") => Ok(Heard::Began),
        Some("SentenceStreaming") => Ok(Heard::Partial(text)),
        Some("SentenceEnd") => Ok(Heard::Text(text)),
        Some(_) => Ok(Heard::Nothing),
        None => Err("a result without a name".into()),
    }
}

/// A code, which some plug-ins write as a text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn failure(code: i64, value: &Value) -> String {
    let words = ["msg", "message", "error", "desc"];
    let said = words.iter().find_map(|word| value.get(word)?.as_str()).unwrap_or_default();
    let end = said.floor_char_boundary(SHOWN_BYTES_MAX);
    let said = said.get(..end).unwrap_or_default();
    if said.is_empty() { format!("code {code}") } else { format!("code {code}: {said}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::INPUT_BYTES_MAX;

    fn result(name: &str, text: &str) -> String {
        serde_json::json!({"code": 200, "data": {"result": {"name": name, "text": text}}})
            .to_string()
    }

    #[test]
    fn results_are_read_i25() {
        assert_eq!(parse(&result("SentenceBegin", "")), Ok(Heard::Began));
        assert_eq!(parse(&result("SentenceStreaming", "贷")), Ok(Heard::Partial("贷".into())));
        assert_eq!(parse(&result("SentenceEnd", "贷款")), Ok(Heard::Text("贷款".into())));
        assert_eq!(parse(&result("SentenceLater", "x")), Ok(Heard::Nothing));
        assert_eq!(parse(r#"{"code":"200"}"#), Ok(Heard::Nothing));
        let without_text = r#"{"code":200,"data":{"result":{"name":"SentenceEnd"}}}"#;
        assert_eq!(parse(without_text), Ok(Heard::Text(String::new())));
    }

    #[test]
    fn other_codes_are_failures_i25() {
        let failed = |message: &str| match parse(message) {
            Ok(Heard::Failure(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(failed(r#"{"code":500,"msg":"no licence"}"#), "code 500: no licence");
        assert_eq!(failed(r#"{"code":-1}"#), "code -1");
        let long = format!(r#"{{"code":1,"message":"{}"}}"#, "я".repeat(1 << 16));
        assert!(failed(&long).len() < 300);
    }

    /// N13.
    #[test]
    fn junk_is_an_error_and_no_more() {
        let deep = "[".repeat(100_000);
        let no_name = r#"{"code":200,"data":{"result":{"text":"x"}}}"#;
        for junk in ["", "stop", "{", "[]", "7", "null", "{}", r#"{"code":[]}"#, &deep, no_name] {
            assert!(parse(junk).is_err(), "{}", junk.get(..20).unwrap_or(junk));
        }
    }

    /// N21.
    #[test]
    fn a_huge_text_is_cut() {
        let Ok(Heard::Text(text)) = parse(&result("SentenceEnd", &"я".repeat(1 << 18))) else {
            panic!("a text")
        };
        assert_eq!(text.len(), INPUT_BYTES_MAX);
    }

    #[test]
    fn what_a_script_says_can_add_parameters_and_change_none_i25() {
        let hearing = Hearing {
            appid: "7".into(),
            hot_word: "贷款 &x=1".into(),
            asr_params: r#"{"group":"g","callid":"other","a b":"c&d#","n":2}"#.into(),
            end_silence_ms: 650,
            ..Hearing::default()
        };
        let address = Url::parse("http://h:1/asr?key=k").unwrap();
        assert_eq!(
            url(&address, "id", &hearing).as_str(),
            "http://h:1/asr?key=k&samples_per_second=8000&end_silence_time=650&callid=id_7\
             &hot_word=%E8%B4%B7%E6%AC%BE%20%26x%3D1&a%20b=c%26d%23&n=2"
        );
    }
}
