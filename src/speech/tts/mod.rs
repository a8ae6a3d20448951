//! The mouth: audio that calls want to play, from files, the web and voices (E8, I20).

mod command;
mod job;
mod service;
mod stream;
mod voice;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use smol_str::{SmolStr, format_smolstr};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

pub use job::Used;

use self::command::PROGRAMS_MAX;
use self::job::{Jobs, Progress};
use self::stream::{Request, Stream};
use self::voice::{At, Line, Voices, web_address};
use super::cache::{Disk, Key, MEMORY_BYTES_MAX, Memory};
use super::meter;
use super::sources::{AudioFile, AudioFolder};
use super::{Net, SpeechError};
use crate::config::Config;
use crate::engine::{Source, Tick};
use crate::media;
use crate::voice::{Delivery, Wanted};

/// Longest silence in one entry, ms: what is longer is a mistake and would hold the line.
const SILENCE_MS_MAX: u64 = 600_000;

/// Silence comes in pieces of this length, ms; all are the same one.
const SILENCE_PIECE_MS: u64 = 1_000;

/// The first audio of a file in the web is there within this time, and each further piece, ms: ten
/// minutes of MP3, of which there is no first before the last, come over a line of 8 Mbit/s.
const FETCH_MS: u64 = 10_000;

/// Where the cache of voices is, below the data folder.
const CACHE_DIR: &str = "voice-cache";

/// Gets the audio that calls want to play. Copies are the same mouth.
#[derive(Clone)]
pub struct Mouth(Arc<Inner>);

struct Inner {
    folder: AudioFolder,
    voices: Voices,
    net: Net,
    memory: Memory,
    disk: Disk,
    jobs: Jobs,
    programs: Arc<Semaphore>,
    silence: Arc<[i16]>,
    clock: Box<dyn Fn() -> Tick + Send + Sync>,
}

/// What there is to do for an entry.
enum Plan {
    Silence(u64),
    /// It is there.
    Samples(Arc<[i16]>),
    Make(Key, Origin),
}

/// Where audio comes from that has to be made or read.
#[derive(Clone, Debug)]
enum Origin {
    File(AudioFile),
    Web(Url),
    Voice(Line),
}

impl Mouth {
    /// The mouth of this configuration. Reads what the cache of voices has: once, before calls come.
    /// `clock` is for what is measured, and for how long a failure is remembered.
    ///
    /// # Errors
    /// A section `[speech.tts.…]` that can't be used, and what to write instead.
    pub fn new(
        config: &Config,
        net: Net,
        clock: impl Fn() -> Tick + Send + Sync + 'static,
    ) -> Result<Self, SpeechError> {
        let voices = Voices::new(&config.speech, &net)?;
        let cache_bytes = config.speech.cache_mb.saturating_mul(1 << 20);
        Ok(Self(Arc::new(Inner {
            folder: AudioFolder::new(&config.scripts.audio_dir),
            voices,
            net,
            memory: Memory::new(MEMORY_BYTES_MAX),
            disk: Disk::open(config.data_dir.join(CACHE_DIR), cache_bytes),
            jobs: Jobs::default(),
            programs: Arc::new(Semaphore::new(PROGRAMS_MAX)),
            silence: silence(SILENCE_PIECE_MS),
            clock: Box::new(clock),
        })))
    }

    /// Gets audio and delivers it in pieces: any number of `Piece`, then one `Done` or `Failed`.
    /// Dropped before, it is given up, unless another call waits for the same: then that one goes on.
    /// `used` is told what the call is to be billed for (I27), as soon as it is.
    ///
    /// Calls that wait for the same audio work for each other: whoever holds this future polls it, or
    /// drops it.
    pub async fn fetch(
        &self,
        wanted: &Wanted,
        mut deliver: impl FnMut(Delivery) + Send,
        used: impl FnMut(Used) + Send,
    ) {
        let fetched = match self.plan(wanted).await {
            Ok(Plan::Silence(ms)) => {
                self.be_silent(ms, &mut deliver);
                Ok(())
            }
            Ok(Plan::Samples(samples)) => {
                deliver(Delivery::Piece(samples));
                Ok(())
            }
            Ok(Plan::Make(key, origin)) => self.share((key, &origin), &mut deliver, used).await,
            Err(why) => Err(why),
        };
        deliver(fetched.map_or_else(Delivery::Failed, |()| Delivery::Done));
    }

    /// Makes an entry before anybody wants it (E12), so that a call finds it in the cache.
    ///
    /// # Errors
    /// It can't be had, and what to mend.
    pub async fn prepare(&self, wanted: &Wanted) -> Result<(), SmolStr> {
        let mut prepared = Ok(());
        let note = |delivery| {
            if let Delivery::Failed(why) = delivery {
                prepared = Err(why);
            }
        };
        self.fetch(wanted, note, |_| {}).await;
        prepared
    }

    /// Why texts of scripts that name no voice can't be spoken, and what to mend; `None` if they can, as
    /// far as can be seen from here: the default voice is configured and its program installed. Looks
    /// at the disk.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        match self.0.voices.default().map(|voice| &voice.at) {
            Some(At::Command(command)) => command::fault(command),
            Some(At::Service(..)) => None,
            None => Some("no voice speaks texts: set [speech.tts.default]".into()),
        }
    }

    async fn plan(&self, wanted: &Wanted) -> Result<Plan, SmolStr> {
        let origin = match &wanted.source {
            Source::Silence(ms) => return Ok(Plan::Silence(*ms)),
            Source::Tone(tone) => {
                let tone = tone.clone();
                return blocking(move || stream::tone(&tone)).await.map(Plan::Samples);
            }
            Source::Text(text) => self.line(text, wanted)?,
            Source::Url(url) => {
                let url = web_address(url);
                Origin::Web(
                    url.map_err(|fault| format_smolstr!("the address of the audio: {fault}"))?,
                )
            }
            Source::File(name) => {
                let (mouth, name, dir) = (self.clone(), name.clone(), wanted.voicedir.clone());
                Origin::File(blocking(move || mouth.0.folder.file(&dir, &name)).await?)
            }
            Source::FileOrText(name) => {
                let (mouth, file, dir) = (self.clone(), name.clone(), wanted.voicedir.clone());
                match blocking(move || Ok(mouth.0.folder.recorded(&dir, &file))).await? {
                    Some(recorded) => Origin::File(recorded),
                    None => self.line(name, wanted)?,
                }
            }
        };
        Ok(Plan::Make(origin.key(), origin))
    }

    fn line(&self, text: &str, wanted: &Wanted) -> Result<Origin, SmolStr> {
        self.0.voices.line(text, &wanted.voice, &self.0.net).map(Origin::Voice)
    }

    /// Silence of any length is the same second again and again.
    fn be_silent(&self, ms: u64, deliver: &mut impl FnMut(Delivery)) {
        let ms = ms.min(SILENCE_MS_MAX);
        for _ in 0..ms / SILENCE_PIECE_MS {
            deliver(Delivery::Piece(Arc::clone(&self.0.silence)));
        }
        if !ms.is_multiple_of(SILENCE_PIECE_MS) {
            deliver(Delivery::Piece(silence(ms % SILENCE_PIECE_MS)));
        }
    }

    async fn share(
        &self,
        (key, origin): (Key, &Origin),
        deliver: &mut (impl FnMut(Delivery) + Send),
        mut used: impl FnMut(Used) + Send,
    ) -> Result<(), SmolStr> {
        let is_voice = matches!(origin, Origin::Voice(_));
        if let Some(samples) = self.0.memory.get(key) {
            if is_voice {
                meter::hit("memory");
                used(Used::CacheHit);
            }
            deliver(Delivery::Piece(samples));
            return Ok(());
        }
        let work = |progress: Arc<Progress>| {
            let (mouth, origin) = (self.clone(), origin.clone());
            Box::pin(async move { mouth.work(key, origin, &progress).await }) as _
        };
        let (job, joined) = self.0.jobs.join((key, self.now()), work)?;
        if joined && is_voice {
            meter::hit("shared");
        }
        let mut billed = false;
        let followed = job.follow(deliver, |characters| {
            billed = true;
            used(Used::Characters(characters));
        });
        followed.await?;
        if is_voice && !billed {
            used(Used::CacheHit);
        }
        Ok(())
    }

    async fn work(&self, key: Key, origin: Origin, progress: &Progress) {
        let made = self.make(key, origin, progress).await;
        if let Ok(samples) = &made {
            self.0.memory.put(key, Arc::clone(samples));
        }
        self.0.jobs.end((key, self.now()), made.as_ref().err());
        progress.end(made.map(drop));
    }

    async fn make(
        &self,
        key: Key,
        origin: Origin,
        progress: &Progress,
    ) -> Result<Arc<[i16]>, SmolStr> {
        // Other work for it may have ended a moment ago.
        if let Some(samples) = self.0.memory.get(key) {
            progress.push(Arc::clone(&samples));
            return Ok(samples);
        }
        let request = match origin {
            Origin::File(file) => {
                let samples = blocking(move || stream::file(&file)).await?;
                progress.push(Arc::clone(&samples));
                return Ok(samples);
            }
            Origin::Web(url) => Request::Web(url),
            Origin::Voice(line) => Request::Voice(line),
        };
        let mouth = self.clone();
        if let Some(samples) = blocking(move || Ok(mouth.0.disk.load(key))).await? {
            if let Request::Voice(_) = request {
                meter::hit("disk");
            }
            let samples: Arc<[i16]> = samples.into();
            progress.push(Arc::clone(&samples));
            return Ok(samples);
        }
        let samples = self
            .stream(&request, progress)
            .await
            .map_err(|error| format_smolstr!("{}: {error}", request.who()))?;
        let (mouth, kept) = (self.clone(), Arc::clone(&samples));
        let save = move || {
            mouth.0.disk.save(key, &kept);
            Ok(())
        };
        blocking(save).await?;
        Ok(samples)
    }

    /// Asks, and passes on what comes as it comes.
    async fn stream(
        &self,
        request: &Request,
        progress: &Progress,
    ) -> Result<Arc<[i16]>, SpeechError> {
        let ms = match request {
            Request::Web(_) => FETCH_MS,
            Request::Voice(line) => {
                meter::missed();
                progress.bill(line.text.chars().count() as u64);
                line.by.timeout_ms
            }
        };
        let late = |what| SpeechError::Timeout { what, ms };
        let limit = Duration::from_millis(ms);
        let began = self.now();
        let first = timeout(limit, self.first(request)).await;
        let first = first.unwrap_or_else(|_| Err(late("no audio")));
        if let Request::Voice(line) = request {
            meter::spoke(&line.by.name, outcome_word(first.as_ref().err()), (began, self.now()));
        }
        let (mut stream, piece) = first?;
        let mut all = piece.clone();
        progress.push(piece.into());
        loop {
            let next = timeout(limit, stream.next()).await;
            let Some(piece) = next.map_err(|_| late("no more audio"))?? else { break };
            all.extend_from_slice(&piece);
            progress.push(piece.into());
        }
        Ok(all.into())
    }

    async fn first(&self, request: &Request) -> Result<(Stream, Vec<i16>), SpeechError> {
        let mut stream = Stream::open(request, &self.0.net, &self.0.programs).await?;
        let piece = stream.next().await?;
        let piece = piece.ok_or_else(|| SpeechError::Answer("there is no audio in it".into()))?;
        Ok((stream, piece))
    }

    fn now(&self) -> Tick {
        (self.0.clock)()
    }
}

impl std::fmt::Debug for Mouth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mouth").field("voices", &self.0.voices).finish_non_exhaustive()
    }
}

impl Origin {
    fn key(&self) -> Key {
        match self {
            Self::File(file) => file.key(),
            Self::Web(url) => Key::of(&[b"web", url.as_str().as_bytes()]),
            Self::Voice(line) => line.key(),
        }
    }
}

fn silence(ms: u64) -> Arc<[i16]> {
    let samples = ms * u64::from(media::RATE) / 1_000;
    vec![0; usize::try_from(samples).unwrap_or_default()].into()
}

/// The word for the metric.
fn outcome_word(error: Option<&SpeechError>) -> &'static str {
    match error {
        None => "ok",
        Some(SpeechError::Timeout { .. }) => "timeout",
        Some(_) => "failed",
    }
}

/// Work that waits for the disk or takes a while, off the threads that calls run on.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SmolStr> + Send + 'static,
) -> Result<T, SmolStr> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(format_smolstr!("the audio can't be read: {error}")))
}
