//! What a recogniser's answer means. Its form is the engine's own: JSON, NLSML or plain text (S9).

use serde_json::Value;
use smol_str::SmolStr;

/// The answer to a piece of speech.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recognition {
    /// Words; empty = there was a sound and no words in it.
    Text(SmolStr),
    /// The engine's own timer for silence ran out: nothing was said, nothing is wrong.
    NoInput,
    /// The engine failed; the text is its word for it.
    Failed(SmolStr),
}

/// Reads the body of a DETECTED_SPEECH.
pub(super) fn read(body: &str) -> Recognition {
    let body = body.trim();
    if let Some(cause) = body.strip_prefix("Completion-Cause:") {
        return completion_cause(cause);
    }
    if body.starts_with('{')
        && let Ok(answer) = serde_json::from_str(body)
    {
        return json(&answer);
    }
    if body.starts_with('<') {
        return nlsml(body);
    }
    Recognition::Text(body.into())
}

/// MRCP's numbers (RFC 6787, section 9.4.11) as mod_unimrcp hands them on when there is no result.
fn completion_cause(cause: &str) -> Recognition {
    let number = cause.trim().split(' ').next().unwrap_or_default();
    match number.trim_start_matches('0') {
        "1" | "13" => Recognition::Text(SmolStr::default()),
        "2" => Recognition::NoInput,
        _ => Recognition::Failed(cause.trim().into()),
    }
}

fn json(answer: &Value) -> Recognition {
    match answer.get("error").and_then(Value::as_str) {
        Some("no_input") => return Recognition::NoInput,
        Some("no_match") => return Recognition::Text(SmolStr::default()),
        Some(error) if !error.is_empty() => return Recognition::Failed(error.into()),
        Some(_) | None => {}
    }
    let best = answer.pointer("/alternatives/0");
    let text = [answer.get("text"), answer.get("partial"), best.and_then(|best| best.get("text"))];
    let text = text.into_iter().flatten().find_map(Value::as_str);
    Recognition::Text(text.unwrap_or_default().trim().into())
}

/// The first `<input>` of a natural language result (RFC 6787, section 6.3.1).
fn nlsml(body: &str) -> Recognition {
    let inside = body
        .split_once("<input")
        .and_then(|(_, rest)| rest.split_once('>'))
        .and_then(|(_, rest)| rest.split_once("</input>"))
        .map_or(body, |(inside, _)| inside);
    if inside.contains("<noinput") {
        return Recognition::NoInput;
    }
    Recognition::Text(without_markup(inside).trim().into())
}

fn without_markup(xml: &str) -> String {
    let mut pieces = xml.split('<');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push_str(piece.split_once('>').map_or("", |(_, words)| words));
    }
    // `&amp;` last, so that `&amp;lt;` stays the text `&lt;`.
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Recognition {
        Recognition::Text(words.into())
    }

    #[test]
    fn every_engines_form_is_read_s9() {
        let nlsml = "<?xml version=\"1.0\"?>\n<result><interpretation grammar=\"book\" \
                     confidence=\"100\">\n<input mode=\"speech\">i would like &amp; more</input>\n\
                     </interpretation></result>";
        let cases = [
            (r#"{"grammar": "builtin", "text": "agent", "confidence": 87.300000}"#, text("agent")),
            (r#"{"text": "", "confidence": 0, "error": "no_input"}"#, Recognition::NoInput),
            (r#"{"text": "", "error": "no_match"}"#, text("")),
            (r#"{"error": "license"}"#, Recognition::Failed("license".into())),
            (r#"{"partial": "и так"}"#, text("и так")),
            (r#"{"alternatives": [{"text": "да", "confidence": 1}]}"#, text("да")),
            (nlsml, text("i would like & more")),
            ("<result><input><noinput/></input></result>", Recognition::NoInput),
            ("<result><input><nomatch/></input></result>", text("")),
            ("Completion-Cause: 002", Recognition::NoInput),
            ("Completion-Cause: 001", text("")),
            (
                "Completion-Cause: 006 recognizer-error",
                Recognition::Failed("006 recognizer-error".into()),
            ),
            ("  有的。\n", text("有的。")),
            ("", text("")),
            ("{not json", text("{not json")),
        ];
        for (body, meaning) in cases {
            assert_eq!(read(body), meaning, "{body}");
        }
    }
}
