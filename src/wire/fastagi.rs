//! FastAGI: Asterisk connects, says who calls, and then does as it is told, line by line (S20).
//!
//! What is read here and what is written stands in Asterisk's `res/res_agi.c`: `setup_env` writes the
//! first block, `agi_handle_command` and the `handle_…` functions the replies, `run_agi` the line
//! `HANGUP`. [`Command`] is the other direction.

mod command;
mod environment;

pub use command::{Command, LINE_BYTES_MAX, NAME_BYTES_MAX, Refused};
pub use environment::{Environment, Request};

use thiserror::Error;

/// Longest line, and longest reply of several lines, that is read, bytes. An application's argument
/// has 8,192 (`EXT_DATA_SIZE`), which is what an `agi_arg_…` can be of; a variable's value has 1,023.
pub const REPLY_BYTES_MAX: usize = 16 * 1_024;

/// Longest first block, bytes: all parts of an argument of 8,192 bytes stand in it twice at most, and
/// twenty short lines.
pub const ENVIRONMENT_BYTES_MAX: usize = 32 * 1_024;

/// What a decoder keeps of its memory between lines: those of a session are shorter.
const KEPT_BYTES: usize = 256;

/// What Asterisk says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Who calls, and what the dialplan wants: the first message, once.
    Session(Environment),
    /// The answer to the oldest command without one.
    Reply(Reply),
    /// The caller hung up, or the session ends. It comes between replies, and more than once.
    Hangup,
}

/// The answer to a command.
///
/// There is one for each, in order. An application that ends with 1 has a second one, of
/// [`Reply::Usage`] (`handle_exec`: "even though this is wrong").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was done, for better or worse (200).
    Done {
        /// What it means depends on the command. EXEC: what the application returned, -1 if it failed
        /// or the caller hung up, -2 if there is no such application. GET VARIABLE: 1, or 0 if it
        /// isn't set. CHANNEL STATUS: the state, 6 if the caller is there.
        result: i32,
        /// What stands in parentheses after it: a variable's value.
        value: Option<String>,
    },
    /// No command of this Asterisk (510).
    Unknown,
    /// The caller has hung up, and the command needs one (511).
    Dead,
    /// Wrong arguments (520).
    Usage,
}

/// Why bytes are no FastAGI. What follows can't be matched to commands any more: the session is of no
/// further use. Texts are left out, as they may be a caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The first line is no `agi_…:`, so that this isn't Asterisk.
    #[error("the connection doesn't begin as FastAGI does")]
    Greeting,
    /// The first block does not end within [`ENVIRONMENT_BYTES_MAX`].
    #[error("the first block is longer than {ENVIRONMENT_BYTES_MAX} bytes")]
    Environment,
    /// A line or a reply does not end within [`REPLY_BYTES_MAX`].
    #[error("a reply is longer than {REPLY_BYTES_MAX} bytes")]
    Long,
    /// A line of so many bytes that is no reply.
    #[error("a line of {bytes} bytes is no reply")]
    Reply {
        /// How long it is, without its end.
        bytes: usize,
    },
}

/// Reads what Asterisk writes, however TCP cuts it. It keeps one line at most, or one reply of several.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    state: State,
}

/// What the next line belongs to.
#[derive(Debug)]
enum State {
    Environment {
        environment: Environment,
        bytes: usize,
    },
    Replies,
    /// A reply whose value has line ends.
    Value(Vec<u8>),
    /// `520-…` has begun.
    Usage {
        bytes: usize,
    },
    Failed(WireError),
}

impl Default for State {
    fn default() -> Self {
        State::Environment { environment: Environment::default(), bytes: 0 }
    }
}

impl Decoder {
    /// Gives `each` all messages that end within `bytes`, in order; the same ones however the stream
    /// is split.
    ///
    /// # Errors
    ///
    /// [`WireError`], after the messages before it; and the same again for all that follows.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Message)) -> Result<(), WireError> {
        if let State::Failed(error) = self.state {
            return Err(error);
        }
        self.read(bytes, &mut each).inspect_err(|error| {
            *self = Decoder { line: Vec::new(), state: State::Failed(*error) };
        })
    }

    fn read(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Message)) -> Result<(), WireError> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.keep(line)?;
            bytes = rest.get(1..).unwrap_or_default();
            let line = std::mem::take(&mut self.line);
            self.take_line(&line)?.into_iter().for_each(&mut *each);
            self.line = line;
            self.line.clear();
            self.line.shrink_to(KEPT_BYTES);
        }
        self.keep(bytes)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        if self.line.len() + bytes.len() > REPLY_BYTES_MAX {
            return Err(WireError::Long);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn take_line(&mut self, line: &[u8]) -> Result<Option<Message>, WireError> {
        match &mut self.state {
            State::Environment { environment, bytes } => {
                *bytes += line.len() + 1;
                if *bytes > ENVIRONMENT_BYTES_MAX {
                    return Err(WireError::Environment);
                }
                if !line.is_empty() {
                    // Only the first line has to look right: a name with a line end would be odd,
                    // but no reason to turn a caller away.
                    let known = environment.add(line);
                    let first = *bytes == line.len() + 1;
                    return if known || !first { Ok(None) } else { Err(WireError::Greeting) };
                }
                let whole = std::mem::take(environment);
                if whole.is_empty() {
                    return Err(WireError::Greeting);
                }
                self.state = State::Replies;
                Ok(Some(Message::Session(whole)))
            }
            State::Replies => self.begin(line),
            State::Value(reply) => {
                if reply.len() + 1 + line.len() > REPLY_BYTES_MAX {
                    return Err(WireError::Long);
                }
                reply.push(b'\n');
                reply.extend_from_slice(line);
                if !closes(line) {
                    return Ok(None);
                }
                let reply = std::mem::take(reply);
                self.state = State::Replies;
                done(&reply).map(Some)
            }
            State::Usage { bytes } => {
                *bytes += line.len() + 1;
                if *bytes > REPLY_BYTES_MAX {
                    return Err(WireError::Long);
                }
                if !line.starts_with(b"520 ") {
                    return Ok(None);
                }
                self.state = State::Replies;
                Ok(Some(Message::Reply(Reply::Usage)))
            }
            State::Failed(error) => Err(*error),
        }
    }

    /// The first line of whatever comes between replies.
    fn begin(&mut self, line: &[u8]) -> Result<Option<Message>, WireError> {
        if line == b"HANGUP" {
            return Ok(Some(Message::Hangup));
        }
        let reply = match line.get(..4) {
            Some(b"200 ") if line.contains(&b'(') && !closes(line) => {
                self.state = State::Value(line.to_vec());
                return Ok(None);
            }
            Some(b"200 ") => return done(line).map(Some),
            Some(b"510 ") => Reply::Unknown,
            Some(b"511 ") => Reply::Dead,
            Some(b"520 ") => Reply::Usage,
            Some(b"520-") => {
                self.state = State::Usage { bytes: line.len() };
                return Ok(None);
            }
            _ => return Err(WireError::Reply { bytes: line.len() }),
        };
        Ok(Some(Message::Reply(reply)))
    }
}

/// Whether the parenthesis of a value ends with this line. A value with line ends, one of them after
/// a parenthesis, can't be told from a reply and a stray line (`ast_agi_send` escapes nothing).
fn closes(line: &[u8]) -> bool {
    line.ends_with(b")") || position_last(line, b") endpos=").is_some()
}

/// `200 result=1`, `200 result=1 (value)`, `200 result=0 (value) endpos=0`.
fn done(reply: &[u8]) -> Result<Message, WireError> {
    let refused = WireError::Reply { bytes: reply.len() };
    let text = String::from_utf8_lossy(reply);
    let after = text.strip_prefix("200 result=").ok_or(refused)?;
    let (result, more) = after.split_once(' ').unwrap_or((after, ""));
    let result = result.parse().map_err(|_| refused)?;
    let inside = more.strip_prefix('(').and_then(|open| open.rsplit_once(')'));
    let value = inside.map(|(value, _)| value.to_owned());
    Ok(Message::Reply(Reply::Done { result, value }))
}

fn position_last(line: &[u8], text: &[u8]) -> Option<usize> {
    line.windows(text.len()).rposition(|window| window == text)
}
