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
    sink.finish(&mut out)?;
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
        match &mut self.sink {
            Some(sink) => sink.finish(out),
            None => Err(DecodeError::Header("it ends before its samples")),
        }
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

    #[expect(clippy::unnecessary_wraps, reason = "what ends a stream may be told as what is in it")]
    fn finish(&mut self, out: &mut Vec<i16>) -> Result<(), DecodeError> {
        self.resampler.flush(out);
        Ok(())
    }
}
