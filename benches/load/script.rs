//! The script that all calls follow: one question, 5,000 keywords, and no end but the caller's.

use serde_json::{Map, Value, json};

/// One keyword in so many stands on an edge, the others in the knowledge base.
const EDGE_SHARE: usize = 10;
const KEYWORDS_PER_PROMPT: usize = 20;

/// The script with so many keywords; its version shows in the CREATE row.
pub(crate) fn script(version: u32, keywords: usize) -> String {
    let words: Vec<String> = (0..keywords).map(keyword).collect();
    let (edges, known) = words.split_at(keywords / EDGE_SHARE);
    let prompts = known.chunks(KEYWORDS_PER_PROMPT).enumerate().map(|(at, words)| {
        let prompt = json!({
            "name": "answer", "keyworks": words, "playbacks": ["prompt.wav"],
            "ignorereturnplayback": 1,
        });
        (format!("P{at}"), prompt)
    });
    let prompts: Map<String, Value> = prompts.collect();
    json!({
        "version": version.to_string(),
        "flow": { "F1": {
            "action": "cti_play_and_detect_speech",
            "description": "question",
            "playbacks": ["prompt.wav"],
            "mismatchplaybacks": ["prompt.wav"],
            "mismatchrepetition": 1000,
            "kb": "all",
            "subflow": { "F1": { "condition": { "text": edges, "complete": ["any"] } } },
        } },
        "kb": { "all": { "prompts": prompts.keys().collect::<Vec<_>>() } },
        "prompt": prompts,
    })
    .to_string()
}

/// A sentence with a keyword in the middle.
pub(crate) fn sentence(number: usize) -> String {
    let keyword = keyword(number);
    if number.is_multiple_of(2) {
        format!("您好{keyword}谢谢")
    } else {
        format!("здравствуйте {keyword} спасибо")
    }
}

/// Chinese and Russian by turns; no keyword holds another.
fn keyword(number: usize) -> String {
    const SIGNS: [char; 10] = ['天', '地', '玄', '黄', '宇', '宙', '洪', '荒', '日', '月'];
    const SYLLABLES: [&str; 10] = ["ба", "ве", "ги", "до", "жу", "за", "ке", "ли", "мо", "ну"];
    let digits = format!("{number:05}");
    let digits = digits.bytes().map(|digit| usize::from(digit - b'0'));
    if number.is_multiple_of(2) {
        digits.map(|digit| SIGNS[digit]).collect()
    } else {
        digits.map(|digit| SYLLABLES[digit]).collect()
    }
}
