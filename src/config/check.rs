//! Whether the values can be used: what types can't say.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::tz::TimeZone;

use super::problem::Problem;
use super::{Config, Freeswitch, FreeswitchOutbound, RecordingMode, TtsKind};

/// The width of a table name in MySQL.
const TABLE_NAME_BYTES_MAX: usize = 64;

/// The zone of this name; `local` is the system's. `None` if there is no such zone.
#[must_use]
pub fn time_zone(name: &str) -> Option<TimeZone> {
    if name == "local" { Some(TimeZone::system()) } else { TimeZone::get(name).ok() }
}

/// A network, `10.0.0.0/8`, or an address as a network of one. `None` if it is neither.
#[must_use]
pub fn network(text: &str) -> Option<IpNet> {
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()
}

/// Every value that can't be used.
pub(super) fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_names(config, &mut problems);
    check_switches(&config.freeswitch, &mut problems);
    check_outbound(&config.freeswitch_outbound, &mut problems);
    check_asterisk(config, &mut problems);
    check_ears_and_voices(config, &mut problems);
    check_services(config, &mut problems);
    check_tables(config, &mut problems);
    check_limits(config, &mut problems);
    check_egress(config, &mut problems);
    problems
}

fn check_names(config: &Config, problems: &mut Vec<Problem>) {
    if time_zone(&config.timezone).is_none() {
        let message = format!("there is no time zone `{}`", config.timezone);
        problems.push(Problem::error(
            "timezone",
            message,
            "write local, UTC, or a name like Asia/Shanghai",
        ));
    }
    let may_stand = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !config.domain.chars().all(may_stand) {
        let remedy = "use letters, digits, `.`, `_` and `-`: it becomes part of Redis keys (N10)";
        problems.push(Problem::error("domain", "has other characters than a domain", remedy));
    }
    if config.scripts.default.split('/').any(|step| step == "..") {
        let remedy = "name it by its path below `scripts.dir` without `.json`";
        problems.push(Problem::error("scripts.default", "leads out of the scripts folder", remedy));
    }
}

fn check_switches(switches: &[Freeswitch], problems: &mut Vec<Problem>) {
    for (number, switch) in switches.iter().enumerate() {
        let key = |name: &str| format!("freeswitch.{number}.{name}");
        check_address(&key("address"), &switch.address, problems);
        if switches.iter().take(number).any(|earlier| earlier.address == switch.address) {
            let message = format!("{} stands twice", switch.address);
            problems.push(Problem::error(
                &key("address"),
                message,
                "write one [[freeswitch]] for each",
            ));
        }
        check_speech((&key("asr"), &switch.asr), (&key("tts"), &switch.tts), problems);
    }
}

fn check_outbound(outbound: &FreeswitchOutbound, problems: &mut Vec<Problem>) {
    let asr = ("freeswitch_outbound.asr", outbound.asr.as_str());
    check_speech(asr, ("freeswitch_outbound.tts", &outbound.tts), problems);
    check_listen(("freeswitch_outbound.listen", "127.0.0.1:8084"), &outbound.listen, problems);
}

/// Ears and voice of a switch, each with its key.
fn check_speech(asr: (&str, &str), tts: (&str, &str), problems: &mut Vec<Problem>) {
    if asr.1.is_empty() || asr.1 == "daemon" {
        let remedy = "name a recogniser of the switch, for example unimrcp";
        problems.push(Problem::error(asr.0, "nobody would hear the caller", remedy));
    }
    if tts.1 != "file" && !tts.1.contains(':') {
        let message = format!("`{}` names no voice", tts.1);
        problems.push(Problem::error(tts.0, message, "write file, or <engine>:<voice>"));
    }
    for (key, text) in [asr, tts] {
        if text.chars().any(char::is_control) {
            let message = "has a line break or another control character";
            problems.push(Problem::error(key, message, "write one line of text (N10)"));
        }
    }
}

fn check_asterisk(config: &Config, problems: &mut Vec<Problem>) {
    let asterisk = &config.asterisk;
    check_listen(("asterisk.audiosocket", "127.0.0.1:9092"), &asterisk.audiosocket, problems);
    check_listen(("asterisk.fastagi", "127.0.0.1:4573"), &asterisk.fastagi, problems);
    if asterisk.audiosocket.is_empty() && (!asterisk.fastagi.is_empty() || asterisk.bare) {
        let remedy = "write for example 127.0.0.1:9092";
        problems.push(Problem::error("asterisk.audiosocket", "calls would have no audio", remedy));
    }
    if ["0.0.0.0:", "[::]:"].iter().any(|all| asterisk.audiosocket.starts_with(all)) {
        let message = "is told to Asterisk, which can't connect to all addresses at once";
        let remedy = "write the one address of this machine that Asterisk reaches";
        problems.push(Problem::error("asterisk.audiosocket", message, remedy));
    }
    if !asterisk.audiosocket.is_empty() {
        if asterisk.fastagi.is_empty() && !asterisk.bare {
            let message = "no call is ever announced, and unannounced ones are refused";
            let remedy = "set asterisk.fastagi, or asterisk.bare = true";
            problems.push(Problem::error("asterisk.fastagi", message, remedy));
        }
        if config.speech.asr.is_empty() {
            let message =
                "there is no recogniser, so no caller is heard but by scripts that name one";
            let remedy = "write a section [speech.asr.default]";
            problems.push(Problem::warning("speech.asr", message, remedy));
        }
    }
}

fn check_ears_and_voices(config: &Config, problems: &mut Vec<Problem>) {
    for (name, asr) in &config.speech.asr {
        let key = |key: &str| format!("speech.asr.{name}.{key}");
        if asr.url.trim_matches(['*', ',', ' ']).is_empty() {
            let remedy = "write where it is, for example ws://127.0.0.1:2700";
            problems.push(Problem::error(&key("url"), "names no recogniser", remedy));
        }
        for (field, ms) in [("connect_ms", asr.connect_ms), ("result_ms", asr.result_ms)] {
            check_time(&key(field), ms, problems);
        }
    }
    for (name, tts) in &config.speech.tts {
        let key = |key: &str| format!("speech.tts.{name}.{key}");
        if matches!(tts.kind, TtsKind::Http | TtsKind::Openai) && tts.url.is_empty() {
            let remedy = "write its address, http://…";
            problems.push(Problem::error(&key("url"), "names no voice", remedy));
        }
        if tts.kind == TtsKind::Command && tts.command.is_empty() {
            let remedy = "write the program and its arguments";
            problems.push(Problem::error(&key("command"), "names no program", remedy));
        }
        check_time(&key("timeout_ms"), tts.timeout_ms, problems);
    }
    let name = &config.recording.name;
    if config.recording.mode == RecordingMode::Action && !name.contains("${appid}") {
        let message = "names one file for all actions of a call, which is mode = \"call\"";
        let remedy = "write for example %Y-%m-%d/${callid}-${appid}";
        problems.push(Problem::warning("recording.name", message, remedy));
    }
    if name.is_empty() || name.starts_with('/') || name.split('/').any(|step| step == "..") {
        let remedy = "write for example %Y-%m-%d/${callid}";
        problems.push(Problem::error("recording.name", "leads out of recording.dir", remedy));
    }
}

fn check_time(key: &str, ms: u64, problems: &mut Vec<Problem>) {
    if ms == 0 {
        let remedy = "write a time in ms, for example 3000";
        problems.push(Problem::error(key, "nobody could answer in no time", remedy));
    }
}

fn check_services(config: &Config, problems: &mut Vec<Problem>) {
    let urls = [
        ("database.url", config.database.url.0.as_str(), &["sqlite://", "mysql://"][..]),
        ("redis.url", config.redis.url.0.as_str(), &["redis://"][..]),
        ("robot.record.notify_url", &config.robot.record.notify_url, &["http://", "https://"][..]),
    ];
    for (key, url, schemes) in urls {
        let known =
            schemes.iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
        if !url.is_empty() && !known {
            let remedy = format!("write an address that begins with {}", schemes.join(" or "));
            problems.push(Problem::error(key, "is no address of a kind we speak", remedy));
        }
    }
    check_listen(("http.listen", "127.0.0.1:8080"), &config.http.listen, problems);
    if config.redis.url.0.is_empty() {
        check_unreachable_targets(config, problems);
    }
}

fn check_unreachable_targets(config: &Config, problems: &mut Vec<Problem>) {
    let targets = [
        ("robot.record.redis", &config.robot.record.redis),
        ("robot.record.notify_redis", &config.robot.record.notify_redis),
        ("robot.statistic.redis", &config.robot.statistic.redis),
    ];
    for (key, target) in targets {
        if *target != super::RedisTargets::default() {
            let message = "names a place in Redis, and there is no `redis.url`";
            problems.push(Problem::warning(
                key,
                message,
                "set redis.url, or leave the names empty",
            ));
        }
    }
}

fn check_tables(config: &Config, problems: &mut Vec<Problem>) {
    let conversation = &config.robot.record.database.table;
    let classify = &config.robot.statistic.database.table;
    let tables = [
        ("robot.record.database.table", conversation),
        ("robot.statistic.database.table", classify),
    ];
    for (key, table) in tables {
        let may_stand = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if table.len() > TABLE_NAME_BYTES_MAX || !table.chars().all(may_stand) {
            let remedy = "use 1 to 64 of A-Z a-z 0-9 _, or empty for none (I6)";
            problems.push(Problem::error(key, format!("`{table}` is no table name"), remedy));
        }
    }
    if !conversation.is_empty() && conversation == classify {
        let message = format!("`{classify}` is the table of conversations already");
        let key = "robot.statistic.database.table";
        problems.push(Problem::error(key, message, "give each kind of rows its own table"));
    }
}

fn check_limits(config: &Config, problems: &mut Vec<Problem>) {
    if config.calls.max == 0 {
        problems.push(Problem::error(
            "calls.max",
            "every call would be refused",
            "write 1 or more",
        ));
    }
    let flow = &config.robot.httpflow;
    for (name, ms) in
        [("connecttimeout", flow.connecttimeout), ("responsetimeout", flow.responsetimeout)]
    {
        check_time(&format!("robot.httpflow.{name}"), ms, problems);
    }
    check_patterns("calls.transfer_allow", &config.calls.transfer_allow, problems);
    check_patterns("robot.httpflow.commands", &config.robot.httpflow.commands, problems);
}

fn check_patterns(list: &str, patterns: &[String], problems: &mut Vec<Problem>) {
    for (number, pattern) in patterns.iter().enumerate() {
        if let Err(error) = regex::Regex::new(pattern) {
            let key = format!("{list}.{number}");
            let shown = error.to_string();
            // The lines before the last draw the pattern with a caret.
            let message = shown.lines().last().unwrap_or_default().trim_start_matches("error: ");
            problems.push(Problem::error(
                &key,
                message,
                "write a regular expression like ^[0-9]{3,6}$",
            ));
        }
    }
}

fn check_egress(config: &Config, problems: &mut Vec<Problem>) {
    for (number, entry) in config.egress.allow.iter().enumerate() {
        if network(entry).is_none() {
            let message = format!("`{entry}` is no network");
            let remedy = "write for example 10.0.0.0/8, fd00::/8, or one address (N15)";
            problems.push(Problem::error(&format!("egress.allow.{number}"), message, remedy));
        }
    }
}

fn check_address(key: &str, address: &str, problems: &mut Vec<Problem>) {
    let good = address.rsplit_once(':').is_some_and(|(host, port)| {
        is_host(host) && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    if !good {
        let message = format!("`{address}` is not host:port");
        problems.push(Problem::error(
            key,
            message,
            "write for example 127.0.0.1:8021 or [::1]:8021",
        ));
    }
}

/// A port of ours, with the address it should have; empty = none. Nothing but an address guards it
/// (N12).
fn check_listen((key, usual): (&str, &str), listen: &str, problems: &mut Vec<Problem>) {
    if listen.is_empty() {
        return;
    }
    check_address(key, listen, problems);
    let loopback = ["127.", "localhost:", "[::1]:"];
    if !loopback.iter().any(|start| listen.starts_with(start)) {
        let message = "can be reached from other hosts, and asks nobody who they are";
        problems.push(Problem::warning(
            key,
            message,
            format!("listen on {usual}, or put a firewall before it"),
        ));
    }
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    let unbracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match unbracketed {
        Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let may_stand = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            !host.is_empty() && host.chars().all(may_stand)
        }
    }
}
