//! Reads the configuration: file, then environment, then secrets; then checks all of it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::document::join;
use super::problem::{Place, Problem, Severity};
use super::{CheckRule, Config, Secret, check, document::Document, shape::Shape};

/// The file that is read if none is named and it is there.
const FILE_DEFAULT: &str = "telephonist.toml";

/// A configuration of a thousand switches has a tenth of this.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file that was asked for; `None` = `telephonist.toml`, if it is there.
    pub file: Option<PathBuf>,
    /// Variables by name: `TELEPHONIST__SECTION__KEY`, and those that secrets name by `env:`.
    pub environment: BTreeMap<String, String>,
}

impl Source {
    /// This file and the process's own environment. Variables that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let variables = std::env::vars_os();
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { file, environment: variables.filter_map(text).collect() }
    }
}

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// It, with secrets in place of where they lie.
    pub config: Config,
    /// What was written in vain.
    pub warnings: Vec<Problem>,
}

/// A configuration that can't be used: all that is wrong with it, warnings included.
#[derive(Debug, thiserror::Error)]
pub struct Rejected(pub Vec<Problem>);

impl fmt::Display for Rejected {
    /// One problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The key whose word is none of those it may be, which a message names in backquotes: everything
/// else was found with its key before.
fn key_of_word(values: &Table, message: &str) -> Option<String> {
    let word = message.strip_prefix("unknown variant `")?.split('`').next()?;
    values.iter().find_map(|(key, value)| match value {
        Value::Table(table) => Some(join(key, &key_of_word(table, message)?)),
        Value::String(text) if text == word => Some(key.clone()),
        _ => None,
    })
}

/// Reads and checks the configuration.
///
/// # Errors
/// Every problem found, if one of them is an error: no such file, not TOML, wrong types, values
/// that can't be used, secrets that can't be had.
pub fn load(source: &Source) -> Result<Loaded, Rejected> {
    let mut document = read_file(source.file.as_deref()).map_err(Rejected)?;
    let shape = Shape::of_config();
    let mut problems = document.overlay(&source.environment, &shape);
    problems.extend(shape.prune(&mut document));
    let mut config: Config =
        document.values.clone().try_into().map_err(|error: toml::de::Error| {
            let key = key_of_word(&document.values, error.message()).unwrap_or_default();
            let place = document.place(&key);
            let problem = Problem::error(&key, error.message(), "compare with the reference");
            Rejected(vec![problem.at(place)])
        })?;
    // Whoever names a voice of their own has the built-in one all the same.
    config.speech.tts.entry("default".into()).or_default();
    let mut faults = resolve_secrets(&mut config, &source.environment);
    faults.extend(check::check(&config));
    problems.extend(faults.into_iter().map(|problem| {
        let place = document.place(&problem.key);
        problem.at(place)
    }));
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(Rejected(problems));
    }
    if config.instance.is_empty() {
        config.instance = host_name(&source.environment);
    }
    Ok(Loaded { config, warnings: problems })
}

/// The rules of `[check]`, and nothing else: who checks scripts need not have the daemon's secrets.
///
/// # Errors
/// The file can't be read, is no TOML, or has something else there than rules.
pub fn check_rules(file: Option<&Path>) -> Result<BTreeMap<String, CheckRule>, Rejected> {
    let mut document = read_file(file).map_err(Rejected)?;
    document.values.retain(|key, _| key == "check");
    let problems = Shape::of_config().prune(&mut document);
    if !problems.is_empty() {
        return Err(Rejected(problems));
    }
    let config: Config = document.values.try_into().map_err(|error: toml::de::Error| {
        Rejected(vec![Problem::error("check", error.message(), "compare with the reference")])
    })?;
    Ok(config.check)
}

fn read_file(named: Option<&Path>) -> Result<Document, Vec<Problem>> {
    let path = named.unwrap_or(Path::new(FILE_DEFAULT));
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > FILE_BYTES_MAX => {
            let message = format!("longer than {FILE_BYTES_MAX} bytes");
            Err(vec![whole_file(path, message, "name a configuration file")])
        }
        Ok(_) => Document::from_toml(path, &text),
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {
            Ok(Document::default())
        }
        Err(error) => Err(vec![whole_file(
            path,
            error.to_string(),
            "name a file of UTF-8 text that can be read",
        )]),
    }
}

fn whole_file(path: &Path, message: String, remedy: &str) -> Problem {
    let place = Place::File { path: path.to_owned(), line: 0, column: 0 };
    Problem::error("", message, remedy).at(place)
}

fn resolve_secrets(config: &mut Config, environment: &BTreeMap<String, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, secret) in secrets(config) {
        match secret.resolve(environment) {
            Ok(resolved) => *secret = resolved,
            Err(message) => {
                // Emptied, so that the checks do not report the reference as a value too.
                *secret = Secret::default();
                let remedy = "write the secret itself, env:NAME or file:PATH";
                problems.push(Problem::error(&key, message, remedy));
            }
        }
    }
    problems
}

fn secrets(config: &mut Config) -> Vec<(String, &mut Secret)> {
    let services =
        [("database.url", &mut config.database.url), ("redis.url", &mut config.redis.url)];
    let switches = config.freeswitch.iter_mut().enumerate();
    let passwords =
        switches.map(|(n, switch)| (format!("freeswitch.{n}.password"), &mut switch.password));
    let recognisers = config.speech.asr.iter_mut();
    let recognisers =
        recognisers.map(|(name, asr)| (format!("speech.asr.{name}.secret"), &mut asr.secret));
    let voices = config.speech.tts.iter_mut();
    let voices = voices.map(|(name, tts)| (format!("speech.tts.{name}.secret"), &mut tts.secret));
    let services = services.into_iter().map(|(key, secret)| (key.to_owned(), secret));
    services.chain(passwords).chain(recognisers).chain(voices).collect()
}

/// The host's name as Linux tells it; `HOSTNAME` elsewhere; else our own.
fn host_name(environment: &BTreeMap<String, String>) -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let shell = environment.get("HOSTNAME").map_or("", String::as_str);
    let names = [kernel.trim(), shell.trim(), "telephonist"];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
}
