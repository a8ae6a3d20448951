//! A call, decided by bytes: the script, what the caller, the switch and the services do.

use crate::laws::{self, Case};

/// Holds the call to every law.
pub(crate) fn hold(bytes: &[u8]) {
    let case = Case::from(bytes);
    let (rows, _) = laws::whole_call(&case, false);
    assert!(rows.len() >= 2, "a call begins and ends");
    let (rows, _) = laws::flow_call(&case, false);
    assert!(rows.len() >= 2, "so does one that a service decides");
    laws::restored(&case, false);
    laws::turn(&case, false);
}
