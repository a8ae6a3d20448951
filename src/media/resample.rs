//! Other sample rates: doubling, halving and thirding by fixed filters, the rest by rubato.

use std::f32::consts::PI;
use std::sync::LazyLock;

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, WindowFunction,
};

/// The rates that audio comes in, a second.
pub const RATES: [u32; 11] =
    [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

/// Samples taken through all stages at a time: what bounds the working memory of a long file.
const BLOCK: usize = 4_096;

/// Samples on either side of the middle tap of the half-band filter: level to 0.44 of the lower rate
/// (3.5 of 8 kHz), 60 dB down from 0.56 of it.
const HALF_REACH: usize = 31;

/// Taps of the half-band filter, and one of nothing that makes them a multiple of [`LANES`].
const HALF_TAPS: usize = 64;

/// Samples on either side of the middle tap of the third-band filter, of like edges.
const THIRD_REACH: usize = 43;

/// Taps of the third-band filter, and one of nothing.
const THIRD_TAPS: usize = 88;

/// Products summed side by side, as wide as the processor's registers.
const LANES: usize = 8;

/// Of the Kaiser window: 60 dB of stop band (Kaiser 1974).
const KAISER_BETA: f32 = 5.65;

/// Input samples a rubato stage takes at a time.
const SINC_CHUNK: usize = 128;

/// Taps of a rubato stage, input samples.
const SINC_TAPS: usize = 128;

/// A rate that is none of [`RATES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sample rate of {0} Hz is none that is known")]
pub struct UnknownRate(pub u32);

/// These mono samples at another rate, not delayed: ⌈samples × to ÷ from⌉ of them, or one more where
/// they were halved on the way.
///
/// # Errors
///
/// One of the rates is not in [`RATES`].
pub fn to_rate(samples: &[i16], from: u32, to: u32) -> Result<Vec<i16>, UnknownRate> {
    let mut resampler = Resampler::new(from, to)?;
    let mut out = Vec::with_capacity(resampler.length(samples.len()));
    resampler.push(samples, &mut out);
    resampler.flush(&mut out);
    Ok(out)
}

/// Mono audio on its way from one rate to another, in pieces of any length. However it is cut, the
/// same samples come out as from [`to_rate`]; they come when the filters have seen what follows them,
/// some 2 to 10 ms later, and the last by [`Resampler::flush`].
#[derive(Debug)]
pub struct Resampler {
    stages: Vec<Stage>,
    work: [Vec<f32>; 2],
}

impl Resampler {
    /// A resampler between two of [`RATES`]; equal ones pass the samples on as they are.
    ///
    /// # Errors
    ///
    /// One of the rates is not in [`RATES`].
    pub fn new(from: u32, to: u32) -> Result<Self, UnknownRate> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                return Err(UnknownRate(rate));
            }
        }
        Ok(Self { stages: stages(from, to)?, work: [Vec::new(), Vec::new()] })
    }

    /// How many samples come out, all in all, for so many that went in.
    #[must_use]
    pub fn length(&self, samples: usize) -> usize {
        self.stages.iter().fold(samples, |samples, stage| stage.length(samples))
    }

    /// Takes samples, and appends those of the new rate that are ready.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        if self.stages.is_empty() {
            out.extend_from_slice(samples);
            return;
        }
        for block in samples.chunks(BLOCK) {
            let [now, _] = &mut self.work;
            now.clear();
            now.extend(block.iter().map(|&sample| f32::from(sample)));
            self.run(0, out);
        }
    }

    /// Appends what is still inside, as if silence followed, and is as new afterwards.
    pub fn flush(&mut self, out: &mut Vec<i16>) {
        for index in 0..self.stages.len() {
            let [now, _] = &mut self.work;
            now.clear();
            if let Some(stage) = self.stages.get_mut(index) {
                stage.flush(now);
            }
            self.run(index + 1, out);
        }
    }

    /// Takes what lies in the first working buffer through the stages from this one on.
    fn run(&mut self, first: usize, out: &mut Vec<i16>) {
        let [now, next] = &mut self.work;
        for stage in self.stages.iter_mut().skip(first) {
            next.clear();
            stage.push(now, next);
            std::mem::swap(now, next);
        }
        out.extend(now.iter().map(|sample| sample.round() as i16));
    }
}

/// The stages from one rate to another: doubles, halves and thirds where they lead there. Where they
/// do not, it is halved as long as an octave is left above what must be kept, and rubato does the rest.
fn stages(from: u32, to: u32) -> Result<Vec<Stage>, UnknownRate> {
    let common = gcd(from, to);
    let (up, mut down) = (to / common, from / common);
    let mut thirds = 0;
    while down.is_multiple_of(3) {
        down /= 3;
        thirds += 1;
    }
    let mut stages = Vec::new();
    if up.is_power_of_two() && down.is_power_of_two() {
        stages.extend((0..up.ilog2()).map(|_| Stage::Fixed(Fixed::double())));
        stages.extend((0..down.ilog2()).map(|_| Stage::Fixed(Fixed::halve())));
        stages.extend((0..thirds).map(|_| Stage::Fixed(Fixed::third())));
        return Ok(stages);
    }
    let mut rate = from;
    while rate.is_multiple_of(2) && rate / 2 >= 2 * to {
        rate /= 2;
        stages.push(Stage::Fixed(Fixed::halve()));
    }
    stages.push(Stage::Sinc(Box::new(Sinc::new(rate, to).ok_or(UnknownRate(rate))?)));
    Ok(stages)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// One step from a rate to the next.
#[derive(Debug)]
enum Stage {
    Fixed(Fixed),
    Sinc(Box<Sinc>),
}

impl Stage {
    fn length(&self, samples: usize) -> usize {
        match self {
            Self::Fixed(fixed) if fixed.doubles => 2 * samples,
            Self::Fixed(fixed) => samples.div_ceil(fixed.step),
            Self::Sinc(sinc) => usize::try_from(sinc.length(samples as u64)).unwrap_or(usize::MAX),
        }
    }

    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        match self {
            Self::Fixed(fixed) => fixed.push(samples, out),
            Self::Sinc(sinc) => sinc.push(samples, out),
        }
    }

    fn flush(&mut self, out: &mut Vec<f32>) {
        match self {
            Self::Fixed(fixed) => fixed.flush(out),
            Self::Sinc(sinc) => sinc.flush(out),
        }
    }
}

/// A fixed filter over a window that moves by one sample, two or three.
struct Fixed {
    taps: &'static [f32],
    /// Where in the window the sample lies that an output belongs to.
    middle: usize,
    step: usize,
    /// The sample itself comes before what the filter makes of its neighbours: this is doubling.
    doubles: bool,
    /// What came and is still needed; at first, as many zeros as there would be samples before.
    window: Vec<f32>,
}

impl Fixed {
    fn double() -> Self {
        // Between two samples every other tap of the half-band filter counts, and no other.
        Self::new(&*BETWEEN, HALF_TAPS / 4 - 1, 1, true)
    }

    fn halve() -> Self {
        Self::new(&*HALF_BAND, HALF_REACH, 2, false)
    }

    fn third() -> Self {
        Self::new(&*THIRD_BAND, THIRD_REACH, 3, false)
    }

    fn new(taps: &'static [f32], middle: usize, step: usize, doubles: bool) -> Self {
        Self { taps, middle, step, doubles, window: vec![0.0; middle] }
    }

    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.window.extend_from_slice(samples);
        let mut moved = 0;
        for window in self.window.windows(self.taps.len()).step_by(self.step) {
            if self.doubles {
                out.extend(window.get(self.middle));
            }
            out.push(dot(self.taps, window));
            moved += self.step;
        }
        self.window.drain(..moved.min(self.window.len()));
    }

    fn flush(&mut self, out: &mut Vec<f32>) {
        let missing = self.taps.len() - 1 - self.middle;
        self.push(&vec![0.0; missing], out);
        self.window.clear();
        self.window.resize(self.middle, 0.0);
    }
}

impl std::fmt::Debug for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixed").field("step", &self.step).field("doubles", &self.doubles).finish()
    }
}

fn dot(taps: &[f32], window: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (taps, window) in taps.chunks_exact(LANES).zip(window.chunks_exact(LANES)) {
        for (sum, (tap, sample)) in sums.iter_mut().zip(taps.iter().zip(window)) {
            *sum += tap * sample;
        }
    }
    sums.iter().sum()
}

static HALF_BAND: LazyLock<[f32; HALF_TAPS]> = LazyLock::new(|| band(2, HALF_REACH));

static THIRD_BAND: LazyLock<[f32; THIRD_TAPS]> = LazyLock::new(|| band(3, THIRD_REACH));

/// Every other tap of the half-band filter, at twice its strength: half of the samples it is laid on
/// would be the zeros between those that there are.
static BETWEEN: LazyLock<[f32; HALF_TAPS / 2]> = LazyLock::new(|| {
    let mut taps = [0.0; HALF_TAPS / 2];
    for (tap, half) in taps.iter_mut().zip(HALF_BAND.iter().step_by(2)) {
        *tap = 2.0 * half;
    }
    taps
});

/// A low-pass filter for the lowest 1/`parts` of the band, by a Kaiser window, of gain 1.
fn band<const TAPS: usize>(parts: u8, reach: usize) -> [f32; TAPS] {
    let mut taps = [0.0; TAPS];
    for (index, tap) in taps.iter_mut().enumerate().take(2 * reach + 1) {
        let off = index as f32 - reach as f32;
        let angle = PI * off / f32::from(parts);
        let sinc = if index == reach { 1.0 } else { angle.sin() / angle };
        let edge = off / (reach + 1) as f32;
        *tap = sinc * bessel(KAISER_BETA * (1.0 - edge * edge).sqrt());
    }
    let gain: f32 = taps.iter().sum();
    taps.map(|tap| tap / gain)
}

/// The modified Bessel function of the first kind and order zero, by its series.
fn bessel(x: f32) -> f32 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1_u8..20 {
        term *= (x / (2.0 * f32::from(k))).powi(2);
        sum += term;
    }
    sum
}

/// Any ratio, by rubato's sinc interpolation.
struct Sinc {
    inner: Async<f32>,
    from: u32,
    to: u32,
    /// What came and is less than a chunk.
    waiting: Vec<f32>,
    made: Vec<f32>,
    /// Samples of delay still to be dropped from the start.
    late: usize,
    taken: u64,
    given: u64,
}

impl Sinc {
    fn new(from: u32, to: u32) -> Option<Self> {
        let parameters =
            SincInterpolationParameters::new(SINC_TAPS, WindowFunction::BlackmanHarris);
        let ratio = f64::from(to) / f64::from(from);
        let inner =
            Async::new_sinc(ratio, 1.0, &parameters, SINC_CHUNK, 1, FixedAsync::Input).ok()?;
        let made = vec![0.0; inner.output_frames_max()];
        let late = inner.output_delay();
        let waiting = Vec::with_capacity(SINC_CHUNK);
        Some(Self { inner, from, to, waiting, made, late, taken: 0, given: 0 })
    }

    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.taken += samples.len() as u64;
        for &sample in samples {
            self.waiting.push(sample);
            if self.waiting.len() == SINC_CHUNK {
                self.turn(out, u64::MAX);
            }
        }
    }

    fn flush(&mut self, out: &mut Vec<f32>) {
        let wanted = self.length(self.taken);
        while self.given < wanted {
            self.waiting.resize(SINC_CHUNK, 0.0);
            if !self.turn(out, wanted) {
                break;
            }
        }
        self.inner.reset();
        self.waiting.clear();
        self.late = self.inner.output_delay();
        (self.taken, self.given) = (0, 0);
    }

    fn length(&self, samples: u64) -> u64 {
        (samples * u64::from(self.to)).div_ceil(u64::from(self.from))
    }

    /// Takes the chunk that waits; gives no more than so many samples all in all. False if nothing
    /// came of it, which whole chunks and room for the most that can come leave no reason for.
    fn turn(&mut self, out: &mut Vec<f32>, most: u64) -> bool {
        let frames = self.made.len();
        let made = SequentialSlice::new(&self.waiting, 1, SINC_CHUNK).ok().and_then(|chunk| {
            let mut room = SequentialSlice::new_mut(&mut self.made, 1, frames).ok()?;
            self.inner.process_into_buffer(&chunk, &mut room, None::<&Indexing>).ok()
        });
        self.waiting.clear();
        let Some((_, made)) = made else { return false };
        let late = self.late.min(made);
        self.late -= late;
        let left = usize::try_from(most - self.given).unwrap_or(usize::MAX);
        let given = (made - late).min(left);
        out.extend(self.made.iter().skip(late).take(given));
        self.given += given as u64;
        made > 0
    }
}

impl std::fmt::Debug for Sinc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sinc").field("from", &self.from).field("to", &self.to).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine of half of full scale.
    fn tone(hz: f32, rate: u32, samples: usize) -> Vec<i16> {
        let step = std::f64::consts::TAU * f64::from(hz) / f64::from(rate);
        (0..samples).map(|i| (16_384.0 * (i as f64 * step).sin()) as i16).collect()
    }

    /// The amplitude of this frequency, by the Goertzel sum under a Hann window, of full scale.
    fn amplitude(samples: &[i16], hz: f32, rate: u32) -> f64 {
        let step = std::f64::consts::TAU * f64::from(hz) / f64::from(rate);
        let (mut re, mut im, mut gain) = (0.0, 0.0, 0.0);
        for (i, &sample) in samples.iter().enumerate() {
            let at = i as f64;
            let hann = 0.5 - 0.5 * (std::f64::consts::TAU * at / samples.len() as f64).cos();
            re += hann * f64::from(sample) * (at * step).cos();
            im += hann * f64::from(sample) * (at * step).sin();
            gain += hann;
        }
        2.0 * re.hypot(im) / gain / 32_768.0
    }

    fn decibels(ratio: f64) -> f64 {
        20.0 * ratio.max(1e-9).log10()
    }

    /// The middle of it, where both ends are far.
    fn inside(samples: &[i16]) -> &[i16] {
        &samples[samples.len() / 4..samples.len() * 3 / 4]
    }

    #[test]
    fn tones_of_the_pass_band_keep_level_and_frequency() {
        for from in RATES {
            for to in [8_000, 16_000] {
                for hz in [300.0, 3_400.0] {
                    let out = to_rate(&tone(hz, from, from as usize / 8), from, to).unwrap();
                    let level = decibels(amplitude(inside(&out), hz, to) / 0.5);
                    assert!(level.abs() < 0.5, "{hz} Hz, {from} to {to}: {level} dB");
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_does_not_come_back_as_something_else() {
        for from in RATES.into_iter().filter(|rate| *rate >= 16_000) {
            for hz in [4_600.0, 6_000.0, 7_500.0] {
                let out = to_rate(&tone(hz, from, from as usize / 8), from, 8_000).unwrap();
                let level = decibels(f64::from(super::super::level::rms(inside(&out))) / 11_585.0);
                assert!(level < -40.0, "{hz} Hz from {from}: {level} dB");
            }
        }
    }

    #[test]
    fn doubling_leaves_no_image() {
        let out = to_rate(&tone(1_000.0, 8_000, 4_000), 8_000, 16_000).unwrap();
        let image = decibels(amplitude(inside(&out), 7_000.0, 16_000) / 0.5);
        assert!(image < -55.0, "{image} dB");
    }

    #[test]
    fn however_it_is_cut_the_same_comes_out() {
        for from in RATES {
            for to in [8_000, 16_000, 24_000] {
                let samples = tone(700.0, from, 1_500);
                let whole = to_rate(&samples, from, to).unwrap();
                for size in [1, 160, 441, 1_499] {
                    let mut resampler = Resampler::new(from, to).unwrap();
                    let mut out = Vec::new();
                    for piece in samples.chunks(size) {
                        resampler.push(piece, &mut out);
                    }
                    resampler.flush(&mut out);
                    assert_eq!(out, whole, "{from} to {to} by {size}");
                }
            }
        }
    }

    #[test]
    fn lengths_are_those_of_the_ratio() {
        for from in RATES {
            for to in [8_000, 16_000, 24_000, 48_000] {
                for length in [0, 1, 2, 159, 160, 441] {
                    let out = to_rate(&vec![0; length], from, to).unwrap();
                    let wanted = Resampler::new(from, to).unwrap().length(length);
                    assert_eq!(out.len(), wanted, "{length} from {from} to {to}");
                    let exact = (length * to as usize).div_ceil(from as usize);
                    assert!((exact..=exact + 1).contains(&wanted), "{length} from {from} to {to}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_late() {
        for from in RATES {
            let mut samples = vec![0; from as usize / 10];
            let middle = samples.len() / 2;
            samples[middle..middle + (from / 1_000) as usize].fill(16_000);
            let out = to_rate(&samples, from, 8_000).unwrap();
            let loudest = out.iter().enumerate().max_by_key(|(_, sample)| **sample).unwrap().0;
            assert!((400..=408).contains(&loudest), "{from}: {loudest}");
        }
    }

    #[test]
    fn a_flushed_one_is_as_new() {
        for from in [16_000, 22_050, 48_000] {
            let samples = tone(500.0, from, 3_000);
            let mut resampler = Resampler::new(from, 8_000).unwrap();
            let (mut first, mut second) = (Vec::new(), Vec::new());
            for out in [&mut first, &mut second] {
                resampler.push(&samples, out);
                resampler.flush(out);
            }
            assert_eq!(first, second);
        }
    }

    #[test]
    fn the_loudest_is_clipped_and_not_wrapped() {
        let square: Vec<_> =
            (0..1_600).map(|i| if i / 16 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let out = to_rate(&square, 16_000, 8_000).unwrap();
        let wrong =
            out.chunks(8).skip(2).enumerate().filter(|(i, half)| (half[4] > 0) != (i % 2 == 0));
        assert_eq!(wrong.count(), 0);
    }

    #[test]
    fn an_unknown_rate_is_told() {
        assert_eq!(to_rate(&[], 8_001, 8_000).unwrap_err(), UnknownRate(8_001));
        assert_eq!(Resampler::new(8_000, 0).unwrap_err(), UnknownRate(0));
    }
}
