//! What a picture of a script needs besides the `Script`: the words as written, and where an editor
//! put the nodes.

use std::collections::HashMap;

use jsonc_parser::ast::Value;
use smol_str::SmolStr;

use super::model::{PromptId, Script};
use super::raw::{Fields, Reader, Spanned};

/// An editor's canvas ends before this, in its units, whatever they are.
const COORDINATE_MAX: f64 = 1e6;

/// A script as its author sees it.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Of each node of the script, in the order of `Script::nodes`.
    pub nodes: Vec<NodeOutline>,
    /// The knowledge categories in the order of the file: `CategoryId` is the place in it.
    pub categories: Vec<Category>,
    /// The keywords of each prompt, in the order of `Script::prompts`.
    pub prompts: Vec<Vec<SmolStr>>,
}

/// What an author wrote into a node.
#[derive(Clone, Debug, Default)]
pub struct NodeOutline {
    /// Where the editor has it: `position`, if both numbers are there.
    pub position: Option<(f64, f64)>,
    /// The words of its edges, in the order of `Node::edges`.
    pub edges: Vec<Words>,
    /// The words of its own condition, if it is global.
    pub entry: Words,
}

/// The words of a condition, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// `text`.
    pub text: Vec<SmolStr>,
    /// `dtmf`.
    pub dtmf: Vec<SmolStr>,
    /// `complete`.
    pub complete: Vec<SmolStr>,
    /// `when`, as `variable op value`.
    pub when: Vec<SmolStr>,
}

/// A knowledge category.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Category {
    /// Its key in `kb`.
    pub id: SmolStr,
    /// Its name for people; may be empty.
    pub name: SmolStr,
    /// Its prompts, in order.
    pub prompts: Vec<PromptId>,
}

impl Outline {
    /// Reads the outline of a script from the text that it was loaded from; of another text, what
    /// there is.
    #[must_use]
    pub fn read(script: &Script, text: &str) -> Self {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut reader = Reader::new("", text);
        let mut outline = Self::default();
        let Some(root) = reader.parse(text) else { return outline };
        let Some(root) = reader.object(&root, "") else { return outline };
        let ids: HashMap<&str, PromptId> = script
            .prompts
            .iter()
            .map(|prompt| prompt.id.as_str())
            .zip((0..).map(PromptId))
            .collect();
        if let Some(flow) = section(&mut reader, &root, "flow") {
            outline.nodes = flow.all().map(|(_, value)| node(&mut reader, value)).collect();
        }
        if let Some(kb) = section(&mut reader, &root, "kb") {
            let read = |(name, value): (Spanned<'_>, _)| category(&mut reader, &ids, &name, value);
            outline.categories = kb.all().map(read).collect();
        }
        if let Some(prompts) = section(&mut reader, &root, "prompt") {
            outline.prompts = prompts.all().map(|(_, value)| prompt(&mut reader, value)).collect();
        }
        outline
    }
}

fn section<'a, 'b>(
    reader: &mut Reader<'a>,
    fields: &Fields<'a, 'b>,
    name: &str,
) -> Option<Fields<'a, 'b>> {
    let value = fields.get(name).filter(|value| !matches!(value, Value::NullKeyword(_)))?;
    reader.object(value, name)
}

fn node<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> NodeOutline {
    let Some(fields) = reader.object(value, "") else { return NodeOutline::default() };
    let position = section(reader, &fields, "position").and_then(|position| {
        Some((coordinate(position.get("x")?)?, coordinate(position.get("y")?)?))
    });
    let edges = section(reader, &fields, "subflow").map_or_else(Vec::new, |edges| {
        edges.all().map(|(_, edge)| edge_words(reader, edge)).collect()
    });
    NodeOutline { position, edges, entry: words(reader, &fields) }
}

/// A number, also in quotes (E2), in what an editor may mean by it.
fn coordinate(value: &Value<'_>) -> Option<f64> {
    let written = match value {
        Value::NumberLit(number) => number.value,
        Value::StringLit(text) => text.value.trim(),
        Value::BooleanLit(_) | Value::Object(_) | Value::Array(_) | Value::NullKeyword(_) => "",
    };
    let number = written.parse::<f64>().ok()?;
    (number.abs() <= COORDINATE_MAX).then_some(number)
}

fn edge_words<'a>(reader: &mut Reader<'a>, edge: &Value<'a>) -> Words {
    reader.object(edge, "").map_or_else(Words::default, |fields| words(reader, &fields))
}

/// The words of the `condition` in an edge or a node.
fn words<'a>(reader: &mut Reader<'a>, fields: &Fields<'a, '_>) -> Words {
    let Some(condition) = section(reader, fields, "condition") else { return Words::default() };
    let mut list = |name: &str| {
        let texts = reader.texts(condition.get(name), name);
        texts.iter().map(|text| SmolStr::new(text.text)).collect()
    };
    let (text, dtmf, complete) = (list("text"), list("dtmf"), list("complete"));
    let when = match condition.get("when") {
        Some(Value::Array(tests)) => {
            tests.elements.iter().filter_map(|value| test(reader, value)).collect()
        }
        _ => Vec::new(),
    };
    Words { text, dtmf, complete, when }
}

fn test<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<SmolStr> {
    let fields = reader.object(value, "")?;
    let mut field = |name: &str| match fields.get(name) {
        Some(Value::Array(values)) => {
            let texts = reader.texts(fields.get(name), name);
            let texts: Vec<_> = texts.iter().map(|text| text.text).collect();
            if values.elements.is_empty() { String::new() } else { texts.join(", ") }
        }
        Some(Value::BooleanLit(flag)) => flag.value.to_string(),
        other => reader.text(other, name).map(|text| text.text.to_owned()).unwrap_or_default(),
    };
    let (var, op, value) = (field("var"), field("op"), field("value"));
    Some(format!("{var} {op} {value}").trim().into())
}

fn category<'a>(
    reader: &mut Reader<'a>,
    ids: &HashMap<&str, PromptId>,
    name: &Spanned<'_>,
    value: &Value<'a>,
) -> Category {
    let id = SmolStr::new(name.text);
    let Some(fields) = reader.object(value, "") else {
        return Category { id, ..Category::default() };
    };
    let name = reader.text(fields.get("name"), "name");
    let name = name.map(|name| SmolStr::new(name.text)).unwrap_or_default();
    let prompts = reader.names(fields.get("prompts"), "prompts");
    let prompts = prompts.iter().filter_map(|prompt| ids.get(prompt.text).copied()).collect();
    Category { id, name, prompts }
}

fn prompt<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Vec<SmolStr> {
    let Some(fields) = reader.object(value, "") else { return Vec::new() };
    let mut words = reader.texts(fields.get("keyworks"), "keyworks");
    words.extend(reader.texts(fields.get("keywords"), "keywords"));
    words.iter().map(|word| SmolStr::new(word.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_words_and_categories_are_as_written() {
        let text = r#"{ "version": 3, "flow": {
            "F1": { "position": { "x": "10", "y": -2.5 }, "kb": "k", "subflow": {
                "F2": { "condition": { "text": ["{yes}", "any"], "dtmf": [1] } },
                "x:F2": { "condition": { "complete": ["any"],
                    "when": [{ "var": "n", "op": "in", "value": [1, "2"] }] } } } },
            "F2": { "action": "hangup", "position": { "x": 1 } } },
            "synonym": { "yes": ["да"] },
            "kb": { "k": { "name": "K", "prompts": "Q,P" } },
            "prompt": { "P": { "keyworks": ["a"] }, "Q": { "keywords": ["b", 5] } } }"#;
        let (script, problems) = crate::script::load("s", "s.json", text.as_bytes());
        let outline = Outline::read(&script.unwrap_or_else(|| panic!("{problems:?}")), text);
        assert_eq!(outline.nodes[0].position, Some((10.0, -2.5)));
        assert_eq!(outline.nodes[1].position, None);
        let [first, second] = &outline.nodes[0].edges[..] else { panic!("{outline:?}") };
        assert_eq!(
            (&first.text[..], &first.dtmf[..]),
            (&["{yes}", "any"].map(Into::into)[..], &["1".into()][..])
        );
        assert_eq!(
            (&second.complete[..], &second.when[..]),
            (&["any".into()][..], &["n in 1, 2".into()][..])
        );
        assert_eq!(outline.categories[0].prompts, [PromptId(1), PromptId(0)]);
        assert_eq!(outline.prompts[1], ["b", "5"]);
    }
}
