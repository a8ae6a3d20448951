//! A simulated call as data: it can be played again, and made smaller.

use serde_json::Value;

use crate::dice::Dice;
use crate::scripts;

/// Steps of one call.
const STEPS: usize = 60;

/// A script and what happens in a call to it. Every step is a seed of its own, so that a step does
/// the same whether or not the one before it is taken out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) script: Value,
    pub(crate) steps: Vec<Dice>,
}

impl Case {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let script = scripts::script(&mut dice);
        let steps = (0..STEPS).map(|_| dice.fork()).collect();
        Self { script, steps }
    }
}
