//! What a real switch sent, through the parser that reads it, as facts.

use freeswitch_esl_tokio::EslClient;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::recognition::Recognition;
use super::translate::{self, Fact, Happened, Side, Speech};

/// A caller who speaks over three prompts, as the robot's channel saw it.
const BARGE_IN: &[u8] = include_bytes!("../../../tests/data/freeswitch/bargein.esl");
/// `12345#` in a call.
const DTMF: &[u8] = include_bytes!("../../../tests/data/freeswitch/dtmf.esl");
/// Ends of calls: who hung up, and who refused or gave up before.
const HANGUP_SIDES: &[u8] = include_bytes!("../../../tests/data/freeswitch/hangup-sides.esl");
/// A recogniser whose results are NLSML.
const POCKETSPHINX: &[u8] = include_bytes!("../../../tests/data/freeswitch/pocketsphinx.esl");
/// A caller whose name is not ASCII.
const UTF8: &[u8] = include_bytes!("../../../tests/data/freeswitch/utf8.esl");

#[tokio::test]
async fn a_barge_in_is_read_as_it_happened() {
    let mut story = Vec::new();
    let mut seen = Vec::new();
    for fact in facts(&Loopback::new().await, BARGE_IN, 0).await {
        // A repeated event is the same in every respect; another may stand between.
        if !seen.contains(&fact.serial) {
            story.extend(told(&fact.happened));
        }
        seen.push(fact.serial);
    }
    let turn = |number: u32, words: &str| {
        [
            format!("asr-{number} runs"),
            format!("asr-{number} _none_"),
            format!("p-{number} runs"),
            "speech".into(),
            "stopped true".into(),
            format!("p-{number} FILE PLAYED"),
            format!("Text({words:?})"),
        ]
    };
    let at = story.iter().position(|told| told == "asr-1 runs").unwrap();
    let mut first = turn(1, "book_a_table").to_vec();
    first.insert(1, "recognizer".into());
    assert_eq!(story[at..at + 8], first);
    assert_eq!(story[at + 8..at + 15], turn(2, "agent"));
    assert_eq!(story.iter().filter(|told| *told == "NoInput").count(), 1);
    assert_eq!(story.last().unwrap(), "gone Switch");
}

#[tokio::test]
async fn digits_hang_ups_and_foreign_words_are_read() {
    let switch = Loopback::new().await;
    let digits: String = facts(&switch, DTMF, 0)
        .await
        .into_iter()
        .filter_map(|fact| match fact.happened {
            Happened::Digit(digit) => Some(digit),
            _ => None,
        })
        .collect();
    assert!(digits.contains("12345#"), "{digits}");

    let sides: Vec<Side> = facts(&switch, HANGUP_SIDES, 0)
        .await
        .into_iter()
        .filter_map(|fact| match fact.happened {
            Happened::HungUp(side) => Some(side),
            _ => None,
        })
        .collect();
    assert_eq!(sides[..3], [Side::Switch, Side::Caller, Side::Caller], "{sides:?}");

    let words: Vec<Recognition> = facts(&switch, POCKETSPHINX, 0)
        .await
        .into_iter()
        .filter_map(|fact| match fact.happened {
            Happened::Speech(Speech::Ended(recognition)) => Some(recognition),
            _ => None,
        })
        .collect();
    let sentence = "i would like to book a table for two tomorrow evening";
    assert_eq!(words.first(), Some(&Recognition::Text(sentence.into())));

    let names: Vec<String> = facts(&switch, UTF8, 0)
        .await
        .into_iter()
        .filter_map(|fact| match fact.happened {
            Happened::Parked(parked) => parked
                .variables
                .into_iter()
                .find_map(|(name, value)| (name == "caller_id_name").then_some(value)),
            _ => None,
        })
        .collect();
    assert!(names.contains(&"Иван Петров".to_owned()), "{names:?}");
}

#[tokio::test]
async fn every_split_of_the_stream_gives_the_same_facts() {
    let switch = Loopback::new().await;
    // One event with a body, and one without behind it.
    let (began, ended) = (first_events(POCKETSPHINX, 1), first_events(POCKETSPHINX, 2));
    let stream = [ended.get(began.len()..).unwrap(), &first_events(DTMF, 1)].concat();
    let whole = facts(&switch, &stream, 0).await;
    let is_result = |fact: &Fact| matches!(fact.happened, Happened::Speech(Speech::Ended(_)));
    assert!(whole.len() == 2 && is_result(&whole[0]), "{whole:?}");
    for split in 1..stream.len() {
        assert_eq!(facts(&switch, &stream, split).await, whole, "split at {split}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_gives_what_was_whole() {
    let switch = Loopback::new().await;
    let stream = first_events(DTMF, 2);
    let cut = stream.get(..stream.len() - 1).unwrap();
    assert_eq!(facts(&switch, cut, 0).await.len(), 1);
}

/// A port of our own to replay through.
struct Loopback(TcpListener);

impl Loopback {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }
}

/// The facts of a recorded stream, of which the first `split` bytes come in one read of their own.
async fn facts(switch: &Loopback, stream: &[u8], split: usize) -> Vec<Fact> {
    let address = switch.0.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), switch.0.accept());
    let (first, rest) = stream.split_at(split);
    let (_client, mut events) = EslClient::adopt_stream(ours.unwrap(), first).unwrap();
    let mut theirs = theirs.unwrap().0;
    let write = async {
        theirs.write_all(rest).await.unwrap();
        drop(theirs);
    };
    let read = async {
        let mut facts = Vec::new();
        while let Some(event) = events.recv().await {
            facts.extend(translate::fact(&event.unwrap()));
        }
        facts
    };
    tokio::join!(write, read).1
}

/// The first events of a recorded stream.
fn first_events(stream: &[u8], count: usize) -> Vec<u8> {
    let begin = b"Content-Length: ";
    let frame = b"Content-Type: text/event-plain\n\n";
    let ends = (1..stream.len()).filter(|&at| {
        stream[at..].starts_with(begin)
            && stream[at..].windows(frame.len()).take(60).any(|window| window == frame)
    });
    let end = ends.take(count).last().unwrap();
    stream[..end].to_vec()
}

fn told(happened: &Happened) -> Option<String> {
    Some(match happened {
        Happened::Executing(id) => format!("{id} runs"),
        Happened::Executed { execution, response, .. } => format!("{execution} {response}"),
        Happened::PlaybackStopped { broken, .. } => format!("stopped {broken}"),
        Happened::RecognizerStarted => "recognizer".into(),
        Happened::Speech(Speech::Began) => "speech".into(),
        Happened::Speech(Speech::Ended(recognition)) => format!("{recognition:?}"),
        Happened::HungUp(side) => format!("gone {side:?}"),
        Happened::Parked(_)
        | Happened::Unparked { .. }
        | Happened::Answered
        | Happened::Digit(_)
        | Happened::Speech(Speech::Partial(_) | Speech::Closed) => return None,
    })
}
