//! The engine alone, fed with anything at all: odd appids, odd completions, huge texts, answers
//! nobody asked for; and a twin that is put away and taken out again at random.

use std::sync::Arc;

use telephonist::engine::{Command, EndReason, Input, Now, Robot};
use telephonist::script::Script;

use super::case::Case;
use super::scripts;

/// House law 5, N3: the same rows, wherever the call was put away; told as it happens if `tells`.
pub(crate) fn restored(case: &Case, tells: bool) {
    let script = scripts::load(&case.script);
    let mut now = Now::default();
    let mut robot = Robot::new(scripts::incoming(), Arc::clone(&script), now);
    let mut started = appids(&commands(&mut robot));
    let mut twin = put_away(&robot, &script);
    for dice in &case.steps {
        let mut dice = dice.clone();
        now = now.plus_ms(dice.roll(5_000) as u64);
        if dice.roll(3) == 0 {
            twin = put_away(&twin, &script);
        }
        let (done, twin_done) = if dice.roll(4) == 0 {
            robot.wake(now);
            twin.wake(now);
            (commands(&mut robot), commands(&mut twin))
        } else {
            let input = scripts::input(&mut dice, &started);
            if tells {
                println!("{:>8} ms  {input:?}", now.tick.0);
            }
            (feed(&mut robot, input.clone(), now), feed(&mut twin, input, now))
        };
        if tells {
            done.iter().for_each(|command| println!("    {command:?}"));
        }
        assert_eq!(done, twin_done, "a restored robot does the same");
        started.extend(appids(&done));
    }
    let end = Input::Ended(EndReason::Hangup);
    let last = feed(&mut robot, end.clone(), now);
    assert!(robot.has_ended());
    assert_eq!(last, feed(&mut twin, end, now));
}

/// The robot as another daemon would take it out: through the text of its snapshot.
fn put_away(robot: &Robot, script: &Arc<Script>) -> Robot {
    let kept = serde_json::to_string(&robot.snapshot()).expect("a snapshot is plain data");
    let snapshot = serde_json::from_str(&kept).expect("what was written can be read");
    Robot::restore(snapshot, Arc::clone(script)).expect("the same revision")
}

fn feed(robot: &mut Robot, input: Input, now: Now) -> Vec<Command> {
    robot.handle(input, now);
    commands(robot)
}

fn commands(robot: &mut Robot) -> Vec<Command> {
    std::iter::from_fn(|| robot.next_command()).collect()
}

fn appids(commands: &[Command]) -> Vec<String> {
    let started = commands.iter().filter_map(|command| match command {
        Command::Start(action) => Some(action.appid.to_string()),
        _ => None,
    });
    started.collect()
}
