//! How it stands with one FreeSWITCH: for readiness, and for checks of scripts.

use std::collections::BTreeSet;
use std::sync::Arc;

use smol_str::SmolStr;

/// The state of the connection to one FreeSWITCH.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Attached: calls reach us.
    pub connected: bool,
    /// What keeps us from it, and how to mend it; `None` while connected.
    pub problem: Option<SmolStr>,
    /// What the switch can run.
    pub(super) applications: Arc<Applications>,
}

impl Status {
    /// Whether the switch can run an application; `None` as long as it has not been asked. An
    /// application that it does not know hangs the call up (S7).
    #[must_use]
    pub fn has_application(&self, name: &str) -> Option<bool> {
        Some(self.applications.0.as_ref()?.contains(name))
    }
}

/// The dialplan applications of a switch; `None` = not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Applications(Option<BTreeSet<SmolStr>>);

impl Applications {
    /// Reads the answer to `show application as json`.
    pub(super) fn read(answer: &str) -> Self {
        let table: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
        let rows = table.get("rows").and_then(serde_json::Value::as_array);
        let names = rows.map(|rows| {
            rows.iter().filter_map(|row| Some(row.get("name")?.as_str()?.into())).collect()
        });
        Self(names)
    }

    /// False only if the switch is known not to have it.
    pub(super) fn may_have(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_switch_that_was_asked_lacks_an_application_s7() {
        assert!(Applications::read("-ERR").may_have("playback"));
        let known = Applications::read(r#"{"row_count":1,"rows":[{"name":"playback"}]}"#);
        assert!(known.may_have("playback"));
        assert!(!known.may_have("cti_play"));
    }
}
