//! The usual way of a call: one FastAGI session for as long as the robot has it (S20).

use smol_str::{SmolStr, format_smolstr};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use super::agi::{Agi, AgiError};
use super::announced::Came;
use super::port::{Hub, Offered};
use crate::engine::EndReason;
use crate::switch::call::Said;
use crate::switch::{AudioLeg, CallLine, LegControl, LineId};
use crate::turn::{EntryId, MediaEvent, Order};
use crate::wire::fastagi::{Command, Environment, Reply};

/// Legs of a call whose audio failed while the caller stayed, before the call is left to the dialplan:
/// whatever ends them will end the next.
const FAILED_LEGS_MAX: u32 = 3;

/// What is to be done when the audio has ended.
#[derive(Debug)]
enum Next {
    /// Nothing was ordered: the other side ended it.
    Nothing,
    Execute {
        entry: EntryId,
        app: SmolStr,
        argument: String,
    },
    Hangup {
        cause: SmolStr,
    },
    Transfer(crate::engine::Transfer),
    /// The dialplan goes on.
    Leave,
}

/// A call and its session.
pub(super) struct Flow {
    agi: Agi,
    hub: Hub,
    /// For the log.
    callid: SmolStr,
    line: CallLine,
    said: mpsc::Receiver<(LineId, Said)>,
    legs: mpsc::Sender<AudioLeg>,
    /// What the dialplan is to find when the robot has left.
    variables: Vec<(SmolStr, String)>,
    failed_legs: u32,
}

/// Serves a session that asks for a script, until the robot leaves the call or the caller does.
pub(super) async fn serve(
    mut agi: Agi,
    environment: &Environment,
    script: &str,
    hub: Hub,
) -> Result<(), AgiError> {
    let callid = callid(&mut agi).await?;
    let variables = variables(&mut agi, environment, script, &hub).await?;
    agi.set("ROBOT_CALLID", &callid).await?;
    let Offered { line, mut said, legs } = hub.offer(callid.clone(), script, variables);
    match said.recv().await {
        Some((_, Said::Take { .. })) => {}
        // Refused, or the daemon is gone: a person may answer.
        _ => return agi.set("ROBOT_DONE", "1").await,
    }
    let mut flow =
        Flow { agi, hub, callid, line, said, legs, variables: Vec::new(), failed_legs: 0 };
    let lost = flow.run().await;
    if let Err(error) = &lost {
        tracing::debug!(%error, "a FastAGI session is lost");
        flow.tell(MediaEvent::HungUp(EndReason::Hangup));
    }
    // The dialplan goes on, or the caller is told of the hang-up, only when the session has ended.
    let Flow { agi, line, mut said, .. } = flow;
    drop(agi);
    // What was being said is still understood: the line stays until the call has ended.
    while said.recv().await.is_some() {}
    drop(line);
    lost
}

/// The call's id: our own, or, if the dialplan brings a call back, the next of the same channel (E16).
async fn callid(agi: &mut Agi) -> Result<SmolStr, AgiError> {
    let before = agi.variable("ROBOT_CALLID").await?.unwrap_or_default();
    let (id, round) = match before.get(..36).zip(before.get(36..)) {
        Some((id, round)) => (id, round.strip_prefix('-').map_or(Some(1), |n| n.parse().ok())),
        None => (before.as_str(), None),
    };
    match (Uuid::parse_str(id), round) {
        (Ok(id), Some(round @ 1..1_000)) => Ok(format_smolstr!("{id}-{}", round + 1)),
        _ => Ok(format_smolstr!("{}", Uuid::new_v4())),
    }
}

/// What the caller's telephone and the dialplan say of the call: FastAGI can't list variables, so
/// those are asked for that the script or the rows use.
pub(super) async fn variables(
    agi: &mut Agi,
    environment: &Environment,
    script: &str,
    hub: &Hub,
) -> Result<Vec<(SmolStr, String)>, AgiError> {
    let known = [
        ("caller_id_number", environment.caller()),
        ("caller_id_name", environment.caller_name()),
        ("destination_number", environment.dialled()),
        ("channel_name", environment.channel()),
        ("uniqueid", environment.unique_id()),
        ("context", environment.get("context")),
        ("extension", environment.get("extension")),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let mut variables: Vec<(SmolStr, String)> =
        known.map(|(name, value)| (name.into(), value.to_owned())).collect();
    for name in hub.names(script) {
        for name in [format_smolstr!("robot_var_{name}"), name] {
            if variables.iter().all(|(known, _)| *known != name)
                && let Some(value) = agi.variable(&name).await?
            {
                variables.push((name, value));
            }
        }
    }
    Ok(variables)
}

impl Flow {
    async fn run(&mut self) -> Result<(), AgiError> {
        let answered = self.agi.ask(Command::Answer).await?;
        if !matches!(answered, Reply::Done { result: 0, .. }) {
            self.tell(MediaEvent::HungUp(EndReason::RecvBye));
            return Ok(());
        }
        loop {
            let next = self.leg().await?;
            if !matches!(next, Next::Hangup { .. }) && self.is_gone().await? {
                self.tell(MediaEvent::HungUp(EndReason::RecvBye));
                return Ok(());
            }
            match next {
                Next::Execute { entry, app, argument } => {
                    self.execute(entry, &app, &argument).await?;
                }
                Next::Hangup { cause } => return self.hang_up(&cause).await,
                Next::Transfer(to) => {
                    if self.transfer(&to).await? {
                        return Ok(());
                    }
                }
                Next::Nothing if self.failed_legs < FAILED_LEGS_MAX => {
                    self.failed_legs += 1;
                    tracing::warn!(call = %self.callid, switch = %self.hub.name(), "the audio of a call failed; it is asked for again");
                }
                Next::Nothing | Next::Leave => {
                    self.leave().await?;
                    self.tell(MediaEvent::HungUp(EndReason::Hangup));
                    return Ok(());
                }
            }
        }
    }

    /// One AudioSocket, from its beginning to its end; orders that need the session end it.
    async fn leg(&mut self) -> Result<Next, AgiError> {
        let id = Uuid::new_v4();
        let mut expected = self.hub.announced().expect(id);
        let argument = format!("{id},{}", self.hub.audiosocket());
        self.agi.begin(Command::Exec { application: "AudioSocket", argument: &argument }).await?;
        let mut next = Next::Nothing;
        let mut control: Option<LegControl> = None;
        loop {
            tokio::select! {
                answer = self.agi.answer() => {
                    answer?;
                    return Ok(next);
                }
                said = self.said.recv(), if matches!(next, Next::Nothing) => {
                    next = match said {
                        Some((_, said)) => self.ordered(said),
                        // Nobody drives the call any more.
                        None => Next::Leave,
                    };
                    if let (Some(control), false) = (&control, matches!(next, Next::Nothing)) {
                        control.end();
                    }
                }
                Some(came) = expected.came.recv() => {
                    let Came::Leg(leg, its) = came else { continue };
                    if !matches!(next, Next::Nothing) {
                        its.end();
                    }
                    if self.legs.try_send(*leg).is_err() {
                        tracing::error!("nobody serves the audio of a call; the call is left");
                        next = Next::Leave;
                    }
                    control = Some(its);
                }
            }
        }
    }

    /// What an order means for the audio that runs.
    fn ordered(&mut self, said: Said) -> Next {
        match said {
            Said::Order(Order::SetVariables(variables)) => self.variables.extend(variables),
            Said::Order(Order::Hangup { cause }) => return Next::Hangup { cause },
            Said::Order(Order::Transfer(to)) => return Next::Transfer(to),
            Said::Order(Order::Execute { entry, app, argument }) => {
                if self.hub.may_run(&app) {
                    return Next::Execute { entry, app, argument };
                }
                tracing::warn!(
                    call = %self.callid, %app,
                    "the application is not run: asterisk.applications does not list it (N10)"
                );
                self.tell(MediaEvent::ApplicationFinished { entry, ok: false });
            }
            Said::Order(Order::Api(_)) => {
                tracing::warn!(call = %self.callid, "this switch has no API commands")
            }
            Said::Leave { .. } => return Next::Leave,
            // Playing and hearing are not the switch's here.
            Said::Take { .. } | Said::Order(_) => {}
        }
        Next::Nothing
    }

    async fn execute(
        &mut self,
        entry: EntryId,
        application: &str,
        argument: &str,
    ) -> Result<(), AgiError> {
        let ok = match self.agi.begin(Command::Exec { application, argument }).await {
            Ok(()) => matches!(self.agi.answer().await?, Reply::Done { result: 0.., .. }),
            Err(AgiError::Refused(why)) => {
                tracing::warn!(call = %self.callid, %application, %why, "the application can't be run");
                false
            }
            Err(lost) => return Err(lost),
        };
        self.tell(MediaEvent::ApplicationFinished { entry, ok });
        Ok(())
    }

    /// Whether the caller has hung up.
    async fn is_gone(&mut self) -> Result<bool, AgiError> {
        Ok(self.agi.is_hung_up() || !self.agi.caller_is_there().await?)
    }

    async fn hang_up(&mut self, cause: &str) -> Result<(), AgiError> {
        let left = self.leave().await;
        let code = q850(cause).to_string();
        let hangup = Command::Exec { application: "Hangup", argument: &code };
        if left.is_ok() {
            // -1, as from whatever ends a call; or the caller was faster.
            drop(timeout(std::time::Duration::from_secs(1), self.agi.ask(hangup)).await);
        }
        self.tell(MediaEvent::HungUp(EndReason::SendBye));
        Ok(())
    }

    /// False if the caller can't be sent there.
    async fn transfer(&mut self, to: &crate::engine::Transfer) -> Result<bool, AgiError> {
        if let Some(fault) = unfit(to) {
            self.tell(MediaEvent::TransferFailed(fault));
            return Ok(false);
        }
        if !to.context.is_empty() {
            self.agi.set("NEXT_CONTEXT", &to.context).await?;
        }
        self.agi.set("NEXT", &to.extension).await?;
        self.leave().await?;
        self.tell(MediaEvent::Transferred);
        Ok(true)
    }

    /// What the dialplan finds when it goes on.
    async fn leave(&mut self) -> Result<(), AgiError> {
        for (name, value) in std::mem::take(&mut self.variables) {
            self.agi.set(&name, &value).await?;
        }
        self.agi.set("ROBOT_DONE", "1").await
    }

    fn tell(&self, event: MediaEvent) {
        // A driver that has gone ends the session by its handle.
        let _gone = self.line.tell(event);
    }
}

/// Why a caller can't be sent there: an extension and a context are words of the dialplan, in which a
/// comma or a bracket would be more than a place (N10).
pub(super) fn unfit(to: &crate::engine::Transfer) -> Option<SmolStr> {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || "*#+_-.".contains(c);
    let fits = |word: &str| word.len() <= 80 && word.chars().all(may_stand);
    if fits(&to.extension) && fits(&to.context) && !to.extension.is_empty() {
        return None;
    }
    Some("the extension or context has other signs than letters, digits and *#+_-.".into())
}

/// The number of a hangup cause (ITU-T Q.850); 16, normal clearing, of one that it does not have.
pub(super) fn q850(cause: &str) -> u8 {
    match cause {
        "UNALLOCATED_NUMBER" => 1,
        "USER_BUSY" => 17,
        "NO_USER_RESPONSE" => 18,
        "NO_ANSWER" => 19,
        "CALL_REJECTED" => 21,
        "DESTINATION_OUT_OF_ORDER" => 27,
        "NORMAL_UNSPECIFIED" => 31,
        "NORMAL_CIRCUIT_CONGESTION" => 34,
        "NORMAL_TEMPORARY_FAILURE" => 41,
        "SWITCH_CONGESTION" => 42,
        _ => 16,
    }
}
