//! `verinfer attack`: forged variants of a proof, none of which may be accepted.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use rayon::prelude::*;
use serde::Serialize;
use verinfer_relation::statement::Statement;
use verinfer_verifier::{Expectations, Verifier};

use crate::forgery::{Change, Demand, Forgery, fields, forge, forgeries};
use crate::known::KnownArguments;
use crate::output::{Output, Report, Verdict, thousands, write_table};
use crate::phases::duration;
use crate::proofs;
use crate::rejection::Rejection;

/// Change an accepted proof in every place, and see that no change is accepted.
///
/// Accepted if every forgery is rejected.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The proof file; it must be one that `verify` accepts.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,

    #[command(flatten)]
    known: KnownArguments,

    /// Text the proof is bound to.
    #[arg(long, value_name = "TEXT", default_value = "")]
    context: String,

    /// Messages changed of each step of the protocol, evenly spread.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    per_step: u32,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let known = arguments.known.read()?;
    let proof = proofs::read(&arguments.proof, known.proof_limit(usize::MAX))?
        .with_context(|| format!("{} is not accepted to begin with", arguments.proof.display()))?;
    let mut verifier = known.engine();
    let context = arguments.context.clone().into_bytes();
    let expectations = Expectations { security_level: 32, context, allow_degenerate: true, ..Expectations::default() };
    let accepted = match verifier.verify(&proof, &expectations) {
        Ok(accepted) => accepted,
        Err(error) => bail!("{} is not accepted to begin with: {error}", arguments.proof.display()),
    };

    let statement = &accepted.statement;
    verifier.prepare(statement.images as usize, &statement.setting())?;
    let fields = fields(statement, &accepted.messages);
    let forgeries = forgeries(&proof, &fields, arguments.per_step as usize);
    let start = Instant::now();
    let progress = output.progress(forgeries.len(), "forging");
    let attempts: Vec<Attempt> = forgeries
        .par_iter()
        .filter_map(|forgery| {
            progress.inc(1);
            let bytes = forge(&proof, &fields, forgery)?;
            Some(Attempt::new(&verifier, statement, forgery, &bytes))
        })
        .collect();
    progress.finish_and_clear();
    let report = AttackReport::new(arguments.proof.display().to_string(), known.title(), &attempts, start.elapsed().as_secs_f64());
    output.report(&report)?;
    Ok(Verdict::from_bool(report.accepted.is_empty()))
}

/// A forgery and what the verifier made of it.
struct Attempt {
    target: &'static str,
    change: &'static str,
    description: String,
    rejection: Option<Rejection>,
}

impl Attempt {
    fn new(verifier: &Verifier, statement: &Statement, forgery: &Forgery, bytes: &[u8]) -> Self {
        let level = statement.security_level;
        let mut other_context = statement.context.clone();
        match other_context.first_mut() {
            Some(byte) => *byte ^= 1,
            None => other_context.push(b'x'),
        }
        let (security_level, context) = match forgery.demand {
            Demand::Unchanged => (level, statement.context.clone()),
            Demand::OtherContext => (level, other_context),
            Demand::LowerLevel => (level - 1, statement.context.clone()),
        };
        let expectations = Expectations { security_level, context, allow_degenerate: true, ..Expectations::default() };
        let result = verifier.verify(bytes, &expectations);
        let changes: Vec<String> = forgery.changes.iter().map(|change| format!("{change:?}")).collect();
        Self {
            target: forgery.target,
            change: forgery.changes.first().map_or("demand", Change::name),
            description: format!("{}: {} ({:?})", forgery.target, changes.join(", "), forgery.demand),
            rejection: result.err().as_ref().map(Rejection::from),
        }
    }
}

#[derive(Serialize)]
struct AttackReport {
    proof: String,
    model: String,
    forgeries: usize,
    rejected: usize,
    /// The forgeries that were accepted: there should be none.
    accepted: Vec<String>,
    /// What was changed: how many forgeries, and by which checks they were rejected how often.
    targets: Vec<Target>,
    /// How many forgeries of each kind.
    changes: BTreeMap<&'static str, usize>,
    /// How often each check rejected.
    reasons: BTreeMap<&'static str, usize>,
    seconds: f64,
}

#[derive(Serialize)]
struct Target {
    /// Header field, or label of the messages.
    target: &'static str,
    forgeries: usize,
    rejected: usize,
    reasons: BTreeMap<&'static str, usize>,
}

impl AttackReport {
    fn new(proof: String, model: String, attempts: &[Attempt], seconds: f64) -> Self {
        let mut targets: Vec<Target> = Vec::new();
        let mut reasons = BTreeMap::new();
        let mut changes = BTreeMap::new();
        for attempt in attempts {
            *changes.entry(attempt.change).or_default() += 1;
            let index = targets.iter().position(|target| target.target == attempt.target).unwrap_or_else(|| {
                targets.push(Target { target: attempt.target, forgeries: 0, rejected: 0, reasons: BTreeMap::new() });
                targets.len() - 1
            });
            let target = &mut targets[index];
            target.forgeries += 1;
            if let Some(rejection) = &attempt.rejection {
                target.rejected += 1;
                *target.reasons.entry(rejection.kind).or_default() += 1;
                *reasons.entry(rejection.kind).or_default() += 1;
            }
        }
        let accepted: Vec<String> =
            attempts.iter().filter(|attempt| attempt.rejection.is_none()).map(|attempt| attempt.description.clone()).collect();
        Self {
            proof,
            model,
            forgeries: attempts.len(),
            rejected: attempts.len() - accepted.len(),
            accepted,
            targets,
            changes,
            reasons,
            seconds,
        }
    }
}

impl Report for AttackReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let rows: Vec<_> = self.targets.iter().map(Target::row).collect();
        write_table(out, &["changed", "forgeries", "rejected", "by"], &[1, 2], &rows)?;
        writeln!(out)?;
        let changes: Vec<String> = self.changes.iter().map(|(change, count)| format!("{change} {count}")).collect();
        writeln!(out, "changes: {}", changes.join(", "))?;
        self.accepted.iter().try_for_each(|forgery| writeln!(out, "ACCEPTED  {forgery}"))?;
        let (rejected, forgeries) = (thousands(self.rejected as u64), thousands(self.forgeries as u64));
        writeln!(out, "{rejected} of {forgeries} forgeries rejected ({})", duration(self.seconds))
    }
}

impl Target {
    fn row(&self) -> Vec<String> {
        let reasons: Vec<String> = self.reasons.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        vec![self.target.to_string(), self.forgeries.to_string(), self.rejected.to_string(), reasons.join(", ")]
    }
}
