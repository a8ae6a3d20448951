//! What the links of a call do: which sentence a message is about, and where a sentence goes whose
//! link died.

use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr, format_smolstr};
use tokio::sync::mpsc;

use super::heard::Heard;
use super::line::Line;
use super::link::{Link, LinkEvent, QUEUE_MAX, Say};
use super::meter::{self, Outcome};
use super::serve::{End, Happened, Serving};
use super::service::Service;
use crate::pii::Pii;
use crate::speech::SpeechError;
use crate::voice::{FromRecogniser, Hearing, SentenceId};

/// A recogniser that had found an end by itself before ours may have no more to say, ms: then what
/// it said is the text.
const NO_MORE_MS: u64 = 500;

/// After our end a Vosk server may give the text of an end it found and then the last text, ms: both
/// are on their way together.
const LAST_TEXT_MS: u64 = 150;

/// What is told of a message that can't be understood, bytes.
const SHOWN_BYTES_MAX: usize = 40;

impl Serving {
    /// Makes a line; `avoid` is the address to try last.
    pub(super) fn make_line(
        &mut self,
        (hearing, service): (&Arc<Hearing>, &Arc<Service>),
        avoid: Option<usize>,
    ) -> u64 {
        let id = self.next_line();
        let (said, saying) = mpsc::channel(QUEUE_MAX);
        let order = service.addresses.order(self.recognisers.now(), avoid);
        let targets = service.targets(&self.callid, hearing, &order);
        let note_away = {
            let (service, clock) = (Arc::clone(service), self.recognisers.clone());
            move |index| service.addresses.note_away(index, clock.now())
        };
        let link = Link::new(id, (Arc::clone(service), targets), saying, note_away);
        self.lines.push(Line::new(id, (Arc::clone(hearing), Arc::clone(service)), said));
        self.follow(Box::new(link));
        id
    }

    pub(super) fn follow(&self, link: Box<Link>) {
        self.work.push(Box::pin(async move {
            let (link, event) = link.next().await;
            Happened::Link(link, event)
        }));
    }

    /// Puts a sentence on a line, with what is kept of it.
    pub(super) fn join_line(&mut self, line_id: u64, id: SentenceId) {
        let Some(line) = self.lines.iter_mut().find(|line| line.id == line_id) else { return };
        let Some(sentence) = self.sentences.iter_mut().find(|s| s.id == id) else { return };
        line.order.push_back(id);
        sentence.reached = line.connected.is_some();
        let taken = sentence.audio().into_iter().all(|audio| line.say(Say::Audio(audio)));
        let (ended, held) = (sentence.ended.is_some(), std::mem::take(&mut line.held));
        if !taken {
            self.line_died(line_id, &takes_no_audio());
            return;
        }
        for heard in held {
            self.heard(line_id, heard);
        }
        if ended {
            self.end_on_line(id);
        }
    }

    /// Says that a sentence is over.
    pub(super) fn end_on_line(&mut self, id: SentenceId) {
        let Some(line) = self.lines.iter().find(|line| line.order.contains(&id)) else { return };
        let line_id = line.id;
        let (sent, ends) = (line.say(Say::End), line.service.ends_with_sentence());
        let is_open = line.repeats.is_open();
        if !sent {
            self.line_died(line_id, &takes_no_audio());
            return;
        }
        if ends && self.open_line == Some(line_id) {
            self.open_line = None;
        }
        let found_an_end = self.sentence(id).is_some_and(|sentence| !sentence.text.is_empty());
        if found_an_end && !is_open && !ends {
            self.after(NO_MORE_MS, Happened::Settled(id));
        }
    }

    /// No further sentence goes to the line that is open; it ends with its last one.
    pub(super) fn close_open_line(&mut self) {
        if let Some(id) = self.open_line.take() {
            self.hang_up_if_idle(id);
        }
    }

    fn hang_up_if_idle(&mut self, id: u64) {
        if self.open_line == Some(id) {
            return;
        }
        let waiting: Vec<SentenceId> = self.sentences.iter().map(|sentence| sentence.id).collect();
        if let Some(line) = self.lines.iter_mut().find(|line| line.id == id)
            && !line.order.iter().any(|sentence| waiting.contains(sentence))
        {
            line.hang_up();
        }
    }

    /// A sentence got its result, or needs none, before its recogniser said so.
    pub(super) fn leave_line(&mut self, id: SentenceId, cancelled: bool) {
        let Some(line) = self.lines.iter().find(|line| line.order.contains(&id)) else { return };
        let line_id = line.id;
        let is_last = line.order.back() == Some(&id);
        if cancelled && !is_last {
            // Its text comes before the others', and is dropped then.
            return;
        }
        if cancelled || line.connected.is_none() {
            // What it would still say of this sentence must not be taken for the next one's.
            if self.open_line == Some(line_id) {
                self.open_line = None;
            }
            self.hang_up_if_idle(line_id);
            return;
        }
        self.replace_line(line_id, None);
    }

    /// What a link did.
    pub(super) fn link_event(&mut self, link: Box<Link>, event: LinkEvent) {
        let id = link.id;
        match event {
            LinkEvent::Connected(index) => {
                self.follow(link);
                self.connected(id, index);
            }
            LinkEvent::Message(message) => {
                self.message(&link, &message);
                self.follow(link);
            }
            LinkEvent::Away(error) => self.line_away(id, &error),
            LinkEvent::Gone(error) => self.line_died(id, &error),
        }
    }

    fn connected(&mut self, id: u64, index: usize) {
        self.found();
        let Some(line) = self.lines.iter_mut().find(|line| line.id == id) else { return };
        line.connected = Some(index);
        line.service.addresses.note_there(index);
        let order: Vec<_> = line.order.iter().copied().collect();
        for sentence in self.sentences.iter_mut().filter(|s| order.contains(&s.id)) {
            sentence.reached = true;
        }
    }

    fn line_away(&mut self, id: u64, error: &SpeechError) {
        let Some(line) = self.remove_line(id) else { return };
        for sentence in &line.order {
            self.finish_sentence(*sentence, End::Failed(Outcome::Away, error.to_smolstr()));
        }
        self.lose_service(line.service, error);
    }

    /// A line is over: its sentences have a second chance on another.
    pub(super) fn line_died(&mut self, id: u64, error: &SpeechError) {
        self.replace_line(id, Some(error));
    }

    /// Takes a line away and moves its sentences to a new one. With an error, those that were moved
    /// before fail with it.
    fn replace_line(&mut self, id: u64, error: Option<&SpeechError>) {
        let was_open = self.open_line == Some(id);
        let Some(line) = self.remove_line(id) else { return };
        let mut moved = Vec::new();
        for id in line.order.iter().copied() {
            let Some(sentence) = self.sentence(id) else { continue };
            if let Some(text) = sentence.settled() {
                let text = text.to_owned();
                self.finish_sentence(id, End::Text(text));
            } else if let (true, Some(error)) = (sentence.replayed, error) {
                self.finish_sentence(id, End::Failed(Outcome::Failed, error.to_smolstr()));
            } else {
                moved.push(id);
            }
        }
        let Some(first) = moved.first().copied() else { return };
        tracing::debug!(recogniser = line.service.name, error = ?error, "sentences are sent again");
        let mut to = self.make_line((&line.hearing, &line.service), line.connected);
        for id in moved {
            if let Some(at) = self.sentences.iter().position(|sentence| sentence.id == id) {
                self.count(&self.sentences[at]);
                self.sentences[at].begin_again(error.is_some());
            }
            // A line that ends with its sentence takes no second one.
            if line.service.ends_with_sentence() && id != first {
                to = self.make_line((&line.hearing, &line.service), line.connected);
            }
            if was_open {
                self.open_line = Some(to);
            }
            self.join_line(to, id);
        }
    }

    fn remove_line(&mut self, id: u64) -> Option<Line> {
        if self.open_line == Some(id) {
            self.open_line = None;
        }
        let at = self.lines.iter().position(|line| line.id == id)?;
        Some(self.lines.remove(at))
    }

    fn message(&mut self, link: &Link, message: &str) {
        let name = &link.service.name;
        let heard = link.service.parse(message);
        let Some(line) = self.lines.iter_mut().find(|line| line.id == link.id) else {
            // Nobody waits for anything of it any more.
            if matches!(heard, Ok(Heard::Text(text)) if !text.is_empty()) {
                meter::dropped(name);
            }
            return;
        };
        match heard {
            Ok(Heard::Failure(why)) => {
                self.fail_line(link.id, &format_smolstr!("the recogniser says: {why}"));
            }
            Ok(heard) => {
                // Whose text is next may have its result already: its text is wanted all the same.
                let sentence = |id| self.sentences.iter().find(|sentence| sentence.id == id);
                let head = line.order.front();
                let wanted = head.is_some_and(|id| sentence(*id).is_none_or(|s| s.ended.is_some()));
                if line.repeats.note(&heard, wanted) {
                    meter::dropped(name);
                } else {
                    self.heard(link.id, heard);
                }
            }
            Err(fault) => {
                let end = message.floor_char_boundary(SHOWN_BYTES_MAX);
                let message = Pii(message.get(..end).unwrap_or_default());
                tracing::debug!(recogniser = name, fault, %message, "nonsense");
                let why = format_smolstr!("the recogniser says what can't be understood: {fault}");
                self.fail_line(link.id, &why);
            }
        }
    }

    /// What comes now is the fault of the sentence whose text is next; the others begin again.
    fn fail_line(&mut self, line_id: u64, why: &SmolStr) {
        let head = self.lines.iter().find(|line| line.id == line_id);
        if let Some(id) = head.and_then(|line| line.order.front().copied()) {
            self.finish_sentence(id, End::Failed(Outcome::Failed, why.clone()));
        }
        self.replace_line(line_id, None);
    }

    fn heard(&mut self, line_id: u64, heard: Heard) {
        let Some(line) = self.lines.iter_mut().find(|line| line.id == line_id) else { return };
        let Some(id) = line.order.front().copied() else {
            let between = line.hearing.finds_ends && self.open_line == Some(line_id);
            let is_text = matches!(&heard, Heard::Text(text) if !text.is_empty());
            if !(between && line.hold(heard)) && is_text {
                meter::dropped(&line.service.name);
            }
            return;
        };
        if self.sentences.iter().any(|sentence| sentence.id == id) {
            self.heard_of(line_id, id, heard);
        } else if let Heard::Text(_) = heard {
            meter::dropped(&line.service.name);
            line.order.pop_front();
            self.hang_up_if_idle(line_id);
        }
    }

    fn heard_of(&mut self, line_id: u64, id: SentenceId, heard: Heard) {
        let Some(sentence) = self.sentence(id) else { return };
        let finds_ends = sentence.hearing.finds_ends;
        let ended = sentence.ended.is_some();
        match heard {
            Heard::Began => self.speaks(id),
            Heard::Partial(partial) => {
                if let Some(text) = sentence.partial(&partial) {
                    self.speaks(id);
                    self.tell(FromRecogniser::Partial(id, text.into()));
                }
            }
            Heard::Text(text) if ended => {
                sentence.add(&text);
                if sentence.service.ends_with_sentence() {
                    self.after(LAST_TEXT_MS, Happened::Settled(id));
                } else {
                    let whole = sentence.text.clone();
                    self.text_of(line_id, id, whole);
                }
            }
            // Silence that came to an end is no sentence.
            Heard::Text(text) if finds_ends && (sentence.began || !text.is_empty()) => {
                self.speaks(id);
                self.text_of(line_id, id, text);
            }
            Heard::Text(text) => sentence.add(&text),
            Heard::Failure(_) | Heard::Nothing => {}
        }
    }

    /// Tells once that somebody speaks, if the recogniser is who finds that out.
    fn speaks(&mut self, id: SentenceId) {
        let Some(sentence) = self.sentence(id) else { return };
        if sentence.hearing.finds_ends && !std::mem::replace(&mut sentence.began, true) {
            self.tell(FromRecogniser::Began(id));
        }
    }

    fn text_of(&mut self, line_id: u64, id: SentenceId, text: String) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.id == line_id) {
            line.order.pop_front();
        }
        self.finish_sentence(id, End::Text(text));
        self.hang_up_if_idle(line_id);
    }
}

fn takes_no_audio() -> SpeechError {
    SpeechError::Away("it takes no audio".into())
}
