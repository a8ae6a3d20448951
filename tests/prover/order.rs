//! Keywords that are said to be swallowed, held against a plain reading of E50: every text of few
//! letters, every order.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use telephonist::script::prove::Settings;

use crate::dice::Dice;
use crate::proved;

/// Scripts that are made by chance.
const SCRIPTS: u64 = 400;

/// Texts are tried up to this many letters of two: 126 of them.
const LETTERS_MAX: usize = 6;

/// An edge, a global node or a prompt.
struct Owner {
    /// Noise apart, the order of E50: own edges and global nodes, knowledge base.
    step: usize,
    priority: i64,
    /// Own before global.
    tier: usize,
    repetition: bool,
    words: Vec<String>,
    /// The line of its name, and those of its keywords.
    line: usize,
    lines: Vec<usize>,
}

/// Nothing is said of a keyword that some text finds (E50), and all is said of those that none does.
#[test]
fn what_is_swallowed_answers_no_text() {
    let texts = texts();
    let (mut dead_keywords, mut told_keywords) = (0, 0);
    for seed in 0..SCRIPTS {
        let mut owners = owners(&mut Dice::from(seed));
        let script = written(&mut owners);
        let proved = proved("chance", &script, &Settings::new());
        let lines = |rules: &[&str]| -> BTreeSet<usize> {
            let told = proved.problems.iter().filter(|problem| rules.contains(&problem.rule));
            told.map(|problem| problem.line).collect()
        };
        let whole = lines(&["swallowed-edge", "swallowed-node", "swallowed-prompt"]);
        let single = lines(&["swallowed-keyword", "same-keyword", "redundant-keyword"]);
        for (owner, at) in owners.iter().zip(0..) {
            for (word, nth) in owner.words.iter().zip(0..) {
                let answers = |text: &&String| first(&owners, text, at) == Some((at, nth));
                let answered = texts.iter().find(answers);
                let is_told = whole.contains(&owner.line) || single.contains(&owner.lines[nth]);
                dead_keywords += usize::from(answered.is_none());
                told_keywords += usize::from(is_told);
                assert!(
                    !is_told || answered.is_none(),
                    "seed {seed}: \"{word}\" answers {answered:?}\n{script}{:#?}",
                    proved.problems
                );
                assert!(
                    is_told || answered.is_some(),
                    "seed {seed}: \"{word}\" answers nothing, and nobody says so\n{script}"
                );
            }
        }
    }
    println!("{told_keywords} of {dead_keywords} keywords that answer nothing were told");
    assert!(told_keywords > 300);
}

/// The keyword that answers a text. Of what can be used up only the owner `asked` for is left: so it
/// is when the others are.
fn first(owners: &[Owner], text: &str, asked: usize) -> Option<(usize, usize)> {
    let owners = owners.iter().zip(0..).filter(|(owner, at)| !owner.repetition || *at == asked);
    let words = owners.flat_map(|(owner, at)| {
        let rank = (owner.step, owner.priority, owner.tier, at);
        owner.words.iter().zip(0..).map(move |(word, nth)| (rank, nth, word))
    });
    let found = words.filter(|(.., word)| text.contains(word.as_str())).min();
    found.map(|((.., at), nth, _)| (at, nth))
}

fn texts() -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..LETTERS_MAX {
        last = last.iter().flat_map(|text| [format!("{text}a"), format!("{text}b")]).collect();
        all.extend(last.iter().cloned());
    }
    all
}

fn owners(dice: &mut Dice) -> Vec<Owner> {
    let count = 2 + dice.roll(4);
    let mut owners: Vec<Owner> = (0..count)
        .map(|at| {
            let words = (0..1 + dice.roll(2)).map(|_| word(dice)).collect();
            // The order in the list is that of the file: edges, global nodes, prompts.
            let kind = if at < count - 2 { 0 } else { dice.roll(3) };
            Owner {
                step: usize::from(kind == 2),
                priority: if kind == 2 { 0 } else { [0, 0, 0, -1, 1][dice.roll(5)] },
                tier: usize::from(kind == 1),
                repetition: dice.roll(8) == 0,
                words,
                line: 0,
                lines: Vec::new(),
            }
        })
        .collect();
    owners.sort_by_key(|owner| (owner.step, owner.tier));
    owners
        .iter_mut()
        .filter(|owner| owner.tier > 0)
        .zip(1..)
        .for_each(|(owner, tier)| owner.tier = tier);
    owners
}

fn word(dice: &mut Dice) -> String {
    (0..1 + dice.roll(3)).map(|_| ["a", "b"][dice.roll(2)]).collect()
}

/// The script, each keyword on a line of its own.
fn written(owners: &mut [Owner]) -> String {
    let mut text = String::from(
        "{ \"version\": 3, \"flow\": {\n\"Start\": { \"subflow\": { \"ask\": {} } },\n",
    );
    let mut line = 3;
    let mut add = |text: &mut String, part: &str| {
        text.push_str(part);
        text.push('\n');
        line += 1;
        line - 1
    };
    let kinds: Vec<(usize, usize)> = owners.iter().map(|owner| (owner.step, owner.tier)).collect();
    let is_own = |at: usize| kinds[at] == (0, 0);
    let is_global = |at: usize| kinds[at].1 > 0;
    let globals: Vec<_> =
        (0..owners.len()).filter(|at| is_global(*at)).map(|at| format!("\"g{at}\"")).collect();
    let has_kb = kinds.iter().any(|(step, _)| *step == 1);
    let kb = if has_kb { "\"kb\": \"k\", " } else { "" };
    add(
        &mut text,
        &format!(
            "\"ask\": {{ \"action\": \"cti_play_and_detect_speech\", {kb}\"globalflow\": [{}], \"subflow\": {{",
            globals.join(", ")
        ),
    );
    let words =
        |text: &mut String, owner: &mut Owner, add: &mut dyn FnMut(&mut String, &str) -> usize| {
            let count = owner.words.len();
            owner.lines = owner
                .words
                .iter()
                .zip(1..)
                .map(|(word, nth)| {
                    add(text, &format!("\"{word}\"{}", if nth < count { "," } else { "" }))
                })
                .collect();
        };
    for (owner, at) in owners.iter_mut().zip(0..).filter(|(_, at)| is_own(*at)) {
        let open = format!(
            "\"t{at}\": {{ \"priority\": {}, \"condition\": {{ \"text\": [",
            owner.priority
        );
        owner.line = add(&mut text, &open);
        words(&mut text, owner, &mut add);
        add(&mut text, "] } },");
    }
    add(&mut text, "\"bye\": { \"condition\": { \"complete\": [\"any\"] } } } },");
    for (owner, at) in owners.iter_mut().zip(0..).filter(|(_, at)| is_global(*at)) {
        let repetition = u8::from(owner.repetition);
        owner.line = add(
            &mut text,
            &format!(
                "\"g{at}\": {{ \"action\": \"hangup\", \"global\": true, \"repetition\": {repetition}, \"priority\": {}, \"condition\": {{ \"text\": [",
                owner.priority
            ),
        );
        words(&mut text, owner, &mut add);
        add(&mut text, "] } },");
    }
    for (owner, at) in owners.iter().zip(0..).filter(|(_, at)| is_own(*at)) {
        let repetition = u8::from(owner.repetition);
        add(
            &mut text,
            &format!("\"t{at}\": {{ \"action\": \"hangup\", \"repetition\": {repetition} }},"),
        );
    }
    add(&mut text, "\"bye\": { \"action\": \"hangup\" } }");
    if has_kb {
        let prompts: Vec<_> = (0..kinds.len())
            .filter(|at| kinds[*at].0 == 1)
            .map(|at| format!("\"p{at}\""))
            .collect();
        add(
            &mut text,
            &format!(
                ", \"kb\": {{ \"k\": {{ \"prompts\": [{}] }} }}, \"prompt\": {{",
                prompts.join(", ")
            ),
        );
        let mut comma = "";
        for (owner, at) in owners.iter_mut().zip(0..).filter(|(_, at)| kinds[*at].0 == 1) {
            let repetition = u8::from(owner.repetition);
            let mut open = String::new();
            write!(open, "{comma}\"p{at}\": {{ \"repetition\": {repetition}, \"playbacks\": [\"!\"], \"keyworks\": [").unwrap();
            owner.line = add(&mut text, &open);
            words(&mut text, owner, &mut add);
            add(&mut text, "] }");
            comma = ",";
        }
        add(&mut text, "}");
    }
    add(&mut text, "}");
    text
}
