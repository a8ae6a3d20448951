//! What a call hears: where a sentence begins and ends, and which text belongs to which.

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::asked::{FromRecogniser, Hearing, SentenceId, ToRecogniser};
use super::machine::Output;
use crate::engine::Tick;
use crate::media::vad::{Vad, VadEvent, VadSettings};
use crate::media::{FRAME_MS, FRAME_SAMPLES, RATE};
use crate::turn::{Ends, Listen, MediaEvent};

/// So much before the speech that was noticed goes to the recogniser too, ms: words begin softly.
const LEAD_MS: u64 = 200;

/// How much of what was heard is kept for that, ms: a sound has been speech for `min_active_ms` when
/// it is noticed, which is a few hundred.
const KEPT_MS: u64 = 600;

/// A recogniser that finds ends itself and has found none so long after we did is told, ms.
const END_FOUND_LATE_MS: u64 = 3_000;

/// A recogniser that finds beginnings itself and failed is asked for another sentence after this
/// long, ms.
const FAILED_PAUSE_MS: u64 = 1_000;

/// A sentence that failed while it was spoken is gone on with as another, for the recogniser may have
/// been restarted; not so the next one that fails within this time, ms: it costs one failure and no
/// more, however long the caller speaks.
const FAILED_AGAIN_MS: u64 = 3_000;

/// The ears of one call.
#[derive(Debug)]
pub(super) struct Ear {
    vad: Vad,
    listen: Option<Box<Listen>>,
    /// The last of what was heard, for the beginning of a sentence.
    kept: VecDeque<i16>,
    sentences: u32,
    /// The sentence whose audio goes to the recogniser.
    open: Option<Open>,
    /// Sentences that are over and whose text is to come, in order.
    awaited: VecDeque<SentenceId>,
    /// Nobody recognises; told once, until somebody does again.
    is_lost: bool,
    /// No sentence is begun before this.
    pause_until: Tick,
    /// When a sentence last failed that was still spoken.
    failed_at: Option<Tick>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    id: SentenceId,
    /// True once it was told that the caller speaks.
    is_told: bool,
    /// When the caller fell silent, if the recogniser is to find that out too.
    silent_since: Option<Tick>,
}

/// What an ear noticed that matters to the account of the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noticed {
    Began,
    Silent {
        ago_ms: u64,
    },
    /// `at_once`: the recogniser found the end as well, with the text.
    Understood {
        at_once: bool,
    },
    NoWords,
}

type Outputs = VecDeque<Output>;

impl Ear {
    pub(super) fn new() -> Self {
        Self {
            vad: Vad::new(settings(&Listen::default())),
            listen: None,
            kept: VecDeque::new(),
            sentences: 0,
            open: None,
            awaited: VecDeque::new(),
            is_lost: false,
            pause_until: Tick::default(),
            failed_at: None,
        }
    }

    /// Listens from now on; what is being said goes on.
    pub(super) fn listen(&mut self, listen: Box<Listen>, outputs: &mut Outputs) {
        self.vad.set(settings(&listen));
        let hearing = Hearing {
            appid: listen.appid.clone(),
            addresses: listen.addresses.clone(),
            hot_word: listen.hot_word.clone(),
            asr_params: listen.asr_params.clone(),
            end_silence_ms: listen.end_silence_ms,
            finds_ends: listen.ends != Ends::Ours,
        };
        outputs.push_back(Output::Recogniser(ToRecogniser::Listen(Box::new(hearing))));
        // Each action counts for itself how long it goes unheard (T6).
        outputs.push_back(Output::Tell(if self.is_lost {
            MediaEvent::RecognizerLost(SmolStr::default())
        } else {
            MediaEvent::RecognizerReady
        }));
        self.listen = Some(listen);
    }

    /// Listens no more: nobody wants to know what is being said.
    pub(super) fn stop(&mut self, outputs: &mut Outputs) {
        self.listen = None;
        let open = self.open.take().map(|open| open.id);
        for id in self.awaited.drain(..).chain(open) {
            outputs.push_back(Output::Recogniser(ToRecogniser::Cancel(id)));
        }
        self.vad.reset();
    }

    /// The line is gone: what was being said is over.
    pub(super) fn line_ended(&mut self, outputs: &mut Outputs) {
        self.end(outputs);
        self.vad.reset();
        self.kept.clear();
    }

    /// A frame of the caller.
    pub(super) fn hear(
        &mut self,
        frame: &[i16],
        now: Tick,
        outputs: &mut Outputs,
    ) -> Option<Noticed> {
        let Some(listen) = &self.listen else {
            // The noise of the line is learnt all the same; who speaks when listening begins is heard
            // as if they began then.
            if self.vad.push(frame).is_some() {
                self.vad.reset();
            }
            self.keep(frame);
            return None;
        };
        let (ends, max_speech_ms) = (listen.ends, listen.max_speech_ms);
        let heard = if ends == Ends::Recogniser { None } else { self.vad.push(frame) };
        if ends == Ends::Recogniser && self.open.is_none() && now >= self.pause_until {
            self.begin(false, outputs);
        }
        let noticed = match heard {
            Some(VadEvent::Started { ago_ms }) => self.started(ago_ms, now, outputs),
            Some(VadEvent::Stopped { ago_ms }) => {
                self.send(frame, outputs);
                return self.stopped(ends, ago_ms, now, outputs);
            }
            None => None,
        };
        self.send(frame, outputs);
        self.keep(frame);
        self.end_if_late(max_speech_ms, now, outputs);
        noticed
    }

    fn started(&mut self, ago_ms: u64, now: Tick, outputs: &mut Outputs) -> Option<Noticed> {
        if let Some(open) = &mut self.open {
            // The recogniser has not found the end; the caller goes on.
            open.silent_since = None;
            return Some(Noticed::Began);
        }
        if now < self.pause_until {
            return None;
        }
        self.begin(true, outputs);
        let lead = (ago_ms + LEAD_MS).min(KEPT_MS) * u64::from(RATE) / 1_000;
        let lead = usize::try_from(lead).unwrap_or(0).min(self.kept.len());
        let lead: Box<[i16]> = self.kept.iter().skip(self.kept.len() - lead).copied().collect();
        if !lead.is_empty() {
            outputs.push_back(Output::Recogniser(ToRecogniser::Audio(lead)));
        }
        outputs.push_back(Output::Tell(MediaEvent::SpeechStarted { ago_ms }));
        Some(Noticed::Began)
    }

    fn stopped(
        &mut self,
        ends: Ends,
        ago_ms: u64,
        now: Tick,
        outputs: &mut Outputs,
    ) -> Option<Noticed> {
        let open = self.open.as_mut()?;
        if ends != Ends::Ours {
            open.silent_since = Some(now);
            return Some(Noticed::Silent { ago_ms });
        }
        self.end(outputs);
        outputs.push_back(Output::Tell(MediaEvent::SpeechStopped { ago_ms }));
        Some(Noticed::Silent { ago_ms })
    }

    fn begin(&mut self, is_told: bool, outputs: &mut Outputs) {
        self.sentences += 1;
        let id = SentenceId(self.sentences);
        self.open = Some(Open { id, is_told, silent_since: None });
        outputs.push_back(Output::Recogniser(ToRecogniser::Begin(id)));
    }

    /// The open sentence gets no more audio; its text is awaited.
    fn end(&mut self, outputs: &mut Outputs) {
        let Some(open) = self.open.take() else { return };
        self.awaited.push_back(open.id);
        outputs.push_back(Output::Recogniser(ToRecogniser::End(open.id)));
    }

    fn end_if_late(&mut self, max_speech_ms: u64, now: Tick, outputs: &mut Outputs) {
        let Some(since) = self.open.and_then(|open| open.silent_since) else { return };
        if now.ms_since(since) >= END_FOUND_LATE_MS.min(max_speech_ms) {
            self.end(outputs);
        }
    }

    fn send(&self, frame: &[i16], outputs: &mut Outputs) {
        if self.open.is_some() {
            outputs.push_back(Output::Recogniser(ToRecogniser::Audio(frame.into())));
        }
    }

    fn keep(&mut self, frame: &[i16]) {
        let most = usize::try_from(KEPT_MS / FRAME_MS).unwrap_or(0) * FRAME_SAMPLES;
        let surplus = (self.kept.len() + frame.len()).saturating_sub(most);
        self.kept.drain(..surplus.min(self.kept.len()));
        self.kept.extend(frame);
    }

    /// A recogniser says something.
    pub(super) fn recognised(
        &mut self,
        said: FromRecogniser,
        now: Tick,
        outputs: &mut Outputs,
    ) -> Option<Noticed> {
        match said {
            FromRecogniser::Began(id) => {
                let open = self.open.as_mut().filter(|open| open.id == id && !open.is_told)?;
                open.is_told = true;
                outputs.push_back(Output::Tell(MediaEvent::SpeechStarted { ago_ms: 0 }));
                Some(Noticed::Began)
            }
            FromRecogniser::Partial(id, text) => {
                if self.waits_for(id) {
                    outputs.push_back(Output::Tell(MediaEvent::Partial(text)));
                }
                None
            }
            FromRecogniser::Final(id, text) => {
                let at_once = self.open.is_some_and(|open| open.id == id);
                if !self.take(id, true) {
                    return None;
                }
                let has_words = !text.trim().is_empty();
                outputs.push_back(Output::Tell(MediaEvent::Final(text)));
                Some(if has_words { Noticed::Understood { at_once } } else { Noticed::NoWords })
            }
            FromRecogniser::Failed(id, why) => {
                let is_spoken = self.open.is_some_and(|open| open.id == id);
                let lately = |at: Tick| now.ms_since(at) < FAILED_AGAIN_MS;
                let again = self.is_lost || self.failed_at.is_some_and(lately);
                let speech_is_over = !(is_spoken && again);
                if self.take(id, speech_is_over) {
                    if is_spoken {
                        self.failed_at = Some(now);
                    }
                    self.failed(why, now, outputs);
                }
                Some(Noticed::NoWords)
            }
            FromRecogniser::Lost(why) => {
                if !std::mem::replace(&mut self.is_lost, true) {
                    outputs.push_back(Output::Tell(MediaEvent::RecognizerLost(why)));
                }
                None
            }
            FromRecogniser::Ready => {
                self.is_lost = false;
                outputs.push_back(Output::Tell(MediaEvent::RecognizerReady));
                None
            }
        }
    }

    fn failed(&mut self, why: SmolStr, now: Tick, outputs: &mut Outputs) {
        let is_recognisers =
            self.listen.as_ref().is_some_and(|listen| listen.ends == Ends::Recogniser);
        if is_recognisers {
            self.pause_until = now.plus_ms(FAILED_PAUSE_MS);
        }
        outputs.push_back(Output::Tell(MediaEvent::RecognitionFailed(why)));
    }

    fn waits_for(&self, id: SentenceId) -> bool {
        self.open.is_some_and(|open| open.id == id) || self.awaited.contains(&id)
    }

    /// The sentence has its text; false if nobody waits for it, or it was told before. What the caller
    /// says on is a new sentence, or if `speech_is_over` is false, nothing until they pause.
    fn take(&mut self, id: SentenceId, speech_is_over: bool) -> bool {
        if let Some(at) = self.awaited.iter().position(|awaited| *awaited == id) {
            self.awaited.remove(at);
            return true;
        }
        let is_open = self.open.is_some_and(|open| open.id == id);
        if is_open {
            // The recogniser found the end, or gave up.
            self.open = None;
            if speech_is_over {
                self.vad.reset();
            }
        }
        is_open
    }
}

fn settings(listen: &Listen) -> VadSettings {
    #[expect(clippy::cast_precision_loss, reason = "0 to 1000")]
    let filter = listen.vad_filter_permille as f32 / 1_000.0;
    VadSettings {
        min_active_ms: listen.min_active_ms,
        end_silence_ms: listen.end_silence_ms,
        filter,
    }
}
