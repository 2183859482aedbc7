//! The plain checker: every constraint of the relation on the cells of one execution.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use p3_field::PrimeCharacteristicRing;
use serde::Serialize;
use verinfer_prover::{Witness, from_operating_system};
use verinfer_relation::Relation;
use verinfer_relation::check::{Assignment, CheckReport, Place, Violation, check};
use verinfer_relation::field::F;
use verinfer_relation::relation::Role;

use super::Arguments;
use crate::escape::one_line;
use crate::model::Source;
use crate::output::{Output, Report, Verdict, thousands, write_table};
use crate::phases::duration;

/// Runs the command for an image.
pub fn execute(arguments: &Arguments, image: &Path, output: Output) -> anyhow::Result<Verdict> {
    let source = Source::from(arguments.model.as_path());
    let model = source.import()?;
    arguments.work.check(&model.graph, 1)?;
    arguments.tensors.check(&model.graph)?;
    let input = source.load_inputs(&[image.to_path_buf()], arguments.fit, &model, output)?.values;
    let relation = Relation::new(&model.graph).with_context(|| format!("cannot check {}", source.title()))?;
    let mut witness = Witness::new(&model.graph, &relation, &input, &mut from_operating_system()?)?;
    if let Some(cell) = arguments.spoil {
        let num_cells = witness.cells.len();
        match witness.cells.get_mut(cell) {
            Some(_) if !is_constrained(&relation, cell) => bail!("cell {cell} is a secret, a mask or padding: no constraint binds it"),
            Some(value) => *value += F::ONE,
            None => bail!("there are {num_cells} cells, there is no cell {cell}"),
        }
    }
    let start = Instant::now();
    let assignment = Assignment { cells: &witness.cells, input: &input, output: &witness.tensors[model.graph.output().0] };
    let result = check(&model.graph, &relation, &assignment);
    let report = ConstraintsReport::new(source.title(), image, witness.cells.len(), &result, start.elapsed().as_secs_f64());
    output.report(&report)?;
    Ok(Verdict::from_bool(report.holds))
}

/// Whether a cell holds a value of the computation.
fn is_constrained(relation: &Relation, cell: usize) -> bool {
    relation.columns.iter().zip(relation.layout.placements()).any(|(column, placement)| {
        !matches!(column.role, Role::Secrets | Role::Spare)
            && placement.chunks.iter().any(|chunk| (chunk.first_cell(0)..chunk.first_cell(placement.channels)).contains(&cell))
    })
}

#[derive(Serialize)]
struct ConstraintsReport {
    model: String,
    image: String,
    holds: bool,
    /// Cells of the committed vector.
    cells: usize,
    /// How many constraints hold, if all do.
    constraints: Option<ConstraintCounts>,
    /// The first constraint that does not hold.
    error: Option<ViolationReport>,
    /// Duration of the check alone.
    seconds: f64,
}

#[derive(Serialize)]
struct ConstraintCounts {
    /// Tuples that are rows of their table, by table.
    lookups: Vec<TableCount>,
    /// Rows that are looked up as often as their multiplicity says.
    multiplicities: usize,
    /// Accumulators computed from inputs and weights.
    accumulators: usize,
    /// Elements of the output.
    outputs: usize,
}

#[derive(Serialize)]
struct TableCount {
    table: String,
    lookups: usize,
}

#[derive(Serialize)]
struct ViolationReport {
    /// Name of the constraint; stable.
    kind: &'static str,
    /// Node, element and values, for people.
    message: String,
    /// Where it lies, if it belongs to a cell.
    at: Option<String>,
}

impl ConstraintsReport {
    fn new(model: String, image: &Path, cells: usize, result: &Result<CheckReport, Box<Violation>>, seconds: f64) -> Self {
        let (constraints, error) = match result {
            Ok(report) => (Some(ConstraintCounts::new(report)), None),
            Err(violation) => (None, Some(ViolationReport::new(violation))),
        };
        Self { model, image: image.display().to_string(), holds: error.is_none(), cells, constraints, error, seconds }
    }
}

impl ConstraintCounts {
    fn new(report: &CheckReport) -> Self {
        let lookups = report.lookups.iter().map(|(table, lookups)| TableCount { table: table.clone(), lookups: *lookups });
        let CheckReport { multiplicities, accumulators, outputs, .. } = *report;
        Self { lookups: lookups.collect(), multiplicities, accumulators, outputs }
    }
}

impl ViolationReport {
    fn new(violation: &Violation) -> Self {
        let (kind, at) = kind(violation);
        Self { kind, message: violation.to_string(), at: at.map(ToString::to_string) }
    }
}

fn kind(violation: &Violation) -> (&'static str, Option<&Place>) {
    match violation {
        Violation::CellCount { .. } => ("cell_count", None),
        Violation::InputLength { .. } => ("input_length", None),
        Violation::OutputLength { .. } => ("output_length", None),
        Violation::NotInTable { at, .. } => ("not_in_table", Some(at)),
        Violation::NotARow { at, .. } => ("not_a_row", Some(at)),
        Violation::Multiplicity { .. } => ("multiplicity", None),
        Violation::Output { at, .. } => ("output", Some(at)),
    }
}

impl Report for ConstraintsReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "model  {}", one_line(&self.model))?;
        writeln!(out, "image  {}", one_line(&self.image))?;
        writeln!(out, "cells  {}", thousands(self.cells as u64))?;
        writeln!(out)?;
        if let Some(error) = &self.error {
            return writeln!(out, "VIOLATED  {}", one_line(&error.message));
        }
        let Some(counts) = &self.constraints else { return Ok(()) };
        let row = |name: String, count: usize| vec![name, thousands(count as u64)];
        let mut rows: Vec<_> = counts.lookups.iter().map(|count| row(format!("tuples of table {}", count.table), count.lookups)).collect();
        rows.push(row("multiplicities of the tables' rows".to_string(), counts.multiplicities));
        rows.push(row("accumulators of linear layers".to_string(), counts.accumulators));
        rows.push(row("elements of the output".to_string(), counts.outputs));
        write_table(out, &["constraints", "hold"], &[1], &rows)?;
        writeln!(out)?;
        writeln!(out, "every constraint holds ({})", duration(self.seconds))
    }
}
