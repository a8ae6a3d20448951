//! How loud audio is: root mean square, and decibels below full scale.

/// The loudest a sample can be; 0 dBFS is a square wave of it.
pub const FULL_SCALE: f32 = 32_768.0;

/// What silence measures, dBFS: half of the smallest step of 16 bits, so that digital silence has a
/// number too.
pub const SILENCE_DBFS: f32 = -96.3;

/// The mean square of these samples, in squared sample units; 0 for none. One multiplication a
/// sample and no root: what thresholds on every frame are compared with.
#[must_use]
pub fn mean_square(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    // 2³⁰ · 2³² samples fit 64 bits; blocks of 64 products less than 2³⁰ would overflow 32.
    let sum: i64 = samples.iter().map(|&sample| i64::from(i32::from(sample).pow(2))).sum();
    sum as f32 / samples.len() as f32
}

/// Root mean square of these samples, in sample units 0 to 32768; 0 for none.
#[must_use]
pub fn rms(samples: &[i16]) -> f32 {
    mean_square(samples).sqrt()
}

/// Root mean square of these samples in dB below full scale: 0 for the loudest square wave, −3 for
/// the loudest sine, [`SILENCE_DBFS`] for nothing.
#[must_use]
pub fn dbfs(samples: &[i16]) -> f32 {
    to_dbfs(mean_square(samples))
}

/// A mean square as dBFS, at least [`SILENCE_DBFS`].
#[must_use]
pub fn to_dbfs(mean_square: f32) -> f32 {
    (10.0 * (mean_square / (FULL_SCALE * FULL_SCALE)).max(f32::MIN_POSITIVE).log10())
        .max(SILENCE_DBFS)
}

/// A level in dBFS as a mean square.
#[must_use]
pub fn of_dbfs(dbfs: f32) -> f32 {
    FULL_SCALE * FULL_SCALE * 10_f32.powf(dbfs / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f32, wanted: f32) {
        assert!((got - wanted).abs() < 0.05, "{got} is not {wanted}");
    }

    #[test]
    fn loudness_of_the_known() {
        near(dbfs(&[i16::MIN; 160]), 0.0);
        near(dbfs(&[3277; 160]), -20.0);
        near(rms(&[1000, -1000]), 1000.0);
        let sine: Vec<_> = (0..160_i16)
            .map(|i| (32_767.0 * (f32::from(i) * std::f32::consts::TAU / 16.0).sin()) as i16)
            .collect();
        near(dbfs(&sine), -3.01);
    }

    #[test]
    fn nothing_and_silence_have_a_level() {
        near(dbfs(&[]), SILENCE_DBFS);
        near(dbfs(&[0; 160]), SILENCE_DBFS);
    }

    #[test]
    fn decibels_there_and_back() {
        near(to_dbfs(of_dbfs(-42.0)), -42.0);
    }
}
