//! True proofs that do not say what was demanded of the outputs, or are about too many images.

use verinfer_graph::{DataType, Graph, Lookup, Node, Op, Shape, TensorId, TensorSpec};
use verinfer_prover::{Execution, Prover};
use verinfer_relation::commitment::Commitment;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{Predicate, Setting};
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, PublicTensor, Statement};
use verinfer_verifier::{Accepted, Expectations, ExpectedOutput, OutputKind, Verifier, VerifyError};

use crate::forger::{CONTEXT, EXPECTATIONS, Forger, LEVEL};
use crate::hidden::{AT_LEAST, CLASSES, COMMITTED, CORRECT, DECIDED, HIDDEN, IMAGES, PREDICATE, RANK, SMALL, forgers, labels, ranked};

fn verify(forger: &Forger, expectations: &Expectations) -> Result<Accepted, VerifyError> {
    let file = forger.prove(forger.statement.clone(), forger.witness.clone()).proof.encode();
    forger.verifier.verify(&file, expectations)
}

/// Why a true proof is not what was demanded.
fn verdict(forger: &Forger, output: ExpectedOutput) -> Result<(), VerifyError> {
    verify(forger, &Expectations { output, ..EXPECTATIONS.clone() }).map(|_| ())
}

/// The commitments to outputs or labels.
fn commitments(statement: &Statement) -> Vec<Commitment> {
    match &statement.output {
        OutputClaim::Hidden(commitments) | OutputClaim::Correct { labels: commitments, .. } => commitments.clone(),
        OutputClaim::Shown(_) | OutputClaim::Rank { .. } | OutputClaim::AtLeast { .. } | OutputClaim::Decided { .. } => Vec::new(),
    }
}

#[test]
fn each_form_is_accepted_where_it_or_what_follows_from_it_is_demanded_and_nowhere_else() {
    let (outputs, hidden_labels, labels) = (commitments(&COMMITTED.statement), commitments(&CORRECT.statement), labels());
    let demands = [
        (OutputKind::Shown, ExpectedOutput::Shown),
        (OutputKind::Committed, ExpectedOutput::Committed(outputs.to_vec())),
        (OutputKind::Rank, ExpectedOutput::Rank { labels: labels.to_vec(), k: 2 }),
        (OutputKind::AtLeast, ExpectedOutput::AtLeast { class: 2, value: -20 }),
        (OutputKind::Correct, ExpectedOutput::Correct { labels: hidden_labels.to_vec(), k: 1, count: 1 }),
        (OutputKind::Decided, ExpectedOutput::Decided(PREDICATE)),
    ];
    for ((name, forger), (found, _)) in forgers().into_iter().zip(demands.clone()) {
        assert_eq!(verdict(forger, ExpectedOutput::Any), Ok(()), "{name}");
        for (expected, demand) in demands.clone() {
            let follows = found == OutputKind::Shown && matches!(expected, OutputKind::Rank | OutputKind::AtLeast);
            let refused = if found == expected || follows { Ok(()) } else { Err(VerifyError::WrongOutputForm { found, expected }) };
            assert_eq!(verdict(forger, demand), refused, "{name}");
        }
    }
}

#[test]
fn other_outputs_than_demanded_are_refused() {
    let mut outputs = commitments(&COMMITTED.statement);
    for images in [0, 1] {
        let error = VerifyError::OutputCount { found: IMAGES, expected: images };
        assert_eq!(verdict(&COMMITTED, ExpectedOutput::Committed(outputs[..images].to_vec())), Err(error));
    }
    outputs[1] = outputs[0];
    assert_eq!(verdict(&COMMITTED, ExpectedOutput::Committed(outputs.to_vec())), Err(VerifyError::WrongOutputCommitment { image: 1 }));
}

#[test]
fn other_labels_and_larger_ranks_than_demanded_are_refused() {
    let labels = labels();
    let rank = |labels: &[u32], k| verdict(&RANK, ExpectedOutput::Rank { labels: labels.to_vec(), k });
    assert_eq!(rank(&labels, 3), Ok(()));
    assert_eq!(rank(&labels, 1), Err(VerifyError::LowerRank { found: 2, expected: 1 }));
    assert_eq!(rank(&labels[..1], 2), Err(VerifyError::LabelCount { found: IMAGES, expected: 1 }));
    let others = [labels[0], labels[1] + 1];
    assert_eq!(rank(&others, 2), Err(VerifyError::WrongLabel { image: 1, found: labels[1], expected: others[1] }));
}

#[test]
fn lower_scores_than_demanded_and_those_of_other_classes_are_refused() {
    let at_least = |class, value| verdict(&AT_LEAST, ExpectedOutput::AtLeast { class, value });
    assert_eq!(at_least(2, -21), Ok(()));
    assert_eq!(at_least(2, -19), Err(VerifyError::LowerScore { found: -20, expected: -19 }));
    assert_eq!(at_least(1, -20), Err(VerifyError::WrongClass { found: 2, expected: 1 }));
}

#[test]
fn another_predicate_than_demanded_is_refused() {
    let Predicate::Top { class, k } = PREDICATE else { panic!("no rank") };
    for expected in [Predicate::Top { class, k: k + 1 }, Predicate::Top { class: class + 1, k }, Predicate::AtLeast { class, value: 0 }] {
        let refused = VerifyError::WrongPredicate { found: PREDICATE, expected };
        assert_eq!(verdict(&DECIDED, ExpectedOutput::Decided(expected)), Err(refused));
    }
}

#[test]
fn fewer_correct_labels_than_demanded_and_other_labels_are_refused() {
    let mut labels = commitments(&CORRECT.statement);
    let correct = |labels: &[Commitment], k, count| verdict(&CORRECT, ExpectedOutput::Correct { labels: labels.to_vec(), k, count });
    assert_eq!(correct(&labels, u32::MAX, 0), Ok(()));
    assert_eq!(correct(&labels, 1, 2), Err(VerifyError::FewerCorrect { found: 1, expected: 2 }));
    assert_eq!(correct(&labels, 0, 1), Err(VerifyError::LowerRank { found: 1, expected: 0 }));
    assert_eq!(correct(&labels[..1], 1, 1), Err(VerifyError::LabelCount { found: IMAGES, expected: 1 }));
    labels.swap(0, 1);
    assert_eq!(correct(&labels, 1, 1), Err(VerifyError::WrongLabelCommitment { image: 0 }));
}

#[test]
fn shown_outputs_have_the_ranks_and_scores_that_they_show() {
    let OutputClaim::Shown(shown) = &HIDDEN.statement.output else { panic!("the output is shown") };
    let classes = CLASSES as usize;
    let rank = |labels: &[u32], k| verdict(&HIDDEN, ExpectedOutput::Rank { labels: labels.to_vec(), k });
    let at = |image: usize, rank| ranked(image, rank);
    assert_eq!(rank(&[at(0, 0), at(1, 0)], 1), Ok(()));
    assert_eq!(rank(&[at(0, 2), at(1, 1)], 3), Ok(()));
    let behind = VerifyError::ShownBehind { image: 1, class: at(1, 1), ahead: 1, k: 1 };
    assert_eq!(rank(&[at(0, 0), at(1, 1)], 1), Err(behind));
    assert_eq!(rank(&[at(0, 0)], 1), Err(VerifyError::LabelCount { found: IMAGES, expected: 1 }));
    assert_eq!(rank(&[at(0, 0), CLASSES], CLASSES), Err(VerifyError::NoSuchClass { class: CLASSES, classes }));
    let scores = |class: u32| (0..IMAGES).map(move |image| shown.values[image * classes + class as usize]);
    let at_least = |class, value| verdict(&HIDDEN, ExpectedOutput::AtLeast { class, value });
    for class in 0..CLASSES {
        let least = scores(class).min().unwrap();
        assert_eq!(at_least(class, least), Ok(()));
        // The first image that has less.
        let found = scores(class).find(|score| *score < least + 1).unwrap();
        assert_eq!(at_least(class, least + 1), Err(VerifyError::LowerScore { found, expected: least + 1 }));
    }
    assert_eq!(at_least(CLASSES, -128), Err(VerifyError::NoSuchClass { class: CLASSES, classes }));
}

#[test]
fn of_equal_scores_that_are_shown_the_first_class_is_ahead() {
    let shape = Shape::new(1, 1, 3);
    let statement = |values: Vec<i16>| Statement {
        output: OutputClaim::Shown(PublicTensor { shape, dtype: DataType::I8, values }),
        images: 1,
        ..HIDDEN.statement.clone()
    };
    let graph = flat();
    let verifier = Verifier::unprepared(usize::MAX, graph.clone());
    let rank = |label, k| {
        let labels = [label];
        let expectations = Expectations { output: ExpectedOutput::Rank { labels: labels.to_vec(), k }, ..EXPECTATIONS.clone() };
        let model = ModelClaim::Public { digest: graph.digest() };
        let input = InputClaim::Shown(PublicTensor { shape, dtype: DataType::I8, values: vec![0; 3] });
        verifier.compare(&Statement { model, input, ..statement(vec![7, 7, -3]) }, &expectations)
    };
    assert_eq!([rank(0, 1), rank(1, 2), rank(2, 3)], [Ok(()), Ok(()), Ok(())]);
    assert_eq!(rank(1, 1), Err(VerifyError::ShownBehind { image: 0, class: 1, ahead: 1, k: 1 }));
    assert_eq!(rank(2, 2), Err(VerifyError::ShownBehind { image: 0, class: 2, ahead: 2, k: 2 }));
}

/// Three classes.
fn flat() -> Graph {
    identity(Shape::new(1, 1, 3))
}

/// The output is the input.
fn identity(shape: Shape) -> Graph {
    let spec = || TensorSpec { name: "t".into(), shape, dtype: DataType::I8 };
    let node =
        Node { source: "RELU #0".into(), op: Op::Lookup(Lookup { input: TensorId(0), table: (-128..128).collect() }), output: TensorId(1) };
    Graph::new(vec![spec(), spec()], vec![node], TensorId(0), TensorId(1)).unwrap()
}

#[test]
fn ranks_and_scores_are_not_demanded_of_outputs_that_are_no_scores() {
    let shape = Shape::new(2, 1, 3);
    let forger = Forger::with_setting(identity(shape), 1, &Setting::default(), &Execution { input: &[5; 6], ..Execution::default() });
    for output in [ExpectedOutput::Rank { labels: vec![0], k: 1 }, ExpectedOutput::AtLeast { class: 0, value: 1 }] {
        assert_eq!(verdict(&forger, output), Err(VerifyError::NoClasses { shape }));
    }
}

#[test]
fn inputs_that_are_the_same_or_may_be_are_refused_where_different_ones_are_demanded() {
    let distinct = Expectations { distinct_inputs: true, ..EXPECTATIONS.clone() };
    let batch = |input: &[i16]| {
        let images = input.len() / 3;
        Forger::with_setting(flat(), images, &Setting::default(), &Execution { input, ..Execution::default() })
    };
    let different = batch(&[1, 2, 3, 3, 2, 1, 1, 2, 4]);
    assert_eq!(verify(&different, &distinct).err(), None);
    let same = batch(&[1, 2, 3, 3, 2, 1, 1, 2, 3]);
    assert_eq!(verify(&same, &EXPECTATIONS).err(), None);
    assert_eq!(verify(&same, &distinct).err(), Some(VerifyError::EqualInputs { first: 0, second: 2 }));
    // Hidden ones differ in fact, which their commitments do not show.
    assert_eq!(verify(&HIDDEN, &distinct).err(), Some(VerifyError::MaybeEqualInputs));
    assert_eq!(verify(&SMALL, &distinct).err(), None, "a single one");
    let salt = Box::new([5; 1280]);
    let salts = [(ObjectKind::Input(0), salt.clone()), (ObjectKind::Input(1), salt)];
    let setting = Setting { hidden_input: true, ..Setting::default() };
    let graph = flat();
    let prover = Prover::showing_scales(graph.clone(), 2, &setting).unwrap().allow_shared_salts();
    let execution = Execution { input: &[1, 2, 3, 1, 2, 3], salts: &salts, ..Execution::default() };
    let file = prover.prove_execution(&execution, CONTEXT, LEVEL, &|_| ()).unwrap().proof.encode();
    let verifier = Verifier::unprepared(usize::MAX, graph.clone());
    assert_eq!(verifier.verify(&file, &EXPECTATIONS).err(), None);
    assert_eq!(verifier.verify(&file, &distinct).err(), Some(VerifyError::EqualInputs { first: 0, second: 1 }));
}

#[test]
fn more_images_than_allowed_are_refused() {
    for (limit, refused) in [(0, true), (1, true), (2, false), (3, false)] {
        let error = verify(&HIDDEN, &Expectations { max_images: limit, ..EXPECTATIONS.clone() }).err();
        assert_eq!(error, refused.then_some(VerifyError::TooManyImages { found: IMAGES as u32, limit }));
    }
}

#[test]
fn what_is_demanded_is_not_believed_without_its_argument() {
    // A prover who claims just what is demanded, over the messages of a weaker statement.
    let mut proof = RANK.prove(RANK.statement.clone(), RANK.witness.clone()).proof;
    let labels = labels();
    proof.statement.output = OutputClaim::Rank { labels: labels.clone(), k: 1 };
    let expectations = Expectations { output: ExpectedOutput::Rank { labels: labels.to_vec(), k: 1 }, ..EXPECTATIONS.clone() };
    assert_eq!(RANK.verifier.verify(&proof.encode(), &expectations).unwrap_err(), VerifyError::Grinding { oracle: 0 });
}
