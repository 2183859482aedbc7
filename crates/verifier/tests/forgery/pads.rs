//! Provers that lie about the secrets: pads, products of pads, triples.

use p3_field::PrimeCharacteristicRing;
use verinfer_prover::Witness;
use verinfer_relation::field::{F, K};
use verinfer_relation::masks::{self, MaskPlan, Triple};

use crate::forger::FORGER;
use crate::unmasked::{Broken, spare};

fn plan() -> &'static MaskPlan {
    &FORGER.relation().masks
}

/// Which children the pairs are factors of: the layer.
fn layer(pair: usize) -> Broken {
    Broken::Layer(FORGER.relation().layout.log_cells() - 1 - pair / 2)
}

/// Writes a secret into the cells, and not into what the prover uses.
fn commit(witness: &mut Witness, index: usize, value: K) {
    for (i, cell) in masks::cells(value).into_iter().enumerate() {
        witness.cells[FORGER.cell(FORGER.relation().secrets, 0, 3 * index + i)] = cell;
    }
}

/// Adds to a secret, both committed and used.
fn add(witness: &mut Witness, index: usize, change: K) {
    witness.secrets[index] += change;
    commit(witness, index, witness.secrets[index]);
}

fn broken(change: impl FnOnce(&mut Witness)) -> Vec<Broken> {
    let mut witness = FORGER.witness.clone();
    change(&mut witness);
    FORGER.broken(FORGER.statement.clone(), witness)
}

/// Two elements nobody would guess.
fn lies() -> [K; 2] {
    let secrets = &FORGER.witness.secrets;
    [secrets[0] * secrets[0], secrets[1] * secrets[1] + K::ONE]
}

#[test]
fn any_pad_that_is_not_the_committed_one_is_noticed() {
    // Most of the many rounds are left out.
    let pads = (0..plan().num_messages()).step_by(11).chain(plan().pairs().iter().step_by(9).flat_map(|&(x, y)| [x, y]));
    for index in pads {
        let found = broken(|witness| commit(witness, index, witness.secrets[index] + lies()[0]));
        assert_ne!(found, [], "pad {index}");
        // The pads of factors are bound by their triples too.
        let pair = plan().pairs().iter().position(|&(x, y)| index == x || index == y);
        let expected =
            pair.map(|pair| if plan().pairs()[pair].0 == index { Broken::FirstFactor(pair) } else { Broken::SecondFactor(pair) });
        let of_factors: Vec<Broken> =
            found.into_iter().filter(|equation| matches!(equation, Broken::FirstFactor(_) | Broken::SecondFactor(_))).collect();
        assert_eq!(of_factors, expected.into_iter().collect::<Vec<_>>(), "pad {index}");
    }
}

#[test]
fn one_coordinate_of_a_pad_is_enough() {
    let first = FORGER.cell(FORGER.relation().secrets, 0, 0);
    for coordinate in 0..3 {
        assert_ne!(broken(|witness| witness.cells[first + coordinate] += F::ONE), []);
    }
}

#[test]
fn a_product_of_pads_that_is_not_the_product_is_noticed_by_its_layer_and_its_triple() {
    for pair in (0..plan().pairs().len()).step_by(5) {
        let found = broken(|witness| add(witness, plan().product(pair), K::ONE));
        assert_eq!(found, [layer(pair), Broken::Product(pair)]);
    }
}

#[test]
fn a_dishonest_triple_does_not_make_up_for_a_wrong_product() {
    for pair in [0, 1, 7, plan().pairs().len() - 1] {
        let Triple { a, b, c } = plan().triple(pair);
        for lie in lies() {
            // The triple's error suits only the challenge `lie`, or none.
            let suited = broken(|witness| {
                add(witness, plan().product(pair), K::TWO);
                add(witness, c, lie.double());
            });
            assert_eq!(suited, [layer(pair), Broken::Product(pair)]);
            for part in [a, b] {
                let found = broken(|witness| {
                    add(witness, plan().product(pair), lie);
                    add(witness, part, K::ONE);
                });
                assert_eq!(found, [layer(pair), Broken::Product(pair)]);
            }
        }
    }
}

#[test]
fn a_wrong_product_of_one_layer_does_not_make_up_for_the_other() {
    // The layer adds both products, so that its own equation holds; the triples are what notices.
    for first in [0, 6, plan().pairs().len() - 2] {
        let found = broken(|witness| {
            add(witness, plan().product(first), lies()[0]);
            add(witness, plan().product(first + 1), -lies()[0]);
        });
        assert_eq!(found, [Broken::Product(first), Broken::Product(first + 1)]);
    }
}

#[test]
fn a_triple_that_does_not_multiply_is_noticed() {
    for pair in (0..plan().pairs().len()).step_by(5) {
        let Triple { a, b, c } = plan().triple(pair);
        for part in [a, b, c] {
            assert_eq!(broken(|witness| add(witness, part, K::ONE)), [Broken::Product(pair)]);
        }
    }
}

#[test]
fn a_triple_committed_that_is_not_the_one_used_is_noticed() {
    for pair in [0, 9] {
        let Triple { a, b, c } = plan().triple(pair);
        let committed = |part: usize| broken(|witness| commit(witness, part, witness.secrets[part] + lies()[1]));
        assert_eq!(committed(a), [Broken::FirstFactor(pair), Broken::Product(pair)]);
        assert_eq!(committed(b), [Broken::SecondFactor(pair), Broken::Product(pair)]);
        assert_eq!(committed(c), [Broken::Product(pair)]);
    }
}

#[test]
fn secrets_and_masks_of_zero_are_the_same_protocol() {
    let found = broken(|witness| {
        witness.secrets.fill(K::ZERO);
        (0..plan().num_secrets()).for_each(|index| commit(witness, index, K::ZERO));
        witness.masks.cells.fill(F::ZERO);
        witness.masks.blinding.fill(K::ZERO);
        let used = FORGER.relation().num_cells();
        witness.cells[used..].fill(F::ZERO);
        for (pixel, value) in [F::ONE, F::ZERO, F::ZERO].into_iter().enumerate() {
            witness.cells[FORGER.cell(spare(FORGER.relation()), 0, pixel)] = value;
        }
    });
    assert_eq!(found, []);
}

#[test]
fn any_spare_denominator_but_zero_is_accepted() {
    for value in [F::ONE, -F::TWO] {
        let cell = FORGER.cell(spare(FORGER.relation()), 0, 1);
        assert_eq!(broken(|witness| witness.cells[cell] = value), []);
    }
}
