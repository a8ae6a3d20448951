//! Rows to Redis: a channel, a list, a stream (I3), and the end of a call alone (I4).

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline, RedisError, cmd, pipe};

use super::delivery::Sink;
use super::error::{SendError, StoreError};
use super::queue::{BATCH_RECORDS_MAX, Wants};
use super::record::{Record, Written};
use crate::config::{Config, RedisTargets};

/// About how many entries a stream keeps: a day of 1.1 rows a second, some 100 MB in Redis. A
/// consumer that is away for longer reads the database.
const STREAM_ENTRIES_MAX: u64 = 100_000;

/// A Redis that does not accept a connection by now is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A batch of 500 rows takes some milliseconds; a Redis that saves or loads may take seconds.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The sink.
pub(super) struct RedisRows {
    client: Client,
    connection: Option<MultiplexedConnection>,
    conversation: RedisTargets,
    classify: RedisTargets,
    /// The DESTORY row alone.
    destroy: RedisTargets,
}

impl RedisRows {
    /// The configured Redis and what it wants; `None` if there is none or it wants nothing.
    pub(super) fn new(config: &Config) -> Result<Option<(Self, Wants)>, StoreError> {
        let url = &config.redis.url.0;
        let record = &config.robot.record;
        let (conversation, classify, destroy) =
            (&record.redis, &config.robot.statistic.redis, &record.notify_redis);
        let wants = Wants {
            conversation: is_any(conversation),
            classify: is_any(classify),
            destroy: is_any(destroy),
        };
        if url.is_empty() || !wants.anything() {
            return Ok(None);
        }
        let refuse = |error: RedisError| StoreError::RedisUrl(error.to_string());
        let client = Client::open(url.as_str()).map_err(refuse)?;
        let [conversation, classify, destroy] =
            [conversation, classify, destroy].map(RedisTargets::clone);
        Ok(Some((Self { client, connection: None, conversation, classify, destroy }, wants)))
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let mut connection =
            self.client.get_multiplexed_async_connection_with_config(&limits).await?;
        self.check_types(&mut connection).await?;
        Ok(connection)
    }

    /// A key of another type would fail half of a batch: it is found out before anything is sent.
    async fn check_types(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        for targets in [&self.conversation, &self.classify, &self.destroy] {
            for (key, wanted) in [(&targets.list, "list"), (&targets.stream, "stream")] {
                if key.is_empty() {
                    continue;
                }
                let found: String = cmd("TYPE").arg(key).query_async(connection).await?;
                if found != "none" && found != wanted {
                    let text = format!("key {key} is a {found}, not a {wanted}: rename one");
                    return Err((redis::ErrorKind::InvalidClientConfig, "wrong type", text).into());
                }
            }
        }
        Ok(())
    }

    /// Everything a batch means to Redis, as one transaction: all of it or nothing.
    fn commands(&self, records: &[Record]) -> Pipeline {
        let mut commands = pipe();
        commands.atomic();
        for record in records {
            let message = record.to_json();
            match record.written {
                Written::Conversation(_) => {
                    add(&mut commands, &self.conversation, record, &message)
                }
                Written::Classify(_) => add(&mut commands, &self.classify, record, &message),
            }
            if record.ends_call() {
                add(&mut commands, &self.destroy, record, &message);
            }
        }
        commands
    }

    fn away(&self, error: &RedisError) -> SendError {
        let place = self.client.get_connection_info().addr();
        SendError::Away(format!(
            "{place}: {error}; check that it runs, and address and password in [redis] url"
        ))
    }
}

impl Sink for RedisRows {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn records_max(&self) -> usize {
        BATCH_RECORDS_MAX
    }

    async fn send(&mut self, records: &[Record]) -> Result<(), SendError> {
        let connection = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.connect().await,
        };
        let mut connection = connection.map_err(|error| self.away(&error))?;
        let commands = self.commands(records);
        if !commands.is_empty() {
            let answer: Result<(), _> = commands.query_async(&mut connection).await;
            answer.map_err(|error| self.away(&error))?;
        }
        self.connection = Some(connection);
        Ok(())
    }
}

fn is_any(targets: &RedisTargets) -> bool {
    *targets != RedisTargets::default()
}

fn add(commands: &mut Pipeline, targets: &RedisTargets, record: &Record, message: &str) {
    let RedisTargets { channel, list, stream } = targets;
    if !channel.is_empty() {
        commands.cmd("PUBLISH").arg(channel).arg(message).ignore();
    }
    if !list.is_empty() {
        commands.cmd("RPUSH").arg(list).arg(message).ignore();
    }
    if !stream.is_empty() {
        let entry = commands.cmd("XADD").arg(stream).arg("MAXLEN").arg("~").arg(STREAM_ENTRIES_MAX);
        entry.arg("*").arg("event_id").arg(record.event_id()).arg("row").arg(message).ignore();
    }
}
