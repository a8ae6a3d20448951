//! `telephonist show-config`: the configuration in force, secrets hidden.

use super::{ConfigArgs, Exit, print};
use crate::config::DEFAULT_TOML;

/// Print the configuration in force, secrets hidden
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the reference instead: every key with its default, commented
    #[arg(long, conflicts_with = "config")]
    default: bool,
}

pub(super) fn run(args: &Args) -> Exit {
    if args.default {
        return print(DEFAULT_TOML);
    }
    let config = match args.config.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    match toml::to_string(&config) {
        Ok(text) => print(&text),
        Err(error) => {
            eprintln!("the configuration can't be written as TOML: {error}");
            Exit::Bug
        }
    }
}
