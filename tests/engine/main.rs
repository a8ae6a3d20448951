//! The conversation of one call, rule by rule (spec ids in the doc comments).
//!
//! A test builds a small script, plays the caller and the switch, and reads the rows as lines:
//! `sequence node INPUT args | METHOD keyword | RESPONSE id xrepetition`. Every step of every test
//! also holds the laws in `support/conversation.rs`.

#[path = "../support/conversation.rs"]
mod conversation;
mod play;

mod actions;
mod branch;
mod classify;
mod collect;
mod complete;
mod counters;
mod digits;
mod explain;
mod hang_up;
mod http;
mod jumps;
mod knowledge;
mod matching;
mod nlp;
mod noise;
mod notice;
mod partials;
mod start_and_end;
