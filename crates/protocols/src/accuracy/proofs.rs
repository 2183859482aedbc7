use std::collections::BTreeSet;

use super::{Evidence, Example, STAGE, Terms};
use crate::coin::Seed;
use crate::digest::AgreementId;
use crate::member::{at, check_place, check_proof, example_entry, handle};
use crate::refusal::{MemberFault, ProofFault, Refusal};
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
    examples: &[Example],
    statement: &Statement,
) -> Result<u32, Refusal> {
    check_proof(statement, terms.model, id, STAGE, examples.len())?;
    let due: BTreeSet<u32> = terms.second_part(seed).into_iter().collect();
    let mut correct = 0_u32;
    for (image, (example, input)) in examples.iter().zip(&statement.inputs).enumerate() {
        handle(example.member.index, &due, proved).map_err(at(image))?;
        let label = match (terms.evidence, example.label, &statement.output) {
            (Evidence::Outputs, Some(label), output) => {
                let holds = output.ranks(image, label.class, terms.top).ok_or(ProofFault::Undecided { image })?;
                correct = correct.saturating_add(u32::from(holds));
                label.digest()
            }
            (Evidence::Count, None, Output::Correct { labels, k, .. }) => {
                labels.get(image).copied().filter(|_| *k == terms.top).ok_or(ProofFault::OtherLabels)?
            }
            (Evidence::Count, None, _) => return Err(ProofFault::Undecided { image }.into()),
            (Evidence::Outputs, None, _) | (Evidence::Count, Some(_), _) => return Err(at(image)(MemberFault::Label)),
        };
        check_place(&terms.test_set, &example.member, &example_entry(input, &label)).map_err(at(image))?;
    }
    match (&statement.output, terms.evidence) {
        (Output::Correct { count, .. }, Evidence::Count) => Ok(*count),
        _ => Ok(correct),
    }
}
