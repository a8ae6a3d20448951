//! `telephonist run`: the daemon.

use super::{ConfigArgs, Exit, wait_for};
use crate::daemon;

/// Run the daemon
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
    daemon::telemetry::log_to_stderr(config.log.personal);
    match wait_for(daemon::run(&config)) {
        Ok(Ok(())) => Exit::Fine,
        Ok(Err(error)) => {
            tracing::error!("{error}");
            if error.is_configuration() { Exit::Config } else { Exit::Unavailable }
        }
        Err(exit) => exit,
    }
}
