//! The other side of the daemon: an Asterisk whose dialplan gives each call to it, by one FastAGI
//! session for each, as captured (tests/data/asterisk/90 and 91); and the audio of all calls on our
//! own clock.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::sleep_until;
use uuid::Uuid;

use crate::caller::Caller;
use crate::clock::now;
use crate::dice::Dice;
use crate::figures::{Figures, ms};
use crate::prompt::{FRAME, Heard, SAMPLES};
use crate::sounds::Sounds;

/// A frame's 20 ms are cut into so many; calls are spread over them.
const SLOTS: usize = 20;
const SLOT: Duration = Duration::from_millis(1);

/// Read at once: what a daemon that was held up sends together.
const READ_BYTES: usize = 4_096;
const AUDIO: u8 = 0x10;
const HANGUP: u8 = 0x00;
const HEADER: usize = 3;

const DEAD: &str = "511 Command Not Permitted on a dead channel or intercept routine\n";

/// All calls, and what was measured of them.
pub(crate) struct Asterisk {
    fastagi: SocketAddr,
    script: &'static str,
    sounds: Rc<Sounds>,
    slots: RefCell<[Vec<Rc<Leg>>; SLOTS]>,
    pub(crate) figures: RefCell<Figures>,
    /// Frames count for the figures.
    measuring: Cell<bool>,
    /// Callers hang up once this is true.
    hang_up: watch::Sender<bool>,
    pub(crate) begun: Cell<usize>,
    /// Calls whose session has not ended.
    pub(crate) running: Cell<usize>,
    /// Calls that ended before their caller hung up.
    pub(crate) ended_by_robot: Cell<usize>,
}

/// The audio of one call.
pub(crate) struct Leg {
    stream: TcpStream,
    is_over: Cell<bool>,
    pub(crate) caller: RefCell<Caller>,
    grid: RefCell<Grid>,
}

/// When the robot's frames came.
#[derive(Default)]
struct Grid {
    first: Option<Instant>,
    frames: u32,
    /// Against the grid of 20 ms that begins with the first, µs: the earliest of all, and those that
    /// are measured.
    earliest_us: i64,
    offsets_us: Vec<i64>,
}

/// How a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Caller,
    Robot,
}

impl Asterisk {
    pub(crate) fn new(fastagi: SocketAddr, script: &'static str, sounds: Rc<Sounds>) -> Rc<Self> {
        Rc::new(Self {
            fastagi,
            script,
            sounds,
            slots: RefCell::default(),
            figures: RefCell::default(),
            measuring: Cell::new(false),
            hang_up: watch::channel(false).0,
            begun: Cell::new(0),
            running: Cell::new(0),
            ended_by_robot: Cell::new(0),
        })
    }

    /// Sends the callers' frames; never ends.
    pub(crate) async fn pace(self: Rc<Self>) {
        let mut due = now();
        for slot in (0..SLOTS).cycle() {
            due += SLOT;
            sleep_until(due.into()).await;
            if self.measuring.get() {
                self.figures.borrow_mut().own_late.push(now().duration_since(due));
            }
            let legs = &mut self.slots.borrow_mut()[slot];
            legs.retain(|leg| !leg.is_over.get());
            for leg in legs.iter() {
                leg.send(&self.figures);
            }
        }
    }

    /// Measures from now on.
    pub(crate) fn begin_measuring(&self) {
        *self.figures.borrow_mut() = Figures::default();
        self.measuring.set(true);
    }

    /// Until now: what was measured, and how late each frame was.
    pub(crate) fn end_measuring(&self) -> (Figures, Vec<Duration>) {
        self.measuring.set(false);
        let late = self.legs().iter().flat_map(|leg| leg.grid.borrow_mut().late()).collect();
        (self.figures.take(), late)
    }

    /// The calls that have audio.
    pub(crate) fn legs(&self) -> Vec<Rc<Leg>> {
        let slots = self.slots.borrow();
        slots.iter().flatten().filter(|leg| !leg.is_over.get()).cloned().collect()
    }

    /// All callers hang up.
    pub(crate) fn hang_up(&self) {
        self.hang_up.send_replace(true);
    }

    /// Begins a call; what is given back serves it until its session has ended.
    pub(crate) fn call(self: Rc<Self>) -> impl Future<Output = Result<(), Box<dyn Error>>> {
        let number = self.begun.replace(self.begun.get() + 1);
        self.running.set(self.running.get() + 1);
        async move {
            let ended = self.session(number).await;
            self.running.set(self.running.get() - 1);
            ended
        }
    }

    async fn session(&self, number: usize) -> Result<(), Box<dyn Error>> {
        let stream = TcpStream::connect(self.fastagi).await?;
        stream.set_nodelay(true)?;
        let (input, mut output) = stream.into_split();
        output.write_all(self.environment(number).as_bytes()).await?;
        let mut commands: BufReader<OwnedReadHalf> = BufReader::with_capacity(512, input);
        let mut is_dead = false;
        let mut line = String::new();
        while commands.read_line(&mut line).await? > 0 {
            let command = line.trim_end();
            if let Some(argument) = command.strip_prefix("EXEC AudioSocket ") {
                let end = self.audio(argument, number).await?;
                is_dead = end == End::Caller;
                self.answer(&mut output, is_dead).await?;
            } else if command.starts_with("EXEC Hangup") {
                self.ended_by_robot.set(self.ended_by_robot.get() + 1);
                is_dead = true;
                self.answer(&mut output, true).await?;
            } else {
                output.write_all(answer_to(command, is_dead).as_bytes()).await?;
            }
            line.clear();
        }
        Ok(())
    }

    async fn answer(&self, output: &mut OwnedWriteHalf, is_dead: bool) -> std::io::Result<()> {
        let answer = if is_dead { "200 result=-1\nHANGUP\n" } else { "200 result=0\n" };
        output.write_all(answer.as_bytes()).await
    }

    fn environment(&self, number: usize) -> String {
        let Self { fastagi, script, .. } = self;
        let caller = 155_500_000 + number;
        format!(
            "agi_network: yes\nagi_network_script: flow/{script}\n\
             agi_request: agi://{fastagi}/flow/{script}\nagi_channel: PJSIP/trunk-{number:08x}\n\
             agi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1795851262.{number}\n\
             agi_version: 22.10.1\nagi_callerid: {caller}\nagi_calleridname: unknown\n\
             agi_callingpres: 0\nagi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\n\
             agi_dnid: 4000\nagi_rdnis: unknown\nagi_context: telephonist\n\
             agi_extension: {script}\nagi_priority: 9\nagi_enhanced: 0.0\nagi_accountcode: \n\
             agi_threadid: 139623852455616\n\n"
        )
    }

    /// `AudioSocket(uuid,host:port)`, until either side ends it.
    async fn audio(&self, argument: &str, number: usize) -> Result<End, Box<dyn Error>> {
        let (id, address) =
            argument.trim_matches('"').split_once(',').ok_or("a strange AudioSocket")?;
        let mut stream = TcpStream::connect(address.parse::<SocketAddr>()?).await?;
        stream.set_nodelay(true)?;
        let mut first = vec![0x01, 0, 16];
        first.extend(id.parse::<Uuid>()?.as_bytes());
        stream.write_all(&first).await?;
        let mut dice = Dice::from(number as u64);
        // By chance: the daemon spreads calls as they come too, and its 20 ms must not follow ours.
        let slot = dice.roll(SLOTS);
        let caller = Caller::new(Rc::clone(&self.sounds), dice);
        let leg = Rc::new(Leg {
            stream,
            is_over: Cell::new(false),
            caller: RefCell::new(caller),
            grid: RefCell::default(),
        });
        self.slots.borrow_mut()[slot].push(Rc::clone(&leg));
        let mut hang_up = self.hang_up.subscribe();
        let end = tokio::select! {
            end = self.hear(&leg) => end?,
            _ = hang_up.wait_for(|hang_up| *hang_up) => End::Caller,
        };
        // With it, when the pacer drops it too, the connection ends.
        leg.is_over.set(true);
        Ok(end)
    }

    /// Takes what the robot says until it ends the leg.
    async fn hear(&self, leg: &Leg) -> Result<End, Box<dyn Error>> {
        let mut input = Vec::new();
        let mut buffer = [0; READ_BYTES];
        loop {
            leg.stream.readable().await?;
            let count = match leg.stream.try_read(&mut buffer) {
                Ok(0) => return Ok(End::Robot),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(End::Robot),
                Err(error) => return Err(error.into()),
            };
            let came = now();
            input.extend(buffer.iter().take(count));
            while let Some([kind, high, low]) = input.first_chunk().copied() {
                let whole = HEADER + usize::from(u16::from_be_bytes([high, low]));
                if kind == HANGUP {
                    return Ok(End::Robot);
                }
                if kind != AUDIO || whole != HEADER + 2 * SAMPLES {
                    return Err(format!("a frame of kind {kind:#x} and {whole} bytes").into());
                }
                let Some(frame) = input.get(HEADER..whole) else { break };
                let heard = Heard::read(frame);
                leg.caller.borrow_mut().hear(heard, came, &mut self.figures.borrow_mut());
                leg.grid.borrow_mut().note(came, self.measuring.get());
                input.drain(..whole);
            }
        }
    }
}

impl Leg {
    fn send(&self, figures: &RefCell<Figures>) {
        let mut figures = figures.borrow_mut();
        let frame = self.caller.borrow_mut().say(now(), &mut figures);
        if !matches!(self.stream.try_write(&frame), Ok(count) if count == frame.len()) {
            figures.unsent += 1;
        }
    }
}

impl Grid {
    fn note(&mut self, came: Instant, is_measured: bool) {
        let first = *self.first.get_or_insert(came);
        let ideal = FRAME * self.frames;
        let offset_us = came.duration_since(first).as_micros() as i64 - ideal.as_micros() as i64;
        self.frames += 1;
        self.earliest_us = self.earliest_us.min(offset_us);
        if is_measured {
            self.offsets_us.push(offset_us);
        }
    }

    /// How late the measured frames were, on the grid that the most punctual of all stands on: the
    /// first may have been late itself.
    fn late(&mut self) -> Vec<Duration> {
        let offsets = std::mem::take(&mut self.offsets_us).into_iter();
        let late = offsets.map(|offset| offset - self.earliest_us);
        late.map(|us| Duration::from_micros(us.unsigned_abs())).collect()
    }
}

fn answer_to(command: &str, is_dead: bool) -> &'static str {
    match command.split(' ').next() {
        Some("SET") => "200 result=1\n",
        _ if is_dead => DEAD,
        Some("CHANNEL") => "200 result=6\n",
        Some("ANSWER" | "GET" | "EXEC") => "200 result=0\n",
        _ => "510 Invalid or unknown command\n",
    }
}

/// What callers lost, if they lost anything.
pub(crate) fn losses(figures: &Figures) -> String {
    let Figures { lost, doubled, holes, strange, unsent, .. } = figures;
    format!("{lost} / {doubled} / {holes} / {strange} / {unsent}")
}

/// A time in ms, for a line of text.
pub(crate) fn shown(time: Duration) -> String {
    format!("{:.1} ms", ms(time))
}
