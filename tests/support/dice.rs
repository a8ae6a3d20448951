//! Chance that can be repeated.

/// Where the numbers come from.
#[derive(Clone, Debug)]
pub(crate) enum Dice {
    /// SplitMix64: the same seed is the same caller on every machine.
    Seeded(u64),
    /// Written down: a byte a number, two for a large one; 0 when all are used.
    Written(std::vec::IntoIter<u8>),
}

/// Bytes of one fork: as many choices as most steps take.
const STEP_BYTES: usize = 6;

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        match self {
            Self::Seeded(state) => {
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                mixed ^= mixed >> 31;
                usize::try_from(mixed % sides as u64).expect("it is below a usize")
            }
            Self::Written(bytes) => {
                let mut byte = || usize::from(bytes.next().unwrap_or(0));
                let number = if sides <= 256 { byte() } else { byte() << 8 | byte() };
                number % sides
            }
        }
    }

    /// Other dice, as good as these; `None` if nothing is written any more.
    pub(crate) fn fork(&mut self) -> Option<Self> {
        match self {
            Self::Seeded(_) => {
                let seed = self.roll(usize::MAX) as u64;
                Some(Self::Seeded(seed))
            }
            Self::Written(bytes) => {
                let step: Vec<u8> = bytes.take(STEP_BYTES).collect();
                (!step.is_empty()).then(|| Self::Written(step.into_iter()))
            }
        }
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

impl From<u64> for Dice {
    fn from(seed: u64) -> Self {
        Self::Seeded(seed)
    }
}

impl From<&[u8]> for Dice {
    fn from(bytes: &[u8]) -> Self {
        Self::Written(Vec::from(bytes).into_iter())
    }
}
