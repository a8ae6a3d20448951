//! Doing what the service answered.

use smol_str::SmolStr;

use super::super::command::{Action, ActionKind, Command, Playback, Source, Transfer};
use super::super::input::{EndReason, Input};
use super::super::respond::appid;
use super::super::row::ResponseType;
use super::super::speak::source;
use super::super::state::{Exit, Phase};
use super::super::time::Now;
use super::call::External;
use super::message::Told;
use super::reply::Reply;
use super::rows::Response;
use crate::script::{EntryKind, SpeechArgs, split_quoted};

/// Values of an argument that say how to play and listen (T1); four more are the action's.
const SPEECH_VALUES: usize = 11;
/// An action's id is as long as a UUID, and may be half as long again.
const APPID_BYTES_MAX: usize = 54;

/// An action as it is begun.
struct Begun {
    app: SmolStr,
    argument: SmolStr,
    playbacks: Vec<Playback>,
}

impl External {
    /// The answer has come: what is to be remembered, the row, and the action.
    pub(super) fn decided(&mut self, told: Told, mut reply: Reply, now: Now) {
        self.remember(&mut reply);
        self.run_commands(reply.commands());
        let action = reply.action();
        if action.is_empty() {
            if self.state.running {
                return self.unanswered(told, now);
            }
            return self.hang_up(told, "the flow service names no action, and none runs", now);
        }
        let begun = Begun { app: action, argument: reply.argument(), playbacks: playbacks(&reply) };
        self.row(told, ResponseType::Flow, begun.response(), now);
        self.begin(begun, now);
    }

    fn remember(&mut self, reply: &mut Reply) {
        if let Some(privatedata) = reply.privatedata.take() {
            self.state.privatedata = privatedata;
        }
        if let Some(tts) = reply.tts.take() {
            self.state.tts = tts.into();
        }
        if let Some(keys) = reply.dtmf_terminators.take() {
            self.state.terminators = Some(keys).filter(|keys| !keys.is_empty() && keys != "any");
        }
        if let Some(log) = reply.log.take() {
            self.commands.push_back(Command::Note(log));
        }
    }

    /// N11: only what the configuration names.
    fn run_commands(&mut self, commands: &[String]) {
        for command in commands {
            let is_one_line = !command.chars().any(char::is_control);
            if is_one_line && self.flow.commands.is_match(command) {
                self.commands.push_back(Command::Api(command.clone()));
            } else {
                let refused = format!("robot.httpflow.commands does not allow it (N11): {command}");
                self.commands.push_back(Command::Warn(refused));
            }
        }
    }

    fn begin(&mut self, begun: Begun, now: Now) {
        let mut values = split_quoted(&begun.argument);
        let further = values.split_off(values.len().min(SPEECH_VALUES));
        let listens = begun.app == "cti_play_and_detect_speech";
        let given = further.first().filter(|_| listens);
        self.take_over(given.map_or("", String::as_str));
        match begun.app.as_str() {
            "cti_play_and_detect_speech" => {
                let listen = self.listen_args(values, further.get(1..).unwrap_or_default());
                self.start(begun, ActionKind::Play, Some(Box::new(listen)));
            }
            "playback" => self.start(begun, ActionKind::Play, None),
            "hangup" => self.say_goodbye(begun, Exit::Hangup, now),
            "transfer" => self.transfer(begun, EndReason::Transfer, now),
            "manual" => self.transfer(begun, EndReason::Manual, now),
            // What it may be is the switch's to say (S7, N10): else it ends with ERROR().
            _ => self.start(begun, ActionKind::Application, None),
        }
    }

    fn listen_args(&mut self, values: Vec<String>, record: &[String]) -> SpeechArgs {
        let (args, faults) = SpeechArgs::of_values(values);
        let mut warnings: Vec<String> = faults.iter().map(ToString::to_string).collect();
        if record.iter().any(|value| !value.is_empty()) {
            warnings
                .push("record_mode, record_template, record_format: nothing is recorded".into());
        }
        self.commands.extend(warnings.into_iter().map(Command::Warn));
        args
    }

    fn transfer(&mut self, begun: Begun, reason: EndReason, now: Now) {
        match Transfer::read(&self.state.appid, &begun.argument) {
            Some(to) => self.say_goodbye(begun, Exit::Transfer { to, reason }, now),
            None => self.action_ended(&SmolStr::new_static("ERROR()"), now),
        }
    }

    fn say_goodbye(&mut self, begun: Begun, exit: Exit, now: Now) {
        if begun.playbacks.is_empty() {
            return self.leave(exit, now);
        }
        self.state.phase = Phase::Goodbye(exit);
        self.start(begun, ActionKind::Goodbye, None);
    }

    fn start(&mut self, begun: Begun, kind: ActionKind, listen: Option<Box<SpeechArgs>>) {
        let Begun { app, argument, playbacks } = begun;
        let runs = kind == ActionKind::Application;
        self.state.waits = runs || listen.is_some() || !playbacks.is_empty();
        self.commands.push_back(Command::Start(Box::new(Action {
            appid: self.state.appid.clone(),
            app,
            argument: argument.into(),
            playbacks: if runs { Vec::new() } else { playbacks },
            listen,
            disablebreak_ms: if kind == ActionKind::Goodbye { u64::MAX } else { 0 },
            kind,
        })));
    }

    /// I15: after the last attempt the caller hears the apology, and the call is over.
    pub(super) fn apologise(&mut self, now: Now) {
        let apology = self.flow.apology.clone();
        let playbacks = if apology.is_empty() { Vec::new() } else { vec![playback("", &apology)] };
        let begun =
            Begun { app: SmolStr::new_static("hangup"), argument: SmolStr::default(), playbacks };
        let told = self.told_complete(SmolStr::new_static("ERROR()"), now);
        self.row(told, ResponseType::Hangup, begun.response(), now);
        self.take_over("");
        self.say_goodbye(begun, Exit::Hangup, now);
    }

    /// The last resort, type 10 (E75, R9).
    pub(super) fn hang_up(&mut self, told: Told, why: &str, now: Now) {
        self.commands.push_back(Command::Warn(format!("{why}; the call is ended")));
        let action = SmolStr::new_static("hangup");
        let response = Response { action, ..Response::default() };
        self.row(told, ResponseType::Hangup, response, now);
        self.take_over("");
        self.leave(Exit::Hangup, now);
    }

    /// An action replaces the one that ran, under the id that the service gives it, or one of ours
    /// (E21).
    fn take_over(&mut self, given: &str) {
        let given = self.good_appid(given);
        self.state.actions += 1;
        self.state.appid = given.unwrap_or_else(|| appid(&self.state.callid, self.state.actions));
        self.state.running = true;
        self.state.waits = false;
    }

    fn good_appid(&mut self, given: &str) -> Option<SmolStr> {
        let may_stand = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let fault = if given.is_empty() {
            return None;
        } else if given == self.state.appid {
            "is the last action's already"
        } else if given.len() > APPID_BYTES_MAX || !given.chars().all(may_stand) {
            "can't be an id"
        } else {
            return Some(given.into());
        };
        self.commands.push_back(Command::Warn(format!("the appid {given} {fault}")));
        None
    }

    /// A key stops the audio, unless the service wants other keys for that.
    pub(super) fn stop_audio_for(&mut self, input: &Input) {
        let Input::Dtmf { digits, .. } = input else { return };
        let stops = |keys: &SmolStr| keys != "none" && digits.chars().any(|key| keys.contains(key));
        if self.state.running && self.state.terminators.as_ref().is_none_or(stops) {
            self.commands.push_back(Command::StopAudio { appid: self.state.appid.clone() });
        }
    }
}

impl Begun {
    fn response(&self) -> Response {
        let texts: Vec<_> = self.playbacks.iter().map(|playback| playback.text.as_str()).collect();
        let text = texts.join(" ").into();
        Response { action: self.app.clone(), args: self.argument.clone(), text }
    }
}

/// What an answer plays; `playback` without a list plays its argument.
fn playbacks(reply: &Reply) -> Vec<Playback> {
    let folder = reply.sound_file_dir();
    let argument = reply.argument();
    if reply.playbacks().is_empty() && reply.action() == "playback" && !argument.is_empty() {
        return vec![playback(folder, &argument)];
    }
    reply.playbacks().iter().map(|entry| playback(folder, entry)).collect()
}

/// An entry as written: it holds no variables, whatever it looks like (N10).
fn playback(folder: &str, entry: &str) -> Playback {
    let source = match source(EntryKind::of(entry, false), entry.into()) {
        Source::File(name) if !folder.is_empty() && !name.contains("://") => {
            Source::File(format!("{}/{name}", folder.trim_end_matches('/')).into())
        }
        other => other,
    };
    Playback { source, text: entry.into() }
}
