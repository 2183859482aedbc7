//! `verinfer demo`: the protocols, each party a process of its own, with honest parties and with cheats.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::output::{Output, Report, Verdict};
use act::{Act, Stage};

mod accuracy;
mod act;
mod cheat;
mod processes;
mod retrieval;
mod serving;
mod worse;

/// Run a protocol between separate processes on this machine: an escrow, a party that serves, and one that asks; first all honest, then with a cheat.
///
/// Exit code 0 if every agreement ended and every account was paid as docs/protocols.md says, and the audit of the escrow's log finds the same.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    protocol: Protocol,
}

/// Which protocol.
#[derive(Debug, Subcommand)]
enum Protocol {
    /// A provider proves how accurate its hidden model is on a hidden test set.
    Accuracy,
    /// A customer buys predictions without proofs, and contests some.
    Serving,
    /// A requester retrieves the documents that its model selects.
    Retrieval,
    #[command(hide = true)]
    Cheat(cheat::Arguments),
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let play = match &arguments.protocol {
        Protocol::Accuracy => accuracy::play,
        Protocol::Serving => serving::play,
        Protocol::Retrieval => retrieval::play,
        Protocol::Cheat(arguments) => return cheat::execute(arguments, output),
    };
    let mut stage = Stage::open(output)?;
    play(&mut stage)?;
    let (acts, audit) = stage.close()?;
    let report = DemoReport { as_expected: audit.is_ok() && acts.iter().all(Act::is_as_expected), acts, audit: audit.err() };
    output.report(&report)?;
    Ok(Verdict::from_bool(report.as_expected))
}

#[derive(Serialize)]
struct DemoReport {
    /// Whether everything ended as the protocol says.
    as_expected: bool,
    acts: Vec<Act>,
    /// What the audit objects to.
    audit: Option<String>,
}

impl Report for DemoReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let audit = self.audit.as_ref().map_or("it agrees", String::as_str);
        writeln!(out, "\naudit of the escrow's log: {audit}")?;
        let verdict =
            if self.as_expected { "Everything ended as the protocol says." } else { "NOT everything ended as the protocol says." };
        writeln!(out, "{verdict}")
    }
}
