//! Opening the store, and the future that delivers its rows.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::database::Database;
use super::dead_letter::DeadLetters;
use super::delivery::{Delivery, Sink};
use super::error::StoreError;
use super::handle::Store;
use super::health::{Gauges, Health};
use super::log_rows::LogRows;
use super::notify_url::NotifyUrl;
use super::queue::{Queue, Wants, queue};
use super::redis_rows::RedisRows;
use crate::config::Config;

/// How long waiting rows may take at the end. A supervisor kills after 90 s by default (systemd's
/// `TimeoutStopSec`); what a healthy sink has not taken by now it will not take.
const FLUSH_DEADLINE: Duration = Duration::from_secs(10);

/// Delivers the rows of one [`Store`].
pub struct Worker {
    database: Option<Delivery<Database>>,
    redis: Option<Delivery<RedisRows>>,
    notify_url: Option<Delivery<NotifyUrl>>,
    log: Option<Delivery<LogRows>>,
    closing: watch::Sender<bool>,
    health: Health,
}

/// Opens the store that the configuration describes. Nothing is connected yet: a sink that is away
/// is no error here, the worker says so and keeps trying.
///
/// # Errors
///
/// A URL or a table name in the configuration that can't be right.
pub fn open(config: &Config) -> Result<(Store, Worker), StoreError> {
    let (closing, closed) = watch::channel(false);
    let mut opening = Opening {
        dead_letters: Arc::new(DeadLetters::new(&config.data_dir)),
        closed,
        queues: Vec::new(),
        gauges: Gauges::default(),
    };
    let record = &config.robot.record;
    let statistic = &config.robot.statistic;
    let database = Database::new(config)?.map(|(sink, wants)| opening.add(sink, wants));
    let redis = RedisRows::new(config)?.map(|(sink, wants)| opening.add(sink, wants));
    let notify_url = NotifyUrl::new(&record.notify_url)?
        .map(|sink| opening.add(sink, Wants { destroy: true, ..Wants::default() }));
    let logged = Wants { conversation: record.log, classify: statistic.log, ..Wants::default() };
    let log = logged.anything().then(|| opening.add(LogRows, logged));
    let health = opening.gauges.health();
    let store = Store { queues: opening.queues.into(), health: health.clone() };
    Ok((store, Worker { database, redis, notify_url, log, closing, health }))
}

impl Worker {
    /// Delivers until `stop` is done, and then what still waits, for ten seconds at most.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { database, redis, notify_url, log, closing, health } = self;
        let deliveries = async {
            tokio::join!(run(database), run(redis), run(notify_url), run(log));
        };
        let (mut deliveries, mut stop) = (pin!(deliveries), pin!(stop));
        tokio::select! {
            () = &mut stop => {}
            // No sink is configured, or nobody can send rows any more.
            () = &mut deliveries => return stop.await,
        }
        closing.send_replace(true);
        if timeout(FLUSH_DEADLINE, deliveries).await.is_err() {
            tracing::error!(?health, "rows still waiting are lost");
        }
    }
}

async fn run<S: Sink>(delivery: Option<Delivery<S>>) {
    if let Some(delivery) = delivery {
        delivery.run().await;
    }
}

/// What the sinks' deliveries share while the store is being opened.
struct Opening {
    dead_letters: Arc<DeadLetters>,
    closed: watch::Receiver<bool>,
    queues: Vec<Queue>,
    gauges: Gauges,
}

impl Opening {
    fn add<S: Sink>(&mut self, sink: S, wants: Wants) -> Delivery<S> {
        let gauge = self.gauges.add(sink.name());
        let (queue, inbox) = queue(wants, gauge.clone(), self.closed.clone());
        self.queues.push(queue);
        Delivery { sink, inbox, gauge, dead_letters: Arc::clone(&self.dead_letters) }
    }
}
