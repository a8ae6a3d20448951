//! JSON in a script that is sent elsewhere: a request's body, a notice (R29, E85).

use jsonc_parser::ast::{Object, Value};
use serde_json::{Map, Number};
use smol_str::SmolStr;

use super::template::Template;

/// A JSON value in which every text may name call variables (E22). What a variable holds stays
/// inside its text, whatever signs it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonTemplate {
    /// A text.
    Text(Template),
    /// Fields, in order.
    Object(Vec<(SmolStr, Self)>),
    /// A list.
    Array(Vec<Self>),
    /// A number, true, false or null.
    Plain(serde_json::Value),
}

impl JsonTemplate {
    pub(super) fn new(value: &Value<'_>) -> Self {
        match value {
            Value::StringLit(text) => Self::Text(Template::new(&text.value)),
            Value::Object(object) => Self::object(object),
            Value::Array(array) => Self::Array(array.elements.iter().map(Self::new).collect()),
            Value::BooleanLit(flag) => Self::Plain(flag.value.into()),
            Value::NullKeyword(_) => Self::Plain(serde_json::Value::Null),
            Value::NumberLit(number) => Self::Plain(
                number.value.parse::<Number>().map_or_else(|_| number.value.into(), Into::into),
            ),
        }
    }

    fn object(object: &Object<'_>) -> Self {
        let fields = object.properties.iter();
        let fields = fields.map(|field| (field.name.as_str().into(), Self::new(&field.value)));
        Self::Object(fields.collect())
    }

    /// The value with every variable replaced.
    #[must_use]
    pub fn expand(&self, value: &impl Fn(&str) -> SmolStr) -> serde_json::Value {
        match self {
            Self::Text(template) => template.expand(value).as_str().into(),
            Self::Plain(plain) => plain.clone(),
            Self::Array(entries) => entries.iter().map(|entry| entry.expand(value)).collect(),
            Self::Object(fields) => {
                let fields =
                    fields.iter().map(|(name, field)| (name.to_string(), field.expand(value)));
                serde_json::Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}
