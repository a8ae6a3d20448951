//! Call variables (E22).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::script::Template;

/// A call may have this many variables, so that no script or caller can fill the memory.
pub const VARIABLES_MAX: usize = 256;
/// A variable may have this many bytes; what is longer is cut.
pub const VARIABLE_BYTES_MAX: usize = 8 << 10;

/// The variables of one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Variables {
    values: BTreeMap<SmolStr, SmolStr>,
}

/// There is no room for another variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a call has at most {VARIABLES_MAX} variables; {0} is one too many")]
pub(super) struct TooManyVariables(pub(super) SmolStr);

impl Variables {
    /// The first variables of a call; what passes the limit is left out and named.
    pub(super) fn new(
        given: impl IntoIterator<Item = (SmolStr, SmolStr)>,
    ) -> (Self, Option<TooManyVariables>) {
        let mut variables = Self::default();
        let mut left_out = None;
        for (name, value) in given {
            if let Err(error) = variables.set(name, &value) {
                left_out.get_or_insert(error);
            }
        }
        (variables, left_out)
    }

    pub(super) fn set(&mut self, name: SmolStr, value: &str) -> Result<(), TooManyVariables> {
        if self.values.len() >= VARIABLES_MAX && !self.values.contains_key(&name) {
            return Err(TooManyVariables(name));
        }
        let end = value.floor_char_boundary(VARIABLE_BYTES_MAX);
        self.values.insert(name, value.get(..end).unwrap_or_default().into());
        Ok(())
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
        template.expand(|name| match name {
            "callid" => self.callid.clone(),
            "appid" => self.appid.clone(),
            "flowid" => self.flowid.clone(),
            "now" => self.now.to_local(),
            _ => self.variables.get(name),
        })
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
        assert_eq!(left_out, Some(TooManyVariables("v256".into())));
        variables.set("v0".into(), &"я".repeat(5000)).expect("v0 exists");
        assert_eq!(variables.get("v0").len(), VARIABLE_BYTES_MAX);
        assert_eq!(variables.get("nobody"), "");
        let (dialplan, _) = Variables::new([("robot_var_sum".into(), "5000".into())]);
        assert_eq!(dialplan.get("sum"), "5000");
    }
}
