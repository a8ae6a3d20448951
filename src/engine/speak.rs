//! What is said: playback lists with their variables expanded (E8, E22).

use std::collections::HashSet;

use smol_str::SmolStr;

use super::call::Robot;
use super::command::{Playback, Source};
use super::time::{Now, Wall};
use super::vars::Scope;
use crate::script::{Audio, EntryKind, Script};

/// Audio with its text.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    pub(super) playbacks: Vec<Playback>,
    pub(super) text: SmolStr,
}

impl Spoken {
    /// This and then `more`, as one (E71, R25).
    pub(super) fn and(mut self, mut more: Self) -> Self {
        self.playbacks.append(&mut more.playbacks);
        let text = match (self.text.is_empty(), more.text.is_empty()) {
            (true, _) => more.text,
            (_, true) => self.text,
            _ => smol_str::format_smolstr!("{} {}", self.text, more.text),
        };
        Self { playbacks: self.playbacks, text }
    }
}

impl Robot {
    pub(super) fn scope<'a>(&'a self, appid: &'a SmolStr, now: Wall) -> Scope<'a> {
        Scope {
            variables: &self.state.variables,
            callid: &self.state.callid,
            appid,
            flowid: &self.node().id,
            now,
        }
    }

    /// A playback list with its variables expanded.
    pub(super) fn speak(&self, audio: &Audio, appid: &SmolStr, now: Now) -> Spoken {
        let scope = self.scope(appid, now.wall);
        let texts: Vec<SmolStr> = audio.texts.iter().map(|text| scope.expand(text)).collect();
        let one_each = texts.len() == audio.entries.len();
        let playbacks = audio
            .entries
            .iter()
            .enumerate()
            .map(|(at, entry)| {
                let text = texts.get(at).filter(|_| one_each || at == 0).cloned();
                let source = source(entry.kind, scope.expand(&entry.template));
                Playback { source, text: text.unwrap_or_default() }
            })
            .collect();
        let text = audio.fixed_text.clone().unwrap_or_else(|| {
            let words = texts.iter().map(SmolStr::as_str).filter(|text| !text.is_empty());
            words.collect::<Vec<_>>().join(" ").into()
        });
        Spoken { playbacks, text }
    }
}

/// Everything that a script says and that has no variables, each once, in the order of the file: what
/// can be made before somebody calls (E12).
#[must_use]
pub fn fixed_sources(script: &Script) -> Vec<Source> {
    let nodes = script.nodes.iter().flat_map(|node| node.audio.all());
    let audio = nodes.chain(script.prompts.iter().map(|prompt| &prompt.audio));
    let fixed = audio.flat_map(|audio| &audio.entries).filter(|entry| entry.template.is_static());
    let mut seen = HashSet::new();
    let sources = fixed.map(|entry| (entry.kind, entry.template.raw().clone()));
    sources
        .filter(|written| seen.insert(written.clone()))
        .map(|(kind, raw)| source(kind, raw))
        .collect()
}

/// What to play for an entry of this kind.
pub(super) fn source(kind: EntryKind, entry: SmolStr) -> Source {
    match kind {
        EntryKind::File => Source::File(entry),
        EntryKind::Url => Source::Url(entry),
        EntryKind::Tone => Source::Tone(entry),
        EntryKind::Silence => {
            let ms = entry.rsplit("://").next().and_then(|ms| ms.split(',').next());
            Source::Silence(ms.and_then(|ms| ms.trim().parse().ok()).unwrap_or(0))
        }
        EntryKind::FileOrText => Source::FileOrText(entry),
        EntryKind::Text => Source::Text(entry),
    }
}
