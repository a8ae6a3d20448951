//! telephonist talks to callers: it stands beside a telephone switch, follows a robot script and
//! writes down what was said.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod engine;
pub mod graph;
pub mod media;
pub mod pii;
pub mod replay;
pub mod script;
pub mod speech;
pub mod store;
pub mod switch;
pub mod turn;
pub mod voice;
pub mod web;
pub mod wire;
