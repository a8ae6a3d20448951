//! The one place that starts tasks: each has a name, and a panic in one ends that one only (N7).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::meter::Meter;
use crate::pii::Pii;

/// All tasks of the daemon. Copies are the same set; when the last is gone, its tasks are stopped.
#[derive(Clone, Default)]
pub struct Tasks {
    running: Arc<Mutex<JoinSet<()>>>,
}

/// How a task that was started ends.
pub struct Ending(oneshot::Receiver<Result<(), TaskError>>);

/// Why a task ended before it was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// It panicked: a bug.
    #[error("task {task} panicked: {message}")]
    Panicked {
        /// The task.
        task: &'static str,
        /// What the panic said, which may be what a caller said (N14).
        message: Pii<String>,
    },
    /// It was stopped from outside.
    #[error("task was stopped")]
    Stopped,
}

impl Tasks {
    /// Starts a task. It goes on whether or not somebody waits for its ending; a panic in it is
    /// logged and counted.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> Ending
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (tell, ending) = oneshot::channel();
        // Outside of the task, which would keep room for what it boxes.
        let guarded = Guarded { name, future: Box::pin(future) };
        let mut running = self.lock();
        while running.try_join_next().is_some() {}
        running.spawn(
            async move {
                let outcome = guarded.await;
                // Nobody may be waiting for it.
                drop(tell.send(outcome));
            }
            .in_current_span(),
        );
        Ending(ending)
    }

    /// Starts a thread for work that must not share one with tasks: what is paced, and what waits for
    /// the disk. It ends by itself when nobody can tell it anything any more. A panic in it is logged
    /// and counted.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn spawn_thread(
        &self,
        name: &'static str,
        work: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<()> {
        let guarded = move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
                drop(report(name, &*panic));
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(guarded).map(drop)
    }

    /// How many have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut running = self.lock();
        while running.try_join_next().is_some() {}
        running.len()
    }

    /// True if all have ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until all have ended, at most this long, and stops the rest; says how many those were.
    /// Tasks started meanwhile are not among them.
    pub async fn finish(&self, limit: Duration) -> usize {
        let mut ours = std::mem::take(&mut *self.lock());
        let all_ended = async { while ours.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all_ended).await.is_ok() {
            return 0;
        }
        let stopped = ours.len();
        ours.shutdown().await;
        stopped
    }

    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        // Nothing between lock and unlock leaves the set half changed.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ending {
    /// Waits for the end of the task.
    ///
    /// # Errors
    /// It panicked, or was stopped by [`Tasks::finish`].
    pub async fn wait(self) -> Result<(), TaskError> {
        self.0.await.unwrap_or(Err(TaskError::Stopped))
    }
}

/// A future whose panics are an outcome.
struct Guarded<F> {
    name: &'static str,
    future: Pin<Box<F>>,
}

impl<F: Future<Output = ()>> Future for Guarded<F> {
    type Output = Result<(), TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // The future is dropped after a panic, never polled again: nothing sees it half changed.
        match catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(report(self.name, &*panic))),
        }
    }
}

fn report(task: &'static str, panic: &(dyn Any + Send)) -> TaskError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let message = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(task, "a task ended by a panic");
    metrics::counter!(Meter::Panics.name(), "task" => task).increment(1);
    TaskError::Panicked { task, message: Pii(message.to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_task_only_and_says_which() {
        let tasks = Tasks::default();
        let (tell, told) = oneshot::channel();
        let other = tasks.spawn("other", async move { assert_eq!(told.await, Ok(5)) });
        let broken = tasks.spawn("broken", async { panic!("row {}", 3) });
        let message = Pii("row 3".to_owned());
        assert_eq!(broken.wait().await, Err(TaskError::Panicked { task: "broken", message }));
        tell.send(5).unwrap();
        assert_eq!(other.wait().await, Ok(()));
        assert_eq!(tasks.finish(Duration::from_secs(1)).await, 0);
    }

    #[test]
    fn a_panic_is_counted_under_the_tasks_name() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        metrics::with_local_recorder(&recorder, || {
            runtime.block_on(async {
                let tasks = Tasks::default();
                tasks.spawn("call", async { panic!("bug") }).wait().await.unwrap_err();
            });
        });
        assert!(handle.render().contains("telephonist_panics_total{task=\"call\"} 1"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_in_time_is_stopped_and_counted() {
        let tasks = Tasks::default();
        let stuck = tasks.spawn("stuck", pending());
        tasks.spawn("short", async {});
        assert_eq!(tasks.len(), 2);
        assert_eq!(tasks.finish(Duration::from_secs(60)).await, 1);
        assert_eq!(stuck.wait().await, Err(TaskError::Stopped));
        assert!(tasks.is_empty());
    }

    #[tokio::test]
    async fn ended_tasks_do_not_pile_up() {
        let tasks = Tasks::default();
        for _ in 0..100 {
            assert_eq!(tasks.spawn("short", async {}).wait().await, Ok(()));
        }
        assert!(tasks.lock().len() < 5);
    }
}
