//! `verinfer escrow receipts`: what a party has kept of what its escrow has signed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use verinfer_escrow_client::Evidence;
use verinfer_escrow_client::memory::{EXPORT_VERSION, Export, Judgement};
use verinfer_parties::Store;
use verinfer_parties::receipts::{export, forget};
use verinfer_parties::store::is_state_file;
use verinfer_protocols::answer::Signer;
use verinfer_protocols::keys::AccountId;

use crate::files;
use crate::output::{Output, Report, Verdict};

/// Check what a party has kept of what the escrow has signed, and write it for a judge or an auditor. There are no secrets in it.
///
/// Every signature is checked again, of the escrow and of the account, and whether what is kept as a contradiction is one: then it shows that to anybody who
/// knows the escrow's account. Each is judged by itself: what is wrong with a receipt takes nothing from a contradiction. What receipts show is that a request was carried out, and by which entry of which log; not what has become of it since.
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

    /// Move all of it out of the state into FILE, which must not exist yet: for a party whose escrow's key has signed what its operator did not say. From then on
    /// the state compares answers with none before; give --escrow-account when it is used next.
    #[arg(long, requires = "file")]
    set_aside: bool,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let Kept { all: kept, state } = Kept::read(&arguments.kept)?;
    let output = match &arguments.file {
        Some(file) => {
            let mut json = serde_json::to_string_pretty(&kept)?;
            json.push('\n');
            if arguments.set_aside {
                set_aside(&arguments.kept, state, (file, &json))?;
            } else {
                files::write(file, json.as_bytes())?;
            }
            output.beside(file)
        }
        None => output,
    };
    let escrow = arguments.escrow_account.or_else(|| kept.escrow());
    let judged = escrow.map(|escrow| kept.judge(escrow));
    let Judgement { contradiction, faults } = judged.unwrap_or(Judgement { contradiction: None, faults: Vec::new() });
    let convicting: Vec<Signer> = kept.evidence.iter().flat_map(Evidence::signers).collect();
    let signer = |signer: Signer| SignerReport {
        account: signer.key.to_string(),
        certified: signer.certified.map(<[u64; 2]>::from),
        signed_contradiction: convicting.contains(&signer),
    };
    let (head, is_accepted) = (kept.head.as_ref().map(|answer| answer.answer.head), faults.is_empty());
    output.report(&ReceiptsReport {
        escrow: escrow.map(|escrow| escrow.to_string()),
        receipts: kept.receipts.len(),
        head: head.map(|head| format!("{}:{}", head.position, head.digest)),
        signers: kept.signers().into_iter().map(signer).collect(),
        contradiction: contradiction.map(|contradiction| contradiction.to_string()),
        faults: faults.iter().map(ToString::to_string).collect(),
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

/// What a party has kept.
struct Kept {
    all: Export,
    /// The state that it is in; nothing if it is in a file that was written of it.
    state: Option<Store>,
}

impl Kept {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let cannot_read = || format!("cannot read {}", path.display());
        let bytes = files::read_if(path, |head| (!is_state_file(head)).then_some(files::TEXT_LIMIT))?;
        if is_state_file(&bytes) {
            let state = Store::open(path).with_context(cannot_read)?;
            return Ok(Self { all: export(&state).with_context(cannot_read)?, state: Some(state) });
        }
        let no_receipts = || format!("{} has no receipts", path.display());
        let Versioned { version } = serde_json::from_slice(&bytes).with_context(no_receipts)?;
        if version != EXPORT_VERSION {
            bail!("{} has receipts of version {version}, this program reads version {EXPORT_VERSION}", path.display());
        }
        Ok(Self { all: serde_json::from_slice(&bytes).with_context(no_receipts)?, state: None })
    }
}

/// What a party has kept: in its state, or in a file that was written of it.
///
/// # Errors
///
/// It is neither, or cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Export> {
    Ok(Kept::read(path)?.all)
}

/// Moves what a state has kept into a file. Nothing is forgotten that is not on disk there.
fn set_aside(kept: &Path, state: Option<Store>, (file, json): (&Path, &str)) -> anyhow::Result<()> {
    let Some(state) = state else { bail!("{} is no state: nothing can be set aside in it", kept.display()) };
    if files::is_standard_stream(file) {
        bail!("what is set aside must be kept: name a file for it, not standard output");
    }
    files::write_secret(file, json.as_bytes(), false)?;
    forget(&state).with_context(|| format!("cannot change {}", kept.display()))
}

/// A key that has signed for the escrow.
#[derive(Serialize)]
struct SignerReport {
    account: String,
    /// From when on and until when the escrow has certified it, in seconds since 1970; null if it is the escrow's own account.
    certified: Option<[u64; 2]>,
    /// Whether it has signed a part of what is kept as a contradiction.
    signed_contradiction: bool,
}

#[derive(Serialize)]
struct ReceiptsReport {
    /// Who has signed them; null if there is nothing.
    escrow: Option<String>,
    /// How many.
    receipts: usize,
    /// The log that the party knows, as `escrow audit --head` takes it.
    head: Option<String>,
    /// With which keys they were signed.
    signers: Vec<SignerReport>,
    /// What the escrow has signed that cannot be, if the party has found that.
    contradiction: Option<String>,
    /// What does not show what it is kept for, and why.
    faults: Vec<String>,
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
        for SignerReport { account, certified, signed_contradiction } in &self.signers {
            let time = certified.map_or_else(
                || "the escrow's account".to_owned(),
                |[from, until]| format!("certified from {from} to {until} (seconds since 1970)"),
            );
            let what = if *signed_contradiction { "; has signed the contradiction" } else { "" };
            writeln!(out, "signer    {account}, {time}{what}")?;
        }
        if let Some(contradiction) = &self.contradiction {
            writeln!(out, "PROVED    {contradiction}")?;
        }
        self.faults.iter().try_for_each(|fault| writeln!(out, "REJECTED  {fault}"))
    }
}
