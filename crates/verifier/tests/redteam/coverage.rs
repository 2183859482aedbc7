//! Each cell in use has a weight in the final claim, and no other address has.

use p3_field::PrimeCharacteristicRing;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use verinfer_graph::Graph;
use verinfer_prover::{Execution, Prover, Witness};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::field::{F, K};
use verinfer_relation::layout::EqWeights;
use verinfer_relation::relation::{Leaf, Role};
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::transcript::VerifierTranscript;
use verinfer_verifier::{Reduction, reduce};

use crate::network::{input, network};

fn batch(images: usize) -> Vec<i16> {
    (0..images as i16).flat_map(|i| input().into_iter().map(move |v| (v + 128 + 31 * i) % 256 - 128)).collect()
}

fn covered(graph: &Graph, images: usize, output: OutputForm, labels: &[u32]) {
    let setting = Setting { weights: Some(Envelope::of(graph).unwrap()), hidden_input: true, output };
    let prover = Prover::showing_scales(graph.clone(), images, &setting).unwrap();
    let relation = prover.relation();
    let input = batch(images);
    let execution = Execution { input: &input, labels, ..Execution::default() };
    let witness = Witness::of(graph, relation, &execution, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let cells = witness.cells.clone();
    let statement = prover.statement(&witness, &input, b"", 24);
    let proof = prover.prove_statement(statement.clone(), witness, &|_| ()).unwrap().proof;
    let architecture = graph.without_learned();
    let relation = verinfer_relation::Relation::with_setting(&architecture, images, &setting).unwrap();
    let mut transcript = VerifierTranscript::new(statement.transcript(), &proof.body);
    let Reduction { functional, leaves, target, .. } = reduce(&mut transcript, &architecture, &relation, &statement).unwrap();
    let layout = &relation.layout;
    let mut used = vec![None; cells.len()];
    for (column, placement) in relation.columns.iter().zip(layout.placements()) {
        let mut count = 0;
        for chunk in &placement.chunks {
            for cell in &mut used[chunk.first_cell(0)..chunk.first_cell(placement.channels)] {
                assert!(cell.is_none(), "two columns share a cell");
                *cell = Some(column.role);
                count += 1;
            }
        }
        assert_eq!(count, column.channels * column.pixels, "{:?}", column.role);
        // Everything that is committed to is a byte by a lookup of the cell itself.
        if matches!(
            column.role,
            Role::Digests(_)
                | Role::Salt(_)
                | Role::Weights
                | Role::WeightZeroPoint
                | Role::Multiplier(_)
                | Role::Constant(_)
                | Role::SignFactor(_)
                | Role::Addends(_)
                | Role::Input
                | Role::Label(_)
        ) {
            let Leaf::Lookup { table, values } = &column.leaf else { panic!() };
            let table = &relation.tables[table.0];
            assert!(values.len() == 1 && table.first == 0 && table.len <= 256 && !table.has_output());
        }
    }
    // The weights at the corners of the hypercube: eq(address, .) for all addresses at once would be the same.
    let mut sum = K::ZERO;
    let (mut gaps, mut zero) = (0, Vec::new());
    for (address, &cell) in cells.iter().enumerate() {
        let point: Vec<K> = (0..layout.log_cells()).map(|bit| K::from(F::from_usize(address >> bit & 1))).collect();
        let weight = functional.evaluate(layout, &leaves, &EqWeights::new(&point));
        sum += weight * cell;
        match used[address] {
            // The cell of a lookup of others' cells alone: a leaf needs an address.
            Some(Role::Count) => {}
            Some(role) if weight == K::ZERO => zero.push((address, role)),
            None if weight != K::ZERO => panic!("address {address} is in no column, but read"),
            None => gaps += 1,
            Some(_) => {}
        }
    }
    println!("{} cells of {}, {gaps} unused, {} in use without weight", layout.num_cells(), cells.len(), zero.len());
    assert_eq!(sum, target);
    assert!(zero.is_empty(), "{zero:?}");
}

#[test]
fn every_cell_is_read_and_no_gap_is() {
    let graph = network(|nodes| nodes.truncate(2));
    covered(&graph, 1, OutputForm::Committed, &[]);
    covered(&graph, 3, OutputForm::Committed, &[]);
}

#[test]
fn every_cell_of_a_predicate_is_read() {
    let graph = network(|_| ());
    covered(&graph, 3, OutputForm::Correct { k: 6, count: 3 }, &[0, 5, 2]);
}
