//! Audio that several calls wait for is made once (I20).
//!
//! Nobody owns the work: whoever waits does a part of it when it is polled, one at a time, and when
//! one gives up another goes on. When all have given up the work is given up too.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;

use smol_str::SmolStr;
use tokio::sync::{Mutex as AsyncMutex, watch};

use crate::engine::Tick;
use crate::speech::cache::Key;
use crate::voice::Delivery;

/// What failed is not tried again within this time, ms: a prompt is often asked for by many calls at
/// once, and a service that is away need not be told by each.
const FAILED_MS: u64 = 1_000;

/// So many failures are remembered; more in a second are not of a few texts.
const FAILURES_MAX: usize = 1_000;

/// What audio did to the bill of a call (I27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// A voice was asked for a text of so many characters.
    Characters(u64),
    /// A voice need not be asked: the text was there, or was being made for another call.
    CacheHit,
}

/// The work that goes on, by what it makes.
#[derive(Debug, Default)]
pub(super) struct Jobs(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    running: HashMap<Key, Weak<Job>>,
    failed: HashMap<Key, (Tick, SmolStr)>,
}

/// That was all, or why it breaks off.
type Ended = Result<(), SmolStr>;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One piece of work, and what came of it so far.
pub(super) struct Job {
    progress: Arc<Progress>,
    work: AsyncMutex<Option<Work>>,
}

/// What came of a piece of work so far.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    pieces: Vec<Arc<[i16]>>,
    ended: Option<Ended>,
    /// Characters that a service counts, until somebody who waits takes them.
    bill: Option<u64>,
}

impl Jobs {
    /// The work for this key: what goes on already (`true`), or new work.
    ///
    /// # Errors
    /// It failed a moment ago, and why.
    pub(super) fn join(
        &self,
        (key, now): (Key, Tick),
        work: impl FnOnce(Arc<Progress>) -> Work,
    ) -> Result<(Arc<Job>, bool), SmolStr> {
        let mut known = self.known();
        known.failed.retain(|_, (at, _)| now.ms_since(*at) < FAILED_MS);
        if let Some((_, why)) = known.failed.get(&key) {
            return Err(why.clone());
        }
        if let Some(job) = known.running.get(&key).and_then(Weak::upgrade) {
            return Ok((job, true));
        }
        // Work that everybody gave up is still listed.
        known.running.retain(|_, job| job.strong_count() > 0);
        let progress = Arc::new(Progress::default());
        let work = AsyncMutex::new(Some(work(Arc::clone(&progress))));
        let job = Arc::new(Job { progress, work });
        known.running.insert(key, Arc::downgrade(&job));
        Ok((job, false))
    }

    /// The work for this key is over; it failed for this reason, if there is one.
    pub(super) fn end(&self, (key, now): (Key, Tick), failed: Option<&SmolStr>) {
        let mut known = self.known();
        known.running.remove(&key);
        if let Some(why) = failed
            && known.failed.len() < FAILURES_MAX
        {
            known.failed.insert(key, (now, why.clone()));
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    /// Delivers what came so far, then the rest, then the end. Does the work meanwhile, if nobody else
    /// does it. Gives what a voice counted on the way: `None` if another call has it on its bill, or
    /// no voice was asked.
    pub(super) async fn follow(
        &self,
        deliver: &mut (impl FnMut(Delivery) + Send),
        mut bill: impl FnMut(u64) + Send,
    ) -> Result<(), SmolStr> {
        let mut changes = self.progress.changed.subscribe();
        let mut working = pin!(self.work());
        let mut taken = 0;
        loop {
            let (pieces, ended) = self.progress.after(taken, &mut bill);
            taken += pieces.len();
            pieces.into_iter().for_each(|piece| deliver(Delivery::Piece(piece)));
            if let Some(ended) = ended {
                return ended;
            }
            tokio::select! {
                biased;
                () = &mut working => self.progress.end(Err("the audio was not made to its end".into())),
                changed = changes.changed() => debug_assert!(changed.is_ok(), "we hold the sender"),
            }
        }
    }

    async fn work(&self) {
        let mut work = self.work.lock().await;
        // Taken out while it is polled: work that panics is not polled again, and ends one call (N7).
        let polled = poll_fn(|context| {
            let Some(mut going_on) = work.take() else { return Poll::Ready(()) };
            let polled = going_on.as_mut().poll(context);
            if polled.is_pending() {
                *work = Some(going_on);
            }
            polled
        });
        polled.await;
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("progress", &self.progress).finish_non_exhaustive()
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self { state: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl Progress {
    /// More audio.
    pub(super) fn push(&self, piece: Arc<[i16]>) {
        self.change(|state| state.pieces.push(piece));
    }

    /// A service counts so many characters.
    pub(super) fn bill(&self, characters: u64) {
        self.change(|state| state.bill = Some(characters));
    }

    /// That was all, or why it breaks off. The first end counts.
    pub(super) fn end(&self, ended: Result<(), SmolStr>) {
        self.change(|state| {
            state.ended.get_or_insert(ended);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.send_replace(());
    }

    /// What came after the first `taken` pieces.
    fn after(&self, taken: usize, bill: &mut impl FnMut(u64)) -> (Vec<Arc<[i16]>>, Option<Ended>) {
        let mut state = self.state();
        let billed = mem::take(&mut state.bill);
        let news = (state.pieces.get(taken..).unwrap_or_default().to_vec(), state.ended.clone());
        drop(state);
        billed.into_iter().for_each(bill);
        news
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    fn key() -> Key {
        Key::of(&[b"text"])
    }

    /// Work of two pieces; the second waits for `go`.
    fn two_pieces(jobs: &Arc<Jobs>, go: &Arc<Notify>, progress: Arc<Progress>) -> Work {
        let (jobs, go) = (Arc::clone(jobs), Arc::clone(go));
        Box::pin(async move {
            progress.bill(7);
            progress.push([1].into());
            go.notified().await;
            progress.push([2].into());
            jobs.end((key(), Tick(0)), None);
            progress.end(Ok(()));
        })
    }

    async fn heard(
        job: Arc<Job>,
        bills: Arc<AtomicUsize>,
        pieces: watch::Sender<usize>,
    ) -> Vec<i16> {
        let mut heard = Vec::new();
        let mut deliver = |delivery| {
            if let Delivery::Piece(piece) = delivery {
                heard.extend_from_slice(&piece);
                pieces.send_replace(heard.len());
            }
        };
        let count = |characters| {
            assert_eq!(characters, 7);
            bills.fetch_add(1, Ordering::Relaxed);
        };
        job.follow(&mut deliver, count).await.unwrap();
        heard
    }

    #[tokio::test]
    async fn late_comers_get_all_and_the_first_may_give_up_i20_i27() {
        let (jobs, go) = (Arc::new(Jobs::default()), Arc::new(Notify::new()));
        let bills = Arc::new(AtomicUsize::new(0));
        let join = || jobs.join((key(), Tick(0)), |progress| two_pieces(&jobs, &go, progress));
        let follow = |job: Arc<Job>| {
            let (sender, mut receiver) = watch::channel(0);
            let task = tokio::task::JoinSet::from_iter([heard(job, Arc::clone(&bills), sender)]);
            (task, async move { drop(receiver.wait_for(|pieces| *pieces == 1).await.unwrap()) })
        };
        let (job, joined) = join().unwrap();
        assert!(!joined);
        let (first, begun) = follow(job);
        begun.await;
        let (job, joined) = join().unwrap();
        assert!(joined);
        let (mut second, begun) = follow(Arc::clone(&job));
        begun.await;
        drop(first);
        let (mut third, begun) = follow(job);
        begun.await;
        go.notify_one();
        for waiting in [&mut second, &mut third] {
            assert_eq!(waiting.join_next().await.unwrap().unwrap(), [1, 2]);
        }
        assert_eq!(bills.load(Ordering::Relaxed), 1, "one call has it on its bill");
    }

    #[tokio::test]
    async fn work_that_all_gave_up_is_given_up_and_begins_anew_i20() {
        let (jobs, go) = (Arc::new(Jobs::default()), Arc::new(Notify::new()));
        let join = || jobs.join((key(), Tick(0)), |progress| two_pieces(&jobs, &go, progress));
        let (job, _) = join().unwrap();
        let weak = Arc::downgrade(&job.progress);
        drop(job);
        assert!(weak.upgrade().is_none(), "the work held this");
        let (_job, joined) = join().unwrap();
        assert!(!joined);
    }

    #[tokio::test]
    async fn work_that_panics_ends_one_call_n7() {
        let jobs = Jobs::default();
        let work = |_| Box::pin(poll_fn(|_| panic!("planted"))) as Work;
        let (job, _) = jobs.join((key(), Tick(0)), work).unwrap();
        let follow = |job: Arc<Job>| async move { job.follow(&mut drop, drop).await };
        let mut first = tokio::task::JoinSet::from_iter([follow(Arc::clone(&job))]);
        assert!(first.join_next().await.unwrap().unwrap_err().is_panic());
        let told = follow(job).await.unwrap_err();
        assert!(told.contains("not made"), "{told}");
    }

    #[test]
    fn what_failed_is_not_tried_again_at_once_i20() {
        let jobs = Jobs::default();
        jobs.end((key(), Tick(5_000)), Some(&"away".into()));
        let at = |ms| jobs.join((key(), Tick(ms)), |_| Box::pin(async {}));
        assert_eq!(at(5_999).unwrap_err(), "away");
        assert!(at(6_000).is_ok());
    }
}
