//! Load on a daemon that is attached to a FreeSWITCH: how long it takes from an event to the command
//! that answers it, how much of a core and how much memory it needs, and whether every call leaves
//! its rows. The switch is one of ours that answers as the captures show; the daemon is the real
//! program, a process of its own. `benches/README.md` has the figures.
//!
//! Without `--bench`, which `cargo bench` adds, calls are held until the first is answered: so
//! `cargo test --all-targets` proves that the program still works.

mod channel;
mod daemon;
#[path = "../../tests/support/dice.rs"]
#[expect(dead_code, reason = "callers here need less chance than those of tests")]
mod dice;
#[path = "../../tests/support/event.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is the tests', who do more with it")]
mod event;
mod figures;
mod frames;
mod script;
mod socket;
mod switch;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser as _;
use tokio::net::TcpListener;

use channel::Caller;
use daemon::{Daemon, Rows, Usage, usage_of};
use figures::{Measured, Spread};
use socket::{Socket, now};
use switch::Switch;

/// A smaller number of calls, to see that the memory of one does not depend on how many there are.
const FEW_CALLS: usize = 100;

/// Versions of the script that come while calls run.
const RELOADS: u32 = 5;

/// A changed folder is read 200 ms after its last change.
const RELOAD_WINDOW: Duration = Duration::from_secs(2);

/// How often it is looked whether all calls have come or gone.
const LOOK: Duration = Duration::from_millis(50);

/// Calls that come together begin with the same prompt; after so long they are mixed.
const SETTLE: Duration = Duration::from_secs(10);

/// Who interrupts the first prompt is answered within 4 s.
const REHEARSAL_MAX: Duration = Duration::from_secs(20);

/// Load on a daemon that is attached to a FreeSWITCH
#[derive(Clone, Debug, clap::Parser)]
struct Plan {
    /// Calls in conversation
    #[arg(long, default_value_t = 200)]
    calls: usize,
    /// Calls that listen to a prompt without end
    #[arg(long, default_value_t = 1000)]
    parked: usize,
    /// How long each number of calls is measured, s
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Keywords of the script
    #[arg(long, default_value_t = 5000)]
    keywords: usize,
    /// Calls that may come or go in a second
    #[arg(long, default_value_t = 200)]
    arrivals: u32,
    /// The daemon, to compare one with another [default: the one built with this program]
    #[arg(long, default_value = env!("CARGO_BIN_EXE_telephonist"), hide_default_value = true)]
    daemon: PathBuf,
    /// Added by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    // The tests' own arguments mean nothing here.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if !is_bench {
            return rehearse().await;
        }
        let plan = Plan::parse();
        talk(&plan).await?;
        hold(&plan).await
    })
}

/// A few calls, and no figures: until somebody has got an answer.
async fn rehearse() -> Result<(), Box<dyn Error>> {
    let plan = Plan::parse_from(["load", "--calls=100", "--keywords=100", "--arrivals=1000"]);
    let mut load = Load::start(&plan, plan.calls).await?;
    load.grow(plan.calls, Caller::Talks).await?;
    let give_up = now() + REHEARSAL_MAX;
    while load.switch.measured.answers.is_empty() {
        if now() > give_up {
            return Err("no caller gets an answer".into());
        }
        load.serve(LOOK).await?;
    }
    load.stop().await
}

/// Conversations, and new versions of their script.
async fn talk(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let mut load = Load::start(plan, plan.calls.max(FEW_CALLS)).await?;
    let few = load.memory_of(FEW_CALLS).await?;
    let many = load.memory_of(plan.calls).await?;
    let quiet = load.watch(Duration::from_secs(plan.seconds)).await?;
    let reloading = load.reload(plan.keywords).await?;
    let (empty, attached) = (load.empty, load.attached);
    load.stop().await?;

    println!("\n| {} calls, µs | times | p50 | p99 | longest |\n|---|--:|--:|--:|--:|", plan.calls);
    let before = Spread::of(quiet.measured.commands);
    let during = Spread::of(reloading.commands);
    before.print("sentence → first command");
    Spread::of(quiet.measured.answers).print("sentence → the answer is played");
    Spread::of(quiet.measured.breaks).print("speech over a prompt → it is stopped");
    during.print("sentence → first command, script reloaded");
    let extra = during.longest.saturating_sub(before.p50);
    let calls = plan.calls;
    println!("\n| | |\n|---|--:|");
    println!("| longest extra delay by a reload | {:.1} ms |", extra.as_secs_f64() * 1000.0);
    println!("| daemon, {calls} calls | {:.1} % of a core |", quiet.daemon_share);
    println!("| load program, {calls} calls | {:.1} % of a core |", quiet.our_share);
    println!("| memory before attaching | {} kB |", empty.resident_bytes / 1000);
    println!("| memory attached, no calls | {} kB |", attached.resident_bytes / 1000);
    println!("| memory per call, {FEW_CALLS} calls | {few:.1} kB |");
    println!("| memory per call, {calls} calls | {many:.1} kB |");
    Ok(())
}

/// Many calls that do nothing.
async fn hold(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let mut load = Load::start(plan, plan.parked).await?;
    load.grow(plan.parked, Caller::Holds).await?;
    let held = load.watch(Duration::from_secs(plan.seconds)).await?;
    let each = load.memory_per_call()?;
    load.stop().await?;
    println!("| daemon, {} calls held | {:.1} % of a core |", plan.parked, held.daemon_share);
    println!("| memory per call, {} calls held | {each:.1} kB |", plan.parked);
    Ok(())
}

/// A daemon and the switch it is attached to.
struct Load {
    daemon: Daemon,
    socket: Socket,
    switch: Switch,
    /// Before and after the daemon was let into the switch.
    empty: Usage,
    attached: Usage,
}

/// What was measured over a length of time.
struct Window {
    measured: Measured,
    daemon_share: f64,
    our_share: f64,
}

impl Load {
    async fn start(plan: &Plan, calls_max: usize) -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let script = script::script(1, plan.keywords);
        let daemon = Daemon::start(&plan.daemon, listener.local_addr()?, &script, calls_max)?;
        let switch = Switch::new(plan.keywords, plan.arrivals, now());
        // It has all it needs but the switch once it knocks there.
        let (first, _) = listener.accept().await?;
        let empty = daemon.usage()?;
        let socket = Socket::accept(first, &listener).await?;
        let mut load = Self { daemon, socket, switch, empty, attached: empty };
        load.serve(Duration::from_secs(1)).await?;
        load.attached = load.daemon.usage()?;
        Ok(load)
    }

    async fn serve(&mut self, lasting: Duration) -> Result<(), Box<dyn Error>> {
        let served = self.socket.serve(&mut self.switch, now() + lasting).await;
        served.map_err(|error| match self.daemon.complaints() {
            Ok(complaints) => format!("{error}\n{complaints}").into(),
            Err(_) => error.into(),
        })
    }

    /// Lets calls come or go until there are so many.
    async fn grow(&mut self, calls: usize, caller: Caller) -> Result<(), Box<dyn Error>> {
        self.switch.wanted = (calls, caller);
        while self.switch.calls() != calls {
            self.serve(LOOK).await?;
        }
        Ok(())
    }

    async fn watch(&mut self, lasting: Duration) -> Result<Window, Box<dyn Error>> {
        self.switch.measured = Measured::default();
        let (began, daemon, ours) = (now(), self.daemon.usage()?, usage_of("self")?);
        self.serve(lasting).await?;
        let took = now().duration_since(began).as_secs_f64();
        let share =
            |before: Usage, after: Usage| 100.0 * (after.cpu - before.cpu).as_secs_f64() / took;
        Ok(Window {
            measured: std::mem::take(&mut self.switch.measured),
            daemon_share: share(daemon, self.daemon.usage()?),
            our_share: share(ours, usage_of("self")?),
        })
    }

    /// Memory of each of so many conversations, kB.
    async fn memory_of(&mut self, calls: usize) -> Result<f64, Box<dyn Error>> {
        self.grow(calls, Caller::Talks).await?;
        self.serve(SETTLE).await?;
        self.memory_per_call()
    }

    fn memory_per_call(&self) -> Result<f64, Box<dyn Error>> {
        let more = self.daemon.usage()?.resident_bytes.saturating_sub(self.attached.resident_bytes);
        Ok(more as f64 / 1000.0 / self.switch.calls() as f64)
    }

    /// Changes the script under the calls, again and again; what was measured meanwhile.
    async fn reload(&mut self, keywords: usize) -> Result<Measured, Box<dyn Error>> {
        self.switch.measured = Measured::default();
        for version in 2..2 + RELOADS {
            self.daemon.put_script(&script::script(version, keywords))?;
            self.serve(RELOAD_WINDOW).await?;
        }
        let loaded = self.daemon.scripts_loaded()?;
        if loaded != 1 + RELOADS as usize {
            return Err(format!("{loaded} versions of the script were loaded").into());
        }
        Ok(std::mem::take(&mut self.switch.measured))
    }

    /// Ends calls and daemon. Whatever the load was, every call has left its rows.
    async fn stop(mut self) -> Result<(), Box<dyn Error>> {
        self.grow(0, Caller::Talks).await?;
        self.serve(LOOK).await?;
        let (begun, sentences) = (self.switch.begun, self.switch.sentences);
        let rows = self.daemon.stop().await?;
        let expected = Rows { created: begun, destroyed: begun, classified: begun, sentences };
        if rows == expected {
            eprintln!("{begun} calls and {sentences} sentences have left their rows");
            return Ok(());
        }
        Err(format!("{rows:?} in the database, but {expected:?} have been").into())
    }
}
