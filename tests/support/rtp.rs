//! The sound of a call: RTP with PCMU (RFC 3550, RFC 3551) and keys (RFC 4733), as a telephone has it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::hearing::Packet;

/// One packet holds so much, and one is sent each time.
const FRAME: Duration = Duration::from_millis(20);

/// Samples of a packet, which at 8000 Hz and one byte each are also its bytes and its time.
const FRAME_SAMPLES: usize = 160;

/// PCMU, and what SDP says the keys are.
const PCMU: u8 = 0;
pub(crate) const KEYS: u8 = 101;

/// How long a key is held, in packets; then its end is said three times (RFC 4733, 2.5.1.4).
const KEY_FRAMES: u16 = 5;
const KEY_END_FRAMES: u16 = 3;

/// The silence a telephone keeps after a key, so that the next one is another.
const KEY_PAUSE_FRAMES: u16 = 5;

/// A test that says more than this to one call is wrong (N21).
const SAMPLES_MAX: usize = 600 * 8000;

/// No packet of a telephone is longer; one of Asterisk can be, if it was sent so much at once (S22).
const PACKET_BYTES_MAX: usize = 65_536;

/// The moment now.
#[expect(clippy::disallowed_methods, reason = "a telephone call takes place in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// One end of a call's sound. Sends a packet each 20 ms, silence included, until dropped.
pub(crate) struct Audio {
    state: Arc<Mutex<State>>,
    port: u16,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Default)]
struct State {
    /// Where to send, once SDP has said it.
    remote: Option<SocketAddr>,
    queue: VecDeque<i16>,
    /// Again and again, when the queue is empty.
    loop_of: Vec<i16>,
    keys: VecDeque<u8>,
    is_muted: bool,
    /// From when packets are counted.
    answered: Option<Instant>,
    heard: Vec<Packet>,
    keys_heard: Vec<(Duration, char)>,
    /// The time stamp of the last key: each key comes in many packets.
    last_key: Option<u32>,
}

impl Audio {
    /// Sound on a free port of 127.0.0.1.
    pub(crate) async fn open() -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let port = socket.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let tasks =
            [spawn(send(socket.clone(), state.clone())), spawn(receive(socket, state.clone()))];
        Self { state, port, tasks }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The other side takes its sound there, from now on.
    pub(crate) fn send_to(&self, remote: SocketAddr) {
        self.state.lock().unwrap().remote = Some(remote);
    }

    /// The call is answered now: what is heard is counted from here.
    pub(crate) fn answered(&self) {
        self.state.lock().unwrap().answered.get_or_insert_with(now);
    }

    /// How long ago that was.
    pub(crate) fn since_answer(&self) -> Duration {
        let answered = self.state.lock().unwrap().answered;
        answered.map(|answered| now() - answered).unwrap_or_default()
    }

    pub(crate) fn say(&self, samples: &[i16]) {
        let mut state = self.state.lock().unwrap();
        state.queue.extend(samples);
        assert!(state.queue.len() <= SAMPLES_MAX, "more than a test may say");
    }

    pub(crate) fn repeat(&self, samples: &[i16]) {
        self.state.lock().unwrap().loop_of = samples.to_vec();
    }

    pub(crate) fn still_to_say(&self) -> Duration {
        FRAME * self.state.lock().unwrap().queue.len().div_ceil(FRAME_SAMPLES) as u32
    }

    pub(crate) fn press(&self, key: char) {
        let code = KEY_NAMES.chars().position(|name| name == key).expect("a key of a telephone");
        self.state.lock().unwrap().keys.push_back(code as u8);
    }

    pub(crate) fn set_muted(&self, is_muted: bool) {
        self.state.lock().unwrap().is_muted = is_muted;
    }

    pub(crate) fn heard(&self) -> Vec<Packet> {
        self.state.lock().unwrap().heard.clone()
    }

    pub(crate) fn keys_heard(&self) -> Vec<(Duration, char)> {
        self.state.lock().unwrap().keys_heard.clone()
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Keys by their event codes (RFC 4733, 3.2).
const KEY_NAMES: &str = "0123456789*#ABCD";

/// Starts what runs beside a test, until aborted or the test's runtime ends.
#[expect(clippy::disallowed_methods, reason = "a test has no daemon that starts its tasks")]
pub(crate) fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(task)
}

/// One packet of each 20 ms.
enum Frame {
    Nothing,
    Sound(Vec<u8>),
    /// Event, whether it ended, its length so far in samples, and how much time its first packet lies back.
    Key {
        code: u8,
        is_end: bool,
        length: u16,
        step: u16,
    },
}

async fn send(socket: Arc<UdpSocket>, state: Arc<Mutex<State>>) {
    let mut clock = interval(FRAME);
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut sequence, mut time) = (1_u16, 0_u32);
    let mut key_step = 0;
    let mut was_sound = false;
    loop {
        clock.tick().await;
        let (frame, remote) = next_frame(&mut state.lock().unwrap(), &mut key_step);
        let packet = match frame {
            Frame::Nothing => None,
            Frame::Sound(payload) => {
                // The marker says that a talk spurt begins.
                Some([&header(PCMU, !was_sound, sequence, time)[..], &payload].concat())
            }
            Frame::Key { code, is_end, length, step } => {
                let began = time.wrapping_sub(u32::from(step) * FRAME_SAMPLES as u32);
                let [high, low] = length.to_be_bytes();
                let event = [code, u8::from(is_end) << 7 | 10, high, low];
                Some([&header(KEYS, step == 0, sequence, began)[..], &event].concat())
            }
        };
        was_sound = packet.as_ref().is_some_and(|packet| packet[1] & 0x7f == PCMU);
        time = time.wrapping_add(FRAME_SAMPLES as u32);
        if let (Some(packet), Some(remote)) = (packet, remote) {
            sequence = sequence.wrapping_add(1);
            // Nobody listens there any more when a call has just ended.
            socket.send_to(&packet, remote).await.unwrap_or_default();
        }
    }
}

fn next_frame(state: &mut State, key_step: &mut u16) -> (Frame, Option<SocketAddr>) {
    let Some(remote) = state.remote else { return (Frame::Nothing, None) };
    if let Some(&code) = state.keys.front() {
        let step = *key_step;
        *key_step += 1;
        if step < KEY_FRAMES + KEY_END_FRAMES {
            let length = (step + 1).min(KEY_FRAMES) * FRAME_SAMPLES as u16;
            let is_end = step >= KEY_FRAMES;
            return (Frame::Key { code, is_end, length, step }, Some(remote));
        }
        if step == KEY_FRAMES + KEY_END_FRAMES + KEY_PAUSE_FRAMES {
            state.keys.pop_front();
            *key_step = 0;
        }
    }
    if state.is_muted {
        return (Frame::Nothing, Some(remote));
    }
    if state.queue.is_empty() && !state.loop_of.is_empty() {
        let again = state.loop_of.clone();
        state.queue.extend(again);
    }
    let count = state.queue.len().min(FRAME_SAMPLES);
    let mut payload: Vec<u8> = state.queue.drain(..count).map(ulaw_from_linear).collect();
    payload.resize(FRAME_SAMPLES, ulaw_from_linear(0));
    (Frame::Sound(payload), Some(remote))
}

fn header(payload_type: u8, marker: bool, sequence: u16, time: u32) -> [u8; 12] {
    let mut header = [0x80, payload_type | u8::from(marker) << 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    header[2..4].copy_from_slice(&sequence.to_be_bytes());
    header[4..8].copy_from_slice(&time.to_be_bytes());
    header
}

async fn receive(socket: Arc<UdpSocket>, state: Arc<Mutex<State>>) {
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    // An error says that a packet of ours found nobody, which happens at the end of calls.
    loop {
        let Ok((count, _)) = socket.recv_from(&mut buffer).await else { continue };
        take(&buffer[..count], &mut state.lock().unwrap());
    }
}

/// Keeps what came after the answer. RTCP, which has other payload types, is passed over.
fn take(packet: &[u8], state: &mut State) {
    let (Some(answered), Some((header, payload))) = (state.answered, packet.split_at_checked(12))
    else {
        return;
    };
    let at = now() - answered;
    match header[1] & 0x7f {
        PCMU => {
            let sequence = u16::from_be_bytes([header[2], header[3]]);
            let samples = payload.iter().copied().map(linear_from_ulaw).collect();
            state.heard.push(Packet { at, sequence, samples });
        }
        KEYS if payload.len() >= 4 => {
            let time = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
            if state.last_key.replace(time) != Some(time) {
                let key = KEY_NAMES.chars().nth(payload[0].into()).unwrap_or('?');
                state.keys_heard.push((at, key));
            }
        }
        _ => {}
    }
}

/// G.711 u-law: sign, three bits of exponent, four of mantissa, all inverted.
pub(crate) fn ulaw_from_linear(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32_635) + 132;
    let exponent = magnitude.ilog2() - 7;
    !(sign | (exponent << 4) as u8 | (magnitude >> (exponent + 3) & 0x0f) as u8)
}

pub(crate) fn linear_from_ulaw(byte: u8) -> i16 {
    let byte = !byte;
    let exponent = byte >> 4 & 7;
    let magnitude = (((i16::from(byte & 0x0f) << 3) + 132) << exponent) - 132;
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

mod tests {
    use super::*;

    #[test]
    fn every_byte_of_ulaw_is_what_its_sample_becomes() {
        for byte in 0..=255 {
            // There are two bytes for zero.
            let again = ulaw_from_linear(linear_from_ulaw(byte));
            assert!(again == byte || (byte == 0x7f && again == 0xff), "{byte:#x}");
        }
        // G.711, table 2: the largest value, the smallest, and silence.
        assert_eq!(linear_from_ulaw(0x80), 32_124);
        assert_eq!(linear_from_ulaw(0x00), -32_124);
        assert_eq!(linear_from_ulaw(0xff), 0);
        assert_eq!(ulaw_from_linear(i16::MIN), 0x00);
    }
}
