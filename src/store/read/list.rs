//! The Redis list that rows were pushed to (I3). Nothing is taken off it.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, cmd};

use super::gather::Gather;
use super::{Read, ReadError, Wanted};
use crate::config::Config;
use crate::store::error::{SendError, StoreError};

/// Messages asked for in one go: about a megabyte.
const PAGE: usize = 2_000;
/// A Redis that has not answered by now is away.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct List {
    client: Client,
    key: String,
    connection: Option<MultiplexedConnection>,
    next: usize,
    gather: Gather,
    ended: bool,
}

impl List {
    pub(super) fn new(url: &str, wanted: Wanted, config: &Config) -> Result<Self, ReadError> {
        let (url, key) = url.split_once('#').unwrap_or((url, &config.robot.record.redis.list));
        if key.is_empty() {
            return Err(ReadError::NoList);
        }
        let refuse = |error: RedisError| StoreError::RedisUrl(error.to_string());
        let client = Client::open(url).map_err(refuse)?;
        let (key, gather) = (key.to_owned(), Gather::new(wanted));
        Ok(Self { client, key, connection: None, next: 0, gather, ended: false })
    }

    pub(super) async fn next(&mut self) -> Result<Read, SendError> {
        if self.ended {
            return Ok(Read::End);
        }
        let page = self.page().await.map_err(|error| {
            let place = self.client.get_connection_info().addr();
            SendError::Away(format!("{place}: {error}; check that it runs, and the URL"))
        })?;
        self.next += page.len();
        page.iter().for_each(|message| self.gather.take(message));
        self.ended = page.is_empty();
        Ok(Read::Calls(if self.ended { self.gather.all() } else { self.gather.ready() }))
    }

    async fn page(&mut self) -> Result<Vec<Vec<u8>>, RedisError> {
        // Taken out of its place: one that fails is not used again.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let limits = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(ANSWER_TIMEOUT))
                    .set_response_timeout(Some(ANSWER_TIMEOUT));
                self.client.get_multiplexed_async_connection_with_config(&limits).await?
            }
        };
        let last = self.next + PAGE - 1;
        let mut range = cmd("LRANGE");
        range.arg(&self.key).arg(self.next).arg(last);
        let page = range.query_async(&mut connection).await?;
        self.connection = Some(connection);
        Ok(page)
    }

    pub(super) fn unreadable(&self) -> (u64, Option<&str>) {
        self.gather.unreadable()
    }
}
