//! The calls whose audio is expected: AudioSocket brings nothing but an id, and takes only those that
//! were announced (N12).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::agi::Agi;
use crate::switch::{AudioLeg, LegControl};

/// What comes for an announced call.
#[derive(Debug)]
pub(super) enum Came {
    /// Its audio.
    Leg(Box<AudioLeg>, LegControl),
    /// The dialplan asks where it goes, after its own AudioSocket.
    Next(Box<Agi>),
}

/// Who is expected, by the id they come with. Copies are the same list.
#[derive(Clone, Debug, Default)]
pub(super) struct Announced(Arc<Mutex<BTreeMap<Uuid, mpsc::Sender<Came>>>>);

/// An announcement; withdrawn when dropped.
#[derive(Debug)]
pub(super) struct Expected {
    id: Uuid,
    list: Announced,
    pub(super) came: mpsc::Receiver<Came>,
}

impl Announced {
    /// Announces a call.
    pub(super) fn expect(&self, id: Uuid) -> Expected {
        // A leg, and the question after it; what is more is a stranger's.
        let (tell, came) = mpsc::channel(4);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, tell);
        Expected { id, list: self.clone(), came }
    }

    /// Hands over what came for this call; gives it back if nobody expects it.
    pub(super) fn hand_over(&self, id: Uuid, came: Came) -> Result<(), Came> {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tell) = list.get(&id) else { return Err(came) };
        tell.try_send(came).map_err(|unsent| unsent.into_inner())
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.list.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
