//! Callers of a shipped script who say this and that, and the rows of their calls.

use std::sync::Arc;

use telephonist::engine::{
    ActionKind, Call, Command, EndReason, Heard, Input, Now, Robot, Row, Tick, Wall,
};
use telephonist::script::{self, Script};

use crate::laws::dice::Dice;

pub(crate) const LOAN: &str = include_str!("../../flows/loan.json");
const SAID: [&str; 14] = [
    "有的。",
    "没有",
    "需要一点",
    "听不清",
    "多少钱",
    "你们是什么公司",
    "十万",
    "五万吧",
    "可以",
    "不用了",
    "嗯",
    "分期行吗",
    "我在开会",
    "贷点款",
];

/// A script that has to load.
pub(crate) fn load(text: &str) -> Arc<Script> {
    let (script, problems) = script::load("loan", "loan.json", text.as_bytes());
    script.unwrap_or_else(|| panic!("{problems:?}"))
}

/// One call of this caller. The same number is the same call.
pub(crate) fn call(script: &Arc<Script>, seed: u64, said: &[&str]) -> Vec<Row> {
    let mut dice = Dice::from(seed);
    let wall =
        Wall { unix_ms: 1_704_067_200_000 + 7_321 * i64::try_from(seed).unwrap(), offset_s: 0 };
    let now = Now { tick: Tick(0), wall };
    let call = Call {
        callid: format!("00000000-0000-4000-8000-{seed:012}").into(),
        variables: Vec::new(),
        event_after_hangup: true,
        explain: false,
    };
    let robot = Robot::new(call, Arc::clone(script), now);
    let mut line = Line { robot, now, rows: Vec::new(), last_words: false };
    line.drain();
    for _ in 0..3 + dice.roll(12) {
        line.now = line.now.plus_ms(700 + dice.roll(5_000) as u64);
        if line.last_words || line.robot.leaving().is_some() {
            break;
        }
        match dice.roll(12) {
            0 => line.handle(Input::Complete { appid: None, args: "TIMEOUT()".into() }),
            1 => {
                let digits = dice.pick(&["1", "2", "9"]).into();
                line.handle(Input::Dtmf { appid: None, digits, play_time_ms: 0 });
            }
            2 => line.say(&format!("S{}", dice.pick(said))),
            _ => line.say(&format!("F{}", dice.pick(said))),
        }
    }
    if line.last_words {
        line.handle(Input::Complete { appid: None, args: "DONE()".into() });
    }
    let reason = line.robot.leaving().unwrap_or(EndReason::RecvBye);
    if reason == EndReason::RecvBye {
        line.handle(Input::Complete { appid: None, args: "HANGUP()".into() });
    }
    line.handle(Input::Ended(reason));
    line.rows
}

/// Callers who say what is said in calls about loans.
pub(crate) fn callers(script: &Arc<Script>, calls: u64) -> impl Iterator<Item = Vec<Row>> {
    (0..calls).map(|seed| call(script, seed, &SAID))
}

struct Line {
    robot: Robot,
    now: Now,
    rows: Vec<Row>,
    last_words: bool,
}

impl Line {
    fn say(&mut self, text: &str) {
        let heard = Heard {
            appid: None,
            text: text.into(),
            start: self.now.wall.minus_ms(600),
            duration_ms: 600,
            play_time_ms: -200,
            record: "".into(),
        };
        self.handle(Input::Text(heard));
    }

    fn handle(&mut self, input: Input) {
        self.robot.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(command) = self.robot.next_command() {
            match command {
                Command::Row(row) => self.rows.push(*row),
                Command::Start(action) => self.last_words = action.kind == ActionKind::Goodbye,
                _ => {}
            }
        }
    }
}
