//! telephonist talks to callers: it stands beside a telephone switch, follows a robot script and
//! writes down what was said.

pub mod config;
pub mod engine;
pub mod switch;
pub mod turn;
