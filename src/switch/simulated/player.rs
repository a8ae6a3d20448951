//! Plays a conversation in virtual time: robot, line and caller together.

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::caller::Act;
use super::line::Line;
use crate::engine::{
    AskKind, Classify, EndReason, Now, Outcome, RequestId, ResponseType, Robot, Row,
};
use crate::turn::{Conversation, Effect, MediaEvent, Order};

/// What the robot did that a caller could notice.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Began to play an answer.
    Play {
        /// The node or prompt.
        id: SmolStr,
        /// What kind of answer.
        kind: ResponseType,
        /// What is said.
        text: SmolStr,
    },
    /// Went on with audio that the caller had cut.
    Resume,
    /// Cut its audio short.
    Stop,
    /// Ran an application.
    Application {
        /// Its name.
        app: SmolStr,
        /// Its argument.
        argument: String,
    },
    /// Sent the caller to this extension.
    Transfer(SmolStr),
    /// Asked a service.
    Asks {
        /// What for.
        kind: AskKind,
        /// Where.
        url: SmolStr,
    },
    /// Told a service, and waits for no answer.
    Tells(SmolStr),
    /// Hung up.
    Hangup,
}

/// Something that happened, when.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When, since the call began, ms.
    pub at_ms: u64,
    /// What.
    pub what: Happened,
}

/// What can be told of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// The caller did something.
    Caller(Act),
    /// The robot did something.
    Robot(Deed),
    /// A row was written.
    Row(Box<Row>),
    /// The last row was written.
    Classify(Box<Classify>),
    /// What was tried for the row that follows.
    Explain(Vec<String>),
    /// Something somebody should mend.
    Warn(String),
}

/// A conversation in virtual time.
#[derive(Debug)]
pub struct Player {
    conversation: Conversation,
    line: Line,
    now: Now,
    begun: Now,
    moments: VecDeque<Moment>,
    /// The row whose action was begun last.
    answer: Option<Box<Row>>,
    /// The action whose audio was ordered last.
    playing: SmolStr,
    /// The question that was asked last.
    asked: RequestId,
}

impl Player {
    /// A call that begins now; `line` acts, as `AudioLasts`, that hold from its first moment.
    #[must_use]
    pub fn new(robot: Robot, now: Now, from_the_start: &[Act]) -> Self {
        let mut player = Self {
            conversation: Conversation::new(robot, now),
            line: Line::default(),
            now,
            begun: now,
            moments: VecDeque::new(),
            answer: None,
            playing: SmolStr::default(),
            asked: RequestId::default(),
        };
        for act in from_the_start {
            player.set_up(act);
        }
        player.settle();
        player
    }

    /// The caller does something, and time passes as long as it takes.
    pub fn act(&mut self, act: &Act) {
        self.tell(Happened::Caller(act.clone()));
        match act {
            Act::Says { text, for_ms } => {
                self.line_tells(MediaEvent::SpeechStarted { ago_ms: 0 });
                self.pass(*for_ms);
                self.catch_up();
                self.line_tells(MediaEvent::Final(text.clone()));
            }
            Act::Partial(text) => self.line_tells(MediaEvent::Partial(text.clone())),
            Act::Noise(for_ms) => {
                self.line_tells(MediaEvent::SpeechStarted { ago_ms: 0 });
                self.pass(*for_ms);
                self.catch_up();
                self.line_tells(MediaEvent::SpeechStopped { ago_ms: 0 });
            }
            Act::Digits(keys) => {
                for key in keys.chars() {
                    self.line_tells(MediaEvent::Digit(key));
                }
            }
            Act::Waits(for_ms) => {
                self.pass(*for_ms);
                self.catch_up();
            }
            Act::HangsUp => {
                self.line.hang_up(EndReason::RecvBye);
                self.settle();
            }
            Act::Answers(answer) => self.answer(Ok(answer.clone())),
            Act::ServiceFails(error) => self.answer(Err(error.clone())),
            Act::Broken => self.line_tells(MediaEvent::Broken),
            Act::RecognitionFails(error) => {
                self.line_tells(MediaEvent::RecognitionFailed(error.clone()));
            }
            Act::AudioLasts(_) | Act::AudioFails | Act::TransferFails => self.set_up(act),
        }
    }

    /// Lets time pass, with everything that is due before its end; at the end itself the line still
    /// speaks (audio that ends with it has ended), but no timer is due yet.
    pub fn pass(&mut self, for_ms: u64) {
        let mut left_ms = for_ms;
        while let Some(next_ms) = self.quiet_ms().filter(|next_ms| *next_ms < left_ms) {
            self.now = self.now.plus_ms(next_ms);
            left_ms -= next_ms;
            self.wake();
        }
        self.now = self.now.plus_ms(left_ms);
        self.drain();
    }

    /// Lets happen what is due at this very moment.
    pub fn catch_up(&mut self) {
        while self.quiet_ms() == Some(0) {
            self.wake();
        }
    }

    /// The next thing that happened, in order.
    pub fn next_moment(&mut self) -> Option<Moment> {
        self.moments.pop_front()
    }

    /// True once the last row is written.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.conversation.has_ended()
    }

    /// The call as it stands.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// How long until something happens by itself, ms.
    #[must_use]
    pub fn quiet_ms(&self) -> Option<u64> {
        let timer = self.conversation.next_wake().map(|(due, _)| due);
        let line = self.line.next_at(self.now.tick);
        let next = timer.into_iter().chain(line).min()?;
        Some(next.ms_since(self.now.tick))
    }

    /// How long the call has lasted, ms.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        self.now.tick.ms_since(self.begun.tick)
    }

    fn set_up(&mut self, act: &Act) {
        match act {
            Act::AudioLasts(ms) => self.line.audio_ms = *ms,
            Act::AudioFails => self.line.audio_fails = true,
            Act::TransferFails => self.line.transfer_fails = true,
            _ => {}
        }
    }

    fn wake(&mut self) {
        self.conversation.wake(self.now);
        self.settle();
    }

    fn line_tells(&mut self, event: MediaEvent) {
        self.conversation.handle(event, self.now);
        self.settle();
    }

    fn answer(&mut self, outcome: Outcome) {
        self.conversation.answer(self.asked, outcome, self.now);
        self.settle();
    }

    /// Lets everything happen that is due at this moment.
    fn settle(&mut self) {
        self.drain();
        while self.conversation.next_wake().is_some_and(|(due, _)| due <= self.now.tick) {
            self.conversation.wake(self.now);
            self.drain();
        }
    }

    /// Lets robot and line talk to each other until both wait for time or caller.
    fn drain(&mut self) {
        loop {
            while let Some(effect) = self.conversation.next_effect() {
                self.perform(effect);
            }
            match self.line.next(self.now.tick) {
                Some(event) => self.conversation.handle(event, self.now),
                None => break,
            }
        }
        debug_assert!(
            self.has_ended()
                || self.conversation.is_alive()
                || self.line.next_at(self.now.tick).is_some(),
            "a call that has not ended must be waiting for something"
        );
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Order(order) => {
                let cut = self.line.order(&order, self.now.tick);
                self.notice(&order, cut);
            }
            Effect::Ask(ask) => {
                self.asked = ask.id;
                let (kind, url) = (ask.kind, ask.request.url.into());
                self.tell(Happened::Robot(Deed::Asks { kind, url }));
            }
            Effect::Tell(request) => {
                self.tell(Happened::Robot(Deed::Tells(request.url.into())));
            }
            Effect::Row(row) => {
                if !row.response_action.is_empty() {
                    self.answer = Some(row.clone());
                }
                self.tell(Happened::Row(row));
            }
            Effect::Classify(row) => self.tell(Happened::Classify(row)),
            Effect::Explain(lines) => self.tell(Happened::Explain(lines)),
            Effect::Note(_) => {}
            Effect::Warn(warning) => self.tell(Happened::Warn(warning)),
        }
    }

    /// Tells what of an order a caller could notice. Several entries of one action are one answer.
    fn notice(&mut self, order: &Order, cut: bool) {
        let deed = match order {
            Order::Play { entry, .. } if entry.appid != self.playing => {
                self.playing = entry.appid.clone();
                let Some(row) = &self.answer else { return };
                Deed::Play {
                    id: row.response_id.clone(),
                    kind: row.response_type,
                    text: row.response_text.clone(),
                }
            }
            Order::Play { entry, offset_ms, .. } if *offset_ms > 0 && entry.number > 0 => {
                Deed::Resume
            }
            Order::StopAudio if cut => Deed::Stop,
            Order::Execute { app, argument, .. } => {
                Deed::Application { app: app.clone(), argument: argument.clone() }
            }
            Order::Hangup { .. } => Deed::Hangup,
            Order::Transfer(to) => Deed::Transfer(to.extension.clone()),
            Order::Play { .. }
            | Order::StopAudio
            | Order::Listen(_)
            | Order::StopListening
            | Order::Record { .. }
            | Order::Api(_)
            | Order::SetVariables(_) => return,
        };
        self.tell(Happened::Robot(deed));
    }

    fn tell(&mut self, what: Happened) {
        let at_ms = self.elapsed_ms();
        self.moments.push_back(Moment { at_ms, what });
    }
}
