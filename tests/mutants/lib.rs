//! What decides, alone.

pub mod engine;
pub mod script;
pub mod turn;

pub mod switch {
    pub mod simulated;
}
