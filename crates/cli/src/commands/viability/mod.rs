//! `verinfer viability`: whether the protocols between parties pay for the honest and cost the others.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;
use verinfer_viability::Economy;
use verinfer_viability::study::Study;

use crate::files;
use crate::output::{Output, Report, Verdict, write_table};
use economy::EconomyArguments;
use money::dollars;

mod economy;
mod money;
mod page;
mod plots;

/// Play strategies through the protocols' state machines: who gains, who loses, what griefing costs.
///
/// Rejected if honest parties do not gain, or a deviation pays. Amounts are in millionths of a dollar.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to write the report with plots (one HTML file).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Simulated agreements of each strategy.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    games: u32,

    /// Seed of the simulation.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    economy: EconomyArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    if let Some(out) = &arguments.out {
        files::check_writable(out)?;
    }
    let economy: Economy = arguments.economy.economy()?;
    let study = Study::new(&economy, arguments.games, arguments.seed).context("the protocols cannot be played")?;
    if let Some(out) = &arguments.out {
        files::write(out, page::render(&study)?.as_bytes())?;
    }
    let report = ViabilityReport { viable: study.is_viable(), study };
    arguments.out.as_ref().map_or(output, |out| output.beside(out)).report(&report)?;
    Ok(Verdict::from_bool(report.viable))
}

#[derive(Serialize)]
struct ViabilityReport {
    /// Whether honest parties gain and no deviation pays.
    viable: bool,
    study: Study,
}

impl Report for ViabilityReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Study { accuracy, deviations, claims, threshold, bounds, economy, .. } = &self.study;
        let verdict = if self.viable { "honest parties gain, and no deviation pays" } else { "NOT VIABLE" };
        writeln!(out, "verdict   {verdict}")?;
        match threshold {
            Some(threshold) => writeln!(
                out,
                "threshold {threshold} of {}: from there on the provider goes on, and no customer gains by that, whatever its labels",
                economy.first
            )?,
            None => writeln!(out, "threshold none: the provider does not agree to so small a first part, or so high a target")?,
        }
        writeln!(out)?;
        let rows = accuracy.iter().map(|row| {
            let (exact, simulated) = (row.exact, row.simulated.mean);
            let gains = [exact.customer, simulated.customer, exact.provider, simulated.provider].map(dollars);
            [row.pairing.name.clone(), row.pairing.deviating.to_string()].into_iter().chain(gains).collect()
        });
        let titles = ["accuracy", "deviates", "customer", "simulated", "provider", "simulated"];
        write_table(out, &titles, &[2, 3, 4, 5], &rows.collect::<Vec<_>>())?;
        let worse = deviations.iter().filter(|deviation| deviation.loses()).count();
        writeln!(out, "\nfaults    {} of {} single faults cost who is at fault; the others change nothing", worse, deviations.len())?;
        writeln!(out, "\nWhat a provider agrees to: the smallest N1, and what it demands of it")?;
        let rows = bounds.iter().map(|bound| {
            let [first, threshold] = [bound.first, bound.threshold].map(|count| count.map_or("none".to_owned(), |count| count.to_string()));
            vec![bound.second.to_string(), bound.target.to_string(), first, threshold]
        });
        write_table(out, &["N2", "target", "N1", "right"], &[0, 1, 2, 3], &rows.collect::<Vec<_>>())?;
        writeln!(out, "\nThe paper's claims")?;
        for claim in claims {
            writeln!(out, "{:<5} {}: {}", if claim.holds { "holds" } else { "NO" }, claim.place, claim.says)?;
            writeln!(out, "      {}", claim.found)?;
        }
        Ok(())
    }
}
