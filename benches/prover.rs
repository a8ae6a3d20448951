//! How long a large script takes to be proved: a thousand nodes, twenty thousand keywords. The
//! program prints its own table; see benches/README.md.
use std::fmt::Write as _;
use std::time::Duration;

use telephonist::script::load;
use telephonist::script::prove::{Settings, prove};

/// Characters that words are made of: so few that many words are in one another.
const SIGNS: [char; 24] = [
    '要', '不', '贷', '款', '钱', '想', '好', '行', '没', '有', '利', '息', 'д', 'а', 'н', 'е',
    'т', 'о', 'к', 'г', 'ж', 'п', 'у', 'м',
];

fn main() {
    println!("| script | MB | load, ms | prove, ms | findings |");
    println!("|---|--:|--:|--:|--:|");
    for (name, nodes, per_node, shared, length, loud) in [
        ("1,000 nodes, 20,000 keywords on their edges", 1_000, 20, 0, 4, false),
        ("1,000 nodes that share 10,000 of 20,000 keywords", 1_000, 10, 10_000, 5, false),
        ("the same, of short words: most are in one another", 1_000, 10, 10_000, 3, false),
        ("the same, and one letter at every node is in all of them", 1_000, 10, 10_000, 3, true),
        ("5,000 nodes, 100,000 keywords", 5_000, 20, 0, 5, false),
    ] {
        let text = script(nodes, per_node, shared, length, loud);
        let start = processor_time();
        let (script, problems) = load("bench", "bench.json", text.as_bytes());
        let loaded = processor_time() - start;
        assert!(script.is_some(), "{}", problems[0]);
        let start = processor_time();
        let proved = prove(script.as_deref(), ("bench.json", &text), problems, &Settings::new());
        let took = processor_time() - start;
        println!(
            "| {name} | {:.1} | {} | {} | {} |",
            text.len() as f64 / 1e6,
            loaded.as_millis(),
            took.as_millis(),
            proved.problems.len()
        );
    }
}

/// What this thread has had of a processor: other work on the machine is not counted as waiting.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let ns = text.split(' ').next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(ns.expect("a number of nanoseconds"))
}

/// A chain of nodes, each with ways back and on, a global node and the shared knowledge base.
fn script(nodes: usize, per_node: usize, shared: usize, length: usize, loud: bool) -> String {
    let mut chance = 1_u64;
    let mut word = || {
        let mut word = String::from(if loud { "я" } else { "" });
        for _ in 0..length {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            word.push(SIGNS[(chance >> 33) as usize % SIGNS.len()]);
        }
        word
    };
    let mut words = |count: usize| -> String {
        let all: Vec<_> = (0..count).map(|_| format!("\"{}\"", word())).collect();
        all.join(", ")
    };
    let mut text = String::from("{ \"flow\": { \"Start\": { \"subflow\": { \"n0\": {} } },\n");
    for at in 0..nodes {
        let kb = if shared > 0 { "\"kb\": \"all\", " } else { "" };
        let letter = if loud { "\"я\", " } else { "" };
        let (half, rest) = (words(per_node / 2), words(per_node - per_node / 2));
        writeln!(
            text,
            "\"n{at}\": {{ \"action\": \"cti_play_and_detect_speech\", {kb}\"globalflow\": \"again\", \
             \"playbacks\": [\"?\"], \"subflow\": {{ \"on:n{}\": {{ \"condition\": {{ \"text\": [{letter}{half}] }} }}, \
             \"back:n{}\": {{ \"condition\": {{ \"text\": [{rest}] }} }}, \
             \"bye\": {{ \"condition\": {{ \"complete\": [\"any\"] }} }} }} }},",
            (at + 1) % nodes,
            at / 2,
        )
        .expect("writing to memory can't fail");
    }
    text.push_str(
        "\"again\": { \"action\": \"return\", \"global\": true, \"condition\": { \"text\": [\"повтори\"] } },\n\
         \"bye\": { \"action\": \"hangup\" } }",
    );
    if shared > 0 {
        let prompts = shared / 10;
        let names: Vec<_> = (0..prompts).map(|at| format!("\"p{at}\"")).collect();
        write!(
            text,
            ",\n\"kb\": {{ \"all\": {{ \"prompts\": [{}] }} }}, \"prompt\": {{",
            names.join(", ")
        )
        .expect("writing to memory can't fail");
        for at in 0..prompts {
            let comma = if at == 0 { "" } else { "," };
            write!(
                text,
                "{comma}\n\"p{at}\": {{ \"keyworks\": [{}], \"playbacks\": [\"!\"] }}",
                words(10)
            )
            .expect("writing to memory can't fail");
        }
        text.push('}');
    }
    text.push('}');
    text
}
