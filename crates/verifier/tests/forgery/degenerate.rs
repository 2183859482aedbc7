//! True proofs about hidden models whose architecture, the prover's choice, makes them say nothing.

use verinfer_graph::{
    Add, Concat, Conv, DataType, Graph, Lookup, Node, Op, Operand, Requantization, Rounding, Shape, TensorId, TensorSpec, Window,
};
use verinfer_prover::Execution;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::{OutputForm, Predicate, Setting};
use verinfer_verifier::{Expectations, ExpectedOutput, VerifyError};

use crate::forger::{EXPECTATIONS, Forger};

/// Channels of every tensor but where it is said otherwise.
const CHANNELS: usize = 3;

/// The network of these operators, each of which writes the next tensor, with so many channels.
fn graph(ops: Vec<(Op, usize)>) -> Graph {
    let spec = |channels| TensorSpec { name: "t".into(), shape: Shape::new(1, 1, channels), dtype: DataType::I8 };
    let tensors: Vec<TensorSpec> = std::iter::once(CHANNELS).chain(ops.iter().map(|(_, channels)| *channels)).map(spec).collect();
    let output = TensorId(tensors.len() - 1);
    let nodes = ops.into_iter().enumerate();
    let nodes = nodes.map(|(index, (op, _))| Node { source: format!("OP #{index}"), op, output: TensorId(index + 1) });
    Graph::new(tensors, nodes.collect(), TensorId(0), output).unwrap()
}

fn requantization(min: i16, max: i16) -> Requantization {
    Requantization { multipliers: vec![1_500_000_000], shifts: vec![-6], rounding: Rounding::Once, zero_point: min.into(), min, max }
}

/// A fully connected layer.
fn dense(input: usize, channels: usize, min: i16, max: i16) -> (Op, usize) {
    let conv = Conv {
        input: TensorId(input),
        input_zero_point: 0,
        window: Window::POINT,
        weights: (0..CHANNELS * channels).map(|i| (i * 47 % 251) as i16 - 125).collect(),
        weight_zero_point: 0,
        bias: vec![90; channels],
        requantization: requantization(min, max),
    };
    (Op::Conv2d(conv), channels)
}

fn lookup(input: usize, table: impl Fn(i16) -> i16) -> (Op, usize) {
    (Op::Lookup(Lookup { input: TensorId(input), table: (-128..128).map(table).collect() }), CHANNELS)
}

/// Class 0 always has the score 100, and the others less.
fn winner() -> Graph {
    graph(vec![
        dense(0, 1, 100, 100),
        dense(0, 2, -128, 99),
        (Op::Concat(Concat { inputs: vec![TensorId(1), TensorId(2)], axis: 2 }), CHANNELS),
    ])
}

/// What the verifier says to a true proof about a hidden model, unless it is told to accept what says nothing.
fn verdict(graph: Graph, output: OutputForm, demand: ExpectedOutput) -> Result<(), VerifyError> {
    let envelope = Envelope::of(&graph).unwrap();
    under(envelope, graph, output, demand)
}

fn under(envelope: Envelope, graph: Graph, output: OutputForm, demand: ExpectedOutput) -> Result<(), VerifyError> {
    let setting = Setting { weights: Some(envelope), hidden_input: true, output };
    let forger = Forger::with_setting(graph, 1, &setting, &Execution { input: &[50, -20, 7], ..Execution::default() });
    let file = forger.prove(forger.statement.clone(), forger.witness.clone()).proof.encode();
    let expectations = Expectations { output: demand, ..EXPECTATIONS.clone() };
    forger.verifier.verify(&file, &expectations).unwrap();
    forger.verifier.verify(&file, &Expectations { allow_degenerate: false, ..expectations }).map(|_| ())
}

fn decided(predicate: Predicate, holds: bool) -> OutputForm {
    OutputForm::Decided { predicate, holds: vec![holds] }
}

#[test]
fn a_clamp_to_one_value_at_the_end_is_refused_whatever_is_said() {
    let forms = [
        (OutputForm::Shown, ExpectedOutput::Any),
        (OutputForm::Committed, ExpectedOutput::Any),
        (OutputForm::Rank { labels: vec![0], k: 1 }, ExpectedOutput::Rank { labels: vec![0], k: 1 }),
        (OutputForm::AtLeast { class: 2, value: 7 }, ExpectedOutput::AtLeast { class: 2, value: 7 }),
        (decided(Predicate::Top { class: 0, k: 1 }, true), ExpectedOutput::Decided(Predicate::Top { class: 0, k: 1 })),
        (decided(Predicate::AtLeast { class: 2, value: 8 }, false), ExpectedOutput::Decided(Predicate::AtLeast { class: 2, value: 8 })),
    ];
    for (output, demand) in forms {
        assert_eq!(verdict(graph(vec![dense(0, CHANNELS, 7, 7)]), output, demand), Err(VerifyError::ConstantOutput));
    }
}

#[test]
fn tables_and_products_that_make_the_output_constant_are_refused() {
    let shown = |ops| verdict(graph(ops), OutputForm::Shown, ExpectedOutput::Any);
    assert_eq!(
        shown(vec![dense(0, CHANNELS, 0, 20), lookup(1, |value| if value < 0 { value } else { 3 })]),
        Err(VerifyError::ConstantOutput)
    );
    let difference = Add {
        left: TensorId(1),
        left_table: (-128..128).map(|value| value * 1000).collect(),
        right: Operand::Tensor { tensor: TensorId(1), table: (-128..128).map(|value| value * -1000).collect() },
        requantization: Requantization { shifts: vec![-9], ..requantization(-128, 127) },
    };
    assert_eq!(shown(vec![dense(0, CHANNELS, -128, 127), (Op::Add(difference), CHANNELS)]), Err(VerifyError::ConstantOutput));
}

#[test]
fn an_envelope_that_leaves_one_quotient_makes_the_output_constant() {
    // Any weights are possible, but only those have a proof whose keys are zero.
    let mut layer = dense(0, CHANNELS, -128, 127);
    if let Op::Conv2d(conv) = &mut layer.0 {
        conv.weights.fill(0);
        conv.bias.fill(0);
    }
    let envelope = Envelope { num_limbs: 2, limb_bits: 18, keys: (0, 0), signed_keys: (0, 0) };
    assert_eq!(under(envelope, graph(vec![layer.clone()]), OutputForm::Shown, ExpectedOutput::Any), Err(VerifyError::ConstantOutput));
    // With room for others nothing shows.
    let envelope = Envelope { keys: (-512, 512), ..envelope };
    assert_eq!(under(envelope, graph(vec![layer]), OutputForm::Shown, ExpectedOutput::Any), Ok(()));
}

#[test]
fn an_input_that_goes_into_nothing_is_refused() {
    let ops = vec![lookup(0, |_| 3), dense(1, CHANNELS, -128, 127)];
    assert_eq!(verdict(graph(ops), OutputForm::Shown, ExpectedOutput::Any), Err(VerifyError::OutputIgnoresInput));
}

#[test]
fn weights_that_go_into_nothing_are_refused() {
    let sum = Add {
        left: TensorId(0),
        left_table: (-128..128).map(|value| value * 1000).collect(),
        right: Operand::Tensor { tensor: TensorId(1), table: (-128..128).map(|value| value * 1000).collect() },
        requantization: Requantization { shifts: vec![-9], ..requantization(-128, 127) },
    };
    let ops = |max| graph(vec![dense(0, CHANNELS, 5, max), (Op::Add(sum.clone()), CHANNELS)]);
    assert_eq!(verdict(ops(5), OutputForm::Shown, ExpectedOutput::Any), Err(VerifyError::OutputIgnoresWeights));
    assert_eq!(verdict(ops(6), OutputForm::Shown, ExpectedOutput::Any), Ok(()));
}

#[test]
fn a_class_that_always_wins_is_refused_where_that_is_what_is_said() {
    let rank = |label, k| OutputForm::Rank { labels: vec![label], k };
    let least = |value| OutputForm::AtLeast { class: 0, value };
    for (output, says) in [
        (rank(0, 1), false),
        (rank(0, 2), false),
        (least(100), false),
        (least(-127), false),
        (decided(Predicate::Top { class: 0, k: 1 }, true), false),
        (decided(Predicate::AtLeast { class: 0, value: 100 }, true), false),
        (decided(Predicate::Top { class: 1, k: 1 }, false), false),
        (decided(Predicate::AtLeast { class: 0, value: 101 }, false), false),
        // These hold for no reason of the architecture: another class, any rank, any score.
        (rank(0, 3), true),
        (decided(Predicate::Top { class: 0, k: 3 }, true), true),
        (least(-128), true),
        (OutputForm::Shown, true),
        (OutputForm::Committed, true),
    ] {
        let expected = if says { Ok(()) } else { Err(VerifyError::PredicateAlwaysHolds) };
        assert_eq!(verdict(winner(), output.clone(), ExpectedOutput::Any), expected, "{output:?}");
    }
}

#[test]
fn nothing_is_refused_of_a_network_that_is_known() {
    let forger = Forger::with_setting(winner(), 1, &Setting::default(), &Execution { input: &[50, -20, 7], ..Execution::default() });
    let file = forger.prove(forger.statement.clone(), forger.witness.clone()).proof.encode();
    let output = ExpectedOutput::Rank { labels: vec![0], k: 1 };
    let expectations = Expectations { output, allow_degenerate: false, ..EXPECTATIONS.clone() };
    forger.verifier.verify(&file, &expectations).unwrap();
    let reach = forger.verifier.reach(&forger.statement).unwrap();
    assert_eq!((reach.channel(0).bounds(), reach.influence().input), ((100, 100), true));
}
