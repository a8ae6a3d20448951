//! What Asterisk is told: one line for each command, whatever stands in it (N10).

use thiserror::Error;

/// Longest line that is written, bytes, with its end. `run_agi` reads with `fgets` into `AGI_BUF_LEN`
/// = 8,192 bytes, one of them for the end of the string; the rest of a longer line would be a command
/// of its own.
pub const LINE_BYTES_MAX: usize = 8_191;

/// Longest name of a variable or an application, bytes: `AST_MAX_APP` is 32, and nobody names
/// a variable in more than a hundred signs.
pub const NAME_BYTES_MAX: usize = 128;

/// One command.
///
/// Texts are data: `Command::encode` puts each into one word of one line, with quotes and
/// back-slashes as `parse_args` reads them, control characters as spaces, and `$` as `＄`, so that
/// nothing in it is ever expanded:
///
/// | command | expands `${…}` and `$[…]` | source |
/// |---|---|---|
/// | EXEC | only if the dialplan has set `AGIEXECFULL`; the applications Exec and TryExec do so themselves | `handle_exec`, `exec_exec`, `tryexec_exec` |
/// | SET VARIABLE | no; the dialplan may, with `EVAL()` or `Exec()` | `handle_setvariable`, `pbx_builtin_setvar_helper` |
/// | GET VARIABLE | no | `handle_getvariable`, `pbx_retrieve_variable` |
///
/// A name that ends with `)` is a function (`SHELL(…)` runs a program) in the last two: names have
/// letters, digits and `_` only.
///
/// After the caller has hung up, ANSWER, CHANNEL STATUS and HANGUP are answered with `Reply::Dead`,
/// the others are still done (the table `commands` of `res_agi.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Takes the call.
    Answer,
    /// Runs an application of the dialplan, and is answered when it ends. Which ones a script may run
    /// is not decided here.
    Exec {
        /// Its name.
        application: &'a str,
        /// All its arguments. The application splits them at commas and reads quotes and back-slashes
        /// once more (`AST_STANDARD_APP_ARGS`): that is for the caller of this to know.
        argument: &'a str,
    },
    /// Sets a variable of the channel; of the channels it dials too, if its name begins with `_`.
    SetVariable {
        /// Its name.
        name: &'a str,
        /// Its value. In an expression of the dialplan (`$["${NAME}" = "…"]`) a quote in it ends the
        /// string.
        value: &'a str,
    },
    /// Reads a variable of the channel, or a global one: 1,023 bytes of it.
    GetVariable(&'a str),
    /// Whether the caller is still there.
    ChannelStatus,
    /// Hangs up. The session goes on, with a dead channel.
    Hangup,
}

/// Why a command can't be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The name of a variable or an application.
    #[error(
        "the name is empty, longer than {NAME_BYTES_MAX} bytes, or has other signs than letters, digits and _"
    )]
    Name,
    /// Asterisk would read the end of the line as another command.
    #[error("the command is longer than {LINE_BYTES_MAX} bytes")]
    Long,
}

impl Command<'_> {
    /// The line, with its end.
    ///
    /// # Errors
    ///
    /// [`Refused`]: the name is none, or the line is too long. Nothing may be sent then.
    pub fn encode(&self) -> Result<Vec<u8>, Refused> {
        let line = match self {
            Command::Answer => "ANSWER\n".to_owned(),
            Command::Exec { application, argument } => {
                format!("EXEC {} {}\n", name(application)?, quoted(argument))
            }
            Command::SetVariable { name: variable, value } => {
                format!("SET VARIABLE {} {}\n", name(variable)?, quoted(value))
            }
            Command::GetVariable(variable) => format!("GET VARIABLE {}\n", name(variable)?),
            Command::ChannelStatus => "CHANNEL STATUS\n".to_owned(),
            Command::Hangup => "HANGUP\n".to_owned(),
        };
        if line.len() > LINE_BYTES_MAX { Err(Refused::Long) } else { Ok(line.into_bytes()) }
    }
}

fn name(text: &str) -> Result<&str, Refused> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let fits = !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(allowed);
    if fits { Ok(text) } else { Err(Refused::Name) }
}

/// One word, as `parse_args` reads it: in quotes, so that it may be empty or have spaces, and with a
/// back-slash before each quote and back-slash.
fn quoted(text: &str) -> String {
    let mut word = String::with_capacity(text.len() + 2);
    word.push('"');
    for sign in text.chars() {
        match sign {
            '"' | '\\' => word.extend(['\\', sign]),
            '$' => word.push('＄'),
            control if control.is_control() => word.push(' '),
            other => word.push(other),
        }
    }
    word.push('"');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(command: Command<'_>) -> String {
        String::from_utf8(command.encode().unwrap()).unwrap()
    }

    /// S20: what a session is made of.
    #[test]
    fn commands_are_lines() {
        let application = "AudioSocket";
        let argument = "40325ec2-5efd-4bd3-805f-53576e581d13,127.0.0.1:9092";
        assert_eq!(line(Command::Answer), "ANSWER\n");
        assert_eq!(
            line(Command::Exec { application, argument }),
            "EXEC AudioSocket \"40325ec2-5efd-4bd3-805f-53576e581d13,127.0.0.1:9092\"\n"
        );
        assert_eq!(
            line(Command::SetVariable { name: "NEXT", value: "" }),
            "SET VARIABLE NEXT \"\"\n"
        );
        assert_eq!(line(Command::GetVariable("ROBOT_CALLID")), "GET VARIABLE ROBOT_CALLID\n");
        assert_eq!(line(Command::ChannelStatus), "CHANNEL STATUS\n");
        assert_eq!(line(Command::Hangup), "HANGUP\n");
    }

    /// N10: a caller's words stay a value.
    #[test]
    fn texts_are_data() {
        let said = |value| line(Command::SetVariable { name: "SAID", value });
        let cases = [
            ("a\nEXEC System x\r\n", r#"a EXEC System x  "#),
            (r#"he said "no" \ yes"#, r#"he said \"no\" \\ yes"#),
            (r#"\" x"#, r#"\\\" x"#),
            ("${SHELL(id)} $[1+1]", "＄{SHELL(id)} ＄[1+1]"),
            ("nul\0 and \u{85}", "nul  and  "),
            ("借款", "借款"),
        ];
        for (value, word) in cases {
            assert_eq!(said(value), format!("SET VARIABLE SAID \"{word}\"\n"));
        }
    }

    /// N10: a name is a name, never a function.
    #[test]
    fn names_are_names() {
        let long = "A".repeat(NAME_BYTES_MAX + 1);
        for name in ["", "SHELL(id)", "a b", "a\nb", "X:1:2", "${X}", "é", &long] {
            assert_eq!(Command::GetVariable(name).encode(), Err(Refused::Name), "{name}");
            assert_eq!(Command::SetVariable { name, value: "" }.encode(), Err(Refused::Name));
            let exec = Command::Exec { application: name, argument: "" };
            assert_eq!(exec.encode(), Err(Refused::Name));
        }
    }

    /// N10: the rest of a longer line would be a command of its own.
    #[test]
    fn a_line_fits_into_the_buffer() {
        let room = LINE_BYTES_MAX - "SET VARIABLE A \"\"\n".len();
        let set = |length| Command::SetVariable { name: "A", value: &"x".repeat(length) }.encode();
        assert_eq!(set(room).unwrap().len(), 8_191);
        assert_eq!(set(room + 1), Err(Refused::Long));
    }
}
