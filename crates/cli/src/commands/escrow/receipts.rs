//! `verinfer escrow receipts`: what a party has kept of what its escrow has signed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use verinfer_escrow_client::memory::{EXPORT_VERSION, Export};
use verinfer_parties::Store;
use verinfer_parties::receipts::Receipts;
use verinfer_parties::store::is_state_file;
use verinfer_protocols::keys::AccountId;

use crate::files;
use crate::output::{Output, Report, Verdict};

/// Check what a party has kept of what the escrow has signed, and write it for a judge or an auditor. There are no secrets in it.
///
/// Every signature is checked again, of the escrow and of the account, and whether what is kept as a contradiction is one: then it shows that to anybody who
/// knows the escrow's account. What receipts show is that a request was carried out, and by which entry of which log; not what has become of it since.
///
/// For example `verinfer escrow receipts customer.state receipts.json`, and whoever is shown that, `verinfer escrow receipts receipts.json --escrow-account
/// ACCOUNT`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The party's state, an account's receipts, or what was written of them.
    kept: PathBuf,

    /// Where to write it.
    file: Option<PathBuf>,

    /// The escrow's account; without it the one that is named there.
    #[arg(long, value_name = "ACCOUNT")]
    escrow_account: Option<AccountId>,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let kept = read(&arguments.kept)?;
    let output = match &arguments.file {
        Some(file) => {
            let mut json = serde_json::to_string_pretty(&kept)?;
            json.push('\n');
            files::write(file, json.as_bytes())?;
            output.beside(file)
        }
        None => output,
    };
    let escrow = arguments.escrow_account.or_else(|| kept.escrow());
    let (contradiction, fault) = match escrow.map(|escrow| kept.check(escrow)).transpose() {
        Ok(contradiction) => (contradiction.flatten(), None),
        Err(fault) => (None, Some(fault.to_string())),
    };
    let (head, is_accepted) = (kept.head.map(|answer| answer.answer.head), fault.is_none());
    output.report(&ReceiptsReport {
        escrow: escrow.map(|escrow| escrow.to_string()),
        receipts: kept.receipts.len(),
        head: head.map(|head| format!("{}:{}", head.position, head.digest)),
        contradiction: contradiction.map(|contradiction| contradiction.to_string()),
        fault,
    })?;
    Ok(Verdict::from_bool(is_accepted))
}

/// Which version something written has.
#[derive(Deserialize)]
struct Versioned {
    /// The first had none.
    #[serde(default = "first")]
    version: u16,
}

const fn first() -> u16 {
    1
}

/// What a party has kept: in its state, or in a file that was written of it.
///
/// # Errors
///
/// It is neither, or cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Export> {
    let cannot_read = || format!("cannot read {}", path.display());
    let bytes = files::read_if(path, |head| (!is_state_file(head)).then_some(files::TEXT_LIMIT))?;
    if is_state_file(&bytes) {
        return Receipts::of(&Store::open(path).with_context(cannot_read)?).export().with_context(cannot_read);
    }
    let no_receipts = || format!("{} has no receipts", path.display());
    let Versioned { version } = serde_json::from_slice(&bytes).with_context(no_receipts)?;
    if version != EXPORT_VERSION {
        bail!("{} has receipts of version {version}, this program reads version {EXPORT_VERSION}", path.display());
    }
    serde_json::from_slice(&bytes).with_context(no_receipts)
}

#[derive(Serialize)]
struct ReceiptsReport {
    /// Who has signed them; null if there is nothing.
    escrow: Option<String>,
    /// How many.
    receipts: usize,
    /// The log that the party knows, as `escrow audit --head` takes it.
    head: Option<String>,
    /// What the escrow has signed that cannot be, if the party has found that.
    contradiction: Option<String>,
    /// Why what was kept does not show what it is kept for, if it does not.
    fault: Option<String>,
}

impl Report for ReceiptsReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(escrow) = &self.escrow {
            writeln!(out, "escrow    {escrow}")?;
        }
        writeln!(out, "receipts  {}", self.receipts)?;
        if let Some(head) = &self.head {
            writeln!(out, "head      {head}")?;
        }
        match (&self.fault, &self.contradiction) {
            (Some(fault), _) => writeln!(out, "REJECTED  {fault}"),
            (None, Some(contradiction)) => writeln!(out, "PROVED    {contradiction}"),
            (None, None) => Ok(()),
        }
    }
}
