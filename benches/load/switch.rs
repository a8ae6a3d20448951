//! A switch with thousands of channels, as the captures show it: what it answers to commands, what
//! it tells by itself, and what its callers do. It reads no clock and has no socket.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::channel::{Caller, Channel, Execution};
use crate::dice::Dice;
use crate::figures::Measured;
use crate::frames::{About, Frame, Frames, Values};
use crate::script;

/// A channel looks at its queue, and ends what was broken, with the next frame of media.
const FRAME: Duration = Duration::from_millis(20);

/// One caller in so many speaks while the robot does.
const INTERRUPTS_ONE_IN: usize = 3;

/// How long prompts are, when callers who interrupt do it, how long others think, and how long a
/// sentence is: each from … to, in ms.
const PROMPT_MS: Range<u64> = 2000..4000;
const INTERRUPTION_MS: Range<u64> = 500..1500;
const PAUSE_MS: Range<u64> = 300..1000;
const SENTENCE_MS: Range<u64> = 1000..2000;

/// The clock of the switch when it starts, µs.
const STARTED_US: u64 = 1_795_231_527_577_776;

/// `show channels` as captured: the names, and a row but for what names the channel and what runs.
const LIST_NAMES: &str = "uuid,direction,created,created_epoch,name,state,cid_name,cid_num,ip_addr,dest,application,application_data,dialplan,context,read_codec,read_rate,read_bit_rate,write_codec,write_rate,write_bit_rate,secure,hostname,presence_id,presence_data,accountcode,callstate,callee_name,callee_num,callee_direction,call_uuid,sent_callee_name,sent_callee_num,initial_cid_name,initial_cid_num,initial_ip_addr,initial_dest,initial_dialplan,initial_context";
const LIST_BEFORE: &str = "inbound,2026-11-21 03:21:11,1795231271,sofia/internal/+49301234567@127.0.0.1,CS_EXECUTE,Ann,+49301234567,127.0.0.1,9999";
const LIST_AFTER: &str = "silence_stream://-1,XML,default,PCMU,8000,64000,PCMU,8000,64000,,fsloop,,,,ACTIVE,,,,,,,Ann,+49301234567,127.0.0.1,9999,XML,default";

/// Which event.
type Kind = fn(&Frames) -> &Frame;

/// The switch. Its events wait in [`out`](Self::out) until somebody sends them.
pub(crate) struct Switch {
    frames: Frames,
    keywords: usize,
    dice: Dice,
    started: Instant,
    /// The moment of the step or command at hand.
    now: Instant,
    /// Events so far.
    sequence: u64,
    channels: BTreeMap<u32, Channel>,
    /// What is to happen, by when and by the order in which it was planned.
    steps: BTreeMap<(Instant, u64), Step>,
    planned: u64,
    /// Between two calls that come or go.
    arrival: Duration,
    /// So many calls there are to be, and new ones have such callers.
    pub(crate) wanted: (usize, Caller),
    /// Calls that have come.
    pub(crate) begun: u64,
    /// Sentences that callers have said.
    pub(crate) sentences: u64,
    pub(crate) measured: Measured,
    /// Events to be sent.
    pub(crate) out: Vec<u8>,
}

/// What is to happen.
enum Step {
    /// A call comes or goes, if there are too few or too many.
    Arrival,
    /// Something on a channel, unless that is gone by then.
    Channel(u32, Act),
}

enum Act {
    /// The queue is looked at.
    Frame,
    /// The prompt of this number was broken.
    Broken(u32),
    /// The prompt of this number has come to its end.
    Played(u32),
    /// The caller begins to speak, or hangs up.
    Speak,
    /// The caller has finished a sentence.
    Say,
    /// The same event once more (S9).
    Repeat(Vec<u8>),
}

impl Switch {
    /// Without calls; callers know the keywords of a script with so many of them, and come and go
    /// this often.
    pub(crate) fn new(keywords: usize, arrivals_per_s: u32, now: Instant) -> Self {
        let mut switch = Self {
            frames: Frames::new("load"),
            keywords,
            dice: Dice::from(1),
            started: now,
            now,
            sequence: 0,
            channels: BTreeMap::new(),
            steps: BTreeMap::new(),
            planned: 0,
            arrival: Duration::from_secs(1) / arrivals_per_s,
            wanted: (0, Caller::Talks),
            begun: 0,
            sentences: 0,
            measured: Measured::default(),
            out: Vec::new(),
        };
        switch.plan(Duration::ZERO, Step::Arrival);
        switch
    }

    /// How many calls there are.
    pub(crate) fn calls(&self) -> usize {
        self.channels.len()
    }

    // ---- time ----

    /// When something is to happen next.
    pub(crate) fn next_step(&self) -> Instant {
        // An arrival is always planned.
        self.steps.first_key_value().map_or(self.now, |((at, _), _)| *at)
    }

    /// Does the next thing that is due.
    pub(crate) fn step(&mut self, now: Instant) {
        if self.next_step() > now {
            return;
        }
        self.now = now;
        match self.steps.pop_first() {
            Some((_, Step::Arrival)) => self.arrival(),
            Some((_, Step::Channel(number, act))) if self.channels.contains_key(&number) => {
                self.act(number, act);
            }
            Some((_, Step::Channel(..))) | None => {}
        }
    }

    fn plan(&mut self, after: Duration, step: Step) {
        self.planned += 1;
        self.steps.insert((self.now + after, self.planned), step);
    }

    fn plan_within(&mut self, number: u32, ms: Range<u64>, act: Act) {
        let more_ms = self.dice.roll((ms.end - ms.start) as usize) as u64;
        self.plan(Duration::from_millis(ms.start + more_ms), Step::Channel(number, act));
    }

    fn arrival(&mut self) {
        let (wanted, caller) = self.wanted;
        if self.channels.len() < wanted {
            self.begun += 1;
            let number = self.begun as u32;
            self.channels.insert(number, Channel::new(caller, &mut self.dice));
            self.tell(number, |frames| &frames.parked);
        } else if self.channels.len() > wanted
            && let Some((&number, _)) = self.channels.first_key_value()
        {
            self.end(number);
        }
        self.plan(self.arrival, Step::Arrival);
    }

    fn act(&mut self, number: u32, act: Act) {
        match act {
            Act::Frame => self.start(number),
            Act::Broken(prompt) => self.stop(number, prompt, |frames| &frames.broken),
            Act::Played(prompt) => self.stop(number, prompt, |frames| &frames.stopped),
            Act::Speak => self.speak(number),
            Act::Say => self.say(number),
            Act::Repeat(event) => self.out.extend(event),
        }
    }

    // ---- commands ----

    /// The answer to a command, whose first line is not `auth` or `event`.
    pub(crate) fn command(&mut self, command: &str, now: Instant) -> String {
        self.now = now;
        let line = command.lines().next().unwrap_or_default();
        match line.split_once(' ') {
            Some(("api", command)) => {
                let answer = self.api(command);
                format!("Content-Type: api/response\nContent-Length: {}\n\n{answer}", answer.len())
            }
            Some(("sendmsg", uuid)) => match number_of(uuid) {
                Some(number) if self.channels.contains_key(&number) => {
                    self.execute(number, command);
                    reply("+OK")
                }
                Some(_) | None => reply(&format!("-ERR invalid session id [{uuid}]")),
            },
            Some(_) | None => reply("-ERR command not found"),
        }
    }

    fn execute(&mut self, number: u32, command: &str) {
        let header = |name: &str| {
            let mut headers = command.lines().filter_map(|line| line.split_once(": "));
            let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        let execution = Execution {
            id: header("Event-UUID"),
            application: header("execute-app-name"),
            argument: header("execute-app-arg"),
        };
        let now = self.now;
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let first = channel.said_at.take();
        self.measured.commands.extend(first.map(|at| now.duration_since(at)));
        if execution.application == "playback" {
            let answer = channel.unanswered_since.take();
            self.measured.answers.extend(answer.map(|at| now.duration_since(at)));
        }
        channel.queue.push_back(execution);
        self.plan(FRAME, Step::Channel(number, Act::Frame));
    }

    fn api(&mut self, command: &str) -> String {
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        if name == "show" {
            return if rest.starts_with("channels") { self.channel_list() } else { applications() };
        }
        let uuid = rest.split(' ').next().unwrap_or_default();
        let number = number_of(uuid).filter(|number| self.channels.contains_key(number));
        let Some(number) = number else {
            return if name == "uuid_exists" { "false" } else { "-ERR No such channel!\n" }.into();
        };
        match name {
            "uuid_exists" => return "true".into(),
            "uuid_break" => self.interrupt(number),
            "uuid_kill" => self.end(number),
            "uuid_setvar" => {}
            _ => return "-ERR command not found!\n".into(),
        }
        "+OK\n".into()
    }

    /// `uuid_break … all`: the queue is forgotten, the prompt ends with the next frame.
    fn interrupt(&mut self, number: u32) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        channel.queue.clear();
        let spoke_at = channel.spoke_at.take();
        self.measured.breaks.extend(spoke_at.map(|at| self.now.duration_since(at)));
        let broken = Act::Broken(channel.prompts);
        self.plan(FRAME, Step::Channel(number, broken));
    }

    fn channel_list(&self) -> String {
        let mut list = format!("{LIST_NAMES}\n");
        for (number, channel) in &self.channels {
            let (uuid, application) = (uuid_of(*number), channel.application());
            list += &format!("{uuid},{LIST_BEFORE},{application},{LIST_AFTER}\n");
        }
        list + &format!("\n{} total.\n", self.channels.len())
    }

    // ---- channels ----

    /// Begins what waits, as far as it may.
    fn start(&mut self, number: u32) {
        loop {
            let Some(channel) = self.channels.get_mut(&number) else { return };
            if channel.playing.is_some() {
                return;
            }
            let Some(execution) = channel.queue.pop_front() else { return };
            self.tell_of(number, &execution, |frames| &frames.began);
            match execution.application.as_str() {
                "playback" => self.play(number, execution),
                application => {
                    if application == "detect_speech" {
                        self.detect(number, &execution.argument);
                    }
                    self.tell_of(number, &execution, |frames| &frames.done);
                }
            }
        }
    }

    fn detect(&mut self, number: u32, argument: &str) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        channel.hears = argument != "pause";
        if !matches!(argument, "pause" | "resume") {
            self.tell(number, |frames| &frames.recogniser_started);
        }
    }

    fn play(&mut self, number: u32, execution: Execution) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        channel.playing = Some(execution);
        channel.prompts += 1;
        let prompt = channel.prompts;
        if channel.caller == Caller::Holds {
            return;
        }
        self.plan_within(number, PROMPT_MS, Act::Played(prompt));
        if self.dice.roll(INTERRUPTS_ONE_IN) == 0 {
            self.plan_within(number, INTERRUPTION_MS, Act::Speak);
        }
    }

    /// Ends the prompt of this number, if it still plays. Who has listened to it to the end has
    /// something to say.
    fn stop(&mut self, number: u32, prompt: u32, kind: Kind) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let Some(execution) = channel.playing.take_if(|_| channel.prompts == prompt) else {
            return;
        };
        let listened = !channel.speaks;
        self.tell(number, kind);
        self.tell_of(number, &execution, |frames| &frames.played);
        if listened {
            self.plan_within(number, PAUSE_MS, Act::Speak);
        }
        self.start(number);
    }

    /// The order of a hang-up: what runs completes, what waits gives no event (S6).
    fn end(&mut self, number: u32) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        if let Some(execution) = channel.playing.take() {
            self.tell(number, |frames| &frames.stopped);
            self.tell_of(number, &execution, |frames| &frames.played);
        }
        self.tell(number, |frames| &frames.unparked);
        self.tell(number, |frames| &frames.hung_up);
        self.channels.remove(&number);
    }

    // ---- callers ----

    fn speak(&mut self, number: u32) {
        let now = self.now;
        let Some(channel) = self.channels.get_mut(&number) else { return };
        if channel.sentences == 0 {
            return self.end(number);
        }
        if !channel.hears {
            return self.plan_within(number, PAUSE_MS, Act::Speak);
        }
        channel.speaks = true;
        channel.spoke_at = channel.playing.as_ref().map(|_| now);
        self.tell_speech(number, |frames| &frames.speech_began, "");
        self.plan_within(number, SENTENCE_MS, Act::Say);
    }

    fn say(&mut self, number: u32) {
        let (now, keyword) = (self.now, self.dice.roll(self.keywords));
        let Some(channel) = self.channels.get_mut(&number) else { return };
        channel.speaks = false;
        if !channel.hears {
            return self.plan_within(number, PAUSE_MS, Act::Speak);
        }
        channel.hears = false;
        channel.sentences -= 1;
        channel.said_at = Some(now);
        channel.unanswered_since = Some(now);
        self.sentences += 1;
        let text = script::sentence(keyword);
        let body =
            format!(r#"{{"grammar": "builtin", "text": "{text}", "confidence": 87.300000}}"#);
        self.tell_speech(number, |frames| &frames.sentence, &body);
    }

    // ---- events ----

    fn tell(&mut self, number: u32, kind: Kind) {
        let event = self.event(number, kind, About::default());
        self.out.extend(event);
    }

    fn tell_of(&mut self, number: u32, execution: &Execution, kind: Kind) {
        let about = About { execution: Some(execution), body: "" };
        let event = self.event(number, kind, about);
        self.out.extend(event);
    }

    /// What a recogniser says; on an idle channel it comes twice, the same event (S9).
    fn tell_speech(&mut self, number: u32, kind: Kind, body: &str) {
        let event = self.event(number, kind, About { execution: None, body });
        self.out.extend_from_slice(&event);
        if self.channels.get(&number).is_some_and(|channel| channel.playing.is_none()) {
            self.plan(FRAME, Step::Channel(number, Act::Repeat(event)));
        }
    }

    fn event(&mut self, number: u32, kind: Kind, about: About<'_>) -> Vec<u8> {
        self.sequence += 1;
        let values = Values {
            uuid: &uuid_of(number),
            sequence: self.sequence,
            at_us: STARTED_US + self.now.duration_since(self.started).as_micros() as u64,
            about,
        };
        kind(&self.frames).bytes(&values)
    }
}

fn reply(text: &str) -> String {
    format!("Content-Type: command/reply\nReply-Text: {text}\n\n")
}

/// What `show application as json` gives.
fn applications() -> String {
    let rows = ["answer", "set", "playback", "detect_speech", "park"]
        .map(|name| format!(r#"{{"name":"{name}"}}"#));
    format!(r#"{{"row_count":{},"rows":[{}]}}"#, rows.len(), rows.join(","))
}

fn uuid_of(number: u32) -> String {
    format!("{number:08x}-f796-4c1c-b494-bfa7b20a773f")
}

fn number_of(uuid: &str) -> Option<u32> {
    u32::from_str_radix(uuid.get(..8)?, 16).ok()
}
