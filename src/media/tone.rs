//! Tones by description: `tone_stream://%(1000,4000,425);loops=3`, as FreeSWITCH writes them.
//!
//! The useful part of TGML, the language of libteletone (`teletone_run` of
//! `libs/libteletone/src/libteletone_generate.c`, `tone_stream_file_open` of
//! `mod_tone_stream.c`): `%(on,off,f1,f2,…)` is `on` ms of the mean of up to 18 sines and
//! `off` ms of nothing, `v=` its level in dB, `L=` and `loops=` how often all of it is played, −1
//! for ever. Parts are divided by `;`. What it has beside that (`d=`, `c=`, `r=`, `>`, `<`, letters of
//! a phone's keys, files) is an error here.

use std::f32::consts::TAU;

use super::{MAX_SECONDS, RATE};

/// What comes before the description.
pub const SCHEME: &str = "tone_stream://";

/// The longest that comes out, ms, also of one without an end: what any audio held whole may last.
pub const MAX_MS: u64 = 1_000 * MAX_SECONDS;

/// Sines of one tone at most: as many as libteletone has room for (`TELETONE_MAX_TONES`).
const MAX_TONES: usize = 18;

/// Tones of one description at most: a melody, not a recording.
const MAX_SEGMENTS: usize = 256;

/// How far the peak of a sine of 0 dB is below full scale, dB: 3.17 dBm0 is the loudest (G.711, µ-law).
const HEADROOM_DB: f32 = 3.17;

/// Level of a tone where no `v=` says so, dB (`teletone_init_session`).
const LEVEL_DB: f32 = -7.0;

/// What is wrong with a description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToneError {
    /// There is no tone in it.
    #[error("there is no tone in it: write %(on_ms,off_ms,hertz)")]
    Empty,
    /// A part that is neither a tone nor a setting.
    #[error("{0:?} is neither a tone %(on_ms,off_ms,hertz), nor v=, L= or loops=")]
    Unknown(String),
    /// A number that is none, or out of its range.
    #[error("{what} is a number from {least} to {most}, not {found:?}")]
    Number {
        /// What it was to be.
        what: &'static str,
        /// What stood there.
        found: String,
        /// The least allowed.
        least: i64,
        /// The most allowed.
        most: i64,
    },
    /// `%(` without what belongs into it.
    #[error("{0:?} has no frequency: write %(on_ms,off_ms,hertz)")]
    NoFrequency(String),
    /// A bracket that is not closed.
    #[error("{0:?} is not closed by )")]
    Open(String),
    /// More sines or tones than have room.
    #[error("more than {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
}

/// The audio of a description, with or without `tone_stream://`: mono, 8 kHz, at most [`MAX_MS`].
///
/// # Errors
///
/// What is wrong with it.
pub fn samples(description: &str) -> Result<Vec<i16>, ToneError> {
    let description = description.trim();
    let description = description.strip_prefix(SCHEME).unwrap_or(description);
    let tones = Tones::read(description)?;
    let most = samples_of(MAX_MS);
    let once: Vec<_> = tones.segments.iter().flat_map(Segment::samples).take(most).collect();
    let length = match tones.loops {
        Some(loops) => once.len().saturating_mul(loops).min(most),
        None => most,
    };
    if once.is_empty() {
        return Err(ToneError::Empty);
    }
    Ok(once.into_iter().cycle().take(length).collect())
}

/// A description that has been read.
struct Tones {
    segments: Vec<Segment>,
    /// How often; none for ever.
    loops: Option<usize>,
}

/// One tone and the silence after it.
struct Segment {
    on_ms: u64,
    off_ms: u64,
    hertz: Vec<f32>,
    level_db: f32,
}

impl Tones {
    fn read(description: &str) -> Result<Self, ToneError> {
        let mut tones = Self { segments: Vec::new(), loops: Some(1) };
        let mut level_db = LEVEL_DB;
        let mut rest = description;
        loop {
            rest = rest.trim_start_matches([';', ' ']);
            if rest.is_empty() {
                break;
            }
            if let Some(inside) = rest.strip_prefix("%(") {
                let (tone, after) =
                    inside.split_once(')').ok_or_else(|| ToneError::Open(rest.to_owned()))?;
                if tones.segments.len() == MAX_SEGMENTS {
                    return Err(ToneError::TooMany { what: "tones", most: MAX_SEGMENTS });
                }
                tones.segments.push(Segment::read(tone, level_db)?);
                rest = after;
                continue;
            }
            let end = rest.find([';', '%']).unwrap_or(rest.len());
            let (setting, after) = rest.split_at(end);
            match setting.trim().split_once('=') {
                Some(("v", value)) => level_db = number("v", value, -63, 0)? as f32,
                Some(("L" | "l" | "loops", value)) => {
                    tones.loops = usize::try_from(number("loops", value, -1, 1_000_000)?).ok();
                }
                _ => return Err(ToneError::Unknown(setting.trim().to_owned())),
            }
            rest = after;
        }
        if tones.segments.is_empty() || tones.loops == Some(0) {
            return Err(ToneError::Empty);
        }
        Ok(tones)
    }
}

impl Segment {
    /// `on,off,hertz[,hertz…]`.
    fn read(tone: &str, level_db: f32) -> Result<Self, ToneError> {
        let mut values = tone.split(',');
        let most = i64::try_from(MAX_MS).unwrap_or(i64::MAX);
        let mut ms = |what| {
            let value = number(what, values.next().unwrap_or_default(), 0, most)?;
            Ok(u64::try_from(value).unwrap_or_default())
        };
        let on_ms = ms("the length of a tone in ms")?;
        let off_ms = ms("the pause after a tone in ms")?;
        let hertz = values
            .map(|value| Ok(number("a frequency in Hz", value, 0, i64::from(RATE / 2))? as f32))
            .collect::<Result<Vec<_>, _>>()?;
        if hertz.is_empty() {
            return Err(ToneError::NoFrequency(format!("%({tone})")));
        }
        if hertz.len() > MAX_TONES {
            return Err(ToneError::TooMany { what: "frequencies", most: MAX_TONES });
        }
        Ok(Self { on_ms, off_ms, hertz, level_db })
    }

    fn samples(&self) -> impl Iterator<Item = i16> {
        let amplitude = 32_767.0 * 10_f32.powf((self.level_db - HEADROOM_DB) / 20.0);
        let amplitude = amplitude / self.hertz.len() as f32;
        let (on, off) = (samples_of(self.on_ms), samples_of(self.off_ms));
        (0..on)
            .map(move |index| {
                let sum: f32 = self.hertz.iter().map(|hertz| sine(*hertz, index)).sum();
                (amplitude * sum) as i16
            })
            .chain(std::iter::repeat_n(0, off))
    }
}

/// A sine of this frequency at this sample. Whole hertz repeat every second, which keeps the phase
/// exact however long it lasts.
fn sine(hertz: f32, index: usize) -> f32 {
    let index = index % RATE as usize;
    let turns = (hertz * index as f32 / RATE as f32).fract();
    (TAU * turns).sin()
}

fn samples_of(ms: u64) -> usize {
    usize::try_from(ms * u64::from(RATE) / 1_000).unwrap_or(usize::MAX)
}

fn number(what: &'static str, found: &str, least: i64, most: i64) -> Result<i64, ToneError> {
    let found = found.trim();
    let whole = found.split_once('.').map_or(found, |(whole, _)| whole);
    match whole.parse() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => Err(ToneError::Number { what, found: found.to_owned(), least, most }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::level::dbfs;

    fn length_ms(description: &str) -> usize {
        samples(description).unwrap().len() / 8
    }

    #[test]
    fn a_tone_has_its_length_its_frequency_and_its_level() {
        let tone = samples("tone_stream://%(100,50,1000)").unwrap();
        assert_eq!(tone.len(), 1_200);
        assert!(
            (dbfs(&tone[..800]) - (LEVEL_DB - HEADROOM_DB - 3.01)).abs() < 0.1,
            "{}",
            dbfs(&tone[..800])
        );
        assert!(tone[800..].iter().all(|sample| *sample == 0));
        let rises = tone[..800].windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
        assert!((99..=100).contains(&rises), "{rises}");
    }

    #[test]
    fn several_tones_follow_one_another_and_all_of_them_are_repeated() {
        assert_eq!(length_ms("%(100,0,800);%(200,50,900,1000)"), 350);
        assert_eq!(length_ms("L=3;%(100,100,425)"), 600);
        assert_eq!(length_ms("%(100,100,425);loops=2"), 400);
        assert_eq!(length_ms("v=-20;%(100,0,425);v=-10;%(100,0,425)"), 200);
    }

    #[test]
    fn the_level_is_that_of_the_setting_before_it() {
        let tone = samples("v=-20;%(100,0,400);v=-40;%(100,0,400)").unwrap();
        assert!((dbfs(&tone[..800]) + 26.15).abs() < 0.1);
        assert!((dbfs(&tone[800..]) + 46.15).abs() < 0.1);
    }

    #[test]
    fn what_has_no_end_has_one() {
        let most = usize::try_from(MAX_MS).unwrap();
        assert_eq!(length_ms("%(1000,4000,425);loops=-1"), most);
        assert_eq!(length_ms("%(600000,600000,425);L=1000000"), most);
        assert_eq!(samples("%(0,0,425);loops=-1"), Err(ToneError::Empty));
    }

    #[test]
    fn an_error_says_what_is_wrong() {
        for (description, error) in [
            ("", "there is no tone in it: write %(on_ms,off_ms,hertz)"),
            ("loops=3", "there is no tone in it: write %(on_ms,off_ms,hertz)"),
            ("%(100,100", "\"%(100,100\" is not closed by )"),
            ("%(100,100)", "\"%(100,100)\" has no frequency: write %(on_ms,off_ms,hertz)"),
            (
                "%(1s,100,425)",
                "the length of a tone in ms is a number from 0 to 600000, not \"1s\"",
            ),
            ("%(1,1,9000)", "a frequency in Hz is a number from 0 to 4000, not \"9000\""),
            (
                "%(1,1,425);q=3",
                "\"q=3\" is neither a tone %(on_ms,off_ms,hertz), nor v=, L= or loops=",
            ),
            ("%(1,1,425);loops=many", "loops is a number from -1 to 1000000, not \"many\""),
        ] {
            assert_eq!(samples(description).unwrap_err().to_string(), error, "{description}");
        }
    }

    #[test]
    fn more_than_there_is_room_for_is_refused() {
        let sines = format!("%(1,1{})", ",400".repeat(MAX_TONES + 1));
        assert!(matches!(samples(&sines), Err(ToneError::TooMany { .. })));
        let tones = "%(1,1,400);".repeat(MAX_SEGMENTS + 1);
        assert!(matches!(samples(&tones), Err(ToneError::TooMany { .. })));
    }
}
