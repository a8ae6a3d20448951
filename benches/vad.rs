//! How well and how fast it is noticed that somebody speaks: our `Vad` (earshot behind an energy gate)
//! against webrtc-vad, both on the same calls made of recorded and synthetic voices and noise.
//!
//! `cargo bench --bench vad -- FOLDER` prints the tables of docs/voice.md; each folder below FOLDER
//! that has WAV files in it is one speaker.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use telephonist::media::decode::{Format, decode};
use telephonist::media::level::{mean_square, of_dbfs};
use telephonist::media::segment::Segmenter;
use telephonist::media::tone;
use telephonist::media::vad::{Vad, VadEvent, VadSettings};
use telephonist::media::{FRAME_MS, FRAME_SAMPLES};
use webrtc_vad::{SampleRate, VadMode};

/// What to do where there is no audio.
const HELP: &str = "\
usage: cargo bench --bench vad -- FOLDER

FOLDER has a folder of WAV files for each speaker. Recorded voices: in a folder of their own,
    apt-get download asterisk-core-sounds-{en,ru,es,fr,it}-wav
    for package in *.deb; do dpkg-deb -x $package .; done
and FOLDER is usr/share/asterisk/sounds. Synthetic ones: `espeak-ng -v cmn -w FOLDER/zh/1.wav 你好`.";

/// Ours; webrtc-vad in its most aggressive mode; and in its two most aggressive ones behind our gate.
const JUDGES: [&str; 4] = ["ours", "webrtc 3", "webrtc 2, gated", "webrtc 3, gated"];

/// What is measured of each.
const HEAD: &str = "| noise | SNR, dB | | missed, % | false, % | start p50, ms | p99 \
    | believed p50, ms | p95 | end p50, ms | unheard, % | split, % | false starts | ns a frame |";

/// Sentences of a call.
const SENTENCES: usize = 24;

/// Level of a voice, and of what is between its sentences where there is no noise, dBFS.
const VOICE_DBFS: f32 = -24.0;
const QUIET_DBFS: f32 = -72.0;

/// A frame of a clean voice is speech if it is at most so much softer than the voice.
const SPEECH_DB: f32 = 22.0;

/// Frames beside speech that are neither right nor wrong.
const MARGIN: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let Some(folder) = folder else {
        println!("{HELP}");
        return Ok(());
    };
    let speakers = speakers(Path::new(&folder))?;
    if speakers.len() < 2 {
        return Err(format!("{folder} has no two folders of WAV files\n\n{HELP}").into());
    }
    let frames: usize = speakers.iter().map(|speaker| speaker.call.len() / FRAME_SAMPLES).sum();
    println!("{} speakers, {} s\n", speakers.len(), frames / 50);
    for speaker in &speakers {
        println!("- {}: {} sentences", speaker.name, speaker.sentences.len());
    }
    println!("\n{HEAD}\n|---|--:|---|{}", "--:|".repeat(11));
    for (noise, ratios) in [
        (Noise::None, &[99.0][..]),
        (Noise::White, &[30.0, 20.0, 10.0, 5.0, 0.0]),
        (Noise::Babble, &[30.0, 20.0, 10.0, 5.0, 0.0]),
        (Noise::Hum, &[30.0, 20.0, 10.0, 5.0, 0.0]),
    ] {
        for &ratio in ratios {
            for judge in JUDGES {
                let mut score = Score::default();
                for (index, speaker) in speakers.iter().enumerate() {
                    let noise = make_noise(noise, &speakers, index, speaker.call.len());
                    let call = line(&speaker.call, &noise, VOICE_DBFS - ratio);
                    score.judge(judge, &call, Some(speaker));
                }
                println!("| {noise:?} | {ratio:.0} | {judge} | {}", score.row());
            }
        }
    }
    print!("\n| no voice | s |");
    for judge in JUDGES {
        print!(" {judge}: false, % | starts | ns |");
    }
    println!("\n|---|--:|{}", "--:|".repeat(3 * JUDGES.len()));
    for (name, sound) in sounds(&speakers) {
        print!("| {name} | {} |", sound.len() / 8_000);
        for judge in JUDGES {
            let mut score = Score::default();
            score.judge(judge, &sound, None);
            let share = percent(score.false_frames, score.quiet_frames);
            print!(" {share:.1} | {} | {:.0} |", score.false_starts, score.frame_ns());
        }
        println!();
    }
    Ok(())
}

/// One voice: a call of sentences with pauses, clean, and where it speaks.
struct Speaker {
    name: String,
    call: Vec<i16>,
    /// Speech, frame by frame.
    truth: Vec<bool>,
    /// First and last frame of each sentence.
    sentences: Vec<(usize, usize)>,
}

/// Every folder with enough files, in order.
fn speakers(folder: &Path) -> Result<Vec<Speaker>, Box<dyn Error>> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        if entry.is_dir() && !entry.is_symlink() {
            found.extend(speakers(&entry)?);
        } else if entry.extension().is_some_and(|extension| extension == "wav") {
            files.push(entry);
        }
    }
    // Fewer make no call.
    if files.len() >= 4 {
        found.push(Speaker::new(folder, &files));
    }
    Ok(found)
}

impl Speaker {
    fn new(folder: &Path, files: &[PathBuf]) -> Self {
        let mut random = Random(0x5eed + files.len() as u64);
        let mut call = vec![0; 8_000];
        let mut truth = vec![false; 50];
        let mut sentences = Vec::new();
        for file in files.iter().step_by(files.len().div_ceil(SENTENCES)) {
            let Some(mut voice) =
                std::fs::read(file).ok().and_then(|bytes| decode(&bytes, Format::Named).ok())
            else {
                continue;
            };
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let no_voice = ["beep", "tone", "ascending", "silence"];
            if no_voice.iter().any(|word| name.contains(word)) {
                continue;
            }
            telephone(&mut voice);
            voice.truncate(voice.len() / FRAME_SAMPLES * FRAME_SAMPLES);
            let speech = speech(&voice);
            let (Some(first), Some(last)) =
                (speech.iter().position(|is| *is), speech.iter().rposition(|is| *is))
            else {
                continue;
            };
            if last - first < 15 {
                continue;
            }
            set_level(&mut voice, &speech, VOICE_DBFS + 6.0 * random.next() - 3.0);
            let start = truth.len();
            // A pause of 0.8 s inside ends a sentence for the ears too.
            let mut begin = first;
            for at in first..last {
                let silent = speech[at + 1..].iter().take_while(|is| !**is).count();
                if speech[at] && silent >= 40 {
                    sentences.push((start + begin, start + at));
                    begin = at + 1 + silent;
                }
            }
            sentences.push((start + begin, start + last));
            call.extend(voice);
            truth.extend(speech);
            let pause = 60 + (60.0 * random.next()) as usize;
            call.extend(vec![0; pause * FRAME_SAMPLES]);
            truth.extend(vec![false; pause]);
        }
        let name = folder.iter().rev().take(1).map(|part| part.to_string_lossy()).collect();
        Self { name, call, truth, sentences }
    }
}

/// Which frames of a clean voice are speech, by their energy; gaps of a consonant are filled.
fn speech(voice: &[i16]) -> Vec<bool> {
    let levels: Vec<_> = voice.chunks(FRAME_SAMPLES).map(mean_square).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f32::total_cmp);
    let loud = sorted.get(sorted.len() * 9 / 10).copied().unwrap_or_default();
    let least = loud * 10_f32.powf(-SPEECH_DB / 10.0);
    let mut speech: Vec<_> = levels.iter().map(|level| *level > least && *level > 100.0).collect();
    for at in 0..speech.len() {
        let gap = speech[at..].iter().take_while(|is| !**is).count();
        if at > 0 && speech[at - 1] && (1..=4).contains(&gap) && at + gap < speech.len() {
            speech[at..at + gap].fill(true);
        }
    }
    speech
}

/// Brings the frames of speech to this level.
fn set_level(voice: &mut [i16], speech: &[bool], dbfs: f32) {
    let levels = voice.chunks(FRAME_SAMPLES).zip(speech).filter(|(_, is)| **is);
    let (sum, count) =
        levels.fold((0.0, 0.0), |(sum, count), (frame, _)| (sum + mean_square(frame), count + 1.0));
    let gain = (of_dbfs(dbfs) / (sum / count)).sqrt();
    for sample in voice {
        *sample = (f32::from(*sample) * gain) as i16;
    }
}

/// What a telephone leaves of it: 300 to 3400 Hz, second order at either end.
fn telephone(voice: &mut [i16]) {
    let mut high = Biquad::new(300.0, false);
    let mut low = Biquad::new(3_400.0, true);
    for sample in voice {
        *sample = low.push(high.push(f32::from(*sample))) as i16;
    }
}

/// A second-order Butterworth filter (R. Bristow-Johnson's cookbook).
struct Biquad {
    b: [f32; 3],
    a: [f32; 2],
    x: [f32; 2],
    y: [f32; 2],
}

impl Biquad {
    fn new(hertz: f32, is_low: bool) -> Self {
        let angle = std::f32::consts::TAU * hertz / 8_000.0;
        let (sin, cos) = angle.sin_cos();
        let alpha = sin / std::f32::consts::SQRT_2;
        let a0 = 1.0 + alpha;
        let side = if is_low { (1.0 - cos) / 2.0 } else { (1.0 + cos) / 2.0 };
        let middle = if is_low { 1.0 - cos } else { -1.0 - cos };
        let b = [side / a0, middle / a0, side / a0];
        Self { b, a: [-2.0 * cos / a0, (1.0 - alpha) / a0], x: [0.0; 2], y: [0.0; 2] }
    }

    fn push(&mut self, x: f32) -> f32 {
        let y = self.b[0] * x + self.b[1] * self.x[0] + self.b[2] * self.x[1]
            - self.a[0] * self.y[0]
            - self.a[1] * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}

#[derive(Debug, Clone, Copy)]
enum Noise {
    None,
    White,
    Babble,
    Hum,
}

/// Noise of no certain level.
fn make_noise(noise: Noise, speakers: &[Speaker], but: usize, length: usize) -> Vec<f32> {
    let mut random = Random(77 + but as u64);
    match noise {
        Noise::None => vec![0.0; length],
        Noise::White => (0..length).map(|_| 20_000.0 * (random.next() - 0.5)).collect(),
        Noise::Hum => (0..length)
            .map(|at| {
                let turns = at as f32 * 50.0 / 8_000.0;
                let harmonics = [1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 11.0];
                harmonics
                    .iter()
                    .map(|n: &f32| {
                        3_000.0 / n * (std::f32::consts::TAU * (n * turns).fract()).sin()
                    })
                    .sum()
            })
            .collect(),
        Noise::Babble => {
            let mut mix = vec![0.0; length];
            for voice in 0..8 {
                let speaker = &speakers[(but + 1 + voice % (speakers.len() - 1)) % speakers.len()];
                // Talk without pauses.
                let talk: Vec<_> = speaker
                    .call
                    .chunks(FRAME_SAMPLES)
                    .zip(&speaker.truth)
                    .filter(|(_, is)| **is)
                    .flat_map(|(frame, _)| frame.iter().copied())
                    .collect();
                let from = (random.next() * talk.len() as f32) as usize;
                for (sum, sample) in mix.iter_mut().zip(talk.iter().cycle().skip(from)) {
                    *sum += f32::from(*sample);
                }
            }
            mix
        }
    }
}

/// A call as it comes over the line: voice, noise at this level, what no line is without, and the
/// steps of G.711.
fn line(call: &[i16], noise: &[f32], dbfs: f32) -> Vec<i16> {
    let power = noise.iter().map(|sample| sample * sample).sum::<f32>() / noise.len() as f32;
    let gain = if power > 0.0 { (of_dbfs(dbfs) / power).sqrt() } else { 0.0 };
    let rest = (12.0 * of_dbfs(QUIET_DBFS)).sqrt();
    let mut random = Random(3);
    let samples = call.iter().zip(noise);
    samples
        .map(|(sample, noise)| {
            g711((f32::from(*sample) + gain * noise + rest * (random.next() - 0.5)) as i16)
        })
        .collect()
}

/// A sample at the precision that µ-law leaves it.
fn g711(sample: i16) -> i16 {
    let magnitude = (i32::from(sample).abs() + 132).min(32_635);
    let step = 1 << (magnitude.ilog2() - 4);
    let magnitude = magnitude / step * step + step / 2 - 132;
    i16::try_from(magnitude).unwrap_or(i16::MAX)
        * sample.signum().max(if sample < 0 { -1 } else { 1 })
}

/// Sounds in which nobody speaks.
fn sounds(speakers: &[Speaker]) -> Vec<(&'static str, Vec<i16>)> {
    let mut sounds: Vec<_> = [
        ("dial tone", "v=-7;%(20000,0,425)"),
        ("dial tone, US", "v=-10;%(20000,0,350,440)"),
        ("ringing", "v=-10;%(1000,4000,425);loops=6"),
        ("ringing, US", "v=-10;%(2000,4000,440,480);loops=5"),
        ("busy", "v=-10;%(350,350,425);loops=40"),
        ("fax", "v=-10;%(500,3000,1100);loops=8"),
        ("information tone", "v=-10;%(330,0,950);%(330,0,1400);%(330,1000,1800);loops=15"),
        (
            "DTMF",
            "v=-5;%(100,100,697,1209);%(100,100,770,1336);%(100,100,852,1477);%(100,100,941,1336);\
             %(250,150,697,1477);%(400,300,852,1209);loops=14",
        ),
        (
            "melody",
            "v=-8;%(300,0,440,880,1320);%(300,0,494,988,1482);%(600,0,523,1046,1569);\
             %(300,0,587,1174,1761);%(300,0,659,1318,1977);%(600,100,698,1396,2094);loops=8",
        ),
        (
            "chords",
            "v=-8;%(900,0,262,330,392,523);%(900,0,220,262,330,440);%(900,0,349,440,523,698);\
             %(900,0,392,494,587,784);loops=6",
        ),
    ]
    .into_iter()
    .map(|(name, description)| (name, tone::samples(description).expect("a tone")))
    .collect();
    let quiet = vec![0; 30 * 8_000];
    sounds.push(("silence", line(&quiet, &vec![0.0; quiet.len()], -90.0)));
    for (name, noise) in [("white noise", Noise::White), ("hum", Noise::Hum)] {
        let noise = make_noise(noise, speakers, 0, quiet.len());
        sounds.push((name, line(&quiet, &noise, -35.0)));
    }
    let mut bursts = make_noise(Noise::White, speakers, 0, quiet.len());
    for (at, sample) in bursts.iter_mut().enumerate() {
        *sample *= if at % 16_000 < 640 { 1.0 } else { 0.0 };
    }
    sounds.push(("bursts of 80 ms", line(&quiet, &bursts, -35.0)));
    let mut clicks = vec![0.0; quiet.len()];
    for at in (4_000..quiet.len()).step_by(8_000) {
        for (n, sample) in clicks[at..at + 800].iter_mut().enumerate() {
            *sample = 20_000.0 * (-(n as f32) / 150.0).exp() * (n as f32 * 0.9).sin();
        }
    }
    sounds.push(("clicks of 100 ms", line(&quiet, &clicks, -30.0)));
    let babble = make_noise(Noise::Babble, speakers, 0, quiet.len());
    sounds.push(("babble", line(&quiet, &babble, -40.0)));
    for (_, sound) in &mut sounds {
        for sample in sound {
            *sample = g711(*sample);
        }
    }
    sounds
}

/// What a judge got right and wrong.
#[derive(Default)]
struct Score {
    speech_frames: usize,
    missed_frames: usize,
    quiet_frames: usize,
    false_frames: usize,
    sentences: usize,
    unheard: usize,
    splits: usize,
    false_starts: usize,
    onsets_ms: Vec<i64>,
    believed_ms: Vec<i64>,
    ends_ms: Vec<i64>,
    frames: usize,
    time: Duration,
}

impl Score {
    fn judge(&mut self, judge: &str, call: &[i16], speaker: Option<&Speaker>) {
        let (voices, events, time) = hear(judge, call);
        self.frames += voices.len();
        self.time += time;
        let none = vec![false; voices.len()];
        let truth = speaker.map_or(&none, |speaker| &speaker.truth);
        for (at, is_voice) in voices.iter().enumerate().take(truth.len()) {
            let around = at.saturating_sub(MARGIN)..(at + MARGIN + 1).min(truth.len());
            if truth[at] {
                self.speech_frames += 1;
                self.missed_frames += usize::from(!is_voice);
            } else if !truth[around].contains(&true) {
                self.quiet_frames += 1;
                self.false_frames += usize::from(*is_voice);
            }
        }
        let sentences = speaker.map_or(&[][..], |speaker| &speaker.sentences);
        self.sentences += sentences.len();
        let mut heard = vec![0; sentences.len()];
        let mut current = None;
        for (at, event) in events {
            let ms = at as i64 * FRAME_MS as i64 + FRAME_MS as i64;
            match event {
                VadEvent::Started { ago_ms } => {
                    let ours = |(first, last): &(usize, usize)| (*first..last + 20).contains(&at);
                    current = sentences.iter().position(ours);
                    let Some(sentence) = current else {
                        self.false_starts += 1;
                        continue;
                    };
                    heard[sentence] += 1;
                    if heard[sentence] == 1 {
                        let began = sentences[sentence].0 as i64 * FRAME_MS as i64;
                        self.onsets_ms.push(ms - began);
                        self.believed_ms.push(ms - ago_ms as i64 - began);
                    }
                }
                VadEvent::Stopped { .. } => {
                    if let Some(sentence) = current.take() {
                        let ended = (sentences[sentence].1 as i64 + 1) * FRAME_MS as i64;
                        self.ends_ms.push(ms - ended);
                    }
                }
            }
        }
        self.unheard += heard.iter().filter(|times| **times == 0).count();
        self.splits += heard.iter().filter(|times| **times > 1).count();
    }

    fn frame_ns(&self) -> f64 {
        self.time.as_nanos() as f64 / self.frames as f64
    }

    fn row(&mut self) -> String {
        for list in [&mut self.onsets_ms, &mut self.believed_ms, &mut self.ends_ms] {
            list.sort_unstable();
        }
        format!(
            "{:.1} | {:.1} | {} | {} | {} | {} | {} | {:.1} | {:.1} | {} | {:.0} |",
            percent(self.missed_frames, self.speech_frames),
            percent(self.false_frames, self.quiet_frames),
            quantile(&self.onsets_ms, 50),
            quantile(&self.onsets_ms, 99),
            quantile(&self.believed_ms, 50),
            quantile(&self.believed_ms, 95),
            quantile(&self.ends_ms, 50),
            percent(self.unheard, self.sentences),
            percent(self.splits, self.sentences),
            self.false_starts,
            self.frame_ns(),
        )
    }
}

/// A quantile of sorted times; 0 of none.
fn quantile(sorted: &[i64], share: usize) -> i64 {
    sorted
        .get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0)
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// The answer for each frame, what was noticed at which, and the time all of it took.
fn hear(judge: &str, call: &[i16]) -> (Vec<bool>, Vec<(usize, VadEvent)>, Duration) {
    let settings = VadSettings::default();
    let mut voices = Vec::new();
    let mut events = Vec::new();
    let frames = call.chunks_exact(FRAME_SAMPLES).enumerate();
    let mut ours = Vad::new(settings);
    let mut gate = Vad::new(settings);
    let mode = match judge {
        "webrtc 2, gated" => VadMode::Aggressive,
        _ => VadMode::VeryAggressive,
    };
    let mut theirs = webrtc_vad::Vad::new_with_rate_and_mode(SampleRate::Rate8kHz, mode);
    let mut segmenter = Segmenter::default();
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    let began = Instant::now();
    for (at, frame) in frames {
        let (is_voice, event) = if judge == "ours" {
            let event = ours.push(frame);
            (ours.is_voice(), event)
        } else {
            let mut is_voice = theirs.is_voice_segment(frame) == Ok(true);
            if judge.ends_with("gated") {
                gate.push(frame);
                is_voice &= gate.is_loud();
            }
            (is_voice, segmenter.push(&settings, is_voice, 0))
        };
        voices.push(is_voice);
        events.extend(event.map(|event| (at, event)));
    }
    (voices, events, began.elapsed())
}

/// Numbers from 0 to 1, the same in every run (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1_u32 << 24) as f32
    }
}
