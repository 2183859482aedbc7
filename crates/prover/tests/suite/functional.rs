//! The verifier's evaluation of the combined claim is the sum over all cells of what the claim weights them with.

use proptest::prelude::*;
use verinfer_graph::Graph;
use verinfer_prover::Prover;
use verinfer_relation::Relation;
use verinfer_relation::commitment::Weights;
use verinfer_relation::eq::{eq_index, eq_table};
use verinfer_relation::field::K;
use verinfer_relation::functional::{CommitmentPart, Functional};
use verinfer_relation::layout::{ColumnId, EqWeights};
use verinfer_relation::relation::Location;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::statement::{Proof, Statement};
use verinfer_relation::transcript::{Transcript, VerifierTranscript};
use verinfer_verifier::reduce;

use p3_field::PrimeCharacteristicRing;

use crate::networks::{hidden, random_batch};
use crate::random::descriptions;

const CASES: u32 = 60;

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_evaluation_is_the_sum_over_all_cells(description in descriptions(6), images in 1usize..=3, seed in any::<u64>()) {
        if let Some(graph) = description.graph() {
            let input = random_batch(&graph, images, seed);
            compare(&graph, images, &input, &Setting::default())?;
            if let Some(setting) = hidden(&graph) {
                compare(&graph, images, &input, &setting)?;
                compare(&graph, images, &input, &Setting { output: OutputForm::Committed, ..setting })?;
            }
        }
    }
}

fn compare(graph: &Graph, images: usize, input: &[i16], setting: &Setting) -> Result<(), TestCaseError> {
    let Ok(prover) = Prover::showing_scales(graph.clone(), images, setting) else { return Ok(()) };
    let Proof { statement, body } = prover.prove(input, b"", 32, &|_| ()).unwrap().proof;
    let relation = prover.relation();
    let mut transcript = VerifierTranscript::new(Statement::transcript(&statement), &body);
    let reduction = reduce(&mut transcript, graph, relation, &statement).unwrap();
    let point = Transcript::new().challenges("at", relation.layout.log_cells());
    let weights = written(relation, &reduction.functional, &reduction.leaves);
    let expected: K = weights.iter().zip(eq_table(&point, weights.len())).map(|(&weight, eq)| weight * eq).sum();
    let found = reduction.functional.evaluate(&relation.layout, &reduction.leaves, &EqWeights::new(&point));
    prop_assert_eq!(found, expected, "{:#?}", graph.nodes());
    Ok(())
}

/// The weight of every cell.
pub fn written(relation: &Relation, functional: &Functional, leaves: &EqWeights) -> Vec<K> {
    let mut cells = vec![K::ZERO; relation.layout.num_stored()];
    let mut add = |column: ColumnId, channel: usize, pixel: usize, weight: K| {
        let chunks = &relation.layout.placement(column).chunks;
        let chunk = chunks.iter().find(|chunk| chunk.pixels().contains(&pixel)).unwrap();
        cells[chunk.first_cell(channel) + pixel - chunk.first_pixel] += weight;
    };
    for &(column, scale) in &functional.columns {
        let placement = relation.layout.placement(column);
        for (channel, pixel) in (0..placement.channels).flat_map(|channel| (0..placement.pixels).map(move |pixel| (channel, pixel))) {
            let chunk = placement.chunks.iter().find(|chunk| chunk.pixels().contains(&pixel)).unwrap();
            let cell = chunk.first_cell(channel) + pixel - chunk.first_pixel;
            add(column, channel, pixel, scale * eq_index(leaves.point(), cell));
        }
    }
    for product in &functional.products {
        let Location::Column(column) = product.location else { continue };
        product.pixels.read(leaves, |pixels| {
            for (channel, &weight) in product.channels.iter().enumerate() {
                for (pixel, &value) in (pixels.first..).zip(&pixels.values) {
                    add(column, channel, pixel, product.scale * weight * value);
                }
            }
        });
    }
    for dense in &functional.dense {
        let Location::Column(column) = dense.location else { continue };
        let channels = relation.column(column).channels;
        for (element, &weight) in (dense.first..).zip(&dense.weights) {
            add(column, element % channels, element / channels, weight);
        }
    }
    for CommitmentPart { scale, check, bases } in &functional.commitments {
        let weights: Weights = check.weights();
        let len = weights.num_values();
        weights.add_values(*scale, 0, &mut cells[bases.values..][..len]);
        for (base, part) in [(bases.digests, &weights.digests), (bases.salt, &weights.salt)] {
            for (cell, &weight) in cells[base..].iter_mut().zip(part) {
                *cell += *scale * weight;
            }
        }
    }
    cells
}
