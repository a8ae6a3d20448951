//! u-law and A-law, the eight bits of a telephone line, by the tables of ITU-T G.711.
//!
//! Asterisk hands u-law to a leg without a codec of its own (S25); a SIP caller speaks either.

/// A byte of u-law → a sample of 16 bit.
const ULAW: [i16; 256] = table(true);
/// A byte of A-law → a sample of 16 bit.
const ALAW: [i16; 256] = table(false);

/// Added to a magnitude before u-law's logarithm, on the scale of 16 bit.
const ULAW_BIAS: u16 = 132;
/// Largest magnitude that u-law has a code for.
const ULAW_MAX: u16 = 32_635;
/// Every second bit of A-law is turned over on the line.
const ALAW_TOGGLED: u8 = 0x55;

/// The sample of a byte of u-law: ±32,124 at most.
#[must_use]
pub fn ulaw_decode(code: u8) -> i16 {
    ULAW[usize::from(code)]
}

/// The byte of u-law whose step a sample falls into.
#[must_use]
pub fn ulaw_encode(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs().min(ULAW_MAX) + ULAW_BIAS;
    let segment = 8 - magnitude.leading_zeros() as u16;
    let step = (magnitude >> (segment + 3)) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment << 4 | step) as u8)
}

/// The sample of a byte of A-law: ±32,256 at most.
#[must_use]
pub fn alaw_decode(code: u8) -> i16 {
    ALAW[usize::from(code)]
}

/// The byte of A-law whose step a sample falls into.
#[must_use]
pub fn alaw_encode(sample: i16) -> u8 {
    // Steps of 16; a negative sample's magnitude is one less, as A-law has no zero.
    let (sign, magnitude) =
        if sample < 0 { (0, !(sample as u16) >> 4) } else { (0x80, sample as u16 >> 4) };
    let code = match magnitude {
        0..32 => magnitude,
        _ => {
            let segment = 12 - magnitude.leading_zeros() as u16;
            segment << 4 | (magnitude >> (segment - 1)) & 0x0f
        }
    };
    (sign | code as u8) ^ ALAW_TOGGLED
}

const fn table(ulaw: bool) -> [i16; 256] {
    let mut samples = [0; 256];
    let mut code = 0;
    while code < 256 {
        samples[code] = if ulaw { expand_ulaw(code as u8) } else { expand_alaw(code as u8) };
        code += 1;
    }
    samples
}

const fn expand_ulaw(code: u8) -> i16 {
    let code = !code;
    let (segment, step) = (code >> 4 & 0x07, (code & 0x0f) as i16);
    let magnitude = (((step << 3) + ULAW_BIAS as i16) << segment) - ULAW_BIAS as i16;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

const fn expand_alaw(code: u8) -> i16 {
    let code = code ^ ALAW_TOGGLED;
    let (segment, step) = (code >> 4 & 0x07, (code & 0x0f) as i16);
    // The middle of the step; the two lowest segments have steps of one size.
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the tables 1 and 2 of G.711, on the scale of 16 bit.
    #[test]
    fn codes_are_those_of_the_recommendation() {
        let ulaw =
            [(0xff, 0), (0x7f, 0), (0x80, 32_124), (0x00, -32_124), (0xf0, 120), (0xef, 132)];
        for (code, sample) in ulaw {
            assert_eq!(ulaw_decode(code), sample, "u-law {code:#x}");
        }
        let alaw =
            [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0xda, 248), (0xc5, 264)];
        for (code, sample) in alaw {
            assert_eq!(alaw_decode(code), sample, "A-law {code:#x}");
        }
        assert_eq!((ulaw_encode(0), ulaw_encode(i16::MAX), ulaw_encode(i16::MIN)), (0xff, 0x80, 0));
        assert_eq!(
            (alaw_encode(0), alaw_encode(i16::MAX), alaw_encode(i16::MIN)),
            (0xd5, 0xaa, 0x2a)
        );
    }

    /// The steps of both are a sixteenth of where they begin, A-law's smallest 16.
    #[test]
    fn what_was_encoded_is_off_by_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let off = |decoded: i16| (i32::from(decoded) - i32::from(sample)).unsigned_abs();
            let magnitude = u32::from(sample.unsigned_abs());
            assert!(off(ulaw_decode(ulaw_encode(sample))) <= (magnitude + 132) / 32, "{sample}");
            assert!(off(alaw_decode(alaw_encode(sample))) <= (magnitude / 32).max(8), "{sample}");
        }
    }

    #[test]
    fn every_code_comes_back() {
        for code in 0..=255 {
            assert_eq!(alaw_encode(alaw_decode(code)), code);
            // u-law has two zeros.
            let again = if code == 0x7f { 0xff } else { code };
            assert_eq!(ulaw_encode(ulaw_decode(code)), again);
        }
    }
}
