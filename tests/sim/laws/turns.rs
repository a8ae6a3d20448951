//! The turn alone: whatever the switch does, every action completes once.

use std::collections::BTreeMap;

use telephonist::engine::{Action, ActionKind, EndReason, Input, Now, Playback, Source};
use telephonist::script::SpeechArgs;
use telephonist::turn::{MediaEvent, Output, Turn};

use super::case::Case;
use super::dice::Dice;
use super::line::Line;
use super::scripts;

/// House law 4: an action completes once, unless another has replaced it; and each completes in the
/// end, though the switch tells nothing any more. Told as it happens if `tells`.
pub(crate) fn turn(case: &Case, tells: bool) {
    let mut stage = Stage { tells, ..Stage::default() };
    for dice in &case.steps {
        stage.step(&mut dice.clone());
    }
    // The switch says nothing more; every timer there is goes off.
    for _ in 0..100 {
        let Some((due, _)) = stage.turn.next_wake() else { break };
        stage.now = stage.now.plus_ms(due.ms_since(stage.now.tick));
        stage.turn.wake(stage.now);
        stage.drain();
    }
    if !stage.hung_up {
        stage.on(MediaEvent::HungUp(EndReason::RecvBye));
        stage.on(MediaEvent::HungUp(EndReason::RecvBye));
    }
    let running = stage.completed.iter().find(|(_, times)| **times == 0);
    assert_eq!(running, None, "every action completes");
    assert!(!stage.turn.is_busy());
}

#[derive(Default)]
struct Stage {
    turn: Turn,
    line: Line,
    now: Now,
    /// The actions that nothing replaced, and how often each has completed.
    completed: BTreeMap<String, u32>,
    started: usize,
    hung_up: bool,
    tells: bool,
}

impl Stage {
    fn step(&mut self, dice: &mut Dice) {
        match dice.roll(6) {
            0 if !self.hung_up => self.start(dice),
            1 => {
                self.now = self.now.plus_ms(dice.roll(9_000) as u64);
                self.turn.wake(self.now);
                self.drain();
            }
            2 | 3 => {
                if let Some(event) = self.line.next(dice) {
                    self.on(event);
                }
            }
            4 => {
                let appid = format!("a{}", self.started.saturating_sub(dice.roll(2)));
                self.turn.stop_audio(&appid);
                self.drain();
            }
            _ => self.on(scripts::caller(dice)),
        }
    }

    fn start(&mut self, dice: &mut Dice) {
        self.started += 1;
        let action = action(dice, self.started);
        // The one that still runs is replaced: it may never complete.
        self.completed.retain(|_, times| *times > 0);
        self.completed.insert(action.appid.to_string(), 0);
        if self.tells {
            println!("{:>8} ms  {action:?}", self.now.tick.0);
        }
        self.turn.start(action, self.now);
        self.drain();
    }

    fn on(&mut self, event: MediaEvent) {
        if self.tells {
            println!("{:>8} ms  {event:?}", self.now.tick.0);
        }
        self.hung_up |= matches!(event, MediaEvent::HungUp(_));
        self.turn.handle(event, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.turn.next_output() {
            if self.tells {
                println!("    {output:?}");
            }
            match output {
                Output::Order(order) => self.line.order(order),
                Output::Input(Input::Complete { appid: Some(appid), .. }) => {
                    let times = self.completed.get_mut(appid.as_str());
                    let times = times.expect("only what runs completes");
                    *times += 1;
                    assert_eq!(*times, 1, "an action completes once");
                }
                Output::Input(_) | Output::Warn(_) => {}
            }
        }
    }
}

fn action(dice: &mut Dice, number: usize) -> Action {
    let kind = dice.pick(&[
        ActionKind::Play,
        ActionKind::Play,
        ActionKind::Play,
        ActionKind::Goodbye,
        ActionKind::Application,
    ]);
    let text = || Playback { source: Source::Text("hello".into()), text: "hello".into() };
    let playbacks = match kind {
        ActionKind::Application => Vec::new(),
        _ => (0..dice.roll(4)).map(|_| text()).collect(),
    };
    let listens = kind == ActionKind::Play && dice.roll(4) > 0;
    let listen = SpeechArgs {
        mode: dice.pick(&[None, Some(0), Some(1)]),
        interrupt: dice.pick(&[
            None,
            Some(0),
            Some(1),
            Some(2),
            Some(32),
            Some(64),
            Some(128),
            Some(256),
        ]),
        wait_speech_timeout_ms: dice.pick(&[None, Some(0), Some(700)]),
        max_speech_time_ms: dice.pick(&[None, Some(1_000)]),
        ..SpeechArgs::default()
    };
    Action {
        appid: format!("a{number}").into(),
        app: "any".into(),
        argument: String::new(),
        playbacks,
        listen: listens.then(|| Box::new(listen)),
        disablebreak_ms: dice.pick(&[0, 0, 1_000, u64::MAX]),
        kind,
    }
}
