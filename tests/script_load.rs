//! Loading scripts: what is an error, what is a warning, where it is reported, and what is read
//! (E1 to E11, E43, E44).
//!
//! In the scripts below `▲` stands where a problem has to be reported; it is taken out before
//! the script is loaded.

use std::fmt::Write as _;
use std::sync::Arc;

use telephonist::script::{
    self, CategoryId, Collect, FILE_BYTES_MAX, KEYWORDS_MAX, NODES_MAX, NodeAction, NodeId,
    Problem, PromptId, Scope, Script, Severity,
};

const MARK: char = '▲';

/// E10: all errors of a file are reported together, each with its line and column.
#[test]
fn every_error_of_a_file_is_reported_at_once() {
    let script = r#"{
  "synonym": {
    "a": ▲["{b}"],
    "b": ["{c}"],
    "c": ["想{a}"]
  },
  "flow": ▲{
    "F1": {
      "action": "cti_play_and_detect_speech",
      "playbacks": ▲"你好",
      "repetition": ▲"twice",
      "mismatchrepetition": ▲-1,
      "disablebreak": ▲"now and then",
      "filter": ▲"S",
      "kb": ["company", ▲"compny"],
      "globalflow": ▲"F8,F9",
      "subflow": {
        ▲"yes:f2": { "condition": { "text": ["有"] } },
        "no:F2": { "condition": { "text": ["没有", ▲true] } },
        "F1": ▲"hangup"
      }
    },
    "F2": { "action": "return", "argument": ▲"F7" },
    "F8": { "action": "return", "global": true, "condition": { "text": ["听不清"] } },
    ▲"F2": { "action": "hangup" }
  },
  "kb": {
    "company": { "prompts": ["P1", ▲"P2"] }
  },
  "prompt": {
    "P1": { "keyworks": ["公司"], "switchflow": ▲"F99", "ignorereturnplayback": ▲"maybe" }
  }
}"#;
    let wanted = [
        "synonym groups name each other: a → b → c → a",
        "no entry node: it could be F1, F2",
        "playbacks is a text",
        "repetition is not a whole number: twice",
        "mismatchrepetition is negative: -1",
        "disablebreak is not a whole number: now and then",
        "filter is a text",
        "kb \"compny\" is no knowledge category",
        "globalflow names \"F9\", which is no node",
        "an edge leads to \"f2\", which is no node",
        "an entry of condition.text is true or false",
        "an edge is a text",
        "return to \"F7\", which is no node",
        "the key \"F2\" stands twice in this object, first at line 23 column 5",
        "kb.company names \"P2\", which is no prompt",
        "switchflow to \"F99\", which is no node",
        "ignorereturnplayback is a text",
    ];
    let (loaded, problems) = load_marked(script);
    assert!(loaded.is_none(), "a script with an error is not loaded");
    let errors: Vec<_> = problems.into_iter().filter(Problem::is_error).collect();
    assert_reported(script, &errors, &wanted);
}

/// E10: a key that stands twice is told once, as that, and not as a key that nobody knows.
#[test]
fn a_key_that_stands_twice_is_not_unknown_as_well() {
    let script =
        r#"{ "flow": { "F1": { "action": "hangup", "potential": "a", ▲"potential": "b" } } }"#;
    let (_, problems) = load_marked(script);
    let wanted = "the key \"potential\" stands twice in this object, first at line 1 column 41";
    assert_reported(script, &problems, &[wanted]);
}

/// E10: each warning, where it is; the script is loaded all the same.
#[test]
fn warnings_are_reported_and_the_script_is_loaded() {
    let script = r#"{
  "version": 1,
  ▲"colour": "red",
  "flow": {
    "Start": { "subflow": { "F1": {} }, ▲"note": "?" },
    ▲"F1": {
      "action": "cti_play_and_detect_speech",
      "argument": ▲"'1' '7'",
      "kb": "company",
      ▲"tone": "friendly",
      "subflow": {
        ▲"yes:F2": {
          "weight": ▲1,
          "condition": { "text": ["有", ▲"没有", ▲"有(", ▲""], "dtmf": [▲"1("], ▲"tone": 1 }
        }
      }
    },
    "F2": { "action": "hangup" },
    ▲"F3": { "action": "hangup" },
    ▲"F4": { "action": "hangup", "global": true, "condition": { "text": ["人工"] } },
    ▲▲"F5": { "action": "playback", "playbacks": ["喂"] }
  },
  "kb": { "company": { "prompts": ["P1"] } },
  "prompt": { "P1": { "keyworks": ["公司", ▲"any"] } }
}"#;
    let (loaded, problems) = load_marked(script);
    assert!(loaded.is_some(), "warnings keep nothing from loading: {problems:#?}");
    assert!(problems.iter().all(|problem| problem.severity == Severity::Warning));
    let wanted = [
        "unknown key \"colour\" in the script",
        "\"note\" does nothing in Start",
        "the node F1 has no edge for a caller who says nothing",
        "argument 2 (interrupt) has unknown bits and acts as 2: 7",
        "unknown key \"tone\" in node F1",
        "labels and ids of edges need version 2",
        "the weight of a condition needs version 3",
        "\"没有\" never matches: the earlier \"有\" is part of it and answers first",
        "\"有(\" is no regular expression",
        "an empty keyword never matches",
        "\"1(\" is no regular expression",
        "unknown key \"tone\" in condition",
        "no call ever reaches the node F3",
        "the global node F4 is linked to no node",
        "no call ever reaches the node F5",
        "the node F5 has no way on",
        "any never matches in the knowledge base",
    ];
    assert_reported(script, &problems, &wanted);
}

/// E10, E11: errors that leave nothing else to look at.
#[test]
fn errors_that_stand_alone() {
    for (script, wanted) in [
        ("▲", "the file is empty"),
        ("{\n  \"flow\": ▲{", "not JSON: unterminated object"),
        ("{} ▲{}", "not JSON: text cannot contain more than one JSON value"),
        ("{ ▲'flow': {} }", "not JSON: single-quoted strings are not allowed"),
        ("▲[1]", "the file is a list"),
        ("▲{}", "no entry node: flow has no nodes"),
        (
            r#"{ "flow": ▲{ "F1": { "action": "hangup" }, "F2": { "action": "hangup" } } }"#,
            "no entry node: it could be F1, F2",
        ),
        (
            r#"{ "flow": ▲{
                "F1": { "action": "playback",
                        "subflow": { "F2": { "condition": { "complete": ["any"] } } } },
                "F2": { "action": "playback",
                        "subflow": { "F1": { "condition": { "complete": ["any"] } } } }
            } }"#,
            "no entry node: every node is led to by another",
        ),
        (
            r#"{ "flow": { ▲"Start": { "subflow": {} }, "F1": { "action": "hangup" } } }"#,
            "no entry node: flow.Start has no edge",
        ),
    ] {
        let (loaded, problems) = load_marked(script);
        assert!(loaded.is_none(), "{script}");
        assert_reported(script, &problems, &[wanted]);
    }
}

/// E10: what is no text at all, or too much of one.
#[test]
fn files_that_are_not_read() {
    let too_large = vec![b' '; FILE_BYTES_MAX + 1];
    let not_utf8 = b"{\n  \"flow\": \"\xE4\xBD\"}";
    for (bytes, wanted) in [
        (&too_large[..], "1:1: error: the file has 8388609 bytes; a script may have 8 MiB"),
        (&not_utf8[..], "2:12: error: not UTF-8 from here on"),
    ] {
        let (loaded, problems) = script::load("test", "test.json", bytes);
        assert!(loaded.is_none());
        let [problem] = &problems[..] else { panic!("one problem: {problems:#?}") };
        assert!(problem.to_string().starts_with(&format!("test.json:{wanted}\n")), "{problem}");
    }
}

/// E10, limits: one node or keyword too many.
#[test]
fn scripts_with_too_much_in_them() {
    let nodes = |count: usize| {
        let mut text = String::from("{ \"flow\": { \"Start\": { \"subflow\": { \"F0\": {} } }");
        for at in 0..count - 1 {
            write!(text, ", \"F{at}\": {{ \"action\": \"hangup\" }}").expect("memory");
        }
        text + " } }"
    };
    let (most, _) = load_marked(&nodes(NODES_MAX));
    assert!(most.is_some(), "as many nodes as a script may have");
    let (loaded, problems) = load_marked(&nodes(NODES_MAX + 1));
    assert!(loaded.is_none());
    assert_eq!(messages(&problems), ["20001 nodes; a script may have 20000"]);

    let words: Vec<_> = (0..1_000).map(|word| format!("\"w{word}\"")).collect();
    let keyword = "\"{word}{digit}\"";
    let keywords = |count: usize| {
        format!(
            r#"{{
              "synonym": {{ "word": [{}], "digit": ["0","1","2","3","4","5","6","7","8"] }},
              "flow": {{
                "F1": {{ "action": "playback", "subflow": {{
                  "F2": {{ "condition": {{ "text": [{}] }} }} }} }},
                "F2": {{ "action": "hangup" }}
              }}
            }}"#,
            words.join(","),
            vec![keyword; count].join(",")
        )
    };
    let too_many = KEYWORDS_MAX / 9_000 + 1;
    let (loaded, problems) = load_marked(&keywords(too_many));
    assert!(loaded.is_none());
    let wanted = format!("too many keywords; a script may have {KEYWORDS_MAX}");
    assert_eq!(messages(&problems), [wanted]);
}

/// E6: a keyword or group that stands for more words than anybody means is an error.
#[test]
fn synonyms_that_explode_are_errors() {
    let digits = r#""0","1","2","3","4","5","6","7","8","9""#;
    let script = r#"{
  "synonym": { "d": [DIGITS], "many": ▲["{d}{d}{d}{d}{d}"] },
  "flow": { "F1": { "action": "hangup" } }
}"#
    .replace("DIGITS", digits);
    let (loaded, problems) = load_marked(&script);
    assert!(loaded.is_none());
    assert_reported(&script, &problems, &["the synonym group many stands for too many words"]);
    let script = r#"{
  "synonym": { "d": [DIGITS] },
  "flow": {
    "F1": { "action": "playback", "subflow": {
      "F2": { "condition": { "text": [▲"{d}{d}{d}{d}{d}"], "complete": ["any"] } } } },
    "F2": { "action": "hangup" }
  }
}"#
    .replace("DIGITS", digits);
    let (loaded, problems) = load_marked(&script);
    assert!(loaded.is_none());
    assert_reported(&script, &problems, &["\"{d}{d}{d}{d}{d}\" is too long, or too many words"]);
}

/// N13: nesting without end is a complaint about the file, not the end of the process.
#[test]
fn deep_nesting_is_an_error() {
    for deep in ["[".repeat(200_000), "{\"flow\":".repeat(200_000)] {
        let (loaded, problems) = load_marked(&deep);
        assert!(loaded.is_none());
        assert_eq!(messages(&problems), ["not JSON: maximum nesting depth exceeded"]);
    }
}

/// E10: a flood of warnings neither fills the memory nor hides the error among them.
#[test]
fn a_flood_of_problems_keeps_the_error() {
    let unknown: Vec<_> = (0..2_000).map(|key| format!("\"k{key}\": 1")).collect();
    let script = format!("{{ {}, \"flow\": {{}} }}", unknown.join(", "));
    let (loaded, problems) = load_marked(&script);
    assert!(loaded.is_none());
    let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "no entry node: flow has no nodes");
    assert!(problems.len() < 600, "{} problems are listed", problems.len());
    let last = problems.last().expect("there are problems");
    assert!(last.message.ends_with("more problems are not listed"), "{}", last.message);
}

/// E10: a problem shows its line, a caret under the place, and how to mend it, in any language.
#[test]
fn a_problem_is_shown_with_its_line() {
    let script = "{ \"flow\": {\n  \"问候\": { \"action\": \"return\", \"argument\": \"问\" }\n} }";
    let (_, problems) = load_marked(script);
    let shown = problems[0].to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(
        lines,
        [
            "test.json:2:43: error: return to \"问\", which is no node",
            "      \"问候\": { \"action\": \"return\", \"argument\": \"问\" }",
            // Two Chinese signs before it are two columns wide each.
            "                                                ^ name a key of flow, or add the node",
        ]
    );
}

/// E2: comments, trailing commas, a byte order mark, numbers as texts.
#[test]
fn the_liberties_of_the_format() {
    let text = "\u{FEFF}{ // a robot\n\
        \"version\": \"2\", /* the format */\n\
        \"flow\": {\n\
          \"F1\": { \"action\": \"playback\", \"repetition\": \"2\", \"mismatchrepetition\": \"\",\n\
            \"subflow\": { \"a:b:F2\": { \"priority\": \"-3\", \"weight\": \"7\",\n\
              \"condition\": { \"complete\": [\"any\"] }, }, }, },\n\
          \"F2\": { \"action\": \"hangup\", \"potential\": 5 },\n\
        },\n}";
    let (script, problems) = load_marked(text);
    let script = script.expect("no errors");
    assert_eq!(messages(&problems), ["the weight of a condition needs version 3"]);
    let node = script.node(script.entry);
    assert_eq!((node.repetition, node.mismatch_repetition), (2, None));
    let edge = &node.edges[0];
    assert_eq!((edge.label.as_str(), edge.weight, edge.priority), ("a:b", 7, -3));
    assert_eq!(script.node(edge.target).potential.raw, "5");
}

/// E1, R1: a number, also as a text, is the format; any other text is the author's label and
/// means format 3.
#[test]
fn versions_are_formats_or_labels() {
    for (version, label, warns) in [
        ("", "", true),
        ("\"version\": 1,", "", true),
        ("\"version\": \"2\",", "", true),
        ("\"version\": 3,", "", false),
        ("\"version\": \"1.4-beta\",", "1.4-beta", false),
    ] {
        let text = format!(
            r#"{{ {version} "flow": {{
                "F1": {{ "action": "playback", "subflow": {{
                    "F2": {{ "weight": 1, "condition": {{ "complete": ["any"] }} }} }} }},
                "F2": {{ "action": "hangup" }} }} }}"#
        );
        let (script, problems) = load_marked(&text);
        assert_eq!(script.expect("no errors").version_label, label, "{version}");
        assert_eq!(!problems.is_empty(), warns, "{version}: {problems:#?}");
    }
}

/// E11: `Start` names the entry node, whatever else an editor writes into it; without it the only
/// node that no other leads to is taken, and a global node never is.
#[test]
fn the_entry_node() {
    let loop_of_two = r#"
        "F1": { "action": "playback", "subflow": { "F2": {} } },
        "F2": { "action": "playback", "subflow": { "F1": {} } }"#;
    let only_one = r#"
        "F0": { "action": "return", "global": true, "condition": { "text": ["喂"] } },
        "F1": { "action": "playback", "subflow": { "F1": {}, "F2": {} } },
        "F2": { "action": "hangup" }"#;
    for (flow, entry) in [
        (format!(r#""Start": {{ "subflow": {{ "F2": {{}}, "F1": {{}} }} }}, {loop_of_two}"#), "F2"),
        (
            format!(
                r#""Start": {{ "action": "", "position": {{ "x": 1, "y": 2 }}, "description": "",
                   "subflow": {{ "F2": {{}} }} }}, {loop_of_two}"#
            ),
            "F2",
        ),
        (only_one.to_owned(), "F1"),
    ] {
        let (script, problems) = load_marked(&format!("{{ \"flow\": {{ {flow} }} }}"));
        let script = script.unwrap_or_else(|| panic!("{problems:#?}"));
        assert_eq!(script.node(script.entry).id, entry, "{flow}");
    }
}

/// E3, E5: lists may be lists or texts with commas; both spellings of keywords are read.
#[test]
fn links_are_lists_or_texts() {
    let with = |kb: &str, globals: &str| {
        let text = format!(
            r#"{{
              "flow": {{
                "F1": {{ "action": "hangup", "kb": {kb}, "globalflow": {globals} }},
                "G1": {{ "action": "return", "global": true, "condition": {{ "text": ["喂"] }} }},
                "G2": {{ "action": "return", "global": "true", "condition": {{}} }}
              }},
              "kb": {{ "a": {{ "prompts": "P2, P1" }}, "b": {{ "prompts": ["P1"] }} }},
              "prompt": {{ "P1": {{ "keyworks": ["公司"] }}, "P2": {{ "keywords": ["利息"] }} }}
            }}"#
        );
        let (script, problems) = load_marked(&text);
        script.unwrap_or_else(|| panic!("{problems:#?}"))
    };
    for script in [with("\"b, a\"", "\"G2,G1\""), with(r#"["b","a"]"#, r#"["G2","G1"]"#)] {
        let node = script.node(script.entry);
        let globals: Vec<_> = node.globals.iter().map(|id| &script.node(*id).id).collect();
        assert_eq!(globals, ["G2", "G1"]);
        let [b, a] = node.kb[..] else { panic!("two categories") };
        assert_eq!(
            found(&script, Scope::Category(a), "公司利息"),
            [("利息", PromptId(1)), ("公司", PromptId(0))]
        );
        assert_eq!(found(&script, Scope::Category(b), "公司利息"), [("公司", PromptId(0))]);
    }
}

/// E3, E5, E7: every key of the format is known, and those that do nothing yet say so.
#[test]
fn no_key_of_the_format_is_unknown_e3_e5_e7() {
    let script = r#"{ "version": 3,
      "global": { "voicelist": "a", "defaultvoice": "a", "voicedir": "a", "ttsurl": "a",
        "ttsengine": "a", "ttsconfig": "a", "ttsvolume": "1", "ttsspeechrate": "1",
        "ttspitchrate": "1", "interrupt": 2, "asrproxy_addr": "a", "vad_min_active_time_ms": 1,
        "vad_max_end_silence_time_ms": 1, "wait_speech_timeout_ms": 1, "max_speech_time_ms": 1,
        "hot_word": "a", "asr_params": "{}", "nlpurl": "http://h/", ▲"vad": "1", "vad_mode": 1,
        "vad_filter": "0.3", ▲"backchannel": ["嗯"] },
      "flow": {
        "F1": { "action": "cti_play_and_detect_speech", "argument": "", "position": { "x": 1 },
          "nlpid": "n", "description": "d", "playbacks": ["a"], "playbacks_text": ["a"],
          "replaybacks": ["a"], "replaybacks_text": ["a"], "thirdplaybacks": ["a"],
          "thirdplaybacks_text": ["a"], "fourplaybacks": ["a"], "fourplaybacks_text": ["a"],
          "kbplaybacks": ["a"], "kbplaybacks_text": ["a"], "mismatchplaybacks": ["a"],
          "mismatchplaybacks_text": ["a"], "mismatchrepetition": 1, "timeoutplaybacks": ["a"],
          "timeoutplaybacks_text": ["a"], "timeoutrepetition": 1, "filter": { "text": "S", "dtmf": "*" },
          "kb": "k", "repetition": 1, "potential": "1", "globalflow": "G", "sourceflowdepth": 1,
          "disablebreak": 1, ▲"must_hear": true, ▲"llm": { "model": "m" }, ▲"transfer": { "a": 1 },
          "subflow": { "l:F2": { "id": "i", "weight": 1, "priority": 1,
            "condition": { "text": ["x"], "dtmf": ["1"], "complete": ["any"], "matching_id": "m" } } } },
        "F2": { "action": "hangup" },
        "G": { "action": "return", "global": true, "condition": { "text": ["y"] }, "timelimit": 1,
          "countlimit": 1, "ignoredisablebreak": true, "priority": 1, "weight": 1 } },
      "kb": { "k": { "name": "n", "description": "d", "prompts": ["P"] } },
      "prompt": { "P": { "name": "n", "ref": "r", "repetition": 1, "keyworks": ["z"],
        "playbacks": ["a"], "playbacks_text": ["a"], "potential": "1", "switchflow": "F2",
        "ignorereturnplayback": 1, "description": "d", ▲"must_hear": 0.5 } } }"#;
    let later = ["must_hear", "vad", "backchannel", "llm", "transfer"];
    let (loaded, problems) = load_marked(script);
    assert!(loaded.is_some());
    let kept = "is kept, but this version does nothing with it yet";
    assert_eq!(problems.len(), script.matches(MARK).count(), "{problems:#?}");
    for problem in &problems {
        let name = problem.message.strip_suffix(kept).unwrap_or_else(|| panic!("{problem}")).trim();
        assert!(later.contains(&name), "{problem}");
    }
}

/// E4: an edge is named by its own `id`, else by its condition's `matching_id`, else not at all; its
/// label ends at the last colon; without priority and weight it has 0.
#[test]
fn an_edge_has_a_label_an_id_a_priority_and_a_weight_e4() {
    let script = r#"{ "version": 3, "flow": {
        "F1": { "action": "playback", "subflow": {
            "one:two:F2": { "id": "own", "priority": -1, "weight": -2,
                "condition": { "complete": ["done"], "matching_id": "other" } },
            "F3": { "condition": { "complete": ["error"], "matching_id": "other" } },
            ":F4": { "condition": { "complete": ["any"] } } } },
        "F2": { "action": "hangup" }, "F3": { "action": "hangup" }, "F4": { "action": "hangup" } } }"#;
    let (loaded, problems) = load_marked(script);
    let loaded = loaded.unwrap_or_else(|| panic!("{problems:#?}"));
    assert_eq!(messages(&problems), [""; 0]);
    let edges = loaded.node(loaded.entry).edges.iter().map(|edge| {
        let target = loaded.node(edge.target).id.as_str();
        (edge.label.as_str(), target, edge.id.as_str(), edge.priority, edge.weight)
    });
    let wanted =
        [("one:two", "F2", "own", -1, -2), ("", "F3", "other", 0, 0), ("", "F4", "", 0, 0)];
    assert_eq!(edges.collect::<Vec<_>>(), wanted);
}

/// E52: a knowledge base is kept once, however many nodes are linked to it.
#[test]
fn a_shared_knowledge_base_is_kept_once_e52() {
    let words = 2_000;
    let nodes = KEYWORDS_MAX / words + 1;
    let mut text = String::from("{ \"flow\": { \"Start\": { \"subflow\": { \"F0\": {} } }");
    for at in 0..nodes {
        write!(text, ", \"F{at}\": {{ \"action\": \"hangup\", \"kb\": \"k\" }}").expect("memory");
    }
    let keywords: Vec<_> = (0..words).map(|word| format!("\"w{word}\"")).collect();
    let keywords = keywords.join(",");
    write!(
        text,
        " }}, \"kb\": {{ \"k\": {{ \"prompts\": [\"P\"] }} }}, \
         \"prompt\": {{ \"P\": {{ \"keyworks\": [{keywords}] }} }} }}"
    )
    .expect("memory");
    let (loaded, _) = load_marked(&text);
    let loaded = loaded.expect("once for each node would be more keywords than a script may have");
    let kept = format!("{:?}", loaded.matcher);
    assert_eq!(kept, format!("Matcher {{ keywords: {words}, .. }}"));
}

/// R6: an empty keyword matches nothing; a keyword keeps its punctuation, of which the text has lost
/// what stood at its end.
#[test]
fn keywords_keep_their_punctuation_r6() {
    let script = r#"{ "flow": { "F1": { "action": "playback", "kb": "k" } },
        "kb": { "k": { "prompts": ["P1", "P2", "P3"] } },
        "prompt": { "P1": { "keyworks": ["", " "] }, "P2": { "keyworks": ["公司。"] },
            "P3": { "keyworks": ["公司,"] } } }"#;
    let (loaded, problems) = load_marked(script);
    let script = loaded.unwrap_or_else(|| panic!("{problems:#?}"));
    let owners = |said: &str| {
        let mut owners = Vec::new();
        let text = script::normalize(said);
        let found = script.matcher.look(&text);
        script.matcher.hits(&found, Scope::Category(CategoryId(0)), |hit| owners.push(hit.owner));
        owners
    };
    assert_eq!(owners("公司。"), [0; 0]);
    assert_eq!(owners("公司,你们"), [2]);
    assert_eq!(owners(""), [0; 0]);
}

/// E6, E43, R28: what is a literal and what is a pattern.
#[test]
fn keywords_are_literals_or_patterns() {
    for (keyword, text, wanted) in [
        ("有", "有的", Some((None, "有"))),
        ("Да", "ну да", Some((None, "Да"))),
        ("{want}钱", "我要钱", Some((None, "要钱"))),
        ("贷(款|点)", "想贷点", Some((Some("贷(款|点)"), "贷点"))),
        ("{want}(款|钱)", "我要款", Some((Some("{want}(款|钱)"), "要款"))),
        (r"\bнет\b", "НЕТ, спасибо", Some((Some(r"\bнет\b"), "нет"))),
        ("(?<!no )thanks", "no thanks", None),
        ("a{2,3}", "aa", Some((Some("a{2,3}"), "aa"))),
        (r"\p{Han}+", "abc中文", Some((Some(r"\p{Han}+"), "中文"))),
        // A group that does not exist is its own text, alone and inside a pattern.
        ("钱{nobody}", "钱{nobody}的", Some((None, "钱{nobody}"))),
        ("{nobody}", "{nobody}x", Some((None, "{nobody}"))),
        ("x{nobody}.y", "x{nobody}zy", Some((Some("x{nobody}.y"), "x{nobody}zy"))),
        // A broken pattern is taken literally.
        ("有(", "有(", None),
        ("有(", "有(的", Some((None, "有("))),
        ("x*", "yyy", None),
    ] {
        let script = format!(
            r#"{{
              "synonym": {{ "want": ["想", "要"] }},
              "flow": {{
                "F1": {{ "action": "playback", "subflow": {{
                  "F2": {{ "condition": {{ "text": [{}] }} }} }} }},
                "F2": {{ "action": "hangup" }}
              }}
            }}"#,
            serde_json::Value::from(keyword)
        );
        let (script, problems) = load_marked(&script);
        let script = script.unwrap_or_else(|| panic!("{problems:#?}"));
        let text = script::normalize(text);
        let mut shown = Vec::new();
        let found = script.matcher.look(&text);
        script.matcher.hits(&found, Scope::Edges(NodeId(0)), |hit| {
            shown.extend(script.matcher.shown(hit, &text));
        });
        let shown = shown.first().map(|s| (s.condition.as_deref(), s.keyword.as_str()));
        assert_eq!(shown, wanted, "{keyword} in {text}");
    }
}

/// E20: the built-in actions; any other name is an application of the switch.
#[test]
fn actions_are_told_by_name() {
    for (action, wanted) in [
        ("cti_play_and_detect_speech", NodeAction::PlayAndDetect),
        ("playback", NodeAction::Playback),
        ("hangup", NodeAction::Hangup),
        ("transfer", NodeAction::Transfer),
        ("manual", NodeAction::Manual),
        ("set", NodeAction::Set),
        ("branch", NodeAction::Branch),
        ("collect", NodeAction::Collect(Collect::default())),
        ("llm", NodeAction::Later),
        ("record_session", NodeAction::Application),
    ] {
        let text = format!(r#"{{ "flow": {{ "F1": {{ "action": "{action}" }} }} }}"#);
        let (script, _) = load_marked(&text);
        let script = script.expect("no errors");
        assert_eq!(script.node(script.entry).action, wanted);
    }
}

/// E10: files named as audio are known, so that somebody with a disk can look for them.
#[test]
fn audio_files_are_listed() {
    let text = r#"{ "flow": { "F1": { "action": "hangup",
        "playbacks": [▲"hello.wav", "你好", "${lang}/x.wav", "https://example.org/a.mp3"],
        "replaybacks": [▲"again.mp3"] } } }"#;
    let (plain, places) = unmark(text);
    let (script, _) = script::load("test", "test.json", plain.as_bytes());
    let script = script.expect("no errors");
    let files: Vec<_> = script.audio_files.iter().map(|audio| audio.file.as_str()).collect();
    assert_eq!(files, ["hello.wav", "again.mp3"]);
    let offsets: Vec<_> = script.audio_files.iter().map(|audio| audio.offset).collect();
    let quotes: Vec<_> = ["\"hello.wav\"", "\"again.mp3\""].map(|file| plain.find(file)).into();
    assert_eq!(offsets.into_iter().map(Some).collect::<Vec<_>>(), quotes);
    assert_eq!(places.len(), 2);
}

/// E12: the same text is the same revision, another text another one.
#[test]
fn revisions_tell_texts_apart() {
    let load = |text: &str| load_marked(text).0.expect("no errors").revision.clone();
    let one = r#"{ "flow": { "F1": { "action": "hangup" } } }"#;
    assert_eq!(load(one), load(one));
    assert_ne!(load(one), load(&one.replace("F1", "F2")));
}

/// Every shipped script is clean.
#[test]
fn shipped_scripts_have_no_problems() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/flows");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is shipped") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let bytes = std::fs::read(&path).expect("a shipped file can be read");
            let (script, problems) = script::load("shipped", &path.to_string_lossy(), &bytes);
            assert!(script.is_some() && problems.is_empty(), "{problems:#?}");
            checked += 1;
        }
    }
    assert!(checked > 0, "there are shipped scripts");
}

/// The keywords of a scope that are in a text, in their order.
fn found<'a>(script: &'a Script, scope: Scope, text: &str) -> Vec<(&'a str, PromptId)> {
    let found = script.matcher.look(text);
    let mut hits = Vec::new();
    script.matcher.hits(&found, scope, |hit| hits.push(hit));
    hits.sort_unstable_by_key(|hit| hit.order);
    let words = ["公司", "利息"];
    hits.into_iter()
        .filter_map(|hit| {
            let keyword = script.matcher.shown(hit, text)?.keyword;
            let word = words.into_iter().find(|word| *word == keyword)?;
            Some((word, PromptId(hit.owner)))
        })
        .collect()
}

/// A condition that nothing looks at, and a way that nothing takes, are said (E10).
#[test]
fn what_never_happens_is_warned_of() {
    let script = r#"{ "version": 3, "flow": { "Start": { "subflow": { "F1": {} } },
        "F1": { "action": "playback", "subflow": {
            ▲"F2": { "weight": 1 }, "F3": { "condition": { "complete": ["any"] } } } },
        "F2": { "action": "hangup", "condition": ▲{ "text": ["再见"] } },
        "F3": { "action": "hangup" } } }"#;
    let (loaded, problems) = load_marked(script);
    assert!(loaded.is_some());
    let edge = "an edge without a condition is never taken";
    let node = "a condition on a node that is not global is never looked at";
    assert_reported(script, &problems, &[edge, node]);
}

/// E10, N13: a script that is damaged anywhere ends in a report with a place in the file, or loads;
/// it never ends the program.
#[test]
fn damaged_scripts_end_in_a_report() {
    let mut chance: u64 = 1;
    let mut roll = |sides: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(chance >> 33).unwrap() % sides
    };
    for name in ["loan", "delivery_ru", "survey_en"] {
        let good = std::fs::read(format!("flows/{name}.json")).unwrap();
        for _ in 0..250 {
            let mut bad = good.clone();
            let (at, length) = (roll(bad.len() - 40), 1 + roll(40));
            match roll(4) {
                0 => drop(bad.drain(at..at + length)),
                1 => bad[at] = b"{}[]\",:\\\0\xFF9"[roll(11)],
                2 => bad.splice(at..at, good[at..at + length].to_vec()).for_each(drop),
                _ => bad.truncate(at),
            }
            let (script, problems) = script::load(name, "damaged.json", &bad);
            assert!(script.is_some() || problems.iter().any(Problem::is_error));
            let lines = 1 + bad.iter().filter(|byte| **byte == b'\n').count();
            assert!(problems.iter().all(|problem| problem.line <= lines), "{problems:?}");
        }
    }
}

fn load_marked(marked: &str) -> (Option<Arc<Script>>, Vec<Problem>) {
    script::load("test", "test.json", unmark(marked).0.as_bytes())
}

/// The script without its marks, and their lines and columns.
fn unmark(marked: &str) -> (String, Vec<(usize, usize)>) {
    let mut places = Vec::new();
    let (mut line, mut column) = (1, 1);
    for c in marked.chars() {
        match c {
            MARK => places.push((line, column)),
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
    }
    (marked.replace(MARK, ""), places)
}

/// Asserts that exactly these problems were reported, one at each mark, in order.
fn assert_reported(marked: &str, problems: &[Problem], wanted: &[&str]) {
    let (_, places) = unmark(marked);
    let found: Vec<_> = problems.iter().map(|p| (p.line, p.column, p.message.as_str())).collect();
    let pairs = places.iter().zip(wanted);
    let expected: Vec<_> = pairs.map(|((line, column), text)| (*line, *column, *text)).collect();
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    assert_eq!(places.len(), wanted.len(), "every problem has its mark");
    for (found, expected) in found.iter().zip(&expected) {
        let same = (found.0, found.1) == (expected.0, expected.1);
        assert!(same && found.2.starts_with(expected.2), "{found:?} instead of {expected:?}");
    }
}

fn messages(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| problem.message.clone()).collect()
}
