//! The engine alone, fed with anything at all: odd appids, odd completions, huge texts.

use std::sync::Arc;

use telephonist::engine::{Command, EndReason, Input, Now, Robot};
use telephonist::script::Script;

use crate::dice::Dice;
use crate::scripts;

/// Steps of one call.
const STEPS: usize = 60;

/// One call in which one of two robots is put away and taken out again at random.
pub(crate) fn restore(script: &Arc<Script>, mut dice: Dice) {
    let mut now = Now::default();
    let mut robot = Robot::new(scripts::call(), Arc::clone(script), now);
    let mut started = drain(&mut robot);
    let mut twin = Robot::restore(robot.snapshot(), Arc::clone(script)).unwrap();
    for _ in 0..STEPS {
        now = now.plus_ms(dice.roll(5_000) as u64);
        if dice.roll(3) == 0 {
            let json = serde_json::to_string(&twin.snapshot()).unwrap();
            twin =
                Robot::restore(serde_json::from_str(&json).unwrap(), Arc::clone(script)).unwrap();
        }
        let commands = if dice.roll(4) == 0 {
            (wake(&mut robot, now), wake(&mut twin, now))
        } else {
            let input = scripts::input(&mut dice, &started);
            (feed(&mut robot, &input, now), feed(&mut twin, &input, now))
        };
        assert_eq!(commands.0, commands.1, "a restored robot does the same");
        started.extend(commands.0.iter().filter_map(appid));
    }
    let end = Input::Ended(EndReason::Hangup);
    let last = feed(&mut robot, &end, now);
    assert!(robot.has_ended());
    assert_eq!(last, feed(&mut twin, &end, now));
}

fn feed(robot: &mut Robot, input: &Input, now: Now) -> Vec<Command> {
    robot.handle(input.clone(), now);
    std::iter::from_fn(|| robot.next_command()).collect()
}

fn wake(robot: &mut Robot, now: Now) -> Vec<Command> {
    robot.wake(now);
    std::iter::from_fn(|| robot.next_command()).collect()
}

fn drain(robot: &mut Robot) -> Vec<String> {
    std::iter::from_fn(|| robot.next_command()).filter_map(|command| appid(&command)).collect()
}

fn appid(command: &Command) -> Option<String> {
    match command {
        Command::Start(action) => Some(action.appid.to_string()),
        _ => None,
    }
}
