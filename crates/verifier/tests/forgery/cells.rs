//! A prover that runs the argument on a false witness.
//!
//! It has a choice for the leaves of the lookup argument. If they stay those of the true execution, the fractions sum to zero, but the leaves,
//! the activations or the output are not the committed cells'. If they follow the cells, some leaf is no row and the fractions do not sum to zero.

use p3_field::PrimeCharacteristicRing;
use proptest::prelude::*;
use verinfer_graph::{TensorId, run_observed};
use verinfer_prover::Witness;
use verinfer_relation::field::{F, K, from_signed};
use verinfer_relation::layout::ColumnId;
use verinfer_relation::masks::{MaskPlan, Triple};
use verinfer_relation::relation::{Leaf, Recipe, RequantizeRecipe, Role};
use verinfer_relation::statement::Statement;
use verinfer_verifier::VerifyError;

use crate::forger::{FORGER, Forger, output_mut, shown_input, shown_output, signed};
use crate::hidden::forgers;
use crate::network::LAST;
use crate::unmasked::{Broken, commitments_hold, committed_secrets};

/// A wrong cell: its column, channel, pixel and new value less the old.
type Edit = (ColumnId, usize, usize, i64);

fn edited(edits: &[Edit]) -> Witness {
    let mut witness = FORGER.witness.clone();
    for &(column, channel, pixel, change) in edits {
        witness.cells[FORGER.cell(column, channel, pixel)] += from_signed(change);
    }
    witness
}

/// What a prover breaks whose leaves have stayed true: nothing but claims on cells.
fn of_cells(statement: Statement, witness: Witness) -> Vec<Broken> {
    let broken = FORGER.broken(statement, witness);
    assert!(broken.iter().all(|equation| [Broken::Leaves, Broken::Inputs, Broken::Output].contains(equation)), "{broken:?}");
    broken
}

/// Both provers are rejected as the header says. Returns the names of the tables of the strays.
fn rejected(edits: &[Edit]) -> Vec<&'static str> {
    let statement = &FORGER.statement;
    let mut witness = edited(edits);
    assert!(!FORGER.holds(statement, &witness), "{edits:?} is another true witness");
    assert_ne!(of_cells(statement.clone(), witness.clone()), [], "{edits:?}");
    let strays = FORGER.follow_cells(statement, &mut witness);
    // The leaves are the cells', but the linear layers still read the true activations, and the output is the true one.
    let mut broken = FORGER.broken(statement.clone(), witness);
    broken.retain(|equation| ![Broken::Inputs, Broken::Output, Broken::Leaves].contains(equation));
    assert_eq!(broken, [Broken::sum(&FORGER)], "{edits:?}");
    strays.into_iter().map(|table| FORGER.relation().tables[table.0].name.as_str()).collect()
}

#[test]
fn one_wrong_cell_of_any_column_is_rejected() {
    let mut roles = Vec::new();
    for (index, column) in FORGER.relation().columns.iter().enumerate() {
        if matches!(column.leaf, Leaf::Multiplicity(_) | Leaf::Spare) || column.role == Role::Secrets {
            continue;
        }
        rejected(&[(ColumnId(index), column.channels / 2, column.pixels / 2, 1)]);
        roles.push(std::mem::discriminant(&column.role));
    }
    let all = [Role::Output, Role::Limb(0), Role::Sign, Role::Addend(0), Role::Square(0), Role::Running(0), Role::Copy(TensorId(0))];
    for role in all {
        assert!(roles.contains(&std::mem::discriminant(&role)), "the network has no {role:?}");
    }
}

#[test]
fn a_remainder_too_large_is_noticed_by_the_range_table_alone_where_key_and_output_make_up_for_it() {
    // The last layer's output less one, its remainder more by as much: the highest limb is out of range, all else is as it should be.
    let mut statement = FORGER.statement.clone();
    let index = inner_output(shown_output(&statement));
    output_mut(&mut statement).values[index] -= 1;
    let recipe = last_recipe();
    let limb = recipe.limbs[recipe.limbs.len() - 1];
    let bits = recipe.shift / recipe.limbs.len();
    let mut witness = edited(&[(recipe.output, index, 0, -1), (limb, index, 0, 1 << bits)]);
    assert_eq!(of_cells(statement.clone(), witness.clone()), [Broken::Leaves]);
    let strays = FORGER.follow_cells(&statement, &mut witness);
    assert_eq!(strays.iter().map(|table| FORGER.relation().tables[table.0].name.as_str()).collect::<Vec<_>>(), ["range"]);
    assert_eq!(FORGER.broken(statement.clone(), witness.clone()), [Broken::sum(&FORGER)]);
    // Instead of the stray the remainder that there would be modulo the limb's size.
    for (&cell, tuple) in &std::mem::take(&mut witness.tuples) {
        witness.rows[cell] = (signed(tuple[0]) as u32) & ((1 << bits) - 1);
    }
    witness.count(FORGER.relation());
    assert_eq!(of_cells(statement, witness), [Broken::Leaves]);
}

#[test]
fn a_negative_limb_is_noticed_by_the_range_table_alone_where_the_next_makes_up_for_it() {
    let recipe = last_recipe();
    assert!(recipe.limbs.len() > 1);
    let bits = recipe.shift / recipe.limbs.len();
    let next = FORGER.witness.cells[FORGER.cell(recipe.limbs[1], 0, 0)];
    assert_ne!(signed(next) + 1, 1 << bits);
    assert_eq!(rejected(&[(recipe.limbs[0], 0, 0, -(1 << bits)), (recipe.limbs[1], 0, 0, 1)]), ["range"]);
}

#[test]
fn a_limb_out_of_range_is_rejected() {
    let recipe = last_recipe();
    for change in [1 << (recipe.shift / recipe.limbs.len()), 1 << 40, -(1 << 30)] {
        rejected(&[(recipe.limbs[0], 3, 0, change)]);
    }
}

#[test]
fn an_output_beyond_its_clamp_is_rejected() {
    let column = FORGER.column(LAST, Role::Output);
    for beyond in [-21, 128, 200, -200] {
        let value = FORGER.witness.cells[FORGER.cell(column, 1, 0)];
        rejected(&[(column, 1, 0, beyond - signed(value))]);
    }
}

#[test]
fn a_wrong_sign_with_the_limbs_and_the_key_that_belong_to_it_is_noticed_by_the_clamp() {
    let Recipe::Requantize(recipe) = &FORGER.relation().recipes[0] else { panic!("a convolution") };
    let (sign, rescaling) = (recipe.sign.unwrap(), recipe.rescaling.as_ref().unwrap());
    let accumulators = first_accumulators();
    let mut tried = 0;
    for (pixel, accumulators) in accumulators.chunks_exact(4).enumerate().step_by(5) {
        for (channel, &acc) in accumulators.iter().enumerate() {
            let split = recipe.split(rescaling, channel, i64::from(acc));
            let sign_factor = if split.sign { 0 } else { rescaling.sign_factors[channel] };
            let value = rescaling.multipliers[channel] * i64::from(acc) + rescaling.constants[channel] - sign_factor;
            let remainder = value.rem_euclid(1 << recipe.shift);
            let bits = recipe.shift / recipe.limbs.len();
            let limb = |remainder: i64, index: usize| remainder >> (bits * index) & ((1 << bits) - 1);
            let mut edits = vec![(sign, channel, pixel, if split.sign { -1 } else { 1 })];
            for (index, &column) in recipe.limbs.iter().enumerate() {
                edits.push((column, channel, pixel, limb(remainder, index) - limb(split.remainder, index)));
            }
            assert_eq!(rejected(&edits), ["sign"]);
            tried += 1;
        }
        if tried >= 12 {
            return;
        }
    }
}

#[test]
fn a_sign_that_is_no_bit_is_rejected() {
    let sign = FORGER.column(0, Role::Sign);
    for change in [2, -1, 1 << 33] {
        rejected(&[(sign, 2, 9, change)]);
    }
}

#[test]
fn two_tensors_exchanged_are_rejected() {
    let (a, b) = (FORGER.column(1, Role::Output), FORGER.column(2, Role::Output));
    let mut edits = Vec::new();
    for channel in 0..4 {
        for pixel in 0..9 {
            let at = |column| signed(FORGER.witness.cells[FORGER.cell(column, channel, pixel)]);
            edits.extend([(a, channel, pixel, at(b) - at(a)), (b, channel, pixel, at(a) - at(b))]);
        }
    }
    rejected(&edits);
}

#[test]
fn a_changed_multiplicity_is_rejected() {
    for (index, column) in FORGER.relation().columns.iter().enumerate() {
        let Leaf::Multiplicity(_) = column.leaf else { continue };
        for change in [1, -1, 1 << 40] {
            let witness = edited(&[(ColumnId(index), 0, column.pixels / 2, change)]);
            assert_eq!(FORGER.broken(FORGER.statement.clone(), witness), [Broken::sum(&FORGER)]);
        }
    }
}

#[test]
fn a_multiplicity_moved_to_the_next_row_is_rejected() {
    let column = FORGER.relation().columns.iter().position(|column| matches!(column.leaf, Leaf::Multiplicity(_))).unwrap();
    let witness = edited(&[(ColumnId(column), 0, 0, -1), (ColumnId(column), 0, 1, 1)]);
    assert_eq!(FORGER.broken(FORGER.statement.clone(), witness), [Broken::sum(&FORGER)]);
}

#[test]
fn multiplicities_cannot_pay_for_a_stray_however_they_are_chosen() {
    let recipe = last_recipe();
    let mut witness = edited(&[(recipe.output, 2, 0, 1)]);
    let mut statement = FORGER.statement.clone();
    output_mut(&mut statement).values[2] += 1;
    FORGER.follow_cells(&statement, &mut witness);
    for (index, column) in FORGER.relation().columns.iter().enumerate() {
        if let Leaf::Multiplicity(_) = column.leaf {
            let cell = FORGER.cell(ColumnId(index), 0, 0);
            witness.cells[cell] += F::ONE;
        }
    }
    assert_eq!(FORGER.broken(statement, witness), [Broken::sum(&FORGER)]);
}

#[test]
fn activations_of_the_linear_layers_other_than_the_committed_ones_are_rejected() {
    // The cells are true; the prover lies about what the convolutions read.
    for tensor in [0, 1, 9] {
        let mut witness = FORGER.witness.clone();
        witness.tensors[tensor][3] ^= 1;
        if tensor == 9 {
            witness.tensors[10][3] ^= 1;
        }
        let found = of_cells(FORGER.statement.clone(), witness);
        assert_eq!(found, [Broken::Leaves, Broken::Inputs]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_checker_refuses_the_verifier_rejects(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![-3i64..=3, any::<i32>().prop_map(i64::from)]), 1..5),
        follow in any::<bool>(),
    ) {
        agree(&FORGER, &edits, follow)?;
    }

    #[test]
    fn what_the_checker_refuses_the_verifier_rejects_where_it_is_hidden(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![-3i64..=3, any::<i32>().prop_map(i64::from)]), 1..4),
        setting in 0usize..6,
        follow in any::<bool>(),
    ) {
        agree(forgers()[setting].1, &edits, follow)?;
    }
}

/// The verifier accepts exactly if the checker does and products and commitments are what they should be, or if the changed cells are not even those
/// that the argument was made for.
fn agree(forger: &Forger, edits: &[(prop::sample::Index, i64)], follow: bool) -> Result<(), TestCaseError> {
    let relation = forger.relation();
    let mut witness = forger.witness.clone();
    for (cell, change) in edits {
        let cell = cell.index(relation.num_cells());
        witness.cells[cell] += from_signed(*change);
    }
    let statement = forger.statement.clone();
    let secrets = committed_secrets(relation, &witness.cells);
    let holds = forger.holds(&statement, &witness)
        && products_hold(&relation.masks, &secrets)
        && commitments_hold(relation, &statement, &witness.cells);
    if follow {
        let multiplicities = witness.cells.clone();
        forger.follow_cells(&statement, &mut witness);
        witness.cells = multiplicities;
        witness.secrets = secrets;
    }
    let file = forger.prove(statement, witness).proof.encode();
    match forger.verify(&file) {
        Ok(_) => prop_assert!(
            holds,
            "accepted: {:?}",
            edits.iter().map(|(cell, change)| (cell.index(relation.num_cells()), change)).collect::<Vec<_>>()
        ),
        Err(error) => {
            prop_assert!(!holds || !follow, "{error}");
            prop_assert_eq!(error, VerifyError::CombinedClaim);
        }
    }
    Ok(())
}

#[test]
fn cells_after_those_in_use_may_be_anything() {
    let mut witness = FORGER.witness.clone();
    witness.cells[FORGER.relation().num_cells()..].iter_mut().enumerate().for_each(|(i, cell)| *cell += F::from_usize(i * i + 1));
    assert_eq!(FORGER.broken(FORGER.statement.clone(), witness), []);
}

/// Whether products of pads and of triples are products.
fn products_hold(plan: &MaskPlan, secrets: &[K]) -> bool {
    plan.pairs().iter().enumerate().all(|(pair, &(x, y))| {
        let Triple { a, b, c } = plan.triple(pair);
        secrets[plan.product(pair)] == secrets[x] * secrets[y] && secrets[c] == secrets[a] * secrets[b]
    })
}

fn last_recipe() -> &'static RequantizeRecipe {
    let Recipe::Requantize(recipe) = &FORGER.relation().recipes[LAST] else { panic!("a convolution") };
    recipe
}

/// An output strictly within its clamp.
fn inner_output(values: &[i16]) -> usize {
    values.iter().position(|&value| -19 < value && value < 127).unwrap()
}

/// Accumulators of the first convolution.
fn first_accumulators() -> Vec<i32> {
    let mut found = Vec::new();
    run_observed(FORGER.graph, shown_input(&FORGER.statement), &mut |node, accumulators, _| {
        if node.0 == 0 {
            found = accumulators.unwrap().to_vec();
        }
    })
    .unwrap();
    found
}
