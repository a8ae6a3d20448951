//! Our own ears and mouth: what one call hears and says where a switch brings its audio to us. Pure:
//! it is given frames, orders and results, and says what to send, to ask and to tell.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod asked;
mod ear;
mod ledger;
mod machine;
mod mouth;
mod tape;
#[cfg(test)]
mod tests;

pub use asked::{Delivery, FromRecogniser, Hearing, SentenceId, ToRecogniser, Wanted};
pub use ledger::{Ledger, TurnLatency};
pub use machine::{Output, Ticket, Voice};
