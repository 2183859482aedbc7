//! The command line. Only this crate prints, reads files and chooses exit codes: 0 accepted, 1 rejected, 2 error, 3 an escrow
//! that contradicts what it has signed.

use std::process::ExitCode;
use std::time::Duration;

mod access;
mod arguments;
mod builtin;
mod calibration;
mod claim;
mod classes;
mod clock;
mod commands;
mod commitments;
mod database;
mod dump;
mod escape;
mod examples;
mod files;
mod forgery;
mod hide;
mod input;
mod keys;
mod known;
mod labels;
mod machine;
mod measure;
mod memory;
mod model;
mod network;
mod output;
mod page;
mod party;
mod payments;
mod phases;
mod predicate;
mod proofs;
mod provable;
mod rejection;
mod results;
mod trace;
mod version;
mod work;

/// Keeps what a phase of a proof frees for the next one, in large pages where the system has them (`.cargo/config.toml`): half of a prover's system time is page
/// faults otherwise (docs/performance.md).
#[global_allocator]
static ALLOCATOR: verinfer_allocator::Allocator = verinfer_allocator::Allocator;

/// For how long freed memory is kept: longer than a phase of a proof, shorter than anybody would miss it.
const FREED_MEMORY: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    verinfer_allocator::keep_freed_memory(FREED_MEMORY);
    let (arguments, output) = match arguments::parse() {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    verinfer_escrow_client::waiting::told_by(output::waiting);
    match commands::execute(arguments.command, output) {
        Ok(verdict) => verdict.into(),
        Err(error) => output.failure(&error),
    }
}
