//! A script as a picture: all of it is there, and nothing in it leaves its place (N10).

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::Path;
use std::process::{Command, Output};

use telephonist::graph::{Graph, Passage};
use telephonist::script::{self, Outline};

/// Every node, edge and prompt of every shipped script is drawn, in all three ways.
#[test]
fn all_of_a_script_is_drawn() {
    for name in ["loan", "survey_en", "delivery_ru", "rules/returns", "rules/services"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("flows/{name}.json"));
        let text = std::fs::read_to_string(file).unwrap();
        let (script, _) = script::load(name, "", text.as_bytes());
        let script = script.unwrap();
        let graph = Graph::new(&script, &Outline::read(&script, &text));
        let edges: usize = script.nodes.iter().map(|node| node.edges.len()).sum();
        let (svg, dot, mermaid) = (graph.svg(), graph.dot(), graph.mermaid());
        check_xml(&svg);
        assert_eq!(svg.matches("marker-end=").count(), edges, "{name}");
        assert_eq!(dot.matches("[label=").count(), edges, "{name}");
        assert_eq!(mermaid.matches(" -->").count(), edges, "{name}");
        for node in script.nodes.iter().filter(|node| node.id != "Start") {
            for drawn in [&svg, &dot, &mermaid] {
                let shown = drawn.replace("#95;", "_");
                assert!(shown.contains(node.id.as_str()), "{name}: {} is missing", node.id);
            }
        }
        for prompt in &script.prompts {
            assert!(svg.contains(prompt.id.as_str()), "{name}: {}", prompt.id);
        }
    }
}

#[test]
fn positions_of_the_file_are_kept() {
    let text = r#"{ "flow": {
        "a": { "position": { "x": -100, "y": 50 }, "subflow": { "b": { "condition": { "complete": ["any"] } } } },
        "b": { "position": { "x": 500, "y": 350 }, "action": "hangup" } } }"#;
    let svg = graph(text).svg();
    let starts: Vec<(f64, f64)> = svg
        .lines()
        .filter(|line| line.starts_with("<text") && line.contains("class=\"t\""))
        .map(|line| (number(line, " x=\""), number(line, " y=\"")))
        .collect();
    let [a, b] = starts[..] else { panic!("{svg}") };
    assert_eq!((b.0 - a.0, b.1 - a.1), (600.0, 300.0));
}

/// N10: names are data, in every notation.
#[test]
fn hostile_names_stay_names() {
    let hostile = r#"</text><script>alert(1)</script>\"];--> end\n\u0000\u202e&amp;#34;`"#;
    let text = format!(
        r#"{{ "version": 3, "flow": {{
            "{hostile}": {{ "description": "{hostile}", "playbacks": ["{hostile}"], "kb": ["{hostile}"],
                "argument": "{hostile}", "action": "{hostile}", "subflow": {{ "{hostile}:F2": {{
                    "condition": {{ "text": ["{hostile}"], "complete": ["any"] }} }} }} }},
            "F2": {{ "action": "hangup" }} }},
          "kb": {{ "{hostile}": {{ "name": "{hostile}", "prompts": ["{hostile}"] }} }},
          "prompt": {{ "{hostile}": {{ "name": "{hostile}", "keyworks": ["{hostile}"], "playbacks": ["a"] }} }} }}"#
    );
    let graph = graph(&text);
    let svg = graph.svg();
    check_xml(&svg);
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{svg}");
    for drawn in [&svg, &graph.dot(), &graph.mermaid()] {
        let strange = drawn.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(strange, None);
    }
    for line in graph.dot().lines() {
        let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        assert_eq!(quotes % 2, 0, "{line}");
    }
    for line in graph.mermaid().lines() {
        assert!(matches!(line.matches('"').count(), 0 | 2), "{line}");
        assert!(!line.contains("<script"), "{line}");
    }
}

#[test]
fn counts_stand_at_nodes_edges_and_prompts() {
    let text = r#"{ "version": 3, "flow": { "Start": { "subflow": { "F1": {} } },
        "F1": { "kb": ["k"], "globalflow": "G", "subflow": {
            "F2": { "id": "yes", "condition": { "text": ["yes"] } },
            "no:F2": { "condition": { "text": ["no"] } },
            "silent:F2": { "condition": { "complete": ["any"] } } } },
        "F2": { "action": "hangup" },
        "G": { "action": "return", "global": true, "condition": { "text": ["what"] } } },
        "kb": { "k": { "prompts": ["P"] } }, "prompt": { "P": { "keyworks": ["p"], "playbacks": ["P"] } } }"#;
    let row = Passage {
        current: "F1",
        input_type: 0,
        condition_id: "",
        response_type: 1,
        response_id: "F2",
        is_repeated: true,
        ending: "",
        rows: 1,
    };
    let mut graph = graph(text);
    graph.count([
        Passage { current: "Start", input_type: 10, response_id: "F1", rows: 10, ..row },
        Passage { condition_id: "yes", rows: 4, ..row },
        Passage { rows: 2, ..row },
        Passage { input_type: 2, rows: 3, ..row },
        Passage { response_type: 3, response_id: "F1", rows: 2, ..row },
        Passage { response_type: 0, response_id: "", rows: 1, ..row },
        // The rest of a sentence that was answered before its end is no mismatch.
        Passage { response_type: 0, response_id: "", is_repeated: false, rows: 7, ..row },
        Passage { response_type: 2, response_id: "P", rows: 1, ..row },
        Passage { response_type: 6, response_id: "G", rows: 5, ..row },
        Passage { input_type: 2, response_type: 5, response_id: "F1", rows: 6, ..row },
        Passage { input_type: 11, response_type: 0, response_id: "", ending: "recv_bye", ..row },
        Passage {
            current: "F2",
            input_type: 11,
            response_id: "",
            ending: "send_bye",
            rows: 9,
            ..row
        },
    ]);
    let drawn = graph.mermaid();
    for wanted in [
        ", 10 calls\"",
        "F1<br>asks<br>10 times | 20% not understood | 6 silent | 1 ended (1 hung up)",
        "F2<br>hangs up<br>9 times | 9 ended\"",
        "G<br>returns<br>what<br>5 times",
        "P<br>p<br>once",
        "-->|\"10 times\"| n1",
        "|\"yes | 4 times\"|",
        "|\"no: no | 2 times\"|",
        "|\"silent: end any | 3 times\"|",
        "linkStyle 0 stroke-width:7.0px",
    ] {
        assert!(
            drawn.contains(wanted),
            "{wanted}
{drawn}"
        );
    }
    assert!(
        graph.svg().contains(">10 times | 20% not understood | 6 silent | 1 ended (1 hung up)<")
    );
}

/// A script of 2,000 nodes, each with a way to the end, is drawn in no time.
#[test]
fn a_large_script_is_drawn() {
    let nodes: Vec<String> = (0..2_000)
        .map(|at| {
            format!(
                r#""n{at}": {{ "subflow": {{ "n{}": {{ "condition": {{ "text": ["a"] }} }},
                    "end": {{ "condition": {{ "complete": ["any"] }} }} }} }}"#,
                at + 1
            )
        })
        .collect();
    let text = format!(
        r#"{{ "flow": {{ {}, "n2000": {{ "action": "hangup" }}, "end": {{ "action": "hangup" }} }} }}"#,
        nodes.join(",")
    );
    let svg = graph(&text).svg();
    assert_eq!(svg.matches("marker-end=").count(), 4_000);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn the_command_draws_what_the_name_of_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let loan = concat!(env!("CARGO_MANIFEST_DIR"), "/flows/loan.json");
    let out = folder.path().join("loan.svg");
    let drawn = telephonist(&["graph", loan, "--out", out.to_str().unwrap()]);
    assert_eq!((drawn.status.code(), drawn.stdout.len()), (Some(0), 0), "{drawn:?}");
    check_xml(&std::fs::read_to_string(out).unwrap());
    let drawn = telephonist(&["graph", loan, "--format", "dot"]);
    assert!(drawn.stdout.starts_with(b"digraph \"loan\" {\n"));
    assert!(telephonist(&["graph", loan]).stdout.starts_with(b"---\ntitle: \"loan "));
}

#[test]
fn a_database_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let loan = concat!(env!("CARGO_MANIFEST_DIR"), "/flows/loan.json");
    let url = format!("sqlite://{}", folder.path().join("none.db").display());
    assert_eq!(telephonist(&["graph", loan, "--from", &url]).status.code(), Some(69));
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    assert_eq!(telephonist(&["graph", loan, "--from", "none.db"]).status.code(), Some(64));
    assert_eq!(telephonist(&["graph", loan, "--since", "2024-01-01"]).status.code(), Some(64));
    let table = ["graph", loan, "--from", &url, "--table", "a`b"];
    assert_eq!(telephonist(&table).status.code(), Some(64));
}

fn graph(text: &str) -> Graph {
    let (script, problems) = script::load("s", "s.json", text.as_bytes());
    let script = script.unwrap_or_else(|| panic!("{problems:?}"));
    Graph::new(&script, &Outline::read(&script, text))
}

/// Fails unless every element is closed in its order, every attribute is quoted and every `&` begins
/// one of the five entities.
fn check_xml(text: &str) {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        check_text(before);
        let (tag, behind) = after.split_once('>').unwrap();
        rest = behind;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic()), "{tag}");
        let parts: Vec<_> = attributes.split('"').collect();
        assert_eq!(parts.len() % 2, 1, "{tag}");
        for name in parts.iter().step_by(2).filter(|name| !name.is_empty()) {
            assert!(name.ends_with('=') && !name.contains(['<', '&']), "{tag}");
        }
        parts.iter().skip(1).step_by(2).for_each(|value| check_text(value));
        if !is_empty {
            open.push(name);
        }
    }
    assert_eq!((open, rest), (Vec::new(), "\n"));
}

fn check_text(text: &str) {
    for (at, _) in text.match_indices('&') {
        let is_known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"]
            .iter()
            .any(|known| text.split_at(at).1.starts_with(known));
        assert!(is_known, "{text}");
    }
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

fn number(line: &str, before: &str) -> f64 {
    line.split_once(before).unwrap().1.split_once('"').unwrap().0.parse().unwrap()
}

fn telephonist(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telephonist"));
    command.args(arguments).env_clear().current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.output().unwrap()
}
