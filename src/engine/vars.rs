//! Call variables (E22).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::script::Template;

/// A call may have this many variables, so that no script or caller can fill the memory.
pub const VARIABLES_MAX: usize = 256;
/// A variable may have this many bytes; what is longer is cut, and told.
pub const VARIABLE_BYTES_MAX: usize = 8 << 10;

/// The variables of one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Variables {
    /// Shared with the snapshots of the call: few steps change them, and a switch brings many.
    values: Arc<BTreeMap<SmolStr, SmolStr>>,
}

/// A variable does not fit, or not whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoRoom {
    /// It is left out.
    #[error("a call has at most {VARIABLES_MAX} variables; {0} is one too many")]
    ForVariable(SmolStr),
    /// It is kept as far as it fits.
    #[error("a variable has at most {VARIABLE_BYTES_MAX} bytes; {0} is cut")]
    ForValue(SmolStr),
}

impl Variables {
    /// The first variables of a call; the first that passes a limit is named.
    pub(super) fn new(
        given: impl IntoIterator<Item = (SmolStr, SmolStr)>,
    ) -> (Self, Option<NoRoom>) {
        let mut variables = Self::default();
        let mut no_room = None;
        for (name, value) in given {
            if let Err(error) = variables.set(name, &value) {
                no_room.get_or_insert(error);
            }
        }
        (variables, no_room)
    }

    pub(super) fn set(&mut self, name: SmolStr, value: &str) -> Result<(), NoRoom> {
        if self.values.len() >= VARIABLES_MAX && !self.values.contains_key(&name) {
            return Err(NoRoom::ForVariable(name));
        }
        let end = value.floor_char_boundary(VARIABLE_BYTES_MAX);
        Arc::make_mut(&mut self.values)
            .insert(name.clone(), value.get(..end).unwrap_or_default().into());
        if end < value.len() { Err(NoRoom::ForValue(name)) } else { Ok(()) }
    }

    /// Forgets every variable whose name begins so.
    pub(super) fn remove_below(&mut self, prefix: &str) {
        if self.values.keys().any(|name| name.starts_with(prefix)) {
            Arc::make_mut(&mut self.values).retain(|name, _| !name.starts_with(prefix));
        }
    }

    /// All of them, as JSON.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let values = self.values.iter();
        values.map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    /// The value, or empty if nobody set it. Variables that the dialplan gave as
    /// `robot_var_<name>` are found as `<name>` too.
    pub(super) fn get(&self, name: &str) -> SmolStr {
        let value = self.values.get(name);
        let value = value.or_else(|| self.values.get(format!("robot_var_{name}").as_str()));
        value.cloned().unwrap_or_default()
    }
}

/// What `${name}` can stand for besides the call's own variables.
pub(super) struct Scope<'a> {
    pub(super) variables: &'a Variables,
    pub(super) callid: &'a SmolStr,
    pub(super) appid: &'a SmolStr,
    pub(super) flowid: &'a SmolStr,
    pub(super) now: super::Wall,
}

impl Scope<'_> {
    pub(super) fn expand(&self, template: &Template) -> SmolStr {
        template.expand(|name| self.value(name))
    }

    pub(super) fn value(&self, name: &str) -> SmolStr {
        match name {
            "callid" => self.callid.clone(),
            "appid" => self.appid.clone(),
            "flowid" => self.flowid.clone(),
            "now" => self.now.to_local(),
            _ => self.variables.get(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E22, limits: a variable is bounded in size and number; dialplan variables are found.
    #[test]
    fn variables_are_bounded() {
        let many = (0..300).map(|n| (SmolStr::from(format!("v{n}")), SmolStr::new("x")));
        let (mut variables, left_out) = Variables::new(many);
        assert_eq!(left_out, Some(NoRoom::ForVariable("v256".into())));
        let too_long = variables.set("v0".into(), &"я".repeat(5000));
        assert_eq!(too_long, Err(NoRoom::ForValue("v0".into())));
        assert_eq!(variables.get("v0").len(), VARIABLE_BYTES_MAX);
        assert_eq!(variables.get("nobody"), "");
        let (dialplan, _) = Variables::new([("robot_var_sum".into(), "5000".into())]);
        assert_eq!(dialplan.get("sum"), "5000");
    }
}
