//! A simulated call, decided by dice or by bytes, and the laws it is held to.

mod call;
mod case;
#[path = "../../support/dice.rs"]
mod dice;
mod line;
mod restored;
pub(crate) mod scripts;
mod services;
mod turns;

pub(crate) use call::{flow_call, whole_call};
pub(crate) use case::Case;
pub(crate) use restored::restored;
pub(crate) use turns::turn;
