//! Notices: some time after a node was entered, somebody is told of the call (E85).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smol_str::SmolStr;

use super::call::Robot;
use super::command::{Command, Transfer};
use super::input::EndReason;
use super::matching::Why;
use super::request::WebRequest;
use super::row::{InputType, Method, ResponseType};
use super::state::{Exit, Phase};
use super::time::{Now, Tick};
use super::written::{Cause, Response};
use crate::script::{Node, NodeId};

/// Notices of one call that wait for their time; a script that enters more nodes with one in so
/// short a time loses the rest, and is warned.
const NOTICES_MAX: usize = 16;
/// Whoever is told has this long to take it, ms.
const TELL_MS: u64 = 10_000;

/// A notice that waits for its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) due: Tick,
    node: NodeId,
}

impl Robot {
    /// The node was entered: its notice, if it has one, waits from now on.
    pub(super) fn arm_notice(&mut self, id: NodeId, node: &Node, now: Now) {
        let Some(notify) = &node.notify else { return };
        if self.state.notices.len() >= NOTICES_MAX {
            let warning = format!("more than {NOTICES_MAX} notices wait; {} has none", node.id);
            self.commands.push_back(Command::Warn(warning));
            return;
        }
        let due = now.tick.plus_ms(notify.after_ms);
        self.state.notices.push(Notice { due, node: id });
        // The first one is due first; of the same time, the one that was entered first.
        self.state.notices.sort_by_key(|notice| notice.due);
    }

    /// The first notice is due: the NOTIFY row, and somebody is told.
    pub(super) fn notice_due(&mut self, now: Now) {
        let Notice { node, .. } = self.state.notices.remove(0);
        let script = std::sync::Arc::clone(&self.script);
        let Some(notify) = &script.node(node).notify else { return };
        let scope = self.scope(&self.state.appid, now.wall);
        let notice = notify.notice.expand(&|name: &str| scope.value(name));
        let (url, linegroup) = (scope.expand(&notify.url), scope.expand(&notify.linegroup));
        let cause = Cause::new(self, InputType::Notify, notice.to_string().into(), now.wall);
        let none = Response::none(ResponseType::None);
        self.row(cause, Why::by(Method::Mismatch), none, now);
        if !url.is_empty() {
            let request = WebRequest::post(url, self.told(notice), TELL_MS);
            self.commands.push_back(Command::Tell(Box::new(request)));
        }
        if notify.stop_robot && !linegroup.is_empty() && self.state.phase == Phase::Talking {
            self.hand_over(linegroup, now);
        }
    }

    /// The notice with the call's id and variables.
    fn told(&self, notice: Value) -> Value {
        let mut told = match notice {
            Value::Object(fields) => fields,
            other => serde_json::Map::from_iter([("notify".to_owned(), other)]),
        };
        told.insert("callid".into(), self.state.callid.as_str().into());
        told.insert("variables".into(), self.state.variables.to_json());
        told.into()
    }

    fn hand_over(&mut self, linegroup: SmolStr, now: Now) {
        self.give_up("the call is handed over", now);
        if self.state.phase != Phase::Talking {
            return;
        }
        let to = Transfer {
            appid: self.state.appid.clone(),
            extension: linegroup,
            dialplan: SmolStr::default(),
            context: SmolStr::default(),
        };
        self.leave(Exit::Transfer { to, reason: EndReason::Manual }, now);
    }
}
