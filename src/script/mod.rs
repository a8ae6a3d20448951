//! The script file → a `Script`, or every complaint at once. Pure: it is given bytes.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod args;
mod check;
mod collect;
mod complete;
mod digits;
mod format;
mod graph;
mod json;
mod keyword;
mod knowledge;
mod matcher;
mod model;
mod node;
mod noise;
mod normal;
mod outline;
mod pattern;
mod problem;
pub mod prove;
mod raw;
mod rules;
pub mod schema;
mod services;
mod template;

pub use args::{ArgFault, INTERRUPT_BITS, SpeechArgs, split_quoted};
pub use check::{FILE_BYTES_MAX, KEYWORDS_MAX, NODES_MAX, load};
pub use collect::Collect;
pub use complete::{CompleteCondition, CompleteKind, CompleteMatch};
pub use digits::{DIGITS_MAX, DtmfCondition, DtmfKind};
pub use format::{LINE_COLUMNS_MAX, Remedied, format, remedy};
pub use json::JsonTemplate;
pub use matcher::{Found, Hit, Listed, Matcher, Scope, Shown};
pub use model::{
    Audio, AudioEntry, AudioFile, CategoryId, Edge, EntryKind, Filter, Global, GlobalEntry, Node,
    NodeAction, NodeAudio, NodeId, Potential, PotentialKind, Prompt, PromptId, ReturnTarget,
    Script, SwitchFlow, SwitchTarget, VoiceSettings,
};
pub use noise::NoiseRule;
pub use normal::{fold, normalize};
pub use outline::{Category, NodeOutline, Outline, Words};
pub use problem::{Problem, Severity, warnings};
pub use rules::{Fact, LabelRule, Op, Test};
pub use services::{Notify, TIMEOUT_MS_MAX, WebCall};
pub use template::Template;
