//! What callers said and nothing matched, and the keywords that would have.

mod mine;
mod patch;
mod propose;
mod trial;
mod words;

pub use mine::{Mine, Unmatched, Way, WayKind};
pub use patch::{Edit, Place, apply, diff, edits};
pub use propose::{Proposal, propose};
pub use trial::{Gain, Trial};
