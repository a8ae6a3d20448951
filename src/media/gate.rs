//! Whether there is anything to listen to: what stands out of the noise of the line.

use std::collections::VecDeque;

use super::level::of_dbfs;
use super::{FRAME_SAMPLES, Frame};

/// A frame is loud if its mean square is so many times that of the noise: 3 dB, which is what a voice
/// as loud as the noise adds to it.
const LOUD_FACTOR: f32 = 2.0;

/// What is softer is never loud, dBFS: the comfort noise of a line at rest is, and no caller.
const LOUD_DBFS_MIN: f32 = -60.0;

/// Frames in which the softest is looked for, and how many such lows are remembered. Within 2.5 s
/// everybody breathes, and a tone or hum that began is noise after as long.
const LOW_FRAMES: usize = 25;
const LOWS: usize = 4;

/// Frames the gate stays open after a loud one: words end softly.
const OPEN_FRAMES: u64 = 10;

/// Soft frames that are kept for when the gate opens: as much as the model's window of 48 ms.
const BEFORE_FRAMES: usize = 3;

/// A gate that shuts while nothing is louder than the noise.
#[derive(Debug)]
pub(super) struct Gate {
    /// Mean square of the softest frame of each of the last stretches of [`LOW_FRAMES`].
    lows: [f32; LOWS],
    /// The same of the stretch that is under way, and its frames so far.
    low: f32,
    frames: usize,
    open_frames: u64,
    loud_frames: u64,
    before: VecDeque<Frame>,
}

impl Default for Gate {
    fn default() -> Self {
        // A call that begins with a voice is heard: until the noise is known, it is taken for none.
        let mut lows = [f32::MAX; LOWS];
        lows[0] = 0.0;
        Self {
            lows,
            low: f32::MAX,
            frames: 0,
            open_frames: 0,
            loud_frames: 0,
            before: VecDeque::new(),
        }
    }
}

impl Gate {
    /// Takes a frame and its mean square; true if it has to be listened to.
    pub(super) fn push(&mut self, frame: &[i16], level: f32) -> bool {
        let noise = self.noise(level);
        if level > (noise * LOUD_FACTOR).max(of_dbfs(LOUD_DBFS_MIN)) {
            self.open_frames = OPEN_FRAMES;
            self.loud_frames += 1;
        } else {
            self.open_frames = self.open_frames.saturating_sub(1);
            self.loud_frames = 0;
        }
        if !self.is_open() {
            self.keep(frame);
        }
        self.is_open()
    }

    /// True if the last frame had to be listened to.
    pub(super) fn is_open(&self) -> bool {
        self.open_frames > 0
    }

    /// Loud frames without a break, up to the last one.
    pub(super) fn loud_frames(&self) -> u64 {
        self.loud_frames
    }

    /// The oldest frame from before the gate opened that has not been given yet.
    pub(super) fn pop_before(&mut self) -> Option<Frame> {
        self.before.pop_front()
    }

    /// Mean square of the noise: of the softest frame of the last while.
    fn noise(&mut self, level: f32) -> f32 {
        self.low = self.low.min(level);
        self.frames += 1;
        let noise = self.lows.iter().copied().fold(self.low, f32::min);
        if self.frames == LOW_FRAMES {
            self.lows.rotate_right(1);
            self.lows[0] = self.low;
            self.low = f32::MAX;
            self.frames = 0;
        }
        noise
    }

    fn keep(&mut self, frame: &[i16]) {
        if self.before.len() == BEFORE_FRAMES {
            self.before.pop_front();
        }
        let mut kept = [0; FRAME_SAMPLES];
        for (kept, sample) in kept.iter_mut().zip(frame) {
            *kept = *sample;
        }
        self.before.push_back(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::SILENCE;

    /// How many of so many frames of this level a gate lets pass.
    fn passed(gate: &mut Gate, frames: usize, dbfs: f32) -> usize {
        (0..frames).filter(|_| gate.push(&SILENCE, of_dbfs(dbfs))).count()
    }

    #[test]
    fn silence_does_not_open_it_and_a_voice_does_at_once() {
        let mut gate = Gate::default();
        assert_eq!(passed(&mut gate, 200, -70.0), 0);
        assert_eq!(passed(&mut gate, 20, -30.0), 20);
        assert_eq!(passed(&mut gate, 20, -70.0), 9);
    }

    #[test]
    fn a_call_that_begins_loudly_is_heard() {
        assert_eq!(passed(&mut Gate::default(), 20, -20.0), 20);
    }

    #[test]
    fn what_lasts_is_noise_and_what_stands_out_of_it_is_heard() {
        let mut gate = Gate::default();
        passed(&mut gate, 150, -30.0);
        assert_eq!(passed(&mut gate, 100, -30.0), 0);
        assert_eq!(passed(&mut gate, 10, -26.0), 10);
        passed(&mut gate, 25, -70.0);
        assert_eq!(passed(&mut gate, 10, -50.0), 10);
    }

    #[test]
    fn what_came_before_is_given_once() {
        let mut gate = Gate::default();
        passed(&mut gate, 10, -90.0);
        passed(&mut gate, 1, -20.0);
        assert_eq!(std::iter::from_fn(|| gate.pop_before()).count(), BEFORE_FRAMES);
        assert_eq!(gate.pop_before(), None);
    }
}
