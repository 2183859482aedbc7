//! A prover with a true witness that sends something else than it computed, and derives all later challenges from what it has sent.

use p3_field::PrimeCharacteristicRing;
use verinfer_prover::{ProveError, Proved};
use verinfer_relation::field::{F, K, decode_base, encode, from_coordinates};
use verinfer_relation::parameters::Parameters;
use verinfer_relation::steps;
use verinfer_relation::transcript::{ProverTranscript, Transcript};
use verinfer_verifier::VerifyError;

use crate::forger::{FORGER, GENUINE, LEVEL, output_mut};
use crate::unmasked::{Broken, spare};

/// The proof of the prover that changes occurrence `number` of the messages with a label.
fn altered(label: &'static str, number: usize, change: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Proved {
    let mut seen = 0;
    let alteration = move |found: &'static str, bytes: &mut [u8]| {
        if found == label {
            if seen == number {
                change(bytes);
            }
            seen += 1;
        }
    };
    FORGER.prove_altered(Box::new(alteration)).unwrap()
}

/// Why that prover is rejected.
fn rejection(label: &'static str, number: usize, change: impl Fn(&mut [u8]) + Send + Sync + 'static) -> VerifyError {
    FORGER.verify(&altered(label, number, change).proof.encode()).unwrap_err()
}

/// The equations of steps 3 to 6 that it breaks.
fn broken(label: &'static str, number: usize, change: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Vec<Broken> {
    FORGER.broken_by(&altered(label, number, change), &FORGER.witness.cells)
}

/// Adds one to the extension element at a position.
pub fn increment(position: usize) -> impl Fn(&mut [u8]) {
    move |bytes| with_elements(bytes, |elements| elements[position] += K::ONE)
}

/// Changes a message of extension elements.
pub fn with_elements(bytes: &mut [u8], change: impl Fn(&mut [K])) {
    let coordinates: Vec<F> = bytes.as_chunks::<8>().0.iter().map(|chunk| decode_base(*chunk).unwrap()).collect();
    let mut elements: Vec<K> = coordinates.as_chunks::<3>().0.iter().map(|element| from_coordinates(*element)).collect();
    change(&mut elements);
    let mut encoded = Vec::new();
    elements.iter().for_each(|&element| encode(element, &mut encoded));
    bytes.copy_from_slice(&encoded);
}

fn num_layers() -> usize {
    FORGER.relation().layout.log_cells()
}

fn num_oracles() -> usize {
    Parameters::for_cells(FORGER.relation().layout.num_stored(), usize::from(LEVEL)).unwrap().oracles.len()
}

fn count(label: &str) -> usize {
    GENUINE.messages.iter().filter(|message| message.label == label).count()
}

#[test]
fn the_commitment_to_another_witness_is_not_the_root_of_the_rows_opened() {
    assert_eq!(rejection(steps::COMMITMENT, 0, |bytes| bytes[0] ^= 1), VerifyError::MerkleRoot { oracle: 0 });
    let mut witness = FORGER.witness.clone();
    witness.cells[0] += F::ONE;
    let other = FORGER.prove(FORGER.statement.clone(), witness);
    let root = other.proof.body[..32].to_vec();
    assert_eq!(rejection(steps::COMMITMENT, 0, move |bytes| bytes.copy_from_slice(&root)), VerifyError::MerkleRoot { oracle: 0 });
}

#[test]
fn another_denominator_is_not_what_the_topmost_children_give() {
    let double = |bytes: &mut [u8]| with_elements(bytes, |elements| elements[0] = elements[0].double());
    assert_eq!(broken(steps::DENOMINATOR, 0, increment(0)), [Broken::sum(&FORGER)]);
    assert_eq!(broken(steps::DENOMINATOR, 0, double), [Broken::sum(&FORGER)]);
}

#[test]
fn a_denominator_of_zero_is_rejected() {
    let zero = |label: &'static str, bytes: &mut [u8]| {
        if label == steps::DENOMINATOR {
            bytes.fill(0);
        }
    };
    let refused = |error: Option<ProveError>| matches!(error, Some(ProveError::Reduction(VerifyError::ZeroDenominator)));
    assert!(refused(FORGER.prove_altered(Box::new(zero)).err()));
    // The same from a spare denominator of zero, which is why it has to be random.
    let mut witness = FORGER.witness.clone();
    for pixel in 0..3 {
        witness.cells[FORGER.cell(spare(FORGER.relation()), 0, pixel)] = F::ZERO;
    }
    assert!(refused(FORGER.prover.prove_statement(FORGER.statement.clone(), witness, &|_| ()).err()));
    // Zero in the file.
    let message = GENUINE.messages.iter().find(|message| message.label == steps::DENOMINATOR).unwrap();
    let mut proof = GENUINE.proof.clone();
    proof.body[message.offset..message.offset + message.len].fill(0);
    assert_eq!(FORGER.verify(&proof.encode()).unwrap_err(), VerifyError::ZeroDenominator);
}

#[test]
fn a_wrong_round_of_a_layer_is_noticed_at_the_end_of_that_layer() {
    // The topmost layer has no round, each further one more.
    let mut first = 0;
    for index in 0..num_layers() {
        let layer = num_layers() - 1 - index;
        for position in (0..2).filter(|_| index > 0) {
            assert_eq!(broken(steps::LAYER_ROUND, first + index / 2, increment(position)), [Broken::Layer(layer)]);
        }
        first += index;
    }
    assert_eq!(count(steps::LAYER_ROUND), first);
}

#[test]
fn wrong_children_are_noticed_at_their_layer_and_the_next() {
    for index in 0..num_layers() {
        let layer = num_layers() - 1 - index;
        let below = if layer == 0 { Broken::Leaves } else { Broken::Layer(layer - 1) };
        let mut expected = vec![Broken::Layer(layer), below];
        expected.sort_unstable();
        assert_eq!(broken(steps::LAYER_CHILDREN, index, increment(index % 4)), expected);
    }
}

#[test]
fn wrong_children_with_the_right_sum_are_noticed_one_layer_below_and_at_the_leaves() {
    for index in 0..num_layers() {
        let below = match num_layers() - 1 - index {
            0 => Broken::Leaves,
            layer => Broken::Layer(layer - 1),
        };
        // The prover knows its pads, and so what it hides: n0 + d0 over d0 and n1 - d1 over d1 have the same sum.
        let plan = &FORGER.relation().masks;
        let (n0, d1) = plan.pairs()[2 * index];
        let (n1, d0) = plan.pairs()[2 * index + 1];
        assert_eq!([n1, d0, d1], [n0 + 1, n0 + 2, n0 + 3]);
        let pads = [d0, d1].map(|pad| FORGER.witness.secrets[pad]);
        let shift = move |bytes: &mut [u8]| {
            with_elements(bytes, |elements| {
                let [d0, d1] = [elements[2] - pads[0], elements[3] - pads[1]];
                elements[0] += d0;
                elements[1] -= d1;
            });
        };
        assert_eq!(broken(steps::LAYER_CHILDREN, index, shift), [below]);
    }
}

#[test]
fn wrong_accumulators_do_not_follow_from_inputs_and_weights() {
    let expected = [Broken::Contraction, Broken::Leaves];
    assert_eq!(broken(steps::ACCUMULATORS, 0, increment(0)), expected);
    assert_eq!(broken(steps::ACCUMULATORS, 0, |bytes| bytes.fill(0)), expected);
}

#[test]
fn a_wrong_round_or_end_of_the_contraction_is_noticed() {
    for number in 0..count(steps::CONTRACTION_ROUND) {
        assert_eq!(broken(steps::CONTRACTION_ROUND, number, increment(number % 2)), [Broken::Contraction]);
    }
    assert_eq!(broken(steps::CONTRACTION_ENDS, 0, increment(0)), [Broken::Contraction, Broken::Inputs]);
}

#[test]
fn a_wrong_factor_shown_of_a_triple_is_noticed() {
    for pair in (0..count(steps::SACRIFICE)).step_by(5) {
        assert_eq!(broken(steps::SACRIFICE, pair, increment(0)), [Broken::FirstFactor(pair), Broken::Product(pair)]);
        assert_eq!(broken(steps::SACRIFICE, pair, increment(1)), [Broken::SecondFactor(pair), Broken::Product(pair)]);
    }
    assert_eq!(count(steps::SACRIFICE), 2 * num_layers());
}

#[test]
fn a_wrong_sum_of_masks_or_of_the_blinding_vector_ends_in_a_wrong_combined_claim() {
    for label in [steps::MASK_SUM, steps::BLINDING] {
        assert_eq!(count(label), 1);
        assert_eq!(rejection(label, 0, increment(0)), VerifyError::CombinedClaim);
        assert_eq!(rejection(label, 0, |bytes| bytes.fill(0)), VerifyError::CombinedClaim);
    }
}

#[test]
fn a_wrong_round_of_the_opening_ends_in_a_wrong_combined_claim() {
    for number in 0..count(steps::FOLD_ROUND) {
        assert_eq!(rejection(steps::FOLD_ROUND, number, increment(number % 2)), VerifyError::CombinedClaim);
    }
    for number in 0..count(steps::FINAL_ROUND) {
        assert_eq!(rejection(steps::FINAL_ROUND, number, increment(number % 2)), VerifyError::CombinedClaim);
    }
}

#[test]
fn the_commitment_to_another_folded_vector_is_not_the_root_of_the_rows_opened() {
    for number in 0..count(steps::FOLDED_COMMITMENT) {
        assert_eq!(rejection(steps::FOLDED_COMMITMENT, number, |bytes| bytes[31] ^= 128), VerifyError::MerkleRoot { oracle: number + 1 });
    }
}

#[test]
fn a_wrong_value_out_of_domain_ends_in_a_wrong_combined_claim() {
    for number in 0..count(steps::OUT_OF_DOMAIN) {
        assert_eq!(rejection(steps::OUT_OF_DOMAIN, number, increment(0)), VerifyError::CombinedClaim);
    }
}

#[test]
fn another_final_polynomial_disagrees_with_the_rows_before_it() {
    for position in [0, 1, 7] {
        let error = rejection(steps::FINAL_POLYNOMIAL, 0, increment(position));
        assert!(matches!(error, VerifyError::FinalPolynomial { oracle, .. } if oracle == num_oracles() - 1), "{error}");
    }
}

#[test]
fn a_nonce_that_does_not_grind_is_rejected() {
    for oracle in 0..num_oracles() {
        assert_eq!(rejection(steps::GRINDING, oracle, |bytes| bytes[7] ^= 1), VerifyError::Grinding { oracle });
    }
}

#[test]
fn rows_and_siblings_that_were_not_committed_are_rejected() {
    assert_eq!(rejection(steps::ROW, 0, |bytes| bytes[0] ^= 1), VerifyError::MerkleRoot { oracle: 0 });
    // The blinding vector's part of a row.
    assert_eq!(rejection(steps::ROW, 0, |bytes| bytes[bytes.len() - 24] ^= 1), VerifyError::MerkleRoot { oracle: 0 });
    assert_eq!(rejection(steps::ROW, count(steps::ROW) - 1, |bytes| bytes[0] ^= 1), VerifyError::MerkleRoot { oracle: num_oracles() - 1 });
    assert_eq!(rejection(steps::SIBLING, 0, |bytes| bytes[9] ^= 1), VerifyError::MerkleRoot { oracle: 0 });
}

#[test]
fn a_prover_whose_challenges_do_not_depend_on_the_statement_is_rejected_at_the_first_check_that_has_one() {
    let first = VerifyError::Grinding { oracle: 0 };
    let (statement, witness) = (FORGER.statement.clone(), FORGER.witness.clone());
    let proved = FORGER.prover.prove_through(ProverTranscript::new(Transcript::new()), statement.clone(), witness.clone(), &|_| ());
    assert_eq!(FORGER.verify(&proved.unwrap().proof.encode()).unwrap_err(), first);
    // Challenges of the true statement for a false one.
    let mut other = statement.clone();
    output_mut(&mut other).values[0] += 1;
    let proved = FORGER.prover.prove_through(ProverTranscript::new(statement.transcript()), other, witness, &|_| ());
    assert_eq!(FORGER.verify(&proved.unwrap().proof.encode()).unwrap_err(), first);
}
