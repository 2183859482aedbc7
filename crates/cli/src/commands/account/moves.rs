//! `verinfer account retire-stake` and `take-back`: the moves that free an account's money.

use std::io::{self, Write};

use anyhow::bail;
use serde::Serialize;
use verinfer_escrow_client::messages::{AgreementView, Receipt};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::signed::Body;
use verinfer_protocols::{accuracy, retrieval, serving, stake};

use super::receipts::{Account, AccountArguments};
use crate::escape::one_line;
use crate::output::{Output, Report, Verdict, thousands};

/// Retire a stake: agreements can no longer name it, and it is returned when its lock is over.
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
/// An acceptance that reaches the escrow first turns this into breaking off an agreement that was accepted, which costs the deposit. Where that matters, let the
/// proposal's time end instead.
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
    // It means the same in whatever stage, or is refused.
    let receipt = account.carry_out(id, Body::Act(Move::Stake(stake::Move::Retire)))?;
    report(&account, id, &receipt, output)
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
    let body = Body::Act(action);
    let receipt = match sent_before(&account, &view, &body)? {
        Some(receipt) => receipt,
        None => {
            check_proposed(&account.client.agreement(id)?)?;
            account.anew(id, body)?
        }
    };
    report(&account, id, &receipt, output)
}

/// The receipt of a request to take a proposal back that was sent before, if it was carried out or can still be. In every other stage the same move breaks the
/// agreement off, so it is sent again only if nobody has accepted, or if the escrow counts it already and nothing but its receipt is missing.
fn sent_before(account: &Account, view: &AgreementView, body: &Body) -> anyhow::Result<Option<Receipt>> {
    let id = view.agreement.id;
    let Some(request) = account.pending(id, body)? else { return Ok(None) };
    let own = view.parties.iter().find(|party| party.account == account.client.account());
    let is_counted = own.is_some_and(|own| own.next_sequence > request.header.sequence);
    if !is_counted && let Err(error) = check_proposed(view) {
        account.forget(id, body)?;
        let rest = request.header.expires.0.saturating_sub(view.now.0).div_ceil(1000);
        return Err(match rest {
            0 => error,
            _ => error.context(format!(
                "a request to take it back was sent before, and may still reach the escrow within {rest} s, by whoever has held it up"
            )),
        });
    }
    Ok(account.again(id, body)?)
}

/// Where others mean something else by it, this is not what was asked for.
fn check_proposed(view: &AgreementView) -> anyhow::Result<()> {
    if view.stage != "proposed" {
        let (id, stage) = (view.agreement.id, one_line(&view.stage));
        bail!("agreement {id} is in stage {stage}: only a proposal that nobody has accepted can be taken back");
    }
    Ok(())
}

fn report(account: &Account, id: AgreementId, receipt: &Receipt, output: Output) -> anyhow::Result<Verdict> {
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
