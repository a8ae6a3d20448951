//! A switch under test and the drivers of its calls.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use telephonist::config;
use telephonist::engine::Source;
use telephonist::engine::time::Tick;
use telephonist::switch::NewCall;
use telephonist::switch::freeswitch::{Arrivals, Freeswitch, Outbound};
use telephonist::turn::{EntryId, MediaEvent, Order, PlaybackEnd};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fake_freeswitch::PATIENCE;

/// A sound that any FreeSWITCH can make.
pub(crate) const TONE: &str = "tone_stream://%(10000,0,440)";

/// How calls reach us.
#[derive(Clone, Copy)]
pub(crate) enum WayIn {
    /// We attach to the switch.
    Attached,
    /// The switch connects to us.
    Outbound,
}

/// A running `Freeswitch` or `Outbound`, and what comes out of it.
pub(crate) struct Rig {
    pub(crate) arrivals: Arrivals,
    _running: JoinSet<()>,
}

impl Rig {
    pub(crate) fn attach(config: &config::Freeswitch) -> Self {
        let (switch, arrivals) = Freeswitch::new(config, Path::new("/nowhere/audio"), clock());
        let mut running = JoinSet::new();
        running.spawn(async move { match switch.run().await {} });
        Self { arrivals, _running: running }
    }

    /// Listens where the fake then connects to.
    pub(crate) async fn listen(config: &config::FreeswitchOutbound) -> (Self, SocketAddr) {
        let listener = TcpListener::bind(&config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let audio = Path::new("/nowhere/audio");
        let (outbound, arrivals) = Outbound::new(listener, config, audio, clock());
        let mut running = JoinSet::new();
        running.spawn(async move { match outbound.run().await {} });
        (Self { arrivals, _running: running }, address)
    }

    /// Waits until the switch is, or is not, attached; returns what the status then says is wrong.
    pub(crate) async fn connected(&mut self, connected: bool) -> String {
        let status = self.arrivals.status.wait_for(|status| status.connected == connected);
        let status = within(PATIENCE, "the status", status).await.unwrap();
        status.problem.as_deref().unwrap_or_default().to_owned()
    }

    /// The next call that reaches the robot, taken.
    pub(crate) async fn call(&mut self) -> Driver {
        let driver = self.call_untaken().await;
        driver.call.handle.take("").unwrap();
        driver
    }

    pub(crate) async fn call_untaken(&mut self) -> Driver {
        let call = within(PATIENCE, "a call", self.arrivals.calls.recv()).await.unwrap();
        Driver { call }
    }
}

/// Drives one call.
pub(crate) struct Driver {
    pub(crate) call: NewCall,
}

impl Driver {
    pub(crate) fn order(&self, order: Order) {
        self.call.handle.order(order).unwrap();
    }

    pub(crate) fn play(&self, number: u32) {
        self.play_source(number, Source::Tone(TONE.into()));
    }

    pub(crate) fn play_source(&self, number: u32, source: Source) {
        self.order(Order::Play { entry: entry(number), source, offset_ms: 0 });
    }

    pub(crate) fn listen(&self) {
        self.order(Order::Listen(Box::default()));
    }

    pub(crate) fn hang_up(&self) {
        self.order(Order::Hangup { cause: "NORMAL_CLEARING".into() });
    }

    /// The next event of the line.
    pub(crate) async fn next(&mut self) -> MediaEvent {
        let next = within(PATIENCE, "an event", self.call.events.next()).await;
        next.expect("the line goes on")
    }

    /// Reads events until this one.
    pub(crate) async fn until(&mut self, event: &MediaEvent) {
        while self.next().await != *event {}
    }

    /// Reads events until this entry is at its end.
    pub(crate) async fn end_of(&mut self, number: u32) -> (PlaybackEnd, Option<u64>) {
        loop {
            if let MediaEvent::PlaybackFinished { entry: ended, end, heard_ms } = self.next().await
                && ended == entry(number)
            {
                return (end, heard_ms);
            }
        }
    }

    /// Hangs up; returns the last event of the line.
    pub(crate) async fn end(&mut self) -> Option<MediaEvent> {
        self.hang_up();
        self.rest().await.pop()
    }

    /// What still comes before the line ends.
    pub(crate) async fn rest(&mut self) -> Vec<MediaEvent> {
        let mut rest = Vec::new();
        while let Some(event) = within(PATIENCE, "the end", self.call.events.next()).await {
            rest.push(event);
        }
        rest
    }
}

pub(crate) fn entry(number: u32) -> EntryId {
    EntryId { appid: "appid".into(), number }
}

pub(crate) async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    timeout(limit, future).await.unwrap_or_else(|_| panic!("{what} did not come in {limit:?}"))
}

#[expect(clippy::disallowed_methods, reason = "a test has no daemon whose clock it could read")]
fn clock() -> impl Fn() -> Tick + Send + Sync + 'static {
    let began = std::time::Instant::now();
    move || Tick(u64::try_from(began.elapsed().as_millis()).unwrap())
}
