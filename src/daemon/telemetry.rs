//! The log and the metrics: where lines and numbers go.

use std::fmt;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::pii::{self, Pii};

/// What is logged unless `RUST_LOG` says otherwise. The event socket library has a line for each
/// connection, and with outbound sockets each call is one.
const LEVEL_DEFAULT: &str = "info,freeswitch_esl_tokio=warn";

/// Measured values are folded into their histograms this often: what waits in between is memory.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Sends the program's log to standard error, filtered by `RUST_LOG`. `personal` shows telephone
/// numbers and what was said in every line, not only in those of level debug and trace (N14).
///
/// Panics go there too. Where a log is set up already, that one stays.
pub fn log_to_stderr(personal: bool) {
    let colours = std::io::stderr().is_terminal();
    let log = subscriber(std::io::stderr, filter(), personal, colours);
    if tracing::subscriber::set_global_default(log).is_err() {
        tracing::debug!("the log is set up already");
    }
    std::panic::set_hook(Box::new(log_panic));
}

/// The place finds the bug. The message may hold what a caller said, so it is personal data.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(tracing::field::display);
    let message = Pii(panic.payload_as_str().unwrap_or("no message"));
    tracing::error!(place, "panic");
    tracing::debug!(%message, "panic");
}

/// The span of one call: every line of the call names it, its script and the script's revision.
#[must_use]
pub fn call_span(call: &str, flow: &str, revision: &str) -> Span {
    tracing::info_span!("call", call, flow, rev = revision)
}

fn filter() -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LEVEL_DEFAULT))
}

fn subscriber<W>(writer: W, filter: EnvFilter, personal: bool, colours: bool) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colours)
        .event_format(Discreet { format: Format::default(), personal })
        .finish()
}

/// Writes lines as usual, and says for each whether it may show personal data.
struct Discreet {
    format: Format,
    personal: bool,
}

impl<S, N> FormatEvent<S, N> for Discreet
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // In tracing's order the more talkative level is the greater.
        let shown = self.personal || *event.metadata().level() >= Level::DEBUG;
        pii::showing(shown, || self.format.format_event(context, writer, event))
    }
}

/// All that was counted and measured, to be rendered for Prometheus.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Collects what the whole process records from now on.
    ///
    /// # Errors
    /// Somebody collects it already.
    pub fn install() -> Result<Self, BuildError> {
        PrometheusBuilder::new().install_recorder().map(Self)
    }

    /// The values of now, as Prometheus text.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps the memory of measured values bounded also when nobody asks for them. Never ends.
    pub async fn upkeep(self) {
        let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            interval.tick().await;
            self.0.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_number_is_redacted_above_debug_level() {
        let log = log_of(false, || {
            let number = Pii("13800138000");
            tracing::debug!(%number, "dialled");
            tracing::info!(%number, "answered");
            tracing::error!("no way to reach {number}");
        });
        let lines: Vec<_> = log.lines().collect();
        assert!(lines[0].contains("dialled number=13800138000"), "{log}");
        assert!(lines[1].contains("answered number=[11 characters]"), "{log}");
        assert!(lines[2].contains("no way to reach [11 characters]"), "{log}");
    }

    #[test]
    fn a_number_is_shown_on_every_level_if_that_is_wanted() {
        let log = log_of(true, || tracing::info!(number = %Pii("13800138000"), "answered"));
        assert!(log.contains("13800138000"), "{log}");
    }

    #[test]
    fn every_line_of_a_call_names_the_call_and_its_script() {
        let log = log_of(false, || {
            call_span("c0ffee", "loan", "3").in_scope(|| tracing::info!("hears something"));
        });
        assert!(log.contains(r#"call{call="c0ffee" flow="loan" rev="3"}"#), "{log}");
    }

    #[test]
    fn a_panic_is_logged_by_its_place_and_says_what_it_held_only_at_debug_level() {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(log_panic));
        let log = log_of(false, || {
            std::panic::catch_unwind(|| panic!("no node for 13800138000")).unwrap_err();
        });
        std::panic::set_hook(before);
        let (error, debug) = log.split_once('\n').unwrap();
        assert!(error.contains("ERROR") && error.contains("src/daemon/telemetry.rs:"), "{log}");
        assert!(!error.contains("13800138000"), "{log}");
        assert!(debug.contains("DEBUG") && debug.contains("13800138000"), "{log}");
    }

    fn log_of(personal: bool, work: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        let log = subscriber(move || writer.clone(), EnvFilter::new("debug"), personal, false);
        tracing::subscriber::with_default(log, work);
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
