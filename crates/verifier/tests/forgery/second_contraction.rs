//! A prover who lies in step 5 where multipliers are hidden: two contractions, one after the other.

use p3_field::PrimeCharacteristicRing;
use verinfer_prover::{Proved, Witness};
use verinfer_relation::field::K;
use verinfer_relation::masks::{self, Triple};
use verinfer_relation::steps;

use crate::altered::{increment, with_elements};
use crate::hidden::{HIDDEN, HIDDEN_GENUINE};
use crate::unmasked::Broken;

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
    HIDDEN.prove_altered(Box::new(alteration)).unwrap()
}

fn broken(label: &'static str, number: usize, change: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Vec<Broken> {
    HIDDEN.broken_by(&altered(label, number, change), &HIDDEN.witness.cells)
}

fn count(label: &str) -> usize {
    HIDDEN_GENUINE.messages.iter().filter(|message| message.label == label).count()
}

/// Pad of the first of the messages of step 5.
fn first_pad() -> usize {
    let (children, _) = HIDDEN.relation().masks.pairs()[2 * HIDDEN.relation().layout.log_cells() - 2];
    children + 4
}

/// The pairs of the contractions' ends.
fn pairs() -> [usize; 2] {
    [0, 1].map(|contraction| 2 * HIDDEN.relation().layout.log_cells() + contraction)
}

#[test]
fn wrong_parts_of_accumulators_or_of_signs_do_not_follow_from_what_is_committed() {
    assert_eq!(broken(steps::ACCUMULATORS, 0, increment(0)), [Broken::Contraction, Broken::Leaves]);
    assert_eq!(broken(steps::ACCUMULATORS, 0, increment(1)), [Broken::Scaling, Broken::Leaves].sorted());
}

#[test]
fn accumulators_cannot_pay_for_signs() {
    let shifted = |bytes: &mut [u8]| {
        with_elements(bytes, |parts| {
            parts[0] += K::ONE;
            parts[1] -= K::ONE;
        });
    };
    assert_eq!(broken(steps::ACCUMULATORS, 0, shifted), [Broken::Contraction, Broken::Scaling]);
    // The prover knows its pads, and exchanges what they hide.
    let pads = [0, 1].map(|i| HIDDEN.witness.secrets[first_pad() + i]);
    let exchanged = move |bytes: &mut [u8]| {
        with_elements(bytes, |parts| {
            let [accumulators, signs] = [parts[0] - pads[0], parts[1] - pads[1]];
            assert_ne!(accumulators, signs);
            (parts[0], parts[1]) = (signs + pads[0], accumulators + pads[1]);
        });
    };
    assert_eq!(broken(steps::ACCUMULATORS, 0, exchanged), [Broken::Contraction, Broken::Scaling]);
    // Everything in one part, or nothing at all.
    let joined = move |bytes: &mut [u8]| {
        with_elements(bytes, |parts| {
            parts[0] += parts[1] - pads[1];
            parts[1] = pads[1];
        });
    };
    assert_eq!(broken(steps::ACCUMULATORS, 0, joined), [Broken::Contraction, Broken::Scaling]);
    assert_eq!(broken(steps::ACCUMULATORS, 0, |bytes| bytes.fill(0)), [Broken::Contraction, Broken::Scaling, Broken::Leaves].sorted());
}

#[test]
fn a_wrong_round_of_either_contraction_is_noticed() {
    for (label, expected) in [(steps::CONTRACTION_ROUND, Broken::Contraction), (steps::SCALING_ROUND, Broken::Scaling)] {
        assert!(count(label) > 4);
        for number in 0..count(label) {
            assert_eq!(broken(label, number, increment(number % 2)), [expected], "{label} {number}");
        }
    }
}

#[test]
fn wrong_ends_of_either_contraction_are_noticed() {
    assert_eq!(broken(steps::CONTRACTION_ENDS, 0, increment(0)), [Broken::Contraction, Broken::Inputs]);
    // The weight side is what the second contraction is about.
    assert_eq!(broken(steps::CONTRACTION_ENDS, 0, increment(1)), [Broken::Contraction, Broken::Scaling]);
    assert_eq!(broken(steps::SCALING_ENDS, 0, increment(0)), [Broken::Scaling, Broken::Scales]);
    assert_eq!(broken(steps::SCALING_ENDS, 0, increment(1)), [Broken::Scaling, Broken::Contracted]);
}

#[test]
fn ends_with_the_right_product_are_noticed_by_what_they_are_the_ends_of() {
    let first = first_pad() + 2 + 2 * HIDDEN.relation().log_contraction_len();
    let second = first + 2 + 2 * HIDDEN.relation().log_scaling_len().unwrap();
    let plan = &HIDDEN.relation().masks;
    assert_eq!(pairs().map(|pair| plan.pairs()[pair]), [(first, first + 1), (second, second + 1)]);
    let double_and_halve = |pad: usize| {
        let pads = [0, 1].map(|i| HIDDEN.witness.secrets[pad + i]);
        move |bytes: &mut [u8]| {
            with_elements(bytes, |ends| {
                ends[0] = (ends[0] - pads[0]).double() + pads[0];
                ends[1] = (ends[1] - pads[1]).halve() + pads[1];
            });
        }
    };
    assert_eq!(broken(steps::CONTRACTION_ENDS, 0, double_and_halve(first)), [Broken::Scaling, Broken::Inputs].sorted());
    assert_eq!(broken(steps::SCALING_ENDS, 0, double_and_halve(second)), [Broken::Scales, Broken::Contracted]);
}

/// Adds to a secret, both committed and used.
fn add(witness: &mut Witness, index: usize, change: K) {
    witness.secrets[index] += change;
    commit(witness, index, witness.secrets[index]);
}

/// Writes a secret into the cells, and not into what the prover uses.
fn commit(witness: &mut Witness, index: usize, value: K) {
    for (i, cell) in masks::cells(value).into_iter().enumerate() {
        witness.cells[HIDDEN.cell(HIDDEN.relation().secrets, 0, 3 * index + i)] = cell;
    }
}

fn with_secrets(change: impl FnOnce(&mut Witness)) -> Vec<Broken> {
    let mut witness = HIDDEN.witness.clone();
    change(&mut witness);
    HIDDEN.broken(HIDDEN.statement.clone(), witness)
}

#[test]
fn products_of_the_ends_pads_are_products() {
    let plan = &HIDDEN.relation().masks;
    for (pair, end) in pairs().into_iter().zip([Broken::Contraction, Broken::Scaling]) {
        assert_eq!(with_secrets(|witness| add(witness, plan.product(pair), K::ONE)), [end, Broken::Product(pair)]);
        let Triple { a, b, c } = plan.triple(pair);
        for part in [a, b, c] {
            assert_eq!(with_secrets(|witness| add(witness, part, K::ONE)), [Broken::Product(pair)]);
        }
        // A triple that is as wrong as the product.
        let both = with_secrets(|witness| {
            add(witness, plan.product(pair), K::ONE);
            add(witness, c, K::ONE);
        });
        assert_eq!(both, [end, Broken::Product(pair)]);
    }
    assert_eq!(plan.pairs().len(), pairs()[1] + 1);
}

#[test]
fn pads_of_step_five_are_the_committed_ones() {
    let plan = &HIDDEN.relation().masks;
    for index in (first_pad()..plan.num_messages()).step_by(3) {
        let found = with_secrets(|witness| commit(witness, index, witness.secrets[index] + K::ONE));
        assert_ne!(found, [], "pad {index}");
    }
}

/// A list in order.
trait Sorted {
    fn sorted(self) -> Self;
}

impl<const N: usize> Sorted for [Broken; N] {
    fn sorted(mut self) -> Self {
        self.sort_unstable();
        self
    }
}
