//! `verinfer keys`: accounts with an escrow.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use crate::output::{Output, Report, Verdict};
use crate::{files, keys};

/// Keys of accounts with an escrow.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key. Whoever has the file can sign for the account.
    New {
        /// Where to write it; only its owner can read it.
        file: PathBuf,

        /// Overwrite a key that is there: its account can never be used again.
        #[arg(long)]
        force: bool,
    },
    /// Show the account of a key.
    Show {
        /// The key.
        file: PathBuf,
    },
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let (file, key) = match &arguments.action {
        Action::New { file, force } => {
            files::check_secret_writable(file, *force)?;
            let key = keys::draw()?;
            keys::write(file, &key, *force)?;
            (file, key)
        }
        Action::Show { file } => (file, keys::read(file, output)?),
    };
    output.report(&KeyReport { account: key.account().to_string(), key: file.display().to_string() })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct KeyReport {
    /// The public key, hexadecimal.
    account: String,
    /// The key file.
    key: String,
}

impl Report for KeyReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "account  {}", self.account)?;
        writeln!(out, "key      {}", self.key)
    }
}
