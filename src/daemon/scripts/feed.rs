//! Scripts in Redis: read at the start, followed by messages, compared after each reconnect (I1, I2).

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, cmd};
use smol_str::SmolStr;
use tokio::time::{sleep, timeout};

use super::cache::Cache;
use super::catalog::{Catalog, Origin, SCRIPTS_MAX, Verdict, is_name, refuse};
use super::message::{Change, REPLY_CHANNEL, Reply, channel, hash};
use crate::daemon::readiness::Part;
use crate::script::FILE_BYTES_MAX;

/// A Redis that has not answered by now is away.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a silent subscription is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(15);

/// Between two attempts to connect.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// What follows the scripts in Redis.
pub(super) struct Feed {
    pub(super) client: Client,
    pub(super) domain: String,
    /// Our name in replies.
    pub(super) instance: String,
    pub(super) catalog: Arc<Catalog>,
    pub(super) cache: Cache,
    pub(super) part: Part,
}

/// One connection's life.
struct Session {
    connection: MultiplexedConnection,
    messages: PubSubStream,
    subscription: PubSubSink,
}

/// Whether somebody waits to hear what became of a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// A message asked for it.
    Always,
    /// It was found by comparing.
    Changes,
    /// It was found at the start: nobody has changed anything.
    Nothing,
}

impl Feed {
    /// Follows Redis for ever, through all its absences.
    pub(super) async fn run(self) {
        let mut telling = Telling::Nothing;
        loop {
            let error = match self.connect().await {
                Ok(session) => {
                    let Err(error) = self.follow(session, telling).await;
                    telling = Telling::Changes;
                    error
                }
                Err(error) => error,
            };
            let place = self.client.get_connection_info().addr();
            self.part.down(&format!(
                "{place}: {error}; check that it runs, and address and password in [redis] url"
            ));
            sleep(RECONNECT_DELAY).await;
        }
    }

    async fn connect(&self) -> Result<Session, RedisError> {
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let connection = self.client.get_multiplexed_async_connection_with_config(&limits).await?;
        let subscribed = async {
            let (mut subscription, messages) = self.client.get_async_pubsub().await?.split();
            subscription.subscribe(channel("")).await?;
            if !self.domain.is_empty() {
                subscription.subscribe(channel(&self.domain)).await?;
            }
            Ok((subscription, messages))
        };
        let (subscription, messages) = answered(subscribed).await?;
        Ok(Session { connection, messages, subscription })
    }

    /// Subscribed first, compared then: whatever changes from now on is told by a message.
    async fn follow(
        &self,
        mut session: Session,
        telling: Telling,
    ) -> Result<Infallible, RedisError> {
        self.compare(&mut session.connection, telling).await?;
        self.part.up();
        loop {
            match timeout(PING_EVERY, session.messages.next()).await {
                Ok(Some(message)) => {
                    self.receive(&mut session.connection, message.get_payload_bytes()).await?;
                }
                Ok(None) => return Err((ErrorKind::Io, "the connection was closed").into()),
                Err(_) => answered(session.subscription.ping::<()>()).await?,
            }
        }
    }

    /// Makes ours what Redis has.
    async fn compare(
        &self,
        connection: &mut MultiplexedConnection,
        telling: Telling,
    ) -> Result<(), RedisError> {
        for origin in self.origins() {
            let mut names: Vec<SmolStr> = cmd("HKEYS")
                .arg(self.hash(origin))
                .query_async::<Vec<String>>(connection)
                .await?
                .into_iter()
                .map(SmolStr::from)
                .collect();
            names.sort();
            names.truncate(SCRIPTS_MAX);
            for name in &names {
                let verdict = self.read(connection, origin, name).await?;
                self.reply(connection, name, verdict, telling).await?;
            }
            let names: BTreeSet<_> = names.into_iter().collect();
            for name in self.catalog.retain(origin, &names).await {
                self.cache.remove(origin, &name).await;
                self.reply(connection, &name, None, telling).await?;
            }
        }
        Ok(())
    }

    /// Does what a message asks for; one that can't be understood is told to the log.
    async fn receive(
        &self,
        connection: &mut MultiplexedConnection,
        message: &[u8],
    ) -> Result<(), RedisError> {
        let change: Change = match serde_json::from_slice(message) {
            Ok(change) => change,
            Err(error) => {
                tracing::error!(%error, "a message on config@… can't be understood");
                return Ok(());
            }
        };
        if !change.is_about_scripts() {
            return Ok(());
        }
        // The last origin is the one in force, if it has the script: its verdict is what is told.
        let mut verdict = None;
        for origin in self.origins() {
            verdict = self.read(connection, origin, &change.key).await?.or(verdict);
        }
        self.reply(connection, &change.key, verdict, Telling::Always).await
    }

    /// Reads one script and takes it if it can be loaded; `None` if Redis has none.
    async fn read(
        &self,
        connection: &mut MultiplexedConnection,
        origin: Origin,
        name: &SmolStr,
    ) -> Result<Option<Verdict>, RedisError> {
        let hash = self.hash(origin);
        let file = format!("{hash}/{name}");
        if !is_name(name) {
            return Ok(Some(refuse(&file, "this can be no script's name", "rename it")));
        }
        let length: usize =
            cmd("HSTRLEN").arg(&hash).arg(name.as_str()).query_async(connection).await?;
        if length > FILE_BYTES_MAX {
            let message = format!("it has {length} bytes, more than {FILE_BYTES_MAX}");
            return Ok(Some(refuse(&file, &message, "split it into several scripts")));
        }
        let bytes: Option<Vec<u8>> =
            cmd("HGET").arg(&hash).arg(name.as_str()).query_async(connection).await?;
        let Some(bytes) = bytes else {
            self.catalog.remove(origin, name).await;
            self.cache.remove(origin, name).await;
            return Ok(None);
        };
        let verdict = self.catalog.offer(origin, name, &file, bytes.clone()).await;
        if verdict.accepted && verdict.is_new {
            self.cache.keep(origin, name, &bytes).await;
        }
        Ok(Some(verdict))
    }

    /// Tells the script's author what became of it; without a verdict, that it is gone.
    async fn reply(
        &self,
        connection: &mut MultiplexedConnection,
        name: &SmolStr,
        verdict: Option<Verdict>,
        telling: Telling,
    ) -> Result<(), RedisError> {
        let gone = Verdict { accepted: true, is_new: true, complaints: Vec::new() };
        let verdict = verdict.unwrap_or(gone);
        match telling {
            Telling::Always => {}
            Telling::Changes if verdict.is_new => {}
            Telling::Changes | Telling::Nothing => return Ok(()),
        }
        let reply = Reply {
            key: name.clone(),
            instance: self.instance.clone(),
            accepted: verdict.accepted,
            revision: self.catalog.revision(name),
            problems: verdict.complaints,
        };
        let message = serde_json::to_string(&reply).map_err(|error| {
            RedisError::from((ErrorKind::Client, "a reply can't be written", error.to_string()))
        })?;
        cmd("PUBLISH").arg(REPLY_CHANNEL).arg(message).query_async(connection).await
    }

    fn hash(&self, origin: Origin) -> String {
        hash(if origin == Origin::Domain { &self.domain } else { "" })
    }

    fn origins(&self) -> impl Iterator<Item = Origin> {
        let domain = (!self.domain.is_empty()).then_some(Origin::Domain);
        [Origin::Common].into_iter().chain(domain)
    }
}

/// An answer in time, or an error.
async fn answered<T>(answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisError> {
    let late = |_| RedisError::from((ErrorKind::Io, "no answer in time"));
    timeout(ANSWER_TIMEOUT, answer).await.map_err(late)?
}
