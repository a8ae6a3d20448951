//! Audio files and streams → samples: WAV, MP3 and bare PCM, as 8 kHz mono.

use std::io::Cursor;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error as MediaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::resample::{Resampler, UnknownRate};
use super::wav::{Coding, Wav};
use super::{MAX_SECONDS, RATE};

/// What kind of bytes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// WAV or MP3, as their first bytes say.
    Named,
    /// Samples of 16 bits, signed, and nothing before them.
    Pcm {
        /// Samples a second, one of [`super::resample::RATES`].
        rate: u32,
        /// Which byte of a sample is first.
        order: Order,
    },
}

/// Which byte of a sample is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The low one: `audio/pcm`, WAV, AudioSocket.
    Little,
    /// The high one: `audio/L16` (RFC 2586), RTP.
    Big,
}

/// Why bytes are no audio.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They begin as no file that is known.
    #[error("it is neither WAV nor MP3")]
    Unknown,
    /// A WAV file whose header ends too soon or says what cannot be.
    #[error("the header of the WAV file is broken: {0}")]
    Header(&'static str),
    /// A WAV file of samples that cannot be read.
    #[error("samples of {bits} bits in coding {tag:#06x} are not read")]
    Coding {
        /// `wFormatTag`, or the first two bytes of the subformat.
        tag: u16,
        /// Bits of a sample.
        bits: u16,
    },
    /// More channels than are mixed, or none.
    #[error("{0} channels are not read")]
    Channels(u16),
    /// A rate that cannot be made to 8 kHz.
    #[error(transparent)]
    Rate(#[from] UnknownRate),
    /// An MP3 without a frame that can be read.
    #[error("no frame of the MP3 can be read: {0}")]
    Mp3(String),
    /// It is longer than [`MAX_SECONDS`].
    #[error("it is longer than {MAX_SECONDS} s")]
    TooLong,
}

/// The samples of a whole file or answer: 8 kHz, mono, at most [`MAX_SECONDS`]. A file that was cut
/// gives what there is of it.
///
/// # Errors
///
/// It is no audio, of a kind that is not read, or too long.
pub fn decode(bytes: &[u8], format: Format) -> Result<Vec<i16>, DecodeError> {
    if format == Format::Named && !bytes.starts_with(b"RIFF") {
        return if is_mp3(bytes) { decode_mp3(bytes) } else { Err(DecodeError::Unknown) };
    }
    let mut decoder = StreamDecoder::new(format)?;
    let mut out = Vec::new();
    decoder.push(bytes, &mut out)?;
    decoder.finish(&mut out)?;
    Ok(out)
}

/// True if the first bytes are those of an MP3: a tag of ID3, or the eleven bits of a frame and a
/// layer and rate that exist.
fn is_mp3(bytes: &[u8]) -> bool {
    match bytes {
        [b'I', b'D', b'3', ..] => true,
        [0xff, second, third, ..] => {
            second & 0xe0 == 0xe0 && second & 0x06 != 0 && third & 0xf0 != 0xf0
        }
        _ => false,
    }
}

fn decode_mp3(bytes: &[u8]) -> Result<Vec<i16>, DecodeError> {
    let no_frame = |error: MediaError| DecodeError::Mp3(error.to_string());
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let source = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    let mut hint = Hint::new();
    hint.with_extension("mp3");
    let mut reader = symphonia::default::get_probe()
        .probe(&hint, source, FormatOptions::default(), MetadataOptions::default())
        .map_err(no_frame)?;
    let track = reader.default_track(TrackType::Audio);
    let parameters = track.and_then(|track| track.codec_params.as_ref()?.audio());
    let parameters = parameters.ok_or_else(|| DecodeError::Mp3("no audio".to_owned()))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(no_frame)?;
    let mut sink: Option<(u32, Sink)> = None;
    let mut mono = Vec::new();
    let mut out = Vec::new();
    // A file that was cut ends in an error: what came before it is what there is.
    while let Ok(Some(packet)) = reader.next_packet() {
        let Ok(audio) = decoder.decode(&packet) else { continue };
        let rate = audio.spec().rate();
        mix(&audio, &mut mono);
        match &mut sink {
            Some((known, sink)) if *known == rate => sink.push(&mono, &mut out)?,
            // Frames of another rate do not belong to it.
            Some(_) => {}
            None => {
                let (_, sink) = sink.insert((rate, Sink::new(rate)?));
                sink.push(&mono, &mut out)?;
            }
        }
    }
    let Some((_, mut sink)) = sink else {
        return Err(DecodeError::Mp3("it holds none".to_owned()));
    };
    sink.finish(&mut out);
    Ok(out)
}

/// All channels of decoded audio as one.
fn mix(audio: &GenericAudioBufferRef<'_>, mono: &mut Vec<i16>) {
    let mut samples: Vec<i16> = Vec::new();
    audio.copy_to_vec_interleaved(&mut samples);
    mono.clear();
    mono.extend(samples.chunks(audio.num_planes().max(1)).map(|frame| mean(frame.iter().copied())));
}

/// The channels of one moment as one sample.
pub(super) fn mean(frame: impl ExactSizeIterator<Item = i16>) -> i16 {
    let channels = i32::try_from(frame.len()).unwrap_or(i32::MAX).max(1);
    let sum: i32 = frame.map(i32::from).sum();
    i16::try_from(sum / channels).unwrap_or_default()
}

/// Bytes as they come → samples as they come: for the answers of services that speak while they
/// synthesise. It takes [`Format::Named`] for WAV and [`Format::Pcm`]; an MP3 has to be whole.
///
/// The header's lengths are not relied on: whoever streams does not know them, and writes 0,
/// 0xffffffff or, as espeak-ng, 0x7ffff000.
#[derive(Debug)]
pub struct StreamDecoder {
    header: Option<Wav>,
    coding: Coding,
    sink: Option<Sink>,
    /// Bytes of a sample of which there are not all.
    part: Vec<u8>,
    mono: Vec<i16>,
}

impl StreamDecoder {
    /// A decoder for a stream of this kind.
    ///
    /// # Errors
    ///
    /// The rate is none that is known.
    pub fn new(format: Format) -> Result<Self, DecodeError> {
        let (header, coding, sink) = match format {
            Format::Named => (Some(Wav::default()), Coding::S16_MONO, None),
            Format::Pcm { rate, order } => {
                let coding = match order {
                    Order::Little => Coding::S16_MONO,
                    Order::Big => Coding::S16_BIG_MONO,
                };
                (None, coding, Some(Sink::new(rate)?))
            }
        };
        Ok(Self { header, coding, sink, part: Vec::new(), mono: Vec::new() })
    }

    /// Takes bytes, and appends the 8 kHz samples that are ready.
    ///
    /// # Errors
    ///
    /// It is no WAV, one that is not read, or too long; what came of it before has been given, and
    /// what is pushed afterwards gives the like error or nothing.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<i16>) -> Result<(), DecodeError> {
        let mut sound = usize::MAX;
        if let Some(header) = &mut self.header {
            let taken = header.push(bytes)?;
            bytes = bytes.get(taken..).unwrap_or_default();
            let Some(data) = header.data() else { return Ok(()) };
            if self.sink.is_none() {
                self.sink = Some(Sink::new(data.rate)?);
                self.coding = data.coding;
            }
            sound = header.take(bytes.len());
        }
        let Some(sink) = &mut self.sink else { return Ok(()) };
        self.mono.clear();
        self.coding.read(&mut self.part, bytes.get(..sound).unwrap_or(bytes), &mut self.mono);
        sink.push(&self.mono, out)
    }

    /// Appends what is still inside when the stream has ended. A sample that is not whole is left
    /// out; a WAV of a header and nothing else is silence of no length.
    ///
    /// # Errors
    ///
    /// The stream ended within the header.
    pub fn finish(&mut self, out: &mut Vec<i16>) -> Result<(), DecodeError> {
        let ended_early = DecodeError::Header("it ends before its samples");
        self.sink.as_mut().ok_or(ended_early)?.finish(out);
        Ok(())
    }
}

/// Mono samples of any rate → samples of 8 kHz, no more than are allowed.
#[derive(Debug)]
struct Sink {
    resampler: Resampler,
    taken: u64,
    most: u64,
}

impl Sink {
    fn new(rate: u32) -> Result<Self, UnknownRate> {
        let resampler = Resampler::new(rate, RATE)?;
        Ok(Self { resampler, taken: 0, most: MAX_SECONDS * u64::from(rate) })
    }

    fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) -> Result<(), DecodeError> {
        self.taken += samples.len() as u64;
        if self.taken > self.most {
            return Err(DecodeError::TooLong);
        }
        self.resampler.push(samples, out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<i16>) {
        self.resampler.flush(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::level::rms;

    const SINE_RMS: f32 = 11_585.0;

    /// 1000 Hz at half of full scale.
    fn sine(rate: u32, at: usize) -> f64 {
        0.5 * (at as f64 * 1_000.0 * std::f64::consts::TAU / f64::from(rate)).sin()
    }

    /// Half a second of it in each channel as hound writes it.
    fn wav(rate: u32, channels: u16, bits: u16, is_float: bool) -> Vec<u8> {
        let sample_format =
            if is_float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
        let spec =
            hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        for at in 0..rate as usize / 2 {
            for _ in 0..channels {
                if is_float {
                    writer.write_sample(sine(rate, at) as f32).unwrap();
                } else {
                    let scale = 2_f64.powi(i32::from(bits) - 1);
                    writer.write_sample((sine(rate, at) * scale) as i32).unwrap();
                }
            }
        }
        writer.finalize().unwrap();
        file.into_inner()
    }

    /// A header of 44 bytes by hand.
    fn header(tag: u16, channels: u16, rate: u32, bits: u16, riff: u32, data: u32) -> Vec<u8> {
        let block = channels * bits / 8;
        let mut header = b"RIFF".to_vec();
        header.extend(riff.to_le_bytes());
        header.extend(b"WAVEfmt \x10\0\0\0");
        header.extend([tag.to_le_bytes(), channels.to_le_bytes()].concat());
        header.extend([rate.to_le_bytes(), (rate * u32::from(block)).to_le_bytes()].concat());
        header.extend([block.to_le_bytes(), bits.to_le_bytes()].concat());
        header.extend(b"data");
        header.extend(data.to_le_bytes());
        header
    }

    fn assert_sine(samples: &[i16], name: &str) {
        assert!((3_999..=4_001).contains(&samples.len()), "{name}: {}", samples.len());
        let loudness = rms(&samples[1_000..3_000]);
        assert!((loudness / SINE_RMS - 1.0).abs() < 0.02, "{name}: {loudness}");
        let rises = samples.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
        assert!((498..=500).contains(&rises), "{name}: {rises} rises");
    }

    #[test]
    fn wavs_of_every_rate_width_and_channels() {
        for rate in [8_000, 16_000, 22_050, 24_000, 44_100, 48_000] {
            for (channels, bits) in [(1, 8), (1, 16), (2, 16), (1, 24), (2, 32)] {
                let name = format!("{rate} {channels} {bits}");
                let samples = decode(&wav(rate, channels, bits, false), Format::Named).unwrap();
                assert_sine(&samples, &name);
            }
            assert_sine(&decode(&wav(rate, 2, 32, true), Format::Named).unwrap(), "float");
        }
    }

    #[test]
    fn a_stream_without_a_length_goes_on_to_its_end() {
        let whole = wav(22_050, 1, 16, false);
        for (riff, data) in [(0x7fff_f024, 0x7fff_f000), (u32::MAX, u32::MAX), (36, 0), (0, 0)] {
            let mut bytes = header(1, 1, 22_050, 16, riff, data);
            bytes.extend(&whole[44..]);
            assert_sine(&decode(&bytes, Format::Named).unwrap(), "endless");
        }
    }

    #[test]
    fn what_follows_the_samples_is_not_heard() {
        let mut bytes = header(1, 1, 8_000, 16, 60, 4);
        bytes.extend([1, 0, 2, 0]);
        bytes.extend(b"LIST\x04\0\0\0junk");
        assert_eq!(decode(&bytes, Format::Named).unwrap(), [1, 2]);
        let mut empty = header(1, 1, 8_000, 16, 48, 0);
        empty.extend(b"LIST\x04\0\0\0junk");
        assert!(decode(&empty, Format::Named).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_was_cut_gives_what_there_is() {
        let mut bytes = wav(8_000, 1, 16, false);
        bytes.truncate(44 + 101);
        assert_eq!(decode(&bytes, Format::Named).unwrap().len(), 50);
        bytes.truncate(30);
        let error = decode(&bytes, Format::Named).unwrap_err().to_string();
        assert_eq!(error, "the header of the WAV file is broken: it ends before its samples");
    }

    #[test]
    fn g711_as_its_tables_have_it() {
        // ITU-T G.711, tables 1 and 2: the ends and the middle of the scale.
        for (tag, bytes, wanted) in [
            (7, [0x00, 0x80, 0xff, 0x7f], [-32_124, 32_124, 0, 0]),
            (6, [0x2a, 0xaa, 0xd5, 0x55], [-32_256, 32_256, 8, -8]),
        ] {
            let mut file = header(tag, 1, 8_000, 8, 40, 4);
            file.extend(bytes);
            assert_eq!(decode(&file, Format::Named).unwrap(), wanted);
        }
    }

    #[test]
    fn bare_samples_have_the_order_that_is_said() {
        let bytes = [0x12, 0x34, 0xff, 0xfe, 0x00];
        let of = |order| decode(&bytes, Format::Pcm { rate: 8_000, order }).unwrap();
        assert_eq!(of(Order::Little), [0x3412, -257]);
        assert_eq!(of(Order::Big), [0x1234, -2]);
    }

    #[test]
    fn an_mp3_is_a_tone_of_a_second() {
        let file = include_bytes!("../../tests/data/audio/tone.mp3");
        let samples = decode(file, Format::Named).unwrap();
        assert!((7_600..=8_700).contains(&samples.len()), "{}", samples.len());
        let middle = &samples[2_000..6_000];
        let rises = middle.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
        assert!((499..=501).contains(&rises), "{rises}");
        let cut = decode(&file[..file.len() / 2], Format::Named).unwrap();
        assert!((3_000..5_000).contains(&cut.len()), "{}", cut.len());
    }

    #[test]
    fn a_stream_gives_the_same_however_it_is_cut() {
        for bytes in [wav(24_000, 2, 24, false), wav(22_050, 1, 16, false)] {
            let whole = decode(&bytes, Format::Named).unwrap();
            for size in [1, 7, 1_000] {
                let mut decoder = StreamDecoder::new(Format::Named).unwrap();
                let mut out = Vec::new();
                for piece in bytes.chunks(size) {
                    decoder.push(piece, &mut out).unwrap();
                }
                decoder.finish(&mut out).unwrap();
                assert_eq!(out, whole, "by {size}");
            }
        }
    }

    #[test]
    fn samples_come_before_the_stream_has_ended() {
        let bytes = wav(24_000, 1, 16, false);
        let mut decoder = StreamDecoder::new(Format::Named).unwrap();
        let mut out = Vec::new();
        decoder.push(&bytes[..44 + 4_800], &mut out).unwrap();
        assert!(out.len() > 700, "{}", out.len());
    }

    #[test]
    fn n21_what_never_ends_is_ended() {
        let mut decoder = StreamDecoder::new(Format::Named).unwrap();
        decoder.push(&header(7, 1, 8_000, 8, u32::MAX, u32::MAX), &mut Vec::new()).unwrap();
        let second = vec![0xff; 8_000];
        let mut out = Vec::new();
        for _ in 0..MAX_SECONDS {
            out.clear();
            decoder.push(&second, &mut out).unwrap();
        }
        assert_eq!(decoder.push(&second, &mut out), Err(DecodeError::TooLong));
        let mut chunks = b"RIFF\0\0\0\0WAVE".to_vec();
        chunks.extend(b"LIST\xff\xff\xff\x7f");
        chunks.extend(vec![0; 2 << 20]);
        let error = decode(&chunks, Format::Named).unwrap_err();
        assert!(error.to_string().contains("first megabyte"), "{error}");
    }

    #[test]
    fn what_is_no_audio_is_told() {
        for (bytes, error) in [
            (b"<html>".to_vec(), "it is neither WAV nor MP3"),
            (b"RIFF\0\0\0\0AVI LIST".to_vec(), "it is neither WAV nor MP3"),
            (Vec::new(), "it is neither WAV nor MP3"),
            (header(2, 1, 8_000, 4, 36, 0), "samples of 4 bits in coding 0x0002 are not read"),
            (header(1, 0, 8_000, 16, 36, 0), "0 channels are not read"),
            (header(1, 1, 7_999, 16, 36, 0), "a sample rate of 7999 Hz is none that is known"),
        ] {
            assert_eq!(decode(&bytes, Format::Named).unwrap_err().to_string(), error);
        }
        assert!(matches!(decode(b"ID3 nothing", Format::Named), Err(DecodeError::Mp3(_))));
    }

    #[test]
    fn noise_in_place_of_a_file_does_not_panic() {
        let mut state = 1_u32;
        for start in [&b"RIFF\xff\xff\xff\xffWAVEfmt \x12\0\0\0"[..], b"ID3", b"\xff\xfb\x90"] {
            for _ in 0..20 {
                let mut bytes = start.to_vec();
                bytes.extend((0..2_000).map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                }));
                drop(decode(&bytes, Format::Named));
            }
        }
    }
}
