//! Reading the knowledge base, playback lists and keywords (E5, E8, E43).

use smol_str::SmolStr;

use super::check::{AddedLiteral, KEYWORD_BYTES_MAX, Loader};
use super::keyword::Keyword;
use super::matcher::{Place, Scope};
use super::model::{
    Audio, AudioEntry, AudioFile, CategoryId, EntryKind, NodeAudio, Prompt, SwitchFlow,
    SwitchTarget,
};
use super::node::potential;
use super::problem::brief;
use super::raw::{Fields, Spanned};
use super::template::Template;

/// What a list of keywords held.
pub(super) struct Added {
    /// Words or patterns.
    pub(super) concrete: bool,
    /// The keyword `any`.
    pub(super) any: bool,
}

impl<'a> Loader<'_, 'a> {
    /// Reads `kb`: which prompts each category has.
    pub(super) fn categories(&mut self, kb: &Fields<'a, '_>) {
        for (name, value) in kb.all() {
            let what = format!("kb.{}", brief(name.text));
            let category = self.reader.object(value, &what);
            let ids = category.map_or_else(Vec::new, |category| {
                let _known = (category.get("name"), category.get("description"));
                let prompts = self.reader.names(category.get("prompts"), "prompts");
                self.unknown(&category, &what);
                prompts
            });
            let mut prompts = Vec::with_capacity(ids.len());
            for id in ids {
                match self.prompt_ids.get(id.text) {
                    Some(prompt) => prompts.push(*prompt),
                    None => {
                        let message = format!("{what} names \"{}\", which is no prompt", id.text);
                        self.reader.error(id.span, message, "name a key of the top-level prompt");
                    }
                }
            }
            self.categories.push(prompts);
        }
    }

    /// Reads `prompt`, and gives the matcher each category's keywords in the category's order.
    pub(super) fn prompts(&mut self, prompts: &Fields<'a, '_>) -> Vec<Prompt> {
        let all: Vec<(Spanned<'_>, Fields<'a, '_>)> = prompts
            .all()
            .map(|(name, value)| {
                let what = format!("prompt {}", brief(name.text));
                let fields = self.reader.object(value, &what);
                (name, fields.unwrap_or_else(|| Fields::empty(value)))
            })
            .collect();
        let keywords: Vec<_> = all.iter().map(|(_, fields)| self.prompt_keywords(fields)).collect();
        for (category, members) in std::mem::take(&mut self.categories).into_iter().enumerate() {
            let category = CategoryId(u32::try_from(category).unwrap_or(u32::MAX));
            let mut order = 0;
            for prompt in members {
                let Some(words) = keywords.get(prompt.0 as usize) else { continue };
                self.keywords(Scope::Category(category), &mut order, prompt.0, words);
            }
        }
        all.iter().map(|(name, fields)| self.prompt(name, fields)).collect()
    }

    fn prompt_keywords<'b>(&mut self, fields: &Fields<'a, 'b>) -> Vec<Spanned<'b>> {
        let mut words = self.reader.texts(fields.get("keyworks"), "keyworks");
        words.extend(self.reader.texts(fields.get("keywords"), "keywords"));
        for word in words.iter().filter(|word| word.text == "any") {
            let hint = "give a node an edge with the keyword any instead";
            self.reader.warn(word.span.clone(), "any never matches in the knowledge base", hint);
        }
        words
    }

    fn prompt(&mut self, name: &Spanned<'_>, fields: &Fields<'a, '_>) -> Prompt {
        let ignore = self.reader.flag(fields.get("ignorereturnplayback"), "ignorereturnplayback");
        let prompt = Prompt {
            id: name.text.into(),
            name: self.short(fields, "name"),
            repetition: self.small(fields, "repetition").unwrap_or(0),
            audio: self.audio(fields, "playbacks"),
            potential: potential(&self.short(fields, "potential")),
            switchflow: self.switchflow(fields),
            ignore_return_playback: ignore.unwrap_or(false),
        };
        let _kept = (fields.get("ref"), fields.get("description"));
        self.later(fields, &["must_hear"]);
        self.unknown(fields, &format!("prompt {}", brief(name.text)));
        prompt
    }

    fn switchflow(&mut self, fields: &Fields<'a, '_>) -> Option<SwitchFlow> {
        let raw = self.short(fields, "switchflow");
        let written = raw.trim();
        if written.is_empty() {
            return None;
        }
        let target = match written.split_once(':') {
            Some((kind, what)) if kind.eq_ignore_ascii_case("text") => {
                SwitchTarget::Text(what.into())
            }
            Some((kind, what)) if kind.eq_ignore_ascii_case("dtmf") => {
                SwitchTarget::Dtmf(what.into())
            }
            Some((kind, what)) if kind.eq_ignore_ascii_case("complete") => {
                SwitchTarget::Complete(what.into())
            }
            _ if written.eq_ignore_ascii_case("return") => SwitchTarget::Return,
            _ => match self.node_ids.get(written) {
                Some(id) => SwitchTarget::Node(*id),
                None => {
                    let message = format!("switchflow to \"{written}\", which is no node");
                    let hint = self.known_nodes_hint(written);
                    self.reader.error(fields.span("switchflow"), message, hint);
                    return None;
                }
            },
        };
        Some(SwitchFlow { raw, target })
    }

    pub(super) fn node_audio(&mut self, fields: &Fields<'a, '_>) -> NodeAudio {
        NodeAudio {
            first: self.audio(fields, "playbacks"),
            second: self.audio(fields, "replaybacks"),
            third: self.audio(fields, "thirdplaybacks"),
            fourth: self.audio(fields, "fourplaybacks"),
            after_kb: self.audio(fields, "kbplaybacks"),
            mismatch: self.audio(fields, "mismatchplaybacks"),
            timeout: self.audio(fields, "timeoutplaybacks"),
        }
    }

    /// A playback list and its `_text`.
    fn audio(&mut self, fields: &Fields<'a, '_>, name: &str) -> Audio {
        let written = self.reader.texts(fields.get(name), name);
        let text_name = format!("{name}_text");
        let texts = self.reader.texts(fields.get(&text_name), &text_name);
        let mut entries = Vec::with_capacity(written.len());
        for entry in written.iter().filter(|entry| !entry.text.trim().is_empty()) {
            let template = Template::new(entry.text.trim());
            let kind = entry_kind(&template);
            if kind == EntryKind::File && template.is_static() {
                let file = template.raw().clone();
                self.audio_files.push(AudioFile { file, offset: entry.span.start });
            }
            entries.push(AudioEntry { kind, template });
        }
        let texts: Vec<Template> = if texts.is_empty() {
            entries.iter().map(|entry| entry.template.clone()).collect()
        } else {
            texts.iter().map(|text| Template::new(text.text)).collect()
        };
        let fixed_text = texts.iter().all(Template::is_static).then(|| {
            let words =
                texts.iter().map(|text| text.raw().as_str()).filter(|text| !text.is_empty());
            SmolStr::from(words.collect::<Vec<_>>().join(" "))
        });
        Audio { entries, fixed_text, texts }
    }

    /// Gives the matcher the keywords of one owner; `order` counts within the scope.
    pub(super) fn keywords(
        &mut self,
        scope: Scope,
        order: &mut u32,
        owner: u32,
        words: &[Spanned<'_>],
    ) -> Added {
        let mut added = Added { concrete: false, any: false };
        for word in words {
            // Expanding a keyword costs, also one too many.
            if !self.has_room_for_keywords() {
                break;
            }
            let read = self.synonyms.read(word.text);
            if !self.takes(word.text, read.as_ref().ok()) {
                break;
            }
            let mut place = || {
                *order += 1;
                Place { scope, order: *order, owner }
            };
            match read {
                Ok(Keyword::Any) => added.any = true,
                Ok(Keyword::Empty) => {
                    let hint = "write a word, or take the entry out";
                    self.reader.warn(word.span.clone(), "an empty keyword never matches", hint);
                }
                Ok(Keyword::Literals(literals)) => {
                    added.concrete = true;
                    for literal in literals {
                        let place = place();
                        if !self.add_literal(place, &literal, word) {
                            break;
                        }
                        let offset = word.span.start;
                        self.literals.push(AddedLiteral { place, word: literal, offset });
                    }
                }
                Ok(Keyword::Pattern { source, shown }) => {
                    added.concrete = true;
                    let place = place();
                    if let Err(error) = self.add_pattern(place, &source, &shown) {
                        self.broken_pattern(word.span.clone(), word.text, &error);
                        self.add_literal(place, &shown, word);
                    }
                }
                Err(_) => {
                    let message =
                        format!("\"{}\" is too long, or too many words", brief(word.text));
                    self.reader.error(word.span.clone(), message, "use fewer groups in it");
                }
            }
        }
        added
    }

    fn add_pattern(&mut self, place: Place, source: &str, shown: &SmolStr) -> Result<(), String> {
        self.keywords.add_pattern(&mut self.patterns, place, (source, shown))
    }

    /// False, reported, if the literal is longer than it may be.
    fn add_literal(&mut self, place: Place, literal: &SmolStr, word: &Spanned<'_>) -> bool {
        let fits = literal.len() <= KEYWORD_BYTES_MAX;
        if fits {
            self.keywords.add_literal(place, literal);
        } else {
            let message =
                format!("a keyword may have {KEYWORD_BYTES_MAX} bytes: {}", brief(word.text));
            let hint = "write what callers say in one breath, or a pattern";
            self.reader.error(word.span.clone(), message, hint);
        }
        fits
    }

    /// False if the script has no room for one more keyword; every entry counts, even an empty one.
    fn takes(&mut self, written: &str, read: Option<&Keyword>) -> bool {
        let (count, bytes) = match read {
            Some(Keyword::Literals(texts)) => {
                (texts.len(), texts.iter().map(SmolStr::len).sum::<usize>())
            }
            Some(Keyword::Pattern { source, .. }) => (1, source.len()),
            Some(Keyword::Any | Keyword::Empty) | None => (1, 0),
        };
        self.keyword_count += count;
        self.keyword_bytes += bytes.max(written.len());
        self.has_room_for_keywords()
    }
}

fn entry_kind(template: &Template) -> EntryKind {
    EntryKind::of(template.raw(), !template.is_static())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E8: the kind of an entry is what is written.
    #[test]
    fn entries_are_told_apart_by_what_is_written() {
        for (entry, kind) in [
            ("hello.WAV", EntryKind::File),
            ("${lang}/hello.wav", EntryKind::File),
            ("file:///x", EntryKind::File),
            ("https://example.org/a.mp3", EntryKind::Url),
            ("tone_stream://%(200,100,440)", EntryKind::Tone),
            ("silence_stream://500", EntryKind::Silence),
            ("你好", EntryKind::FileOrText),
            ("${http.answer}", EntryKind::Text),
        ] {
            assert_eq!(entry_kind(&Template::new(entry)), kind, "{entry}");
        }
    }
}
