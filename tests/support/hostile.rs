//! Script files that somebody made to hurt: as large as wanted, and each as bad as it can be.

use std::fmt::Write as _;

use telephonist::script::Problem;

/// A kind of hostile file.
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    /// The file, of about so many bytes.
    pub(crate) file: fn(usize) -> Vec<u8>,
    /// What its report says; empty if it is loaded.
    error: &'static str,
    /// The size from which it says so; a smaller one may say anything.
    from_bytes: usize,
}

impl Hostile {
    /// Whether the report of a file of so many bytes says what it should.
    pub(crate) fn is_told(&self, bytes: usize, problems: &[Problem]) -> bool {
        let mut errors = problems.iter().filter(|problem| problem.is_error());
        if bytes < self.from_bytes {
            true
        } else if self.error.is_empty() {
            errors.next().is_none()
        } else {
            errors.any(|problem| problem.message.contains(self.error))
        }
    }
}

/// Bytes of a file that is small, and as hostile as a large one.
pub(crate) const SMALL: usize = 16 << 10;
/// Bytes of a script file at the limit.
pub(crate) const LARGE: usize = 8 << 20;

/// A file that has an error at any size.
const fn wrong(name: &'static str, error: &'static str, file: fn(usize) -> Vec<u8>) -> Hostile {
    Hostile { name, file, error, from_bytes: SMALL }
}

/// A file that passes a limit.
const fn too_much(name: &'static str, error: &'static str, file: fn(usize) -> Vec<u8>) -> Hostile {
    Hostile { name, file, error, from_bytes: LARGE }
}

/// A file that is loaded.
const fn costly(name: &'static str, file: fn(usize) -> Vec<u8>) -> Hostile {
    Hostile { name, file, error: "", from_bytes: SMALL }
}

/// All kinds.
pub(crate) const FILES: &[Hostile] = &[
    too_much("a file far too large", "a script may have 8 MiB", |bytes| vec![b'x'; bytes * 12]),
    wrong("bytes that are not UTF-8", "not UTF-8 from here on", |bytes| {
        let mut file = vec![b' '; bytes - 1];
        file.push(0xFF);
        file
    }),
    wrong("nothing but a comment", "the file is empty", |bytes| {
        format!("/*{}*/", "*".repeat(bytes - 4)).into()
    }),
    wrong("nested lists", "nesting depth", |bytes| "[".repeat(bytes).into()),
    wrong("nested objects", "nesting depth", |bytes| "{\"a\":".repeat(bytes / 5).into()),
    wrong("a list of numbers", "the file is a list", |bytes| {
        format!("[{}0]", "0,".repeat(bytes / 2 - 2)).into()
    }),
    wrong("values of the wrong type", "is not a whole number", |bytes| {
        filled(bytes.min(2 << 20), "{\"flow\":{", "}}", |at| {
            format!(
                "\"N{at}\":{{\"action\":[],\"playbacks\":1,\"repetition\":\"x\",\"kb\":{{}},\
                 \"subflow\":\"\",\"filter\":3,\"global\":{{}},\"disablebreak\":[[]]}}"
            )
        })
    }),
    wrong("duplicate keys on one line", "stands twice in this object", |bytes| {
        filled(bytes, "{", "}", |_| "\"flow\":0".into())
    }),
    wrong("duplicate objects with keys in them", "stands twice in this object", |bytes| {
        filled(bytes, "{\"flow\":{", "}}", |at| format!("\"N\":{{\"a{at}\":0,\"a{at}\":0}}"))
    }),
    costly("unknown keys in a node with a long name", |bytes| {
        let name = "n".repeat(bytes / 2);
        let before = format!("{{\"flow\":{{\"{name}\":{{\"action\":\"hangup\",");
        filled(bytes, &before, "}}}", |at| format!("\"k{at}\":0"))
    }),
    costly("unknown keys in Start", |bytes| {
        let before =
            "{\"flow\":{\"F1\":{\"action\":\"hangup\"},\"Start\":{\"subflow\":{\"F1\":{}},";
        filled(bytes, before, "}}}", |at| format!("\"k{at}\":1"))
    }),
    too_much("a flood of nodes", "a script may have 20000", |bytes| {
        filled(bytes, "{\"flow\":{", "}}", |at| format!("\"{at}\":{{}}"))
    }),
    costly("20,000 nodes", |bytes| {
        let words = "слово ".repeat(bytes / 20_000 / 16);
        let node =
            |at| format!("\"N{at}\":{{\"action\":\"playback\",\"playbacks\":[\"{words}\"]}}");
        let nodes: Vec<_> = (0..19_999).map(node).collect();
        format!("{{\"flow\":{{\"Start\":{{\"subflow\":{{\"N0\":{{}}}}}},{}}}}}", nodes.join(","))
            .into()
    }),
    too_much("edges to nodes that are not there", "which is no node", |bytes| {
        let nodes: String = (0..19_000).map(|at| format!("\"N{at}\":{{}},")).collect();
        let before = format!("{{\"flow\":{{{nodes}\"F1\":{{\"subflow\":{{");
        filled(bytes, &before, "}}}}", |at| format!("\"X{at}\":{{}}"))
    }),
    too_much("links to nodes that are not there", "which is no node", |bytes| {
        let nodes: String = (0..19_000).map(|at| format!("\"N{at}\":{{}},")).collect();
        let before = format!("{{\"flow\":{{{nodes}\"F1\":{{\"globalflow\":\"");
        filled(bytes, &before, "\"}}}", |at| format!("X{at}"))
    }),
    wrong("links to categories that are not there", "is no knowledge category", |bytes| {
        filled(bytes, "{\"flow\":{\"F1\":{\"kb\":[", "]}}}", |at| format!("\"X{at}\""))
    }),
    too_much("a flood of keywords", "a script may have 200000", |bytes| {
        keywords(bytes, "", |at| format!("w{at}"))
    }),
    costly("as many keywords as a script may have", |bytes| {
        keywords(bytes.min(199_000 * 21), "", |at| {
            let mut scatter = Scatter(at as u64);
            (0..6).map(|_| scatter.sign(0x4E00, 3_000)).collect()
        })
    }),
    costly("keywords of signs from all of Unicode", |bytes| {
        keywords(bytes / 2, "", |at| {
            let mut dice = Scatter(at as u64);
            (0..15).map(|_| dice.sign(0x1_0000, 0x2_0000)).collect()
        })
    }),
    wrong("keywords longer and longer", "a keyword may have", |bytes| {
        keywords(bytes, "", |at| "a".repeat(at + 500))
    }),
    costly("keywords that are nearly in one another", |bytes| {
        keywords(bytes / 2, "", |at| {
            let (before, after) = (at / 250 % 250, at % 250);
            format!("{}b{}", "a".repeat(250 - before), "a".repeat(after))
        })
    }),
    too_much("long keywords", "too many bytes", |bytes| {
        keywords(bytes, "", |at| format!("{at:0>100}"))
    }),
    too_much("one keyword", "too many bytes", |bytes| keywords(bytes, "", |_| "a".repeat(bytes))),
    too_much("a keyword of braces", "too many bytes", |bytes| {
        keywords(bytes, "", |_| "{".repeat(bytes))
    }),
    too_much("a keyword of quantifiers", "too many bytes", |bytes| {
        keywords(bytes, "", |_| "a{1}".repeat(bytes / 4))
    }),
    too_much("a keyword of brackets", "too many bytes", |bytes| {
        keywords(bytes, "", |_| "(".repeat(bytes))
    }),
    too_much("a keyword of alternatives", "too many bytes", |bytes| {
        keywords(bytes, "", |_| "a|".repeat(bytes / 2))
    }),
    too_much("empty keywords shared by categories", "a script may have 200000", |bytes| {
        let words = "\"\",".repeat(bytes / 6 - 1);
        let before = format!(
            "{{\"flow\":{{\"F1\":{{}}}},\"prompt\":{{\"P\":{{\"keyworks\":[{words}\"\"]}}}},\"kb\":{{"
        );
        filled(bytes, &before, "}}", |at| format!("\"k{at}\":{{\"prompts\":[\"P\"]}}"))
    }),
    too_much("patterns that repeat repetitions", "patterns", |bytes| {
        keywords(bytes, "", |at| format!("(a{{1,1000}}){{1,1000}}{at}"))
    }),
    too_much("patterns of nested quantifiers", "patterns", |bytes| {
        keywords(bytes, "", |at| format!("((a*)*b*)*{at}"))
    }),
    wrong("patterns of classes", "patterns", |bytes| {
        keywords(bytes, "", |at| format!("\\\\w{{10}}{at}"))
    }),
    too_much("short patterns", "patterns", |bytes| keywords(bytes, "", |at| format!("{at}."))),
    too_much("broken patterns", "patterns", |bytes| {
        keywords(bytes, "", |at| format!("{at}:((((((((((((("))
    }),
    wrong("patterns with look-around", "patterns", |bytes| {
        keywords(bytes, "", |at| format!("(?<!no )(a+a+)+{at}"))
    }),
    wrong("patterns with look-around that repeat", "patterns", |bytes| {
        keywords(bytes, "", |at| format!("(?=a)((x{{1000}}){{1000}}){{1000}}{at}"))
    }),
    too_much("patterns of digits", "patterns", |bytes| {
        let before = "{\"flow\":{\"F1\":{\"subflow\":{\"F1\":{\"condition\":{\"dtmf\":[";
        filled(bytes, before, "]}}}}}}", |at| format!("\"([0-9]{{1,1000}}){{1,1000}}{at}\""))
    }),
    too_much("patterns of completions", "patterns", |bytes| {
        let before = "{\"flow\":{\"F1\":{\"subflow\":{\"F1\":{\"condition\":{\"complete\":[";
        filled(bytes, before, "]}}}}}}", |at| format!("\"(.{{1,1000}}){{1,1000}}{at}\""))
    }),
    wrong("a cycle of synonyms", "name each other", |bytes| {
        let groups = bytes / 32;
        filled(bytes, "{\"flow\":{\"F1\":{}},\"synonym\":{", "}}", |at| {
            format!("\"g{at}\":[\"{{g{}}}\"]", (at + 1) % groups)
        })
    }),
    wrong("synonyms that double in length", "too many words", |_| {
        let groups: Vec<_> =
            (1..64).map(|at| format!("\"g{at}\":[\"{{g{0}}}{{g{0}}}\"]", at - 1)).collect();
        let groups = groups.join(",");
        format!("{{\"flow\":{{\"F1\":{{}}}},\"synonym\":{{\"g0\":[\"xx\"],{groups}}}}}").into()
    }),
    too_much("synonyms that multiply", "too many words", |bytes| {
        let words: Vec<_> = (0..9_000).map(|word| format!("\"w{word}\"")).collect();
        let before =
            format!("{{\"flow\":{{\"F1\":{{}}}},\"synonym\":{{\"g\":[{}],", words.join(","));
        filled(bytes, &before, "}}", |at| format!("\"g{at}\":[\"{{g}}\"]"))
    }),
    too_much("keywords of several groups", "a script may have 200000", |bytes| {
        keywords(bytes, DIGITS, |at| format!("{{d}}{{d}}{{d}}{{d}}{at}"))
    }),
    too_much("keywords of long words", "too many words", |bytes| {
        let word = "w".repeat(bytes / 4);
        let groups = format!("\"d\":[\"{word}1\",\"{word}2\"]");
        keywords(bytes, &groups, |_| "{d}".repeat(12))
    }),
    too_much("patterns of groups", "too many bytes", |bytes| {
        let words: Vec<_> = (0..9_000).map(|word| format!("\"w{word}\"")).collect();
        keywords(bytes, &format!("\"g\":[{}]", words.join(",")), |at| format!("{{g}}.{at}"))
    }),
];

const DIGITS: &str = r#""d":["0","1","2","3","4","5","6","7","8","9"]"#;

/// A script of about so many bytes, whose one edge has these keywords.
fn keywords(bytes: usize, synonyms: &str, keyword: impl Fn(usize) -> String) -> Vec<u8> {
    let mut list = String::with_capacity(bytes);
    let room = bytes.saturating_sub(synonyms.len() + 200);
    for at in 0.. {
        let mut next = keyword(at);
        if list.is_empty() && next.len() > room {
            next.truncate(next.floor_char_boundary(room));
        } else if list.len() + next.len() + 3 > room {
            break;
        }
        if at > 0 {
            list.push(',');
        }
        write!(list, "\"{next}\"").expect("writing to memory can't fail");
    }
    script(synonyms, &list).into()
}

fn script(synonyms: &str, keywords: &str) -> String {
    format!(
        "{{\"synonym\":{{{synonyms}}},\"flow\":{{\"F1\":{{\"action\":\"playback\",\"subflow\":{{\
         \"F1\":{{\"condition\":{{\"text\":[{keywords}],\"complete\":[\"any\"]}}}}}}}}}}}}"
    )
}

/// Pieces with commas between them, as many as fit.
fn filled(bytes: usize, before: &str, after: &str, piece: impl Fn(usize) -> String) -> Vec<u8> {
    let mut file = String::with_capacity(bytes);
    file.push_str(before);
    for at in 0.. {
        let next = piece(at);
        if file.len() + next.len() + after.len() + 1 > bytes {
            break;
        }
        if at > 0 {
            file.push(',');
        }
        file.push_str(&next);
    }
    file.push_str(after);
    file.into()
}

/// Signs that have nothing in common.
struct Scatter(u64);

impl Scatter {
    fn sign(&mut self, first: u32, count: u32) -> char {
        self.0 = (self.0 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        let number = u32::try_from(self.0 % u64::from(count)).expect("it is below count");
        char::from_u32(first + number).unwrap_or('x')
    }
}
