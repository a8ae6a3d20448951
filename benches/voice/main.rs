//! Load on a daemon behind an Asterisk: calls in conversation, with audio both ways, a recogniser and
//! a voice. How much of a core and how much memory they take, how late the robot's frames are, how
//! fast it falls silent when it is interrupted, and what a turn takes; and what becomes of calls whose
//! recogniser and voice go away. The Asterisk is one of ours that does on the wire what the captures
//! show; the daemon is the real program, a process of its own, and so are recogniser and voice.
//! `benches/README.md` has the figures.
//!
//! Without `--bench`, which `cargo bench` adds, a few calls are held until each kind of answer was
//! heard: so `cargo test --all-targets` proves that the program still works.

mod asterisk;
mod caller;
mod clock;
mod daemon;
#[path = "../../tests/support/dice.rs"]
#[expect(dead_code, reason = "callers here need less chance than those of tests")]
mod dice;
mod figures;
mod prompt;
#[path = "../../tests/support/recogniser.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is the tests', who do more with it")]
mod recogniser;
mod services;
mod sounds;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use clap::Parser as _;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

use asterisk::{Asterisk, losses, shown};
use clock::now;
use daemon::{Daemon, Rows, SCRIPT, Threads, files_max, resident_kb, threads_of};
use figures::{Figures, Spread};
use prompt::Prompt;
use services::Services;
use sounds::{SETTINGS, Sounds, WORDS};

/// Files a call takes in the process that has most of them, the daemon: its session, its audio, and a
/// recogniser that is left while the next is there already.
const FILES_PER_CALL: u64 = 4;
/// Files for everything else.
const FILES_BESIDE: u64 = 200;

/// What a daemon keeps of audio that a voice made, kB; it keeps it decoded, for whoever says it next.
const KEPT_KB_MAX: f64 = 65_536.0;

/// Calls that come together are mixed after so long.
const SETTLE: Duration = Duration::from_secs(8);
/// How often it is looked whether something has happened.
const LOOK: Duration = Duration::from_millis(50);
/// Calls that have not ended by then never will.
const END_WITHIN: Duration = Duration::from_secs(20);
/// Every kind of answer is heard by then, or never.
const REHEARSAL_MAX: Duration = Duration::from_secs(60);
const REHEARSAL_CALLS: usize = 10;

/// More calls are not tried once frames are so late at p99, or lost.
const LATE_MAX: Duration = Duration::from_millis(2);

/// Calls whose recogniser and voice go away.
const OUTAGE_CALLS: usize = 100;
/// After an outage everybody is understood again within this time: a recogniser that can't be reached
/// is tried each second or two, and a turn takes some five.
const RECOVERED_WITHIN: Duration = Duration::from_secs(60);

/// Load on a daemon behind an Asterisk
#[derive(Clone, Debug, clap::Parser)]
struct Plan {
    /// Numbers of calls, one after the other until frames are late
    #[arg(long, value_delimiter = ',', default_value = "100,250,500,1000,1500")]
    calls: Vec<usize>,
    /// Goes on with more calls although frames are late
    #[arg(long)]
    on: bool,
    /// How long each number of calls is measured, s
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Calls that come in a second
    #[arg(long, default_value_t = 50)]
    arrivals: u32,
    /// The core that the daemon runs on, by `taskset`
    #[arg(long)]
    core: Option<usize>,
    /// Kills recogniser and voice of 100 calls for so long, s, and measures nothing else
    #[arg(long)]
    outage: Option<u64>,
    /// The daemon, to compare one with another [default: the one built with this program]
    #[arg(long, default_value = env!("CARGO_BIN_EXE_telephonist"), hide_default_value = true)]
    daemon: PathBuf,
    /// Is recogniser and voice at these addresses, and nothing else
    #[arg(long, hide = true, num_args = 2)]
    services: Vec<SocketAddr>,
    /// Added by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    // The tests' own arguments mean nothing here.
    let is_ours =
        std::env::args().any(|argument| argument == "--bench" || argument == "--services");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        if !is_ours {
            return rehearse().await;
        }
        let plan = Plan::parse();
        if let [recogniser, voice] = plan.services[..] {
            return services::serve(recogniser, voice).await;
        }
        match plan.outage {
            Some(seconds) => outage(&plan, Duration::from_secs(seconds)).await,
            None => measure(&plan).await,
        }
    })
}

/// A few calls, and no figures: until every kind of answer was heard.
async fn rehearse() -> Result<(), Box<dyn Error>> {
    let plan = Plan::parse_from(["voice"]);
    let mut load = Load::start(&plan, REHEARSAL_CALLS).await?;
    load.asterisk.begin_measuring();
    load.grow(REHEARSAL_CALLS).await?;
    let heard = async {
        loop {
            load.check()?;
            if load.asterisk.figures.borrow().has_each_kind() {
                return Ok::<_, Box<dyn Error>>(());
            }
            sleep(LOOK).await;
        }
    };
    let heard = timeout(REHEARSAL_MAX, heard).await;
    heard.map_err(|_| format!("callers get no answers\n{}", load.daemon.complaints()))??;
    load.stop().await?;
    Ok(())
}

/// More and more calls, until the robot stutters.
async fn measure(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let sounds = Sounds::new()?;
    println!(
        "{} ms of voice and {} ms of silence are configured. Ears with nothing else to do, earliest \
         and latest of several times:",
        SETTINGS.min_active_ms, SETTINGS.end_silence_ms
    );
    for ((word, _), frames) in WORDS.iter().zip(sounds.heard) {
        let [earliest, latest] =
            frames.map(|(noticed, over)| (20 * (noticed + 1), 20 * (over + 1)));
        println!(
            "{word}, {} ms: begins, known after {} to {} ms; is over, after {} to {} ms",
            sounds.sentences[0].len() * 20,
            earliest.0,
            latest.0,
            earliest.1,
            latest.1
        );
    }
    let mut steps = Vec::new();
    for calls in &plan.calls {
        let step = Step::measure(plan, *calls).await?;
        eprintln!("{calls} calls: {}", step.late.cells());
        let stutters = step.late.p99 > LATE_MAX || step.figures.lost + step.figures.holes > 0;
        steps.push(step);
        if stutters && !plan.on {
            break;
        }
    }
    report(&steps);
    Ok(())
}

fn report(steps: &[Step]) {
    println!(
        "\n| calls | daemon, % of a core | audio | tokio | others of its | memory of a call, kB | kept audio beside, MB \
         | frames late, ms: p50 | p99 | longest | by the daemon's own metric: p50 | p99 \
         | lost / doubled / holes / strange / not taken | lost by its own metric |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|"
    );
    for step in steps {
        let [audio, tokio, beside] = step.by_kind();
        let [own_p50, own_p99] = step.own_late;
        println!(
            "| {} | {:.1} | {audio:.1} | {tokio:.1} | {beside:.1} | {:.1} | {:.1} | {} | {own_p50:.2} \
             | {own_p99:.2} | {} | {} |",
            step.calls,
            audio + tokio + beside,
            step.memory_kb,
            step.audio_kb / 1_024.0,
            step.late.cells(),
            losses(&step.figures),
            step.own_lost,
        );
    }
    println!(
        "\n| calls | speech over a prompt → its last frame, ms | p50 | p99 | longest \
         | turn beyond endpointing and services, ms: files | p50 | p99 | longest \
         | voice | p50 | p99 | longest |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    for step in steps {
        let Figures { barge_ins, turns_of_files, turns_of_voice, .. } = &step.figures;
        print!("| {} |", step.calls);
        for times in [barge_ins, turns_of_files, turns_of_voice] {
            let spread = Spread::of(times.clone());
            print!(" {} | {} |", spread.count, spread.cells());
        }
        println!();
    }
    println!(
        "\n| calls | sentences answered as asked | otherwise | not | load program, % of a core \
         | late, ms: p50 | p99 | longest | recogniser and voice, % of a core |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    for step in steps {
        let Figures { understood, otherwise, unanswered, own_late, .. } = &step.figures;
        println!(
            "| {} | {understood} | {otherwise} | {unanswered} | {:.1} | {} | {:.1} |",
            step.calls,
            step.load,
            Spread::of(own_late.clone()).cells(),
            step.services,
        );
    }
    println!("\nParts of turns by the ledgers of calls, ms:\n");
    println!("| calls | part | turns | p50 | p99 | longest |\n|--:|---|--:|--:|--:|--:|");
    for step in steps {
        for (part, times) in &step.rows.turns {
            let spread = Spread::of(times.clone());
            println!("| {} | {part} | {} | {} |", step.calls, spread.count, spread.cells());
        }
    }
    for step in steps {
        let mut threads: Vec<_> = step.threads.iter().collect();
        threads.sort_by(|a, b| b.1.total_cmp(&a.1));
        let threads = threads.into_iter().map(|(name, share)| format!("{name} {share:.1} %"));
        println!("\n{} calls: {}", step.calls, threads.collect::<Vec<_>>().join(", "));
    }
}

/// What so many calls took.
struct Step {
    calls: usize,
    /// Shares of a core, by the names of the daemon's threads.
    threads: Vec<(String, f64)>,
    load: f64,
    services: f64,
    memory_kb: f64,
    /// Audio of the voice that the daemon keeps, whoever asked for it.
    audio_kb: f64,
    figures: Figures,
    late: Spread,
    /// Median and 99th percentile, ms, as the daemon measures it.
    own_late: [f64; 2],
    own_lost: f64,
    rows: Rows,
}

impl Step {
    async fn measure(plan: &Plan, calls: usize) -> Result<Self, Box<dyn Error>> {
        let mut load = Load::start(plan, calls).await?;
        sleep(Duration::from_secs(1)).await;
        let empty_kb = resident_kb(load.daemon.id()?)?;
        load.grow(calls).await?;
        sleep(SETTLE).await;
        let lost_before = load.lost().await?;
        let (began, before) = (now(), load.used()?);
        load.asterisk.begin_measuring();
        sleep(Duration::from_secs(plan.seconds)).await;
        let (figures, late) = load.asterisk.end_measuring();
        let (after, took) = (load.used()?, now().duration_since(began));
        load.check()?;
        let more_kb = resident_kb(load.daemon.id()?)?.saturating_sub(empty_kb) as f64;
        let texts = load.daemon.metric("telephonist_tts_cache_misses_total").await?;
        let audio_kb = (texts * Prompt::Spoken.samples_bytes() as f64 / 1_024.0).min(KEPT_KB_MAX);
        let late_metric = |quantile: &str| {
            format!("telephonist_voice_frame_late_seconds{{quantile=\"{quantile}\"}}")
        };
        let own_p50 = load.daemon.metric(&late_metric("0.5")).await?;
        let own_p99 = load.daemon.metric(&late_metric("0.99")).await?;
        let own_lost = load.lost().await? - lost_before;
        let share = |time: Duration| 100.0 * time.as_secs_f64() / took.as_secs_f64();
        let threads: Vec<_> = after
            .daemon
            .iter()
            .map(|(name, cpu)| {
                let before = before.daemon.get(name).copied().unwrap_or_default();
                (name.clone(), share(cpu.saturating_sub(before)))
            })
            .collect();
        let load_share = share(after.load - before.load);
        let services = share(after.services - before.services);
        let rows = load.stop().await?;
        Ok(Self {
            calls,
            threads,
            load: load_share,
            services,
            memory_kb: (more_kb - audio_kb) / calls as f64,
            audio_kb,
            figures,
            late: Spread::of(late),
            own_late: [own_p50, own_p99].map(|seconds| seconds * 1_000.0),
            own_lost,
            rows,
        })
    }

    /// Shares of a core of the clocks, of tokio's workers, and of all others.
    fn by_kind(&self) -> [f64; 3] {
        let mut shares = [0.0; 3];
        for (name, share) in &self.threads {
            let kind = match name.as_str() {
                "audio" => 0,
                name if name.starts_with("tokio") => 1,
                _ => 2,
            };
            shares[kind] += share;
        }
        shares
    }
}

/// What all have used so far.
struct Used {
    daemon: Threads,
    load: Duration,
    services: Duration,
}

/// A daemon, its Asterisk and its services.
struct Load {
    daemon: Daemon,
    services: Services,
    asterisk: Rc<Asterisk>,
    running: JoinSet<Result<(), String>>,
    arrivals: u32,
}

impl Load {
    async fn start(plan: &Plan, calls: usize) -> Result<Self, Box<dyn Error>> {
        let (needed, allowed) = (FILES_BESIDE + FILES_PER_CALL * calls as u64, files_max()?);
        if needed > allowed {
            return Err(format!(
                "{calls} calls need {needed} open files, and {allowed} are allowed: \
                 run `ulimit -n {needed}` first"
            )
            .into());
        }
        let sounds = Rc::new(Sounds::new()?);
        let services = Services::start().await?;
        let daemon = Daemon::start(&plan.daemon, plan.core, &services, calls).await?;
        let asterisk = Asterisk::new(daemon.fastagi, SCRIPT, sounds);
        let mut running = JoinSet::new();
        let pace = Rc::clone(&asterisk).pace();
        running.spawn_local(async move {
            pace.await;
            Ok(())
        });
        Ok(Self { daemon, services, asterisk, running, arrivals: plan.arrivals })
    }

    /// Lets calls come until there are so many with audio.
    async fn grow(&mut self, calls: usize) -> Result<(), Box<dyn Error>> {
        let began = now();
        while self.asterisk.begun.get() < calls {
            let due = f64::from(self.arrivals) * now().duration_since(began).as_secs_f64();
            for _ in self.asterisk.begun.get()..calls.min(1 + due as usize) {
                let call = Rc::clone(&self.asterisk).call();
                self.running.spawn_local(async move { call.await.map_err(|e| e.to_string()) });
            }
            sleep(Duration::from_millis(5)).await;
        }
        let all = async {
            while self.asterisk.legs().len() < calls {
                sleep(LOOK).await;
            }
        };
        let came = timeout(END_WITHIN, all).await;
        came.map_err(|_| format!("not all calls have audio\n{}", self.daemon.complaints()))?;
        Ok(())
    }

    /// An error if a call has failed, or ended by itself.
    fn check(&mut self) -> Result<(), Box<dyn Error>> {
        if let Some(ended) = self.running.try_join_next() {
            ended??;
            return Err(format!("a call has ended\n{}", self.daemon.complaints()).into());
        }
        Ok(())
    }

    async fn lost(&self) -> Result<f64, Box<dyn Error>> {
        self.daemon.metric("telephonist_voice_frames_lost_total").await
    }

    fn used(&self) -> Result<Used, Box<dyn Error>> {
        let sum = |process| Ok::<_, Box<dyn Error>>(threads_of(process)?.values().sum());
        Ok(Used {
            daemon: threads_of(self.daemon.id()?)?,
            load: sum(std::process::id())?,
            services: sum(self.services.id().ok_or("the services have ended")?)?,
        })
    }

    /// All callers hang up, and the daemon ends. Whatever the load was, every call has left its rows.
    async fn stop(self) -> Result<Rows, Box<dyn Error>> {
        let Self { daemon, asterisk, services: _services, running: _running, .. } = self;
        asterisk.hang_up();
        let ended = async {
            while asterisk.running.get() > 0 {
                sleep(LOOK).await;
            }
        };
        let complaints = daemon.complaints();
        timeout(END_WITHIN, ended).await.map_err(|_| format!("calls don't end\n{complaints}"))?;
        let begun = asterisk.begun.get() as i64;
        let rows = daemon.stop().await?;
        let each_once = (begun, begun);
        if [rows.created, rows.destroyed, rows.classified] == [each_once; 3] {
            eprintln!("{begun} calls have left each its rows CREATE, DESTORY and classify");
            return Ok(rows);
        }
        Err(format!("{begun} calls, and these rows: {rows:?}\n{complaints}").into())
    }
}

/// Recogniser and voice go away and come back.
async fn outage(plan: &Plan, lasting: Duration) -> Result<(), Box<dyn Error>> {
    let mut load = Load::start(plan, OUTAGE_CALLS).await?;
    load.grow(OUTAGE_CALLS).await?;
    load.asterisk.begin_measuring();
    let understood = async |asterisk: &Asterisk, more_than: &[usize]| loop {
        let now_understood = counts(asterisk);
        let all = now_understood.len() + asterisk.ended_by_robot.get() >= more_than.len();
        if all && now_understood.iter().zip(more_than).all(|(now, before)| now > before) {
            return now_understood;
        }
        sleep(LOOK).await;
    };
    let before = timeout(RECOVERED_WITHIN, understood(&load.asterisk, &[0; OUTAGE_CALLS]));
    before.await.map_err(|_| "before the outage not everybody is understood")?;
    let (figures, _) = load.asterisk.end_measuring();
    tell("before the outage", &load, &figures);

    let (recogniser, voice) = load.services.kill().await?;
    load.asterisk.begin_measuring();
    sleep(lasting).await;
    let (figures, _) = load.asterisk.end_measuring();
    load.services = Services::start_at(recogniser, voice).await?;
    tell("in the outage", &load, &figures);

    let at_return = counts(&load.asterisk);
    load.asterisk.begin_measuring();
    let (back, again) = (now(), understood(&load.asterisk, &at_return));
    let recovered = timeout(RECOVERED_WITHIN, again).await;
    let took = now().duration_since(back);
    let (figures, late) = load.asterisk.end_measuring();
    tell("after it", &load, &figures);
    if recovered.is_err() {
        let lost = counts(&load.asterisk).iter().zip(&at_return).filter(|(a, b)| a <= b).count();
        return Err(format!("{lost} calls are never understood again").into());
    }
    println!(
        "Everybody is understood again {:.1} s after the return; frames late {} at p99, {} at most.",
        took.as_secs_f64(),
        shown(Spread::of(late.clone()).p99),
        shown(Spread::of(late).longest)
    );
    let rows = load.stop().await?;
    println!(
        "Rows and calls with one: CREATE {:?}, DESTORY {:?}, classify {:?}; ends: {:?}",
        rows.created, rows.destroyed, rows.classified, rows.ends
    );
    Ok(())
}

fn counts(asterisk: &Asterisk) -> Vec<usize> {
    asterisk.legs().iter().map(|leg| leg.caller.borrow().understood).collect()
}

fn tell(when: &str, load: &Load, figures: &Figures) {
    let Figures { understood, otherwise, unanswered, .. } = figures;
    println!(
        "{when}: {} calls up, {} ended by their script; sentences answered as asked {understood}, \
         otherwise {otherwise}, not {unanswered}; lost / doubled / holes / strange / not taken {}",
        load.asterisk.legs().len(),
        load.asterisk.ended_by_robot.get(),
        losses(figures)
    );
}
