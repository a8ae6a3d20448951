//! What is recorded of a call: both sides, sample beside sample.

use std::collections::VecDeque;

use crate::media::{FRAME_SAMPLES, Frame};

/// Frames that are handed on together: a second, so that a crash costs no more.
const FRAMES_TOGETHER: usize = 50;

/// How much of the caller may wait for its place beside the robot's side, samples. More has come
/// late and at once, and would shift all that follows.
const WAITING_MAX: usize = 10 * FRAME_SAMPLES;

/// A recording that runs. The left samples are the caller's, the right ones the robot's (E91).
#[derive(Debug, Default)]
pub(super) struct Tape {
    heard: VecDeque<i16>,
    interleaved: Vec<i16>,
}

impl Tape {
    /// More of the caller.
    pub(super) fn heard(&mut self, samples: &[i16]) {
        self.heard.extend(samples);
        let surplus = self.heard.len().saturating_sub(WAITING_MAX);
        self.heard.drain(..surplus);
    }

    /// A frame of the robot, and with it the caller's of the same time; a second's worth, once there
    /// is one.
    pub(super) fn said(&mut self, frame: &Frame) -> Option<Box<[i16]>> {
        if self.interleaved.capacity() == 0 {
            self.interleaved.reserve_exact(FRAMES_TOGETHER * FRAME_SAMPLES * 2);
        }
        for said in frame {
            let heard = self.heard.pop_front().unwrap_or(0);
            self.interleaved.extend([heard, *said]);
        }
        let is_full = self.interleaved.len() >= FRAMES_TOGETHER * FRAME_SAMPLES * 2;
        is_full.then(|| self.rest())
    }

    /// What has not been handed on.
    pub(super) fn rest(&mut self) -> Box<[i16]> {
        std::mem::take(&mut self.interleaved).into()
    }
}
