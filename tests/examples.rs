//! The seven published rows come out of `flows/loan.json`, field by field (E93).
//!
//! `tests/data/examples.json` holds the rows as published. Exempt are the times and ids that every
//! call has for itself; keys that a sample leaves out are not compared.

#![expect(clippy::unwrap_used, reason = "a test that can't read its own data has failed")]

#[path = "support/conversation.rs"]
mod conversation;

use conversation::{Conversation, load};
use serde_json::Value;
use telephonist::engine::{EndReason, Row};

/// The name under which the published rows have the script.
const NAME: &str = "debug/905ee60c2703a80d318ed17b7eeee75d";
/// What every call has for itself.
const EXEMPT: [&str; 4] = ["createtime", "input_start_time", "callid", "current_appid"];

/// E93, E15: the call begins.
#[test]
fn create() {
    assert_published("CREATE", call().row());
}

/// E93, E43: the row has sequence 2: the caller had asked something before.
#[test]
fn sentence_matched() {
    let mut call = call();
    call.say_for("F利息多少?", 1_200);
    call.say_for("F有的。", 1_439);
    assert_published("sentence matched", call.row());
}

/// E93, E65: the knowledge base answers.
#[test]
fn knowledge_base() {
    let mut call = call();
    call.say_for("F公司。", 1_581);
    assert_published("knowledge base", call.row());
}

/// E93, E71: the row of the return itself.
#[test]
fn return_node_of_a_global_flow() {
    let mut call = call();
    call.say_for("F听不清。", 2_220);
    let [.., returned, _] = &call.rows[..] else { panic!("two rows: the return and its FLOWID") };
    assert_published("return node of a global flow", returned);
}

/// E93, E71: the row of the node re-entered.
#[test]
fn flowid_after_the_return() {
    let mut call = call();
    call.say_for("F听不清。", 2_220);
    assert_published("FLOWID after the return", call.row());
}

/// E93, E75: the node that ends the call.
#[test]
fn hangup_after_done() {
    let mut call = call();
    call.say_for("F不需要。", 900);
    call.complete("DONE()");
    assert_published("hangup after DONE", call.row());
}

/// E93, E16: the last row.
#[test]
fn destory() {
    let mut call = call();
    call.say_for("F不需要。", 900);
    call.complete("DONE()").end(EndReason::Hangup);
    assert_published("DESTORY", call.row());
}

fn call() -> Conversation {
    Conversation::with(&load(NAME, include_str!("../flows/loan.json")))
}

/// Compares a row with the published one of that name.
fn assert_published(name: &str, row: &Row) {
    let published: Vec<Value> = serde_json::from_str(include_str!("data/examples.json")).unwrap();
    let sample = published.iter().find(|sample| sample["name"] == name).unwrap();
    let ours = row.to_json();
    let compared: Vec<_> = sample["row"].as_object().unwrap().iter().collect();
    assert!(compared.len() > EXEMPT.len(), "the sample has columns to compare");
    for (column, value) in compared {
        if !EXEMPT.contains(&column.as_str()) {
            assert_eq!(ours.get(column), Some(value), "column {column} of {name}");
        }
    }
}
