//! When a caller's sound stops the robot's (T2, T3).

use crate::hearing::{Sound, Span, played, spans};
use crate::robot::{ASK, ASK_MS, PATIENCE, Rig, SENTENCE_MS, VOICE, hears, pause, saying};
use crate::sip::Call;

/// The caller begins so long after the answer, ms.
const SPEAKS_AT_MS: usize = 1_000;
/// Silence that ends a sentence, ms.
const END_SILENCE_MS: usize = 800;
/// What a packet that comes late leaves open on a busy machine, ms: not the robot's own pause.
const GAP_MS: usize = 100;
/// What a busy machine may add to all of it, ms.
const SLACK_MS: usize = 700;

/// T3: a cough over the prompt, short or long, and the prompt goes on where it was.
pub(crate) async fn coughs_are_forgiven(rig: &Rig) {
    tokio::join!(cough(rig, "5027", 200), cough(rig, "5028", 600));
}

async fn cough(rig: &Rig, number: &str, ms: usize) {
    let (_phone, call) = rig.call(number).await;
    call.say(&pause(SPEAKS_AT_MS));
    call.say(&VOICE[..ms * 8]);
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let pieces = asked(&call);
    let heard_ms: usize = pieces.iter().map(|span| span.end_ms - span.start_ms).sum();
    let whole = ASK_MS - 60..ASK_MS + 80;
    assert!(whole.contains(&heard_ms), "every bit of it once: {heard_ms} ms in {pieces:?}");
    let gaps = pieces.windows(2).map(|pair| pair[1].start_ms - pair[0].end_ms);
    assert!(gaps.filter(|gap| *gap > GAP_MS).count() <= 1, "{pieces:?}");
    let (rows, _) = rig.rows(number).await;
    assert_eq!(rows[1], "ask TIMEOUT() → bye 1", "{rows:?}");
}

/// T2: each mode as its row in the table.
pub(crate) async fn each_mode_does_what_its_row_says(rig: &Rig) {
    let (none, match_, speech, partial, sentence, never, held) = tokio::join!(
        interrupt(rig, 0, "yes"),
        interrupt(rig, 1, "yes"),
        interrupt(rig, 2, "yes"),
        interrupt(rig, 32, "yes"),
        interrupt(rig, 64, "no"),
        interrupt(rig, 128, "no"),
        interrupt(rig, 256, "yes"),
    );
    let spoken = SPEAKS_AT_MS + VOICE.len() / 8;
    let silent = SPEAKS_AT_MS + SENTENCE_MS + END_SILENCE_MS - 100;
    let stops = |heard: &Heard, from: usize| {
        let range = from..from + SLACK_MS;
        assert!(range.contains(&heard.stopped_ms), "mode {}: {heard:?}", heard.mode);
    };
    let plays_on = |heard: &Heard| {
        assert!(heard.stopped_ms >= ASK_MS - 60, "mode {}: {heard:?}", heard.mode);
    };
    // 0: nobody listens.
    plays_on(&none);
    assert_eq!(none.row, "ask TIMEOUT() → bye 1");
    // 1: a match does, and this script matches whole sentences only.
    stops(&match_, silent);
    assert_eq!(match_.row, "ask Fyes → good 1");
    // 2: speech does.
    stops(&speech, SPEAKS_AT_MS + 100);
    assert_eq!(speech.row, "ask Fyes → good 1");
    // 32: words do, before the sentence is over.
    stops(&partial, spoken);
    assert!(partial.stopped_ms < silent, "{partial:?}");
    assert_eq!(partial.row, "ask Fyes → good 1");
    // 64: a sentence does, whatever it says.
    stops(&sentence, silent);
    assert_eq!(sentence.row, "ask Fno → ask 3");
    // 128: told at once, and it never stops by itself; what answers a mismatch does.
    assert!(never.row.starts_with("ask PFno"), "{never:?}");
    assert!(never.stopped_ms >= silent, "{never:?}");
    // 256: held until the end.
    plays_on(&held);
    assert_eq!(held.row, "ask PFyes → good 1");
}

#[derive(Debug)]
struct Heard {
    mode: u32,
    /// How much of the prompt was heard, ms from its beginning.
    stopped_ms: usize,
    /// The first row after CREATE.
    row: String,
}

async fn interrupt(rig: &Rig, mode: u32, word: &str) -> Heard {
    let number = format!("{}", 5_100 + mode);
    let (_phone, call) = rig.call(&number).await;
    let begins = hears(&call, ASK).await.start_ms;
    let late = call.age().as_millis() as usize - begins;
    call.say(&pause(SPEAKS_AT_MS.saturating_sub(late)));
    call.say(&saying(word));
    call.ended(PATIENCE).await.expect("the robot hangs up");
    let pieces = asked(&call);
    let stopped_ms = pieces.last().unwrap().end_ms - pieces[0].start_ms;
    let (mut rows, _) = rig.rows(&number).await;
    Heard { mode, stopped_ms, row: rows.remove(1) }
}

/// The pieces in which the prompt was heard.
fn asked(call: &Call) -> Vec<Span> {
    let spans = spans(&played(&call.heard()), &[ASK]).into_iter();
    spans
        .filter(|span| span.sound == Sound::Tone(ASK) && span.end_ms - span.start_ms > 40)
        .collect()
}
