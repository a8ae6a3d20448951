//! What may enter a command to FreeSWITCH, one function per target (S12, N10).
//!
//! FreeSWITCH expands `${variable}`, `$${global}` and `${api(…)}` in the argument of every
//! application (`switch_channel_expand_variables_check`), and the last of these runs commands. It
//! does so again when a variable's value is used, and drops `\'` on the way, so that `$\'{` would
//! become `${`: hence no dollar sign at all leaves here.

use std::path::{Component, Path, PathBuf};

use thiserror::Error;

/// Longest word of a command: twice the longest SIP user part that our captures hold.
const WORD_BYTES_MAX: usize = 128;

/// Why a text can't be put into a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Refused {
    #[error("it is empty, too long, or has signs that are not allowed in a command")]
    Word,
    #[error("the file name leads out of the audio folder or has signs that are not allowed")]
    Path,
    #[error("the tone has signs that are not allowed")]
    Tone,
    #[error("the application runs programs, dials or sets variables, or is no application's name")]
    Application,
    #[error("the dialplan would run applications named in the extension")]
    Dialplan,
}

/// Applications that run programs, open connections, dial, run further applications or set channel
/// variables (`api_hangup_hook` runs a program): never for a script or a model (N10, N11).
const APPLICATIONS_REFUSED: [&str; 26] = [
    "system",
    "bgsystem",
    "lua",
    "perl",
    "python",
    "python3",
    "javascript",
    "java",
    "managed",
    "mono",
    "socket",
    "curl",
    "bridge",
    "att_xfer",
    "deflect",
    "redirect",
    "sched_transfer",
    "execute_extension",
    "bind_meta_app",
    "bind_digit_action",
    "set",
    "multiset",
    "export",
    "bridge_export",
    "set_global",
    "set_profile_var",
];

/// The argument of an application: nothing in it is expanded, and it stays one header line.
pub(super) fn argument(text: &str) -> String {
    let neutral: String = text.chars().map(without_meaning).collect();
    // `%[name=value]` in front of an argument sets variables (`switch_core_session_exec`).
    if neutral.starts_with('%') { format!(" {neutral}") } else { neutral }
}

/// Text for `speak`, whose argument is `engine|voice|text` with quotes and back-slashes read.
pub(super) fn speech(text: &str) -> String {
    let spoken = text.chars().map(|sign| match sign {
        '|' | '\\' => ' ',
        '\'' => '’',
        '"' => '”',
        '{' | '[' => '(',
        '}' | ']' => ')',
        other => without_meaning(other),
    });
    spoken.collect::<String>().trim().to_owned()
}

/// The value of a channel variable for `uuid_setvar`, which reads quotes and back-slashes; the
/// dialplan may expand it later.
pub(super) fn variable_value(text: &str) -> String {
    let value = text.chars().map(|sign| match sign {
        '\'' => '’',
        '\\' => '＼',
        other => without_meaning(other),
    });
    value.collect::<String>().trim().to_owned()
}

/// One word of an API command: an id, a cause, an extension.
pub(super) fn word(text: &str) -> Result<&str, Refused> {
    let allowed = |sign: char| sign.is_ascii_alphanumeric() || "_.+*#@/-".contains(sign);
    let fits = !text.is_empty() && text.len() <= WORD_BYTES_MAX;
    // A leading `-` would be an option, as in `uuid_transfer <uuid> -both …`.
    if fits && !text.starts_with('-') && text.chars().all(allowed) {
        Ok(text)
    } else {
        Err(Refused::Word)
    }
}

/// The dialplan of a transfer; `inline` would execute whatever the extension says.
pub(super) fn dialplan(text: &str) -> Result<&str, Refused> {
    let name = word(text)?;
    if name.eq_ignore_ascii_case("inline") { Err(Refused::Dialplan) } else { Ok(name) }
}

/// The name of an application that a script wants to run.
pub(super) fn application(name: &str) -> Result<&str, Refused> {
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let fits = !name.is_empty() && name.len() <= WORD_BYTES_MAX && name.chars().all(is_name);
    let refused = APPLICATIONS_REFUSED.iter().any(|app| app.eq_ignore_ascii_case(name));
    if fits && !refused { Ok(name) } else { Err(Refused::Application) }
}

/// A file below the audio folder: no way up, no scheme, no sign that FreeSWITCH reads as anything
/// but a file name (`shell:`, `file_string`'s `!`, `@@offset`, `{parameters}`).
pub(super) fn relative_path(name: &str) -> Result<PathBuf, Refused> {
    let allowed = |sign: char| sign.is_alphanumeric() || " _-.+=,()/".contains(sign);
    let path = Path::new(name);
    let stays_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || !stays_below || !name.chars().all(allowed) {
        return Err(Refused::Path);
    }
    Ok(path.to_owned())
}

/// A `tone_stream://` of notes only; `path=` would read a file.
pub(super) fn tone(source: &str) -> Result<&str, Refused> {
    let notes = source.strip_prefix("tone_stream://").ok_or(Refused::Tone)?;
    let allowed = |sign: char| sign.is_ascii_alphanumeric() || "%(),;=.+-".contains(sign);
    let fits = !notes.is_empty() && notes.chars().all(allowed);
    if fits && !notes.to_ascii_lowercase().contains("path") {
        Ok(source)
    } else {
        Err(Refused::Tone)
    }
}

/// A value of a recogniser's `{name=value,…}` parameters.
pub(super) fn parameter(text: &str) -> String {
    let value = text.chars().map(|sign| match sign {
        ',' | '{' | '}' | '\'' | '\\' | ' ' => '_',
        other => without_meaning(other),
    });
    value.collect()
}

/// A sign that neither ends the line nor begins an expansion.
fn without_meaning(sign: char) -> char {
    match sign {
        '$' => '＄',
        '`' => '’',
        control if control.is_control() => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What somebody may say, write or answer to make the switch do something.
    const PLANTED: [&str; 14] = [
        "${system(touch /tmp/X)}",
        "$${x}",
        "$\\'{system(touch X)}",
        "\\${x} $\\{x}",
        "%[execute_on_media=system touch X]hello",
        "`touch X`",
        "a\r\n\r\napi system touch X\n\n",
        "a|b|c",
        "it's \"quoted\" \\n",
        "../../etc/passwd",
        "shell:touch X",
        "{param=1}x [y]",
        "\0nul\u{85}next\u{2028}line",
        "$",
    ];

    #[test]
    fn nothing_planted_is_expanded_or_ends_the_line_n10() {
        for planted in PLANTED {
            for escaped in
                [argument(planted), speech(planted), variable_value(planted), parameter(planted)]
            {
                assert!(
                    !escaped.contains(['$', '`', '\r', '\n', '\0']),
                    "{planted:?}: {escaped:?}"
                );
            }
            assert!(!argument(planted).starts_with('%'), "{planted:?}");
        }
    }

    #[test]
    fn speech_keeps_its_words_and_loses_what_divides_the_argument_s12() {
        assert_eq!(speech("a|b"), "a b");
        assert_eq!(speech("it's 5 $ {now}"), "it’s 5 ＄ (now)");
        assert_eq!(speech("你好,这里是信贷中心"), "你好,这里是信贷中心");
    }

    #[test]
    fn a_word_is_one_word() {
        assert_eq!(word("4000"), Ok("4000"));
        assert_eq!(word("NORMAL_CLEARING"), Ok("NORMAL_CLEARING"));
        assert_eq!(word("cti_robot/loan"), Ok("cti_robot/loan"));
        for planted in ["", "1 2", "-both", "a:b", "1\n2", "${x}", "x;y", &"9".repeat(129)] {
            assert_eq!(word(planted), Err(Refused::Word), "{planted:?}");
        }
        assert_eq!(dialplan("XML"), Ok("XML"));
        assert_eq!(dialplan("Inline"), Err(Refused::Dialplan));
    }

    #[test]
    fn a_script_runs_applications_and_no_programs() {
        assert_eq!(application("send_dtmf"), Ok("send_dtmf"));
        let named = ["system", "lua", "bridge", "multiset", "set", "execute_extension", "socket"];
        for planted in named.into_iter().chain(["System", "a b", "", "x\ny", "a::b"]) {
            assert_eq!(application(planted), Err(Refused::Application), "{planted:?}");
        }
    }

    #[test]
    fn a_file_stays_below_its_folder() {
        assert_eq!(relative_path("ru/hello (1).wav"), Ok(PathBuf::from("ru/hello (1).wav")));
        assert_eq!(relative_path("привет.wav"), Ok(PathBuf::from("привет.wav")));
        for planted in [
            "",
            "/etc/passwd",
            "../x.wav",
            "a/../../x.wav",
            "./x.wav",
            "shell:x",
            "a!b.wav",
            "a@@80.wav",
            "{x=1}a.wav",
            "${x}.wav",
            "a\nb.wav",
            "http://host/a.wav",
            "a|b.wav",
        ] {
            assert_eq!(relative_path(planted), Err(Refused::Path), "{planted:?}");
        }
    }

    #[test]
    fn a_tone_is_notes() {
        assert!(tone("tone_stream://%(2000,4000,440.0,480.0);loops=2").is_ok());
        for planted in [
            "tone_stream://",
            "tone_stream://path=/etc/passwd",
            "tone_stream://PATH=x",
            "tone_stream://${x}",
            "shell://x",
            "tone_stream://%(1,2,3)\napi x",
        ] {
            assert_eq!(tone(planted), Err(Refused::Tone), "{planted:?}");
        }
    }
}
