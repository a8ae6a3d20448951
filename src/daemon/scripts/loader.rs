//! Brings scripts together from where they are.

use std::sync::Arc;

use redis::{Client, RedisError};

use super::cache::Cache;
use super::catalog::{Catalog, Scripts};
use super::feed::Feed;
use super::folder::Folder;
use crate::config::Config;
use crate::daemon::readiness::Readiness;

/// Reads scripts and follows their changes.
pub struct Loader {
    folder: Folder,
    cache: Cache,
    catalog: Arc<Catalog>,
    redis: Option<Client>,
    domain: String,
    instance: String,
}

/// The scripts of this configuration; none is read yet.
///
/// # Errors
/// `[redis] url` can't be understood.
pub fn open(config: &Config) -> Result<(Scripts, Loader), RedisError> {
    let url = config.redis.url.0.as_str();
    let redis = if url.is_empty() { None } else { Some(Client::open(url)?) };
    let (catalog, scripts) = Catalog::new(&config.scripts.audio_dir);
    let catalog = Arc::new(catalog);
    let loader = Loader {
        folder: Folder::new(&config.scripts.dir, Arc::clone(&catalog)),
        cache: Cache::new(&config.data_dir, &config.domain),
        catalog,
        redis,
        domain: config.domain.clone(),
        instance: config.instance.clone(),
    };
    Ok((scripts, loader))
}

impl Loader {
    /// Reads the folder and, if there is a Redis, the copies of what it had: enough for calls to
    /// begin.
    pub async fn read(&self) {
        self.folder.read().await;
        if self.redis.is_some() {
            self.cache.read(&self.catalog).await;
        }
    }

    /// Follows the folder and Redis for ever. Redis is an optional part of readiness: without it
    /// calls go on with the scripts that are there.
    pub async fn run(self, readiness: Readiness) {
        let Some(client) = self.redis else { return self.folder.watch().await };
        let feed = Feed {
            client,
            domain: self.domain,
            instance: self.instance,
            catalog: self.catalog,
            cache: self.cache,
            part: readiness.optional_part("scripts in Redis"),
        };
        tokio::join!(self.folder.watch(), feed.run());
    }
}
