//! Messages to services: nobody waits for their answers, and they outlive their call.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::client::{Http, place};
use super::error::WebError;
use super::meter;
use super::pause::Pauses;
use crate::engine::{Tick, WebAnswer, WebRequest};

/// Messages that wait to be sent. A thousand calls with a notice each.
pub(super) const TELLS_MAX: usize = 1024;

/// Messages on their way at once: one service that is away does not hold up the others'.
const AT_ONCE: usize = 32;

/// A message that is not taken is sent again until this much later, ms: a service that is loaded
/// anew is back by then.
const GIVE_UP_MS: u64 = 30_000;

/// Delivers messages.
pub struct Teller {
    http: Arc<Http>,
    told: mpsc::Receiver<WebRequest>,
    clock: Arc<dyn Fn() -> Tick + Send + Sync>,
}

impl Teller {
    pub(super) fn new(
        http: Arc<Http>,
        told: mpsc::Receiver<WebRequest>,
        clock: Arc<dyn Fn() -> Tick + Send + Sync>,
    ) -> Self {
        Self { http, told, clock }
    }

    /// Delivers until `stop` resolves; what still waits then is sent once more, and no more.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (stops, stopping) = watch::channel(false);
        let stopped = async {
            stop.await;
            stops.send_replace(true);
        };
        tokio::join!(self.deliver_all(stopping), stopped);
    }

    async fn deliver_all(self, stopping: watch::Receiver<bool>) {
        let waiting =
            stream::unfold((self.told, stopping.clone()), async |(mut told, mut stop)| {
                let request = tokio::select! {
                    biased;
                    request = told.recv() => request,
                    () = is_true(&mut stop) => {
                        told.close();
                        told.recv().await
                    }
                };
                request.map(|request| (request, (told, stop)))
            });
        let (http, clock) = (&*self.http, &*self.clock);
        waiting
            .for_each_concurrent(AT_ONCE, |request| deliver(http, request, clock, stopping.clone()))
            .await;
    }
}

async fn deliver(
    http: &Http,
    request: WebRequest,
    clock: &(dyn Fn() -> Tick + Send + Sync),
    mut stopping: watch::Receiver<bool>,
) {
    let due = clock().plus_ms(GIVE_UP_MS);
    let mut pauses = Pauses::default();
    loop {
        let is_last = clock() >= due || *stopping.borrow();
        let Some(fault) = fault(http.tell(&request).await) else { return };
        if is_last || !fault.is_transient {
            meter::lost("not_taken");
            let to = place(&request.url);
            tracing::warn!(to, why = fault.why, "a message is lost: the service does not take it");
            return;
        }
        tokio::select! {
            () = sleep(pauses.next()) => {}
            () = is_true(&mut stopping) => {}
        }
    }
}

async fn is_true(flag: &mut watch::Receiver<bool>) {
    // Whoever could raise it lives as long as those who look.
    drop(flag.wait_for(|is| *is).await);
}

/// Why a message was not taken.
struct Fault {
    why: String,
    /// It may be taken a moment later.
    is_transient: bool,
}

/// `None` if it was taken.
fn fault(answer: Result<WebAnswer, WebError>) -> Option<Fault> {
    match answer {
        Ok(answer) if answer.is_success() => None,
        Ok(WebAnswer { status, .. }) => {
            let why = format!("status {status}");
            // 408 and 429 ask for another try.
            Some(Fault { why, is_transient: matches!(status, 408 | 429 | 500..) })
        }
        Err(error) => Some(Fault { why: error.to_string(), is_transient: error.is_transient() }),
    }
}
