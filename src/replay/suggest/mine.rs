//! Finding, in recorded calls, what a script has no answer to.

use smol_str::SmolStr;

use super::super::{Recording, Replay};
use crate::engine::{InputType, Method, Recorded, ResponseType, Said, Utterance};
use crate::script::normalize;

/// Sentences kept; the likeness of more is found in these as well.
const SENTENCES_MAX: usize = 200_000;

/// A sentence that nothing matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The node it was said at.
    pub node: SmolStr,
    /// The sentence in the form in which keywords are looked for (E41).
    pub text: SmolStr,
    /// The call.
    pub callid: SmolStr,
    /// What answered at the same node, when the caller said it otherwise.
    pub then: Option<Way>,
}

/// An answer of a node, and the keyword that led to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// Where its keywords stand.
    pub kind: WayKind,
    /// The node or prompt that answers.
    pub id: SmolStr,
    /// The keyword, or the part that a pattern found.
    pub keyword: SmolStr,
}

/// Where the keywords of an answer stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WayKind {
    /// On an edge of the node.
    Edge,
    /// In the condition of a global node.
    Global,
    /// In the knowledge base.
    Prompt,
}

/// The sentences of many calls that nothing matched.
#[derive(Clone, Debug, Default)]
pub struct Mine {
    /// The sentences, as the calls came.
    pub sentences: Vec<Unmatched>,
    /// Calls that were looked at.
    pub calls: u64,
}

impl Mine {
    /// Looks at one call, as far as the script surely does what the recorded one did.
    pub fn add(&mut self, replay: &Replay, recording: &Recording) {
        self.calls += 1;
        let first = self.sentences.len();
        let _verdict = replay.watch(recording, |_, row| self.look(first, row));
    }

    fn look(&mut self, first: usize, row: &Recorded) {
        let open = self.sentences.iter_mut().skip(first);
        if let Some(way) = way(row) {
            let here = open.filter(|sentence| sentence.node == row.current_flowid);
            here.filter(|sentence| sentence.then.is_none())
                .for_each(|sentence| sentence.then = Some(way.clone()));
        } else if let Some(text) = unmatched(row).filter(|_| first < SENTENCES_MAX) {
            self.sentences.push(Unmatched {
                node: row.current_flowid.clone(),
                text,
                callid: row.callid.clone(),
                then: None,
            });
        }
    }

    /// All of another one too.
    pub fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.sentences.extend(other.sentences);
    }
}

/// The finished sentence of a row that nothing matched (E60): it has the prompt for that, or none is
/// left. A row of type 0 that was not counted was said when nobody listened.
pub(super) fn unmatched(row: &Recorded) -> Option<SmolStr> {
    let nothing = row.response_type == ResponseType::None.number() && row.repetition > 0;
    let is_mismatch = row.response_type == ResponseType::Mismatch.number() || nothing;
    if !row.is(InputType::Text) || row.matching_method != Method::Mismatch.number() || !is_mismatch
    {
        return None;
    }
    let said = Said::parse(&row.input_args).filter(|said| said.kind == Utterance::Final)?;
    Some(normalize(said.text).into()).filter(|text: &SmolStr| !text.is_empty())
}

fn way(row: &Recorded) -> Option<Way> {
    let by_keyword = [Method::Regex, Method::Full].map(Method::number);
    if !row.is(InputType::Text) || !by_keyword.contains(&row.matching_method) {
        return None;
    }
    let kinds = [
        (ResponseType::Flow, WayKind::Edge),
        (ResponseType::GlobalFlow, WayKind::Global),
        (ResponseType::Kb, WayKind::Prompt),
    ];
    let (_, kind) = kinds.iter().find(|(kind, _)| kind.number() == row.response_type)?;
    Some(Way { kind: *kind, id: row.response_id.clone(), keyword: row.matching_keyword.clone() })
}
