//! What the engine's tests play and read.

use telephonist::engine::{
    Action, Ask, Call, Classify, Command, EndReason, Heard, Input, Outcome, RequestId, Row, Source,
    Timer, WebAnswer, WebRequest,
};

use crate::conversation::{Conversation, load};

pub(crate) const CALLID: &str = "dfd3585d-1209-4c69-bb5f-777a48a66321";

/// A call to a script with these nodes, which begins at F1.
pub(crate) fn call(nodes: &str) -> Conversation {
    let start = r#""Start": { "subflow": { "F1": {} } }"#;
    call_to(&format!("{{ \"version\": 3, \"flow\": {{ {start}, {nodes} }} }}"))
}

/// A call to this script.
pub(crate) fn call_to(script: &str) -> Conversation {
    Conversation::with(&load("test", script))
}

/// What a call begins with, unless a test says otherwise.
pub(crate) fn incoming() -> Call {
    Call { callid: CALLID.into(), variables: Vec::new(), event_after_hangup: true, explain: false }
}

impl Conversation {
    /// A sentence of a second, once the audio has ended.
    pub(crate) fn say(&mut self, text: &str) -> &mut Self {
        self.say_for(text, 1_000)
    }

    /// A sentence spoken while the audio plays: until when in the audio, and for how long.
    pub(crate) fn say_over(
        &mut self,
        text: &str,
        play_time_ms: i64,
        duration_ms: i64,
    ) -> &mut Self {
        let start = self.now.wall;
        self.hear(Heard {
            appid: None,
            text: text.into(),
            start,
            duration_ms,
            play_time_ms,
            record: "".into(),
        })
    }

    /// The caller presses keys.
    pub(crate) fn press(&mut self, digits: &str) -> &mut Self {
        self.press_over(digits, 0)
    }

    /// The caller presses keys while the audio plays.
    pub(crate) fn press_over(&mut self, digits: &str, play_time_ms: i64) -> &mut Self {
        self.handle(Input::Dtmf { appid: None, digits: digits.into(), play_time_ms })
    }

    /// Time passes; the robot is woken whenever it asked to be.
    pub(crate) fn advance(&mut self, ms: u64) -> &mut Self {
        let until = self.now.plus_ms(ms);
        self.rows.clear();
        self.commands.clear();
        while let Some((due, _)) = self.robot.next_wake()
            && due <= until.tick
        {
            self.now = self.now.plus_ms(due.ms_since(self.now.tick));
            let mut twin = self.twin();
            twin.wake(self.now);
            self.robot.wake(self.now);
            self.step(twin);
        }
        self.now = until;
        self
    }

    /// The service that was asked answers.
    pub(crate) fn answer(&mut self, id: u32, body: &str) -> &mut Self {
        self.outcome(id, Ok(WebAnswer { status: 200, body: body.into() }))
    }

    /// The service that was asked fails.
    pub(crate) fn fail(&mut self, id: u32, error: &str) -> &mut Self {
        self.outcome(id, Err(error.into()))
    }

    pub(crate) fn outcome(&mut self, id: u32, outcome: Outcome) -> &mut Self {
        self.handle(Input::Answer { id: RequestId(id), outcome })
    }

    /// What was asked in the last step.
    pub(crate) fn asked(&self) -> &Ask {
        let asked = self.commands.iter().find_map(|command| match command {
            Command::Ask(ask) => Some(&**ask),
            _ => None,
        });
        asked.expect("the last step asks a service")
    }

    /// What was told in the last step.
    pub(crate) fn told(&self) -> Option<&WebRequest> {
        self.commands.iter().find_map(|command| match command {
            Command::Tell(request) => Some(&**request),
            _ => None,
        })
    }

    /// The caller hangs up, as the switch tells it: the action ends, then the call.
    pub(crate) fn hang_up(&mut self, said: &str) -> &mut Self {
        self.complete(said).end(EndReason::RecvBye)
    }

    /// The rows of the last step, as lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.rows.iter().map(line).collect()
    }

    /// The newest row as a line.
    pub(crate) fn line(&self) -> String {
        line(self.row())
    }

    /// The action started in the last step.
    pub(crate) fn started(&self) -> &Action {
        let started = self.commands.iter().find_map(|command| match command {
            Command::Start(action) => Some(&**action),
            _ => None,
        });
        started.expect("the last step starts an action")
    }

    /// What the action started in the last step plays.
    pub(crate) fn plays(&self) -> Vec<&str> {
        let playbacks = self.started().playbacks.iter();
        playbacks
            .map(|playback| match &playback.source {
                Source::Silence(_) => "(silence)",
                Source::File(entry)
                | Source::FileOrText(entry)
                | Source::Url(entry)
                | Source::Tone(entry)
                | Source::Text(entry) => entry,
            })
            .collect()
    }

    /// Why the robot wants to be woken.
    pub(crate) fn timer(&self) -> Option<Timer> {
        self.robot.next_wake().map(|(_, timer)| timer)
    }

    /// The classify row of a call that has ended.
    pub(crate) fn classify(&self) -> &Classify {
        match self.commands.last() {
            Some(Command::Classify(classify)) => classify,
            other => panic!("the last step ends the call, not {other:?}"),
        }
    }
}

fn line(row: &Row) -> String {
    let input = format!("{} {} {:?}", row.sequence, row.current_flowid, row.input_type);
    let why = format!("{:?}", row.matching_method);
    let response = format!("{:?}", row.response_type);
    let mut response = words([&response, &row.response_id]);
    if row.repetition > 0 {
        response = format!("{response} x{}", row.repetition);
    }
    let (input, why) = (words([&input, &row.input_args]), words([&why, &row.matching_keyword]));
    format!("{input} | {why} | {response}")
}

fn words(words: [&str; 2]) -> String {
    words.join(" ").trim_end().to_owned()
}
