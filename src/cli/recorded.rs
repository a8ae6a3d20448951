//! Recorded calls for a command: which, from where, and all cores at work on them.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::{Exit, wait_for};
use crate::config::Config;
use crate::engine::calendar_seconds;
use crate::replay::Recording;
use crate::store::{FoundCall, Read, ReadError, Reader, Wanted};

/// Pages of calls that wait for a core; one more, and reading waits.
const PAGES_MAX: usize = 8;
/// Calls between two words about progress.
const PROGRESS_CALLS: u64 = 2_000;
/// Names of other scripts that are counted apart; further ones are counted together.
const OTHERS_COUNTED_MAX: usize = 1_000;
/// Names of other scripts that are told.
const OTHERS_MAX: usize = 8;

/// Which recorded calls
#[derive(clap::Args)]
pub(super) struct RecordedArgs {
    /// Where the calls are: a database's URL, redis://…#list, or a file of JSON lines [default: the
    /// configured database]
    #[arg(long, value_name = "URL|FILE")]
    from: Option<String>,
    /// This call; may be given several times
    #[arg(long, value_name = "ID")]
    call: Vec<String>,
    /// Calls from this day or time on: 2024-01-31, or "2024-01-31 12:00:00"
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Calls before this day or time
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Calls that ended with this label
    #[arg(long, value_name = "L")]
    label: Option<String>,
    /// Calls that were made with the script of this name, * = any [default: the script's own name]
    #[arg(long, value_name = "NAME")]
    flow: Option<String>,
}

/// What was read, and what was left out.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Calls of other scripts, by the script's name.
    others: BTreeMap<String, u64>,
    /// Messages that are no rows, and why the first is none.
    unreadable: (u64, Option<String>),
}

impl RecordedArgs {
    fn wanted(&self) -> Result<Wanted, Exit> {
        let time = |day: &Option<String>| {
            let Some(day) = day else { return Ok(String::new()) };
            let whole = if day.len() == 10 { format!("{day} 00:00:00") } else { day.clone() };
            if calendar_seconds(&whole).is_none() {
                eprintln!("{day:?} is no time: write 2024-01-31, or \"2024-01-31 12:00:00\"");
                return Err(Exit::Usage);
            }
            Ok(whole.replace('T', " "))
        };
        let calls = self.call.iter().map(|call| call.as_str().into()).collect();
        Ok(Wanted { calls, since: time(&self.since)?, until: time(&self.until)? })
    }

    /// Reads the calls and has them worked on by as many threads as there are cores; each thread's
    /// work begins with `begin` and ends as one of the results.
    ///
    /// # Errors
    /// The calls can't be read; told on standard error.
    pub(super) fn each<T: Send>(
        &self,
        config: &Config,
        script: &str,
        begin: impl Fn() -> T,
        work: impl Fn(&mut T, Recording) + Sync,
    ) -> Result<(Vec<T>, Told), Exit> {
        let wanted = self.wanted()?;
        let mut reader = Reader::open(self.from.as_deref(), wanted, config).map_err(|error| {
            eprintln!("{error}");
            if matches!(error, ReadError::File { .. }) { Exit::Usage } else { Exit::Config }
        })?;
        let flow = self.flow.as_deref().unwrap_or(script);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (pages, waiting) = sync_channel::<Vec<FoundCall>>(PAGES_MAX);
        let waiting = Mutex::new(waiting);
        let others = Mutex::new(BTreeMap::<String, u64>::new());
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..cores)
                .map(|_| {
                    let mut own = begin();
                    let (waiting, others, work) = (&waiting, &others, &work);
                    scope.spawn(move || {
                        while let Some(page) = next_page(waiting) {
                            for (callid, rows) in page {
                                let recording = Recording::new(callid, rows);
                                if self.takes(&recording, flow, others) {
                                    work(&mut own, recording);
                                }
                            }
                        }
                        own
                    })
                })
                .collect();
            let read = wait_for(read_all(&mut reader, |page| pages.send(page).is_ok()));
            drop(pages);
            let done = workers.into_iter().map(|worker| worker.join().map_err(|_| Exit::Bug));
            let done = done.collect::<Result<Vec<_>, Exit>>()?;
            read??;
            let (count, first) = reader.unreadable();
            let others =
                std::mem::take(&mut *others.lock().unwrap_or_else(PoisonError::into_inner));
            Ok((done, Told { others, unreadable: (count, first.map(str::to_owned)) }))
        })
    }

    /// True if the call is one of those that are meant. What has no beginning may be one.
    fn takes(
        &self,
        recording: &Recording,
        flow: &str,
        others: &Mutex<BTreeMap<String, u64>>,
    ) -> bool {
        let has_name = !recording.flow().is_empty();
        if has_name && flow != "*" && !recording.is_of(flow) {
            let mut others = others.lock().unwrap_or_else(PoisonError::into_inner);
            let is_full = others.len() >= OTHERS_COUNTED_MAX;
            let name = if is_full { "further" } else { recording.flow() };
            *others.entry(name.to_owned()).or_default() += 1;
            return false;
        }
        let wanted = self.label.as_deref();
        wanted.is_none_or(|wanted| recording.label().is_some_and(|label| label == wanted))
    }
}

fn next_page(waiting: &Mutex<Receiver<Vec<FoundCall>>>) -> Option<Vec<FoundCall>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Reads to the end, and says on a terminal how far it is.
async fn read_all(
    reader: &mut Reader,
    mut send: impl FnMut(Vec<FoundCall>) -> bool,
) -> Result<(), Exit> {
    let shows = std::io::stderr().is_terminal();
    let (mut calls, mut told) = (0_u64, 0);
    loop {
        match reader.next().await {
            Ok(Read::Calls(page)) => {
                calls += page.len() as u64;
                if !send(page) {
                    return Err(Exit::Bug);
                }
                if shows && calls >= told + PROGRESS_CALLS {
                    told = calls;
                    eprint!("\r{calls} calls read ");
                    std::io::stderr().flush().unwrap_or_default();
                }
            }
            Ok(Read::Away(why, wait)) => {
                eprintln!("{why}; asked again in {} ms", wait.as_millis());
            }
            Ok(Read::End) => {
                if shows && told > 0 {
                    eprintln!("\r{calls} calls read ");
                }
                return Ok(());
            }
            Err(error) => {
                eprintln!("{error}");
                return Err(Exit::Unavailable);
            }
        }
    }
}

impl Told {
    /// What was left out, as lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.others.is_empty() {
            let mut named: Vec<_> = self.others.iter().collect();
            named.sort_by_key(|(_, calls)| std::cmp::Reverse(**calls));
            let shown: Vec<_> = named
                .iter()
                .take(OTHERS_MAX)
                .map(|(name, calls)| format!("{name} {calls}"))
                .collect();
            let all: u64 = self.others.values().sum();
            let shown = shown.join(", ");
            lines.push(format!(
                "left out: {all} calls of other scripts (--flow NAME takes them): {shown}"
            ));
        }
        if let (count, Some(first)) = &self.unreadable {
            lines.push(format!("left out: {count} messages that are no rows; the first: {first}"));
        }
        lines
    }
}
