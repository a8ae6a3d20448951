//! Whether a frame is a tone of the telephone network: dial tone, ringing, busy, fax.

/// Coefficients of the prediction: two for each of two sines.
const ORDER: usize = 4;

/// A frame of which so little cannot be predicted is made of one or two sines, as a share of its energy:
/// −25 dB. The steps of G.711 leave as much to one sine and to two that are close; two that are far apart,
/// as of DTMF, are past it, and the model does not take them for a voice. Of recorded voices behind a telephone less than one
/// frame in a hundred is as pure, as counted by `benches/vad.rs` with and without.
const TONE_SHARE: f64 = 0.003_16;

/// True if each sample of the frame follows from the four before it (linear prediction by the
/// covariance method, which needs no window and so knows a sine exactly).
pub(super) fn is_tone(frame: &[i16]) -> bool {
    let [energy, residual] = predict(frame);
    energy > 0.0 && residual < TONE_SHARE * energy
}

/// The energy of the samples, and what the best prediction leaves of it.
fn predict(frame: &[i16]) -> [f64; 2] {
    const SIZE: usize = ORDER + 1;
    let mut products = [[0.0_f64; SIZE]; SIZE];
    for window in frame.windows(SIZE) {
        let mut past = [0.0; SIZE];
        for (past, sample) in past.iter_mut().zip(window.iter().rev()) {
            *past = f64::from(*sample);
        }
        for (row, left) in products.iter_mut().zip(past) {
            for (sum, right) in row.iter_mut().zip(past) {
                *sum += left * right;
            }
        }
    }
    let energy = products[0][0];
    // Each older sample takes with it what of the younger ones follows from it (Gauss).
    for older in (1..SIZE).rev() {
        let row = products[older];
        if row[older] <= 1e-9 * energy {
            continue;
        }
        for younger in products.iter_mut().take(older) {
            let share = younger[older] / row[older];
            for (product, taken) in younger.iter_mut().zip(row).take(older) {
                *product -= share * taken;
            }
        }
    }
    [energy, products[0][0]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FRAME_SAMPLES;
    use crate::media::tone::samples;

    #[test]
    fn tones_of_the_network_are_tones() {
        for hertz in ["425", "350,440", "440,480", "1100", "2100", "400,450"] {
            let tone = samples(&format!("%(200,0,{hertz})")).unwrap();
            for frame in tone.chunks(FRAME_SAMPLES) {
                assert!(is_tone(frame), "{hertz}");
            }
        }
    }

    #[test]
    fn three_sines_noise_and_silence_are_none() {
        let chord = samples("%(200,0,500,1200,2300)").unwrap();
        assert!(!is_tone(&chord[..FRAME_SAMPLES]));
        let mut state = 1_u32;
        let noise = [(); FRAME_SAMPLES].map(|()| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 20) as i16
        });
        assert!(!is_tone(&noise));
        assert!(!is_tone(&[0; FRAME_SAMPLES]));
        assert!(!is_tone(&[]));
    }
}
