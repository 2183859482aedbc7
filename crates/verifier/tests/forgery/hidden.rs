//! Forgers whose weights, inputs, outputs or labels are hidden.

use std::sync::LazyLock;

use verinfer_graph::{Add, Conv, DataType, Graph, Node, Op, Operand, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};
use verinfer_prover::{Execution, Proved};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::{OutputForm, Predicate, Setting};
use verinfer_relation::statement::OutputClaim;

use crate::forger::Forger;
use crate::network::{input, network};

/// Images of the batches here.
pub const IMAGES: usize = 2;

/// Classes of the network's output.
pub const CLASSES: u32 = 6;

/// The network of [`crate::network`] with an addition of constants, which are hidden too.
pub fn hidden_network(change: impl FnOnce(&mut Vec<(Op, Shape)>)) -> Graph {
    network(|nodes| {
        if let Op::Add(Add { left_table, right, requantization, .. }) = &mut nodes[4].0 {
            left_table.iter_mut().for_each(|value| *value *= 64);
            *right = Operand::Constant(vec![5_000_000, -3_000_000, 0, 1 << 20]);
            requantization.shifts = vec![-16];
        }
        change(nodes);
    })
}

/// What is public about the multipliers of [`hidden_network`].
pub fn envelope() -> Envelope {
    Envelope::of(&hidden_network(|_| ())).unwrap()
}

/// Weights and inputs hidden.
pub fn setting(output: OutputForm) -> Setting {
    Setting { weights: Some(envelope()), hidden_input: true, output }
}

/// Images that have different outputs.
pub fn inputs() -> Vec<i16> {
    input().into_iter().chain(input().into_iter().rev()).collect()
}

/// Labels that are true for the outputs of [`inputs`] in the first place, and in the first two places.
pub fn labels() -> Vec<u32> {
    vec![ranked(0, 0), ranked(1, 1)]
}

/// The class with so many classes ahead of it in an image.
pub fn ranked(image: usize, rank: usize) -> u32 {
    let OutputClaim::Shown(output) = &HIDDEN.statement.output else { panic!("the output is shown") };
    let scores = &output.values[image * CLASSES as usize..][..CLASSES as usize];
    let mut classes: Vec<u32> = (0..CLASSES).collect();
    classes.sort_by_key(|&class| (-scores[class as usize], class));
    classes[rank]
}

fn forger(output: OutputForm) -> Forger {
    let labels = if matches!(output, OutputForm::Correct { .. }) { labels() } else { Vec::new() };
    let execution = Execution { input: &inputs(), labels: &labels, salts: &[] };
    Forger::with_setting(hidden_network(|_| ()), IMAGES, &setting(output), &execution)
}

/// The output is shown.
pub static HIDDEN: LazyLock<Forger> = LazyLock::new(|| forger(OutputForm::Shown));

/// Outputs are committed to.
pub static COMMITTED: LazyLock<Forger> = LazyLock::new(|| forger(OutputForm::Committed));

/// Public labels among the first two classes.
pub static RANK: LazyLock<Forger> = LazyLock::new(|| forger(OutputForm::Rank { labels: labels(), k: 2 }));

/// A class has a score.
pub static AT_LEAST: LazyLock<Forger> = LazyLock::new(|| forger(OutputForm::AtLeast { class: 2, value: -20 }));

/// One hidden label of two is the top class.
pub static CORRECT: LazyLock<Forger> = LazyLock::new(|| forger(OutputForm::Correct { k: 1, count: 1 }));

/// What [`DECIDED`] is about.
pub const PREDICATE: Predicate = Predicate::Top { class: 2, k: 3 };

/// Whether a class is among the first three.
pub static DECIDED: LazyLock<Forger> = LazyLock::new(|| {
    let holds = (0..IMAGES).map(|image| (0..3).any(|rank| ranked(image, rank) == 2)).collect();
    forger(OutputForm::Decided { predicate: PREDICATE, holds })
});

/// Whether a class has a score, which it has.
pub static DECIDED_SCORE: LazyLock<Forger> =
    LazyLock::new(|| forger(OutputForm::Decided { predicate: Predicate::AtLeast { class: 2, value: -20 }, holds: vec![true; IMAGES] }));

/// All forms with their names.
pub fn forgers() -> [(&'static str, &'static Forger); 6] {
    [("shown", &HIDDEN), ("committed", &COMMITTED), ("rank", &RANK), ("at least", &AT_LEAST), ("correct", &CORRECT), ("decided", &DECIDED)]
}

/// The genuine proof of [`HIDDEN`].
pub static HIDDEN_GENUINE: LazyLock<Proved> = LazyLock::new(|| HIDDEN.prove(HIDDEN.statement.clone(), HIDDEN.witness.clone()));

/// Input channel of [`linear`] that is at its zero point.
pub const DEAD_INPUT: usize = 7;

/// Input channel of [`linear`] whose weights are at their zero point.
pub const DEAD_WEIGHTS: usize = 9;

/// One layer of `inner` times `channels` weights.
pub fn linear(inner: usize, channels: usize, change: impl FnOnce(&mut Conv)) -> Forger {
    let mut conv = Conv {
        input: TensorId(0),
        input_zero_point: -3,
        window: Window::POINT,
        weights: (0..inner * channels).map(|i| if i % inner == DEAD_WEIGHTS { 0 } else { (i * 47 % 251) as i16 - 125 }).collect(),
        weight_zero_point: 0,
        bias: (0..channels as i32).map(|channel| 900 - 11 * channel).collect(),
        requantization: Requantization {
            multipliers: vec![1_500_000_000],
            shifts: vec![-12],
            rounding: Rounding::Twice,
            zero_point: 3,
            min: -128,
            max: 127,
        },
    };
    change(&mut conv);
    let spec = |channels| TensorSpec { name: "t".into(), shape: Shape::new(1, 1, channels), dtype: DataType::I8 };
    let node = Node { source: "CONV_2D #0".into(), op: Op::Conv2d(conv), output: TensorId(1) };
    let graph = Graph::new(vec![spec(inner), spec(channels)], vec![node], TensorId(0), TensorId(1)).unwrap();
    let input: Vec<i16> = (0..inner).map(|i| if i == DEAD_INPUT { -3 } else { (i * 83 % 256) as i16 - 128 }).collect();
    let envelope = Envelope { num_limbs: 3, limb_bits: 15, keys: (-256, 256), signed_keys: (-8192, 8192) };
    let setting = Setting { weights: Some(envelope), hidden_input: true, output: OutputForm::Shown };
    Forger::with_setting(graph, 1, &setting, &Execution { input: &input, ..Execution::default() })
}

/// A layer whose weights fit one block of a commitment.
pub static SMALL: LazyLock<Forger> = LazyLock::new(|| linear(16, 8, |_| ()));

/// Inputs and outputs of [`BIG`].
pub const BIG_SIDES: (usize, usize) = (256, 260);

/// A layer with more weights than a block of a commitment holds.
pub static BIG: LazyLock<Forger> = LazyLock::new(|| linear(BIG_SIDES.0, BIG_SIDES.1, |_| ()));

#[test]
fn genuine_hidden_proofs_are_accepted() {
    for (name, forger) in forgers().into_iter().chain([("small", &*SMALL), ("big", &BIG)]) {
        assert!(forger.holds(&forger.statement, &forger.witness), "{name}");
        assert_eq!(forger.broken(forger.statement.clone(), forger.witness.clone()), [], "{name}");
        let mut witness = forger.witness.clone();
        assert_eq!(forger.follow_cells(&forger.statement, &mut witness), [], "{name}");
        assert_eq!((&witness.cells, &witness.rows, &witness.tuples), (&forger.witness.cells, &forger.witness.rows, &forger.witness.tuples));
    }
}

#[test]
fn what_the_verifier_knows_of_a_hidden_model_is_no_weight() {
    // The verifier's network: everything learned has been replaced.
    let other = hidden_network(|nodes| {
        if let Op::Conv2d(conv) = &mut nodes[0].0 {
            conv.weights.reverse();
            conv.bias[0] += 1;
        }
    });
    let architecture = HIDDEN.graph.architecture_digest();
    assert_eq!((other.architecture_digest(), other.without_learned().architecture_digest()), (architecture, architecture));
}
