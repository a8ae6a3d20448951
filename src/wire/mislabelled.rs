//! Whether what a leg calls signed 16 bit is u-law (S25).
//!
//! `Dial(AudioSocket/…)` without `c(…)` gets the caller's own codec, and `ast_audiosocket_send_frame`
//! labels what it has no kind for as `10`: a u-law caller's 20 ms come as 160 bytes. So do 10 ms of
//! true 16 bit; what tells them apart is the time between frames, 8 bytes a millisecond against 16.
//! A-law and G.722 have as many bytes as u-law, and are taken for it: whoever is told of such a leg
//! puts `c(slin)` into the dialplan.

/// Longest frame that is taken for u-law, bytes: 30 ms. True 16 bit comes as 320 bytes (20 ms) almost
/// always, which are at once known for what they are.
const ULAW_BYTES_MAX: usize = 240;
/// How long frames are watched, ms: seven frames of 20 ms, so that one lost or late frame is no
/// matter, and a leg is known within 200 ms.
const WATCHED_MS: u64 = 140;
/// Bytes a millisecond, half way between the 8 of u-law and the 16 of 16 bit.
const LINEAR_BYTES_MIN: u64 = 12;
/// Frames nearer to each other were waiting in a buffer, ms: they say nothing of their own time.
const TOGETHER_MS: u64 = 5;
/// A longer pause is a key held down or a caller on hold, ms: watching begins anew.
const PAUSE_MS: u64 = 60;

/// What the bytes of a leg are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Signed 16 bit, as the kind says.
    Linear,
    /// u-law: see [`super::g711::ulaw_decode`]. To be told of once.
    Ulaw,
}

/// Watches the frames of kind `10` of one leg until it knows; then for good.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detector {
    known: Option<Encoding>,
    watched: Option<Watched>,
}

/// A stretch of short frames without a pause.
#[derive(Clone, Copy, Debug)]
struct Watched {
    from_ms: u64,
    last_ms: u64,
    /// Of the frames after the first.
    bytes: u64,
}

impl Detector {
    /// A frame of kind `10` with so many bytes has come. `now_ms`: of any clock that doesn't go back.
    ///
    /// `None` while it isn't known, at most for the first 200 ms of a leg that sends without pauses:
    /// better taken for silence than for noise. A usual leg is known by its first frame.
    pub fn hear(&mut self, bytes: usize, now_ms: u64) -> Option<Encoding> {
        if self.known.is_none() {
            self.known = if bytes > ULAW_BYTES_MAX {
                Some(Encoding::Linear)
            } else {
                self.watch(bytes as u64, now_ms)
            };
        }
        self.known
    }

    fn watch(&mut self, bytes: u64, now_ms: u64) -> Option<Encoding> {
        let anew = Watched { from_ms: now_ms, last_ms: now_ms, bytes: 0 };
        let watched = self.watched.get_or_insert(anew);
        let gap_ms = now_ms.saturating_sub(watched.last_ms);
        let watched_ms = watched.last_ms.saturating_sub(watched.from_ms);
        let together = gap_ms < TOGETHER_MS;
        // The stretch begins with a frame that has come in its time: the last of those that waited.
        if gap_ms > PAUSE_MS || (together && now_ms.saturating_sub(watched.from_ms) < TOGETHER_MS) {
            *watched = anew;
            return None;
        }
        // It ends before a frame that has come apart from it, so that none that waited is missing.
        if !together && watched_ms >= WATCHED_MS {
            let linear = watched.bytes >= LINEAR_BYTES_MIN * watched_ms;
            return Some(if linear { Encoding::Linear } else { Encoding::Ulaw });
        }
        watched.last_ms = now_ms;
        watched.bytes += bytes;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a leg was known, ms, and as what; it must stay so.
    fn listen(frames: impl IntoIterator<Item = (usize, u64)>) -> Option<(u64, Encoding)> {
        let mut detector = Detector::default();
        let mut known = None;
        for (bytes, now_ms) in frames {
            let heard = detector.hear(bytes, now_ms);
            known = known.or(heard.map(|encoding| (now_ms, encoding)));
            assert_eq!(heard, known.map(|(_, encoding)| encoding), "never another");
        }
        known
    }

    /// So many frames, each after so many ms.
    fn steady(bytes: usize, each_ms: u64) -> impl Iterator<Item = (usize, u64)> {
        (0..100).map(move |n| (bytes, n * each_ms))
    }

    /// S25: by bytes and time, not by bytes alone.
    #[test]
    fn half_the_bytes_are_ulaw() {
        assert_eq!(listen(steady(320, 20)), Some((0, Encoding::Linear)));
        assert_eq!(listen(steady(160, 20)), Some((160, Encoding::Ulaw)));
        assert_eq!(listen(steady(80, 10)), Some((150, Encoding::Ulaw)));
        assert_eq!(listen(steady(240, 30)), Some((180, Encoding::Ulaw)));
        assert_eq!(listen(steady(160, 10)), Some((150, Encoding::Linear)));
        assert_eq!(
            listen(steady(160, 40)),
            Some((200, Encoding::Ulaw)),
            "every second one is lost"
        );
    }

    /// Two frames of 10 ms each 20 ms are 16 bit.
    #[test]
    fn pairs_are_counted_together() {
        let pairs = (0..50).flat_map(|n| [(160, n * 20), (160, n * 20)]);
        assert_eq!(listen(pairs), Some((160, Encoding::Linear)));
    }

    /// S25, S30: a stall delays frames and loses none.
    #[test]
    fn frames_that_waited_do_not_mislead() {
        for each_ms in [10, 20] {
            let expected = if each_ms == 10 { Encoding::Linear } else { Encoding::Ulaw };
            for stalled_from in (0..300).step_by(10) {
                for stall_ms in (0..300).step_by(10) {
                    let late = move |(bytes, at): (usize, u64)| {
                        let stalled = (stalled_from..stalled_from + stall_ms).contains(&at);
                        (bytes, if stalled { stalled_from + stall_ms } else { at })
                    };
                    let (at, encoding) = listen(steady(160, each_ms).map(late)).unwrap();
                    assert_eq!(encoding, expected, "{stall_ms} ms at {stalled_from} ms");
                    assert!(at <= 200 + stalled_from + stall_ms);
                }
            }
        }
    }

    /// S21: while a key is down no frames come, and that is no proof of u-law.
    #[test]
    fn a_key_held_down_is_no_proof() {
        let held = steady(160, 10).filter(|(_, at)| !(50..230).contains(at));
        assert_eq!(listen(held), Some((380, Encoding::Linear)));
    }

    /// S25: frames jitter on their way to Asterisk, which passes them on as they come.
    #[test]
    fn jitter_does_not_mislead() {
        let jitter = [0, 9, 3, 0, 14, 6, 1, 11, 0, 4, 13, 2, 8];
        for first in 0..jitter.len() {
            for each_ms in [10, 20] {
                let jittered = (0..100).map(|n| {
                    let late = jitter[(n + first) % jitter.len()] * each_ms / 20;
                    (160, n as u64 * each_ms + late)
                });
                let expected = if each_ms == 10 { Encoding::Linear } else { Encoding::Ulaw };
                assert_eq!(listen(jittered).unwrap().1, expected);
            }
        }
    }

    #[test]
    fn a_leg_that_says_nothing_is_not_known() {
        assert_eq!(listen([]), None);
        assert_eq!(listen([(160, 0), (160, 20), (160, 500)]), None);
    }
}
