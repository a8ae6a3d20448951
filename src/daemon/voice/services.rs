//! What the clocks of all lines share: recognisers, voices, the recorder; and how a call gets a line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use smol_str::SmolStr;
use tokio::sync::mpsc;

use super::line::{Fetch, Ledgers, Line, Outside, ToLine};
use super::worker::{ToWorker, Worker};
use crate::config::{Config, Recording, RecordingMode};
use crate::daemon::clock::Clock;
use crate::daemon::tasks::Tasks;
use crate::engine::{Now, Tick};
use crate::script::VoiceSettings;

use crate::speech::recorder::{self, ToRecorder};
use crate::speech::{Mouth, Net, Recognisers, SpeechError, Usage, Used};
use crate::switch::{CallAudio, SwitchGone};
use crate::turn::{Order, Recordings};
use crate::voice::{Delivery, FromRecogniser, Voice};

/// What waits for a clock: it looks each millisecond, and 2,000 calls have a few things to tell it.
const TOLD_MAX: usize = 65_536;
/// What a recogniser has not taken: 20 s of audio and more, the longest sentence.
const TO_RECOGNISER_MAX: usize = 1_280;
/// Audio that is asked for and not looked for yet; 2,000 calls with two entries each.
const FETCHES_MAX: usize = 4_096;
/// What the recorder has not written: two seconds of 1,000 calls, 64 MB.
const TO_RECORDER_MAX: usize = 2_048;

/// Ears and mouths for all calls. Copies are the same.
#[derive(Clone)]
pub(in crate::daemon) struct Voices(Arc<Shared>);

struct Shared {
    workers: Vec<mpsc::Sender<ToWorker>>,
    lines: AtomicU64,
    recognisers: Recognisers,
    mouth: Mouth,
    fetches: mpsc::Sender<Fetch>,
    recorder: mpsc::Sender<ToRecorder>,
    recording: Recording,
    tasks: Tasks,
}

/// One call's line; gone when dropped.
pub(in crate::daemon) struct VoiceCall {
    line: u64,
    worker: mpsc::Sender<ToWorker>,
    ledger: Ledgers,
}

/// Why calls can't be heard or spoken to.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// As it is configured.
    #[error(transparent)]
    Speech(#[from] SpeechError),
    /// The system has none to give.
    #[error("no thread for the audio: {0}")]
    Thread(#[from] std::io::Error),
}

impl Voices {
    /// Opens what the configuration names, and starts a clock for each of so many cores.
    pub(in crate::daemon) fn open(
        config: &Config,
        cores: usize,
        net: Net,
        (clock, tasks): (Clock, Tasks),
    ) -> Result<Self, VoiceError> {
        let ticks = clock.clone();
        let now = move || -> Tick { ticks.now().tick };
        let recognisers = Recognisers::new(&config.speech, net.clone(), now.clone())?;
        let mouth = Mouth::new(config, net, now)?;
        let (recorder, to_record) = mpsc::channel(TO_RECORDER_MAX);
        tasks.spawn_thread("recorder", move || recorder::run(to_record))?;
        let mut workers = Vec::new();
        for _ in 0..cores.max(1) {
            let (told, inbox) = mpsc::channel(TOLD_MAX);
            let worker = Worker::new(inbox, clock.clone());
            tasks.spawn_thread("audio", move || worker.run())?;
            workers.push(told);
        }
        let (fetches, to_fetch) = mpsc::channel(FETCHES_MAX);
        let voices = Self(Arc::new(Shared {
            workers,
            lines: AtomicU64::new(0),
            recognisers,
            mouth,
            fetches,
            recorder,
            recording: config.recording.clone(),
            tasks: tasks.clone(),
        }));
        let fetcher = voices.clone();
        tasks.spawn("fetches", async move { fetcher.fetch_all(to_fetch).await });
        Ok(voices)
    }

    /// Who speaks, for the preparation of scripts and for readiness.
    pub(in crate::daemon) fn mouth(&self) -> &Mouth {
        &self.0.mouth
    }

    /// Who hears, for readiness.
    pub(in crate::daemon) fn recognisers(&self) -> &Recognisers {
        &self.0.recognisers
    }

    /// Puts a call's audio on a clock.
    pub(in crate::daemon) fn call(
        &self,
        callid: SmolStr,
        audio: CallAudio,
        voicedir: SmolStr,
        settings: Arc<VoiceSettings>,
    ) -> VoiceCall {
        let shared = &self.0;
        let line = shared.lines.fetch_add(1, Ordering::Relaxed);
        let at = usize::try_from(line % shared.workers.len() as u64).unwrap_or(0);
        let worker = shared.workers[at].clone();
        let ledger = Ledgers::default();
        let (recogniser, asked) = mpsc::channel(TO_RECOGNISER_MAX);
        let outside = Outside {
            tell: audio.tell,
            recogniser,
            fetches: shared.fetches.clone(),
            recorder: shared.recorder.clone(),
            recordings: shared.recording.dir.clone(),
            ledger: Arc::clone(&ledger),
        };
        let new = Line::new(line, Voice::new(voicedir, settings), audio.legs, outside);
        let call = VoiceCall { line, worker: worker.clone(), ledger: Arc::clone(&ledger) };
        if worker.try_send(ToWorker::Add(line, Box::new(new))).is_err() {
            tracing::error!("the audio clock takes no more calls");
        }
        let recognisers = shared.recognisers.clone();
        let tell = move |said: FromRecogniser| {
            // A clock that is stuck loses more than this.
            drop(worker.try_send(ToWorker::Line(line, ToLine::Recognised(said))));
        };
        let used = move |usage: Usage| {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.asr_requests += usage.requests;
            ledger.asr_ms += usage.audio_ms;
        };
        shared.tasks.spawn("recogniser", async move {
            recognisers.serve(callid, asked, tell, used).await;
        });
        call
    }

    /// The names of a call's recordings (E91); `None` if nothing is recorded.
    pub(in crate::daemon) fn recordings(
        &self,
        callid: &str,
        variables: &[(SmolStr, String)],
        began: Now,
    ) -> Option<Recordings> {
        let Recording { mode, name, .. } = self.0.recording.clone();
        let callid = SmolStr::new(callid);
        let variables: Vec<_> = variables.to_vec();
        let named = move |appid: &str, at: Now| {
            let variable = |name: &str| match name {
                "callid" => callid.clone(),
                "appid" => appid.into(),
                name => {
                    let found = variables.iter().find(|(variable, _)| variable == name);
                    found.map(|(_, value)| value.into()).unwrap_or_default()
                }
            };
            let file = recorder::file_name(&name, at.wall, variable);
            file.map(|file| SmolStr::new(file.to_string_lossy())).unwrap_or_default()
        };
        match mode {
            RecordingMode::Off => None,
            RecordingMode::Call => {
                let file = named("", began);
                Some(Box::new(move |_, _| file.clone()))
            }
            RecordingMode::Action => Some(Box::new(named)),
        }
    }

    async fn fetch_all(&self, mut to_fetch: mpsc::Receiver<Fetch>) {
        while let Some(fetch) = to_fetch.recv().await {
            let voices = self.clone();
            self.0.tasks.spawn("fetch", async move { voices.fetch(fetch).await });
        }
    }

    async fn fetch(&self, fetch: Fetch) {
        let Fetch { line, ticket, wanted, ledger, mut wanted_still } = fetch;
        let shared = &self.0;
        let at = usize::try_from(line % shared.workers.len() as u64).unwrap_or(0);
        let worker = &shared.workers[at];
        let deliver = |delivery: Delivery| {
            let told = ToWorker::Line(line, ToLine::Delivered(ticket, delivery));
            drop(worker.try_send(told));
        };
        let used = |used: Used| {
            if let Used::Characters(characters) = used {
                let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
                ledger.tts_requests += 1;
                ledger.tts_characters += characters;
            }
        };
        tokio::select! {
            () = shared.mouth.fetch(&wanted, deliver, used) => {}
            _ = &mut wanted_still => {}
        }
    }
}

impl VoiceCall {
    /// Gives an order; never waits.
    pub(in crate::daemon) fn order(&self, order: Order) -> Result<(), SwitchGone> {
        let told = ToWorker::Line(self.line, ToLine::Order(order));
        self.worker.try_send(told).map_err(|_| SwitchGone)
    }

    /// What the call took and used so far, as it is stored.
    pub(in crate::daemon) fn ledger(&self) -> Option<SmolStr> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.to_json().map(SmolStr::from)
    }
}

impl Drop for VoiceCall {
    fn drop(&mut self) {
        // A clock that takes nothing more has lost the line already.
        drop(self.worker.try_send(ToWorker::Line(self.line, ToLine::Remove)));
    }
}
