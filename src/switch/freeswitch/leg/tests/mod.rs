//! Each test is a story: what the driver wants, what the switch tells, and what the leg then does,
//! as text: `>` sent, `<` told.

mod audio;
mod ending;
mod hearing;

use super::super::recognition::Recognition;
use super::super::translate::Speech;
use super::*;

const UUID: &str = "u";

/// A leg that has been taken and set up, and a switch that numbers its events.
struct Story {
    leg: Leg,
    now: Tick,
    sequence: u64,
    us: u64,
}

impl Story {
    fn new() -> Self {
        Self::taken(Hold::Park)
    }

    fn on_socket() -> Self {
        Self::taken(Hold::Socket)
    }

    fn taken(hold: Hold) -> Self {
        let mut story = Self::fresh(hold, true);
        story.leg.take(story.now);
        story.did();
        for number in 1..=4 {
            story.complete(&format!("u-own-{number}"));
        }
        assert_eq!(story.did(), NOTHING);
        story
    }

    fn fresh(hold: Hold, answered: bool) -> Self {
        let leg = Leg::new(NewLeg {
            uuid: UUID.into(),
            callid: UUID.into(),
            hold,
            round: 1,
            rate_hz: 8000,
            answered,
            fallback_task: None,
            asr: "test builtin".into(),
            applications: Arc::new(Applications::read(
                r#"{"rows":[{"name":"send_dtmf"},{"name":"sleep"},{"name":"system"}]}"#,
            )),
        });
        Self { leg, now: Tick(1000), sequence: 0, us: 1_000_000 }
    }

    fn switch(&mut self, happened: Happened) {
        self.sequence += 1;
        self.us += 20_000;
        let serial = Serial { core: "core".into(), sequence: self.sequence };
        self.leg.happened(serial, self.us, happened, self.now);
    }

    fn executing(&mut self, id: &str) {
        self.switch(Happened::Executing(id.into()));
    }

    fn executed(&mut self, id: &str, response: &str) {
        let (execution, response) = (id.into(), response.into());
        self.switch(Happened::Executed { execution, response, hanging_up: false });
    }

    fn complete(&mut self, id: &str) {
        self.executing(id);
        self.executed(id, "_none_");
    }

    fn stopped(&mut self, broken: bool, heard_ms: u64) {
        self.switch(Happened::PlaybackStopped { broken, heard_ms: Some(heard_ms) });
    }

    fn says(&mut self, speech: Speech) {
        self.switch(Happened::Speech(speech));
    }

    fn result(&mut self, text: &str) {
        self.says(Speech::Ended(Recognition::Text(text.into())));
    }

    fn play(&mut self, number: u32) {
        let what = Playable::File(format!("/{number}.wav"));
        self.leg.work(Work::Play { entry: entry(number), what, offset_ms: 0 }, self.now);
    }

    fn speak(&mut self, number: u32) {
        let what = Playable::Speech("engine|voice|hello".into());
        self.leg.work(Work::Play { entry: entry(number), what, offset_ms: 0 }, self.now);
    }

    fn stop(&mut self) {
        self.leg.stop_audio(self.now);
    }

    fn listen(&mut self) {
        self.leg.listen(&Listen::default(), self.now);
    }

    fn ok(&mut self, purpose: Purpose) {
        self.leg.replied(purpose, Ok("+OK".into()), self.now);
    }

    fn denied(&mut self, purpose: Purpose) {
        self.leg.replied(purpose, Err("-ERR No such channel!".into()), self.now);
    }

    fn exists(&mut self, answer: &str) {
        self.leg.replied(Purpose::Exists, Ok(answer.into()), self.now);
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.leg.wake(self.now);
    }

    /// What the leg did since the last look.
    fn did(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.leg.next_output()).map(shown).collect()
    }
}

const NOTHING: [&str; 0] = [];

fn entry(number: u32) -> EntryId {
    EntryId { appid: "a".into(), number }
}

fn shown(output: Output) -> String {
    match output {
        Output::Send(_, Request::Execute { execution, application, argument }) => {
            format!("> {execution}: {application} {argument}").trim_end().to_owned()
        }
        Output::Send(_, Request::Api(command)) => format!("> {command}"),
        Output::Send(_, Request::Background(command)) => format!("> beside: {command}"),
        Output::Send(_, Request::Exit) => "> exit".into(),
        Output::Replied { after_ms } => format!("replied after {after_ms}"),
        Output::Tell(event) => match event {
            MediaEvent::PlaybackStarted(entry) => format!("< {} started", event_name(&entry)),
            MediaEvent::PlaybackFinished { entry, end, heard_ms } => {
                let heard = heard_ms.map_or("?".to_owned(), |ms| ms.to_string());
                format!("< {} {end:?} {heard}", event_name(&entry))
            }
            MediaEvent::ApplicationFinished { entry, ok } => {
                format!("< {} {}", event_name(&entry), if ok { "ran" } else { "did not run" })
            }
            other => format!("< {other:?}"),
        },
    }
}

fn event_name(entry: &EntryId) -> String {
    format!("{}-{}", entry.appid, entry.number)
}

#[test]
fn a_call_is_answered_and_set_up_before_anything_else_s8_s9() {
    let mut story = Story::fresh(Hold::Park, false);
    story.leg.fallback_task = Some(17);
    story.leg.take(story.now);
    story.listen();
    assert_eq!(
        story.did(),
        [
            "> sched_del 17",
            "> u-own-1: answer",
            "> u-own-2: set fire_asr_events=true",
            "> u-own-3: set playback_terminators=none",
            "> u-own-4: set robot_round=1",
            "> u-own-5: set robot_call=u",
            "> u-own-6: detect_speech test builtin robot",
        ]
    );
}

#[test]
fn an_application_that_would_hang_up_or_run_a_program_is_not_sent_s7_n10() {
    for application in ["cti_play", "system", "a b"] {
        let mut story = Story::new();
        let execute = Work::Execute {
            entry: entry(0),
            application: application.into(),
            argument: String::new(),
        };
        story.leg.work(execute, story.now);
        assert_eq!(story.did(), ["< a-0 did not run"], "{application}");
    }
}

#[test]
fn an_application_runs_after_the_audio_so_that_a_break_never_drops_it() {
    let mut story = Story::new();
    story.play(0);
    let execute =
        Work::Execute { entry: entry(1), application: "sleep".into(), argument: "10".into() };
    story.leg.work(execute, story.now);
    story.executing("a-0");
    story.did();
    story.executed("a-0", "FILE PLAYED");
    assert_eq!(story.did(), ["< a-0 Done ?", "> a-1: sleep 10"]);
    story.complete("a-1");
    assert_eq!(story.did(), ["< a-1 ran"]);
}
