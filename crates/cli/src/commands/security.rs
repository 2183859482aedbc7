//! `verinfer security`: every way to cheat and how unlikely it is to succeed.

use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;
use verinfer_commitments::Kind;
use verinfer_relation::Relation;
use verinfer_relation::commitment::{hiding_bits, security, security_bits};
use verinfer_relation::parameters::{Parameters, SecurityReport, Term};
use verinfer_relation::relation::ObjectKind;

use crate::escape::one_line;
use crate::hide::{HideArguments, Part};
use crate::model::ModelArguments;
use crate::output::{Output, Report, Verdict, thousands, write_table};

/// Show what the soundness of proofs about a model rests on, term by term.
///
/// Rejected if they do not reach the level.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,

    #[command(flatten)]
    hide: HideArguments,

    /// Security level in bits.
    #[arg(long, value_name = "BITS", default_value_t = 128, value_parser = clap::value_parser!(u16).range(32..=128))]
    security: u16,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let selected = arguments.model.select();
    let model = selected.build()?;
    let cannot_prove = || format!("cannot prove {}", selected.title());
    let setting = arguments.hide.setting(&model.graph, None).with_context(cannot_prove)?;
    let relation = Relation::with_setting(&model.graph, 1, &setting).with_context(cannot_prove)?;
    let parameters = Parameters::for_cells(relation.layout.num_stored(), usize::from(arguments.security)).with_context(cannot_prove)?;
    let security = SecurityReport::new(&relation, &parameters);
    let mut report = Security::new(selected.title(), arguments.security, &parameters, &security);
    report.hidden = arguments.hide.parts().map(Part::name).collect();
    if !relation.objects.is_empty() {
        report.commitments = Some(CommitmentSecurity::new(&relation));
    }
    output.report(&report)?;
    Ok(Verdict::from_bool(report.reached))
}

#[derive(Serialize)]
struct Security {
    model: String,
    /// `weights`, `input`, `output`.
    hidden: Vec<&'static str>,
    /// Level asked for, in bits.
    level: u16,
    /// Whether `bits` is at least `level`.
    reached: bool,
    /// The least of argument, hash and commitments.
    bits: f64,
    /// Of the sum of all terms.
    argument_bits: f64,
    /// The same by another theorem on lines, so that the level does not hang on one.
    second_theorem_bits: f64,
    weakest: Option<TermReport>,
    terms: Vec<TermReport>,
    /// Collision resistance of the hash, in bits.
    hash_bits: f64,
    assumptions: Vec<&'static str>,
    /// Of the commitments to what is hidden.
    commitments: Option<CommitmentSecurity>,
    /// Length of the committed vector.
    committed: usize,
    /// Variables of its multilinear extension.
    log_cells: usize,
    /// Bits of proof of work before each query phase.
    grinding_bits: usize,
    /// The codewords, first the committed one.
    oracles: Vec<OracleReport>,
}

/// What the commitments to hidden values are worth (docs/commitments.md).
#[derive(Serialize)]
struct CommitmentSecurity {
    /// Bytes committed to by each, without their salts.
    values: Vec<CommittedValues>,
    /// Logarithm of the operations of the best known attack that opens a commitment in two ways: all coefficients at most 255.
    collision_bits: f64,
    /// The same for a vector of a collision's length, which is necessary and far from enough; what counts in `bits`.
    binding_bits: f64,
    /// The same with two generosities to the attacker at once: a lower bound of no known attack's cost.
    binding_bits_pessimistic: f64,
    /// Minus the logarithm of a proven bound on the statistical distance of a commitment from a uniform one.
    hiding_bits: f64,
    /// What binding rests on; hiding rests on nothing.
    assumption: &'static str,
}

/// Bytes behind a commitment.
#[derive(Serialize)]
struct CommittedValues {
    /// `model`, `input`, `output`.
    kind: &'static str,
    bytes: usize,
}

impl CommitmentSecurity {
    fn new(relation: &Relation) -> Self {
        let values = relation.objects.iter().map(|object| {
            let kind = match object.kind {
                ObjectKind::Model => Kind::Model,
                ObjectKind::Input(_) => Kind::Input,
                ObjectKind::Output(_) => Kind::Output,
                ObjectKind::Label(_) => Kind::Label,
            };
            CommittedValues { kind: kind.name(), bytes: object.plan.len() }
        });
        Self {
            values: values.collect(),
            collision_bits: security().coefficients,
            binding_bits: security_bits(),
            binding_bits_pessimistic: security().pessimistic,
            hiding_bits: hiding_bits(),
            assumption: "Ring-SIS over F[X]/(X^128 + 1): nobody finds short elements, with coefficients at most 255, that 522 uniform keys take to zero",
        }
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        for CommittedValues { kind, bytes } in &self.values {
            writeln!(out, "commitment to the {kind}: {} bytes", thousands(*bytes as u64))?;
        }
        let Self { collision_bits, binding_bits, binding_bits_pessimistic, hiding_bits, .. } = self;
        writeln!(out, "binding   {binding_bits:.1} bits, what a vector as short as a collision costs; a collision {collision_bits:.1},")?;
        writeln!(out, "          {binding_bits_pessimistic:.1} with every doubt in favour of the attacker, if")?;
        writeln!(out, "          - {}", self.assumption)?;
        writeln!(out, "hiding    {hiding_bits:.1} bits, proven")
    }
}

/// One way to cheat.
#[derive(Serialize)]
struct TermReport {
    /// Step of docs/protocol.md.
    step: String,
    /// Minus the logarithm of the probability.
    bits: f64,
}

#[derive(Serialize)]
struct OracleReport {
    /// Variables of the encoded polynomial.
    variables: usize,
    /// Variables folded at once.
    fold: usize,
    /// Coefficients of a column.
    degree: usize,
    /// Number of rows.
    rows: usize,
    /// `degree / rows`.
    rate: f64,
    /// Rows opened.
    queries: usize,
}

impl Security {
    fn new(model: String, level: u16, parameters: &Parameters, security: &SecurityReport) -> Self {
        let oracles = parameters.oracles.iter().map(|oracle| OracleReport {
            variables: oracle.variables,
            fold: oracle.fold,
            degree: oracle.degree,
            rows: oracle.domain.size(),
            rate: oracle.rate(),
            queries: oracle.num_queries,
        });
        Self {
            model,
            hidden: Vec::new(),
            commitments: None,
            level,
            reached: security.bits() >= f64::from(level),
            bits: security.bits(),
            argument_bits: security.argument_bits(),
            second_theorem_bits: security.second_theorem_bits,
            weakest: security.weakest().map(TermReport::new),
            terms: security.terms.iter().map(TermReport::new).collect(),
            hash_bits: security.hash_bits,
            assumptions: security.assumptions.clone(),
            committed: parameters.num_stored(),
            log_cells: parameters.log_cells,
            grinding_bits: parameters.grinding_bits,
            oracles: oracles.collect(),
        }
    }
}

impl TermReport {
    fn new(term: &Term) -> Self {
        Self { step: term.step.clone(), bits: term.bits }
    }
}

impl Report for Security {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "model     {}", one_line(&self.model))?;
        let (cells, variables, grinding) = (thousands(self.committed as u64), self.log_cells, self.grinding_bits);
        writeln!(out, "vector    {cells} cells in {variables} variables, {grinding} bits of proof of work before each query phase")?;
        writeln!(out)?;
        let rows: Vec<_> = self.oracles.iter().enumerate().map(|(index, oracle)| oracle.row(index)).collect();
        write_table(out, &["oracle", "variables", "folded", "coefficients", "rows", "rate", "queries"], &[0, 1, 2, 3, 4, 5, 6], &rows)?;
        writeln!(out)?;
        let rows: Vec<_> = self.terms.iter().map(|term| vec![term.step.clone(), format!("{:.1}", term.bits)]).collect();
        write_table(out, &["step", "bits"], &[1], &rows)?;
        writeln!(out)?;
        if let Some(weakest) = &self.weakest {
            writeln!(out, "weakest   {:.1} bits: {}", weakest.bits, weakest.step)?;
        }
        let (argument, second) = (self.argument_bits, self.second_theorem_bits);
        writeln!(
            out,
            "argument  {argument:.1} bits, the sum of all steps; {second:.1} by the theorem of 2025/2055 on lines instead of that of 2026/2056"
        )?;
        writeln!(out, "hash      {:.0} bits", self.hash_bits)?;
        let verdict = if self.reached { "reached" } else { "NOT REACHED" };
        writeln!(out, "least     {:.1} bits; the level of {} bits is {verdict}, if", self.bits, self.level)?;
        self.assumptions.iter().try_for_each(|assumption| writeln!(out, "          - {assumption}"))?;
        self.commitments.as_ref().map_or(Ok(()), |commitments| commitments.write_text(out))
    }
}

impl OracleReport {
    fn row(&self, index: usize) -> Vec<String> {
        vec![
            index.to_string(),
            self.variables.to_string(),
            self.fold.to_string(),
            thousands(self.degree as u64),
            if self.rows.is_power_of_two() { format!("2^{}", self.rows.ilog2()) } else { format!("3 * 2^{}", (self.rows / 3).ilog2()) },
            format!("{:.4}", self.rate),
            self.queries.to_string(),
        ]
    }
}
