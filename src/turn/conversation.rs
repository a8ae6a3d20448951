//! Whoever decides a call and its turn, joined: one call as a switch sees it.

use std::collections::VecDeque;
use std::fmt;

use smol_str::SmolStr;

use super::decider::Decider;
use super::event::MediaEvent;
use super::machine::{Output, Turn};
use super::order::Order;
use super::timers::Timer;
use crate::engine::{
    self, Ask, Classify, Command, Input, Now, Outcome, RequestId, Row, Tick, WebRequest,
};

/// One thing for the edges to do for a call, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// For the switch.
    Order(Order),
    /// For a service; what it answers goes to `answer`.
    Ask(Box<Ask>),
    /// For a service; nobody waits for its answer.
    Tell(Box<WebRequest>),
    /// For the store: a row of `conversation`.
    Row(Box<Row>),
    /// For the store: the row of `classify`; the last effect of a call.
    Classify(Box<Classify>),
    /// What was tried for the row that follows; only if the call was asked to explain.
    Explain(Vec<String>),
    /// For the log, at level debug.
    Note(String),
    /// For the log: something somebody should mend.
    Warn(String),
}

/// Why a call wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A timer of the engine.
    Engine(engine::Timer),
    /// A timer of the turn.
    Turn(Timer),
}

/// Names the recording that an action's speech is in (E91); empty = none. It is given the action.
pub type Recordings = Box<dyn Fn(&str, Now) -> SmolStr + Send>;

/// One call: what happens on the line goes in, orders and rows come out.
pub struct Conversation {
    decider: Decider,
    turn: Turn,
    effects: VecDeque<Effect>,
    recordings: Option<Recordings>,
    /// The recording that was ordered last.
    recording: SmolStr,
}

impl Conversation {
    /// A call that has just begun; its first orders and rows are ready.
    #[must_use]
    pub fn new(decider: impl Into<Decider>, now: Now) -> Self {
        Self::recorded(decider, None, now)
    }

    /// The same, recorded as these names say.
    #[must_use]
    pub fn recorded(decider: impl Into<Decider>, recordings: Option<Recordings>, now: Now) -> Self {
        let (decider, turn) = (decider.into(), Turn::default());
        let (effects, recording) = (VecDeque::new(), SmolStr::default());
        let mut conversation = Self { decider, turn, effects, recordings, recording };
        conversation.pump(now);
        conversation
    }

    /// Something happened on the line.
    pub fn handle(&mut self, event: MediaEvent, now: Now) {
        self.turn.handle(event, now);
        self.pump(now);
    }

    /// A service answered, or did not.
    pub fn answer(&mut self, id: RequestId, outcome: Outcome, now: Now) {
        self.decider.handle(Input::Answer { id, outcome }, now);
        self.pump(now);
    }

    /// Time passed: whatever is due happens.
    pub fn wake(&mut self, now: Now) {
        self.decider.wake(now);
        self.pump(now);
        self.turn.wake(now);
        self.pump(now);
    }

    /// The next thing to do, in order; `None` until something happens.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to be woken, and why.
    #[must_use]
    pub fn next_wake(&self) -> Option<(Tick, Wake)> {
        let engine = self.decider.next_wake().map(|(due, timer)| (due, Wake::Engine(timer)));
        let turn = self.turn.next_wake().map(|(due, timer)| (due, Wake::Turn(timer)));
        engine.into_iter().chain(turn).min_by_key(|(due, _)| *due)
    }

    /// True once everything is written; no event changes anything any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.decider.has_ended()
    }

    /// The engine's side of the call.
    #[must_use]
    pub fn decider(&self) -> &Decider {
        &self.decider
    }

    /// True if something will happen by itself: an action that will complete, or a timer. A call
    /// that has not ended and is not alive would never end.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.turn.is_busy() || self.next_wake().is_some()
    }

    /// Lets engine and turn talk to each other until both wait for the line.
    fn pump(&mut self, now: Now) {
        loop {
            while let Some(command) = self.decider.next_command() {
                self.carry_out(command, now);
            }
            match self.turn.next_output() {
                Some(Output::Input(input)) => self.decider.handle(input, now),
                Some(Output::Order(order)) => self.effects.push_back(Effect::Order(order)),
                Some(Output::Warn(warning)) => self.effects.push_back(Effect::Warn(warning)),
                None => return,
            }
        }
    }

    fn carry_out(&mut self, command: Command, now: Now) {
        let effect = match command {
            Command::Start(action) => {
                self.record(&action.appid, now);
                return self.turn.start(*action, now);
            }
            Command::StopAudio { appid } => return self.turn.stop_audio(&appid),
            Command::Row(row) => Effect::Row(row),
            Command::Classify(row) => Effect::Classify(row),
            Command::Ask(ask) => Effect::Ask(ask),
            Command::Tell(request) => Effect::Tell(request),
            Command::Explain(lines) => Effect::Explain(lines),
            Command::Api(command) => Effect::Order(Order::Api(command)),
            Command::Note(note) => Effect::Note(note),
            Command::Warn(warning) => Effect::Warn(warning),
            Command::Hangup { cause, .. } => {
                self.tell_results();
                Effect::Order(Order::Hangup { cause })
            }
            Command::Transfer(to) => {
                self.tell_results();
                Effect::Order(Order::Transfer(to))
            }
        };
        self.effects.push_back(effect);
    }

    /// Begins the recording that this action is in, if it is another than before.
    fn record(&mut self, appid: &str, now: Now) {
        let Some(recordings) = &self.recordings else { return };
        let file = recordings(appid, now);
        if file != self.recording {
            self.recording = file.clone();
            self.turn.recorded_in(file.clone());
            self.effects.push_back(Effect::Order(Order::Record { file }));
        }
    }

    /// The channel variables that the dialplan finds when the robot has left.
    fn tell_results(&mut self) {
        let results = self.decider.results();
        let results = results.map(|(name, value)| (SmolStr::new_static(name), value.into()));
        self.effects.push_back(Effect::Order(Order::SetVariables(results.into())));
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decider, turn, effects, recording, .. } = self;
        let mut shown = f.debug_struct("Conversation");
        shown.field("decider", decider).field("turn", turn).field("effects", effects);
        shown.field("recording", recording).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Call, Robot};
    use crate::script;
    use crate::turn::MediaEvent;

    /// The dialplan finds how the call went, before the robot leaves.
    #[test]
    fn the_results_are_told_before_the_robot_leaves() {
        let text = r#"{ "flow": { "bye": { "action": "ACTION", "argument": "4000", "potential": "A" } } }"#;
        for (action, result) in
            [("hangup", "send_bye"), ("transfer", "transfer"), ("manual", "manual")]
        {
            let text = text.replace("ACTION", action);
            let script = script::load("s", "s.json", text.as_bytes()).0.expect("no errors");
            let revision = script.revision.clone();
            let call = Call {
                callid: "c".into(),
                variables: Vec::new(),
                event_after_hangup: true,
                explain: false,
            };
            let now = Now::default();
            let mut conversation = Conversation::new(Robot::new(call, script, now), now);
            assert!(conversation.is_alive(), "the switch has to confirm");
            let orders: Vec<Order> = std::iter::from_fn(|| conversation.next_effect())
                .filter_map(|effect| match effect {
                    Effect::Order(order) => Some(order),
                    _ => None,
                })
                .collect();
            let results = [
                ("robot_result", result),
                ("robot_label", "A"),
                ("robot_flow_revision", &revision),
                ("robot_last_node", "bye"),
            ];
            let results = results.map(|(name, value)| (name.into(), value.to_owned()));
            assert_eq!(orders[0], Order::SetVariables(results.into()));
            assert!(matches!(&orders[1], Order::Hangup { .. } | Order::Transfer(_)), "{orders:?}");
            conversation.handle(MediaEvent::Transferred, now);
            assert!(conversation.has_ended() && !conversation.is_alive());
        }
    }
}
