//! Judges what somebody heard: how loud it was, which tone when, where it broke off.
//!
//! Sound is 16-bit linear, 8000 samples a second, one channel. Levels are dBFS: the root mean square
//! below a full-scale square wave, so that the loudest sine is at −3 dBFS and silence at −100.

use std::f64::consts::TAU;
use std::time::Duration;

/// Samples in a millisecond.
pub(crate) const SAMPLES_PER_MS: usize = 8;

/// What levels and tones are told by: as long as a packet.
pub(crate) const FRAME_MS: usize = 20;

/// Below it nobody hears anything. Silence through a u-law codec is below −78, speech above −45.
pub(crate) const SILENCE_DBFS: f64 = -60.0;

/// What stands for the level of no signal at all.
const FLOOR_DBFS: f64 = -100.0;

/// A frame is a tone if so much of its power is at one frequency. A sine through a u-law codec has
/// 0.99; a frame that is cut where the tone starts has less and is still one.
const TONE_SHARE: f64 = 0.7;

/// How fine gaps are looked for.
const GAP_STEP_MS: usize = 5;

/// What a telephone keeps of a stream before it plays it: a packet that comes so much too late is not
/// heard as a gap.
const JITTER_BUFFER: Duration = Duration::from_millis(40);

/// A packet of sound, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Since the call was answered.
    pub(crate) at: Duration,
    pub(crate) sequence: u16,
    pub(crate) samples: Vec<i16>,
}

/// What can be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sound {
    Silence,
    /// One of the frequencies asked for, in Hz.
    Tone(u32),
    /// Speech, noise, or another tone.
    Other,
}

/// A sound from its first millisecond to the one after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start_ms: usize,
    pub(crate) end_ms: usize,
    pub(crate) sound: Sound,
}

/// A sine of this frequency, so many milliseconds long, at −13 dBFS: as loud as speech.
pub(crate) fn tone(hz: u32, ms: usize) -> Vec<i16> {
    let amplitude = 10_000.0;
    let step = TAU * f64::from(hz) / 8000.0;
    (0..ms * SAMPLES_PER_MS).map(|n| (amplitude * (step * n as f64).sin()) as i16).collect()
}

/// What a telephone plays of these packets, from the moment the call was answered. A packet that comes
/// early waits behind the others, as long as that takes; where one comes late there is silence.
pub(crate) fn played(packets: &[Packet]) -> Vec<i16> {
    let mut sound = Vec::new();
    for packet in packets {
        let at = packet.at.as_millis() as usize * SAMPLES_PER_MS;
        if at > sound.len() + JITTER_BUFFER.as_millis() as usize * SAMPLES_PER_MS {
            sound.resize(at, 0);
        }
        sound.extend(&packet.samples);
    }
    sound
}

/// The level of a sound in dBFS.
pub(crate) fn level_dbfs(samples: &[i16]) -> f64 {
    let power = power(samples);
    if power > 0.0 { (10.0 * power.log10()).max(FLOOR_DBFS) } else { FLOOR_DBFS }
}

/// The level of each frame in dBFS; of a shorter last one too.
pub(crate) fn levels_dbfs(samples: &[i16]) -> Vec<f64> {
    samples.chunks(FRAME_MS * SAMPLES_PER_MS).map(level_dbfs).collect()
}

/// What was heard when, to a frame of 20 ms: silence, one of these tones (Hz, at least 100 apart), or
/// something else. Spans follow each other without gaps.
pub(crate) fn spans(samples: &[i16], tones: &[u32]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (number, frame) in samples.chunks(FRAME_MS * SAMPLES_PER_MS).enumerate() {
        let sound = sound_of(frame, tones);
        let start_ms = number * FRAME_MS;
        let end_ms = start_ms + frame.len() / SAMPLES_PER_MS;
        match spans.last_mut() {
            Some(last) if last.sound == sound => last.end_ms = end_ms,
            _ => spans.push(Span { start_ms, end_ms, sound }),
        }
    }
    spans
}

/// Where a tone was first heard for this long at least, from its first frame to its last; gaps and
/// disturbances of one frame are passed over.
pub(crate) fn tone_span(samples: &[i16], hz: u32, shortest_ms: usize) -> Option<Span> {
    let mut longer: Option<Span> = None;
    for span in spans(samples, &[hz]).into_iter().filter(|span| span.sound == Sound::Tone(hz)) {
        match &mut longer {
            Some(whole) if span.start_ms <= whole.end_ms + FRAME_MS => whole.end_ms = span.end_ms,
            Some(whole) if whole.end_ms - whole.start_ms >= shortest_ms => break,
            _ => longer = Some(span),
        }
    }
    longer.filter(|span| span.end_ms - span.start_ms >= shortest_ms)
}

/// The longest silence between these two moments, in ms, to 5 ms.
pub(crate) fn longest_gap_ms(samples: &[i16], start_ms: usize, end_ms: usize) -> usize {
    let end = (end_ms * SAMPLES_PER_MS).min(samples.len());
    let part = samples.get(start_ms * SAMPLES_PER_MS..end).unwrap_or_default();
    let mut longest = 0;
    let mut gap = 0;
    for step in part.chunks(GAP_STEP_MS * SAMPLES_PER_MS) {
        gap = if level_dbfs(step) < SILENCE_DBFS { gap + GAP_STEP_MS } else { 0 };
        longest = longest.max(gap);
    }
    longest
}

/// How many packets never came, going by their numbers.
pub(crate) fn missing(packets: &[Packet]) -> usize {
    let steps = packets.windows(2).map(|pair| pair[1].sequence.wrapping_sub(pair[0].sequence));
    // Half of the numbers away is not a loss but an older packet that was overtaken.
    steps.filter(|step| *step < 0x8000).map(|step| usize::from(step.saturating_sub(1))).sum()
}

/// How many packets came more than this after the one before.
pub(crate) fn late(packets: &[Packet], after: Duration) -> usize {
    packets.windows(2).filter(|pair| pair[1].at.saturating_sub(pair[0].at) > after).count()
}

/// The longest that a packet had to be waited for.
pub(crate) fn longest_wait(packets: &[Packet]) -> Duration {
    let waits = packets.windows(2).map(|pair| pair[1].at.saturating_sub(pair[0].at));
    waits.max().unwrap_or_default()
}

fn sound_of(frame: &[i16], tones: &[u32]) -> Sound {
    if level_dbfs(frame) < SILENCE_DBFS {
        return Sound::Silence;
    }
    let total = power(frame);
    let is_heard = |hz: &&u32| power_at(frame, **hz) > TONE_SHARE * total;
    tones.iter().find(is_heard).map_or(Sound::Other, |hz| Sound::Tone(*hz))
}

/// Mean square, 1 for a full-scale square wave.
fn power(samples: &[i16]) -> f64 {
    let squares: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    squares / (samples.len().max(1) as f64 * 32768.0_f64.powi(2))
}

/// Of the mean square, what a sine of this frequency has (Goertzel's algorithm).
fn power_at(samples: &[i16], hz: u32) -> f64 {
    let turn = TAU * f64::from(hz) / 8000.0;
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        let next = f64::from(*sample) / 32768.0 + 2.0 * turn.cos() * last - before;
        (last, before) = (next, last);
    }
    let count = samples.len().max(1) as f64;
    2.0 * (last * last + before * before - 2.0 * turn.cos() * last * before) / (count * count)
}

mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_sines_and_of_silence() {
        let tone = tone(400, 1000);
        assert!((level_dbfs(&tone) + 13.3).abs() < 0.1, "{}", level_dbfs(&tone));
        assert_eq!(level_dbfs(&[0; 160]), FLOOR_DBFS);
        assert_eq!(level_dbfs(&[]), FLOOR_DBFS);
        assert!((level_dbfs(&[i16::MIN; 160])).abs() < 0.001);
        let levels = levels_dbfs(&[vec![0; 160], tone[..240].to_vec()].concat());
        assert_eq!(levels.len(), 3, "a frame of silence, one and a half of tone");
        assert!(levels[0] < SILENCE_DBFS && levels[1] > -14.0 && levels[2] > -14.0);
    }

    #[test]
    fn each_tone_of_the_table_is_told_from_the_others_and_from_noise() {
        let noise: Vec<_> =
            (0..1600_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 18) as i16).collect();
        let sound = [tone(400, 200), vec![0; 800], tone(1000, 100), noise, tone(700, 60)].concat();
        let wanted = [
            (0, 200, Sound::Tone(400)),
            (200, 300, Sound::Silence),
            (300, 400, Sound::Tone(1000)),
            (400, 600, Sound::Other),
            (600, 660, Sound::Other),
        ];
        let mut heard: Vec<_> = spans(&sound, &[400, 1000]).into_iter().collect();
        // Noise and a tone that was not asked for are one sound.
        assert_eq!(heard.pop().unwrap(), span(400, 660, Sound::Other));
        assert_eq!(heard, wanted[..3].iter().map(|&(s, e, w)| span(s, e, w)).collect::<Vec<_>>());
        let all = spans(&sound, &[400, 700, 1000]);
        assert_eq!(*all.last().unwrap(), span(600, 660, Sound::Tone(700)));
    }

    #[test]
    fn a_tone_is_found_with_its_small_gaps_and_a_shorter_one_is_not() {
        let gap = vec![0; FRAME_MS * SAMPLES_PER_MS];
        let sound = [tone(400, 40), vec![0; 800], tone(400, 200), gap, tone(400, 100)].concat();
        assert_eq!(tone_span(&sound, 400, 100), Some(span(140, 460, Sound::Tone(400))));
        assert_eq!(tone_span(&sound, 400, 40), Some(span(0, 40, Sound::Tone(400))));
        assert_eq!(tone_span(&sound, 400, 400), None);
        assert_eq!(tone_span(&sound, 1000, 20), None);
    }

    #[test]
    fn the_longest_gap_is_looked_for_between_two_moments_only() {
        let sound = [tone(400, 100), vec![0; 240], tone(400, 100), vec![0; 4000]].concat();
        assert_eq!(longest_gap_ms(&sound, 0, 230), 30);
        assert_eq!(longest_gap_ms(&sound, 0, 1000), 500);
        assert_eq!(longest_gap_ms(&sound, 0, 100), 0);
        assert_eq!(longest_gap_ms(&sound, 5000, 6000), 0, "after the end");
    }

    #[test]
    fn packets_are_played_one_after_the_other_and_late_ones_late() {
        let frame = vec![1; 160];
        let packets = [
            packet(0, 1, &frame),
            // Within the buffer: no gap.
            packet(45, 2, &frame),
            packet(46, 3, &frame),
            // 60 ms of sound; this comes 240 ms too late, and its neighbours wait behind it.
            packet(300, 5, &frame),
            packet(301, 6, &frame),
        ];
        let sound = played(&packets);
        assert_eq!(sound.len(), 340 * SAMPLES_PER_MS);
        assert_eq!(sound.iter().filter(|sample| **sample == 0).count(), 240 * SAMPLES_PER_MS);
        assert_eq!(sound[300 * SAMPLES_PER_MS - 1], 0);
        assert_eq!(missing(&packets), 1);
        assert_eq!(late(&packets, Duration::from_millis(40)), 2);
        assert_eq!(longest_wait(&packets), Duration::from_millis(254));
    }

    #[test]
    fn numbers_that_wrap_or_are_overtaken_are_no_loss() {
        let wrapped = [packet(0, 65535, &[]), packet(20, 0, &[]), packet(40, 2, &[])];
        assert_eq!(missing(&wrapped), 1);
        let overtaken = [packet(0, 8, &[]), packet(1, 7, &[]), packet(20, 9, &[])];
        assert_eq!(missing(&overtaken), 1, "8 to 9 past 7 looks like one, which is seen as late");
    }

    fn span(start_ms: usize, end_ms: usize, sound: Sound) -> Span {
        Span { start_ms, end_ms, sound }
    }

    fn packet(at_ms: u64, sequence: u16, samples: &[i16]) -> Packet {
        Packet { at: Duration::from_millis(at_ms), sequence, samples: samples.to_vec() }
    }
}
