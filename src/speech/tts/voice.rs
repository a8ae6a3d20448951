//! Which voice speaks a text, and what it is asked (I20).

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::{Client, Url};
use smol_str::{SmolStr, format_smolstr};

use crate::config::{Secret, Speech, Tts, TtsKind};
use crate::script::VoiceSettings;
use crate::speech::cache::Key;
use crate::speech::{Net, SpeechError};

/// The voice of scripts that name none.
const DEFAULT: &str = "default";

/// The metric's word for voices that scripts bring along.
const OF_SCRIPT: &str = "ttsurl";

/// A longer text is no line of a conversation, bytes: some 20 minutes of speech.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// Where ElevenLabs is, unless the configuration says otherwise.
const ELEVENLABS: &str = "https://api.elevenlabs.io/v1";

/// The configured voices.
#[derive(Debug)]
pub(super) struct Voices(BTreeMap<String, Arc<Voice>>);

/// A voice that can be asked.
#[derive(Debug)]
pub(super) struct Voice {
    /// Its name in the configuration, or [`OF_SCRIPT`].
    pub(super) name: SmolStr,
    pub(super) at: At,
    /// The voice's own voice, if the script names none.
    voice: SmolStr,
    pub(super) model: String,
    pub(super) secret: Secret,
    /// To the first audio, and to each further piece, ms.
    pub(super) timeout_ms: u64,
}

/// Where a voice is.
#[derive(Debug)]
pub(super) enum At {
    /// The program, then its arguments.
    Command(Vec<String>),
    /// The service, and who asks it.
    Service(Protocol, Url, Client),
}

/// How a service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Get,
    Openai,
    Elevenlabs,
}

/// A text to be spoken by a voice.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) by: Arc<Voice>,
    /// Which of its voices; never empty unless neither script nor configuration names one.
    pub(super) voice: SmolStr,
    pub(super) settings: Arc<VoiceSettings>,
    pub(super) text: SmolStr,
}

impl Voices {
    /// # Errors
    /// A section that can't be used.
    pub(super) fn new(config: &Speech, net: &Net) -> Result<Self, SpeechError> {
        let made = config.tts.iter().map(|(name, tts)| {
            let fault = |(key, fault): (&str, String)| SpeechError::Config {
                key: format!("tts.{name}.{key}"),
                fault,
            };
            let voice = Voice {
                name: name.into(),
                at: at(tts, net).map_err(fault)?,
                voice: SmolStr::from(&tts.voice),
                model: tts.model.clone(),
                secret: tts.secret.clone(),
                timeout_ms: tts.timeout_ms,
            };
            Ok((name.clone(), Arc::new(voice)))
        });
        made.collect::<Result<_, _>>().map(Self)
    }

    /// The text as the script wants it spoken.
    ///
    /// # Errors
    /// Nothing can speak it so, and what to mend.
    pub(super) fn line(
        &self,
        text: &str,
        settings: &Arc<VoiceSettings>,
        net: &Net,
    ) -> Result<Line, SmolStr> {
        let text = text.trim();
        if !text.chars().any(char::is_alphanumeric) {
            return Err("there is nothing to speak in it".into());
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(format_smolstr!(
                "a text of more than {TEXT_BYTES_MAX} bytes is not spoken"
            ));
        }
        let by = self.choose(settings, net)?;
        let voice =
            if settings.voice.is_empty() { by.voice.clone() } else { settings.voice.clone() };
        if let At::Command(_) = by.at
            && !is_word(&voice)
        {
            return Err(format_smolstr!(
                "the voice {voice:?} may have only letters, digits, `_`, `+` and `-`, for it goes to a \
                 program"
            ));
        }
        Ok(Line { by, voice, settings: Arc::clone(settings), text: text.into() })
    }

    /// The voice of scripts that name none.
    pub(super) fn default(&self) -> Option<&Voice> {
        self.0.get(DEFAULT).map(Arc::as_ref)
    }

    fn choose(&self, settings: &VoiceSettings, net: &Net) -> Result<Arc<Voice>, SmolStr> {
        if !settings.url.is_empty() {
            return Ok(Arc::new(of_script(&settings.url, net)?));
        }
        let named = self.0.get(settings.engine.as_str()).or_else(|| self.0.get(DEFAULT));
        named.cloned().ok_or_else(|| "no voice speaks texts: set [speech.tts.default]".into())
    }
}

impl Line {
    /// Of all that decides how it sounds.
    pub(super) fn key(&self) -> Key {
        let set = &self.settings;
        let (kind, place): (&str, Vec<u8>) = match &self.by.at {
            At::Command(command) => ("command", command.join("\0").into_bytes()),
            At::Service(Protocol::Get, url, _) => ("http", url.as_str().into()),
            At::Service(Protocol::Openai, url, _) => ("openai", url.as_str().into()),
            At::Service(Protocol::Elevenlabs, url, _) => ("elevenlabs", url.as_str().into()),
        };
        let mut parts: Vec<&[u8]> = vec![b"voice", kind.as_bytes(), &place];
        let texts: [&str; 8] = [
            &self.by.model,
            &self.voice,
            &set.config,
            &set.volume,
            &set.speech_rate,
            &set.pitch_rate,
            &set.engine,
            &self.text,
        ];
        parts.extend(texts.iter().map(|text| text.as_bytes()));
        Key::of(&parts)
    }
}

/// Where this voice is, or the key that is wrong and why.
fn at(tts: &Tts, net: &Net) -> Result<At, (&'static str, String)> {
    let protocol = match tts.kind {
        TtsKind::Command if tts.command.first().is_none_or(String::is_empty) => {
            return Err(("command", "it is empty; write a program and its arguments".into()));
        }
        TtsKind::Command => return Ok(At::Command(tts.command.clone())),
        TtsKind::Http => Protocol::Get,
        TtsKind::Openai => Protocol::Openai,
        TtsKind::Elevenlabs => Protocol::Elevenlabs,
    };
    let is_usual = tts.url.is_empty() && protocol == Protocol::Elevenlabs;
    let url = if is_usual { ELEVENLABS } else { &tts.url };
    let url = web_address(url).map_err(|fault| ("url", fault))?;
    let client = net.client_by(&tts.proxy).map_err(|fault| ("proxy", fault))?;
    Ok(At::Service(protocol, url, client))
}

/// A script's own voice, if a script may ask there (N15).
fn of_script(url: &str, net: &Net) -> Result<Voice, SmolStr> {
    let url = web_address(url).map_err(|fault| format_smolstr!("ttsurl: {fault}"))?;
    net.allows(&url)?;
    let usual = Tts::default();
    Ok(Voice {
        name: OF_SCRIPT.into(),
        at: At::Service(Protocol::Get, url, net.client().clone()),
        voice: SmolStr::default(),
        model: String::new(),
        secret: Secret::default(),
        timeout_ms: usual.timeout_ms,
    })
}

/// An address of the web, or what is wrong with it; never with the address, which may hold a token.
pub(super) fn web_address(text: &str) -> Result<Url, String> {
    let wanted = "write http://host:port/path";
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(url) => Err(format!("`{}:` is not spoken; {wanted}", url.scheme())),
        Err(error) => Err(format!("it is no address ({error}); {wanted}")),
    }
}

/// One word of a command line, and no option.
fn is_word(voice: &str) -> bool {
    let allowed = |sign: char| sign.is_ascii_alphanumeric() || "_+-".contains(sign);
    !voice.starts_with('-') && voice.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net() -> Net {
        let check = |url: &Url| match url.host_str() {
            Some("169.254.169.254") => Err("refused".to_owned()),
            _ => Ok(()),
        };
        Net::new(Client::new(), check, |proxy| match proxy {
            "" => Ok(Client::new()),
            proxy => Err(format!("`{proxy}` is no proxy")),
        })
    }

    fn voices() -> Voices {
        let mut speech = Speech::default();
        let named = Tts {
            kind: TtsKind::Openai,
            url: "http://127.0.0.1:1/v1".into(),
            voice: "alloy".into(),
            ..Tts::default()
        };
        speech.tts.insert("good".into(), named);
        Voices::new(&speech, &net()).unwrap()
    }

    fn line(settings: &VoiceSettings) -> Result<Line, SmolStr> {
        voices().line("hello", &Arc::new(settings.clone()), &net())
    }

    #[test]
    fn the_script_says_who_speaks_else_the_configuration_i20() {
        let none = VoiceSettings::default();
        let said = |settings| {
            let line = line(&settings).unwrap();
            (line.by.name.to_string(), line.voice.to_string())
        };
        let pair = |name: &str, voice: &str| (name.to_owned(), voice.to_owned());
        assert_eq!(said(none.clone()), pair("default", "en"));
        let engine = |engine: &str| VoiceSettings { engine: engine.into(), ..none.clone() };
        assert_eq!(said(engine("good")), pair("good", "alloy"));
        assert_eq!(said(engine("their word")), pair("default", "en"));
        let voice = VoiceSettings { voice: "nova".into(), ..engine("good") };
        assert_eq!(said(voice), pair("good", "nova"));
        let url = VoiceSettings { url: "http://127.0.0.1/tts".into(), ..engine("good") };
        assert_eq!(said(url), pair("ttsurl", ""));
    }

    #[test]
    fn a_script_asks_only_where_it_may_n15() {
        for url in ["http://169.254.169.254/", "file:///etc/passwd", "no address"] {
            assert!(
                line(&VoiceSettings { url: url.into(), ..Default::default() }).is_err(),
                "{url}"
            );
        }
    }

    #[test]
    fn a_voice_for_a_program_is_a_word_n10() {
        for voice in ["../x", "-o/tmp/x", "a b", "$(touch x)", "a;b", "голос", "a\nb"] {
            let refused = line(&VoiceSettings { voice: voice.into(), ..Default::default() });
            assert!(refused.unwrap_err().contains("may have only"), "{voice}");
        }
        assert!(line(&VoiceSettings { voice: "en-us+f3".into(), ..Default::default() }).is_ok());
    }

    #[test]
    fn a_text_without_words_or_without_end_is_not_spoken() {
        let spoken = |text: &str| voices().line(text, &Arc::default(), &net()).is_ok();
        assert!(spoken("1") && spoken(" 你好 ") && spoken(&"a".repeat(TEXT_BYTES_MAX)));
        assert!(!spoken("") && !spoken(" …! ") && !spoken(&"a".repeat(TEXT_BYTES_MAX + 1)));
    }

    #[test]
    fn all_that_decides_how_it_sounds_decides_the_name_i20() {
        let set = VoiceSettings::default();
        let variants = [
            set.clone(),
            VoiceSettings { engine: "good".into(), ..set.clone() },
            VoiceSettings { engine: "other".into(), ..set.clone() },
            VoiceSettings { url: "http://127.0.0.1/a".into(), ..set.clone() },
            VoiceSettings { url: "http://127.0.0.1/b".into(), ..set.clone() },
            VoiceSettings { voice: "ru".into(), ..set.clone() },
            VoiceSettings { config: "1".into(), ..set.clone() },
            VoiceSettings { volume: "1".into(), ..set.clone() },
            VoiceSettings { speech_rate: "1".into(), ..set.clone() },
            VoiceSettings { pitch_rate: "1".into(), ..set.clone() },
        ];
        let keys: Vec<_> = variants.iter().map(|set| line(set).unwrap().key()).collect();
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys.iter().skip(at + 1).any(|other| other == key), "{:?}", variants.get(at));
        }
        let other = voices().line("hullo", &Arc::default(), &net()).unwrap();
        assert!(!keys.contains(&other.key()));
        assert_eq!(line(&set).unwrap().key(), *keys.first().unwrap());
    }

    #[test]
    fn a_section_that_cannot_work_is_told_by_its_key() {
        let key = |tts: Tts| {
            let speech = Speech { tts: BTreeMap::from([("a".into(), tts)]), ..Speech::default() };
            Voices::new(&speech, &net()).unwrap_err().to_string()
        };
        let http = |url: &str, proxy: &str| Tts {
            kind: TtsKind::Http,
            url: url.into(),
            proxy: proxy.into(),
            ..Tts::default()
        };
        assert!(key(http("", "")).starts_with("speech.tts.a.url: "));
        assert!(key(http("ftp://a/", "")).starts_with("speech.tts.a.url: "));
        assert!(key(http("http://a/", "bad")).starts_with("speech.tts.a.proxy: `bad`"));
        let command = Tts { command: Vec::new(), ..Tts::default() };
        assert!(key(command).starts_with("speech.tts.a.command: "));
    }
}
