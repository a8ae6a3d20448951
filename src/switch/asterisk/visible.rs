//! Calls whose AudioSocket stands in the dialplan: announced by `start`, asked after by `next` (S20),
//! or announced by nobody.

use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::agi::{Agi, AgiError};
use super::announced::{Came, Expected};
use super::flow::{q850, unfit, variables};
use super::port::{Hub, Offered};
use crate::engine::{EndReason, Transfer};
use crate::switch::call::Said;
use crate::switch::{AudioLeg, CallLine, LegControl, LegEnd, LineId};
use crate::turn::{MediaEvent, Order};
use crate::wire::fastagi::{Command, Environment};

/// An announced call brings its audio within this time, or went elsewhere.
const AUDIO_WITHIN: Duration = Duration::from_secs(30);
/// After its audio the dialplan asks where the call goes within this time; if not, the caller has hung
/// up: `next` is not asked then.
const NEXT_WITHIN: Duration = Duration::from_secs(2);

/// What the robot has decided.
#[derive(Debug)]
enum Decided {
    Hangup(SmolStr),
    Transfer(Transfer),
    Leave,
}

/// A call without a session of its own.
struct Visible {
    line: CallLine,
    said: mpsc::Receiver<(LineId, Said)>,
    variables: Vec<(SmolStr, String)>,
    decided: Option<Decided>,
}

/// Serves `start`: tells the dialplan the call's id, and then the call.
pub(super) async fn serve(
    mut agi: Agi,
    environment: &Environment,
    script: &str,
    hub: Hub,
) -> Result<(), AgiError> {
    let id = Uuid::new_v4();
    let mut expected = hub.announced().expect(id);
    let variables = variables(&mut agi, environment, script, &hub).await?;
    agi.set("CALLID", &id.to_string()).await?;
    // The dialplan goes on when the session ends.
    drop(agi);
    let Ok(Some(Came::Leg(leg, control))) = timeout(AUDIO_WITHIN, expected.came.recv()).await
    else {
        tracing::warn!(call = %id, "the audio of an announced call does not come");
        return Ok(());
    };
    let offered = hub.offer(format_smolstr!("{id}"), script, variables);
    drive(offered, (*leg, control), Some(expected)).await;
    Ok(())
}

/// Serves audio that nobody announced, for the default script.
pub(super) async fn serve_bare(id: Uuid, leg: (AudioLeg, LegControl), hub: Hub) {
    let offered = hub.offer(format_smolstr!("{id}"), "", Vec::new());
    drive(offered, leg, None).await;
}

async fn drive(
    Offered { line, mut said, legs }: Offered,
    (leg, mut control): (AudioLeg, LegControl),
    mut expected: Option<Expected>,
) {
    // Paced from the first moment: a caller whose audio is not answered is dropped (S22).
    drop(legs.try_send(leg));
    let mut call = match said.recv().await {
        Some((_, Said::Take { .. })) => {
            Visible { line, said, variables: Vec::new(), decided: None }
        }
        _ => return control.end(),
    };
    let how = call.talk(&mut control).await;
    call.finish(how, expected.as_mut()).await;
    while call.said.recv().await.is_some() {}
}

impl Visible {
    /// Until the audio has ended; an order that ends the robot's part ends it.
    async fn talk(&mut self, control: &mut LegControl) -> LegEnd {
        loop {
            tokio::select! {
                how = control.over() => return how,
                said = self.said.recv(), if self.decided.is_none() => {
                    self.decided = match said {
                        Some((_, said)) => self.ordered(said),
                        None => Some(Decided::Leave),
                    };
                    if self.decided.is_some() {
                        control.end();
                    }
                }
            }
        }
    }

    fn ordered(&mut self, said: Said) -> Option<Decided> {
        match said {
            Said::Order(Order::SetVariables(variables)) => self.variables.extend(variables),
            Said::Order(Order::Hangup { cause }) => return Some(Decided::Hangup(cause)),
            Said::Order(Order::Transfer(to)) => match unfit(&to) {
                Some(fault) => self.tell(MediaEvent::TransferFailed(fault)),
                None => return Some(Decided::Transfer(to)),
            },
            Said::Order(Order::Execute { entry, app, .. }) => {
                tracing::warn!(%app, "no application can be run: the AudioSocket is the dialplan's");
                self.tell(MediaEvent::ApplicationFinished { entry, ok: false });
            }
            Said::Order(Order::Api(_)) => tracing::warn!("this switch has no API commands"),
            Said::Leave { .. } => return Some(Decided::Leave),
            Said::Take { .. } | Said::Order(_) => {}
        }
        None
    }

    /// The audio has ended: says where the call goes, if somebody asks, and how it ended.
    async fn finish(&mut self, how: LegEnd, expected: Option<&mut Expected>) {
        if let LegEnd::Broken(why) = &how {
            tracing::warn!(%why, "the audio of a call is of no use");
        }
        let asked = match expected {
            Some(expected) => next(expected).await,
            None => None,
        };
        let is_bare = asked.is_none();
        let told = match asked {
            Some(agi) => self.tell_dialplan(agi).await,
            None => Ok(()),
        };
        if let Err(error) = told {
            tracing::debug!(%error, "a FastAGI session is lost");
        }
        let ended = match (self.decided.take(), how) {
            (Some(Decided::Transfer(_)), _) if is_bare => {
                // Nobody asks where it goes: the caller has hung up, or the dialplan has no `next`.
                MediaEvent::HungUp(EndReason::RecvBye)
            }
            (Some(Decided::Transfer(_)), _) => MediaEvent::Transferred,
            (Some(Decided::Hangup(_)), _) => MediaEvent::HungUp(EndReason::SendBye),
            (None, LegEnd::Theirs) if is_bare => MediaEvent::HungUp(EndReason::RecvBye),
            _ => MediaEvent::HungUp(EndReason::Hangup),
        };
        self.tell(ended);
    }

    async fn tell_dialplan(&mut self, mut agi: Agi) -> Result<(), AgiError> {
        for (name, value) in std::mem::take(&mut self.variables) {
            agi.set(&name, &value).await?;
        }
        match &self.decided {
            Some(Decided::Transfer(to)) => {
                if !to.context.is_empty() {
                    agi.set("NEXT_CONTEXT", &to.context).await?;
                }
                agi.set("NEXT", &to.extension).await
            }
            Some(Decided::Hangup(cause)) => {
                let argument = q850(cause).to_string();
                agi.ask(Command::Exec { application: "Hangup", argument: &argument }).await?;
                Ok(())
            }
            Some(Decided::Leave) | None => Ok(()),
        }
    }

    fn tell(&self, event: MediaEvent) {
        // A driver that has gone ends the call by its handle.
        let _gone = self.line.tell(event);
    }
}

/// The session that asks where a call goes; `None` if none comes in time.
async fn next(expected: &mut Expected) -> Option<Agi> {
    let limit = sleep(NEXT_WITHIN);
    tokio::pin!(limit);
    loop {
        tokio::select! {
            () = &mut limit => return None,
            came = expected.came.recv() => match came? {
                Came::Next(agi) => return Some(*agi),
                // A second AudioSocket of the same call: it ends at once.
                Came::Leg(_, control) => control.end(),
            },
        }
    }
}
