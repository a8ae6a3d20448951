//! The calls: which robot takes a new one, how many there may be, and how they end with the daemon.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use smol_str::SmolStr;
use tokio::sync::watch;
use tracing::Instrument;

use super::clock::Clock;
use super::driver::{Driver, Line, Shared, Transfers};
use super::meter::Meter;
use super::scripts::Scripts;
use super::tasks::Tasks;
use super::telemetry::call_span;
use super::voice::Voices;
use crate::config::{Config, HttpFlow};
use crate::engine::{Call, Command, EndReason, External, FlowService, Input, Robot};
use crate::pii::Pii;
use crate::script::VoiceSettings;
use crate::store::{Notify, Store};
use crate::switch::NewCall;
use crate::switch::asterisk::Names;
use crate::turn::Decider;
use crate::web::{self, Web};

/// How often a daemon that stops looks whether all calls have ended.
const DRAIN_LOOK: Duration = Duration::from_millis(100);
/// Calls that are closed have this long to write their rows.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Takes calls and drives each in a task of its own.
#[derive(Clone)]
pub(super) struct Calls {
    scripts: Scripts,
    shared: Shared,
    tasks: Tasks,
    /// For calls whose audio comes to us.
    voices: Option<Voices>,
    settings: Arc<Settings>,
    running: Arc<Mutex<BTreeSet<SmolStr>>>,
    close: Arc<watch::Sender<bool>>,
    /// The daemon stops: no new calls (N5).
    is_stopping: Arc<AtomicBool>,
}

struct Settings {
    max: usize,
    drain: Duration,
    default_script: String,
    notify_fields: Vec<String>,
    event_after_hangup: bool,
    /// Rows keep what was tried before them.
    explain: bool,
    httpflow: HttpFlow,
    /// `robot.httpflow.commands`.
    commands: regex::RegexSet,
}

/// A call that begins, and what the log and the switch have to know of who decides it.
struct Begun {
    decider: Decider,
    flow: SmolStr,
    revision: SmolStr,
    voicedir: SmolStr,
    voice: Arc<VoiceSettings>,
}

impl Calls {
    /// Nobody calls yet.
    ///
    /// # Errors
    /// A pattern of `calls.transfer_allow` or `robot.httpflow.commands` that does not compile.
    pub(super) fn new(
        config: &Config,
        scripts: Scripts,
        (store, web, voices): (Store, Web, Option<Voices>),
        (clock, tasks): (Clock, Tasks),
    ) -> Result<Self, regex::Error> {
        let (close, closing) = watch::channel(false);
        let transfers = Arc::new(Transfers::new(&config.calls.transfer_allow)?);
        Ok(Self {
            scripts,
            shared: Shared { store, web, clock, transfers, closing },
            tasks,
            voices,
            settings: Arc::new(Settings {
                max: config.calls.max,
                drain: Duration::from_secs(config.calls.drain),
                default_script: config.scripts.default.clone(),
                notify_fields: config.robot.record.notify_fields.clone(),
                event_after_hangup: config.robot.event_after_hangup,
                explain: config.robot.record.explain,
                httpflow: config.robot.httpflow.clone(),
                commands: whole(&config.robot.httpflow.commands)?,
            }),
            running: Arc::default(),
            close: Arc::new(close),
            is_stopping: Arc::default(),
        })
    }

    /// The scripts that calls begin with.
    pub(super) fn scripts(&self) -> Scripts {
        self.scripts.clone()
    }

    /// The channel variables that a script of this name and the rows of its calls use; a script that
    /// a service decides may use none but those of the rows.
    pub(super) fn variable_names(&self) -> Names {
        let (scripts, settings) = (self.scripts.clone(), Arc::clone(&self.settings));
        Arc::new(move |script: &str| {
            let name = if script.is_empty() { &settings.default_script } else { script };
            let used = scripts.get(name).map(|script| script.variables.clone()).unwrap_or_default();
            let fields = settings.notify_fields.iter().map(|name| SmolStr::new(name.as_str()));
            let mut names = used;
            for field in fields {
                if !names.contains(&field) {
                    names.push(field);
                }
            }
            names
        })
    }

    /// How many calls run.
    #[must_use]
    pub(super) fn count(&self) -> usize {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// From now on no call is taken.
    pub(super) fn refuse_new(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// A call has reached a robot: it is taken, or refused with a cause that says why.
    pub(super) fn take(&self, call: NewCall) {
        if self.is_stopping.load(Ordering::Relaxed) {
            metrics::counter!(Meter::CallsRefused.name(), "why" => "stopping").increment(1);
            return refuse(&call, "NORMAL_TEMPORARY_FAILURE");
        }
        let asked = call.robot_flow.clone().filter(|name| !name.is_empty());
        let name = asked.unwrap_or_else(|| self.settings.default_script.as_str().into());
        let Some(begun) = self.begin(&call, &name) else {
            tracing::error!(
                call = %call.callid, script = ?name,
                "no such script; set robot_flow to one that `telephonist check` accepts"
            );
            metrics::counter!(Meter::CallsRefused.name(), "why" => "no_script").increment(1);
            return refuse(&call, "UNALLOCATED_NUMBER");
        };
        if self.count() >= self.settings.max {
            return self.refuse_for_overload(call, begun);
        }
        self.drive(call, begun);
    }

    /// Waits until all calls have ended, as long as the configuration allows; then closes the rest
    /// (N5).
    pub(super) async fn drain(&self) {
        if self.all_end_within(self.settings.drain).await {
            return;
        }
        tracing::warn!(calls = self.count(), "calls are closed because the daemon stops");
        self.close.send_replace(true);
        if !self.all_end_within(CLOSE_LIMIT).await {
            tracing::error!(calls = self.count(), "calls did not end");
        }
    }

    async fn all_end_within(&self, limit: Duration) -> bool {
        let all_ended = async {
            while self.count() > 0 {
                tokio::time::sleep(DRAIN_LOOK).await;
            }
        };
        tokio::time::timeout(limit, all_ended).await.is_ok()
    }

    fn drive(&self, call: NewCall, begun: Begun) {
        let span = call_span(&call.callid, &begun.flow, &begun.revision);
        let notify = self.notify(&call);
        let callid = call.callid.clone();
        let _in_span = span.enter();
        tracing::info!(switch = %call.switch, "taken");
        if call.handle.take(&begun.voicedir).is_err() {
            tracing::error!("the switch takes no orders; the call is given up");
        }
        let now = self.shared.clock.now();
        let heard = call.audio.zip(self.voices.as_ref()).map(|(audio, voices)| {
            let recordings = voices.recordings(&callid, &call.variables, now);
            let Begun { voicedir, voice, .. } = &begun;
            let voice = voices.call(callid.clone(), audio, voicedir.clone(), Arc::clone(voice));
            (voice, recordings)
        });
        let (voice, recordings) = heard.map_or((None, None), |(voice, names)| (Some(voice), names));
        let line = Line { handle: call.handle, events: call.events, voice, recordings };
        let mut driver = Driver::new(begun.decider, line, notify, self.shared.clone());
        self.note(|running| running.insert(callid.clone()));
        let calls = self.clone();
        let drive = async move {
            let _listed = Listed { calls, callid };
            driver.run().await;
            tracing::info!("ended");
        };
        self.tasks.spawn("call", drive.instrument(span.clone()));
    }

    /// The call with whoever decides it: the service at this address (I15), or the script of this
    /// name, if there is one.
    fn begin(&self, call: &NewCall, name: &str) -> Option<Begun> {
        let now = self.shared.clock.now();
        if name.starts_with("http://") || name.starts_with("https://") {
            return Some(Begun {
                decider: External::new(self.beginning(call), self.flow(name), now).into(),
                flow: web::place(name).into(),
                revision: SmolStr::default(),
                voicedir: SmolStr::default(),
                voice: Arc::default(),
            });
        }
        let script = self.scripts.get(name)?;
        Some(Begun {
            flow: script.name.clone(),
            revision: script.revision.clone(),
            voicedir: script.global.voicedir.clone(),
            voice: Arc::clone(&script.global.voice),
            decider: Robot::new(self.beginning(call), script, now).into(),
        })
    }

    fn beginning(&self, call: &NewCall) -> Call {
        let variables = call.variables.iter();
        let variables = variables.map(|(name, value)| (name.clone(), value.as_str().into()));
        Call {
            callid: call.callid.clone(),
            variables: variables.collect(),
            event_after_hangup: self.settings.event_after_hangup,
            explain: self.settings.explain,
        }
    }

    fn flow(&self, url: &str) -> Arc<FlowService> {
        let HttpFlow { retries, responsetimeout, apology, .. } = &self.settings.httpflow;
        Arc::new(FlowService {
            url: url.into(),
            retries: *retries,
            response_ms: *responsetimeout,
            apology: apology.as_str().into(),
            commands: self.settings.commands.clone(),
        })
    }

    /// The channel variables that go with each row to Redis (I3).
    fn notify(&self, call: &NewCall) -> Notify {
        let fields = self.settings.notify_fields.iter();
        let found = fields.filter_map(|name| {
            let (_, value) = call.variables.iter().find(|(variable, _)| variable == name)?;
            Some((name.clone(), Value::from(value.as_str())))
        });
        Arc::new(found.collect::<Map<_, _>>())
    }

    /// E16, N20: CREATE, DESTORY with `limit`, classify.
    fn refuse_for_overload(&self, call: NewCall, begun: Begun) {
        tracing::warn!(call = %call.callid, max = self.settings.max, "refused: calls.max is reached");
        metrics::counter!(Meter::CallsRefused.name(), "why" => "limit").increment(1);
        let notify = self.notify(&call);
        let mut decider = begun.decider;
        let rows = |decider: &mut Decider| {
            while let Some(command) = decider.next_command() {
                match command {
                    Command::Row(row) => self.shared.store.conversation(*row, &notify),
                    Command::Classify(row) => self.shared.store.classify(*row, &notify),
                    _ => {}
                }
            }
        };
        rows(&mut decider);
        decider.handle(Input::Ended(EndReason::Limit), self.shared.clock.now());
        rows(&mut decider);
        refuse(&call, "SWITCH_CONGESTION");
    }

    /// Changes the list of the calls that run.
    fn note(&self, change: impl FnOnce(&mut BTreeSet<SmolStr>) -> bool) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut running);
        #[expect(clippy::cast_precision_loss, reason = "far fewer calls than 2^52")]
        metrics::gauge!(Meter::Calls.name()).set(running.len() as f64);
    }
}

/// A call in the list of those that run, for as long as it is driven, whatever ends that.
struct Listed {
    calls: Calls,
    callid: SmolStr,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.calls.note(|running| running.remove(&self.callid));
    }
}

fn refuse(call: &NewCall, cause: &'static str) {
    if call.handle.leave(cause).is_err() {
        tracing::error!(call = %Pii(&call.callid), "the switch takes no orders");
    }
}

/// Patterns that must match a text as a whole: what is allowed at its beginning allows no more.
fn whole(patterns: &[String]) -> Result<regex::RegexSet, regex::Error> {
    regex::RegexSet::new(patterns.iter().map(|pattern| format!("^(?:{pattern})$")))
}
