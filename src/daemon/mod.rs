//! The shell: joins the modules that decide to the edges that perform.
//!
//! Here alone a clock is read ([`clock`]) and tasks are started ([`tasks`]); what an edge has to do
//! in the background it offers as a future, and the daemon runs it.

mod applications;
mod calls;
pub mod clock;
mod connections;
mod driver;
pub mod http;
mod meter;
pub mod readiness;
pub mod scripts;
mod shell;
pub mod tasks;
pub mod telemetry;
mod voice;

pub use shell::{RunError, run};
pub use voice::VoiceError;
