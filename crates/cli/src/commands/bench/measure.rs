//! Measurement of one side in this process.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use verinfer_commitments::{commit_model, draw_salt};
use verinfer_graph::{DataType, Graph};
use verinfer_import::Model;
use verinfer_prover::{Execution, Prover};
use verinfer_relation::parameters::Parameters;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::statement::{InputClaim, ModelClaim};
use verinfer_verifier::{Expectations, ExpectedInput, Proof, Verifier};

use super::Arguments;
use crate::estimate::Cells;
use crate::files;
use crate::hide::Part;
use crate::memory;
use crate::model::{Selected, Source};
use crate::output::Report;
use crate::phases::{PhaseTime, Stopwatch, total};

/// What proving a model costs.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProverCosts {
    /// Once for any number of proofs.
    pub setup_seconds: f64,
    /// Of the commitment to the model, which is made once for any number of proofs, where its weights are hidden.
    pub commit_seconds: Option<f64>,
    /// Median over the runs of a whole proof.
    pub seconds: f64,
    /// Median of each phase.
    pub phases: Vec<PhaseTime>,
    /// Size of the proof file.
    pub proof_bytes: usize,
    /// Largest of all runs, set-up and model included.
    pub peak_memory: Option<u64>,
    /// Sizes of the committed vector.
    pub cells: Cells,
}

/// What verifying a proof costs.
#[derive(Debug, Serialize, Deserialize)]
pub struct VerifierCosts {
    /// Once for any number of proofs.
    pub setup_seconds: f64,
    /// Median over the runs of a verification.
    pub seconds: f64,
    /// Set-up and model included.
    pub peak_memory: Option<u64>,
    /// Whether the proof was accepted, as it should be.
    pub accepted: bool,
    /// Why not.
    pub error: Option<String>,
}

/// Makes proofs and leaves the last in the file `proof`.
pub fn prover(arguments: &Arguments, selected: &Selected, proof: &Path) -> anyhow::Result<ProverCosts> {
    let model = selected.build()?;
    let input = input(arguments, selected, &model)?;
    let cannot_prove = || format!("cannot prove {}", selected.title());
    let mut salts = Vec::new();
    let mut commit_seconds = None;
    if arguments.hide.hides(Part::Weights) {
        let salt = draw_salt()?;
        let start = Instant::now();
        commit_model(&model.graph, &salt).with_context(cannot_prove)?;
        commit_seconds = Some(start.elapsed().as_secs_f64());
        salts.push((ObjectKind::Model, salt));
    }
    memory::reset_peak();
    let start = Instant::now();
    let setting = arguments.hide.setting(&model.graph, None).with_context(cannot_prove)?;
    let prover = Prover::with_setting(&model.graph, arguments.batch as usize, &setting).with_context(cannot_prove)?;
    let setup_seconds = start.elapsed().as_secs_f64();
    let execution = Execution { input: &input, labels: &[], salts: &salts };
    let mut runs = Vec::new();
    let mut bytes = Vec::new();
    for _ in 0..arguments.runs {
        let stopwatch = Stopwatch::default();
        let proved = prover.prove_execution(&execution, b"", arguments.security, &|phase| stopwatch.start(phase))?;
        runs.push(stopwatch.stop());
        bytes = proved.proof.encode();
    }
    let peak_memory = memory::peak();
    files::write(proof, &bytes)?;
    let relation = prover.relation();
    let parameters = Parameters::for_cells(relation.layout.num_stored(), usize::from(arguments.security));
    Ok(ProverCosts {
        setup_seconds,
        commit_seconds,
        seconds: median(runs.iter().map(|run| total(run)).collect()),
        phases: median_phases(&runs),
        proof_bytes: bytes.len(),
        peak_memory,
        cells: Cells::new(&model.graph, relation, &parameters),
    })
}

/// Verifies the proof in the file `proof`.
pub fn verifier(arguments: &Arguments, selected: &Selected, proof: &Path) -> anyhow::Result<VerifierCosts> {
    let model = selected.build()?;
    let input = input(arguments, selected, &model)?;
    let bytes = files::read(proof, files::PROOF_LIMIT)?;
    let statement = Proof::decode(&bytes).context("the proof cannot be read")?.statement;
    // What a verifier of a hidden model has.
    let architecture = model.graph.encode_architecture();
    memory::reset_peak();
    let start = Instant::now();
    let cannot_verify = || format!("cannot verify proofs of {}", selected.title());
    let images = arguments.batch as usize;
    let decoded;
    let verifier = match &statement.model {
        ModelClaim::Public { .. } => Verifier::with_setting(&model.graph, images, &statement.setting()),
        ModelClaim::Hidden { envelope, commitment, .. } => {
            decoded = Graph::decode_architecture(&architecture).with_context(cannot_verify)?;
            Verifier::hidden(&decoded, *envelope, **commitment, images, &statement.setting())
        }
    }
    .with_context(cannot_verify)?;
    let setup_seconds = start.elapsed().as_secs_f64();
    let expected = match &statement.input {
        InputClaim::Shown(_) => ExpectedInput::Shown(&input),
        InputClaim::Hidden(commitments) => ExpectedInput::Hidden(commitments),
    };
    let expectations = Expectations { security_level: arguments.security, context: b"", input: expected, ..Expectations::default() };
    let mut times = Vec::new();
    let mut error = None;
    for _ in 0..arguments.runs {
        let start = Instant::now();
        let result = verifier.verify(&bytes, &expectations);
        times.push(start.elapsed().as_secs_f64());
        error = error.or(result.err().map(|error| error.to_string()));
    }
    Ok(VerifierCosts { setup_seconds, seconds: median(times), peak_memory: memory::peak(), accepted: error.is_none(), error })
}

/// The image given, as often as the batch is large, or random integers.
fn input(arguments: &Arguments, selected: &Selected, model: &Model) -> anyhow::Result<Vec<i16>> {
    let image = match (&arguments.image, selected) {
        (Some(image), Selected::Source(source)) => source.load_input(image, arguments.fit, model)?,
        (Some(image), Selected::Synthetic(_)) => Source::File(image.clone()).load_input(image, arguments.fit, model)?,
        (None, _) => return Ok(random_input(model, arguments.batch as usize, arguments.input_seed)),
    };
    Ok(image.repeat(arguments.batch as usize))
}

/// Uniform integers of the input's type (SplitMix64), image after image.
fn random_input(model: &Model, images: usize, seed: u64) -> Vec<i16> {
    let spec = model.graph.spec(model.graph.input());
    let mut state = seed;
    let mut byte = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()[7]
    };
    let value = |byte: u8| match spec.dtype {
        DataType::U8 => i16::from(byte),
        DataType::I8 => i16::from(byte.cast_signed()),
    };
    (0..images * spec.shape.num_elements()).map(|_| value(byte())).collect()
}

fn median_phases(runs: &[Vec<PhaseTime>]) -> Vec<PhaseTime> {
    let first = runs.first().map(Vec::as_slice).unwrap_or_default();
    let phases = first.iter().enumerate().map(|(index, time)| PhaseTime {
        phase: time.phase.clone(),
        seconds: median(runs.iter().filter_map(|run| run.get(index)).map(|time| time.seconds).collect()),
    });
    phases.collect()
}

/// The middle one of `times`, of an even number the lower of both; 0 of none.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

impl Report for ProverCosts {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{self:?}")
    }
}

impl Report for VerifierCosts {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_one() {
        assert_eq!([vec![3.0, 1.0, 2.0], vec![4.0, 1.0], vec![]].map(median), [2.0, 1.0, 0.0]);
    }
}
