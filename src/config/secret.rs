//! Passwords, and addresses that hold one.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::{Deserialize, Serialize, Serializer};

/// A longer file is no secret but a mistake; the longest in use are keys of a few KiB.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

/// A text that is never shown: `Debug` and serialisation give [`Secret::hidden`] (N12).
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl Secret {
    /// What may be seen of it: nothing of a word, the host and path of an address.
    #[must_use]
    pub fn hidden(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return if self.0.is_empty() { String::new() } else { "***".into() };
        };
        // The last `@` ends the password even if the password holds one itself.
        let (user, rest) = match rest.rsplit_once('@') {
            Some((_, rest)) => ("***@", rest),
            None => ("", rest),
        };
        let (shown, query) = match rest.split_once(['?', '#']) {
            Some((shown, _)) => (shown, "?***"),
            None => (rest, ""),
        };
        format!("{scheme}://{user}{shown}{query}")
    }

    /// The secret itself, if this is `env:NAME` or `file:PATH`; any other text is its own secret.
    ///
    /// # Errors
    /// Why the variable or file can't be had, without its contents.
    pub(super) fn resolve(&self, environment: &BTreeMap<String, String>) -> Result<Self, String> {
        if let Some(name) = self.0.strip_prefix("env:") {
            let value = environment.get(name);
            return value.cloned().map(Self).ok_or_else(|| format!("no variable {name} is set"));
        }
        match self.0.strip_prefix("file:") {
            Some(path) => read(path).map(Self).map_err(|error| format!("{path}: {error}")),
            None => Ok(self.clone()),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hidden())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hidden())
    }
}

/// The file's text without the line end that editors put there.
fn read(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    let read =
        std::fs::File::open(path)?.take(SECRET_FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if read as u64 > SECRET_FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!("longer than {SECRET_FILE_BYTES_MAX} bytes")));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_hidden_and_an_address_shows_its_host_only() {
        let hidden = |text: &str| Secret(text.into()).hidden();
        assert_eq!(hidden(""), "");
        assert_eq!(hidden("ClueCon"), "***");
        assert_eq!(hidden("sqlite://telephonist.db"), "sqlite://telephonist.db");
        assert_eq!(hidden("mysql://robot:p@/w?@db:3306/calls"), "mysql://***@db:3306/calls");
        assert_eq!(hidden("redis://cache/0?password=word"), "redis://cache/0?***");
        assert_eq!(format!("{:?}", Secret("word".into())), "***");
    }

    #[test]
    fn a_secret_is_a_word_a_variable_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "from file\n").unwrap();
        let environment = BTreeMap::from([("PASS".to_owned(), "from env".to_owned())]);
        let resolve = |text: String| Secret(text).resolve(&environment).map(|secret| secret.0);

        assert_eq!(resolve("word".into()), Ok("word".into()));
        assert_eq!(resolve("env:PASS".into()), Ok("from env".into()));
        assert_eq!(resolve(format!("file:{}", path.display())), Ok("from file".into()));
        assert!(resolve("env:ABSENT".into()).unwrap_err().contains("ABSENT"));
        assert!(resolve("file:/absent/file".into()).unwrap_err().contains("/absent/file"));

        std::fs::write(&path, "x".repeat(64 * 1024 + 1)).unwrap();
        assert!(resolve(format!("file:{}", path.display())).unwrap_err().contains("longer"));
    }
}
