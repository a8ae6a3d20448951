//! The rules of a turn (T1 to T8, T12), each on the machine alone.

use super::listening::Listening;
use super::*;
use crate::engine::{Action, ActionKind, EndReason, Heard, Input, Now, Playback, Source};
use crate::script::SpeechArgs;

/// A turn at a moment that the test moves.
struct Stage {
    turn: Turn,
    now: Now,
    appid: String,
}

impl Stage {
    /// An action that plays these entries, with these arguments (T1), from now on.
    fn playing(entries: &[&str], argument: &str) -> Self {
        let mut stage = Self { turn: Turn::default(), now: Now::default(), appid: "a1".into() };
        stage.start(action("a1", entries, Some(argument)));
        stage
    }

    /// As `playing`, and the first entry can be heard.
    fn heard(entries: &[&str], argument: &str) -> Self {
        let mut stage = Self::playing(entries, argument);
        stage.outputs();
        stage.on(MediaEvent::RecognizerReady);
        stage.on(MediaEvent::PlaybackStarted(stage.entry(0)));
        assert_eq!(stage.outputs(), [""; 0]);
        stage
    }

    /// As `playing`, and all has been played.
    fn listening(argument: &str) -> Self {
        let mut stage = Self::heard(&["hello"], argument);
        stage.after(3_000);
        stage.finished(0, PlaybackEnd::Done, 3_000);
        assert_eq!(stage.outputs(), [""; 0]);
        stage
    }

    fn start(&mut self, action: Action) {
        self.appid = action.appid.to_string();
        self.turn.start(action, self.now);
    }

    fn on(&mut self, event: MediaEvent) {
        self.turn.handle(event, self.now);
    }

    fn finished(&mut self, number: u32, end: PlaybackEnd, heard_ms: u64) {
        let entry = self.entry(number);
        self.on(MediaEvent::PlaybackFinished { entry, end, heard_ms: Some(heard_ms) });
    }

    /// A sentence that takes this long.
    fn says(&mut self, text: &str, for_ms: u64) {
        self.on(MediaEvent::SpeechStarted { ago_ms: 0 });
        self.after(for_ms);
        self.on(MediaEvent::Final(text.into()));
    }

    /// Time passes, and the turn is woken whenever it wants to be.
    fn after(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        while let Some((due, _)) = self.turn.next_wake().filter(|(due, _)| *due <= end.tick) {
            self.now = self.now.plus_ms(due.ms_since(self.now.tick));
            self.turn.wake(self.now);
        }
        self.now = end;
    }

    fn entry(&self, number: u32) -> EntryId {
        EntryId { appid: self.appid.as_str().into(), number }
    }

    /// Everything that came out since the last look, in short.
    fn outputs(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.turn.next_output()).map(|output| short(&output)).collect()
    }
}

fn action(appid: &str, entries: &[&str], argument: Option<&str>) -> Action {
    let playback =
        |text: &&str| Playback { source: Source::Text((*text).into()), text: (*text).into() };
    Action {
        appid: appid.into(),
        app: "cti_play_and_detect_speech".into(),
        argument: argument.unwrap_or_default().into(),
        playbacks: entries.iter().map(playback).collect(),
        listen: argument.map(|argument| Box::new(SpeechArgs::parse(argument).0)),
        disablebreak_ms: 0,
        kind: ActionKind::Play,
    }
}

fn short(output: &Output) -> String {
    match output {
        Output::Order(Order::Play { entry, source: Source::Text(text), offset_ms }) => {
            format!("play {}/{} {text}@{offset_ms}", entry.appid, entry.number)
        }
        Output::Order(Order::StopAudio) => "stop".into(),
        Output::Order(Order::Listen(_)) => "listen".into(),
        Output::Order(Order::StopListening) => "deaf".into(),
        Output::Order(Order::Execute { app, argument, .. }) => format!("execute {app} {argument}"),
        Output::Input(Input::Text(Heard { text, duration_ms, play_time_ms, .. })) => {
            format!("{text} {duration_ms} {play_time_ms}")
        }
        Output::Input(Input::Dtmf { digits, play_time_ms, .. }) => {
            format!("dtmf {digits} {play_time_ms}")
        }
        Output::Input(Input::Complete { args, .. }) => args.to_string(),
        Output::Input(Input::Ended(reason)) => format!("ended {}", reason.as_str()),
        Output::Warn(warning) => format!("warn {warning}"),
        other => format!("{other:?}"),
    }
}

/// T1: everything has its default; listening begins with the audio.
#[test]
fn t1_an_action_plays_and_listens_at_once() {
    let mut stage = Stage::playing(&["hello", "there"], "");
    assert_eq!(stage.outputs(), ["listen", "play a1/0 hello@0", "play a1/1 there@0"]);
}

/// T1: what is left empty has its default.
#[test]
fn t1_what_is_left_empty_has_its_default() {
    let listening = Listening::new(&"a".into(), &SpeechArgs::parse("").0);
    assert!(listening.keeps_listening, "mode 1");
    assert_eq!(listening.interrupt, Interrupt::OnSpeech);
    assert_eq!((listening.wait_speech_ms, listening.max_speech_ms), (5_000, 20_000));
    assert_eq!((listening.listen.end_silence_ms, listening.listen.max_speech_ms), (800, 20_000));
    let own =
        Listening::new(&"a".into(), &SpeechArgs::parse("0 64 '' '' '' '' 900 1000 2000 贷款 {}").0);
    assert!(!own.keeps_listening);
    assert_eq!(own.interrupt, Interrupt::OnFinal);
    assert_eq!((own.wait_speech_ms, own.max_speech_ms), (1_000, 2_000));
    let listen = own.listen;
    assert_eq!((listen.end_silence_ms, listen.max_speech_ms), (900, 2_000));
    assert_eq!((listen.hot_word.as_str(), listen.asr_params.as_str()), ("贷款", "{}"));
}

/// T2, mode 0: nobody listens until the audio has ended.
#[test]
fn t2_0_nobody_listens_to_a_playing_robot() {
    let mut stage = Stage::playing(&["hello"], "'1' '0'");
    assert_eq!(stage.outputs(), ["play a1/0 hello@0"]);
    stage.says("yes", 500);
    stage.on(MediaEvent::Partial("yes".into()));
    assert_eq!(stage.outputs(), [""; 0]);
    stage.finished(0, PlaybackEnd::Done, 500);
    assert_eq!(stage.outputs(), ["listen"]);
    stage.says("yes", 700);
    assert_eq!(stage.outputs(), ["Fyes 700 0"]);
}

/// T2: when each mode stops the audio, and what it tells meanwhile.
#[test]
fn t2_each_mode_stops_the_audio_at_its_own_moment() {
    for (mode, at_speech, at_partial, at_final) in [
        ("1", vec![], vec!["Sye 300 1300"], vec!["Fyes 600 1600"]),
        ("2", vec!["stop"], vec!["Sye 300 1300"], vec!["Fyes 600 1600"]),
        ("32", vec![], vec!["stop", "Sye 300 1300"], vec!["Fyes 600 1600"]),
        ("64", vec![], vec!["Sye 300 1300"], vec!["stop", "Fyes 600 1600"]),
        ("128", vec![], vec!["PSye 300 1300"], vec!["PFyes 600 1600"]),
        ("256", vec![], vec![], vec![]),
        ("7", vec!["stop"], vec!["Sye 300 1300"], vec!["Fyes 600 1600"]),
    ] {
        let mut stage = Stage::heard(&["hello"], &format!("'1' '{mode}'"));
        stage.after(1_000);
        stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
        assert_eq!(stage.outputs(), at_speech, "{mode}: speech");
        stage.after(300);
        stage.on(MediaEvent::Partial("ye".into()));
        assert_eq!(stage.outputs(), at_partial, "{mode}: partial");
        stage.after(300);
        stage.on(MediaEvent::Final("yes".into()));
        assert_eq!(stage.outputs(), at_final, "{mode}: final");
    }
}

/// E91: speech that stopped the audio was spoken over it, even if the stop took no time.
#[test]
fn speech_that_stops_the_audio_was_over_it() {
    let mut stage = Stage::heard(&["hello"], "");
    stage.after(1_000);
    stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    stage.finished(0, PlaybackEnd::Stopped, 1_000);
    assert_eq!(stage.outputs(), ["stop"]);
    stage.after(600);
    stage.on(MediaEvent::Final("yes".into()));
    assert_eq!(stage.outputs(), ["Fyes 600 1600"]);
}

/// T2, 256: results are held until the audio has ended.
#[test]
fn t2_256_results_are_held() {
    let mut stage = Stage::heard(&["hello"], "'1' '256'");
    stage.after(1_000);
    stage.says("yes", 600);
    stage.after(400);
    stage.finished(0, PlaybackEnd::Done, 2_000);
    assert_eq!(stage.outputs(), ["PFyes 600 1600"]);
}

/// T3: a cough stops the audio; without text 1.5 s after it, the audio goes on where it was cut.
#[test]
fn t3_a_cough_does_not_silence_the_robot() {
    let mut stage = Stage::heard(&["hello", "there"], "");
    stage.after(1_000);
    stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    stage.finished(0, PlaybackEnd::Stopped, 1_020);
    stage.finished(1, PlaybackEnd::Stopped, 0);
    assert_eq!(stage.outputs(), ["stop"]);
    stage.after(400);
    stage.on(MediaEvent::SpeechStopped { ago_ms: 0 });
    stage.after(1_499);
    assert_eq!(stage.outputs(), [""; 0]);
    stage.after(1);
    assert_eq!(stage.outputs(), ["play a1/2 hello@1020", "play a1/3 there@0"]);
}

/// T3: the 1.5 s are counted from the end of the sound, whenever that was noticed; but a recogniser has
/// some time for it.
#[test]
fn t3_the_end_of_a_cough_may_be_noticed_late() {
    for (ago_ms, left_ms) in [(0, 1_500), (800, 700), (2_000, 700)] {
        let mut stage = Stage::heard(&["hello"], "");
        stage.after(5_000);
        stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
        stage.finished(0, PlaybackEnd::Stopped, 5_000);
        stage.after(ago_ms);
        stage.on(MediaEvent::SpeechStopped { ago_ms });
        stage.after(left_ms - 1);
        assert_eq!(stage.outputs(), ["stop"], "{ago_ms}");
        stage.after(1);
        assert_eq!(stage.outputs(), ["play a1/1 hello@5000"], "{ago_ms}");
    }
}

/// T3, E91: words that come when they are waited for no more, and the audio goes on already, are words
/// of the speech that stopped it.
#[test]
fn t3_late_words_carry_when_they_were_said() {
    let mut stage = Stage::heard(&["hello"], "");
    stage.after(1_000);
    stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    stage.finished(0, PlaybackEnd::Stopped, 1_000);
    stage.after(600);
    stage.on(MediaEvent::SpeechStopped { ago_ms: 0 });
    stage.after(1_500);
    assert_eq!(stage.outputs(), ["stop", "play a1/1 hello@1000"]);
    stage.after(300);
    stage.on(MediaEvent::Final("yes".into()));
    assert_eq!(stage.outputs(), ["Fyes 600 1600"]);
    stage.after(300);
    stage.on(MediaEvent::Final("nobody said this".into()));
    assert_eq!(stage.outputs(), ["Fnobody said this 0 3700"]);
}

/// T3, T7: two noises of which a recogniser never says anything do not keep an action open.
#[test]
fn t3_two_noises_without_a_result_do_not_keep_it_open() {
    let mut stage = Stage::listening("");
    for _ in 0..2 {
        stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
        stage.after(300);
        stage.on(MediaEvent::SpeechStopped { ago_ms: 0 });
        stage.after(300);
    }
    stage.after(1_200 + 4_999);
    assert_eq!(stage.outputs(), [""; 0]);
    stage.after(1);
    assert_eq!(stage.outputs(), ["TIMEOUT()"]);
}

/// T3: a recogniser that says "no words" is believed at once, even before the switch has
/// confirmed that the audio stopped.
#[test]
fn t3_a_result_without_words_resumes_at_once() {
    let mut stage = Stage::heard(&["hello"], "");
    stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    stage.on(MediaEvent::Final("".into()));
    assert_eq!(stage.outputs(), ["stop"]);
    stage.finished(0, PlaybackEnd::Stopped, 700);
    assert_eq!(stage.outputs(), ["play a1/1 hello@700"]);
}

/// T6: a recogniser that is gone is told of once; after 30 s the action ends with an error.
#[test]
fn t6_why_a_recogniser_is_gone_is_told_once() {
    let mut stage = Stage::listening("'1' '2' '' '' '' '' '' '60000'");
    stage.on(MediaEvent::RecognitionFailed("refused".into()));
    stage.on(MediaEvent::RecognizerLost("".into()));
    assert_eq!(stage.outputs(), ["Erefused 0 0"]);
    stage.after(29_999);
    assert!(!stage.outputs().contains(&"ERROR()".to_owned()));
    stage.after(1);
    assert_eq!(stage.outputs(), ["ERROR()"]);
}

/// T5: the texts of two sentences that follow each other closely go to their own, in order.
#[test]
fn t5_a_text_that_comes_late_is_of_its_own_sentence() {
    let mut stage = Stage::listening("");
    stage.after(1_000);
    stage.on(MediaEvent::SpeechStarted { ago_ms: 200 });
    stage.after(1_300);
    stage.on(MediaEvent::SpeechStopped { ago_ms: 800 });
    stage.after(600);
    stage.on(MediaEvent::SpeechStarted { ago_ms: 100 });
    stage.after(400);
    stage.on(MediaEvent::Final("first".into()));
    stage.after(1_100);
    stage.on(MediaEvent::SpeechStopped { ago_ms: 800 });
    stage.on(MediaEvent::Final("second".into()));
    assert_eq!(stage.outputs(), ["Ffirst 700 -800", "Fsecond 800 -2800"]);
}

/// T5, E91: play time is positive over the audio and negative after it.
#[test]
fn t5_sentences_carry_when_they_were_said() {
    let mut stage = Stage::listening("");
    stage.after(1_200);
    stage.says("yes", 800);
    assert_eq!(stage.outputs(), ["Fyes 800 -1200"]);
}

/// T6: mode 0 ends with its first sentence, mode 1 goes on.
#[test]
fn t6_mode_0_is_done_with_one_sentence() {
    let mut one = Stage::listening("'0'");
    one.says("yes", 500);
    assert_eq!(one.outputs(), ["Fyes 500 0", "DONE(F:yes)"]);
    let mut many = Stage::listening("'1'");
    many.says("yes", 500);
    many.says("no", 500);
    assert_eq!(many.outputs(), ["Fyes 500 0", "Fno 500 -500"]);
}

/// T6: in mode 0 a sentence over the audio is told at once, and the action is done when the audio is.
#[test]
fn t6_mode_0_waits_for_the_end_of_its_audio() {
    let mut stage = Stage::heard(&["hello"], "'0' '1'");
    stage.after(500);
    stage.says("yes", 500);
    assert_eq!(stage.outputs(), ["Fyes 500 1000"]);
    stage.finished(0, PlaybackEnd::Done, 2_000);
    assert_eq!(stage.outputs(), ["DONE(F:yes)"]);
}

/// T5: a partial is `S…`, a failure `E…`; both say when they were said.
#[test]
fn t5_partials_and_failures_have_their_letters() {
    let mut stage = Stage::listening("");
    stage.after(1_000);
    stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    stage.after(300);
    stage.on(MediaEvent::Partial("ye".into()));
    stage.on(MediaEvent::RecognitionFailed("busy".into()));
    assert_eq!(stage.outputs(), ["Sye 300 -1000", "Ebusy 300 -1000"]);
}

/// T6, T7: the silence timer starts when the audio has ended, not when it was sent.
#[test]
fn t7_silence_is_counted_from_the_end_of_the_audio() {
    let mut stage = Stage::heard(&["hello"], "'1' '2' '' '' '' '' '' '4000'");
    stage.after(60_000);
    assert_eq!(stage.outputs(), [""; 0]);
    stage.finished(0, PlaybackEnd::Done, 60_000);
    stage.after(3_999);
    assert_eq!(stage.outputs(), [""; 0]);
    stage.after(1);
    assert_eq!(stage.outputs(), ["TIMEOUT()"]);
}

/// T6: what was said and not answered is in the time-out; a sentence without end is cut.
#[test]
fn t6_a_timeout_says_what_was_said() {
    let mut quiet = Stage::listening("");
    quiet.says("hm", 300);
    quiet.outputs();
    quiet.after(5_000);
    assert_eq!(quiet.outputs(), ["TIMEOUT(F:hm)"]);

    let mut endless = Stage::listening("'1' '2' '' '' '' '' '' '' '2000'");
    endless.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    endless.on(MediaEvent::Partial("and then".into()));
    endless.outputs();
    endless.after(2_000);
    assert_eq!(endless.outputs(), ["TIMEOUT(S:and then)"]);
}

/// T6: exactly one COMPLETE, whatever else is said of an action that has ended.
#[test]
fn t6_an_action_completes_once() {
    let mut stage = Stage::listening("");
    stage.on(MediaEvent::Broken);
    stage.on(MediaEvent::Broken);
    stage.after(600_000);
    stage.finished(0, PlaybackEnd::Done, 0);
    assert_eq!(stage.outputs(), ["BREAK()"]);
}

/// T5, T6: a sentence that failed because the recogniser is gone is one failure, and a later loss is
/// another.
#[test]
fn t5_a_recogniser_that_is_lost_with_a_sentence_is_told_once() {
    let mut stage = Stage::listening("");
    stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    stage.after(300);
    stage.on(MediaEvent::RecognitionFailed("refused".into()));
    stage.after(2);
    stage.on(MediaEvent::RecognizerLost("refused".into()));
    assert_eq!(stage.outputs(), ["Erefused 300 0"]);
    stage.after(1_000);
    stage.on(MediaEvent::RecognizerLost("refused".into()));
    assert_eq!(stage.outputs(), ["Erefused 0 -1302"]);
}

/// T6: a recogniser that is gone is tried again, told as `E…`, and after 30 s the action fails.
#[test]
fn t6_an_action_survives_a_short_loss_of_its_recogniser() {
    let mut short = Stage::listening("'1' '2' '' '' '' '' '' '60000'");
    short.on(MediaEvent::RecognizerLost("refused".into()));
    short.after(2_000);
    assert_eq!(short.outputs(), ["Erefused 0 0", "listen"]);
    short.on(MediaEvent::RecognizerReady);
    short.after(40_000);
    assert_eq!(short.outputs(), [""; 0]);

    let mut long = Stage::listening("'1' '2' '' '' '' '' '' '60000'");
    for _ in 0..15 {
        long.on(MediaEvent::RecognizerLost("refused".into()));
        long.after(2_000);
    }
    assert_eq!(long.outputs().last().map(String::as_str), Some("ERROR()"));
}

/// T7: a switch that never reports the end of the audio can't hang the call.
#[test]
fn t7_a_lost_end_of_playback_has_a_deadline() {
    let mut stage = Stage::heard(&["hello"], "");
    stage.after(605_000 + 5_000);
    let outputs = stage.outputs();
    assert_eq!(&outputs[1..], ["stop", "TIMEOUT()"]);
    assert!(outputs[0].starts_with("warn "));
}

/// T8: an entry that fails is skipped; only if none can be played the action fails (T6).
#[test]
fn t8_a_failed_entry_is_skipped() {
    let failed = || PlaybackEnd::Failed("no file".into());
    let mut one = Stage::heard(&["hello", "there"], "");
    one.finished(0, failed(), 0);
    assert_eq!(one.outputs(), ["warn a playback entry is skipped: no file"]);
    one.finished(1, PlaybackEnd::Done, 900);
    one.after(5_000);
    assert_eq!(one.outputs(), ["TIMEOUT()"]);

    let mut all = Stage::heard(&["hello", "there"], "");
    all.finished(0, failed(), 0);
    all.finished(1, failed(), 0);
    assert_eq!(all.outputs().last().map(String::as_str), Some("ERROR()"));
}

/// T12: nothing the caller does cuts a goodbye; what is said over it is still told.
#[test]
fn t12_a_goodbye_is_not_talked_away() {
    let mut stage = Stage::listening("");
    stage.start(Action { kind: ActionKind::Goodbye, ..action("bye", &["goodbye"], None) });
    assert_eq!(stage.outputs(), ["play bye/0 goodbye@0"]);
    stage.on(MediaEvent::PlaybackStarted(stage.entry(0)));
    stage.after(200);
    stage.says("wait", 500);
    stage.turn.stop_audio("bye");
    assert_eq!(stage.outputs(), ["Fwait 500 700"]);
    stage.finished(0, PlaybackEnd::Done, 700);
    assert_eq!(stage.outputs(), ["DONE()"]);
}

/// A new action stops the audio of the old one first; what the switch still says of it is nothing.
#[test]
fn a_new_action_replaces_the_old_one() {
    let mut stage = Stage::heard(&["hello"], "");
    stage.start(action("a2", &["next"], Some("")));
    assert_eq!(stage.outputs(), ["stop", "listen", "play a2/0 next@0"]);
    let old = EntryId { appid: "a1".into(), number: 0 };
    stage.on(MediaEvent::PlaybackFinished {
        entry: old,
        end: PlaybackEnd::Stopped,
        heard_ms: Some(10),
    });
    assert_eq!(stage.outputs(), [""; 0]);
}

/// disablebreak: speech that begins within its ms does not stop the audio (E3).
#[test]
fn disablebreak_protects_the_beginning() {
    let mut stage = Stage::playing(&[], "");
    stage.outputs();
    stage.start(Action { disablebreak_ms: 1_000, ..action("a2", &["law"], Some("")) });
    stage.outputs();
    stage.on(MediaEvent::PlaybackStarted(stage.entry(0)));
    stage.after(999);
    stage.says("yes", 100);
    assert_eq!(stage.outputs(), ["Fyes 100 1099"]);
    stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    assert_eq!(stage.outputs(), ["stop"]);
}

/// E77: keys carry how long the audio had been playing.
#[test]
fn keys_are_told_with_their_play_time() {
    let mut stage = Stage::heard(&["press"], "");
    stage.after(700);
    stage.on(MediaEvent::Digit('1'));
    assert_eq!(stage.outputs(), ["dtmf 1 700"]);
}

/// E76: what was being said at the hang-up is waited for, three seconds at most.
#[test]
fn e76_the_last_words_are_waited_for() {
    let mut silent = Stage::listening("");
    silent.on(MediaEvent::HungUp(EndReason::RecvBye));
    assert_eq!(silent.outputs(), ["HANGUP()", "ended recv_bye"]);

    let mut spoken = Stage::listening("");
    spoken.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    spoken.on(MediaEvent::HungUp(EndReason::RecvBye));
    assert_eq!(spoken.outputs(), [""; 0]);
    spoken.on(MediaEvent::Final("再见".into()));
    assert_eq!(spoken.outputs(), ["HANGUP(F再见)", "ended recv_bye"]);

    let mut cut = Stage::listening("");
    cut.on(MediaEvent::Partial("再".into()));
    cut.on(MediaEvent::HungUp(EndReason::RecvBye));
    cut.outputs();
    cut.after(3_000);
    assert_eq!(cut.outputs(), ["HANGUP(S:再)", "ended recv_bye"]);
}

/// E76, E81: a line of which nothing more comes is not waited for; who hung up stays.
#[test]
fn e76_a_line_that_tells_nothing_more_is_over() {
    let mut stage = Stage::listening("");
    stage.on(MediaEvent::Partial("再".into()));
    stage.outputs();
    stage.on(MediaEvent::HungUp(EndReason::RecvBye));
    assert_eq!(stage.outputs(), [""; 0]);
    stage.on(MediaEvent::HungUp(EndReason::Hangup));
    assert_eq!(stage.outputs(), ["HANGUP(S:再)", "ended recv_bye"]);
}

/// E20: an application of the switch is run, and its end is the action's.
#[test]
fn an_application_completes_with_its_end() {
    let mut stage = Stage::listening("");
    let application = Action {
        kind: ActionKind::Application,
        app: "sched_hangup".into(),
        argument: "+60".into(),
        ..action("app", &[], None)
    };
    stage.start(application);
    assert_eq!(stage.outputs(), ["deaf", "execute sched_hangup +60"]);
    stage.on(MediaEvent::ApplicationFinished { entry: stage.entry(0), ok: true });
    assert_eq!(stage.outputs(), ["DONE()"]);
}

/// T3, T7: a noise that a new action finds still open ends, and the silence timer starts.
#[test]
fn t7_a_noise_before_a_new_action_does_not_keep_it_open() {
    let mut stage = Stage::listening("");
    stage.on(MediaEvent::SpeechStarted { ago_ms: 0 });
    stage.on(MediaEvent::SpeechStopped { ago_ms: 0 });
    stage.start(action("a2", &["again"], Some("")));
    stage.on(MediaEvent::PlaybackStarted(stage.entry(0)));
    stage.finished(0, PlaybackEnd::Done, 0);
    stage.outputs();
    stage.after(1_500 + 5_000);
    assert_eq!(stage.outputs(), ["TIMEOUT()"]);
}

/// T12: a sentence that began before the goodbye and never ends doesn't cut it.
#[test]
fn t12_a_sentence_without_end_does_not_cut_the_goodbye() {
    let mut stage = Stage::listening("");
    stage.on(MediaEvent::Partial("well".into()));
    stage.start(Action { kind: ActionKind::Goodbye, ..action("a2", &["bye"], None) });
    stage.on(MediaEvent::PlaybackStarted(stage.entry(0)));
    stage.outputs();
    stage.after(60_000);
    assert_eq!(stage.outputs(), [""; 0]);
}
