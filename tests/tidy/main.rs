//! The laws of the tree that no compiler holds: who may know whom, and that what lies beside the
//! code fits it. Each check is a function over text, shown to fail on a text that breaks its law.
#![expect(clippy::unwrap_used, reason = "a test that can't go on says so by panicking")]

mod architecture;
mod code;
mod papers;
mod rules;
mod rust;
mod sql;
mod tree;
