//! The caller of `demo`, `talk` and `rehearse`: a line and a caller in virtual time, nothing else.

mod caller;
mod line;
mod player;
mod rehearsal;
mod run;

pub use caller::Act;
pub use player::{Deed, Happened, Moment, Player};
pub use rehearsal::{Fault, Rehearsal, Step};
pub(crate) use run::BEGIN;
pub use run::{Difference, rehearse};
