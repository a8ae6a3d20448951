//! A script's text in one house style: the same keys in the same order, the same breaks, every
//! comment where it was. Nothing of its meaning changes.
//!
//! What stands first counts first (E2), so the order of nodes, edges, prompts, groups and lists is
//! the author's; only the keys that name settings are put into the order of the papers (E1, E3 to E7).

mod kind;
mod printer;
mod remedy;
mod tree;

pub use printer::LINE_COLUMNS_MAX;
pub use remedy::{Remedied, remedy};

use printer::Printer;
use tree::Tree;

/// The file's text in the house style, or `None` if it is no JSON: then `load` says where and why.
/// Formatting the result again changes nothing. A byte order mark and the kind of line ends (those of
/// the first line) are kept.
#[must_use]
pub fn format(text: &str) -> Option<String> {
    let (mark, body) = match text.strip_prefix('\u{FEFF}') {
        Some(body) => ("\u{FEFF}", body),
        None => ("", text),
    };
    let tree = Tree::read(body)?;
    let first_line = body.split_inclusive('\n').next().unwrap_or_default();
    let line_end = if first_line.ends_with("\r\n") { "\r\n" } else { "\n" };
    Some(format!("{mark}{}", Printer::new(line_end).print(&tree)))
}

#[cfg(test)]
mod tests {
    use super::format;

    #[track_caller]
    fn becomes(written: &str, wanted: &str) {
        let formatted = format(written).unwrap();
        assert_eq!(formatted, wanted);
        assert_eq!(format(&formatted).as_deref(), Some(wanted), "formatted once more");
    }

    #[test]
    fn settings_have_an_order_and_names_keep_theirs() {
        becomes(
            r#"{"flow":{"b":{"subflow":{"z:a":{"weight":1,"condition":{"complete":["any"],"text":["x"]},"id":"i"}},"own":1,"action":"playback"},"a":{"action":"hangup"}},"version":3}"#,
            r#"{
  "version": 3,
  "flow": {
    "b": {
      "action": "playback",
      "subflow": {
        "z:a": { "id": "i", "condition": { "text": ["x"], "complete": ["any"] }, "weight": 1 }
      },
      "own": 1
    },
    "a": { "action": "hangup" }
  }
}
"#,
        );
    }

    #[test]
    fn what_is_passed_on_keeps_its_order() {
        becomes(
            r#"{"flow":{"a":{"notify":{"url":"u","trigger_time":1},"http":{"body":{"b":1,"a":2},"url":"u"},"set":{"y":"1","x":"2"}}}}"#,
            r#"{
  "flow": {
    "a": {
      "http": { "url": "u", "body": { "b": 1, "a": 2 } },
      "set": { "y": "1", "x": "2" },
      "notify": { "url": "u", "trigger_time": 1 }
    }
  }
}
"#,
        );
    }

    #[test]
    fn comments_stay_with_what_they_stand_at() {
        becomes(
            "// head\n\n/* of\n   the file */ { // opening\n // above b\n\"b\" /* name */ : // lost\n 1 /* value */ , // behind b\n\n\n // above a\n /* at a */ \"a\": [1, // one\n 2 /* two */,],\n // last\n} // behind\n// tail   ",
            "// head\n\n/* of\n   the file */\n{ // opening\n  // above b\n  /* name */\n  // lost\n  \"b\": 1 /* value */, // behind b\n\n  // above a\n  /* at a */ \"a\": [\n    1, // one\n    2 /* two */\n  ]\n  // last\n} // behind\n// tail\n",
        );
    }

    #[test]
    fn lists_fill_a_line_or_have_one_entry_each() {
        let words = "\"слово\",".repeat(20);
        let long = format!("\"{}\"", "длинное слово ".repeat(3));
        becomes(
            &format!("[[{words}],[{long},{long},{long}]]"),
            &format!(
                "[\n  [\n    {},\n    {}\n  ],\n  [\n    {long},\n    {long},\n    {long}\n  ]\n]\n",
                ["\"слово\""; 10].join(", "),
                ["\"слово\""; 10].join(", ")
            ),
        );
    }

    #[test]
    fn a_comment_that_a_dropped_comma_leaves_last_stays_on_its_line() {
        becomes("{\"a\": [1, /* b */]}", "{\n  \"a\": [1 /* b */]\n}\n");
        becomes(
            "{\"flow\": {}, /* f */\n\"version\": 3}",
            "{\n  \"version\": 3,\n  \"flow\": {} /* f */\n}\n",
        );
        becomes("[ /* none */ ]", "[/* none */]\n");
        becomes("{ // none\n}", "{ // none\n}\n");
    }

    #[test]
    fn marks_and_line_ends_are_kept_and_texts_are_as_written() {
        becomes(
            "\u{FEFF}{\r\n\"a\":\"\\u0041 \u{4f60}\"}",
            "\u{FEFF}{\r\n  \"a\": \"\\u0041 你\"\r\n}\r\n",
        );
    }

    #[test]
    fn what_is_no_json_is_not_formatted() {
        for text in ["", "{", "{a: 1}", "[1] [2]", "'a'"] {
            assert_eq!(format(text), None, "{text}");
        }
    }
}
