//! A proposal written into the script's own text: whatever else stands there stays as it is.

use std::ops::Range;

use jsonc_parser::ast::{Array, Object, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::json;

use super::mine::{Way, WayKind};
use super::propose::Proposal;
use crate::script::fold;

/// Lines around a change in a patch.
const CONTEXT: usize = 3;

/// Where a new word could stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Beside the keywords of this answer, or in the synonyms that one of them is of.
    Keyword(Way),
    /// On an entry of the knowledge base of its own; what it says, the author knows.
    NewPrompt,
}

/// A text to be inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Before this byte.
    pub at: usize,
    /// The text.
    pub text: String,
    /// Where this is, in a few words.
    pub into: String,
}

/// The insertions that carry a proposal out, in their order; `None` if the script has no place for it.
#[must_use]
pub fn edits(text: &str, proposal: &Proposal) -> Option<Vec<Edit>> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).ok()?;
    let Some(Value::Object(root)) = parsed.value else { return None };
    let word = proposal.word.as_str();
    let mut edits = match &proposal.place {
        Place::Keyword(way) => vec![keyword(text, &root, &proposal.node, way, word)?],
        Place::NewPrompt => new_prompt(text, &root, &proposal.node, word)?,
    };
    edits.sort_by_key(|edit| edit.at);
    Some(edits)
}

/// The text with all insertions made. Those at the same byte come in the order in which they are given.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| edit.at);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for edit in sorted {
        out.push_str(text.get(from..edit.at).unwrap_or_default());
        out.push_str(&edit.text);
        from = edit.at;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

fn keyword(text: &str, root: &Object<'_>, node: &str, way: &Way, word: &str) -> Option<Edit> {
    let flow = root.get_object("flow")?;
    let (list, into) = match way.kind {
        WayKind::Edge => {
            let ways = flow.get_object(node)?.get_object("subflow")?;
            let leads = ways.properties.iter().filter_map(|edge| {
                let name = edge.name.as_str();
                let target = name.rsplit(':').next().unwrap_or(name);
                let Value::Object(edge) = &edge.value else { return None };
                let list = edge.get_object("condition")?.get_array("text")?;
                (target == way.id).then_some((list, format!("the edge {name} of {node}")))
            });
            let leads: Vec<_> = leads.collect();
            let has = |(list, _): &&(&Array<'_>, String)| stands_in(list, root, &way.keyword);
            leads.iter().find(has).or(leads.first()).cloned()?
        }
        WayKind::Global => {
            let list = flow.get_object(&way.id)?.get_object("condition")?.get_array("text")?;
            (list, format!("the global node {}", way.id))
        }
        WayKind::Prompt => {
            let prompt = root.get_object("prompt")?.get_object(&way.id)?;
            let list = prompt.get_array("keyworks").or_else(|| prompt.get_array("keywords"))?;
            (list, format!("the prompt {}", way.id))
        }
    };
    if let Some((name, group)) = group_of(list, root, &way.keyword) {
        return Some(append(text, group, &quoted(word), format!("the synonyms {name}")));
    }
    Some(append(text, list, &quoted(word), into))
}

/// The group of synonyms that stands alone in this list and has the keyword.
fn group_of<'a, 'b>(
    list: &Array<'a>,
    root: &'b Object<'a>,
    keyword: &str,
) -> Option<(String, &'b Array<'a>)> {
    let groups = root.get_object("synonym")?;
    texts(list).find_map(|written| {
        let name = written.strip_prefix('{')?.strip_suffix('}')?;
        let group = groups.get_array(name)?;
        let has = texts(group).any(|entry| fold(entry) == fold(keyword));
        has.then(|| (name.to_owned(), group))
    })
}

fn stands_in(list: &Array<'_>, root: &Object<'_>, keyword: &str) -> bool {
    texts(list).any(|written| fold(written) == fold(keyword))
        || group_of(list, root, keyword).is_some()
}

fn texts<'b>(list: &'b Array<'_>) -> impl Iterator<Item = &'b str> {
    list.elements.iter().filter_map(|element| match element {
        Value::StringLit(text) => Some(text.value.as_ref()),
        _ => None,
    })
}

fn new_prompt(text: &str, root: &Object<'_>, node: &str, word: &str) -> Option<Vec<Edit>> {
    let node = root.get_object("flow")?.get_object(node)?;
    let category = match node.get("kb").map(|property| &property.value)? {
        Value::StringLit(names) => names.value.split(',').next()?.trim().to_owned(),
        Value::Array(names) => texts(names).next()?.to_owned(),
        _ => return None,
    };
    let listed = root.get_object("kb")?.get_object(&category)?.get_array("prompts")?;
    let prompts = root.get_object("prompt")?;
    let mut id = format!("new_{}", word.replace(|c: char| !c.is_alphanumeric(), "_"));
    while prompts.get(&id).is_some() {
        id.push('_');
    }
    let answer = json!({ "name": word, "keyworks": [word], "playbacks": [] });
    let entry = format!("{}: {answer}", quoted(&id));
    let into = format!("the knowledge category {category}");
    let last = prompts.properties.last().map(|property| property.value.range().end);
    let object = prompts.range().start;
    Some(vec![
        append(text, listed, &quoted(&id), into.clone()),
        insertion(text, (object, last), &entry, into),
    ])
}

/// A value more at the end of a list, written as the others are.
fn append(text: &str, list: &Array<'_>, value: &str, into: String) -> Edit {
    let last = list.elements.last().map(|element| element.range().end);
    insertion(text, (list.range.start, last), value, into)
}

/// Behind the last entry: on a line of its own if that one is. A comma that stands behind it already
/// then ends the new one.
fn insertion(text: &str, (open, last): (usize, Option<usize>), value: &str, into: String) -> Edit {
    let Some(end) = last else {
        return Edit { at: open + 1, text: value.to_owned(), into };
    };
    let before = text.get(..end).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let indent: String = line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    // The last entry may have several lines itself: the line it ends on has the indent it began with.
    let starts_line = open < end - line.len();
    let between = if starts_line { format!(",\n{indent}") } else { ", ".to_owned() };
    Edit { at: end, text: format!("{between}{value}"), into }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The insertions as a unified diff of this file.
#[must_use]
pub fn diff(file: &str, text: &str, edits: &[Edit]) -> String {
    let mut out = format!("--- a/{file}\n+++ b/{file}\n");
    let mut lines: Vec<(Range<usize>, Vec<Edit>)> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let own = edits.iter().filter(|edit| (start..end).contains(&edit.at));
        let own = own.map(|edit| Edit { at: edit.at - start, ..edit.clone() }).collect();
        lines.push((start..end, own));
        start = end;
    }
    let changed: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, (_, own))| !own.is_empty())
        .map(|(at, _)| at)
        .collect();
    let mut added = 0;
    let mut rest = changed.as_slice();
    while let Some(first) = rest.first() {
        let near = rest.windows(2).take_while(|pair| pair[1] - pair[0] <= 2 * CONTEXT + 1).count();
        let (hunk, after) = rest.split_at(near + 1);
        rest = after;
        let from = first.saturating_sub(CONTEXT);
        let to = (hunk.last().unwrap_or(first) + CONTEXT + 1).min(lines.len());
        let mut body = String::new();
        let (mut old, mut new) = (0, 0);
        for (range, own) in lines.get(from..to).unwrap_or_default() {
            let line = text.get(range.clone()).unwrap_or_default();
            old += 1;
            if own.is_empty() {
                new += 1;
                put(&mut body, ' ', line);
                continue;
            }
            put(&mut body, '-', line);
            for line in apply(line, own).split_inclusive('\n') {
                new += 1;
                put(&mut body, '+', line);
            }
        }
        let start = from + 1;
        out.push_str(&format!("@@ -{start},{old} +{},{new} @@\n{body}", start + added));
        added += new - old;
    }
    out
}

fn put(body: &mut String, sign: char, line: &str) {
    body.push(sign);
    body.push_str(line);
    if !line.ends_with('\n') {
        body.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"{ // ours
  "synonym": { "agree": ["да", "ага"] },
  "flow": {
    "A": { "action": "playback", "kb": "k",
      "subflow": {
        "x:B": { "condition": { "text": [
          "yes", // said often
          "sure", /* and */
        ] } },
        "y:C": { "condition": { "text": ["{agree}"] } } } },
  },
  "kb": { "k": { "prompts": [] } },
  "prompt": {}
}"#;

    fn proposal(word: &str, place: Place) -> Proposal {
        let (node, word) = ("A".into(), word.into());
        Proposal { node, word, calls: 1, said: Vec::new(), place, votes: 0 }
    }

    fn edge(id: &str, keyword: &str) -> Place {
        Place::Keyword(Way { kind: WayKind::Edge, id: id.into(), keyword: keyword.into() })
    }

    #[test]
    fn comments_and_lines_stay_as_they_are() {
        let made = |word: &str, place| {
            let edits = edits(SCRIPT, &proposal(word, place)).unwrap();
            (apply(SCRIPT, &edits), edits)
        };
        let (text, _) = made("okay", edge("B", "yes"));
        let wanted = "\"sure\",\n          \"okay\", /* and */";
        assert_eq!(text, SCRIPT.replace("\"sure\", /* and */", wanted));
        let (text, edits) = made("угу", edge("C", "да"));
        assert_eq!(text, SCRIPT.replace(r#""ага"]"#, r#""ага", "угу"]"#));
        assert_eq!(edits[0].into, "the synonyms agree");
        let (text, _) = made("wait", Place::NewPrompt);
        assert!(text.contains(r#""prompts": ["new_wait"]"#), "{text}");
        assert!(text.contains(r#""prompt": {"new_wait": {"name":"wait""#), "{text}");
        assert_eq!(super::edits(SCRIPT, &proposal("x", edge("nowhere", "y"))), None);
        assert_eq!(super::edits("not JSON", &proposal("x", Place::NewPrompt)), None);
    }

    #[test]
    fn a_patch_names_its_lines() {
        let edits = edits(SCRIPT, &proposal("okay", edge("B", "yes"))).unwrap();
        let patch = diff("a.json", SCRIPT, &edits);
        assert!(patch.starts_with("--- a/a.json\n+++ b/a.json\n@@ -5,7 +5,8 @@\n"), "{patch}");
        assert!(
            patch.contains("-          \"sure\", /* and */\n+          \"sure\",\n"),
            "{patch}"
        );
    }
}
