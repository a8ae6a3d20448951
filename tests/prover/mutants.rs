//! Faults, planted by chance into the shipped scripts: how many are found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use telephonist::script::prove::Settings;

use crate::dice::Dice;
use crate::{files, proved, root};

/// Faults of each of the four kinds; `PROVER_MUTANTS=1000` plants a thousand in all.
const EACH: usize = 25;

/// So many of a hundred faults are found.
const FOUND_LEAST: usize = 95;

/// A fault: the script with it, or nothing if this chance planted none.
type Plant = fn(&mut Dice, &mut Value) -> Option<()>;

/// Each kind, and the rules that are about it.
const KINDS: [(&str, Plant, &[&str]); 4] = [
    ("a keyword swallowed", swallow, &["swallowed-edge", "swallowed-keyword", "same-keyword"]),
    ("an edge cut", cut, &["unreachable-node", "dead-end", "no-silence-edge"]),
    ("a loop closed", close, &["loop-without-exit", "silent-loop"]),
    ("a prompt orphaned", orphan, &["orphan-prompt", "orphan-category"]),
];

/// At least 95 of 100 planted faults are found. A change is a fault if a plain look at the script
/// says so, without the prover; what changes nothing that can be proved is counted, too.
#[test]
fn planted_faults_are_found() {
    let scripts: Vec<(String, Value, BTreeSet<String>)> = files(&root().join("flows"), "json")
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            let mut script: Value =
                jsonc_parser::parse_to_serde_value(&text, &Default::default()).unwrap();
            script.as_object_mut().unwrap().remove("check");
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let told = told(&script);
            (name, script, told)
        })
        .collect();
    let each = asked().map_or(EACH, |count| count.div_ceil(KINDS.len()));
    let (mut all, mut all_found) = (0, 0);
    let mut missed = Vec::new();
    for ((kind, plant, rules), seed) in KINDS.iter().zip(1u64..) {
        let mut dice = Dice::from(seed);
        let (mut faults, mut found, mut vain) = (0, 0, 0);
        while faults < each {
            assert!(vain < 100 * each, "{kind}: chance plants no faults");
            let (name, script, before) = &scripts[dice.roll(scripts.len())];
            let mut mutant = script.clone();
            if plant(&mut dice, &mut mutant).is_none() || mutant == *script {
                vain += 1;
                continue;
            }
            faults += 1;
            let told = told(&mutant);
            let is_found =
                |one: &&String| rules.iter().any(|rule| one.starts_with(&format!("{rule} ")));
            if told.difference(before).any(|one| is_found(&one)) {
                found += 1;
            } else {
                missed.push(format!("{kind} in {name}:\n{}", difference(script, &mutant)));
            }
        }
        println!("{kind}: {found} of {faults} found; {vain} changes were no faults");
        (all, all_found) = (all + faults, all_found + found);
    }
    println!("all: {all_found} of {all} found");
    for one in missed.iter().take(5) {
        println!("missed: {one}");
    }
    assert!(all_found * 100 >= all * FOUND_LEAST, "{all_found} of {all}");
}

/// How many faults somebody asks for.
#[expect(clippy::disallowed_methods, reason = "how a test is told what to do")]
fn asked() -> Option<usize> {
    Some(std::env::var("PROVER_MUTANTS").ok()?.parse().expect("a number"))
}

/// Rules and what is said of them.
fn told(script: &Value) -> BTreeSet<String> {
    let text = script.to_string();
    let problems = proved("mutant", &text, &Settings::new()).problems;
    assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:#?}\n{text}");
    let told = problems.iter().filter(|problem| !problem.rule.is_empty());
    told.map(|problem| format!("{} {}", problem.rule, problem.message)).collect()
}

fn difference(before: &Value, after: &Value) -> String {
    let lines = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let (before, after) = (lines(before), lines(after));
    let known: BTreeSet<&str> = before.lines().collect();
    let fresh: Vec<_> = after.lines().filter(|line| !known.contains(line)).take(12).collect();
    fresh.join("\n")
}

/// Puts a part of a keyword into an edge that is tried before.
fn swallow(dice: &mut Dice, script: &mut Value) -> Option<()> {
    let groups = script.get("synonym").cloned().unwrap_or_default();
    let node = any_node(dice, script, |node| node.get("subflow").is_some())?;
    if script["global"].get("nlpurl").is_some() && script["flow"][&node].get("nlpid").is_some() {
        return None; // The NLP service may name any keyword.
    }
    let edges: Vec<String> =
        script["flow"][&node]["subflow"].as_object()?.keys().cloned().collect();
    let at = dice.roll(edges.len());
    let words = texts(&script["flow"][&node]["subflow"][&edges[at]]["condition"]["text"]);
    let word = words.get(dice.roll(words.len().max(1)))?.clone();
    let expanded = match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
        Some(group) => texts(&groups[group]).first()?.clone(),
        None => word,
    };
    if expanded.contains(|c| r"\^$.|?*+()[]{}".contains(c)) || expanded == "any" {
        return None;
    }
    let signs: Vec<char> = expanded.chars().collect();
    let first = dice.roll(signs.len());
    let count = 1 + dice.roll(signs.len() - first);
    let mut piece: String = signs[first..first + count].iter().collect();
    if piece.trim().is_empty() {
        return None;
    }
    piece = piece.trim().to_owned();
    if dice.roll(4) == 0 {
        piece = format!("({piece}|{piece}!)");
    }
    let free = |script: &Value, edge: &str| {
        let repetition = script["flow"][target(edge)].get("repetition");
        repetition.is_none_or(|repetition| repetition == 0)
    };
    let priority = |script: &Value, edge: &str| {
        let priority = script["flow"][&node]["subflow"][edge].get("priority");
        priority.and_then(Value::as_i64).unwrap_or(0)
    };
    let mine = priority(script, &edges[at]);
    let before =
        edges[..at].iter().filter(|edge| free(script, edge) && priority(script, edge) <= mine);
    let before: Vec<_> = before.cloned().collect();
    if !before.is_empty() && dice.roll(3) > 0 {
        let edge = &before[dice.roll(before.len())];
        let condition = script["flow"][&node]["subflow"][edge]["condition"].as_object_mut()?;
        let list = condition.entry("text").or_insert_with(|| json!([]));
        list.as_array_mut()?.insert(0, piece.into());
        return Some(());
    }
    let to = any_node(dice, script, |node| node.get("repetition").is_none())?;
    let edge = json!({ "priority": mine.min(0), "condition": { "text": [piece] } });
    let subflow = script["flow"][&node]["subflow"].as_object_mut()?;
    let old = std::mem::take(subflow);
    subflow.insert(format!("planted:{to}"), edge);
    subflow.extend(old);
    Some(())
}

/// Cuts an edge, or all, or those for silence.
fn cut(dice: &mut Dice, script: &mut Value) -> Option<()> {
    let node = any_node(dice, script, |node| node.get("subflow").is_some())?;
    let subflow = script["flow"][&node]["subflow"].as_object_mut()?;
    match dice.roll(3) {
        0 => subflow.clear(),
        1 => {
            let edge = subflow.keys().nth(dice.roll(subflow.len()))?.clone();
            subflow.shift_remove(&edge);
        }
        _ => {
            for edge in subflow.values_mut() {
                edge.get_mut("condition")?.as_object_mut()?.shift_remove("complete");
            }
        }
    }
    is_broken(script).then_some(())
}

/// A plain look for what a cut edge leaves: a node that nothing leads to, one that leads nowhere, one
/// that hears and has nothing for silence.
fn is_broken(script: &Value) -> bool {
    let flow = script["flow"].as_object().unwrap();
    let mut reached = BTreeSet::new();
    let mut open =
        vec![target(flow["Start"]["subflow"].as_object().unwrap().keys().next().unwrap())];
    while let Some(name) = open.pop() {
        if !reached.insert(name.to_owned()) {
            continue;
        }
        let node = &flow[name];
        open.extend(edges(node).map(|(edge, _)| target(edge)));
        for linked in names(&node["globalflow"]) {
            open.extend(flow.keys().find(|name| **name == linked).map(String::as_str));
        }
        for category in names(&node["kb"]) {
            for prompt in names(&script["kb"][&category]["prompts"]) {
                let to = script["prompt"][&prompt]["switchflow"].as_str().unwrap_or_default();
                open.extend(flow.keys().find(|name| **name == to).map(String::as_str));
            }
        }
        let argument = node["argument"].as_str().unwrap_or_default();
        if node["action"] == "return" {
            open.extend(flow.keys().find(|name| **name == argument).map(String::as_str));
        }
    }
    flow.iter().filter(|(name, _)| *name != "Start").any(|(name, node)| {
        let ends = ["hangup", "return", "transfer", "manual"].map(Value::from);
        let has_text = edges(node).any(|(_, edge)| !texts(&edge["condition"]["text"]).is_empty());
        let has_end =
            edges(node).any(|(_, edge)| !texts(&edge["condition"]["complete"]).is_empty());
        let plays = ["cti_play_and_detect_speech", "playback"].map(Value::from);
        let is_deaf = plays.contains(&node["action"]) && has_text && !has_end;
        let leads_nowhere = edges(node).next().is_none() && !ends.contains(&node["action"]);
        !reached.contains(name) || leads_nowhere || is_deaf
    })
}

/// Leads a node back to itself: all of it, or only silence.
fn close(dice: &mut Dice, script: &mut Value) -> Option<()> {
    let node = any_node(dice, script, |node| {
        let asks = node["action"] == "cti_play_and_detect_speech" || node["action"] == "playback";
        asks && node.get("repetition").is_none() && node.get("subflow").is_some()
    })?;
    let whole = dice.roll(2) == 0;
    let fields = script["flow"][&node].as_object_mut()?;
    if fields.contains_key("notify") {
        return None; // It hands the call over, in whatever circle it goes.
    }
    if whole {
        fields.shift_remove("globalflow");
        fields.shift_remove("kb");
        // It lends the node the ways of those before it.
        fields.shift_remove("sourceflowdepth");
    }
    let old = std::mem::take(fields["subflow"].as_object_mut()?);
    let mut subflow = Map::new();
    let mut is_closed = false;
    for ((name, mut edge), at) in old.into_iter().zip(0..) {
        let own = !texts(&edge["condition"]["complete"]).is_empty();
        if whole {
            subflow.insert(format!("{at}:{node}"), edge);
        } else if own && !is_closed {
            edge["condition"]["complete"] = json!(["any"]);
            edge["priority"] = json!(-9);
            subflow.insert(format!("{at}:{node}"), edge);
            is_closed = true;
        } else {
            // Others that silence could take would lead out.
            edge["condition"].as_object_mut()?.shift_remove("complete");
            subflow.insert(name, edge);
        }
    }
    if !whole && !is_closed {
        subflow.insert(format!("planted:{node}"), json!({ "condition": { "complete": ["any"] } }));
    }
    script["flow"][&node]["subflow"] = Value::Object(subflow);
    Some(())
}

/// Takes a prompt out of every category, or a category out of every node, or adds one for nobody.
fn orphan(dice: &mut Dice, script: &mut Value) -> Option<()> {
    let prompts: Vec<String> = script.get("prompt")?.as_object()?.keys().cloned().collect();
    let prompt = &prompts[dice.roll(prompts.len())];
    match dice.roll(3) {
        0 => {
            for category in script["kb"].as_object_mut()?.values_mut() {
                let list = category["prompts"].as_array_mut()?;
                list.retain(|listed| listed != prompt);
            }
        }
        1 => {
            let categories: Vec<String> = script["kb"].as_object()?.keys().cloned().collect();
            let category = &categories[dice.roll(categories.len())];
            for node in script["flow"].as_object_mut()?.values_mut() {
                let kept: Vec<_> =
                    names(&node["kb"]).into_iter().filter(|c| c != category).collect();
                if node.get("kb").is_some_and(|kb| !kb.is_null()) {
                    node["kb"] = kept.into();
                } else {
                    node.as_object_mut()?.shift_remove("kb");
                }
            }
        }
        _ => {
            let copy = script["prompt"][prompt].clone();
            script["prompt"][format!("{prompt} planted {}", dice.roll(1_000))] = copy;
        }
    }
    Some(())
}

/// One of the nodes that calls reach and that are so.
fn any_node(dice: &mut Dice, script: &Value, fits: impl Fn(&Value) -> bool) -> Option<String> {
    let flow = script["flow"].as_object()?;
    let nodes = flow.iter().filter(|(name, node)| *name != "Start" && fits(node));
    let nodes: Vec<&String> = nodes.map(|(name, _)| name).collect();
    (!nodes.is_empty()).then(|| nodes[dice.roll(nodes.len())].clone())
}

fn target(edge: &str) -> &str {
    edge.rsplit_once(':').map_or(edge, |(_, target)| target)
}

fn edges(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.get("subflow").and_then(Value::as_object).into_iter().flatten()
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|text| Some(text.as_str()?.to_owned())).collect()
}

fn names(value: &Value) -> Vec<String> {
    match value.as_str() {
        Some(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        None => texts(value),
    }
}

/// Chance is the same on every machine, or a fault that is missed could not be looked at again.
#[test]
fn chance_repeats_itself() {
    let planted = |seed: u64| {
        let mut script = json!({
            "kb": { "k": { "prompts": ["a", "b", "c"] } },
            "flow": {},
            "prompt": { "a": {}, "b": {}, "c": {} }
        });
        orphan(&mut Dice::from(seed), &mut script).map(|()| script.to_string())
    };
    let counted: BTreeMap<_, _> = (0..20).map(|seed| (seed, planted(seed))).collect();
    assert!((0..20).all(|seed| planted(seed) == counted[&seed]));
    assert!(counted.values().flatten().collect::<BTreeSet<_>>().len() > 2);
}
