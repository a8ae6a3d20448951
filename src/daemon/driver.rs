//! One call's loop: what happens on its line goes into the conversation, and what comes out goes
//! to the switch and to the store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use smol_str::SmolStr;
use tokio::sync::watch;

use super::clock::Clock;
use super::meter::Meter;
use super::voice::VoiceCall;
use crate::engine::{
    Ask, Command, EndReason, Input, Now, Outcome, RequestId, Tick, Transfer, in_one_line,
};
use crate::pii::Pii;
use crate::store::{Notify, Store};
use crate::switch::{CallHandle, SwitchEvents};
use crate::turn::{Conversation, Decider, DeciderSnapshot, Effect, MediaEvent, Order, Recordings};
use crate::web::Web;

/// A call that is closed waits this long for the switch to have hung up, ms: dropped earlier, the
/// hang-up itself could be lost with it.
const CLOSE_MS: u64 = 3_000;

/// What all calls share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) web: Web,
    pub(super) clock: Clock,
    /// Where calls may be sent (N11).
    pub(super) transfers: Arc<Transfers>,
    /// True once calls that still run are to be closed (N5).
    pub(super) closing: watch::Receiver<bool>,
}

/// The extensions a script may send a call to (N11).
#[derive(Debug)]
pub(super) struct Transfers(regex::RegexSet);

impl Transfers {
    pub(super) fn new(patterns: &[String]) -> Result<Self, regex::Error> {
        regex::RegexSet::new(patterns).map(Self)
    }

    fn allows(&self, to: &Transfer) -> bool {
        self.0.is_match(&to.extension)
    }
}

/// The answer that a call waits for.
type Asking = Pin<Box<dyn Future<Output = (RequestId, Outcome)> + Send>>;

/// What a call is driven over.
pub(super) struct Line {
    pub(super) handle: CallHandle,
    pub(super) events: SwitchEvents,
    /// Its ears and mouth, if its audio comes to us.
    pub(super) voice: Option<VoiceCall>,
    /// What its recordings are called, if it is recorded.
    pub(super) recordings: Option<Recordings>,
}

/// Drives one call from its first action to its last row.
pub(super) struct Driver {
    conversation: Conversation,
    handle: CallHandle,
    events: SwitchEvents,
    /// Its ears and mouth, if its audio comes to us.
    voice: Option<VoiceCall>,
    notify: Notify,
    shared: Shared,
    /// A question on its way. A call asks one at a time: a newer one takes its place, and the call's
    /// end drops it.
    asking: Option<Asking>,
    /// The daemon has hung up; the call ends then, whatever the switch says.
    closed_by: Option<Tick>,
    /// What was tried for the next row, if rows are to keep it.
    tried: Option<SmolStr>,
    /// The call as it was after its last row: what is left of it if a step panics (N7).
    safe: DeciderSnapshot,
}

impl Driver {
    pub(super) fn new(decider: Decider, line: Line, notify: Notify, shared: Shared) -> Self {
        let now = shared.clock.now();
        let Line { handle, events, voice, recordings } = line;
        let conversation = Conversation::recorded(decider, recordings, now);
        let safe = conversation.decider().snapshot();
        let (asking, closed_by, tried) = (None, None, None);
        Self { conversation, handle, events, voice, notify, shared, asking, closed_by, tried, safe }
    }

    /// Until the call has ended. By reference: a future that takes what it drives holds it twice.
    pub(super) async fn run(&mut self) {
        self.perform();
        while !self.conversation.has_ended() {
            let wake = self.conversation.next_wake().map(|(due, _)| due);
            let clock = &self.shared.clock;
            let closing = &mut self.shared.closing;
            let closed_by = self.closed_by;
            tokio::select! {
                event = self.events.next() => {
                    // A line that tells nothing more is gone, and so is what was being said.
                    let event = event.unwrap_or(MediaEvent::HungUp(EndReason::Hangup));
                    self.step(|conversation, now| conversation.handle(event, now));
                }
                () = reach(clock, wake) => self.step(Conversation::wake),
                (id, outcome) = answered(&mut self.asking) => {
                    self.asking = None;
                    self.step(|conversation, now| conversation.answer(id, outcome, now));
                }
                () = closed(closing), if closed_by.is_none() => self.close(),
                () = reach(clock, closed_by), if closed_by.is_some() => {
                    let ended = MediaEvent::HungUp(EndReason::SendBye);
                    self.step(|conversation, now| {
                        conversation.handle(ended.clone(), now);
                        conversation.handle(ended, now);
                    });
                }
            }
            self.perform();
        }
    }

    /// Does what the conversation decided.
    fn perform(&mut self) {
        while let Some(effect) = self.conversation.next_effect() {
            match effect {
                Effect::Row(mut row) => {
                    row.why = self.tried.take();
                    self.shared.store.conversation(*row, &self.notify);
                    self.safe = self.conversation.decider().snapshot();
                }
                Effect::Classify(mut row) => {
                    row.ledger = self.voice.as_ref().and_then(VoiceCall::ledger);
                    self.shared.store.classify(*row, &self.notify);
                }
                Effect::Order(Order::Transfer(to)) if !self.shared.transfers.allows(&to) => {
                    let why = SmolStr::new_static("calls.transfer_allow does not name it (N11)");
                    let refused = MediaEvent::TransferFailed(why);
                    self.step(|conversation, now| conversation.handle(refused, now));
                }
                Effect::Order(order) => self.order(order),
                Effect::Ask(ask) => self.ask(*ask),
                Effect::Tell(request) => self.shared.web.tell(*request),
                Effect::Note(note) => tracing::debug!(note = %Pii(note), "the flow service says"),
                Effect::Warn(warning) => tracing::warn!(warning = %Pii(warning)),
                Effect::Explain(lines) => {
                    self.tried = Some(in_one_line(&lines)).filter(|tried| !tried.is_empty());
                }
            }
        }
    }

    fn ask(&mut self, Ask { id, kind, request }: Ask) {
        let web = self.shared.web.clone();
        self.asking = Some(Box::pin(async move { (id, web.ask(kind, request).await) }));
    }

    fn order(&mut self, order: Order) {
        let taken = match (&self.voice, &order) {
            (
                Some(voice),
                Order::Play { .. }
                | Order::StopAudio
                | Order::Listen(_)
                | Order::StopListening
                | Order::Record { .. },
            ) => voice.order(order),
            _ => self.handle.order(order),
        };
        if taken.is_err() {
            tracing::error!("the switch takes no more orders; the call is given up");
            let lost = MediaEvent::HungUp(EndReason::Hangup);
            self.step(|conversation, now| conversation.handle(lost, now));
        }
    }

    /// One step of the conversation. A panic in it ends this call, with its last rows (N7).
    fn step(&mut self, step: impl FnOnce(&mut Conversation, Now)) {
        let now = self.shared.clock.now();
        let conversation = &mut self.conversation;
        if catch_unwind(AssertUnwindSafe(|| step(conversation, now))).is_err() {
            metrics::counter!(Meter::Panics.name(), "task" => "call").increment(1);
            self.end_after_panic(now);
        }
    }

    /// Hangs up, and writes the end of the call as it was after its last row.
    fn end_after_panic(&mut self, now: Now) {
        let safe = self.conversation.decider().as_of(self.safe.clone());
        let Some(mut decider) = safe else { return };
        decider.handle(Input::Ended(EndReason::Hangup), now);
        while let Some(command) = decider.next_command() {
            match command {
                Command::Row(row) => self.shared.store.conversation(*row, &self.notify),
                Command::Classify(row) => self.shared.store.classify(*row, &self.notify),
                Command::Tell(request) => self.shared.web.tell(*request),
                _ => {}
            }
        }
        // A switch that takes no orders has no call to leave.
        let _gone = self.handle.leave("NORMAL_TEMPORARY_FAILURE");
        self.asking = None;
        self.conversation = Conversation::new(decider, now);
    }

    /// The daemon stops: the call is hung up, and ends when the switch says so, or soon.
    fn close(&mut self) {
        tracing::info!("the daemon stops; the call is closed");
        // Whether or not the switch takes it, the call's rows are written.
        let _gone = self.handle.leave("NORMAL_CLEARING");
        self.closed_by = Some(self.shared.clock.now().tick.plus_ms(CLOSE_MS));
    }
}

async fn reach(clock: &Clock, due: Option<Tick>) {
    match due {
        Some(due) => clock.reach(due).await,
        None => std::future::pending().await,
    }
}

/// Waits for the answer, for ever if nothing was asked.
async fn answered(asking: &mut Option<Asking>) -> (RequestId, Outcome) {
    match asking {
        Some(asking) => asking.await,
        None => std::future::pending().await,
    }
}

/// Waits until calls are to be closed.
async fn closed(closing: &mut watch::Receiver<bool>) {
    if closing.wait_for(|closing| *closing).await.is_err() {
        // Nobody can close calls any more.
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::config::Config;
    use crate::engine::{Call, Robot};
    use crate::script;
    use crate::store;
    use crate::switch::{LineId, Said, line};
    use crate::web;

    const SCRIPT: &str = r#"{ "flow": { "Start": { "subflow": { "F1": {} } }, "F1": {
        "action": "cti_play_and_detect_speech", "playbacks": ["hello"], "potential": "B",
        "subflow": { "F2": { "condition": { "complete": ["any"] } } } },
        "F2": { "action": "hangup" } } }"#;

    /// N7: a step that panics ends its call, with a hang-up and the call's last rows, once.
    #[tokio::test]
    async fn a_panic_ends_one_call_and_its_rows_are_written_n7() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows.db");
        let mut config = Config { data_dir: folder.path().into(), ..Config::default() };
        config.database.url.0 = format!("sqlite://{}", file.display());
        let (store, worker) = store::open(&config).unwrap();
        let (said, mut orders) = mpsc::channel(64);
        let (_switch, handle, events) = line(LineId(1), said);
        let (_close, closing) = watch::channel(false);
        let clock = Clock::new(jiff::tz::TimeZone::UTC);
        let transfers = Arc::new(Transfers::new(&[]).unwrap());
        let web = web::open(&config, || Tick(0)).unwrap().0;
        let shared = Shared { store: store.clone(), web, clock: clock.clone(), transfers, closing };
        let script = script::load("s", "s.json", SCRIPT.as_bytes()).0.unwrap();
        let call = Call {
            callid: "u".into(),
            variables: Vec::new(),
            event_after_hangup: true,
            explain: false,
        };
        let robot = Robot::new(call, script, clock.now());
        let line = Line { handle, events, voice: None, recordings: None };
        let mut driver = Driver::new(robot.into(), line, Notify::default(), shared);
        driver.perform();
        driver.step(|_, _| panic!("a bug"));
        driver.run().await;
        tokio::join!(worker.run(store.flush()), store.flush());

        let mut last = None;
        while let Ok((_, said)) = orders.try_recv() {
            last = Some(said);
        }
        let cause = SmolStr::new_static("NORMAL_TEMPORARY_FAILURE");
        assert_eq!(last, Some(Said::Leave { cause }));
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut database = sqlx::ConnectOptions::connect(&options).await.unwrap();
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT input_args, potential FROM conversation ORDER BY event_no")
                .fetch_all(&mut database)
                .await
                .unwrap();
        let row = |args: &str, potential: &str| (args.to_owned(), potential.to_owned());
        assert_eq!(rows, [row("s", "B"), row("hangup", "B")]);
        let labels: Vec<(String,)> = sqlx::query_as("SELECT label_result FROM classify")
            .fetch_all(&mut database)
            .await
            .unwrap();
        assert_eq!(labels, [("B".to_owned(),)]);
    }
}
