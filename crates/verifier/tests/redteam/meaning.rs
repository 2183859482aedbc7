//! One model commitment stands for one network: the same bytes under another envelope or architecture are another commitment.

use std::sync::LazyLock;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use verinfer_graph::{Conv, DataType, Graph, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec, Window, run};
use verinfer_prover::{Execution, Prover, Witness};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::Setting;
use verinfer_verifier::{Expectations, Verifier};

/// A layer that rounds once, so that it has no sign factors. `height`, `width` of the input, all of which is read.
fn layer(shape: Shape, window: Window, shift: i32, bias: i32, min: i16, max: i16) -> Graph {
    let requantization =
        Requantization { multipliers: vec![1 << 30], shifts: vec![-shift], rounding: Rounding::Once, zero_point: 0, min, max };
    let weights = (0..8i16).flat_map(|c| (0..4i16).map(move |i| 9 * c + 20 * i - 40)).collect();
    let conv = Conv { input: TensorId(0), input_zero_point: 0, window, weights, weight_zero_point: 0, bias: vec![bias; 8], requantization };
    let spec = |shape| TensorSpec { name: "t".into(), shape, dtype: DataType::I8 };
    let node = Node { source: "fc".into(), op: Op::Conv2d(conv), output: TensorId(1) };
    Graph::new(vec![spec(shape), spec(Shape::new(1, 1, 8))], vec![node], TensorId(0), TensorId(1)).unwrap()
}

static EXPECTED: LazyLock<Expectations> =
    LazyLock::new(|| Expectations { security_level: 24, context: b"".to_vec(), ..Expectations::default() });

/// Proves with a fixed salt of the model; returns the commitment and the output.
fn proved(graph: &Graph, envelope: Envelope, input: &[i16]) -> (Vec<u8>, Vec<i16>) {
    let setting = Setting { weights: Some(envelope), ..Setting::default() };
    let prover = Prover::showing_scales(graph.clone(), 1, &setting).unwrap();
    let salts = [(ObjectKind::Model, Box::new([7; 1280]))];
    let execution = Execution { input, salts: &salts, ..Execution::default() };
    let witness = Witness::of(graph, prover.relation(), &execution, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let statement = prover.statement(&witness, input, b"", 24);
    let commitment = *statement.commitment(ObjectKind::Model).unwrap();
    let proof = prover.prove_statement(statement, witness, &|_| ()).unwrap().proof.encode();
    let architecture = graph.without_learned();
    let verifier = Verifier::hidden(architecture.clone(), envelope, commitment, 1, &Setting::default()).unwrap();
    let accepted = verifier.verify(&proof, &EXPECTED).unwrap();
    let output = accepted.statement.output.shown().unwrap().values.clone();
    assert_eq!(output, run(graph, input).unwrap().tensors[1]);
    (commitment.to_bytes(), output)
}

/// The same bytes are two networks under two envelopes.
#[test]
fn the_same_bytes_under_another_envelope_are_another_commitment() {
    let envelope = |bits| Envelope { num_limbs: 2, limb_bits: bits, keys: (-1024, 1024), signed_keys: (0, 0) };
    let shape = Shape::new(1, 1, 4);
    let of = |shift, bias| layer(shape, Window::POINT, shift, bias, -128, 127);
    // 2 * 18 bits and 2 * 19 bits: two bits more of shift, and the biases make up for the rounding's constants: m b + 2^(S - 1).
    let (first, second) = (of(5, 3 << 5), of(7, 0));
    assert_eq!(first.architecture_digest(), second.architecture_digest());
    let input = [50, -20, 127, 90];
    let (a, b) = (proved(&first, envelope(18), &input), proved(&second, envelope(19), &input));
    assert_ne!(a.0, b.0);
    assert_ne!(a.1, b.1);
}

/// The same with one envelope and two architectures: other clamps, or the same elements in another shape.
#[test]
fn the_same_bytes_of_another_architecture_are_another_commitment() {
    let envelope = Envelope { num_limbs: 2, limb_bits: 18, keys: (-1024, 1024), signed_keys: (0, 0) };
    let window = Window { kernel_h: 2, kernel_w: 2, ..Window::POINT };
    let input = [50, -20, 127, 90];
    let all = [
        layer(Shape::new(1, 1, 4), Window::POINT, 5, 0, -128, 127),
        layer(Shape::new(2, 2, 1), window, 5, 0, -128, 127),
        layer(Shape::new(1, 1, 4), Window::POINT, 5, 0, 0, 20),
    ];
    let found: Vec<_> = all.iter().map(|graph| proved(graph, envelope, &input)).collect();
    let commitments: std::collections::BTreeSet<&Vec<u8>> = found.iter().map(|(commitment, _)| commitment).collect();
    assert_eq!(commitments.len(), found.len());
    assert_ne!(found[0].1, found[2].1);
    assert_ne!(all[0].architecture_digest(), all[2].architecture_digest());
}
