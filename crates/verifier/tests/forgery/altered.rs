//! A prover with a true witness that sends something else than it computed, and derives all later challenges from what it has sent.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::field::{F, K, decode_base, encode, from_coordinates};
use verinfer_relation::parameters::Parameters;
use verinfer_relation::steps;
use verinfer_relation::transcript::{ProverTranscript, Transcript};
use verinfer_verifier::VerifyError;

use crate::forger::{FORGER, GENUINE, LEVEL};

/// Why the prover is rejected that changes occurrence `number` of the messages with a label.
fn rejection(label: &'static str, number: usize, change: impl Fn(&mut [u8]) + Send + Sync + 'static) -> VerifyError {
    let mut seen = 0;
    FORGER.rejection_of_altered(Box::new(move |found, bytes| {
        if found == label {
            if seen == number {
                change(bytes);
            }
            seen += 1;
        }
    }))
}

/// Adds one to the extension element at a position.
fn increment(position: usize) -> impl Fn(&mut [u8]) {
    move |bytes| with_elements(bytes, |elements| elements[position] += K::ONE)
}

/// Changes a message of extension elements.
fn with_elements(bytes: &mut [u8], change: impl Fn(&mut [K])) {
    let coordinates: Vec<F> = bytes.as_chunks::<8>().0.iter().map(|chunk| decode_base(*chunk).unwrap()).collect();
    let mut elements: Vec<K> = coordinates.as_chunks::<3>().0.iter().map(|element| from_coordinates(*element)).collect();
    change(&mut elements);
    let mut encoded = Vec::new();
    elements.iter().for_each(|&element| encode(element, &mut encoded));
    bytes.copy_from_slice(&encoded);
}

fn num_layers() -> usize {
    FORGER.relation().layout.log_cells() - 3
}

fn num_oracles() -> usize {
    Parameters::new(FORGER.relation().layout.log_cells(), usize::from(LEVEL)).oracles.len()
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
fn fractions_that_do_not_sum_to_zero_are_rejected() {
    for position in 0..8 {
        assert_eq!(rejection(steps::FRACTIONS, 0, increment(position)), VerifyError::LookupSum);
        assert_eq!(rejection(steps::FRACTIONS, 1, increment(position)), VerifyError::LookupSum);
    }
}

#[test]
fn a_denominator_of_zero_is_rejected() {
    let zero = |bytes: &mut [u8]| with_elements(bytes, |elements| elements[5] = K::ZERO);
    assert_eq!(rejection(steps::FRACTIONS, 1, zero), VerifyError::ZeroDenominator);
}

#[test]
fn other_fractions_that_sum_to_zero_do_not_follow_from_the_layer_below() {
    let zeros = |bytes: &mut [u8]| bytes.fill(0);
    assert_eq!(rejection(steps::FRACTIONS, 0, zeros), VerifyError::LayerChildren { layer: num_layers() - 1 });
    // Twice every fraction.
    let double = |bytes: &mut [u8]| with_elements(bytes, |elements| elements.iter_mut().for_each(|n| *n += *n));
    assert_eq!(rejection(steps::FRACTIONS, 0, double), VerifyError::LayerChildren { layer: num_layers() - 1 });
}

#[test]
fn a_wrong_round_of_a_layer_is_rejected_at_the_end_of_that_layer() {
    // The topmost layer has three rounds, each further one more.
    let mut first = 0;
    for index in 0..num_layers() {
        let layer = num_layers() - 1 - index;
        for position in 0..2 {
            assert_eq!(rejection(steps::LAYER_ROUND, first + index, increment(position)), VerifyError::LayerChildren { layer });
        }
        first += 3 + index;
    }
    assert_eq!(count(steps::LAYER_ROUND), first);
}

#[test]
fn wrong_children_are_rejected_at_their_layer() {
    for index in 0..num_layers() {
        let layer = num_layers() - 1 - index;
        assert_eq!(rejection(steps::LAYER_CHILDREN, index, increment(index % 4)), VerifyError::LayerChildren { layer });
    }
}

#[test]
fn wrong_children_with_the_right_sum_are_rejected_one_layer_below_and_at_the_leaves_by_the_combined_claim() {
    // n0 + d0 over d0 and n1 - d1 over d1 have the same sum.
    let shift = |bytes: &mut [u8]| {
        with_elements(bytes, |elements| {
            let [n0, n1, d0, d1] = *elements else { panic!("four children") };
            (elements[0], elements[1]) = (n0 + d0, n1 - d1);
        });
    };
    for index in 0..num_layers() {
        let expected = match num_layers() - 1 - index {
            0 => VerifyError::CombinedClaim,
            layer => VerifyError::LayerChildren { layer: layer - 1 },
        };
        assert_eq!(rejection(steps::LAYER_CHILDREN, index, shift), expected);
    }
}

#[test]
fn wrong_accumulators_do_not_follow_from_inputs_and_weights() {
    assert_eq!(rejection(steps::ACCUMULATORS, 0, increment(0)), VerifyError::Contraction);
    assert_eq!(rejection(steps::ACCUMULATORS, 0, |bytes| bytes.fill(0)), VerifyError::Contraction);
}

#[test]
fn a_wrong_round_or_end_of_the_contraction_is_rejected() {
    for number in 0..count(steps::CONTRACTION_ROUND) {
        assert_eq!(rejection(steps::CONTRACTION_ROUND, number, increment(number % 2)), VerifyError::Contraction);
    }
    assert_eq!(rejection(steps::CONTRACTION_INPUT, 0, increment(0)), VerifyError::Contraction);
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
    assert_eq!(rejection(steps::ROW, count(steps::ROW) - 1, |bytes| bytes[0] ^= 1), VerifyError::MerkleRoot { oracle: num_oracles() - 1 });
    assert_eq!(rejection(steps::SIBLING, 0, |bytes| bytes[9] ^= 1), VerifyError::MerkleRoot { oracle: 0 });
}

#[test]
fn a_prover_whose_challenges_do_not_depend_on_the_statement_is_rejected_at_the_first_check_that_has_one() {
    let top = VerifyError::LayerChildren { layer: num_layers() - 1 };
    let (statement, witness) = (FORGER.statement.clone(), FORGER.witness.clone());
    let proved = FORGER.prover.prove_through(ProverTranscript::new(Transcript::new()), statement.clone(), witness.clone(), &|_| ());
    assert_eq!(FORGER.verify(&proved.unwrap().proof.encode()).unwrap_err(), top);
    // Challenges of the true statement for a false one.
    let mut other = statement.clone();
    other.output.values[0] += 1;
    let proved = FORGER.prover.prove_through(ProverTranscript::new(statement.transcript()), other, witness, &|_| ());
    assert_eq!(FORGER.verify(&proved.unwrap().proof.encode()).unwrap_err(), top);
}
