//! The command line: one file for each command, each with its arguments and what it does.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{self, Loaded, Source};

mod check;
mod demo;
mod exit;
mod fmt;
mod graph;
mod jsonl;
mod ledger;
mod migrate;
mod page;
mod push;
mod recorded;
mod rehearse;
mod replay;
mod run;
mod sarif;
mod scene;
mod scripts;
mod show_config;
mod suggest;
mod talk;

pub use exit::Exit;

/// Talks to callers by a script, beside FreeSWITCH and Asterisk.
#[derive(Parser)]
#[command(name = "telephonist", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Demo(demo::Args),
    Check(check::Args),
    Fmt(fmt::Args),
    Graph(graph::Args),
    Talk(talk::Args),
    Rehearse(rehearse::Args),
    Replay(replay::Args),
    Suggest(suggest::Args),
    Push(push::Args),
    Migrate(migrate::Args),
    ShowConfig(show_config::Args),
}

/// Which configuration file a command goes by.
#[derive(clap::Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file [default: telephonist.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command that these arguments name; the first is the program's own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let command = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments.command,
        Err(error) => return explain_usage(&error),
    };
    match command {
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Talk(args) => talk::run(&args),
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Suggest(args) => suggest::run(&args),
        Command::Push(args) => push::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::ShowConfig(args) => show_config::run(&args),
    }
}

/// Help and version are what was asked for; anything else was asked wrongly.
fn explain_usage(error: &clap::Error) -> Exit {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Fine };
    match error.print() {
        Ok(()) => exit,
        Err(_) => Exit::Unavailable,
    }
}

impl ConfigArgs {
    /// The file that was named, if one was.
    pub(crate) fn file(&self) -> Option<&std::path::Path> {
        self.config.as_deref()
    }

    /// Reads the configuration and tells its warnings on standard error.
    ///
    /// # Errors
    /// [`Exit::Config`], after all that is wrong was told on standard error.
    pub(crate) fn load(&self) -> Result<config::Config, Exit> {
        match config::load(&Source::of_process(self.config.clone())) {
            Ok(Loaded { config, warnings }) => {
                for warning in warnings {
                    eprintln!("{warning}");
                }
                Ok(config)
            }
            Err(rejected) => {
                eprintln!("{rejected}");
                Err(Exit::Config)
            }
        }
    }
}

/// Runs a command that waits for something.
pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> Result<T, Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map(|runtime| runtime.block_on(future)).map_err(|error| {
        eprintln!("no threads can be had: {error}");
        Exit::Unavailable
    })
}

/// Writes to standard output. A reader who has seen enough (`| head`) is fine.
pub(crate) fn print(text: &str) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Fine,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Fine,
        Err(error) => {
            eprintln!("standard output: {error}");
            Exit::Unavailable
        }
    }
}
