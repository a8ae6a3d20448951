//! What becomes of executions: begun, ended, broken, refused, lost.

use smol_str::SmolStr;

use super::super::audio::Playable;
use super::super::translate::Request;
use super::{
    DETECT_SPEECH, Execution, HANGING_UP, Leg, Output, Purpose, SPOKEN_US_MIN, Stopping, Work,
    is_gone,
};
use crate::engine::time::Tick;
use crate::turn::{EntryId, MediaEvent, PlaybackEnd};

impl Leg {
    pub(super) fn executing(&mut self, id: &SmolStr, at_us: u64, now: Tick) {
        if self.ghosts.contains(id) {
            // It began in the moment its queue was thrown away. A plain break spares what follows.
            return self.send(Purpose::Aside, Request::Api(format!("uuid_break {}", self.uuid)));
        }
        let Some(at) = self.running.iter().position(|one| one.id == *id) else { return };
        self.ghosts.clear();
        self.lose_before(at);
        let Some(execution) = self.running.front_mut() else { return };
        execution.began_us = Some(at_us);
        let unwanted = execution.unwanted;
        if let Work::Play { entry, .. } = &execution.work {
            let entry = entry.clone();
            if let Some(heard_at) = self.heard_at.take() {
                self.out.push_back(Output::Replied { after_ms: now.ms_since(heard_at) });
            }
            self.tell(MediaEvent::PlaybackStarted(entry));
        }
        if unwanted {
            self.break_all(now);
        }
    }

    pub(super) fn executed(&mut self, id: &SmolStr, response: &str, at_us: u64) {
        self.ghosts.retain(|ghost| ghost != id);
        let Some(at) = self.running.iter().position(|one| one.id == *id) else { return };
        self.lose_before(at);
        let Some(execution) = self.running.pop_front() else { return };
        let broken = execution.stop.is_some_and(|stop| stop.broken);
        let from_outside = broken && !execution.unwanted;
        let (end, heard_ms) = execution.outcome(response, at_us);
        self.ended(execution, end, heard_ms);
        if from_outside {
            self.tell(MediaEvent::Broken);
        }
        self.audio_ended(id);
        self.advance();
    }

    /// The switch runs one application after the other: what stands before the one it speaks of is
    /// over, and its end was lost.
    fn lose_before(&mut self, at: usize) {
        for _ in 0..at {
            if let Some(lost) = self.running.pop_front() {
                let id = lost.id.clone();
                self.ended(lost, PlaybackEnd::Done, None);
                self.audio_ended(&id);
            }
        }
    }

    /// Ends what was on the switch and may have begun. What had not was thrown away with the
    /// break: set-up and audio of that kind are handed back, in order, to be sent again.
    pub(super) fn end_what_began(&mut self) -> Vec<Work> {
        let mut anew = Vec::new();
        for lost in std::mem::take(&mut self.running) {
            let is_fresh = lost.began_us.is_none() && !lost.unwanted;
            match lost.work {
                // What the recogniser needs is asked of it, not remembered here.
                Work::Own { application, .. } if application == DETECT_SPEECH => {}
                Work::Own { .. } => anew.push(lost.work),
                Work::Play { .. } if is_fresh => anew.push(lost.work),
                _ => self.ended(lost, PlaybackEnd::Stopped, None),
            }
        }
        anew
    }

    pub(super) fn refused(&mut self, id: &SmolStr, error: &SmolStr) {
        let Some(at) = self.running.iter().position(|one| one.id == *id) else { return };
        if let Some(execution) = self.running.remove(at) {
            // The line is gone, the prompt is not at fault.
            let end = if is_gone(error) {
                PlaybackEnd::Stopped
            } else {
                PlaybackEnd::Failed(error.clone())
            };
            self.ended(execution, end, Some(0));
            self.audio_ended(id);
            self.advance();
        }
    }

    fn audio_ended(&mut self, id: &SmolStr) {
        if let Some(stopping) = &mut self.stopping
            && stopping.playing.as_ref() == Some(id)
        {
            stopping.playing = None;
            self.stopped();
        }
    }

    pub(super) fn break_answered(&mut self) {
        if let Some(stopping) = &mut self.stopping {
            stopping.unanswered = false;
            self.stopped();
            self.advance();
        }
    }

    /// The end of what should stop does not come.
    pub(super) fn stop_lost(&mut self, now: Tick) {
        let playing = self.stopping.take().and_then(|stopping| stopping.playing);
        let at = self.running.iter().position(|one| Some(&one.id) == playing.as_ref());
        if let Some(lost) = at.and_then(|at| self.running.remove(at)) {
            self.ended(lost, PlaybackEnd::Stopped, None);
        }
        self.break_all(now);
    }

    pub(super) fn stopped(&mut self) {
        let is_done = |stopping: &Stopping| stopping.playing.is_none() && !stopping.unanswered;
        if self.stopping.as_ref().is_some_and(is_done) {
            self.stopping = None;
        }
    }

    pub(super) fn drop_waiting_plays(&mut self) {
        for work in std::mem::take(&mut self.waiting) {
            if let Work::Play { entry, .. } = work {
                self.finished(entry, PlaybackEnd::Stopped, Some(0));
            } else {
                self.waiting.push_back(work);
            }
        }
    }

    /// Answers what will not be sent.
    pub(super) fn undone(&mut self, work: Work, reason: &str) {
        match work {
            Work::Play { entry, .. } => self.finished(entry, PlaybackEnd::Stopped, Some(0)),
            Work::Execute { entry, application, .. } => {
                tracing::warn!(call = %self.callid, %application, reason, "not executed");
                self.tell(MediaEvent::ApplicationFinished { entry, ok: false });
            }
            Work::Transfer(_) => self.tell(MediaEvent::TransferFailed(reason.into())),
            Work::Variable { .. } | Work::Own { .. } => {}
        }
    }

    pub(super) fn ended(&mut self, execution: Execution, end: PlaybackEnd, heard_ms: Option<u64>) {
        match execution.work {
            Work::Play { entry, .. } => {
                let heard_ms = execution.stop.and_then(|stop| stop.heard_ms).or(heard_ms);
                self.finished(entry, end, heard_ms);
            }
            Work::Execute { entry, .. } => {
                let ok = end == PlaybackEnd::Done;
                self.tell(MediaEvent::ApplicationFinished { entry, ok });
            }
            Work::Own { .. } | Work::Variable { .. } | Work::Transfer(_) => {}
        }
    }

    pub(super) fn finished(&mut self, entry: EntryId, end: PlaybackEnd, heard_ms: Option<u64>) {
        self.tell(MediaEvent::PlaybackFinished { entry, end, heard_ms });
    }

    /// After the end nothing more is told.
    pub(super) fn tell(&mut self, event: MediaEvent) {
        if !self.is_over() {
            self.out.push_back(Output::Tell(event));
        }
    }
}

impl Execution {
    pub(super) fn is_play(&self) -> bool {
        matches!(self.work, Work::Play { .. })
    }

    /// How it ended, and what was heard of it. `FILE PLAYED` is said of a broken one too (S5).
    fn outcome(&self, response: &str, at_us: u64) -> (PlaybackEnd, Option<u64>) {
        let ran_us = self.began_us.map(|began_us| at_us.saturating_sub(began_us));
        let ran_ms = ran_us.map(|ran_us| ran_us / 1000);
        let broken = self.unwanted || self.stop.is_some_and(|stop| stop.broken);
        match (&self.work, response) {
            (_, HANGING_UP) => (PlaybackEnd::Stopped, ran_ms),
            (Work::Play { .. }, _) if broken => (PlaybackEnd::Stopped, ran_ms),
            (Work::Play { what: Playable::Speech(_), .. }, _)
                if ran_us.is_some_and(|us| us < SPOKEN_US_MIN) =>
            {
                (PlaybackEnd::Failed("the switch's voice said nothing".into()), Some(0))
            }
            (Work::Play { what: Playable::Speech(_), .. }, _) => (PlaybackEnd::Done, ran_ms),
            (Work::Play { .. }, "FILE NOT FOUND" | "PLAYBACK ERROR") => {
                (PlaybackEnd::Failed(response.to_lowercase().into()), None)
            }
            (_, _) => (PlaybackEnd::Done, None),
        }
    }
}
