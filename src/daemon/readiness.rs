//! Whether the daemon can serve: what each of its parts says of itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::clock::Clock;
use super::meter::Meter;
use crate::engine::Wall;

/// What every part last said. Copies are the same registry.
#[derive(Clone)]
pub struct Readiness {
    parts: Arc<Mutex<BTreeMap<String, State>>>,
    clock: Clock,
}

/// One part's way to speak: `readiness.part("database").down("connection refused")`.
#[derive(Clone)]
pub struct Part {
    registry: Readiness,
    name: String,
}

struct State {
    need: Need,
    /// What is wrong; `None` = nothing.
    fault: Option<String>,
    /// When it last came up or went down.
    since: Wall,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Needed,
    Optional,
}

/// The fault of a part that has said nothing yet.
const STARTING: &str = "starting";

impl Readiness {
    /// A registry of no parts, which is ready.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { parts: Arc::default(), clock }
    }

    /// A part without which the daemon is not ready. A part that is new is down, `starting`; one
    /// that is known is left as it is.
    #[must_use]
    pub fn part(&self, name: &str) -> Part {
        self.register(name, Need::Needed)
    }

    /// A part that is listed, and without which the daemon serves all the same.
    #[must_use]
    pub fn optional_part(&self, name: &str) -> Part {
        self.register(name, Need::Optional)
    }

    /// True if every needed part is up.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().values().all(State::is_good_enough)
    }

    /// The body of `/readyz`: `ready`, and of each part `up`, `needed`, `since` (RFC 3339) and
    /// what is wrong with it, `fault`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let parts = self.lock();
        let listed: serde_json::Map<_, _> =
            parts.iter().map(|(name, state)| (name.clone(), state.to_json())).collect();
        json!({ "ready": parts.values().all(State::is_good_enough), "parts": listed })
    }

    fn register(&self, name: &str, need: Need) -> Part {
        let since = self.clock.now().wall;
        let starting = || State { need, fault: Some(STARTING.into()), since };
        self.lock().entry(name.to_owned()).or_insert_with(starting);
        Part { registry: self.clone(), name: name.to_owned() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        // Nothing between lock and unlock leaves a state half changed.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// It works.
    pub fn up(&self) {
        self.set(None);
    }

    /// It does not, and why. The time of the first such report stays.
    pub fn down(&self, reason: &str) {
        self.set(Some(reason));
    }

    fn set(&self, fault: Option<&str>) {
        metrics::gauge!(Meter::PartUp.name(), "part" => self.name.clone())
            .set(if fault.is_none() { 1.0 } else { 0.0 });
        let since = self.registry.clock.now().wall;
        let mut parts = self.registry.lock();
        let Some(state) = parts.get_mut(&self.name) else { return };
        if state.fault.as_deref() == Some(STARTING) && fault.is_some() {
            log(&self.name, fault);
        }
        if state.fault.is_some() != fault.is_some() {
            state.since = since;
            log(&self.name, fault);
        }
        state.fault = fault.map(str::to_owned);
    }
}

fn log(part: &str, fault: Option<&str>) {
    match fault {
        None => tracing::info!(part, "up"),
        Some(reason) => tracing::warn!(part, reason, "down"),
    }
}

impl State {
    fn is_good_enough(&self) -> bool {
        self.fault.is_none() || self.need == Need::Optional
    }

    fn to_json(&self) -> Value {
        let since = jiff::Timestamp::from_millisecond(self.since.unix_ms).unwrap_or_default();
        let mut shown = json!({
            "up": self.fault.is_none(),
            "needed": self.need == Need::Needed,
            "since": since.to_string(),
        });
        if let Some(fault) = &self.fault {
            shown["fault"] = fault.as_str().into();
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_tells_what_is_wrong_and_since_when_it_first_was() {
        let readiness = Readiness::new(Clock::starting_at(0, TimeZone::UTC));
        assert!(readiness.is_ready());
        let database = readiness.part("database");
        assert_eq!(readiness.to_json()["parts"]["database"]["fault"], "starting");
        database.up();
        assert!(readiness.is_ready());

        tokio::time::advance(Duration::from_secs(60)).await;
        database.down("connection refused");
        tokio::time::advance(Duration::from_secs(60)).await;
        database.down("timed out");
        let expected = json!({"ready": false, "parts": {"database": {
            "up": false, "needed": true, "since": "1970-01-01T00:01:00Z", "fault": "timed out",
        }}});
        assert_eq!(readiness.to_json(), expected);

        readiness.part("database").up();
        let database = &readiness.to_json()["parts"]["database"];
        assert_eq!(database["since"], "1970-01-01T00:02:00Z");
        assert_eq!(database["fault"], Value::Null);
    }

    #[tokio::test(start_paused = true)]
    async fn the_daemon_is_ready_without_an_optional_part() {
        let readiness = Readiness::new(Clock::starting_at(0, TimeZone::UTC));
        readiness.optional_part("redis").down("refused");
        assert!(readiness.is_ready());
        assert_eq!(readiness.to_json()["parts"]["redis"]["up"], false);
    }
}
