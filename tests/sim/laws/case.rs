//! A simulated call as data: it can be played again, and made smaller.

use serde_json::Value;

use super::dice::Dice;
use super::scripts;

/// Steps of one call.
const STEPS: usize = 60;

/// A script and what happens in a call to it. Every step has dice of its own, so that a step does
/// the same whether or not the one before it is taken out.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) script: Value,
    pub(crate) steps: Vec<Dice>,
}

/// The call of a seed.
impl From<u64> for Case {
    fn from(seed: u64) -> Self {
        Self::new(Dice::from(seed))
    }
}

/// The call that is written down in bytes.
impl From<&[u8]> for Case {
    fn from(bytes: &[u8]) -> Self {
        Self::new(Dice::from(bytes))
    }
}

impl Case {
    fn new(mut dice: Dice) -> Self {
        let script = scripts::script(&mut dice);
        let steps = (0..STEPS).map_while(|_| dice.fork()).collect();
        Self { script, steps }
    }
}
