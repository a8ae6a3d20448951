//! Decisions per second: one sentence in, its row and its action out (E52).
//!
//! The cost of a decision must not grow with the script, so the same call is held with scripts of
//! 100, 5,000 and 100,000 keywords, half of them Chinese and half Russian.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use telephonist::engine::{Call, Heard, Input, Now, Robot};
use telephonist::script::{self, Script};

const SIZES: [usize; 3] = [100, 5_000, 100_000];
/// So many different sentences that no cache of a processor holds the way through all of them.
const TEXTS: usize = 4_096;
/// One keyword in so many stands on an edge, the others in the knowledge base.
const EDGE_SHARE: usize = 10;
const KEYWORDS_PER_PROMPT: usize = 20;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut measured = Vec::new();
    let mut group = criterion.benchmark_group("decisions");
    group.throughput(Throughput::Elements(1));
    for size in SIZES {
        let keywords = Words::new(1).take(size);
        let script = script_of(&keywords);
        let texts = texts_about(&keywords);
        let whole = Cell::new((Duration::ZERO, 0));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|count| {
                let took = decide(&script, &texts, count);
                let (before, decisions) = whole.get();
                whole.set((before + took, decisions + count));
                took
            });
        });
        let (took, decisions) = whole.get();
        if decisions > 0 {
            measured.push((size, took.div_f64(decisions as f64)));
        }
    }
    group.finish();
    criterion.final_summary();
    print_ratio(&measured);
}

/// Holds one call for `count` sentences, and takes every row and command of it.
#[expect(clippy::disallowed_methods, reason = "a benchmark is there to read the clock")]
fn decide(script: &Arc<Script>, texts: &[Input], count: u64) -> Duration {
    let mut now = Now::default();
    let call = Call {
        callid: "dfd3585d-1209-4c69-bb5f-777a48a66321".into(),
        variables: Vec::new(),
        event_after_hangup: true,
        explain: false,
    };
    let mut robot = Robot::new(call, Arc::clone(script), now);
    while robot.next_command().is_some() {}
    let begun = Instant::now();
    for (text, _) in texts.iter().cycle().zip(0..count) {
        now = now.plus_ms(1);
        robot.handle(text.clone(), now);
        while let Some(command) = robot.next_command() {
            black_box(command);
        }
    }
    begun.elapsed()
}

/// The mean over everything measured: the shortest samples find their few texts in the cache.
fn print_ratio(measured: &[(usize, Duration)]) {
    for (size, each) in measured {
        eprintln!("{size:>7} keywords: {:>8.0} decisions/s", 1.0 / each.as_secs_f64());
    }
    if let ([(_, small), ..], [.., (_, large)]) = (measured, measured) {
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        eprintln!("largest to smallest: {ratio:.2} times the time");
    }
}

/// A node that every keyword leads back to: by its edges, or by an answer from the knowledge base.
fn script_of(keywords: &[String]) -> Arc<Script> {
    let (edges, known) = keywords.split_at(keywords.len() / EDGE_SHARE);
    let prompts = known.chunks(KEYWORDS_PER_PROMPT).enumerate().map(|(at, words)| {
        let prompt = serde_json::json!({
            "name": "答案", "keyworks": words, "playbacks": ["请稍等。"], "potential": "1",
        });
        (format!("P{at}"), prompt)
    });
    let prompts: serde_json::Map<_, _> = prompts.collect();
    let script = serde_json::json!({
        "version": 3,
        "flow": { "F1": {
            "action": "cti_play_and_detect_speech",
            "description": "问题",
            "playbacks": ["请问你需要什么?"],
            "kbplaybacks": ["还有别的问题吗?"],
            "mismatchplaybacks": ["没听明白。"],
            "kb": "all",
            "subflow": { "F1": {
                "id": "yes", "weight": 1, "condition": { "text": edges, "complete": ["any"] },
            } },
        } },
        "kb": { "all": { "prompts": prompts.keys().collect::<Vec<_>>() } },
        "prompt": prompts,
    });
    let (script, problems) = script::load("bench", "bench.json", script.to_string().as_bytes());
    script.unwrap_or_else(|| panic!("the script has errors: {problems:?}"))
}

/// Sentences of a few words; three in four have a keyword of the script in the middle.
fn texts_about(keywords: &[String]) -> Vec<Input> {
    let mut words = Words::new(2);
    let mut text = |at: usize| {
        let is_chinese = at.is_multiple_of(2);
        let keyword = keywords[words.dice.roll(keywords.len() / 2) * 2 + at % 2].clone();
        let keyword = if at % 8 < 6 { keyword } else { words.word(is_chinese) };
        let (before, after) = (words.word(is_chinese), words.word(is_chinese));
        let blank = if is_chinese { "" } else { " " };
        Input::Text(Heard {
            appid: None,
            text: format!("F{before}{blank}{keyword}{blank}{after}。").into(),
            start: Now::default().wall,
            duration_ms: 1_400,
            play_time_ms: 0,
            record: "".into(),
        })
    };
    (0..TEXTS).map(&mut text).collect()
}

/// Makes up words, Chinese and Russian by turns.
struct Words {
    dice: Dice,
}

impl Words {
    fn new(seed: u64) -> Self {
        Self { dice: Dice(seed) }
    }

    /// So many different words.
    fn take(&mut self, count: usize) -> Vec<String> {
        let mut known = BTreeSet::new();
        let mut words = Vec::with_capacity(count);
        while words.len() < count {
            let word = self.word(words.len().is_multiple_of(2));
            if known.insert(word.clone()) {
                words.push(word);
            }
        }
        words
    }

    fn word(&mut self, is_chinese: bool) -> String {
        if is_chinese {
            // The commonest part of the block of unified ideographs, two to four signs.
            let length = 2 + self.dice.roll(3);
            let sign = |dice: &mut Dice| char::from_u32(0x4E00 + dice.roll(3_000) as u32);
            (0..length).filter_map(|_| sign(&mut self.dice)).collect()
        } else {
            let syllables = 2 + self.dice.roll(3);
            let letter = |dice: &mut Dice, from: &str| {
                from.chars().nth(dice.roll(from.chars().count())).unwrap_or('а')
            };
            let mut word = String::new();
            for _ in 0..syllables {
                word.push(letter(&mut self.dice, "бвгдклмнпрст"));
                word.push(letter(&mut self.dice, "аеиоуыэя"));
            }
            word
        }
    }
}

/// SplitMix64: the same words on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % sides
    }
}
