//! A conversation that a service decides (I15): what it is told, byte for byte, and what becomes of
//! its answers.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::sync::Arc;

use serde_json::{Value, json};
use telephonist::engine::{
    Action, ActionKind, Call, Command, EndReason, External, FlowService, Heard, Input, Now,
    Outcome, RequestId, Row, Source, Tick, Wall, WebAnswer, WebRequest,
};

/// 2024-01-01 00:00:00 UTC.
const START: Now = Now { tick: Tick(0), wall: Wall { unix_ms: 1_704_067_200_000, offset_s: 0 } };
const CALLID: &str = "dfd3585d-1209-4c69-bb5f-777a48a66321";
/// The id of the first action of that call (E21).
const FIRST: &str = "883005c4-e3b5-538b-b265-b1d3f67c0303";

/// A call, and what came out of it in the last step.
struct Flowing {
    external: External,
    now: Now,
    commands: Vec<Command>,
    rows: Vec<Row>,
    asked: Option<(RequestId, WebRequest)>,
}

fn flow() -> FlowService {
    FlowService {
        url: "http://flow/".into(),
        retries: 2,
        response_ms: 10_000,
        apology: "sorry.wav".into(),
        commands: regex::RegexSet::new(["^uuid_display [a-z]+$"]).unwrap(),
    }
}

impl Flowing {
    fn begin() -> Self {
        Self::with(flow())
    }

    fn with(flow: FlowService) -> Self {
        let variables = [("call_source", "1"), ("source_name", "gw"), ("robot_var_sum", "5")];
        let call = Call {
            callid: CALLID.into(),
            variables: variables.map(|(name, value)| (name.into(), value.into())).into(),
            event_after_hangup: true,
            explain: false,
        };
        let external = External::new(call, Arc::new(flow), START);
        let (now, commands, rows) = (START, Vec::new(), Vec::new());
        let mut flowing = Self { external, now, commands, rows, asked: None };
        flowing.take();
        flowing
    }

    /// A call whose service began with an action that listens.
    fn talking() -> Self {
        let mut call = Self::begin();
        call.answer(&json!({ "action": "cti_play_and_detect_speech", "playbacks": ["Hello"] }));
        call
    }

    fn take(&mut self) {
        self.commands.clear();
        self.rows.clear();
        while let Some(command) = self.external.next_command() {
            match command {
                Command::Row(row) => self.rows.push(*row),
                Command::Ask(ask) => self.asked = Some((ask.id, ask.request)),
                other => self.commands.push(other),
            }
        }
        // A call that was put away and taken out again is the same call.
        let json = serde_json::to_string(&self.external.snapshot()).unwrap();
        let snapshot = serde_json::from_str(&json).unwrap();
        self.external = External::restore(snapshot, Arc::clone(self.external.flow()));
    }

    fn handle(&mut self, input: Input) -> &mut Self {
        self.external.handle(input, self.now);
        self.take();
        self
    }

    fn outcome(&mut self, outcome: Outcome) -> &mut Self {
        let (id, _) = self.asked.take().expect("something was asked");
        self.handle(Input::Answer { id, outcome })
    }

    fn answer(&mut self, answer: &Value) -> &mut Self {
        self.outcome(Ok(WebAnswer { status: 200, body: answer.to_string() }))
    }

    fn says(&mut self, text: &str) -> &mut Self {
        self.handle(Input::Text(Heard {
            appid: None,
            text: text.into(),
            start: self.now.wall,
            duration_ms: 1_400,
            play_time_ms: -200,
            record: "".into(),
        }))
    }

    fn presses(&mut self, digits: &str) -> &mut Self {
        self.handle(Input::Dtmf { appid: None, digits: digits.into(), play_time_ms: 700 })
    }

    fn complete(&mut self, args: &str) -> &mut Self {
        self.handle(Input::Complete { appid: None, args: args.into() })
    }

    /// Time passes until something is due.
    fn wait(&mut self) -> u64 {
        let (due, _) = self.external.next_wake().expect("something will be due");
        let waited_ms = due.ms_since(self.now.tick);
        self.now = self.now.plus_ms(waited_ms);
        self.external.wake(self.now);
        self.take();
        waited_ms
    }

    /// The message of the question that is open.
    fn message(&self) -> String {
        let (_, request) = self.asked.as_ref().expect("something is asked");
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "http://flow/"));
        request.body.as_ref().unwrap().to_string()
    }

    fn field(&self, name: &str) -> Value {
        serde_json::from_str::<Value>(&self.message()).unwrap()[name].clone()
    }

    fn started(&self) -> &Action {
        let started = self.commands.iter().find_map(|command| match command {
            Command::Start(action) => Some(&**action),
            _ => None,
        });
        started.unwrap_or_else(|| panic!("nothing is started: {:?}", self.commands))
    }

    /// The rows of the last step: sequence, input, response.
    fn lines(&self) -> Vec<String> {
        let line = |row: &Row| {
            format!(
                "{} {:?} {} → {:?} {}({}) {}",
                row.sequence,
                row.input_type,
                row.input_args,
                row.response_type,
                row.response_action,
                row.response_args,
                row.response_text
            )
        };
        self.rows.iter().map(line).collect()
    }

    fn warnings(&self) -> Vec<&str> {
        let mut warnings = Vec::new();
        for command in &self.commands {
            if let Command::Warn(warning) = command {
                warnings.push(warning.as_str());
            }
        }
        warnings
    }

    fn told(&self) -> Vec<String> {
        let told = |command: &Command| match command {
            Command::Tell(request) => Some(request.body.as_ref().unwrap().to_string()),
            _ => None,
        };
        self.commands.iter().filter_map(told).collect()
    }
}

/// I15: the messages, byte for byte.
#[test]
fn what_the_service_is_told_i15() {
    let mut call = Flowing::begin();
    assert_eq!(
        call.message(),
        format!(
            r#"{{"method":"create","timestamp":1704067200000000,"callid":"{CALLID}","appid":"{FIRST}","call_source":"1","source_name":"gw","variables":{{"call_source":"1","robot_var_sum":"5","source_name":"gw"}}}}"#
        )
    );
    call.answer(&json!({
        "action": "cti_play_and_detect_speech", "argument": "'1' '2'", "playbacks": ["Hello"],
        "privatedata": { "step": 1 },
    }));
    assert_eq!(call.started().appid, FIRST);
    call.now = call.now.plus_ms(1);
    call.says("F有的。");
    assert_eq!(
        call.message(),
        format!(
            r#"{{"method":"input","timestamp":1704067200001000,"callid":"{CALLID}","appid":"{FIRST}","privatedata":{{"step":1}},"input_type":"text","input_args":"F有的。","input_start_time":1704067200001000,"input_duration":1400,"play_progress":-200}}"#
        )
    );
    call.answer(&json!({})).presses("5");
    let fields = ["input_type", "input_args", "play_progress"].map(|name| call.field(name));
    assert_eq!(fields, [json!("dtmf"), json!("D5"), json!(700)]);
    for (args, told) in [
        ("DONE()", "done()"),
        ("TIMEOUT(F:said S:Spoke)", "timeout(F:said S:Spoke)"),
        ("ERROR()", "error()"),
        ("BREAK()", "break()"),
    ] {
        call.answer(&json!({ "action": "playback", "playbacks": ["a"] })).complete(args);
        assert_eq!(
            (call.field("input_type"), call.field("input_args")),
            ("complete".into(), told.into())
        );
    }
    call.answer(&json!({ "action": "playback", "playbacks": ["a"], "privatedata": null }));
    call.complete("HANGUP(F再见)").handle(Input::Ended(EndReason::RecvBye));
    assert_eq!(call.told().len(), 1);
    let last: Value = serde_json::from_str(&call.told()[0]).unwrap();
    assert_eq!((&last["method"], &last["reason"]), (&json!("destory"), &json!("recv_bye")));
    assert_eq!(last["privatedata"], json!({ "step": 1 }));
}

/// E15 to E17, E90: each input is a row with what it was answered.
#[test]
fn rows_say_what_was_answered_e90() {
    let mut call = Flowing::begin();
    assert_eq!(call.lines(), [""; 0], "a row has its answer");
    call.answer(&json!({ "action": "cti_play_and_detect_speech", "argument": "1 2", "playbacks": ["Hello", "a.wav"] }));
    assert_eq!(
        call.lines(),
        ["0 Create http://flow/ → Flow cti_play_and_detect_speech(1 2) Hello a.wav"]
    );
    call.says("Sпри").answer(&json!({}));
    assert_eq!(call.lines(), [""; 0], "a partial that is not answered leaves no row (E42)");
    call.says("Fпривет").answer(&json!({}));
    assert_eq!(call.lines(), ["1 Text Fпривет → None () "]);
    call.presses("1").answer(&json!({ "action": "hangup", "playbacks": ["Bye"] }));
    assert_eq!(call.lines(), ["1 Dtmf 1 → Flow hangup() Bye"]);
    assert_eq!(call.started().kind, ActionKind::Goodbye);
    call.says("Fстойте");
    assert_eq!(call.lines(), ["2 Text Fстойте → None () "]);
    call.complete("DONE()");
    assert!(matches!(call.commands[..], [Command::Hangup { .. }]));
    call.handle(Input::Ended(EndReason::Hangup));
    assert_eq!(call.lines(), ["2 Destroy send_bye → None () "]);
    let Some(Command::Classify(row)) = call.commands.last() else { panic!("classify is last") };
    assert_eq!((row.respond_count, row.proactively_hangup), (2, 1));
    assert!(call.external.has_ended());
}

/// I15: the values of an argument, and what else an answer may say.
#[test]
fn what_an_answer_may_say_i15() {
    let mut call = Flowing::begin();
    call.answer(&json!({
        "action": "cti_play_and_detect_speech",
        "argument": "'0' '128' '' '' '' '' '' '3000' '' 'loan' '' 'app-7' '1' '' ''",
        "playbacks": ["hello.wav", "hello", "${callid}", "silence_stream://500"],
        "sound_file_dir": "flow/", "dtmf_terminators": "#", "log": "begun",
        "tts": { "voice": "x" }, "pre_tts_text": ["soon"],
        "commands": ["uuid_display caller", "uuid_display caller;reload", "shutdown", "uuid_display a\nb"],
    }));
    let action = call.started();
    let listen = action.listen.as_ref().unwrap();
    assert_eq!(
        (listen.mode, listen.interrupt, listen.wait_speech_timeout_ms),
        (Some(0), Some(128), Some(3_000))
    );
    assert_eq!((listen.hot_word.as_str(), action.appid.as_str()), ("loan", "app-7"));
    let sources: Vec<_> = action.playbacks.iter().map(|playback| playback.source.clone()).collect();
    let text = |text: &str| Source::FileOrText(text.into());
    let file = Source::File("flow/hello.wav".into());
    assert_eq!(sources, [file, text("hello"), text("${callid}"), Source::Silence(500)]);
    let api: Vec<_> =
        call.commands.iter().filter(|command| matches!(command, Command::Api(_))).collect();
    assert_eq!(api, [&Command::Api("uuid_display caller".into())]);
    assert!(call.commands.contains(&Command::Note("begun".into())));
    let warnings = call.warnings();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert!(warnings[3].contains("nothing is recorded"), "{warnings:?}");
    assert!(warnings[..3].iter().all(|warning| warning.contains("(N11)")), "{warnings:?}");

    call.presses("5");
    assert_eq!(call.commands, [], "only # stops the audio");
    call.answer(&json!({})).presses("#");
    assert!(matches!(&call.commands[..], [Command::StopAudio { appid }] if appid == "app-7"));
    call.answer(&json!({ "action": "answer_machine", "argument": "x y", "playbacks": ["z"] }));
    let action = call.started();
    assert_eq!(
        (action.kind, action.app.as_str(), action.argument.as_str()),
        (ActionKind::Application, "answer_machine", "x y")
    );
    assert_eq!(action.playbacks, []);
}

#[test]
fn ids_that_the_service_gives_are_ids() {
    for (given, why) in
        [("app 7", "can't be an id"), ("a\nb", "can't be an id"), ("same", "is the last")]
    {
        let mut call = Flowing::begin();
        let action = |id: &str| {
            json!({ "action": "cti_play_and_detect_speech",
                "argument": format!("1 2 '' '' '' '' '' '' '' '' '' '{id}'") })
        };
        call.answer(&action("same"));
        assert_eq!(call.started().appid, "same");
        call.says("Fa").answer(&action(given));
        assert_ne!(call.started().appid, given);
        assert!(call.warnings()[0].contains(why), "{:?}", call.warnings());
    }
}

/// I15: the same message again, twice; then the apology, and the call is over.
#[test]
fn a_service_that_fails_is_asked_twice_more_and_then_excused_i15() {
    for outcome in [Err("timeout".into()), Ok(WebAnswer { status: 500, body: "{}".into() })] {
        let mut call = Flowing::talking();
        call.says("Fda");
        let message = call.message();
        for pause_ms in [250, 500] {
            call.outcome(outcome.clone());
            assert_eq!(call.wait(), pause_ms);
            assert_eq!(call.message(), message);
        }
        call.outcome(outcome);
        assert_eq!(
            call.lines(),
            ["1 Text Fda → None () ", "1 Complete ERROR() → Hangup hangup() sorry.wav"]
        );
        assert_eq!(call.started().kind, ActionKind::Goodbye);
        assert!(call.warnings()[0].starts_with("the flow service does not answer: "));
        call.complete("DONE()");
        assert!(matches!(call.commands[..], [Command::Hangup { .. }]));
    }
}

/// What asking again can't mend is not asked again; each way of being no answer ends alike.
#[test]
fn an_answer_that_is_none_ends_the_call() {
    for (status, body) in [
        (404, "{}".to_owned()),
        (200, "<html>".to_owned()),
        (200, "[1]".to_owned()),
        (200, r#"{"action":["a"]}"#.to_owned()),
        (200, format!("{{\"playbacks\":{}}}", Value::from(vec!["a"; 100]))),
    ] {
        let mut call = Flowing::begin();
        call.outcome(Ok(WebAnswer { status, body }));
        assert_eq!(
            call.lines(),
            ["0 Create http://flow/ → None () ", "0 Complete ERROR() → Hangup hangup() sorry.wav"]
        );
    }
}

#[test]
fn without_an_apology_the_line_is_dropped_at_once() {
    let mut call = Flowing::with(FlowService { apology: "".into(), retries: 0, ..flow() });
    assert_eq!(call.wait(), 10_000, "the service has its time");
    assert!(matches!(call.commands[..], [Command::Warn(_), Command::Hangup { .. }]));
    call.wait();
    assert_eq!(call.lines(), ["1 Destroy send_bye → None () "]);
}

/// E50: while an answer is awaited, inputs wait in order; of one sentence the newest; a key cancels
/// what was said, and not what was pressed.
#[test]
fn inputs_wait_for_the_answer_and_a_key_cancels_it_e50() {
    let mut call = Flowing::talking();
    call.says("Sa");
    let cancelled = call.asked.clone().unwrap().0;
    call.says("Sab").says("Fabc").says("Fmore");
    assert_eq!(call.lines(), [""; 0]);
    call.presses("1");
    assert_eq!(call.lines(), ["1 Text Fabc → None () ", "1 Text Fmore → None () "]);
    assert_eq!(call.field("input_args"), json!("D1"));
    call.presses("2");
    let late = WebAnswer { status: 200, body: r#"{"action":"hangup"}"#.into() };
    call.handle(Input::Answer { id: cancelled, outcome: Ok(late) });
    assert_eq!((call.lines().len(), call.commands.len()), (0, 0), "nobody waits for it");
    call.answer(&json!({}));
    assert_eq!(call.field("input_args"), json!("D2"));
    call.answer(&json!({}));
    assert_eq!(call.lines(), ["1 Dtmf 2 → None () "]);
}

/// E21: what was said to an action that was replaced meanwhile is written down, and not asked about.
#[test]
fn what_was_meant_for_a_former_action_is_not_answered_e21() {
    let mut call = Flowing::talking();
    let heard = |text: &str| Heard {
        appid: Some(FIRST.into()),
        text: text.into(),
        start: START.wall,
        duration_ms: 0,
        play_time_ms: 0,
        record: "".into(),
    };
    call.handle(Input::Text(heard("Fone"))).handle(Input::Text(heard("Ftwo")));
    call.answer(&json!({ "action": "playback", "playbacks": ["next"] }));
    assert_eq!(call.lines()[1], "2 Text Ftwo → None () ");
    assert_eq!(call.rows[1].current_appid, FIRST);
    call.handle(Input::Complete { appid: Some(FIRST.into()), args: "DONE()".into() });
    assert!(call.asked.is_none());
}

/// N21: what passes the limit of waiting inputs ends the wait.
#[test]
fn the_thirty_third_input_ends_the_wait() {
    let mut call = Flowing::talking();
    for number in 0..=32 {
        call.says(&format!("F{number}"));
    }
    assert_eq!(call.rows.len(), 0);
    call.says("F33");
    assert_eq!(call.rows.len(), 2 + 33, "the question, the end, and what waited");
    assert_eq!(call.started().kind, ActionKind::Goodbye);
}

/// E76: a hang-up cancels the wait; nothing is started on a dead line.
#[test]
fn a_caller_who_hangs_up_is_not_answered_e76() {
    let mut call = Flowing::talking();
    call.says("Fда").says("Fалло").complete("HANGUP()");
    assert_eq!(
        call.lines(),
        ["1 Text Fда → None () ", "1 Text Fалло → None () ", "1 Complete HANGUP() → None () "]
    );
    assert!(call.told()[0].contains(r#""input_args":"hangup()""#));
    call.handle(Input::Ended(EndReason::RecvBye));
    assert_eq!(call.lines(), ["1 Destroy recv_bye → None () "]);

    let mut unheard = Flowing::begin();
    unheard.handle(Input::Ended(EndReason::RecvBye));
    assert_eq!(
        unheard.lines(),
        ["0 Create http://flow/ → None () ", "0 Destroy recv_bye → None () "]
    );
}

/// E20: extension, dialplan, context; a transfer that fails is told to the service.
#[test]
fn the_service_sends_the_caller_elsewhere_e20() {
    for (action, reason) in [("transfer", "transfer"), ("manual", "manual")] {
        let mut call = Flowing::talking();
        call.says("Fa").answer(&json!({ "action": action, "argument": "4000 XML default" }));
        let [Command::Transfer(to)] = &call.commands[..] else { panic!("{:?}", call.commands) };
        assert_eq!((to.extension.as_str(), to.context.as_str()), ("4000", "default"));
        assert_eq!(call.external.leaving().unwrap().as_str(), reason);
        call.complete("ERROR()");
        assert_eq!(call.field("input_args"), json!("error()"));
        call.answer(&json!({ "action": "transfer" }));
        assert_eq!(call.field("input_args"), json!("error()"), "nowhere is an error too");
    }
}

/// Liveness: an action that has ended needs a next one.
#[test]
fn an_answer_without_an_action_ends_a_call_in_which_none_runs() {
    for mut call in [Flowing::begin(), {
        let mut call = Flowing::talking();
        call.complete("DONE()");
        call
    }] {
        call.answer(&json!({ "log": "nothing to do" }));
        assert!(call.lines()[0].ends_with("→ Hangup hangup() "), "{:?}", call.lines());
        assert!(call.commands.iter().any(|command| matches!(command, Command::Hangup { .. })));
    }
}

/// E73: a service that names what can't be done again and again is not asked for ever.
#[test]
fn a_service_that_goes_in_circles_is_left_e73() {
    let mut call = Flowing::talking();
    let mut rounds = 0;
    while call.external.leaving().is_none() {
        call.complete("ERROR()");
        if call.asked.is_some() {
            call.answer(&json!({ "action": "nonsense" }));
        }
        rounds += 1;
    }
    assert_eq!(rounds, 51);
    assert!(call.warnings()[0].starts_with("50 actions in a row"), "{:?}", call.warnings());
}
