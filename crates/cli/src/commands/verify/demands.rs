//! What is demanded of the outputs of a proof that holds.

use std::path::PathBuf;

use clap::Args;
use verinfer_commitments::Kind;
use verinfer_relation::commitment::Commitment;
use verinfer_relation::statement::{OutputClaim, Statement};

use crate::commitments::read_commitments;
use crate::known::Known;
use crate::rejection::Rejection;

/// Commitments that the proof should be about.
#[derive(Clone, Debug, Args)]
pub struct DemandArguments {
    /// The public commitments to the outputs it should be about, all of them in order.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    output_commitment: Vec<PathBuf>,

    /// The public commitments to the true classes it should be about, all of them in order.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "output_commitment")]
    label_commitment: Vec<PathBuf>,
}

/// The commitments read; none are demanded where there are none.
pub struct Demands {
    outputs: Vec<Commitment>,
    labels: Vec<Commitment>,
}

impl DemandArguments {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// One is not of its kind, or not of an output of this network.
    pub fn read(&self, known: &Known) -> anyhow::Result<Demands> {
        let outputs = known.output_commitments(&self.output_commitment)?;
        Ok(Demands { outputs, labels: read_commitments(&self.label_commitment, Kind::Label)? })
    }
}

impl Demands {
    /// Why a statement is not what was demanded.
    pub fn check(&self, statement: &Statement) -> Result<(), Rejection> {
        let OutputClaim::Hidden(found) = &statement.output else {
            if !self.outputs.is_empty() {
                return Err(rejection("output_not_committed", "the proof has no commitments to its outputs".to_string()));
            }
            let OutputClaim::Correct { labels: found, .. } = &statement.output else {
                if !self.labels.is_empty() {
                    return Err(rejection("labels_not_committed", "the proof is not about hidden labels".to_string()));
                }
                return Ok(());
            };
            return compare(found, &self.labels, Kind::Label);
        };
        if !self.labels.is_empty() {
            return Err(rejection("labels_not_committed", "the proof is not about hidden labels".to_string()));
        }
        compare(found, &self.outputs, Kind::Output)
    }
}

fn compare(found: &[Commitment], expected: &[Commitment], kind: Kind) -> Result<(), Rejection> {
    if expected.is_empty() {
        return Ok(());
    }
    let (count_kind, wrong_kind) = match kind {
        Kind::Label => ("label_count", "wrong_label_commitment"),
        Kind::Model | Kind::Input | Kind::Output => ("output_count", "wrong_output_commitment"),
    };
    if found.len() != expected.len() {
        let (found, expected) = (found.len(), expected.len());
        return Err(rejection(count_kind, format!("the proof is about {found} hidden {kind}s, {expected} were expected")));
    }
    match found.iter().zip(expected).position(|(found, expected)| found != expected) {
        Some(image) => {
            Err(rejection(wrong_kind, format!("the proof is about another {kind}: the commitment of image {image} is another one")))
        }
        None => Ok(()),
    }
}

const fn rejection(kind: &'static str, message: String) -> Rejection {
    Rejection { kind, message }
}
