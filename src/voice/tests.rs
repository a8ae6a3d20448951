//! The ears and the mouth of a call, in virtual time.

use std::sync::{Arc, LazyLock};

use smol_str::SmolStr;

use super::*;
use crate::engine::{Source, Tick};
use crate::media::{FRAME_MS, FRAME_SAMPLES, Frame, SILENCE};
use crate::turn::{Ends, EntryId, Listen, MediaEvent, Order, PlaybackEnd};

/// A sentence of a second and a half, as a voice speaks it; silent at both ends.
static SPEECH: LazyLock<Vec<i16>> = LazyLock::new(|| {
    let bytes: &[u8] = include_bytes!("../../tests/data/audio/yes.wav");
    hound::WavReader::new(bytes).unwrap().samples().map(Result::unwrap).collect()
});

/// A call whose clock the test turns: 20 ms, a frame of the caller, a frame of the robot.
struct Booth {
    voice: Voice,
    now: Tick,
    /// What was sent to the caller.
    said: Vec<i16>,
    /// What became of it, but for the audio that went to the recogniser.
    told: Vec<String>,
    /// How much of that there was, ms.
    asr_ms: u64,
}

impl Booth {
    fn new() -> Self {
        let voice = Voice::new(SmolStr::default(), Arc::default());
        let (now, said, told) = (Tick(1_000), Vec::new(), Vec::new());
        Self { voice, now, said, told, asr_ms: 0 }
    }

    fn listening(listen: Listen) -> Self {
        let mut booth = Self::new();
        booth.order(Order::Listen(Box::new(listen)));
        booth.told.clear();
        booth
    }

    fn order(&mut self, order: Order) {
        self.voice.order(order, self.now);
        self.note();
    }

    fn play(&mut self, number: u32, offset_ms: u64) {
        let source = Source::Text("hello".into());
        self.order(Order::Play { entry: entry(number), source, offset_ms });
    }

    fn deliver(&mut self, ticket: u32, delivery: Delivery) {
        self.voice.delivered(Ticket(ticket), delivery, self.now);
        self.note();
    }

    fn recognised(&mut self, said: FromRecogniser) {
        self.voice.recognised(said, self.now);
        self.note();
    }

    /// So many ms in which the caller sends this, frame by frame, and silence behind it.
    fn pass(&mut self, ms: u64, caller: &[i16]) {
        let mut frames = caller.chunks(FRAME_SAMPLES);
        for _ in 0..ms / FRAME_MS {
            let mut frame = SILENCE;
            let heard = frames.next().unwrap_or_default();
            frame[..heard.len()].copy_from_slice(heard);
            self.voice.hear(&frame, self.now);
            self.beat();
        }
    }

    /// So many ms in which nothing comes from the caller.
    fn pass_muted(&mut self, ms: u64) {
        (0..ms / FRAME_MS).for_each(|_| self.beat());
    }

    fn beat(&mut self) {
        let frame = self.voice.next_frame(self.now);
        self.said.extend(frame);
        self.note();
        self.now = self.now.plus_ms(FRAME_MS);
    }

    fn note(&mut self) {
        while let Some(output) = self.voice.next_output() {
            match output {
                Output::Recogniser(ToRecogniser::Audio(samples)) => {
                    self.asr_ms += samples.len() as u64 / 8;
                }
                other => self.told.push(shown(&other)),
            }
        }
    }

    /// What happened since it was asked last.
    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

fn entry(number: u32) -> EntryId {
    EntryId { appid: "a".into(), number }
}

fn shown(output: &Output) -> String {
    match output {
        Output::Tell(MediaEvent::PlaybackStarted(entry)) => format!("began {}", entry.number),
        Output::Tell(MediaEvent::PlaybackFinished { entry, end, heard_ms }) => {
            let end = match end {
                PlaybackEnd::Done => "done",
                PlaybackEnd::Stopped => "stopped",
                PlaybackEnd::Failed(why) => why,
            };
            format!("ended {} {end} {}", entry.number, heard_ms.unwrap())
        }
        Output::Tell(MediaEvent::SpeechStarted { ago_ms }) => format!("speaks {ago_ms}"),
        Output::Tell(MediaEvent::SpeechStopped { ago_ms }) => format!("silent {ago_ms}"),
        Output::Tell(event) => format!("{event:?}"),
        Output::Recogniser(ToRecogniser::Begin(SentenceId(id))) => format!("begin {id}"),
        Output::Recogniser(ToRecogniser::End(SentenceId(id))) => format!("end {id}"),
        Output::Recogniser(ToRecogniser::Cancel(SentenceId(id))) => format!("cancel {id}"),
        Output::Recogniser(other) => format!("{other:?}"),
        Output::Fetch(Ticket(ticket), _) => format!("fetch {ticket}"),
        Output::Forget(Ticket(ticket)) => format!("forget {ticket}"),
        Output::Record(file) => format!("record {file}"),
        Output::Recorded(samples) => format!("recorded {}", samples.len()),
        Output::Latency(turn) => format!("{:?}", turn.parts().map(|(_, ms)| ms)),
    }
}

/// So many ms of a sound, no two samples of which are alike.
fn sound(ms: u64) -> Arc<[i16]> {
    (1..=i16::try_from(ms * 8).unwrap()).collect()
}

fn listen() -> Listen {
    Listen {
        vad_filter_permille: 300,
        min_active_ms: 150,
        end_silence_ms: 800,
        max_speech_ms: 20_000,
        wait_speech_ms: 5_000,
        ..Listen::default()
    }
}

/// S22: silence is sent from the first frame on, before anybody has said anything.
#[test]
fn a_call_without_anything_to_say_is_silent_and_not_mute_s22() {
    let mut booth = Booth::new();
    booth.pass(100, &[]);
    assert_eq!(booth.said, [0; 5 * FRAME_SAMPLES]);
}

/// T7, T12: entries follow one another without a gap, whatever pieces they come in; each has ended
/// when its last sample has been heard, not when it was sent.
#[test]
fn entries_are_said_whole_and_without_a_gap_t7() {
    let mut booth = Booth::new();
    booth.play(0, 0);
    booth.play(1, 0);
    assert_eq!(booth.told(), ["fetch 1", "fetch 2"]);
    let (first, second) = (sound(50), sound(30));
    booth.deliver(1, Delivery::Piece(first[..100].into()));
    booth.deliver(1, Delivery::Piece(first[100..].into()));
    booth.deliver(1, Delivery::Done);
    booth.deliver(2, Delivery::Piece(Arc::clone(&second)));
    booth.deliver(2, Delivery::Done);
    booth.pass(80, &[]);
    assert_eq!(booth.said, [&first[..], &second].concat());
    assert_eq!(booth.told(), ["began 0", "began 1", "ended 0 done 50"]);
    booth.pass(20, &[]);
    assert_eq!(booth.told(), ["ended 1 done 30"]);
}

/// I20: audio that comes in pieces begins when a little of it is here, and a late piece is no hole in it
/// yet; a short one begins when it is whole.
#[test]
fn streamed_audio_begins_with_a_little_in_hand_i20() {
    let mut booth = Booth::new();
    booth.play(0, 0);
    booth.deliver(1, Delivery::Piece(sound(190)));
    booth.pass(40, &[]);
    assert_eq!(booth.told(), ["fetch 1"]);
    booth.deliver(1, Delivery::Piece(sound(10)));
    booth.pass(20, &[]);
    assert_eq!(booth.told(), ["began 0"]);
    booth.pass(160, &[]);
    booth.deliver(1, Delivery::Piece(sound(100)));
    booth.deliver(1, Delivery::Done);
    booth.pass(140, &[]);
    assert_eq!(booth.told(), ["ended 0 done 300"]);
    let heard = &booth.said[320..2_720];
    assert_eq!(heard, [&sound(190)[..], &sound(10), &sound(100)].concat(), "without a hole");
}

/// T3: stopped audio says how much of it was heard, and goes on from there.
#[test]
fn stopped_audio_goes_on_where_it_was_cut_t3() {
    let mut booth = Booth::new();
    booth.play(0, 0);
    let whole = sound(200);
    booth.deliver(1, Delivery::Piece(Arc::clone(&whole)));
    booth.pass(60, &[]);
    booth.told();
    booth.order(Order::StopAudio);
    assert_eq!(booth.told(), ["forget 1", "ended 0 stopped 60"]);
    booth.pass(20, &[]);
    assert_eq!(booth.said.split_off(480), SILENCE, "nothing more is said");
    booth.play(1, 60);
    booth.deliver(2, Delivery::Piece(whole[..400].into()));
    booth.deliver(2, Delivery::Piece(whole[400..].into()));
    booth.deliver(2, Delivery::Done);
    booth.pass(160, &[]);
    assert_eq!(booth.said[..1_600], whole[..]);
    assert_eq!(booth.told(), ["fetch 2", "began 1", "ended 1 done 200"]);
}

/// T8: audio that does not come is given up, and what comes after it is heard.
#[test]
fn a_voice_that_stalls_costs_its_entry_only_t8() {
    let mut booth = Booth::listening(Listen { wait_speech_ms: 3_000, ..listen() });
    booth.play(0, 0);
    booth.play(1, 0);
    booth.deliver(2, Delivery::Piece(sound(20)));
    booth.deliver(2, Delivery::Done);
    booth.told();
    booth.pass(2_980, &[]);
    assert_eq!(booth.told(), [""; 0]);
    booth.pass(60, &[]);
    let gone = "ended 0 its audio does not come 0";
    assert_eq!(booth.told(), ["forget 1", gone, "began 1", "ended 1 done 20"]);
    booth.play(2, 0);
    booth.deliver(3, Delivery::Failed("no such voice".into()));
    booth.pass(20, &[]);
    assert_eq!(booth.told(), ["fetch 3", "ended 2 no such voice 0"]);
}

/// T1, T5: speech is told of once it has lasted, and silent once it has been so for long enough, each
/// with when it really was; the recogniser gets all of it and a little of what was before.
#[test]
fn a_sentence_has_a_beginning_an_end_and_a_text_t5() {
    let mut booth = Booth::listening(listen());
    booth.pass(1_000, &[]);
    assert_eq!(booth.told(), [""; 0]);
    booth.pass(4_000, &SPEECH);
    let told = booth.told();
    let [begin, speaks, end, silent] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&**begin, &**end), ("begin 1", "end 1"));
    let ago = |told: &str, word: &str| -> u64 { told.strip_prefix(word).unwrap().parse().unwrap() };
    assert!((140..=400).contains(&ago(speaks, "speaks ")), "{speaks}");
    assert!((780..=900).contains(&ago(silent, "silent ")), "{silent}");
    let spoken_ms = SPEECH.len() as u64 / 8;
    assert!((spoken_ms..spoken_ms + 1_500).contains(&booth.asr_ms), "{} ms", booth.asr_ms);

    let text = |text: &str| FromRecogniser::Final(SentenceId(1), text.into());
    booth.recognised(FromRecogniser::Partial(SentenceId(1), "yes".into()));
    booth.recognised(text("yes I would"));
    booth.recognised(text("yes I would"));
    booth.recognised(FromRecogniser::Failed(SentenceId(1), "late".into()));
    booth.recognised(FromRecogniser::Partial(SentenceId(1), "late".into()));
    let told = booth.told();
    assert_eq!(told, ["Partial(\"yes\")", "Final(\"yes I would\")"], "a result comes once");
}

/// T6: a caller whose audio stops in the middle of a word has said it.
#[test]
fn a_caller_who_is_muted_in_mid_sentence_is_silent_t6() {
    let mut booth = Booth::listening(listen());
    booth.pass(700, &SPEECH);
    assert_eq!(booth.told().len(), 2, "begins and speaks");
    booth.pass_muted(1_200);
    let told = booth.told();
    assert_eq!(told[0], "end 1", "{told:?}");
    booth.pass_muted(10_000);
    assert_eq!(booth.told(), [""; 0]);
}

/// E76: what was being said when the line went is understood all the same.
#[test]
fn a_line_that_goes_ends_the_sentence_e76() {
    let mut booth = Booth::listening(listen());
    booth.pass(700, &SPEECH);
    booth.told();
    booth.voice.line_ended();
    booth.note();
    assert_eq!(booth.told(), ["end 1"]);
    booth.recognised(FromRecogniser::Final(SentenceId(1), "yes".into()));
    assert_eq!(booth.told(), ["Final(\"yes\")"]);
}

/// T2, 0: nobody listens, and nothing is understood of what was begun.
#[test]
fn who_does_not_listen_hears_nothing_t2() {
    let mut booth = Booth::listening(listen());
    booth.pass(700, &SPEECH);
    booth.told();
    booth.order(Order::StopListening);
    assert_eq!(booth.told(), ["cancel 1"]);
    booth.recognised(FromRecogniser::Final(SentenceId(1), "yes".into()));
    booth.pass(4_000, &SPEECH);
    assert_eq!(booth.told(), [""; 0]);
}

/// T1, vad_mode 2: the recogniser finds the end, and has the audio until it does; one that never
/// does is told.
#[test]
fn a_recogniser_may_find_the_end_t1() {
    let mut booth = Booth::listening(Listen { ends: Ends::RecognisersEnd, ..listen() });
    booth.pass(3_000, &SPEECH);
    let told = booth.told();
    assert_eq!(told.len(), 2, "{told:?}");
    booth.recognised(FromRecogniser::Final(SentenceId(1), "yes".into()));
    assert_eq!(booth.told(), ["Final(\"yes\")"]);
    booth.play(0, 0);
    booth.deliver(1, Delivery::Piece(sound(20)));
    booth.deliver(1, Delivery::Done);
    booth.beat();
    let told = booth.told();
    let parts: Vec<u64> = serde_json::from_str(told.last().unwrap()).unwrap();
    assert!(parts[0] >= 780 && parts[1] > 0, "we heard as well when they fell silent: {parts:?}");
    booth.deliver(1, Delivery::Done);
    booth.pass(1_000, &[]);
    booth.told();
    booth.pass(7_000, &SPEECH);
    let told = booth.told();
    assert_eq!((&*told[0], &*told[told.len() - 1]), ("begin 2", "end 2"), "{told:?}");
}

/// T1, vad_mode 1: the recogniser finds both, and hears all of the time.
#[test]
fn a_recogniser_may_find_the_beginning_too_t1() {
    let mut booth = Booth::listening(Listen { ends: Ends::Recogniser, ..listen() });
    booth.pass(1_000, &[]);
    assert_eq!((booth.told(), booth.asr_ms), (vec!["begin 1".to_owned()], 1_000));
    booth.recognised(FromRecogniser::Began(SentenceId(1)));
    booth.recognised(FromRecogniser::Began(SentenceId(1)));
    booth.recognised(FromRecogniser::Final(SentenceId(1), "yes".into()));
    booth.pass(20, &[]);
    assert_eq!(booth.told(), ["speaks 0", "Final(\"yes\")", "begin 2"]);
    booth.recognised(FromRecogniser::Failed(SentenceId(2), "gone".into()));
    booth.pass(980, &[]);
    assert_eq!(booth.told(), ["RecognitionFailed(\"gone\")"], "it is not asked at once again");
    booth.pass(60, &[]);
    assert_eq!(booth.told(), ["begin 3"]);
}

/// T6: a recogniser that can't be reached is told of once, and that it can again.
#[test]
fn a_recogniser_that_is_away_is_told_of_once_t6() {
    let mut booth = Booth::listening(listen());
    booth.recognised(FromRecogniser::Lost("refused".into()));
    booth.recognised(FromRecogniser::Lost("refused".into()));
    booth.order(Order::Listen(Box::new(listen())));
    let told = booth.told();
    assert_eq!(told[0], "RecognizerLost(\"refused\")");
    assert_eq!(
        told.last().unwrap(),
        "RecognizerLost(\"\")",
        "who listens anew is told too: {told:?}"
    );
    booth.recognised(FromRecogniser::Ready);
    assert_eq!(booth.told(), ["RecognizerReady"]);

    booth.pass(700, &SPEECH);
    booth.recognised(FromRecogniser::Failed(SentenceId(1), "refused".into()));
    booth.recognised(FromRecogniser::Lost("refused".into()));
    let told = booth.told();
    let ends = &told[told.len() - 2..];
    assert_eq!(
        ends,
        ["RecognitionFailed(\"refused\")", "RecognizerLost(\"refused\")"],
        "the turn tells it once"
    );
}

/// T2, 0: who is speaking when listening begins is heard from there on.
#[test]
fn who_speaks_when_listening_begins_is_heard_t2() {
    let mut booth = Booth::new();
    booth.pass(700, &SPEECH);
    assert_eq!(booth.told(), [""; 0]);
    booth.order(Order::Listen(Box::new(listen())));
    booth.told();
    booth.pass(600, &SPEECH[5_600..]);
    assert_eq!(booth.told()[0], "begin 1");
}

/// T5: a recogniser that is away costs a caller who speaks on two failures, and not five a second.
#[test]
fn a_recogniser_that_refuses_everything_fails_a_sentence_not_a_syllable_t5() {
    let mut booth = Booth::listening(listen());
    let mut sentences = 0;
    for _ in 0..3 {
        let speech: Vec<i16> = SPEECH.repeat(4);
        for frame in speech.chunks(FRAME_SAMPLES) {
            booth.pass(FRAME_MS, frame);
            let begun = booth.told().iter().filter(|told| told.starts_with("begin")).count();
            if begun > 0 {
                sentences += 1;
                let refused = FromRecogniser::Failed(SentenceId(sentences), "refused".into());
                booth.recognised(refused);
                booth.recognised(FromRecogniser::Lost("refused".into()));
            }
        }
        booth.pass(2_000, &[]);
    }
    assert_eq!(sentences, 4, "two of the first, one of each other");
}

/// E91: the caller is left and the robot right, sample beside sample, a second at a time.
#[test]
fn recordings_have_the_caller_left_and_the_robot_right_e91() {
    let mut booth = Booth::new();
    booth.order(Order::Record { file: "a".into() });
    booth.play(0, 0);
    booth.deliver(1, Delivery::Piece([7; 16_000].into()));
    let mut recorded = Vec::new();
    for _ in 0..75 {
        booth.voice.hear(&[3; FRAME_SAMPLES], booth.now);
        booth.voice.next_frame(booth.now);
        while let Some(output) = booth.voice.next_output() {
            if let Output::Recorded(samples) = output {
                recorded.push(samples);
            }
        }
    }
    assert_eq!(recorded.len(), 1);
    assert!(recorded[0].chunks(2).all(|pair| pair == [3, 7]));
    assert_eq!(recorded[0].len(), 16_000);
    booth.order(Order::Record { file: SmolStr::default() });
    assert_eq!(booth.told(), ["record a", "fetch 1", "recorded 8000", "record "]);
}

/// The time between the caller's last word and the answer's first sound is known in its parts.
#[test]
fn a_turn_knows_where_its_time_went() {
    let mut booth = Booth::listening(listen());
    booth.pass(1_000, &[]);
    booth.pass(4_000, &SPEECH);
    booth.recognised(FromRecogniser::Final(SentenceId(1), "yes".into()));
    booth.pass(40, &[]);
    booth.told();
    booth.play(0, 0);
    booth.pass(100, &[]);
    booth.deliver(1, Delivery::Piece(sound(20)));
    booth.deliver(1, Delivery::Done);
    booth.beat();
    let told = booth.told();
    let [fetch, began, latency] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&**fetch, &**began), ("fetch 1", "began 0"));
    let parts: Vec<u64> = serde_json::from_str(latency).unwrap();
    let [endpointing, recognition, decision, synthesis, switch] = parts[..] else { panic!() };
    assert!((780..=900).contains(&endpointing), "{endpointing}");
    assert!(recognition > 0, "the sentence was over before the time had passed");
    assert_eq!((decision, synthesis, switch), (40, 100, 0));
}

/// The text of a sentence after which the caller has gone on is no turn: they wait for no answer.
#[test]
fn who_speaks_on_waits_for_no_answer_yet() {
    let mut booth = Booth::listening(listen());
    booth.pass(1_000, &[]);
    booth.pass(3_000, &SPEECH);
    booth.pass(600, &SPEECH);
    assert!(booth.told().iter().any(|told| told == "begin 2"), "they go on");
    booth.recognised(FromRecogniser::Final(SentenceId(1), "yes".into()));
    booth.play(0, 0);
    booth.deliver(1, Delivery::Piece(sound(20)));
    booth.deliver(1, Delivery::Done);
    booth.beat();
    let told = booth.told();
    assert_eq!(told, ["Final(\"yes\")", "fetch 1", "began 0"]);
}

/// Frames of other lengths than ours are heard all the same (S21).
#[test]
fn frames_of_any_length_are_heard_s21() {
    let mut booth = Booth::listening(listen());
    let silence: Frame = SILENCE;
    for piece in SPEECH.chunks(37) {
        booth.voice.hear(piece, booth.now);
    }
    booth.voice.hear(&silence[..1], booth.now);
    booth.note();
    assert_eq!(booth.told()[0], "begin 1");
}
