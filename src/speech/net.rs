//! How services are reached: the daemon's one guarded HTTP client, and what may be asked of it.

use std::sync::Arc;

use reqwest::{Client, Url};

/// Says whether a script may have a request sent there, and if not why (N15).
type Check = dyn Fn(&Url) -> Result<(), String> + Send + Sync;

/// Makes a client for a service of the configuration, behind a proxy, `http://host:port`, or none.
type Proxied = dyn Fn(&str) -> Result<Client, String> + Send + Sync;

/// How recognisers and voices are reached. Copies are the same client.
#[derive(Clone)]
pub struct Net {
    client: Client,
    check: Arc<Check>,
    proxied: Arc<Proxied>,
}

impl Net {
    /// `client` resolves names as N15 wants it; `check` judges an `http` or `https` address that a
    /// script wrote; `proxied` makes a client like `client` that goes through a proxy.
    pub fn new(
        client: Client,
        check: impl Fn(&Url) -> Result<(), String> + Send + Sync + 'static,
        proxied: impl Fn(&str) -> Result<Client, String> + Send + Sync + 'static,
    ) -> Self {
        Self { client, check: Arc::new(check), proxied: Arc::new(proxied) }
    }

    /// The client for addresses that a script wrote.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The client for a configured service with this `proxy`; empty = as the environment says. Asked
    /// once for each service.
    ///
    /// # Errors
    /// What is wrong with the proxy.
    pub fn client_by(&self, proxy: &str) -> Result<Client, String> {
        (self.proxied)(proxy)
    }

    /// Whether a script may have requests sent to this `http` or `https` address. What the
    /// configuration names is not asked about.
    ///
    /// # Errors
    /// Why not, and what would allow it.
    pub fn allows(&self, url: &Url) -> Result<(), String> {
        (self.check)(url)
    }
}
