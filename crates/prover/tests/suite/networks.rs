//! Random networks: the witness satisfies the relation, the proof is accepted, the output is the interpreter's.

use proptest::prelude::*;
use verinfer_graph::{Graph, Reach, run};
use verinfer_prover::{Prover, Witness};
use verinfer_relation::Relation;
use verinfer_relation::check::{Assignment, check};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::learned::Learned;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_verifier::{Expectations, ExpectedInput, Verifier};

use crate::random::{Rng, descriptions, generator, random_input};

const CHECKED: u32 = 600;
const PROVED: u32 = 40;
const BATCHES_CHECKED: u32 = 300;
const BATCHES_PROVED: u32 = 20;

proptest! {
    #![proptest_config(ProptestConfig { cases: CHECKED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_witness_satisfies_its_relation(description in descriptions(5), seed in any::<u64>()) {
        if let Some(graph) = description.graph() {
            let mut rng = Rng::new(seed);
            for _ in 0..3 {
                check_witness(&graph, 1, &random_input(&graph, &mut rng))?;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CHECKED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_output_is_outside_of_what_a_network_can_reach(description in descriptions(6), seed in any::<u64>()) {
        if let Some(graph) = description.graph() {
            let channels = graph.spec(graph.output()).shape.channels;
            let elements = |reach: &Reach| (0..channels).map(|channel| reach.channel(channel)).collect::<Vec<_>>();
            // With these learned values, with any, and with any that a proof can be about.
            let mut reached = vec![elements(&Reach::of(&graph)), elements(&Reach::of_architecture(&graph.without_learned(), &|_| None))];
            // What stands for all of a tensor from some node on, or from the first, contains what would be told apart.
            for hidden in [false, true] {
                let [coarse, mixed] = [0, 1 << 12].map(|bytes| elements(&Reach::within(&graph, hidden, bytes)));
                for (coarse, fine) in coarse.iter().zip(&reached[usize::from(hidden)]) {
                    prop_assert!(fine.values.iter().all(|value| coarse.values.contains(value)), "{fine:?} in {coarse:?}");
                }
                reached.extend([coarse, mixed]);
            }
            if let Ok(envelope) = Envelope::of(&graph) {
                let setting = Setting { weights: Some(envelope), ..Setting::default() };
                let relation = Relation::with_setting(&graph, 1, &setting).ok().filter(|relation| Learned::new(&graph, relation).is_ok());
                reached.extend(relation.map(|relation| elements(&relation.reach(&graph))));
            }
            let mut rng = Rng::new(seed);
            let outputs: Vec<_> = (0..8).map(|_| run(&graph, &random_input(&graph, &mut rng)).unwrap().tensors.swap_remove(graph.output().0)).collect();
            for elements in &reached {
                for (channel, element) in elements.iter().enumerate() {
                    for (output, first) in outputs.iter().zip(std::iter::repeat(&outputs[0])) {
                        for (value, first) in output.iter().zip(first).skip(channel).step_by(channels) {
                            prop_assert!(element.values.contains(*value), "channel {channel}: {value}");
                            prop_assert!(element.influence.input || value == first, "channel {channel}: {value} and {first}");
                        }
                    }
                }
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
            let prover = Prover::new(graph.clone()).unwrap();
            let proved = prover.prove(&input, b"random", 100, &|_| ()).unwrap();
            let expectations = Expectations { security_level: 100, context: b"random".to_vec(), input: ExpectedInput::Shown(input.to_vec()), ..Expectations::default() };
            let accepted = Verifier::new(graph.clone()).unwrap().verify(&proved.proof.encode(), &expectations);
            prop_assert!(accepted.is_ok(), "{:?}", accepted.err());
            let output = &run(&graph, &input).unwrap().tensors[graph.output().0];
            prop_assert_eq!(&accepted.unwrap().statement.output.shown().unwrap().values.clone(), output);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: BATCHES_CHECKED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_witness_of_a_batch_satisfies_its_relation(description in descriptions(5), images in sizes(), seed in any::<u64>()) {
        if let Some(graph) = description.graph() {
            check_witness(&graph, images, &random_batch(&graph, images, seed))?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: BATCHES_PROVED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_proof_of_a_batch_is_accepted(description in descriptions(6), images in sizes(), seed in any::<u64>()) {
        if let Some(graph) = description.graph() {
            let input = random_batch(&graph, images, seed);
            let proved = Prover::showing_scales(graph.clone(), images, &Setting::default()).unwrap().prove(&input, b"random", 100, &|_| ()).unwrap();
            let expectations = Expectations { security_level: 100, context: b"random".to_vec(), input: ExpectedInput::Shown(input.to_vec()), ..Expectations::default() };
            let accepted = Verifier::new(graph.clone()).unwrap().verify(&proved.proof.encode(), &expectations);
            prop_assert!(accepted.is_ok(), "{images} images: {:?}", accepted.err());
            let statement = accepted.unwrap().statement;
            prop_assert_eq!(statement.images as usize, images);
            prop_assert_eq!(statement.output.shown().unwrap().values.clone(), outputs(&graph, &input));
        }
    }
}

/// Numbers of images.
fn sizes() -> impl Strategy<Value = usize> {
    proptest::sample::select(vec![1, 2, 3, 5])
}

pub fn random_batch(graph: &Graph, images: usize, seed: u64) -> Vec<i16> {
    let mut rng = Rng::new(seed);
    (0..images).flat_map(|_| random_input(graph, &mut rng)).collect()
}

/// What the interpreter gives, image after image.
fn outputs(graph: &Graph, input: &[i16]) -> Vec<i16> {
    let images = input.chunks_exact(graph.spec(graph.input()).shape.num_elements());
    images.flat_map(|input| run(graph, input).unwrap().tensors.swap_remove(graph.output().0)).collect()
}

fn check_witness(graph: &Graph, images: usize, input: &[i16]) -> Result<(), TestCaseError> {
    check_witness_of(&Relation::with_setting(graph, images, &Setting::default()).unwrap(), graph, input)
}

fn check_witness_of(relation: &Relation, graph: &Graph, input: &[i16]) -> Result<(), TestCaseError> {
    let witness = Witness::new(graph, relation, input, &mut generator()).unwrap();
    let output = &outputs(graph, input);
    let report = check(graph, relation, &Assignment { cells: &witness.cells, input, output });
    prop_assert!(report.is_ok(), "{}\n{:#?}", report.unwrap_err(), graph.nodes());
    Ok(())
}

/// Everything hidden, if the network's constants fit.
pub fn hidden(graph: &Graph) -> Option<Setting> {
    let setting = Setting { weights: Some(Envelope::of(graph).ok()?), hidden_input: true, output: OutputForm::Shown };
    let relation = Relation::with_setting(graph, 1, &setting).ok()?;
    Learned::new(graph, &relation).ok().map(|_| setting)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CHECKED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_witness_with_hidden_weights_and_input_satisfies_its_relation(
        description in descriptions(5),
        images in sizes(),
        seed in any::<u64>(),
    ) {
        if let Some(graph) = description.graph()
            && let Some(setting) = hidden(&graph)
        {
            let relation = Relation::with_setting(&graph, images, &setting).unwrap();
            check_witness_of(&relation, &graph, &random_batch(&graph, images, seed))?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: PROVED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_proof_with_hidden_weights_is_accepted_by_who_knows_the_architecture_and_commitments(
        description in descriptions(6),
        images in sizes(),
        hidden_input in any::<bool>(),
        hidden_output in any::<bool>(),
        seed in any::<u64>(),
    ) {
        if let Some(graph) = description.graph()
            && let Some(setting) = hidden(&graph)
        {
            let output = if hidden_output { OutputForm::Committed } else { OutputForm::Shown };
            let setting = Setting { hidden_input, output, ..setting };
            let input = random_batch(&graph, images, seed);
            let prover = Prover::showing_scales(graph.clone(), images, &setting).unwrap();
            let witness = Witness::new(&graph, prover.relation(), &input, &mut generator()).unwrap();
            let statement = prover.statement(&witness, &input, b"random", 100);
            let commitment = *statement.commitment(ObjectKind::Model).unwrap();
            let inputs: Vec<_> = (0..images).filter_map(|image| statement.commitment(ObjectKind::Input(image)).cloned()).collect();
            let proved = prover.prove_statement(statement, witness, &|_| ()).unwrap();
            let architecture = graph.without_learned();
            let envelope = setting.weights.unwrap();
            let verifier = Verifier::hidden(architecture.clone(), envelope, commitment, 1, &Setting::default()).unwrap();
            let expected = if hidden_input { ExpectedInput::Hidden(inputs.to_vec()) } else { ExpectedInput::Shown(input.to_vec()) };
            // Random networks may have clamps and tables that leave nothing of the input.
            let expectations =
                Expectations { security_level: 100, context: b"random".to_vec(), input: expected, allow_degenerate: true, ..Expectations::default() };
            let accepted = verifier.verify(&proved.proof.encode(), &expectations);
            prop_assert!(accepted.is_ok(), "{:?}", accepted.err());
        }
    }
}
