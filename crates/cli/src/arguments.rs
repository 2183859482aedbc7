//! Arguments of the whole program; each command's own are in its file.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;
use crate::examples;
use crate::output::Output;
use crate::version::VERSION;

/// Exact inference of quantized networks, and zero-knowledge proofs of it.
///
/// Exit codes: 0 accepted, 1 rejected, 2 error.
#[derive(Debug, Parser)]
#[command(name = "verinfer", version = VERSION.as_str(), arg_required_else_help = true)]
pub struct Arguments {
    /// Print one JSON object on standard output instead of text.
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// All commands, with examples in their help.
pub fn command() -> clap::Command {
    examples::with(Arguments::command())
}

/// Parses the process's arguments.
///
/// # Errors
///
/// The exit code, after help, version or the usage error has been printed.
pub fn parse() -> Result<(Arguments, Output), ExitCode> {
    let parsed = command().try_get_matches().and_then(|mut matches| Arguments::from_arg_matches_mut(&mut matches));
    parsed
        .map(|arguments| {
            let output = Output::new(arguments.json);
            (arguments, output)
        })
        .map_err(|error| {
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                return Output::new(false).help(&error);
            }
            let json = std::env::args_os().skip(1).any(|argument| argument == "--json");
            Output::new(json).usage_failure(&error)
        })
}
