//! `telephonist migrate`: make the tables, or add to them what is missing.

use super::{ConfigArgs, Exit, print, wait_for};
use crate::store::{self, Applied};

/// Create or upgrade the tables
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &Args) -> Exit {
    let config = match args.config.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    match wait_for(store::migrate(&config)) {
        Ok(Ok(applied)) => print(&describe(&applied)),
        Ok(Err(error)) => {
            eprintln!("{error}");
            if error.is_transient() { Exit::Unavailable } else { Exit::Config }
        }
        Err(exit) => exit,
    }
}

fn describe(applied: &[Applied]) -> String {
    if applied.is_empty() {
        return "the tables are up to date\n".into();
    }
    applied.iter().map(|applied| format!("{}: {}\n", applied.table, applied.name)).collect()
}
