use std::collections::BTreeSet;

use super::{STAGE, Terms};
use crate::coin::Seed;
use crate::digest::AgreementId;
use crate::member::{Member, at, check_place, check_proof, example_entry, handle};
use crate::refusal::{ProofFault, Refusal};
use crate::statement::{Output, Statement};

/// How many of the examples that a proof is about are correct. Adds them to those proved.
///
/// # Errors
///
/// An example is not due or not in the test set, or the proof is about something else or does not say what is correct.
pub fn count_correct(
    id: AgreementId,
    terms: &Terms,
    seed: &Seed,
    proved: &mut BTreeSet<u32>,
    examples: &[Member],
    statement: &Statement,
) -> Result<u32, Refusal> {
    check_proof(statement, terms.model, id, STAGE, examples.len())?;
    let Output::Correct { labels, k, count } = &statement.output else { return Err(ProofFault::Undecided { image: 0 }.into()) };
    if *k != terms.top || labels.len() != examples.len() {
        return Err(ProofFault::OtherLabels.into());
    }
    let due: BTreeSet<u32> = terms.second_part(seed).into_iter().collect();
    for (image, ((example, input), label)) in examples.iter().zip(&statement.inputs).zip(labels).enumerate() {
        handle(example.index, &due, proved).map_err(at(image))?;
        check_place(&terms.test_set, example, &example_entry(input, label)).map_err(at(image))?;
    }
    Ok(*count)
}
