//! `asr_params` of a script: which recogniser, and what it is told.

use serde_json::Value;

/// More of them are no parameters.
const PARAMETERS_MAX: usize = 32;

/// The recogniser that the script names, `{"group": "<name>"}`.
pub(super) fn group(asr_params: &str) -> Option<String> {
    let Ok(Value::Object(object)) = serde_json::from_str(asr_params) else { return None };
    object.get("group")?.as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// What is passed on: names with texts, numbers and truth values.
pub(super) fn scalars(asr_params: &str) -> Vec<(String, String)> {
    let Ok(Value::Object(object)) = serde_json::from_str(asr_params) else { return Vec::new() };
    let scalars = object.into_iter().filter(|(name, _)| name != "group").filter_map(written);
    scalars.take(PARAMETERS_MAX).collect()
}

fn written((name, value): (String, Value)) -> Option<(String, String)> {
    match value {
        Value::String(text) => Some((name, text)),
        Value::Number(number) => Some((name, number.to_string())),
        Value::Bool(truth) => Some((name, truth.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_a_recogniser_and_the_rest_is_passed_on() {
        let params = r#"{"group":"fast","lang":"ru","n":3,"punct":false,"o":{},"l":[],"z":null}"#;
        assert_eq!(group(params).as_deref(), Some("fast"));
        let expected = [("lang", "ru"), ("n", "3"), ("punct", "false")];
        assert_eq!(scalars(params), expected.map(|(name, text)| (name.into(), text.into())));
    }

    #[test]
    fn what_is_no_object_names_nothing() {
        for params in ["", "fast", "[]", "{", r#"{"group":""}"#, r#"{"group":7}"#] {
            assert_eq!(group(params), None, "{params}");
            assert!(scalars(params).is_empty(), "{params}");
        }
    }

    #[test]
    fn there_is_a_limit_to_them() {
        let many = (0..100).map(|n| (format!("p{n}"), Value::from(n))).collect();
        assert_eq!(scalars(&Value::Object(many).to_string()).len(), PARAMETERS_MAX);
    }
}
