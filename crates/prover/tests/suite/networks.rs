//! Random networks: the witness satisfies the relation, the proof is accepted, the output is the interpreter's.

use proptest::prelude::*;
use verinfer_graph::{Graph, run};
use verinfer_prover::{Prover, Witness};
use verinfer_relation::Relation;
use verinfer_relation::check::{Assignment, check};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::learned::Learned;
use verinfer_relation::setting::Setting;
use verinfer_verifier::{Expectations, Verifier};

use crate::random::{Rng, descriptions, generator, random_input};

const CHECKED: u32 = 600;
const PROVED: u32 = 40;

proptest! {
    #![proptest_config(ProptestConfig { cases: CHECKED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_witness_satisfies_its_relation(description in descriptions(5), seed in any::<u64>()) {
        if let Some(graph) = description.graph() {
            let mut rng = Rng::new(seed);
            for _ in 0..3 {
                check_witness(&graph, &random_input(&graph, &mut rng))?;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: PROVED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_proof_is_accepted(description in descriptions(6), seed in any::<u64>()) {
        if let Some(graph) = description.graph() {
            let input = random_input(&graph, &mut Rng::new(seed));
            let prover = Prover::new(&graph).unwrap();
            let proved = prover.prove(&input, b"random", 100, &|_| ()).unwrap();
            let expectations = Expectations { security_level: 100, context: b"random", input: Some(&input) };
            let accepted = Verifier::new(&graph).unwrap().verify(&proved.proof.encode(), &expectations);
            prop_assert!(accepted.is_ok(), "{:?}", accepted.err());
            let output = &run(&graph, &input).unwrap().tensors[graph.output().0];
            prop_assert_eq!(&accepted.unwrap().statement.output.values, output);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CHECKED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_witness_with_hidden_weights_and_input_satisfies_its_relation(description in descriptions(5), seed in any::<u64>()) {
        if let Some(graph) = description.graph()
            && let Some(setting) = hidden(&graph)
        {
            let input = random_input(&graph, &mut Rng::new(seed));
            check_witness_of(&Relation::with_setting(&graph, &setting).unwrap(), &graph, &input)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: PROVED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_proof_with_hidden_weights_is_accepted(description in descriptions(6), seed in any::<u64>()) {
        if let Some(graph) = description.graph()
            && let Some(setting) = hidden(&graph)
        {
            let input = random_input(&graph, &mut Rng::new(seed));
            let prover = Prover::with_setting(&graph, &setting).unwrap();
            let proved = prover.prove(&input, b"random", 100, &|_| ()).unwrap();
            let expectations = Expectations { security_level: 100, context: b"random", input: Some(&input) };
            let accepted = Verifier::with_setting(&graph, &setting).unwrap().verify(&proved.proof.encode(), &expectations);
            prop_assert!(accepted.is_ok(), "{:?}", accepted.err());
        }
    }
}

/// Everything hidden, if the network's constants fit.
fn hidden(graph: &Graph) -> Option<Setting> {
    let setting = Setting { weights: Some(Envelope::of(graph).ok()?), hidden_input: true };
    let relation = Relation::with_setting(graph, &setting).ok()?;
    Learned::new(graph, &relation).ok().map(|_| setting)
}

fn check_witness(graph: &Graph, input: &[i16]) -> Result<(), TestCaseError> {
    check_witness_of(&Relation::new(graph).unwrap(), graph, input)
}

fn check_witness_of(relation: &Relation, graph: &Graph, input: &[i16]) -> Result<(), TestCaseError> {
    let witness = Witness::new(graph, relation, input, &mut generator()).unwrap();
    let output = &run(graph, input).unwrap().tensors[graph.output().0];
    let report = check(graph, relation, &Assignment { cells: &witness.cells, input, output });
    prop_assert!(report.is_ok(), "{}\n{:#?}", report.unwrap_err(), graph.nodes());
    Ok(())
}
