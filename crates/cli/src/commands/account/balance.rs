//! `verinfer account balance`: what an account has, and its agreements.

use std::io::{self, Write};

use serde::Serialize;
use verinfer_protocols::payment::Standing;

use super::receipts::AccountArguments;
use crate::escape::one_line;
use crate::output::{Output, Report, Verdict, thousands};

/// Show what the account can dispose of, what it has withdrawn and not been paid, and its agreements that have not ended.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    account: AccountArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let client = arguments.account.look(output)?;
    let account = client.own_account()?;
    let due = client.all_payments(Some(account.account), Some(Standing::Due))?;
    let mut agreements = Vec::new();
    for summary in account.agreements.into_iter().filter(|summary| !summary.ended) {
        let held = client.agreement(summary.id)?.held.units();
        agreements.push(Agreement { agreement: summary.id.to_string(), kind: summary.kind, stage: summary.stage, held });
    }
    output.report(&BalanceReport {
        account: account.account.to_string(),
        balance: account.balance.units(),
        due: due.iter().map(|payment| payment.amount.units()).fold(0, u64::saturating_add),
        agreements,
    })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct BalanceReport {
    account: String,
    /// What it can dispose of, in minor units.
    balance: u64,
    /// What it has withdrawn and the operator has not paid yet, in minor units.
    due: u64,
    /// Those that have not ended.
    agreements: Vec<Agreement>,
}

#[derive(Serialize)]
struct Agreement {
    agreement: String,
    kind: String,
    stage: String,
    /// What it holds, of all parties together, in minor units.
    held: u64,
}

impl Report for BalanceReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "account  {}", self.account)?;
        writeln!(out, "balance  {} units", thousands(self.balance))?;
        writeln!(out, "due      {} units withdrawn and not paid yet", thousands(self.due))?;
        for Agreement { agreement, kind, stage, held } in &self.agreements {
            writeln!(out, "open     {agreement}  {}, {}, holds {}", one_line(kind), one_line(stage), thousands(*held))?;
        }
        Ok(())
    }
}
