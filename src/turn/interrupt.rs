//! When the caller interrupts (T2): the one table in the code; `docs/turn.md` has it in words.

/// What becomes of the robot's audio, and of the results, while the robot plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// 0: nobody listens.
    Deaf,
    /// 1: recognition runs; only a match stops the audio.
    OnMatch,
    /// 2: the audio stops when speech starts.
    OnSpeech,
    /// 32: at the first partial result with text.
    OnPartial,
    /// 64: at a finished sentence.
    OnFinal,
    /// 128: never by itself; results are delivered at once, with `P`.
    Never,
    /// 256: never; results are held, and delivered with `P` when the audio has ended.
    NeverAndHold,
}

impl Interrupt {
    /// Reads the published number. Combined bits: the highest counts. Unknown bits act as 2.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        if bits & !crate::script::INTERRUPT_BITS != 0 {
            return Self::OnSpeech;
        }
        let table = [
            (256, Self::NeverAndHold),
            (128, Self::Never),
            (64, Self::OnFinal),
            (32, Self::OnPartial),
            (2, Self::OnSpeech),
            (1, Self::OnMatch),
        ];
        let highest = table.into_iter().find(|(bit, _)| bits & bit != 0);
        highest.map_or(Self::Deaf, |(_, interrupt)| interrupt)
    }

    /// True if results of speech over the audio carry the letter `P` (E40).
    #[must_use]
    pub fn marks_speech_over_audio(self) -> bool {
        matches!(self, Self::Never | Self::NeverAndHold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T2: each value, combinations, and unknown bits.
    #[test]
    fn the_highest_known_bit_counts() {
        for (bits, expected) in [
            (0, Interrupt::Deaf),
            (1, Interrupt::OnMatch),
            (2, Interrupt::OnSpeech),
            (3, Interrupt::OnSpeech),
            (32 | 2, Interrupt::OnPartial),
            (64 | 32 | 1, Interrupt::OnFinal),
            (128 | 64, Interrupt::Never),
            (256 | 128, Interrupt::NeverAndHold),
            (4, Interrupt::OnSpeech),
            (512, Interrupt::OnSpeech),
        ] {
            assert_eq!(Interrupt::from_bits(bits), expected, "{bits}");
        }
    }
}
