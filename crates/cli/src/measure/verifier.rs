//! Measurement of the verifier in this process.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use verinfer_graph::Graph;
use verinfer_relation::statement::{InputClaim, ModelClaim};
use verinfer_verifier::{Expectations, ExpectedInput, Proof, Verifier};

use super::input::input;
use super::{Task, VerifierCosts, median};
use crate::memory;
use crate::output::Report;
use crate::proofs;

/// A verification takes milliseconds: so many that a moment in which the machine does something else does not count.
const LEAST: Duration = Duration::from_secs(1);

/// Verifies the proof in the file `proof`.
pub fn measure(task: &Task, proof: &Path) -> anyhow::Result<VerifierCosts> {
    let model = task.model.build()?;
    let input = input(task, &model)?;
    let bytes = proofs::read(proof, proofs::PROOF_LIMIT)??;
    let statement = Proof::decode(&bytes).context("the proof cannot be read")?.statement;
    // What a verifier of a hidden model has.
    let architecture = model.graph.encode_architecture();
    memory::reset_peak();
    let start = Instant::now();
    let cannot_verify = || format!("cannot verify proofs of {}", task.model.title());
    let images = task.batch as usize;
    let verifier = match &statement.model {
        ModelClaim::Public { .. } => Verifier::with_setting(model.graph, images, &statement.setting()),
        ModelClaim::Hidden { envelope, commitment, .. } => {
            let decoded = Graph::decode_architecture(&architecture).with_context(cannot_verify)?;
            Verifier::hidden(decoded, *envelope, **commitment, images, &statement.setting())
        }
    }
    .with_context(cannot_verify)?;
    let setup_seconds = start.elapsed().as_secs_f64();
    let expected = match &statement.input {
        InputClaim::Shown(_) => ExpectedInput::Shown(input),
        InputClaim::Hidden(commitments) => ExpectedInput::Hidden(commitments.clone()),
    };
    let allow_degenerate = true;
    let expectations = Expectations { security_level: task.security, input: expected, allow_degenerate, ..Expectations::default() };
    let mut times = Vec::new();
    let mut error = None;
    let begun = Instant::now();
    while times.len() < task.runs as usize || begun.elapsed() < LEAST {
        let start = Instant::now();
        let result = verifier.verify(&bytes, &expectations);
        times.push(start.elapsed().as_secs_f64());
        error = error.or(result.err().map(|error| error.to_string()));
    }
    Ok(VerifierCosts { setup_seconds, seconds: median(times), peak_memory: memory::peak(), accepted: error.is_none(), error })
}

impl Report for VerifierCosts {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{self:?}")
    }
}
