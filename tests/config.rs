//! The configuration as a person meets it: what is read, what is said of mistakes.
#![expect(clippy::unwrap_used, reason = "a test that can't go on says so by panicking")]

use std::path::PathBuf;

use telephonist::config::{
    Asr, AsrKind, Config, DEFAULT_TOML, Freeswitch, Loaded, Rejected, Source, TtsKind, load,
};

#[test]
fn the_reference_is_the_defaults() {
    assert_eq!(toml::from_str::<Config>(DEFAULT_TOML).unwrap(), Config::default());
}

#[test]
fn the_reference_names_every_key() {
    let text = with_switch(DEFAULT_TOML);
    let written: toml::Table = text.parse().unwrap();
    let mut config = Config { freeswitch: vec![Freeswitch::default()], ..Config::default() };
    config.speech.asr.insert("default".into(), Asr::default());
    assert_eq!(keys(&toml::Table::try_from(config).unwrap()), keys(&written));
}

#[test]
fn the_switch_in_the_reference_is_the_default_one() {
    let config: Config = toml::from_str(&with_switch(DEFAULT_TOML)).unwrap();
    assert_eq!(config.freeswitch, [Freeswitch::default()]);
    assert_eq!(config.speech.asr["default"], Asr::default());
}

#[test]
fn without_a_file_the_defaults_hold_and_the_host_is_the_instance() {
    let loaded = load(&Source::default()).unwrap();
    assert_ne!(loaded.config.instance, "");
    assert_eq!(Config { instance: String::new(), ..loaded.config }, Config::default());
    assert_eq!(loaded.warnings, []);
}

#[test]
fn a_named_file_must_be_there() {
    let source = Source { file: Some("/absent/robot.toml".into()), ..Source::default() };
    let rejected = load(&source).unwrap_err().to_string();
    assert!(rejected.starts_with("/absent/robot.toml: error: "), "{rejected}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let text = "[calls]\nmax = 5\n[[freeswitch]]\naddress = \"10.0.0.1:8021\"\n";
    let config = read(
        text,
        &[
            ("TELEPHONIST__CALLS__MAX", "7"),
            ("TELEPHONIST__CALLS__TRANSFER_ALLOW", "^1$, ^2$"),
            ("TELEPHONIST__ROBOT__RECORD__LOG", "true"),
            ("TELEPHONIST__ROBOT__RECORD__NOTIFY_FIELDS", "[\"a\", \"b\"]"),
            ("TELEPHONIST__INSTANCE", "12"),
            ("TELEPHONIST__FREESWITCH__0__PASSWORD", "env:ESL"),
            ("TELEPHONIST__FREESWITCH__1__ADDRESS", "10.0.0.2:8021"),
            ("ESL", "hunter2"),
            ("TELEPHONIST_TOKEN", "is not a key"),
        ],
    )
    .unwrap()
    .config;
    assert_eq!(config.calls.max, 7);
    assert_eq!(config.calls.transfer_allow, ["^1$", "^2$"]);
    assert!(config.robot.record.log);
    assert_eq!(config.robot.record.notify_fields, ["a", "b"]);
    assert_eq!(config.instance, "12");
    assert_eq!(config.freeswitch[0].address, "10.0.0.1:8021");
    assert_eq!(config.freeswitch[0].password.0, "hunter2");
    assert_eq!(config.freeswitch[1].address, "10.0.0.2:8021");
}

#[test]
fn a_switch_of_the_environment_must_follow_the_one_before() {
    let variables = [("TELEPHONIST__FREESWITCH__1__ADDRESS", "10.0.0.2:8021")];
    assert_eq!(
        said_of("", &variables),
        "TELEPHONIST__FREESWITCH__1__ADDRESS: error: freeswitch.1.address: only 0 elements come \
         before it; number the elements from 0; the next is 0"
    );
}

#[test]
fn a_list_of_the_environment_is_wrong_there_and_not_in_the_file() {
    let text = "[calls]\ntransfer_allow = [\"^1$\", \"^2$\"]\n";
    let said = said_of(text, &[("TELEPHONIST__CALLS__TRANSFER_ALLOW", "^1$,(")]);
    assert_eq!(place_and_key(&said), "TELEPHONIST__CALLS__TRANSFER_ALLOW calls.transfer_allow.1");
}

#[test]
fn ten_switches_of_the_environment_stand_in_their_order() {
    let names: Vec<_> = (0..11).map(|n| format!("TELEPHONIST__FREESWITCH__{n}__ADDRESS")).collect();
    let addresses: Vec<_> = (0..11).map(|n| format!("10.0.0.{n}:8021")).collect();
    let variables: Vec<_> =
        names.iter().zip(&addresses).map(|(name, text)| (&**name, &**text)).collect();
    let config = read("", &variables).unwrap().config;
    let read: Vec<_> = config.freeswitch.into_iter().map(|switch| switch.address).collect();
    assert_eq!(read, addresses);
}

#[test]
fn what_is_not_toml_is_shown_by_line_and_column() {
    let said = said_of("instance = \"a\"\ncalls = {\n", &[]);
    assert!(said.starts_with("telephonist.toml:2:"), "{said}");
    assert!(said.contains(": error: not TOML: "), "{said}");
}

#[test]
fn all_that_is_wrong_is_told_together_each_with_its_place() {
    let text = r#"timezone = "Mars/Olympus"
domain = "a b"
[scripts]
default = "../etc"
[[freeswitch]]
address = "127.0.0.1"
asr = ""
tts = "loud"
[[freeswitch]]
address = "127.0.0.1"
password = "env:ABSENT"
[database]
url = "oracle://db"
[redis]
url = "http://cache"
[robot]
event_after_hangup = "yes"
[robot.record]
notify_url = "ftp://x"
database.table = "a;drop"
[robot.httpflow]
commands = ["^uuid_[a-z]+ .*", "("]
responsetimeout = 0
[http]
listen = "127.0.0.1:port"
[calls]
max = 0
drain = -1
transfer_allow = ["^[0-9]+$", "("]
[egress]
allow = ["10.0.0.0/8", "::1", "ten"]
"#;
    let said = said_of(text, &[("TELEPHONIST__ROBOT__RECORD__LOG", "perhaps")]);
    let places: Vec<_> = said.lines().map(place_and_key).collect();
    let expected = [
        "telephonist.toml:28:1 calls.drain",
        "telephonist.toml:17:1 robot.event_after_hangup",
        "TELEPHONIST__ROBOT__RECORD__LOG robot.record.log",
        "telephonist.toml:11:1 freeswitch.1.password",
        "telephonist.toml:1:1 timezone",
        "telephonist.toml:2:1 domain",
        "telephonist.toml:4:1 scripts.default",
        "telephonist.toml:6:1 freeswitch.0.address",
        "telephonist.toml:7:1 freeswitch.0.asr",
        "telephonist.toml:8:1 freeswitch.0.tts",
        "telephonist.toml:10:1 freeswitch.1.address",
        "telephonist.toml:10:1 freeswitch.1.address",
        "telephonist.toml:13:1 database.url",
        "telephonist.toml:15:1 redis.url",
        "telephonist.toml:19:1 robot.record.notify_url",
        "telephonist.toml:22:32 robot.httpflow.commands.1",
        "telephonist.toml:23:1 robot.httpflow.responsetimeout",
        "telephonist.toml:25:1 http.listen",
        "telephonist.toml:20:10 robot.record.database.table",
        "telephonist.toml:27:1 calls.max",
        "telephonist.toml:29:31 calls.transfer_allow.1",
        "telephonist.toml:31:31 egress.allow.2",
    ];
    let (mut places, mut expected) = (places, expected.map(str::to_owned).to_vec());
    places.sort();
    expected.sort();
    assert_eq!(places, expected, "{said}");
}

#[test]
fn a_wrong_type_is_named_with_the_right_one() {
    assert_eq!(
        said_of("[calls]\nmax = \"many\"\n", &[]),
        "telephonist.toml:2:1: error: calls.max: is a text in quotes, and must be a whole number; \
         write for example 2000"
    );
}

#[test]
fn two_kinds_of_rows_do_not_share_a_table() {
    let said = said_of("[robot.statistic.database]\ntable = \"conversation\"\n", &[]);
    assert!(said.contains("robot.statistic.database.table"), "{said}");
}

#[test]
fn an_unknown_key_is_a_warning_with_its_path_and_what_is_known_there() {
    let variables = [("TELEPHONIST__HTTP__PORT", "1")];
    let loaded = read("[calls]\nmaximum = 5\n", &variables).unwrap();
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "telephonist.toml:2:1: warning: calls.maximum: unknown key, ignored; known here: drain, \
             max, transfer_allow",
            "TELEPHONIST__HTTP__PORT: warning: http.port: unknown key, ignored; known here: listen",
        ]
    );
}

#[test]
fn the_outbound_port_is_checked_like_a_switch_and_like_a_port_of_ours_n12() {
    let text = "[freeswitch_outbound]\nlisten = \"0.0.0.0:8084\"\nasr = \"\"\ntts = \"loud\"\n";
    let said = said_of(text, &[]);
    for complaint in [
        "telephonist.toml:2:1: warning: freeswitch_outbound.listen: can be reached",
        "telephonist.toml:3:1: error: freeswitch_outbound.asr: nobody would hear",
        "telephonist.toml:4:1: error: freeswitch_outbound.tts: `loud` names no voice",
    ] {
        assert!(said.contains(complaint), "{said}");
    }
}

#[test]
fn published_keys_of_later_work_are_accepted_and_said_to_have_no_effect() {
    let text = r#"
[[freeswitch]]
unicast_ports = "21000-21999"
[llm.default]
model = "m"
[http]
token = "env:TELEPHONIST_TOKEN"
[retention]
rows_days = 0
"#;
    let loaded = read(text, &[]).unwrap();
    let mut keys: Vec<_> = loaded.warnings.iter().map(|warning| warning.key.as_str()).collect();
    keys.sort_unstable();
    let mut expected = ["freeswitch.0.unicast_ports", "http.token", "llm", "retention"];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    let told = |message: &str| message == "accepted, without effect yet";
    assert!(loaded.warnings.iter().all(|warning| told(&warning.message)));
}

#[test]
fn a_section_that_only_the_environment_names_is_found_there() {
    let loaded = read("[robot]\n", &[("TELEPHONIST__LLM__DEFAULT__MODEL", "m")]).unwrap();
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["TELEPHONIST__LLM__DEFAULT__MODEL: warning: llm: accepted, without effect yet; take \
          it out to be rid of this"]
    );
}

/// Sections whose names the user makes up are read under any name, from file and environment.
#[test]
fn recognisers_and_voices_have_names_of_the_users_own() {
    let text = "[speech.asr.fast]\nkind = \"openai\"\nurl = \"http://127.0.0.1:9000/v1\"\n";
    let variables = [
        ("TELEPHONIST__SPEECH__ASR__FAST__SECRET", "env:KEY"),
        ("TELEPHONIST__SPEECH__TTS__DEFAULT__VOICE", "ru"),
        ("KEY", "hunter2"),
    ];
    let loaded = read(text, &variables).unwrap();
    let speech = loaded.config.speech;
    let one = read("[speech.tts.ru]\nvoice = \"ru\"\n", &[]).unwrap().config.speech.tts;
    assert_eq!(one["default"].command, one["ru"].command, "the built-in voice stays");
    assert_eq!(
        (speech.asr["fast"].kind, &*speech.asr["fast"].secret.0),
        (AsrKind::Openai, "hunter2")
    );
    assert_eq!(
        (speech.tts["default"].kind, &*speech.tts["default"].voice),
        (TtsKind::Command, "ru")
    );
    assert_eq!(loaded.warnings, []);
    assert!(said_of("[speech.asr.fast]\nkind = \"loud\"\n", &[]).contains("loud"));
}

#[test]
fn ears_and_voices_that_can_not_work_are_said_with_the_remedy() {
    let said = said_of(
        "[asterisk]\nfastagi = \"127.0.0.1:4573\"\n[speech.asr.default]\nurl = \"\"\n\
         [speech.tts.default]\nkind = \"http\"\n[recording]\nmode = \"call\"\nname = \"/abs/..\"\n",
        &[],
    );
    for key in [
        "asterisk.audiosocket",
        "speech.asr.default.url",
        "speech.tts.default.url",
        "recording.name",
    ] {
        assert!(said.contains(&format!(" {key}: ")), "{key}: {said}");
    }
    let all = said_of("[asterisk]\naudiosocket = \"0.0.0.0:9092\"\nbare = true\n", &[]);
    assert!(all.contains("can't connect to all addresses"), "{all}");
    let one = read("[recording]\nmode = \"action\"\n", &[]).unwrap().warnings;
    assert_eq!(one.iter().map(|warning| &*warning.key).collect::<Vec<_>>(), ["recording.name"]);
    let deaf =
        read("[asterisk]\naudiosocket = \"127.0.0.1:9092\"\nfastagi = \"127.0.0.1:4573\"\n", &[]);
    let keys: Vec<_> = deaf.unwrap().warnings.into_iter().map(|warning| warning.key).collect();
    assert_eq!(keys, ["speech.asr"], "nobody would hear the callers");
}

#[test]
fn rows_for_redis_without_a_redis_are_a_warning() {
    let loaded = read("[robot.record.redis]\nlist = \"rows\"\n", &[]).unwrap();
    let keys: Vec<_> = loaded.warnings.iter().map(|warning| &*warning.key).collect();
    assert_eq!(keys, ["robot.record.redis"]);
}

#[test]
fn a_port_that_other_hosts_reach_is_a_warning() {
    for (listen, warnings) in
        [("0.0.0.0:8080", 1), ("[::]:8080", 1), ("127.0.0.1:80", 0), ("[::1]:80", 0), ("", 0)]
    {
        let loaded = read(&format!("[http]\nlisten = \"{listen}\"\n"), &[]).unwrap();
        let keys: Vec<_> = loaded.warnings.iter().map(|warning| &*warning.key).collect();
        assert_eq!(keys, vec!["http.listen"; warnings], "{listen}");
    }
}

#[test]
fn no_secret_is_ever_shown() {
    let text = r#"
[[freeswitch]]
password = "tell-nobody"
[database]
url = "mysql://robot:tell-nobody@db/calls"
[redis]
url = "redis://:tell-nobody@cache/"
"#;
    let config = read(text, &[]).unwrap().config;
    assert!(!format!("{config:?}").contains("tell-nobody"));
    assert!(!toml::to_string(&config).unwrap().contains("tell-nobody"));
    assert!(!said_of(&text.replace("mysql://", "oracle://"), &[]).contains("tell-nobody"));
}

/// A word that is none of those a key may be is told with its key and where it stands.
#[test]
fn an_unknown_word_is_named_with_its_key() {
    let text = "[speech.asr.default]\nurl = \"ws://127.0.0.1:2700\"\nkind = \"vosk\"\n\
                [speech.asr.other]\nkind = \"whisper\"\n";
    let rejected = read(text, &[]).unwrap_err().to_string();
    let begin = "telephonist.toml:5:1: error: speech.asr.other.kind: unknown variant `whisper`";
    assert!(rejected.contains(begin), "{rejected}");
    let rejected = read("[recording]\nmode = \"all\"\n", &[]).unwrap_err().to_string();
    assert!(rejected.contains("telephonist.toml:2:1: error: recording.mode: "), "{rejected}");
}

/// Loads this text as `telephonist.toml` under these variables.
fn read(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Rejected> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telephonist.toml");
    std::fs::write(&path, text).unwrap();
    let pairs = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    load(&Source { file: Some(path), environment: pairs.collect() })
        .map(|mut loaded| {
            loaded.warnings.iter_mut().for_each(|warning| shorten(&mut warning.place));
            loaded
        })
        .map_err(|mut rejected| {
            rejected.0.iter_mut().for_each(|problem| shorten(&mut problem.place));
            rejected
        })
}

/// The file's name without the temporary folder.
fn shorten(place: &mut telephonist::config::Place) {
    if let telephonist::config::Place::File { path, .. } = place {
        *path = PathBuf::from(path.file_name().unwrap());
    }
}

fn said_of(text: &str, variables: &[(&str, &str)]) -> String {
    read(text, variables).unwrap_err().to_string()
}

/// `<place>: error: <key>: …` → `<place> <key>`
fn place_and_key(line: &str) -> String {
    let (place, rest) = line.split_once(": error: ").unwrap();
    let (key, _) = rest.split_once(": ").unwrap();
    format!("{place} {key}")
}

/// The reference with its example of a switch in force: `#` before a key instead of before prose.
fn with_switch(reference: &str) -> String {
    let in_force = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    reference.lines().map(in_force).collect::<Vec<_>>().join("\n")
}

/// Every key as a dotted path, sorted.
fn keys(table: &toml::Table) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, value) in table {
        let inner = match value {
            toml::Value::Table(table) => Some(table),
            toml::Value::Array(array) => array.first().and_then(toml::Value::as_table),
            _ => None,
        };
        match inner {
            Some(table) => {
                keys.extend(self::keys(table).iter().map(|rest| format!("{key}.{rest}")))
            }
            None => keys.push(key.clone()),
        }
    }
    keys.sort();
    keys
}
