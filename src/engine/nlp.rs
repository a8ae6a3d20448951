//! The NLP service: which keyword a sentence means (E50 step 3, I10).

use serde::Deserialize;
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::call::Robot;
use super::command::Command;
use super::complete::Ending;
use super::explain::Explain;
use super::input::INPUT_BYTES_MAX;
use super::request::{Ask, AskKind, Outcome, WebRequest, percent_encoded};
use super::said::{Said, Utterance};
use super::time::Now;
use super::waiting::{Awaited, Question};

/// The service has this long for its answer, ms (I10).
const NLP_MS: u64 = 1_500;

/// What the service made of a sentence; empty if it was not asked, or failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Meant {
    /// One of the keywords it was given.
    pub(super) keyword: SmolStr,
    /// Its answer, for `input_nlp_args`.
    pub(super) answer: SmolStr,
}

/// The service's answer, as far as it is looked at.
#[derive(Deserialize)]
struct Reply {
    keyword: Option<SmolStr>,
}

impl Robot {
    /// True if what is said at this node goes to the service first.
    pub(super) fn is_sent_to_nlp(&self, kind: Utterance) -> bool {
        let has_service = !self.script.global.nlp_url.is_empty() && !self.node().nlp_id.is_empty();
        has_service && kind != Utterance::Failed && !self.is_dead()
    }

    /// Asks the service, and waits.
    pub(super) fn ask_nlp(&mut self, text: &str, question: Question, explain: Explain, now: Now) {
        let id = self.next_request();
        let tried = explain.into_lines();
        let due = now.tick.plus_ms(NLP_MS);
        self.state.awaited = Some(Awaited { id, due, question, tried });
        let request = self.nlp_request(text, now);
        self.commands.push_back(Command::Ask(Box::new(Ask { id, kind: AskKind::Nlp, request })));
    }

    fn nlp_request(&self, text: &str, now: Now) -> WebRequest {
        let position = self.position(now);
        let joined = |keywords: Vec<&str>| percent_encoded(&keywords.join("|"));
        let body = json!({
            "flowid": self.node().id,
            "nlpid": self.node().nlp_id,
            "callid": self.state.callid,
            "flowkeywords": joined(position.flow_keywords()),
            "kbkeywords": joined(position.kb_keywords()),
            "input": "text",
            "text": percent_encoded(text),
        });
        WebRequest::post(self.script.global.nlp_url.as_str(), body, NLP_MS)
    }

    /// The service answered, or did not: what was said is decided.
    pub(super) fn nlp_answered(&mut self, outcome: &Outcome, now: Now) {
        let Some(awaited) = self.state.awaited.take() else { return };
        let mut explain = Explain::resumed(awaited.tried);
        let meant = match meant(outcome) {
            Ok(meant) => {
                explain.step(&format!("NLP service: it means \"{}\"", meant.keyword));
                meant
            }
            Err(why) => {
                explain.step(&format!("NLP service: no answer, {why}"));
                self.commands.push_back(Command::Warn(format!(
                    "the NLP service gave no answer ({why}); the script's own keywords decide"
                )));
                Meant::default()
            }
        };
        match awaited.question {
            Question::Text(heard) => {
                let said = Said::parse(&heard.text).unwrap_or(Said::whole(&heard.text));
                self.match_text(&said, &heard, (meant, explain), now);
            }
            Question::Complete { args, sentence, start } => {
                let ending = Ending { args, start, sentence, meant: Some(meant) };
                self.decide_ending(ending, explain, now);
            }
        }
    }
}

fn meant(outcome: &Outcome) -> Result<Meant, SmolStr> {
    let answer = outcome.as_ref().map_err(Clone::clone)?;
    if !answer.is_success() {
        return Err(smol_str::format_smolstr!("status {}", answer.status));
    }
    let unreadable = |error: serde_json::Error| smol_str::format_smolstr!("its answer: {error}");
    let value: Value = serde_json::from_str(&answer.body).map_err(unreadable)?;
    let reply = Reply::deserialize(&value).map_err(unreadable)?;
    let keyword = reply.keyword.unwrap_or_default();
    let mut answer = value.to_string();
    answer.truncate(answer.floor_char_boundary(INPUT_BYTES_MAX));
    Ok(Meant { keyword: keyword.trim().into(), answer: answer.into() })
}
