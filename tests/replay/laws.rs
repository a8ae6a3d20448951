//! The simulated calls of tests/sim.

#[expect(dead_code, reason = "tests/sim uses the rest")]
#[path = "../sim/laws/call.rs"]
mod call;
#[path = "../sim/laws/case.rs"]
mod case;
#[path = "../support/dice.rs"]
pub(crate) mod dice;
#[path = "../sim/laws/line.rs"]
mod line;
#[expect(dead_code, reason = "tests/sim uses the rest")]
#[path = "../sim/laws/scripts.rs"]
pub(crate) mod scripts;
#[path = "../sim/laws/services.rs"]
mod services;

pub(crate) use call::whole_call;
pub(crate) use case::Case;
