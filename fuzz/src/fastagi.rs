//! What comes over a connection that should speak FastAGI, and what is written to it.

use telephonist::wire::fastagi::{Command, Decoder, LINE_BYTES_MAX, Message, WireError};

/// The first byte says how the others are cut, the second how many of them are texts of commands.
pub(crate) fn hold(bytes: &[u8]) {
    let &[cut, texts, ref rest @ ..] = bytes else { return };
    let (texts, stream) = rest.split_at(usize::from(texts).min(rest.len()));
    let (name, text) = texts.split_at(texts.len() / 4);
    write(&String::from_utf8_lossy(name), &String::from_utf8_lossy(text));
    write("NEXT", &String::from_utf8_lossy(stream));
    read(stream, usize::from(cut).max(1));
}

fn read(stream: &[u8], cut: usize) {
    let whole = listen(&[stream]);
    let single: Vec<_> = stream.chunks(1).collect();
    assert!(listen(&single) == whole, "byte by byte");
    let pieces: Vec<_> = stream.chunks(cut).collect();
    assert!(listen(&pieces) == whole, "in pieces of {cut}");
    let (heard, _) = whole;
    let sessions = heard.iter().filter(|message| matches!(message, Message::Session(_)));
    assert_eq!(sessions.count(), heard.len().min(1), "one, and first");
    if let Some(Message::Session(environment)) = heard.first() {
        // No address is too odd.
        drop(environment.request());
    }
}

/// All that is said, and how it ends.
fn listen(pieces: &[&[u8]]) -> (Vec<Message>, Result<(), WireError>) {
    let (mut decoder, mut heard) = (Decoder::default(), Vec::new());
    let mut outcome = Ok(());
    for piece in pieces {
        let pushed = decoder.push(piece, |message| heard.push(message));
        assert!(outcome.is_ok() || pushed == outcome, "an error stays");
        outcome = pushed;
    }
    (heard, outcome)
}

/// Whatever name and text are: one line, of the words that were meant, or nothing.
fn write(name: &str, text: &str) {
    let commands = [
        (Command::Exec { application: name, argument: text }, vec!["EXEC", name, text]),
        (Command::SetVariable { name, value: text }, vec!["SET", "VARIABLE", name, text]),
        (Command::GetVariable(name), vec!["GET", "VARIABLE", name]),
    ];
    for (command, meant) in commands {
        let Ok(line) = command.encode() else { continue };
        assert!(line.len() <= LINE_BYTES_MAX);
        let line = String::from_utf8(line).expect("a line is text");
        let inside = line.strip_suffix('\n').expect("a line ends");
        assert!(!inside.contains(|sign: char| sign.is_control() || sign == '$'), "{inside:?}");
        let meant: Vec<_> = meant.into_iter().map(without_meaning).collect();
        assert_eq!(words(inside), meant);
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    }
}

fn without_meaning(text: &str) -> String {
    let sign = |sign: char| match sign {
        '$' => '＄',
        control if control.is_control() => ' ',
        other => other,
    };
    text.chars().map(sign).collect()
}

/// The words that Asterisk reads in a line (`parse_args` in `res/res_agi.c`).
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quoted, mut escaped, mut between) = (false, false, true);
    for sign in line.chars() {
        let literal = match sign {
            '"' if !escaped => {
                quoted = !quoted;
                if quoted && between {
                    words.push(String::new());
                    between = false;
                }
                continue;
            }
            ' ' | '\t' if !quoted && !escaped => {
                between = true;
                continue;
            }
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            literal => literal,
        };
        if between {
            words.push(String::new());
            between = false;
        }
        words.last_mut().expect("a word has begun").push(literal);
        escaped = false;
    }
    words
}
