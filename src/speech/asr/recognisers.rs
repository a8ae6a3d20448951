//! All recognisers that calls can be heard by, and which of them a call means.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use smol_str::{SmolStr, format_smolstr};

use super::addresses::Addresses;
use super::parameters;
use super::service::Service;
use crate::config::{Asr, AsrKind, Speech};
use crate::engine::Tick;
use crate::speech::{Net, SpeechError};
use crate::voice::Hearing;

/// The one that is meant if none is named.
const DEFAULT: &str = "default";

/// The id of no call: that of a connection which only tries whether there can be one.
const PROBE: &str = "probe";

/// Lists of addresses that scripts wrote and all calls take in turn. Scripts have few; where each
/// call makes its own, those beyond are not shared.
const LISTS_MAX: usize = 256;

/// All recognisers. Copies are the same.
#[derive(Clone)]
pub struct Recognisers {
    shared: Arc<Shared>,
}

struct Shared {
    named: BTreeMap<String, Arc<Service>>,
    /// By the addresses as scripts write them.
    lists: Mutex<BTreeMap<SmolStr, Arc<Service>>>,
    net: Net,
    clock: Box<dyn Fn() -> Tick + Send + Sync>,
}

impl Recognisers {
    /// Those of the configuration, and those that scripts name by address. `clock` is for metrics,
    /// and for how long an address that was away is spared.
    ///
    /// # Errors
    /// The first section that can't be used, by its key.
    pub fn new(
        config: &Speech,
        net: Net,
        clock: impl Fn() -> Tick + Send + Sync + 'static,
    ) -> Result<Self, SpeechError> {
        let mut named = BTreeMap::new();
        for (name, asr) in &config.asr {
            named.insert(name.clone(), Arc::new(configured(name, asr, &net)?));
        }
        let shared = Shared { named, lists: Mutex::default(), net, clock: Box::new(clock) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The names of those of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shared.named.keys().map(String::as_str)
    }

    /// Why this one of the configuration can't hear anybody now, `None` if it can. Asks its addresses
    /// if they were not there when they were last asked, or if `anew` says so.
    pub async fn fault(&self, name: &str, anew: bool) -> Option<String> {
        let service = self.shared.named.get(name)?;
        if !anew && !service.addresses.are_all_away() {
            return None;
        }
        let mut last = String::new();
        for index in 0..service.addresses.urls().len() {
            match service.reach(PROBE, &Hearing::default(), index).await {
                Ok(()) => {
                    service.addresses.note_there(index);
                    return None;
                }
                Err(error) => {
                    service.addresses.note_away(index, self.now());
                    last = error.to_string();
                }
            }
        }
        Some(last)
    }

    /// Whom a call means that wants to be heard so.
    pub(super) fn choose(&self, hearing: &Hearing) -> Result<Arc<Service>, SmolStr> {
        if !hearing.addresses.trim().is_empty() {
            return self.of_script(&hearing.addresses);
        }
        let group = parameters::group(&hearing.asr_params);
        let name = group.as_deref().unwrap_or(DEFAULT);
        let service = self.shared.named.get(name).cloned().ok_or_else(|| match group {
            None => "no recogniser is configured: set [speech.asr.default]".into(),
            Some(_) => format_smolstr!(
                "there is no recogniser `{name}`: set [speech.asr.{name}], or change `group` in \
                 asr_params"
            ),
        })?;
        if hearing.finds_ends && !service.listens_along() {
            return Err(format_smolstr!(
                "recogniser `{name}` can't find where a sentence ends: use vad_mode 0"
            ));
        }
        Ok(service)
    }

    /// A reading of the clock.
    pub(super) fn now(&self) -> Tick {
        (self.shared.clock)()
    }

    fn of_script(&self, list: &SmolStr) -> Result<Arc<Service>, SmolStr> {
        let mut lists = self.shared.lists.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(service) = lists.get(list) {
            return Ok(Arc::clone(service));
        }
        let addresses = Addresses::new(AsrKind::Asrproxy, list)
            .map_err(|fault| format_smolstr!("asrproxy_addr {fault}"))?;
        for url in addresses.urls() {
            self.shared
                .net
                .allows(url)
                .map_err(|refused| format_smolstr!("asrproxy_addr: {refused}"))?;
        }
        let service = Arc::new(Service {
            name: "script".into(),
            kind: AsrKind::Asrproxy,
            addresses,
            client: self.shared.net.client().clone(),
            settings: Asr { kind: AsrKind::Asrproxy, url: String::new(), ..Asr::default() },
        });
        if lists.len() < LISTS_MAX {
            lists.insert(list.clone(), Arc::clone(&service));
        }
        Ok(service)
    }
}

fn configured(name: &str, asr: &Asr, net: &Net) -> Result<Service, SpeechError> {
    let fault =
        |key: &str, fault: String| SpeechError::Config { key: format!("asr.{name}.{key}"), fault };
    Ok(Service {
        name: name.to_owned(),
        kind: asr.kind,
        addresses: Addresses::new(asr.kind, &asr.url).map_err(|why| fault("url", why))?,
        client: net.client_by(&asr.proxy).map_err(|why| fault("proxy", why))?,
        settings: asr.clone(),
    })
}
