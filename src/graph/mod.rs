//! A script as a picture: Mermaid, DOT or SVG. Pure: it is given a script and counts, and gives text.
//!
//! What a script holds is data (N10): each writer has one function that escapes it, and takes the
//! names of what it draws from places in the script, never from the script's words.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod dot;
mod groups;
mod layers;
mod layout;
mod mermaid;
mod model;
mod shape;
mod svg;
mod text;
mod traffic;

pub use model::Graph;
pub use traffic::Passage;
