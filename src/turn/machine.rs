//! The machine of one turn (T1 to T8, T12).

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::event::{EntryId, MediaEvent, PlaybackEnd};
use super::interrupt::Interrupt;
use super::listening::Listening;
use super::order::Order;
use super::playback::{Audio, ms};
use super::speech::{Interval, LastFailure, Speech, Speeches, keep};
use super::timers::{Timer, Timers, words_within_ms};
use crate::engine::{Action, ActionKind, EndReason, Heard, Input, Now, Tick};

/// A playback whose length nobody knows may last this long, ms: ten minutes and five seconds (T7).
const PLAYBACK_MS_MAX: u64 = 605_000;
/// Without a recogniser for this long an action ends with `ERROR()`, ms (T6).
const RECOGNIZER_GONE_MS: u64 = 30_000;
/// A recogniser that failed to start is tried again after this long, ms.
const RECOGNIZER_RETRY_MS: u64 = 2_000;
/// What was being said at the hang-up is waited for this long, ms (E76).
const AFTER_HANGUP_MS: u64 = 3_000;

/// Something the turn wants done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// For the switch.
    Order(Order),
    /// For the engine.
    Input(Input),
    /// For the log: something somebody should mend.
    Warn(String),
}

/// Plays and listens for one call, one action after the other.
#[derive(Debug, Default)]
pub struct Turn {
    action: Option<Running>,
    speech: Speeches,
    /// The recogniser was ordered to listen.
    is_listening: bool,
    timers: Timers,
    outputs: VecDeque<Output>,
    /// The line is gone; the end is told when what was being said has come.
    hung_up: Option<EndReason>,
    failed: LastFailure,
    /// The file that the caller's words are recorded in; empty = none (E91).
    recording: SmolStr,
}

#[derive(Debug)]
struct Running {
    appid: SmolStr,
    kind: ActionKind,
    listening: Option<Listening>,
    disablebreak_ms: u64,
    audio: Audio,
    /// The caller's speech stopped the audio.
    cut_by_speech: bool,
    /// The audio goes on as soon as the switch has confirmed that it stopped (T3).
    resumes: bool,
    /// Results held until the audio has ended (T2: 256).
    held: Vec<Heard>,
    /// Finished sentences that were not answered (T6).
    said: Vec<SmolStr>,
}

impl Turn {
    /// Starts an action; it replaces the one that runs.
    pub fn start(&mut self, action: Action, now: Now) {
        if self.action.as_ref().is_some_and(|old| old.audio.is_playing()) {
            self.order(Order::StopAudio);
        }
        // What the caller is saying goes on, and so do its timers.
        for timer in [Timer::WaitSpeech, Timer::Playback] {
            self.timers.disarm(timer);
        }
        let listening = action.listen.as_deref().map(|args| Listening::new(&action.appid, args));
        let running = Running {
            appid: action.appid.clone(),
            kind: action.kind,
            listening,
            disablebreak_ms: action.disablebreak_ms,
            audio: Audio::new(action.playbacks),
            cut_by_speech: false,
            resumes: false,
            held: Vec::new(),
            said: Vec::new(),
        };
        self.listen_from_the_start(&running);
        self.action = Some(running);
        if action.kind == ActionKind::Application {
            let entry = EntryId { appid: action.appid, number: 0 };
            self.order(Order::Execute { entry, app: action.app, argument: action.argument });
        } else {
            self.play(now);
        }
    }

    /// From now on the caller is recorded in this file.
    pub(super) fn recorded_in(&mut self, file: SmolStr) {
        self.recording = file;
    }

    /// Stops the audio of an action that goes on listening.
    pub fn stop_audio(&mut self, appid: &str) {
        let Some(action) = &self.action else { return };
        if action.appid == appid && action.kind == ActionKind::Play && action.audio.is_playing() {
            self.order(Order::StopAudio);
        }
    }

    /// Something happened on the line.
    pub fn handle(&mut self, event: MediaEvent, now: Now) {
        match event {
            MediaEvent::PlaybackStarted(entry) => self.playback_started(&entry, now),
            MediaEvent::PlaybackFinished { entry, end, heard_ms } => {
                self.playback_finished(&entry, &end, heard_ms, now);
            }
            MediaEvent::ApplicationFinished { entry, ok } => {
                if self.is_current(&entry) {
                    self.complete(if ok { "DONE()" } else { "ERROR()" }.into());
                }
            }
            MediaEvent::RecognizerReady => self.recognizer_ready(),
            MediaEvent::RecognizerLost(error) => self.recognizer_lost(&error, now),
            MediaEvent::SpeechStarted { ago_ms } => self.speech_started(ago_ms, now),
            MediaEvent::SpeechStopped { ago_ms } => self.speech_stopped(ago_ms, now),
            MediaEvent::Partial(text) => self.partial(text, now),
            MediaEvent::Final(text) => self.finished_sentence(&text, now),
            MediaEvent::RecognitionFailed(error) => self.recognition_failed(&error, now),
            MediaEvent::Digit(key) => self.digit(key, now),
            MediaEvent::Broken => self.broken(),
            MediaEvent::HungUp(reason) => self.hung_up(reason, now),
            MediaEvent::Transferred => self.input(Input::Ended(EndReason::Transfer)),
            MediaEvent::TransferFailed(error) => {
                self.outputs.push_back(Output::Warn(format!("the transfer failed: {error}")));
                self.input(Input::Complete { appid: None, args: "ERROR()".into() });
            }
        }
    }

    /// Time passed: whatever is due happens.
    pub fn wake(&mut self, now: Now) {
        while let Some(timer) = self.timers.take_due(now.tick) {
            match timer {
                Timer::WaitSpeech => self.complete(self.complete_args("TIMEOUT")),
                Timer::MaxSpeech => self.cut_speech(),
                Timer::FalseStart => {
                    self.speech.give_up();
                    self.no_words(now);
                }
                Timer::Playback => self.playback_overdue(now),
                Timer::RecognizerRetry => self.listen(),
                Timer::RecognizerGone => {
                    self.timers.disarm(Timer::RecognizerRetry);
                    self.complete("ERROR()".into());
                }
                Timer::AfterHangup => self.tell_hangup(),
            }
        }
    }

    /// When to be woken, and why.
    #[must_use]
    pub fn next_wake(&self) -> Option<(Tick, Timer)> {
        self.timers.next()
    }

    /// The next thing to be done, in order; `None` until something happens.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// True while an action runs that will complete.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.action.is_some()
    }

    /// Recognition runs from the start of the audio, unless nobody listens to it (T2). A goodbye
    /// leaves it as it is: what is said over it is written down, and changes nothing (T12).
    fn listen_from_the_start(&mut self, running: &Running) {
        match &running.listening {
            Some(listening) if listening.interrupt != Interrupt::Deaf => {
                self.is_listening = true;
                self.order(Order::Listen(Box::new(listening.listen.clone())));
            }
            _ if running.kind == ActionKind::Goodbye => {}
            _ => self.stop_listening(),
        }
    }

    fn listen(&mut self) {
        let action = self.action.as_ref();
        let Some(listening) = action.and_then(|action| action.listening.as_ref()) else { return };
        let listen = Box::new(listening.listen.clone());
        self.is_listening = true;
        self.order(Order::Listen(listen));
    }

    fn stop_listening(&mut self) {
        if std::mem::take(&mut self.is_listening) {
            self.order(Order::StopListening);
        }
        self.speech.clear();
        for timer in
            [Timer::MaxSpeech, Timer::FalseStart, Timer::RecognizerRetry, Timer::RecognizerGone]
        {
            self.timers.disarm(timer);
        }
    }

    /// Orders what is left of the audio, or goes on as if it had ended.
    fn play(&mut self, now: Now) {
        let Some(action) = &mut self.action else { return };
        let orders = action.audio.order(&action.appid);
        if orders.is_empty() {
            return self.audio_ended(now);
        }
        // Each entry may last as long as the longest one.
        let entries = u64::try_from(orders.len()).unwrap_or(u64::MAX);
        let due = now.tick.plus_ms(PLAYBACK_MS_MAX.saturating_mul(entries));
        self.timers.arm(Timer::Playback, due);
        self.outputs.extend(orders.into_iter().map(Output::Order));
    }

    fn playback_started(&mut self, entry: &EntryId, now: Now) {
        if let Some(action) = self.action.as_mut().filter(|action| action.appid == entry.appid) {
            action.audio.started.get_or_insert(now);
        }
    }

    fn playback_finished(
        &mut self,
        entry: &EntryId,
        end: &PlaybackEnd,
        heard_ms: Option<u64>,
        now: Now,
    ) {
        let Some(action) = self.action.as_mut().filter(|action| action.appid == entry.appid) else {
            return;
        };
        if !action.audio.finished(entry.number, end, heard_ms) {
            return;
        }
        if let PlaybackEnd::Failed(why) = end {
            let skipped = format!("a playback entry is skipped: {why}");
            self.outputs.push_back(Output::Warn(skipped));
        }
        if !action.audio.is_playing() {
            self.timers.disarm(Timer::Playback);
            self.audio_ended(now);
        }
    }

    fn playback_overdue(&mut self, now: Now) {
        let overdue = "the switch did not report the end of a playback";
        self.outputs.push_back(Output::Warn(overdue.into()));
        if let Some(action) = &mut self.action {
            action.audio.give_up();
        }
        self.order(Order::StopAudio);
        self.audio_ended(now);
    }

    /// Nothing plays any more: to its end, stopped, failed, or there was nothing to play.
    fn audio_ended(&mut self, now: Now) {
        let Some(action) = &mut self.action else { return };
        action.audio.ended = Some(now);
        if std::mem::take(&mut action.resumes) {
            return self.play(now);
        }
        if action.audio.all_failed() {
            return self.complete("ERROR()".into());
        }
        let Some(listening) = &action.listening else {
            return self.complete("DONE()".into());
        };
        if listening.interrupt == Interrupt::Deaf && !self.is_listening {
            self.listen();
        }
        self.deliver_held();
        self.go_on_listening(now);
    }

    /// Mode 0 is done with one sentence; else the silence timer starts, once nothing plays (T7).
    fn go_on_listening(&mut self, now: Now) {
        let Some(action) = &self.action else { return };
        let Some(listening) = &action.listening else { return };
        if action.audio.is_playing() || self.speech.is_any() {
            return;
        }
        if !listening.keeps_listening && !action.said.is_empty() {
            return self.complete(self.complete_args("DONE"));
        }
        let due = now.tick.plus_ms(listening.wait_speech_ms);
        self.timers.arm(Timer::WaitSpeech, due);
    }

    fn speech_started(&mut self, ago_ms: u64, now: Now) {
        if !self.hears() {
            return;
        }
        let over_audio = self.action.as_ref().is_some_and(|action| action.audio.is_playing());
        let started = now.minus_ms(ago_ms);
        if !self.speech.begin(Speech { started, over_audio, stopped: None, partial: "".into() }) {
            return;
        }
        self.timers.disarm(Timer::WaitSpeech);
        self.timers.disarm(Timer::FalseStart);
        if let Some(listening) = self.listening() {
            let due = started.tick.plus_ms(listening.max_speech_ms);
            self.timers.arm(Timer::MaxSpeech, due);
        }
        self.interrupt_if(Interrupt::OnSpeech, now);
    }

    fn speech_stopped(&mut self, ago_ms: u64, now: Now) {
        let Some(speech) = self.speech.current() else { return };
        speech.stopped = Some(now.minus_ms(ago_ms));
        self.timers.disarm(Timer::MaxSpeech);
        self.timers.arm(Timer::FalseStart, now.tick.plus_ms(words_within_ms(ago_ms)));
    }

    /// T6: the sentence ends here, and with it an action that listens; a goodbye goes on (T12).
    fn cut_speech(&mut self) {
        let args = self.complete_args("TIMEOUT");
        self.speech.clear();
        if self.listening().is_some() {
            self.complete(args);
        }
    }

    fn partial(&mut self, text: SmolStr, now: Now) {
        if text.trim().is_empty() || !self.hears() {
            return;
        }
        if !self.speech.is_any() {
            self.speech_started(0, now);
        }
        self.interrupt_if(Interrupt::OnPartial, now);
        let Some(speech) = self.speech.current() else { return };
        speech.partial = text.clone();
        let interval = speech.interval(now);
        if self.interrupt_now() != Some(Interrupt::NeverAndHold) {
            let heard = self.heard('S', &text, interval);
            self.input(Input::Text(heard));
        }
    }

    fn finished_sentence(&mut self, text: &SmolStr, now: Now) {
        if !self.hears() && self.hung_up.is_none() {
            return;
        }
        if text.trim().is_empty() {
            return self.false_start(now);
        }
        self.interrupt_if(Interrupt::OnFinal, now);
        let interval = self.end_speech(now);
        if self.hung_up.is_some() {
            if let Some(action) = &mut self.action {
                keep(&mut action.said, text.clone());
            }
            return self.tell_hangup();
        }
        let heard = self.heard('F', text, interval);
        let holds = self.interrupt_now() == Some(Interrupt::NeverAndHold);
        if let Some(action) = &mut self.action {
            keep(&mut action.said, text.clone());
            if holds {
                keep(&mut action.held, heard);
                return;
            }
        }
        self.input(Input::Text(heard));
        self.go_on_listening(now);
    }

    fn recognition_failed(&mut self, error: &SmolStr, now: Now) {
        if !self.hears() {
            return;
        }
        let interval = self.end_speech(now);
        self.failed.note(error, now.tick);
        let heard = self.heard('E', error, interval);
        self.input(Input::Text(heard));
        self.resume(now);
        self.go_on_listening(now);
    }

    /// There was a sound and no words (T3).
    fn false_start(&mut self, now: Now) {
        self.end_speech(now);
        self.no_words(now);
    }

    /// Goes on as if the caller had made no sound.
    fn no_words(&mut self, now: Now) {
        if self.hung_up.is_some() {
            return self.tell_hangup();
        }
        if self.speech.goes_on() {
            return;
        }
        self.resume(now);
        self.go_on_listening(now);
    }

    /// Goes on with audio that the caller's speech cut.
    fn resume(&mut self, now: Now) {
        let Some(action) = &mut self.action else { return };
        if !std::mem::take(&mut action.cut_by_speech) {
            return;
        }
        if action.audio.is_playing() {
            action.resumes = true;
        } else if action.audio.was_cut() {
            self.play(now);
        }
    }

    fn end_speech(&mut self, now: Now) -> Interval {
        let speech = self.speech.take();
        if !self.speech.is_any() {
            self.timers.disarm(Timer::MaxSpeech);
            self.timers.disarm(Timer::FalseStart);
        }
        speech.map_or(Interval::moment(now), |speech| speech.interval(now))
    }

    /// Stops the audio if the action lets itself be interrupted in this way, now.
    fn interrupt_if(&mut self, way: Interrupt, now: Now) {
        if self.interrupt_now() != Some(way) {
            return;
        }
        let Some(action) = &mut self.action else { return };
        let played_ms = action.audio.started.map_or(0, |start| now.tick.ms_since(start.tick));
        if played_ms < action.disablebreak_ms || !action.audio.is_playing() {
            return;
        }
        if !std::mem::replace(&mut action.cut_by_speech, true) {
            self.order(Order::StopAudio);
        }
    }

    /// How the running action is interrupted, while its audio plays.
    fn interrupt_now(&self) -> Option<Interrupt> {
        let action = self.action.as_ref().filter(|action| action.audio.is_playing())?;
        action.listening.as_ref().map(|listening| listening.interrupt)
    }

    /// A piece of speech as the engine wants it (E91).
    fn heard(&self, letter: char, text: &str, interval: Interval) -> Heard {
        let Interval { started, ended, .. } = interval;
        let duration_ms = ms(ended.tick.ms_since(started.tick));
        let audio = self.action.as_ref().map(|action| &action.audio);
        let (is_over_audio, play_time_ms) =
            audio.map_or((false, 0), |audio| audio.play_time(&interval));
        let interrupt = self.listening().map(|listening| listening.interrupt);
        let marked = is_over_audio && interrupt.is_some_and(Interrupt::marks_speech_over_audio);
        let prefix = if marked { "P" } else { "" };
        Heard {
            appid: self.action.as_ref().map(|action| action.appid.clone()),
            text: smol_str::format_smolstr!("{prefix}{letter}{text}"),
            start: started.wall,
            duration_ms,
            play_time_ms,
            record: self.recording.clone(),
        }
    }

    fn deliver_held(&mut self) {
        let Some(action) = &mut self.action else { return };
        for heard in std::mem::take(&mut action.held) {
            self.input(Input::Text(heard));
        }
    }

    fn recognizer_ready(&mut self) {
        self.timers.disarm(Timer::RecognizerRetry);
        self.timers.disarm(Timer::RecognizerGone);
    }

    fn recognizer_lost(&mut self, error: &SmolStr, now: Now) {
        if !self.hears() {
            return;
        }
        if !error.is_empty() && !self.failed.is_same(error, now.tick) {
            let heard = self.heard('E', error, Interval::moment(now));
            self.input(Input::Text(heard));
        }
        self.timers.arm(Timer::RecognizerRetry, now.tick.plus_ms(RECOGNIZER_RETRY_MS));
        if !self.timers.is_armed(Timer::RecognizerGone) {
            self.timers.arm(Timer::RecognizerGone, now.tick.plus_ms(RECOGNIZER_GONE_MS));
        }
    }

    fn digit(&mut self, key: char, now: Now) {
        let Some(action) = &self.action else {
            // Between its audio and its end, an action may still collect digits.
            let digits = smol_str::format_smolstr!("{key}");
            return self.input(Input::Dtmf { appid: None, digits, play_time_ms: 0 });
        };
        let play_time_ms = match (action.audio.started, action.audio.ended) {
            (_, Some(end)) => -ms(now.tick.ms_since(end.tick)),
            (Some(start), None) => ms(now.tick.ms_since(start.tick)),
            (None, None) => 0,
        };
        let appid = Some(action.appid.clone());
        let digits = smol_str::format_smolstr!("{key}");
        if self.timers.is_armed(Timer::WaitSpeech) {
            self.go_on_listening(now);
        }
        self.input(Input::Dtmf { appid, digits, play_time_ms });
    }

    fn broken(&mut self) {
        if self.action.as_ref().is_some_and(|action| action.audio.is_playing()) {
            self.order(Order::StopAudio);
        }
        self.complete("BREAK()".into());
    }

    /// The line is gone. Told a second time, it tells that nothing more will be heard of it.
    fn hung_up(&mut self, reason: EndReason, now: Now) {
        if self.hung_up.is_some() {
            return self.tell_hangup();
        }
        self.hung_up = Some(reason);
        let is_speaking = self.speech.is_any();
        self.timers = Timers::default();
        if is_speaking && self.action.is_some() {
            self.timers.arm(Timer::AfterHangup, now.tick.plus_ms(AFTER_HANGUP_MS));
        } else {
            self.tell_hangup();
        }
    }

    fn tell_hangup(&mut self) {
        let Some(reason) = self.hung_up else { return };
        self.timers = Timers::default();
        self.complete(self.hangup_args());
        self.input(Input::Ended(reason));
    }

    /// The argument of a COMPLETE: what was said and not answered (T6).
    fn complete_args(&self, word: &str) -> SmolStr {
        let mut args = format!("{word}(");
        for text in self.action.iter().flat_map(|action| &action.said) {
            args.push_str("F:");
            args.push_str(text);
        }
        let partial = self.speech.partial();
        if !partial.is_empty() {
            args.push_str("S:");
            args.push_str(partial);
        }
        args.push(')');
        args.into()
    }

    /// `HANGUP(F…)`: the first sentence without a colon, as published (R24).
    fn hangup_args(&self) -> SmolStr {
        self.complete_args("HANGUP").replacen("(F:", "(F", 1).into()
    }

    /// The action ends; once, whatever else is still said of it.
    fn complete(&mut self, args: SmolStr) {
        let Some(action) = self.action.take() else { return };
        for timer in [Timer::WaitSpeech, Timer::Playback] {
            self.timers.disarm(timer);
        }
        self.input(Input::Complete { appid: Some(action.appid), args });
    }

    /// True if somebody listens to the caller.
    fn hears(&self) -> bool {
        self.is_listening && self.hung_up.is_none()
    }

    fn listening(&self) -> Option<&Listening> {
        self.action.as_ref().and_then(|action| action.listening.as_ref())
    }

    fn is_current(&self, entry: &EntryId) -> bool {
        self.action.as_ref().is_some_and(|action| action.appid == entry.appid)
    }

    fn order(&mut self, order: Order) {
        self.outputs.push_back(Output::Order(order));
    }

    fn input(&mut self, input: Input) {
        self.outputs.push_back(Output::Input(input));
    }
}
