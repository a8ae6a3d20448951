//! The recogniser of one channel, driven by `detect_speech` (S9): what it is doing, and what must
//! be sent for it to hear. Pure.
//!
//! The engine's own timer for silence is neither started nor listened to: the turn has its own (T7).
//! While audio plays under `event-lock`, `resume` waits until it has ended: of what the caller says
//! over one piece of audio, the first sentence is heard.

use smol_str::SmolStr;

use super::escape;
use crate::engine::time::Tick;
use crate::turn::Listen;

/// No MEDIA_BUG_START for this long after `detect_speech`: it failed, which it tells in no other
/// way. On a working switch the sign comes within a frame, over MRCP within a second.
const START_MS_MAX: u64 = 5000;

/// The grammar of engines that were configured without one.
const GRAMMAR_DEFAULT: &str = "builtin:speech/transcribe";

/// Our name for the grammar; the switch wants one.
const GRAMMAR_NAME: &str = "robot";

/// What to do with the recogniser, as the argument of `detect_speech`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Load engine and grammar and listen.
    Start,
    /// Listen again: after a result an engine gives nothing until told so.
    Resume,
    /// Stop listening and keep the engine.
    Pause,
}

/// What the engine is doing, as far as we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has been started.
    Off,
    /// Asked for; if the moment passes without a sign, it failed.
    Starting { until: Tick },
    /// It hears.
    Hearing,
    /// It gave a result, or was paused, and hears nothing until resumed.
    Spent,
}

/// The recogniser of one channel.
#[derive(Clone, Debug)]
pub(super) struct Recognizer {
    /// `<engine>` or `<engine> <grammar>`, as configured.
    engine: SmolStr,
    /// Whether anybody wants to know what the caller says.
    wanted: bool,
    state: State,
    /// The script's parameters, taken when the engine starts.
    asr_params: SmolStr,
}

impl Recognizer {
    pub(super) fn new(engine: SmolStr) -> Self {
        Self { engine, wanted: false, state: State::Off, asr_params: SmolStr::default() }
    }

    /// Whether results are to be told.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Somebody listens from now on. An engine that hears goes on without a gap.
    pub(super) fn listen(&mut self, listen: &Listen, now: Tick) -> Option<Step> {
        self.wanted = true;
        match self.state {
            State::Off => {
                self.asr_params = listen.asr_params.clone();
                self.state = State::Starting { until: now.plus_ms(START_MS_MAX) };
                Some(Step::Start)
            }
            State::Spent => {
                self.state = State::Hearing;
                Some(Step::Resume)
            }
            State::Starting { .. } | State::Hearing => None,
        }
    }

    /// Nobody listens any more.
    pub(super) fn ignore(&mut self) -> Option<Step> {
        self.wanted = false;
        if self.state != State::Hearing {
            return None;
        }
        self.state = State::Spent;
        Some(Step::Pause)
    }

    /// MEDIA_BUG_START was seen. True if that is news.
    pub(super) fn started(&mut self) -> bool {
        let is_news = matches!(self.state, State::Starting { .. });
        if is_news {
            self.state = State::Hearing;
        }
        is_news
    }

    /// A result came: the engine must be resumed to hear the next sentence.
    pub(super) fn gave_result(&mut self) -> Option<Step> {
        // Words are a sign of life too, should the event of the start have been lost.
        self.state = State::Spent;
        if !self.wanted {
            return None;
        }
        self.state = State::Hearing;
        Some(Step::Resume)
    }

    /// The engine was closed. True if somebody misses it.
    pub(super) fn closed(&mut self) -> bool {
        self.state = State::Off;
        self.wanted
    }

    /// The time has come. True if the engine did not start.
    pub(super) fn is_overdue(&mut self, now: Tick) -> bool {
        let State::Starting { until } = self.state else { return false };
        if now < until {
            return false;
        }
        self.state = State::Off;
        self.wanted
    }

    /// Events may have been lost: a result among them would leave the engine deaf.
    pub(super) fn recover(&mut self, now: Tick) -> Option<Step> {
        match self.state {
            State::Off => None,
            State::Starting { .. } => {
                self.state = State::Starting { until: now.plus_ms(START_MS_MAX) };
                Some(Step::Start)
            }
            State::Hearing => Some(Step::Resume),
            State::Spent => None,
        }
    }

    /// The argument of `detect_speech` for a step.
    pub(super) fn argument(&self, step: Step) -> String {
        match step {
            Step::Start => start_argument(&self.engine, &self.asr_params),
            Step::Resume => "resume".into(),
            Step::Pause => "pause".into(),
        }
    }
}

/// `<engine> {parameters}<grammar> <name>`: the configured parameters, then the script's.
fn start_argument(engine: &str, asr_params: &str) -> String {
    let (engine, grammar) =
        engine.trim().split_once(' ').unwrap_or((engine.trim(), GRAMMAR_DEFAULT));
    let (configured, grammar) =
        grammar.strip_prefix('{').and_then(|rest| rest.split_once('}')).unwrap_or(("", grammar));
    let mut parameters: Vec<String> = Vec::new();
    if !configured.is_empty() {
        parameters.push(configured.to_owned());
    }
    parameters.extend(script_parameters(asr_params));
    let braces =
        if parameters.is_empty() { String::new() } else { format!("{{{}}}", parameters.join(",")) };
    format!("{engine} {braces}{grammar} {GRAMMAR_NAME}")
}

/// The script's `asr_params` object as `name=value`; `group` picks a recogniser of the daemon and
/// means nothing to the switch.
fn script_parameters(asr_params: &str) -> Vec<String> {
    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(asr_params) else {
        return Vec::new();
    };
    let is_name =
        |name: &str| name.chars().all(|sign| sign.is_ascii_alphanumeric() || "-_.".contains(sign));
    object
        .iter()
        .filter(|(name, _)| name.as_str() != "group" && is_name(name))
        .filter_map(|(name, value)| {
            let value = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Number(number) => number.to_string(),
                serde_json::Value::Bool(flag) => flag.to_string(),
                serde_json::Value::Null
                | serde_json::Value::Array(_)
                | serde_json::Value::Object(_) => return None,
            };
            Some(format!("{name}={}", escape::parameter(&value)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognizer() -> Recognizer {
        Recognizer::new("test builtin".into())
    }

    #[test]
    fn it_is_started_once_and_resumed_after_every_result_s9() {
        let mut it = recognizer();
        assert_eq!(it.listen(&Listen::default(), Tick(0)), Some(Step::Start));
        assert_eq!(it.listen(&Listen::default(), Tick(1)), None);
        assert!(it.started());
        assert!(!it.started());
        assert_eq!(it.gave_result(), Some(Step::Resume));
        assert_eq!(it.listen(&Listen::default(), Tick(2)), None);
    }

    #[test]
    fn a_result_that_nobody_wants_leaves_it_to_be_resumed_by_the_next_turn() {
        let mut it = recognizer();
        it.listen(&Listen::default(), Tick(0));
        it.started();
        assert_eq!(it.ignore(), Some(Step::Pause));
        assert_eq!(it.gave_result(), None);
        assert_eq!(it.listen(&Listen::default(), Tick(9)), Some(Step::Resume));
    }

    #[test]
    fn no_sign_of_a_start_is_a_failure_s9() {
        let mut it = recognizer();
        it.listen(&Listen::default(), Tick(0));
        assert!(!it.is_overdue(Tick(START_MS_MAX - 1)));
        assert!(it.is_overdue(Tick(START_MS_MAX)));
        assert!(!it.is_overdue(Tick(START_MS_MAX + 1)));
        assert_eq!(it.listen(&Listen::default(), Tick(9000)), Some(Step::Start));
    }

    #[test]
    fn the_argument_is_engine_parameters_grammar_name() {
        let cases = [
            ("unimrcp", "", "unimrcp builtin:speech/transcribe robot"),
            ("test builtin", "", "test builtin robot"),
            (
                "test {partial=true}builtin",
                r#"{"group":"a","n":5}"#,
                "test {partial=true,n=5}builtin robot",
            ),
            (
                "test builtin",
                r#"{"hot":"a,b}${x}","bad name":1}"#,
                "test {hot=a_b_＄_x_}builtin robot",
            ),
            ("test builtin", "not json", "test builtin robot"),
        ];
        for (engine, params, argument) in cases {
            assert_eq!(start_argument(engine, params), argument);
        }
    }
}
