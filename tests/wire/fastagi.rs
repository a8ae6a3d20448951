//! FastAGI, as a real Asterisk spoke it (S20, N10).

use telephonist::wire::fastagi::{
    Command, Decoder, Environment, LINE_BYTES_MAX, Message, REPLY_BYTES_MAX, Reply, Request,
    WireError,
};

use crate::captures;

fn listen(pieces: &[&[u8]]) -> (Vec<Message>, Result<(), WireError>) {
    let mut heard = Vec::new();
    let mut decoder = Decoder::default();
    let outcome =
        pieces.iter().try_for_each(|piece| decoder.push(piece, |message| heard.push(message)));
    (heard, outcome)
}

/// A capture: who called, and what came after.
fn session(number: &str) -> (Environment, Vec<Message>) {
    let (mut heard, outcome) = listen(&[&captures::one(number, "from-asterisk.agi")]);
    assert_eq!(outcome, Ok(()));
    let Message::Session(environment) = heard.remove(0) else { panic!("{heard:?}") };
    (environment, heard)
}

fn done(result: i32) -> Message {
    Message::Reply(Reply::Done { result, value: None })
}

fn valued(value: &str) -> Message {
    Message::Reply(Reply::Done { result: 1, value: Some(value.to_owned()) })
}

/// N13: TCP cuts where it likes.
#[test]
fn captures_say_the_same_however_they_are_cut() {
    for (name, stream) in captures::all("from-asterisk.agi") {
        assert_eq!(listen(&[&stream]).1, Ok(()), "{name}");
        captures::agree(&name, &stream, listen);
    }
}

/// S20: who calls, and what the dialplan wants.
#[test]
fn the_first_block_says_who_calls() {
    let (caller, _) = session("90");
    assert_eq!(caller.request(), Request::Flow("support".to_owned()));
    assert_eq!(caller.caller(), Some("15550100"));
    assert_eq!(caller.caller_name(), Some("Maria \"Q\" Lopez"));
    assert_eq!(caller.dialled(), Some("900"), "agi_dnid is unknown on a Local channel");
    assert_eq!(caller.channel(), Some("Local/900@in-00000000;2"));
    assert_eq!(caller.unique_id(), Some("1795851262.1"));
    assert_eq!(caller.argument(1), Some("first"));
    assert_eq!(caller.argument(2), Some("second one"));
    assert_eq!(caller.argument(3), None);
    let call = "40325ec2-5efd-4bd3-805f-53576e581d13";
    assert_eq!(session("92").0.request(), Request::Next { call, status: "SUCCESS" });
    assert_eq!(session("93").0.request(), Request::Start("support".to_owned()));
    assert_eq!(session("93").0.caller(), None);
}

/// S20: a reply for each command, in order.
#[test]
fn commands_are_answered_in_order() {
    let expected = [
        done(0), // ANSWER
        done(6), // CHANNEL STATUS
        done(1), // SET VARIABLE SAID
        valued(r#"he said "no" \ yes  ＄{SHELL(id)} ＄[1+1] 借款"#),
        valued("a (b) c"),
        valued("one\ntwo\n"),
        valued(""),
        done(0), // GET VARIABLE of one that isn't set
        done(1), // SET VARIABLE DOLLAR
        valued("${EXTEN} $[1+1]"),
        done(0),  // EXEC Verbose
        done(-2), // EXEC of no application
        done(0),  // EXEC NoOp
        Message::Reply(Reply::Usage),
        Message::Reply(Reply::Unknown),
        done(1), // SET VARIABLE NEXT
        Message::Hangup,
    ];
    assert_eq!(session("90").1, expected);
    assert_eq!(captures::one("90", "to-asterisk.agi").split(|byte| *byte == b'\n').count(), 17);
}

/// S20: the caller hangs up while an application runs.
#[test]
fn a_dead_channel_answers_too() {
    let dead = || Message::Reply(Reply::Dead);
    let expected = [
        done(0),  // ANSWER
        done(-1), // EXEC Wait
        Message::Hangup,
        dead(),  // CHANNEL STATUS
        done(1), // SET VARIABLE NEXT
        valued("human"),
        dead(), // ANSWER
        dead(), // HANGUP
        Message::Hangup,
    ];
    assert_eq!(session("91").1, expected);
    // Our own HANGUP is answered, then told, then told again as the session ends.
    assert_eq!(session("93").1, [done(1), done(1), Message::Hangup, Message::Hangup]);
}

/// N10: the captured commands are what the builder writes.
#[test]
fn the_builder_writes_what_asterisk_understood() {
    let call = "40325ec2-5efd-4bd3-805f-53576e581d13";
    let said = "he said \"no\" \\ yes\r\n${SHELL(id)} $[1+1] 借款";
    let cases = [
        ("90", Command::SetVariable { name: "SAID", value: said }),
        ("90", Command::GetVariable("SAID")),
        ("90", Command::Exec { application: "NoOp", argument: "a \"b\" c" }),
        ("90", Command::Answer),
        ("90", Command::ChannelStatus),
        ("91", Command::Hangup),
        ("92", Command::SetVariable { name: "NEXT", value: "human" }),
        ("93", Command::SetVariable { name: "CALLID", value: call }),
    ];
    for (number, command) in cases {
        let line = command.encode().unwrap();
        let sent = captures::one(number, "to-asterisk.agi");
        assert!(
            sent.split_inclusive(|byte| *byte == b'\n').any(|found| found == line),
            "{command:?}"
        );
    }
}

/// N10: one byte more than we write, and Asterisk reads two commands.
#[test]
fn a_longer_line_would_be_two_commands() {
    let (longest, longer) =
        (captures::one("94", "to-asterisk.agi"), captures::one("95", "to-asterisk.agi"));
    let first = |stream: &[u8]| stream.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert_eq!((first(&longest), first(&longer)), (LINE_BYTES_MAX, LINE_BYTES_MAX + 1));
    assert!(matches!(
        session("94").1[..],
        [_, Message::Reply(Reply::Done { .. }), Message::Hangup]
    ));
    assert_eq!(session("95").1[1], Message::Reply(Reply::Unknown), "of the line's end");
}

/// Values that look like other things.
#[test]
fn a_value_is_what_stands_between_the_parentheses() {
    let values = [":)", ":(", "(", ")", "a) b", "HANGUP\n200 result=0", "a\n)\n", "x) endpos=1"];
    for value in values {
        let stream = format!("agi_network: yes\n\n200 result=1 ({value})\nHANGUP\n");
        let heard = listen(&[stream.as_bytes()]).0;
        if value == "a\n)\n" {
            // What can't be told apart is found out at once.
            assert_eq!(heard.len(), 2);
        } else {
            assert_eq!(heard[1..], [valued(value), Message::Hangup], "{value:?}");
        }
    }
    let stream = b"agi_network: yes\n\n200 result=0 (timeout) endpos=8000\n520 Invalid\n";
    let timeout = Reply::Done { result: 0, value: Some("timeout".to_owned()) };
    let expected = [Message::Reply(timeout), Message::Reply(Reply::Usage)];
    assert_eq!(listen(&[stream]).0[1..], expected);
}

/// N13, N21: what is no FastAGI, or never ends, is an error; the same wherever it is cut.
#[test]
fn nonsense_is_refused() {
    let long = "x".repeat(REPLY_BYTES_MAX + 1);
    let many = "agi_arg_1: x\n".repeat(3_000);
    let lines = "x\n".repeat(REPLY_BYTES_MAX);
    let replies = |text: &str| format!("agi_network: yes\n\n{text}");
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), WireError::Greeting),
        ("\n".to_owned(), WireError::Greeting),
        (many, WireError::Environment),
        (format!("agi_network: {long}"), WireError::Long),
        (replies(&long), WireError::Long),
        (replies(&format!("520-Usage\n{lines}")), WireError::Long),
        (replies(&format!("200 result=1 (\n{lines}")), WireError::Long),
        (replies("hello\n"), WireError::Reply { bytes: 5 }),
        (replies("\n"), WireError::Reply { bytes: 0 }),
        (replies("200 result=x\n"), WireError::Reply { bytes: 12 }),
        (replies("200 OK\n"), WireError::Reply { bytes: 6 }),
        (replies("404 no\n"), WireError::Reply { bytes: 6 }),
    ];
    for (stream, error) in cases {
        let stream = stream.as_bytes();
        let whole = listen(&[stream]);
        assert_eq!(whole.1, Err(error));
        let bytes: Vec<_> = stream.chunks(1).collect();
        let chunks: Vec<_> = stream.chunks(700).collect();
        assert!(listen(&bytes) == whole && listen(&chunks) == whole, "{error}");
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(stream, |_| ()), Err(error));
        assert_eq!(decoder.push(b"200 result=0\n", |_| panic!("after an error")), Err(error));
    }
}
