//! `verinfer account retire-stake` and `take-back`: the moves that free an account's money.

use std::io::{self, Write};

use anyhow::bail;
use serde::Serialize;
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::signed::Body;
use verinfer_protocols::{accuracy, retrieval, serving, stake};

use super::receipts::{Account, AccountArguments};
use crate::escape::one_line;
use crate::output::{Output, Report, Verdict, thousands};

/// Retire a stake: agreements can no longer name it, and it is returned when its lock is over.
///
/// Example: verinfer account retire-stake STAKE --escrow http://escrow:8700 --key provider.key
#[derive(Debug, clap::Args)]
pub struct RetireArguments {
    /// The stake, as `account balance` shows it.
    #[arg(value_name = "STAKE")]
    agreement: AgreementId,

    #[command(flatten)]
    account: AccountArguments,
}

/// Take a proposal back that nobody has accepted: what it holds is the account's again.
///
/// Example: verinfer account take-back AGREEMENT --escrow http://escrow:8700 --key party.key
#[derive(Debug, clap::Args)]
pub struct TakeBackArguments {
    /// The agreement, as `account balance` shows it.
    #[arg(value_name = "AGREEMENT")]
    agreement: AgreementId,

    #[command(flatten)]
    account: AccountArguments,
}

/// Runs `retire-stake`.
pub fn retire(arguments: &RetireArguments, output: Output) -> anyhow::Result<Verdict> {
    let (id, account) = (arguments.agreement, arguments.account.open(output)?);
    let Terms::Stake(_) = account.client.agreement(id)?.agreement.terms else { bail!("agreement {id} is no stake") };
    free(&account, id, Move::Stake(stake::Move::Retire), output)
}

/// Runs `take-back`.
pub fn take_back(arguments: &TakeBackArguments, output: Output) -> anyhow::Result<Verdict> {
    let (id, account) = (arguments.agreement, arguments.account.open(output)?);
    let view = account.client.agreement(id)?;
    let action = match view.agreement.terms {
        Terms::Accuracy(_) => Move::Accuracy(accuracy::Move::Abort),
        Terms::Serving(_) => Move::Serving(serving::Move::Abort),
        Terms::Retrieval(_) => Move::Retrieval(retrieval::Move::Abort),
        Terms::Stake(_) => bail!("agreement {id} is a stake: `account retire-stake` ends it"),
    };
    // Where others mean something else by it, this is not what was asked for.
    if view.stage != "proposed" && !account.is_pending(id, &Body::Act(action.clone())) {
        bail!("agreement {id} is in stage {}: only a proposal that nobody has accepted can be taken back", one_line(&view.stage));
    }
    free(&account, id, action, output)
}

fn free(account: &Account, id: AgreementId, action: Move, output: Output) -> anyhow::Result<Verdict> {
    let receipt = account.carry_out(id, Body::Act(action))?;
    let view = account.client.agreement(id)?;
    output.report(&FreeReport {
        agreement: id.to_string(),
        entry: receipt.position,
        stage: view.stage,
        returned_in: view.deadline.map(|deadline| deadline.0.saturating_sub(view.now.0).div_ceil(1000)),
        balance: account.client.own_account()?.balance.units(),
        receipts: account.file().display().to_string(),
    })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct FreeReport {
    agreement: String,
    /// Of the escrow's log.
    entry: u64,
    stage: String,
    /// Seconds until a stake is returned.
    returned_in: Option<u64>,
    /// What the account can dispose of, in minor units.
    balance: u64,
    /// The file with the receipt.
    receipts: String,
}

impl Report for FreeReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "agreement  {}", self.agreement)?;
        writeln!(out, "stage      {}, entry {} of the log", one_line(&self.stage), self.entry)?;
        if let Some(seconds) = self.returned_in {
            writeln!(out, "returned   in {} s", thousands(seconds))?;
        }
        writeln!(out, "balance    {} units", thousands(self.balance))?;
        writeln!(out, "receipts   {}", one_line(&self.receipts))
    }
}
