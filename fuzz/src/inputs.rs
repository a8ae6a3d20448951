//! A call, decided by bytes: the script, what the caller does, what the switch does with it.

use crate::dice::Dice;
use crate::{call, robot, scripts};

/// Holds the call, as a switch sees it and as the engine alone does, with the laws after every step.
pub(crate) fn hold(bytes: &[u8]) {
    let mut dice = Dice::from(bytes);
    let script = scripts::script(&mut dice);
    call::hold(&script, dice.clone());
    robot::restore(&script, dice);
}
