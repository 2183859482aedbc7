//! The limit on what strangers' architectures and batches may cost: it is kept before the memory is spent.

use std::alloc::System;
use std::sync::Arc;

use cap::Cap;
use verinfer_graph::{
    Concat, Conv, DataType, Graph, Lookup, MaxPool, Node, Op, Pad, Requantization, Rounding, Shape, SumPool, TensorId, TensorSpec, Window,
};
use verinfer_relation::commitment::Commitment;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim};
use verinfer_relation::transcript::{Transcript, VerifierTranscript};
use verinfer_relation::{Relation, RelationError};
use verinfer_verifier::{DEFAULT_MAX_CELLS, Expectations, ExpectedInput, Proof, PublicTensor, Statement, Verifier, VerifyError, reduce};

/// Counts what is allocated; beyond its limit allocations fail, which aborts the process.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The limit of these tests in cells, and what they may allocate.
const MAX_CELLS: usize = 1 << 20;
const MAX_BYTES: usize = 40 * MAX_CELLS;

/// What verifying may allocate beside the relation.
const MAX_CLAIM_BYTES: usize = 128 * MAX_CELLS;

/// What is public of hidden multipliers.
const ENVELOPE: Envelope = Envelope { num_limbs: 2, limb_bits: 20, keys: (-512, 512), signed_keys: (-512, 512) };

/// The most keys that an envelope may have.
const MANY_KEYS: Envelope = Envelope { keys: (512 - (1 << 21), (1 << 21) - 512), limb_bits: 10, ..ENVELOPE };

fn spec(shape: Shape) -> TensorSpec {
    TensorSpec { name: String::new(), shape, dtype: DataType::I8 }
}

fn graph(input: Shape, op: Op, output: Shape) -> Arc<Graph> {
    let node = Node { source: String::new(), op, output: TensorId(1) };
    Arc::new(Graph::new(vec![spec(input), spec(output)], vec![node], TensorId(0), TensorId(1)).unwrap())
}

/// A convolution of one channel whose clamp is its own.
fn convolution(input: TensorId, window: Window, max: i16) -> Conv {
    let requantization =
        Requantization { multipliers: vec![1 << 30], shifts: vec![-20], rounding: Rounding::Once, zero_point: -128, min: -128, max };
    let weights = vec![0; window.num_taps()];
    Conv { input, input_zero_point: 0, window, weights, weight_zero_point: 0, bias: vec![0], requantization }
}

/// As [`pool`], with a sum of weights.
fn wide(kernel: usize, outputs: usize) -> Arc<Graph> {
    let window = Window { kernel_h: kernel, kernel_w: kernel, ..Window::POINT };
    let side = kernel + outputs - 1;
    graph(Shape::new(side, side, 1), Op::Conv2d(convolution(TensorId(0), window, 127)), Shape::new(outputs, outputs, 1))
}

/// As [`pool`], with an average.
fn average(kernel: usize, outputs: usize) -> Arc<Graph> {
    let window = Window { kernel_h: kernel, kernel_w: kernel, ..Window::POINT };
    let side = kernel + outputs - 1;
    let count = window.num_taps();
    let tables = vec![(count, vec![0; 255 * count + 1])];
    graph(Shape::new(side, side, 1), Op::SumPool(SumPool { input: TensorId(0), window, tables }), Shape::new(outputs, outputs, 1))
}

/// Layers of one output pixel that read the four corners of one input.
fn corners(side: usize, layers: usize) -> Arc<Graph> {
    let window = Window { kernel_h: 2, kernel_w: 2, dilation_h: side - 1, dilation_w: side - 1, ..Window::POINT };
    let node = |op, output| Node { source: String::new(), op, output: TensorId(output) };
    let mut nodes: Vec<Node> = (1..=layers).map(|output| node(Op::Conv2d(convolution(TensorId(0), window, 127)), output)).collect();
    nodes.push(node(Op::Concat(Concat { inputs: (1..=layers).map(TensorId).collect(), axis: 2 }), layers + 1));
    let mut tensors = vec![spec(Shape::new(1, 1, 1)); layers + 2];
    (tensors[0], tensors[layers + 1]) = (spec(Shape::new(side, side, 1)), spec(Shape::new(1, 1, layers)));
    Arc::new(Graph::new(tensors, nodes, TensorId(0), TensorId(layers + 1)).unwrap())
}

/// A layer over so many channels of one pixel.
fn dense(channels: usize) -> Arc<Graph> {
    let conv = Conv { weights: vec![0; channels], ..convolution(TensorId(0), Window::POINT, 127) };
    graph(Shape::new(1, 1, channels), Op::Conv2d(conv), Shape::new(1, 1, 1))
}

/// Convolutions one after the other, each with another clamp.
fn clamps(count: usize) -> Arc<Graph> {
    let nodes = (0..count).map(|i| Node {
        source: String::new(),
        op: Op::Conv2d(convolution(TensorId(i), Window::POINT, 127 - i as i16)),
        output: TensorId(i + 1),
    });
    let tensors = (0..=count).map(|_| spec(Shape::new(1, 1, 1))).collect();
    Arc::new(Graph::new(tensors, nodes.collect(), TensorId(0), TensorId(count)).unwrap())
}

/// A maximum over windows of `kernel` times `kernel` pixels with as many rows and columns of output as `outputs`.
fn pool(kernel: usize, outputs: usize) -> Arc<Graph> {
    let window = Window { kernel_h: kernel, kernel_w: kernel, ..Window::POINT };
    let side = kernel + outputs - 1;
    let op = Op::MaxPool(MaxPool { input: TensorId(0), window, min: -128, max: 127 });
    graph(Shape::new(side, side, 1), op, Shape::new(outputs, outputs, 1))
}

fn identity(shape: Shape) -> Arc<Graph> {
    graph(shape, Op::Lookup(Lookup { input: TensorId(0), table: (-128..128).collect() }), shape)
}

/// What a verifier with a limit says to a network, under the limit on memory.
fn verdict(verifier: impl FnOnce() -> Result<Verifier, VerifyError>) -> Result<(), VerifyError> {
    ALLOCATOR.set_limit(ALLOCATOR.allocated() + MAX_BYTES).unwrap();
    let verdict = verifier().map(|_| ());
    ALLOCATOR.set_limit(usize::MAX).unwrap();
    verdict
}

fn too_large(result: &Result<(), VerifyError>) -> bool {
    matches!(result, Err(VerifyError::Relation(RelationError::TooLarge { cells, max_cells: MAX_CELLS })) if *cells > MAX_CELLS)
}

fn too_wide(result: &Result<(), VerifyError>) -> bool {
    matches!(result, Err(VerifyError::Relation(RelationError::TooManyConnections { connections, max: MAX_CELLS })) if *connections > MAX_CELLS)
}

/// One test, as the allocator counts for all threads.
#[test]
fn what_a_stranger_s_architecture_may_cost_is_limited() {
    a_relation_beyond_the_limit_is_refused_before_it_takes_memory();
    tables_are_counted_before_they_are_made();
    windows_that_take_few_cells_and_many_steps_are_refused();
    what_is_read_of_a_public_input_is_counted();
    claims_take_memory_by_the_limit_too();
    a_statement_is_compared_before_anything_is_derived_from_it();
    what_is_large_and_regular_takes_hardly_any_memory();
}

/// A proof about something else costs no more than its own bytes, whatever the network.
fn a_statement_is_compared_before_anything_is_derived_from_it() {
    let graph = pool(1 << 9, 1 << 7);
    let commitment = Commitment::from_bytes(&[0; 1024]).unwrap();
    let tensor = |id: TensorId| {
        let shape = graph.spec(id).shape;
        PublicTensor { shape, dtype: DataType::I8, values: vec![0; shape.num_elements()] }
    };
    let public = ModelClaim::Public { digest: graph.digest() };
    let hidden = ModelClaim::Hidden { architecture: graph.architecture_digest(), envelope: ENVELOPE, commitment: Box::new(commitment) };
    for (model, other) in [(&public, &hidden), (&hidden, &public)] {
        let genuine = Statement {
            security_level: 128,
            context: Vec::new(),
            images: 1,
            model: model.clone(),
            input: InputClaim::Shown(tensor(graph.input())),
            output: OutputClaim::Shown(tensor(graph.output())),
        };
        let mut network = genuine.clone();
        match &mut network.model {
            ModelClaim::Public { digest } => digest[0] ^= 1,
            ModelClaim::Hidden { architecture, .. } => architecture[0] ^= 1,
        }
        let mut shape = genuine.clone();
        if let InputClaim::Shown(tensor) = &mut shape.input {
            tensor.shape = Shape::new(1, 1, tensor.values.len());
        }
        let verifier = match model {
            ModelClaim::Public { .. } => Verifier::unprepared(MAX_CELLS, graph.clone()),
            ModelClaim::Hidden { .. } => Verifier::unprepared_hidden(MAX_CELLS, graph.clone(), ENVELOPE, commitment),
        };
        let wrong = vec![1; graph.spec(graph.input()).shape.num_elements()];
        let commitments = [commitment];
        let any = Expectations::DEFAULT;
        let verdict = |statement: &Statement, expectations: &Expectations| {
            let file = Proof { statement: statement.clone(), body: Vec::new() }.encode();
            // The values of the input and the output, of two bytes each, and the rest.
            ALLOCATOR.set_limit(ALLOCATOR.allocated() + 3 * file.len() + (1 << 16)).unwrap();
            let verdict = verifier.verify(&file, expectations).map(|_| ());
            ALLOCATOR.set_limit(usize::MAX).unwrap();
            verdict.unwrap_err()
        };
        let relabelled = Statement { model: other.clone(), ..genuine.clone() };
        assert!(matches!(verdict(&relabelled, &any), VerifyError::ModelHidden | VerifyError::ModelNotHidden));
        assert!(matches!(verdict(&network, &any), VerifyError::WrongNetwork { .. } | VerifyError::WrongArchitecture { .. }));
        assert!(matches!(verdict(&shape, &any), VerifyError::InputShape { .. }));
        assert_eq!(verdict(&genuine, &Expectations { context: b"other".to_vec(), ..any.clone() }), VerifyError::WrongContext);
        assert!(matches!(
            verdict(&genuine, &Expectations { input: ExpectedInput::Shown(wrong.to_vec()), ..any.clone() }),
            VerifyError::WrongInput { .. }
        ));
        let hidden_input = Expectations { input: ExpectedInput::Hidden(commitments.to_vec()), ..any.clone() };
        assert_eq!(verdict(&genuine, &hidden_input), VerifyError::InputNotHidden);
        // What is right is looked into.
        assert!(too_large(&Err(verdict(&genuine, &any))));
    }
}

/// Maxima over millions of pixels, millions of keys, borders and windows at them are not listed cell by cell.
fn what_is_large_and_regular_takes_hardly_any_memory() {
    let commitment = Commitment::from_bytes(&[0; 1024]).unwrap();
    let setting = Setting::default();
    let within = DEFAULT_MAX_CELLS;
    let side = 1 << 12;
    let shape = Shape::new(side, side, 1);
    let (before, larger) = (Shape::new(1, 1, 0), Shape::new(side + 2, side + 2, 1));
    let padded = graph(shape, Op::Pad(Pad { input: TensorId(0), before, value: 3 }), larger);
    let window = Window { kernel_h: 3, kernel_w: 3, pad_top: 1, pad_left: 1, ..Window::POINT };
    let tables = [4, 6, 9].map(|count| (count, vec![0; 255 * count + 1])).to_vec();
    let at_borders = graph(shape, Op::SumPool(SumPool { input: TensorId(0), window, tables }), shape);
    let maxima = graph(shape, Op::MaxPool(MaxPool { input: TensorId(0), window, min: -128, max: 127 }), shape);
    for graph in [pool(2998, 1), pool(1400, 1), pool(1001, 1000), padded, at_borders, maxima] {
        verdict(|| Verifier::with_setting_within(within, graph.clone(), 1, &setting)).unwrap();
    }
    // 2.4 GB of keys before.
    let graph = clamps(60);
    verdict(|| Verifier::hidden_within(within, graph.clone(), MANY_KEYS, commitment, 1, &setting)).unwrap();
}

/// An envelope has room for tables of 2^22 rows, one for each clamp.
fn tables_are_counted_before_they_are_made() {
    let commitment = Commitment::from_bytes(&[0; 1024]).unwrap();
    let setting = Setting::default();
    for count in [1, 40] {
        let graph = clamps(count);
        let result = verdict(|| Verifier::hidden_within(MAX_CELLS, graph.clone(), MANY_KEYS, commitment, 1, &setting));
        assert!(too_large(&result), "{count} clamps: {result:?}");
    }
    let graph = average(1 << 8, 1);
    assert!(too_large(&verdict(|| Verifier::with_setting_within(MAX_CELLS, graph.clone(), 1, &setting))));
}

/// The verifier's claims have weights for each tap, and it takes a step for each tap of each pixel.
fn windows_that_take_few_cells_and_many_steps_are_refused() {
    let commitment = Commitment::from_bytes(&[0; 1024]).unwrap();
    let (setting, envelope) = (Setting::default(), Envelope { limb_bits: 10, ..ENVELOPE });
    // Many taps of one pixel, many taps of many pixels, and as many in several images.
    for (graph, images) in [(wide(1 << 9, 1), 1), (wide(1 << 6, 1 << 6), 1), (wide(1 << 5, 1 << 4), 9)] {
        let result = verdict(|| Verifier::with_setting_within(MAX_CELLS, graph.clone(), images, &setting));
        assert!(too_wide(&result), "{result:?}");
        let result = verdict(|| Verifier::hidden_within(MAX_CELLS, graph.clone(), envelope, commitment, images, &setting));
        assert!(too_wide(&result), "hidden: {result:?}");
    }
    let graph = average(1 << 5, 1 << 8);
    assert!(too_wide(&verdict(|| Verifier::with_setting_within(MAX_CELLS, graph.clone(), 1, &setting))));
    // Within the limit, and taken as before.
    let [layer, graph] = [wide(1 << 4, 1 << 5), average(1 << 4, 1 << 5)];
    verdict(|| Verifier::with_setting_within(MAX_CELLS, layer.clone(), 1, &setting)).unwrap();
    verdict(|| Verifier::with_setting_within(MAX_CELLS, graph.clone(), 1, &setting)).unwrap();
    verdict(|| Verifier::hidden_within(MAX_CELLS, layer.clone(), envelope, commitment, 1, &setting)).unwrap();
}

/// A public input is no cell, and four connections have the verifier go through all of it.
fn what_is_read_of_a_public_input_is_counted() {
    let commitment = Commitment::from_bytes(&[0; 1024]).unwrap();
    let (shown, envelope) = (Setting::default(), Envelope { limb_bits: 10, ..ENVELOPE });
    let graph = corners(1 << 9, 5);
    assert!(graph.encode_architecture().len() < 400, "{}", graph.encode_architecture().len());
    assert!(too_wide(&verdict(|| Verifier::with_setting_within(MAX_CELLS, graph.clone(), 1, &shown))));
    assert!(too_wide(&verdict(|| Verifier::hidden_within(MAX_CELLS, graph.clone(), envelope, commitment, 1, &shown))));
    let one = corners(1 << 9, 1);
    assert!(too_wide(&verdict(|| Verifier::with_setting_within(MAX_CELLS, one.clone(), 5, &shown))));
    verdict(|| Verifier::with_setting_within(MAX_CELLS, one.clone(), 1, &shown)).unwrap();
    // Hidden ones are cells, of which only those at the ends of connections are read.
    let hidden = Setting { hidden_input: true, ..Setting::default() };
    verdict(|| Verifier::with_setting_within(MAX_CELLS, graph.clone(), 1, &hidden)).unwrap();
}

/// What a verifier computes of messages that mean nothing, which it only finds out at the end.
fn claims_take_memory_by_the_limit_too() {
    let commitment = Commitment::from_bytes(&[0; 1024]).unwrap();
    let envelope = Envelope { limb_bits: 10, ..ENVELOPE };
    let body = vec![1; 1 << 17];
    let layers = [wide(234, 1), wide(4, 240), wide(60, 14)].map(|graph| (graph, vec![None, Some(envelope)]));
    let far = [corners(1020, 1), dense((1 << 18) + 1)].map(|graph| (graph, vec![None, Some(envelope)]));
    let others = [average(16, 60), pool(90, 1), pool(3, 190), identity(Shape::new(500, 1000, 1))].map(|graph| (graph, vec![None]));
    for (graph, settings) in layers.into_iter().chain(far).chain(others) {
        for weights in settings {
            let setting = Setting { weights, ..Setting::default() };
            let relation = Relation::within(MAX_CELLS, &graph, 1, &setting).unwrap();
            let tensor = |id: TensorId| {
                let shape = graph.spec(id).shape;
                PublicTensor { shape, dtype: DataType::I8, values: vec![0; shape.num_elements()] }
            };
            let model = match weights {
                None => ModelClaim::Public { digest: graph.digest() },
                Some(envelope) => {
                    ModelClaim::Hidden { architecture: graph.architecture_digest(), envelope, commitment: Box::new(commitment) }
                }
            };
            let (input, output) = (InputClaim::Shown(tensor(graph.input())), OutputClaim::Shown(tensor(graph.output())));
            let statement = Statement { security_level: 128, context: Vec::new(), images: 1, model, input, output };
            let point = Transcript::new().challenges("at", relation.layout.log_cells());
            ALLOCATOR.set_limit(ALLOCATOR.allocated() + MAX_CLAIM_BYTES).unwrap();
            let mut transcript = VerifierTranscript::new(statement.transcript(), &body);
            let reduction = reduce(&mut transcript, &graph, &relation, &statement).unwrap();
            let _ = reduction.functional.evaluate(&relation.layout, &reduction.leaves, &EqWeights::new(&point));
            ALLOCATOR.set_limit(usize::MAX).unwrap();
        }
    }
}

fn a_relation_beyond_the_limit_is_refused_before_it_takes_memory() {
    let encoded = pool(1 << 12, 1).encode_architecture();
    assert!(encoded.len() < 64, "{}", encoded.len());
    let hidden_input = Setting { hidden_input: true, ..Setting::default() };
    let committed = Setting { output: OutputForm::Committed, ..hidden_input.clone() };
    let images = 1 << 16;
    let ranks = Setting { output: OutputForm::Rank { labels: vec![0; images], k: 1 }, ..Setting::default() };
    let shown = Setting::default();
    let shape = Shape::new(1 << 12, 1 << 12, 1);
    let padded = graph(shape, Op::Pad(Pad { input: TensorId(0), before: Shape::new(0, 0, 0), value: 0 }), shape);
    // Many taps of one pixel, few taps of many pixels, and both.
    let cases = [
        (Arc::new(Graph::decode_architecture(&encoded).unwrap()), 1, &shown),
        (pool(3, 1 << 12), 1, &shown),
        (pool(1 << 9, 1 << 7), 1, &shown),
        (identity(shape), 1, &shown),
        (padded, 1, &shown),
        (identity(Shape::new(1, 1, 1)), MAX_CELLS, &hidden_input),
        (identity(Shape::new(1, 1, 1)), usize::MAX, &hidden_input),
        (identity(Shape::new(1, 1, 1)), images, &committed),
        (identity(Shape::new(1, 1, 100)), images, &ranks),
    ];
    let commitment = Commitment::from_bytes(&[0; 1024]).unwrap();
    for (index, (graph, images, setting)) in cases.iter().enumerate() {
        let result = verdict(|| Verifier::with_setting_within(MAX_CELLS, graph.clone(), *images, setting));
        assert!(too_large(&result), "case {index}: {result:?}");
        if index < 5 {
            let result = verdict(|| Verifier::hidden_within(MAX_CELLS, graph.clone(), ENVELOPE, commitment, *images, setting));
            assert!(too_large(&result), "case {index}, hidden: {result:?}");
        }
    }

    // What is within the limit is derived, within the same memory and whatever the limit.
    for (graph, images) in [(pool(90, 1), 1), (pool(3, 190), 1), (identity(Shape::new(1, 1, 1)), 1 << 19)] {
        verdict(|| Verifier::with_setting_within(MAX_CELLS, graph.clone(), images, &shown)).unwrap();
    }
    let graph = pool(3, 190);
    let cells = |max| Relation::within(max, &graph, 1, &shown).map(|relation| relation.num_cells());
    assert_eq!(cells(MAX_CELLS), cells(DEFAULT_MAX_CELLS));
}
