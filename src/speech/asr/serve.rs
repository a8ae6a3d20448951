//! One call and its recogniser: what is asked, what comes of it.
//!
//! All that a call waits for — connections, requests, deadlines — is one set of futures, polled
//! beside the queue of what is asked: neither holds up the other. A sentence stands in `sentences`
//! until its one result is told, so none is told twice.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, BoxFuture, abortable};
use futures_util::stream::FuturesUnordered;
use smol_str::{SmolStr, ToSmolStr};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::line::Line;
use super::link::{Link, LinkEvent, Say};
use super::meter::{self, Outcome};
use super::openai;
use super::recognisers::Recognisers;
use super::sentence::{SENTENCE_S_MAX, Sentence};
use super::service::{Service, bytes};
use crate::speech::SpeechError;
use crate::voice::{FromRecogniser, Hearing, SentenceId, ToRecogniser};

/// Sentences that wait for their texts. Who has more speaks faster than anybody understands.
const SENTENCES_MAX: usize = 8;

/// Requests on their way at once: the sentence before may be slow.
const REQUESTS_MAX: usize = 2;

/// A recogniser that can't be reached is tried again after about so long, ms; from half as much more
/// to as much less, so that the calls of one do not come back to it all at once.
const PROBE_MS: u64 = 1_000;

/// What was asked of services for a call (I27), since the last time it was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sentences that a service was given to understand; those that were given twice count twice.
    pub requests: u64,
    /// Their audio, ms.
    pub audio_ms: u64,
}

/// Something that a call waited for.
pub(super) enum Happened {
    Link(Box<Link>, LinkEvent),
    /// The time for this sentence's text is over.
    Late(SentenceId),
    /// The recogniser will add nothing to it.
    Settled(SentenceId),
    Understood(SentenceId, Result<String, SpeechError>),
    /// It can be reached again.
    Reachable,
    /// It was called off.
    Nothing,
}

/// Why no more is told of a sentence than this.
pub(super) enum End {
    Text(String),
    Failed(Outcome, SmolStr),
    Cancelled,
}

/// The state of one call.
pub(super) struct Serving {
    pub(super) recognisers: Recognisers,
    pub(super) callid: SmolStr,
    tell: Box<dyn Fn(FromRecogniser) + Send>,
    used: Box<dyn Fn(Usage) + Send>,
    /// How the call wants to be heard now.
    pub(super) hearing: Arc<Hearing>,
    /// By whom, or why by nobody.
    service: Result<Arc<Service>, SmolStr>,
    /// Those without a result, in order.
    pub(super) sentences: Vec<Sentence>,
    /// The one that began last.
    current: Option<SentenceId>,
    pub(super) lines: Vec<Line>,
    /// The line that the next sentence goes to.
    pub(super) open_line: Option<u64>,
    lines_made: u64,
    pub(super) work: FuturesUnordered<BoxFuture<'static, Happened>>,
    /// While nobody can be reached: what tries again.
    lost: Option<AbortHandle>,
}

impl Recognisers {
    /// Serves one call until `asked` closes: what comes of its sentences is told as it comes, and
    /// what was asked of services is counted. Takes what is asked at once, whatever services do.
    pub async fn serve(
        &self,
        callid: SmolStr,
        mut asked: mpsc::Receiver<ToRecogniser>,
        tell: impl Fn(FromRecogniser) + Send + 'static,
        used: impl Fn(Usage) + Send + 'static,
    ) {
        let mut serving = Serving::new(self.clone(), callid, Box::new(tell), Box::new(used));
        loop {
            tokio::select! {
                asked = asked.recv() => match asked {
                    Some(asked) => serving.ask(asked),
                    None => break,
                },
                Some(happened) = serving.work.next() => serving.happen(happened),
            }
        }
        serving.finish().await;
    }
}

impl Serving {
    fn new(
        recognisers: Recognisers,
        callid: SmolStr,
        tell: Box<dyn Fn(FromRecogniser) + Send>,
        used: Box<dyn Fn(Usage) + Send>,
    ) -> Self {
        let hearing = Arc::new(Hearing::default());
        let service = recognisers.choose(&hearing);
        Self {
            recognisers,
            callid,
            tell,
            used,
            hearing,
            service,
            sentences: Vec::new(),
            current: None,
            lines: Vec::new(),
            open_line: None,
            lines_made: 0,
            work: FuturesUnordered::new(),
            lost: None,
        }
    }

    fn ask(&mut self, asked: ToRecogniser) {
        match asked {
            ToRecogniser::Listen(hearing) => self.listen(*hearing),
            ToRecogniser::Begin(id) => self.begin(id),
            ToRecogniser::Audio(samples) => self.hear(&samples),
            ToRecogniser::End(id) => self.end(id),
            ToRecogniser::Cancel(id) => self.cancel(id),
        }
    }

    fn happen(&mut self, happened: Happened) {
        match happened {
            Happened::Link(link, event) => self.link_event(link, event),
            Happened::Late(id) => self.late(id),
            Happened::Settled(id) => self.settle(id),
            Happened::Understood(id, result) => self.understood(id, result),
            Happened::Reachable => self.found(),
            Happened::Nothing => {}
        }
    }

    fn listen(&mut self, hearing: Hearing) {
        if *self.hearing == hearing {
            return;
        }
        self.close_open_line();
        self.hearing = Arc::new(hearing);
        let before = std::mem::replace(&mut self.service, self.recognisers.choose(&self.hearing));
        let Ok(service) = self.service.clone() else { return };
        if self.hearing.finds_ends {
            self.open_line = Some(self.make_line((&self.hearing.clone(), &service), None));
        }
        let other = before.map_or(true, |before| !Arc::ptr_eq(&before, &service));
        if other && let Some(probe) = self.lost.take() {
            probe.abort();
            self.probe(service, Duration::ZERO);
        }
    }

    fn begin(&mut self, id: SentenceId) {
        if self.sentence(id).is_some() {
            return;
        }
        // Whoever begins to speak has ended what was said before.
        if let Some(before) = self.current.replace(id) {
            self.end(before);
        }
        let service = match self.service.clone() {
            Ok(service) => service,
            Err(why) => {
                self.tell(FromRecogniser::Failed(id, why));
                return;
            }
        };
        if self.sentences.len() >= SENTENCES_MAX
            && let Some(oldest) = self.sentences.first().map(|sentence| sentence.id)
        {
            let why = format!("more than {SENTENCES_MAX} sentences wait for their texts");
            self.lose(oldest, End::Failed(Outcome::Failed, why.into()));
        }
        let along = service.listens_along();
        self.sentences.push(Sentence::new(id, Arc::clone(&self.hearing), Arc::clone(&service)));
        if !along {
            return;
        }
        let line = match self.open_line {
            Some(line) => line,
            None => self.make_line((&self.hearing.clone(), &service), None),
        };
        self.open_line = Some(line);
        self.join_line(line, id);
    }

    fn hear(&mut self, samples: &[i16]) {
        let audio = bytes(samples);
        let current = self.current;
        let mut line = None;
        if let Some(sentence) = self.sentences.iter_mut().find(|s| Some(s.id) == current) {
            if sentence.ended.is_some() {
                return;
            }
            let id = sentence.id;
            if !sentence.keep(audio.clone()) {
                let why = format!("the sentence is longer than {SENTENCE_S_MAX} s");
                self.lose(id, End::Failed(Outcome::Failed, why.into()));
                return;
            }
            line = self.lines.iter().find(|line| line.order.contains(&id));
        } else if self.hearing.finds_ends {
            // It goes on listening between two sentences.
            line = self.lines.iter().find(|line| Some(line.id) == self.open_line);
        }
        if let Some(line) = line
            && !line.say(Say::Audio(audio))
        {
            let id = line.id;
            self.line_died(id, &SpeechError::Away("it takes no audio".into()));
        }
    }

    fn end(&mut self, id: SentenceId) {
        let now = self.recognisers.now();
        let Some(sentence) = self.sentence(id).filter(|sentence| sentence.ended.is_none()) else {
            return;
        };
        sentence.ended = Some(now);
        let service = Arc::clone(&sentence.service);
        self.after(service.settings.result_ms, Happened::Late(id));
        if service.listens_along() {
            self.end_on_line(id);
        } else {
            self.request();
        }
    }

    fn cancel(&mut self, id: SentenceId) {
        self.lose(id, End::Cancelled);
    }

    /// Starts requests for sentences that are over, as many as may be on their way.
    fn request(&mut self) {
        let mut running = self.sentences.iter().filter(|s| s.request.is_some()).count();
        let (now, recognisers) = (self.recognisers.now(), &self.recognisers);
        for sentence in &mut self.sentences {
            let ready = sentence.ended.is_some() && !sentence.service.listens_along();
            if running >= REQUESTS_MAX || !ready || sentence.request.is_some() {
                continue;
            }
            running += 1;
            sentence.reached = true;
            let (id, service) = (sentence.id, Arc::clone(&sentence.service));
            let (samples, hearing) = (sentence.samples(), Arc::clone(&sentence.hearing));
            let clock = recognisers.clone();
            let asking = async move {
                let order = service.addresses.order(now, None);
                let note = |index, there| {
                    if there {
                        service.addresses.note_there(index);
                    } else {
                        service.addresses.note_away(index, clock.now());
                    }
                };
                openai::transcribe(&service, &order, &samples, &hearing.hot_word, note).await
            };
            let (asking, request) = abortable(asking);
            sentence.request = Some(request);
            self.work.push(Box::pin(async move {
                asking.await.map_or(Happened::Nothing, |text| Happened::Understood(id, text))
            }));
        }
    }

    fn understood(&mut self, id: SentenceId, result: Result<String, SpeechError>) {
        let service = self.sentence(id).map(|sentence| Arc::clone(&sentence.service));
        match result {
            Ok(text) => {
                self.finish_sentence(id, End::Text(text));
                self.found();
            }
            Err(SpeechError::Away(why)) => {
                if let Some(sentence) = self.sentence(id) {
                    sentence.reached = false;
                }
                self.finish_sentence(id, End::Failed(Outcome::Away, why.to_smolstr()));
                if let Some(service) = service {
                    self.lose_service(service, &SpeechError::Away(why));
                }
            }
            Err(error) => {
                self.finish_sentence(id, End::Failed(Outcome::Failed, error.to_smolstr()));
                self.found();
            }
        }
        self.request();
    }

    fn late(&mut self, id: SentenceId) {
        let Some(sentence) = self.sentence(id) else { return };
        let ms = sentence.service.settings.result_ms;
        let end = match sentence.settled() {
            Some(text) => End::Text(text.to_owned()),
            None => {
                let error = SpeechError::Timeout { what: "no result", ms };
                End::Failed(Outcome::Timeout, error.to_smolstr())
            }
        };
        self.lose(id, end);
        self.request();
    }

    /// Ends a sentence whose recogniser may still speak of it.
    fn lose(&mut self, id: SentenceId, end: End) {
        let cancelled = matches!(end, End::Cancelled);
        if !self.finish_sentence(id, end) {
            return;
        }
        self.leave_line(id, cancelled);
        self.request();
    }

    fn settle(&mut self, id: SentenceId) {
        let Some(text) = self.sentence(id).and_then(|s| s.settled().map(str::to_owned)) else {
            return;
        };
        self.lose(id, End::Text(text));
    }

    /// The one place where a sentence gets its result; false if it has one.
    pub(super) fn finish_sentence(&mut self, id: SentenceId, end: End) -> bool {
        let Some(at) = self.sentences.iter().position(|sentence| sentence.id == id) else {
            return false;
        };
        let sentence = self.sentences.remove(at);
        if let Some(request) = &sentence.request {
            request.abort();
        }
        self.count(&sentence);
        let name = &sentence.service.name;
        let outcome = match &end {
            End::Text(text) if text.is_empty() => Outcome::Empty,
            End::Text(_) => Outcome::Text,
            End::Failed(outcome, _) => *outcome,
            End::Cancelled => Outcome::Cancelled,
        };
        meter::sentence(name, outcome);
        if let (End::Text(_), Some(ended)) = (&end, sentence.ended) {
            meter::waited(name, self.recognisers.now().ms_since(ended));
        }
        match end {
            End::Text(text) => self.tell(FromRecogniser::Final(id, text.into())),
            End::Failed(_, why) => self.tell(FromRecogniser::Failed(id, why)),
            End::Cancelled => {}
        }
        true
    }

    /// Counts what a service was given of it (I27).
    pub(super) fn count(&self, sentence: &Sentence) {
        if sentence.reached {
            (self.used)(Usage { requests: 1, audio_ms: sentence.audio_ms() });
        }
    }

    pub(super) fn tell(&self, told: FromRecogniser) {
        (self.tell)(told);
    }

    pub(super) fn sentence(&mut self, id: SentenceId) -> Option<&mut Sentence> {
        self.sentences.iter_mut().find(|sentence| sentence.id == id)
    }

    /// A number for one more line.
    pub(super) fn next_line(&mut self) -> u64 {
        self.lines_made += 1;
        self.lines_made
    }

    pub(super) fn after(&self, ms: u64, happened: Happened) {
        self.work.push(Box::pin(async move {
            sleep(Duration::from_millis(ms)).await;
            happened
        }));
    }

    /// Nobody can be reached: tells so once, and tries until somebody can.
    pub(super) fn lose_service(&mut self, service: Arc<Service>, error: &SpeechError) {
        let is_meant = self.service.as_ref().is_ok_and(|meant| Arc::ptr_eq(meant, &service));
        if self.lost.is_some() || !is_meant {
            return;
        }
        tracing::warn!(recogniser = service.name, %error, "a recogniser can't be reached");
        self.tell(FromRecogniser::Lost(error.to_smolstr()));
        self.probe(service, probe_pause());
    }

    fn probe(&mut self, service: Arc<Service>, first: Duration) {
        let (callid, hearing) = (self.callid.clone(), Arc::clone(&self.hearing));
        let probing = async move {
            let mut pause = first;
            loop {
                sleep(pause).await;
                pause = probe_pause();
                for index in 0..service.addresses.urls().len() {
                    if service.reach(&callid, &hearing, index).await.is_ok() {
                        service.addresses.note_there(index);
                        return;
                    }
                }
            }
        };
        let (probing, probe) = abortable(probing);
        self.lost = Some(probe);
        self.work.push(Box::pin(async move {
            probing.await.map_or(Happened::Nothing, |()| Happened::Reachable)
        }));
    }

    /// Somebody was reached.
    pub(super) fn found(&mut self) {
        if let Some(probe) = self.lost.take() {
            probe.abort();
            self.tell(FromRecogniser::Ready);
        }
    }

    /// Says goodbye on all lines. What nobody waits for any more is counted all the same.
    async fn finish(mut self) {
        for sentence in std::mem::take(&mut self.sentences) {
            self.count(&sentence);
            meter::sentence(&sentence.service.name, Outcome::Cancelled);
            if let Some(request) = sentence.request {
                request.abort();
            }
        }
        for line in &mut self.lines {
            line.hang_up();
        }
        let lines: Vec<u64> =
            self.lines.iter().filter(|line| line.connected.is_some()).map(|line| line.id).collect();
        let mut open = lines.len();
        let farewells = async {
            while open > 0 {
                match self.work.next().await {
                    Some(Happened::Link(link, LinkEvent::Gone(_))) if lines.contains(&link.id) => {
                        open -= 1;
                    }
                    Some(Happened::Link(link, LinkEvent::Message(_))) => self.follow(link),
                    Some(_) => {}
                    None => break,
                }
            }
        };
        // A link's own limit on farewells is shorter; what talks on and on is dropped.
        drop(timeout(Duration::from_millis(PROBE_MS), farewells).await);
    }
}

fn probe_pause() -> Duration {
    let random = u64::from(uuid::Uuid::new_v4().as_fields().0);
    Duration::from_millis(PROBE_MS / 2 + random % PROBE_MS)
}
